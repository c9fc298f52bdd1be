"""How far event time has come, by what was read of the sources: until where ticks may close."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta

from pipelines.lake.borders import floor_to_tick, midnight_after
from pipelines.lake.checkpoints import reached
from pipelines.lake.lake import Lake
from pipelines.lake.sources import Register, register_of
from pipelines.lake.times import from_micros
from pipelines.sources.known import Known
from schemas.policy import Policy

_DAY = timedelta(days=1)


def watermark_of(lake: Lake, policy: Policy, *, is_complete: bool) -> datetime | None:
    """The time up to which ticks may close now; with `is_complete` the end of the last event's day, at most a day on."""
    register = register_of(lake)
    mark = watermark(register.values(), policy)
    if mark is not None and is_complete:
        furthest = floor_to_tick(mark + policy.time.lateness + _DAY, policy.time.tick)
        mark = min(midnight_after(_last_event(register)), furthest)
    return _or_reached(lake, mark)


def live_watermark_of(
    lake: Lake, register: Register, policy: Policy, idle: Collection[str], ahead: timedelta = timedelta()
) -> datetime | None:
    """The time up to which ticks may close while sources are being written; arguments as `live_watermark`."""
    return _or_reached(lake, live_watermark(register.values(), policy, idle, datetime.now(UTC), ahead))


def end_of_open(lake: Lake, policy: Policy) -> datetime | None:
    """End of the tick of the last event that is not further than a day ahead; None without events."""
    register = register_of(lake)
    mark = watermark(register.values(), policy)
    if mark is None:
        return None
    return min(floor_to_tick(_last_event(register), policy.time.tick) + policy.time.tick, mark + _DAY)


def watermark(register: Iterable[Known], policy: Policy) -> datetime | None:
    """The time up to which ticks are closed: null while no source has an event.

    A source's progress is its 10th (policy time.progress_events) latest event time, so that a single clock that jumped
    moves nothing; sources with fewer events are taken together as one. The furthest source counts, because every
    listed range is committed before; from it the allowed lateness is subtracted, and the rest of a tick.
    """
    full, pooled = _progress(register, policy)
    times = [*full, *([] if pooled is None else [pooled])]
    return _mark(max(times), policy, policy.time.lateness) if times else None


def live_watermark(
    register: Iterable[Known],
    policy: Policy,
    idle: Collection[str],
    now: datetime,
    ahead: timedelta = timedelta(),
) -> datetime | None:
    """The time up to which ticks are closed while logs are being written: null while no source has an event.

    The source that is furthest behind counts, of those that are not idle. Sources with fewer events than
    policy time.progress_events are taken together, and only hold back: where no other source goes on, time stays where
    the furthest one had come. A topic's partition that has no event yet, and does not rest either, holds back everything:
    its writer may just not have come to it. Ticks that have not ended by the clock of this machine, lateness included, are not
    closed, so that a writer whose clock is ahead closes nobody's windows; the run's plan records what was decided.

    Args:
        register: all sources.
        policy: the configuration.
        idle: ids of the sources that are not waited for.
        now: the time by this machine's clock.
        ahead: so much of the allowed lateness is not waited for: where the watermark will soon be.
    """
    lateness = max(policy.time.lateness - ahead, timedelta())
    known = list(register)
    if any(one.container == "topic" and not one.events and one.source not in idle for one in known):
        return None
    full, pooled = _progress((one for one in known if one.source not in idle), policy)
    if not full:
        all_full, all_pooled = _progress(known, policy)
        furthest = max(all_full) if all_full else all_pooled
        if furthest is None:
            return None
        full = [furthest]
    last = min([*full, *([] if pooled is None else [pooled])])
    return min(_mark(last, policy, lateness), floor_to_tick(now - lateness, policy.time.tick))


def _progress(register: Iterable[Known], policy: Policy) -> tuple[list[int], int | None]:
    """How far each source has come that has enough events, and how far the others have, taken together; microseconds."""
    needed = policy.time.progress_events
    full: list[int] = []
    pooled: set[tuple[int, str]] = set()
    for known in register:
        if len(known.latest) >= needed:
            full.append(known.latest[needed - 1][0])
        else:
            pooled |= set(known.latest)
    if not pooled:
        return full, None
    times = sorted((time for time, _ in pooled), reverse=True)
    return full, times[min(needed, len(times)) - 1]


def _mark(progress: int, policy: Policy, lateness: timedelta) -> datetime:
    """The watermark that an event time stands for: less the lateness that is waited for, and the rest of a tick."""
    return floor_to_tick(from_micros(progress) - lateness, policy.time.tick)


def _or_reached(lake: Lake, mark: datetime | None) -> datetime | None:
    """What was closed once is closed again after a rewind, whatever lateness or `--complete` let it close."""
    return max((end for end in (mark, reached(lake.read("runs"))) if end is not None), default=None)


def _last_event(register: Register) -> datetime:
    """The latest event time of any source; at least one has events."""
    return from_micros(max(known.latest[0][0] for known in register.values() if known.latest))
