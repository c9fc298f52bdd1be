"""What a call owes to the account's calls before it, of this run or an earlier one.

Each kind of memory is bounded in time, exactly to the microsecond, and in rows a tick, so that neither the cut of a day
into runs nor a flood of calls can change or swell it.
"""

from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.order.shown import hashed
from transforms.order.ticks import Ticks, flags, moments
from transforms.sketches.grouping import changes, lengths_of, order_of, ranks_of, starts_of
from transforms.sketches.mix import I64

LONGEST_GAP = timedelta(hours=1)
REFUSAL_MEMORY = timedelta(hours=24)
WALK_MEMORY = timedelta(hours=1)
REFUSALS_A_TICK = 128
SHAPES_A_TICK = 16

_TIME = pl.Datetime("us", "UTC")
LAYOUT = {
    "calls": pl.Schema({"account_id": pl.String(), "time": _TIME}),
    "refusals": pl.Schema({"account_id": pl.String(), "prompt_digest": pl.Int64(), "time": _TIME}),
    "walks": pl.Schema({"account_id": pl.String(), "shape": pl.Int64(), "number": pl.Int64(), "time": _TIME}),
}
_NUMBERED = r"(?s)^(?<front>.*?)(?<number>[0-9]{1,18})(?<back>[^0-9]*)$"

Bools = npt.NDArray[np.bool_]


def gaps(ticks: Ticks, calls: pl.DataFrame) -> I64:
    """Milliseconds since the account's previous call, rounded down; -1 where there is none within `LONGEST_GAP`.

    Args:
        ticks: the calls.
        calls: the last call of accounts (`LAYOUT`).
    """
    known = ticks.accounts.select("account_id").join(calls, on="account_id", how="left", maintain_order="left")
    before = known["time"].to_physical().fill_null(-(2**62)).to_numpy()
    previous = np.empty_like(ticks.time)
    previous[1:] = ticks.time[:-1]
    first = starts_of(ticks.account)
    previous[first] = before[ticks.account[first]]
    gap = ticks.time - previous
    return np.where(gap <= _us(LONGEST_GAP), gap // 1000, -1)


def last_calls(ticks: Ticks, calls: pl.DataFrame, until: datetime) -> pl.DataFrame:
    """The last call of every account (`LAYOUT`), those that no later call can follow within `LONGEST_GAP` left out."""
    first = starts_of(ticks.account)
    last = ticks.time[first + lengths_of(first, len(ticks.time)) - 1]
    came = ticks.accounts.select("account_id").with_columns(moments(last).alias("time"))
    return _latest(calls, came, ["account_id"], until - LONGEST_GAP)


def answers(ticks: Ticks, refusals: pl.DataFrame) -> tuple[Bools, pl.DataFrame]:
    """Calls answered whose exact prompt was refused to the account earlier, within `REFUSAL_MEMORY`.

    Answered is a call that is known not to be refused and has no error status. Of a tick's refused prompts the
    `REFUSALS_A_TICK` with the smallest digests are remembered.

    Returns:
        One boolean a call; the refusals of these calls that are remembered (`LAYOUT`).
    """
    calls, shown = ticks.calls, pl.col("prompt_digest").is_not_null()
    refused = flags(calls, pl.col("is_refused") & shown)
    answered = np.zeros(len(refused), dtype=np.bool_)
    if not refused.any() and refusals.is_empty():
        return answered, refusals.clear()
    digests = calls["prompt_digest"].fill_null(0).to_numpy()
    refused = _smallest(ticks.cell, digests, np.flatnonzero(refused))
    may_answer = flags(calls, pl.col("is_refused").not_() & shown & (pl.col("http_status") < 400).fill_null(value=True))
    rows = np.flatnonzero(may_answer | refused)
    old = _of(ticks, refusals)
    account = np.concatenate([old["account"].to_numpy(), ticks.account[rows]])
    digest = np.concatenate([old["prompt_digest"].to_numpy(), digests[rows]])
    time = np.concatenate([old["time"].to_physical().to_numpy(), ticks.time[rows]])
    is_refusal = np.concatenate([np.ones(old.height, dtype=np.bool_), refused[rows]])

    order = order_of(account, digest)  # of one prompt by time: rows are
    account, digest, time, is_refusal = account[order], digest[order], time[order], is_refusal[order]
    earlier = _first_of_run(account, digest, time) - 1
    latest = _latest_place(is_refusal)[earlier]
    is_known = (earlier >= _first_of_run(account, digest)) & (latest >= _first_of_run(account, digest))
    within = is_known & ~is_refusal & (time - time[latest] <= _us(REFUSAL_MEMORY))
    answered[rows[order[within] - old.height]] = True
    kept = np.flatnonzero(refused)
    return answered, _rows(ticks, kept, prompt_digest=digests[kept])


def last_refusals(before: pl.DataFrame, came: pl.DataFrame, until: datetime) -> pl.DataFrame:
    """The latest refusal of each account and prompt, those older than `REFUSAL_MEMORY` left out."""
    return _latest(before, came, ["account_id", "prompt_digest"], until - REFUSAL_MEMORY)


def walks(ticks: Ticks, known: pl.DataFrame) -> tuple[Bools, Bools, pl.DataFrame]:
    """Downloads whose object carries a number, and those that follow on the object before.

    An object is a shape around its last number: `/files/f-17/content` is number 17 of `/files/f-#/content`. A download
    follows on if the account's previous download of the same shape, within `WALK_MEMORY`, had a number smaller by one. Of
    a tick's shapes the `SHAPES_A_TICK` most used are remembered after it (ties: the smaller hash).

    Returns:
        Whether a call is numbered; whether it follows on; the last numbers of shapes to remember (`LAYOUT`).
    """
    numbered, sequential = np.zeros(len(ticks.time), dtype=np.bool_), np.zeros(len(ticks.time), dtype=np.bool_)
    rows = np.flatnonzero(flags(ticks.calls, (pl.col("operation") == "download") & pl.col("object").is_not_null()))
    if len(rows) == 0:
        return numbered, sequential, known.clear()
    parts = ticks.calls["object"].gather(rows).str.extract_groups(_NUMBERED).struct.unnest()
    has_number = parts["number"].is_not_null().to_numpy()
    rows, parts = rows[has_number], parts.filter(has_number)
    shapes, numbers = _shape(parts), parts["number"].cast(pl.Int64).to_numpy()
    numbered[rows] = True

    old = _of(ticks, known)
    account = np.concatenate([old["account"].to_numpy(), ticks.account[rows]])
    shape = np.concatenate([old["shape"].to_numpy(), shapes])
    number = np.concatenate([old["number"].to_numpy(), numbers])
    time = np.concatenate([old["time"].to_physical().to_numpy(), ticks.time[rows]])
    cell = np.concatenate([np.full(old.height, -1), ticks.cell[rows]])
    remembered = np.concatenate([np.ones(old.height, dtype=np.bool_), _most_used(ticks.cell[rows], shapes)])

    order = order_of(account, shape)
    account, shape, number, time, cell = (column[order] for column in (account, shape, number, time, cell))
    here = np.arange(len(order))
    first_in_cell = _first_of_run(account, shape, cell)
    previous = np.where(here > first_in_cell, here - 1, _latest_place(remembered[order])[first_in_cell - 1])
    is_known = (previous >= _first_of_run(account, shape)) & (here > _first_of_run(account, shape))
    follows = is_known & (number == number[previous] + 1) & (time - time[previous] <= _us(WALK_MEMORY))
    came = order >= old.height
    sequential[rows[order[follows & came] - old.height]] = True
    kept = remembered[old.height :]
    return numbered, sequential, _rows(ticks, rows[kept], shape=shapes[kept], number=numbers[kept])


def last_walks(before: pl.DataFrame, came: pl.DataFrame, until: datetime) -> pl.DataFrame:
    """The last number of each account and shape, those older than `WALK_MEMORY` left out."""
    return _latest(before, came, ["account_id", "shape"], until - WALK_MEMORY)


def still_known(before: pl.DataFrame, since: datetime) -> pl.DataFrame:
    """What is remembered from `since` on (any of `LAYOUT`)."""
    return before if before.is_empty() else before.filter(pl.col("time") >= since)


def _us(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


def _of(ticks: Ticks, remembered: pl.DataFrame) -> pl.DataFrame:
    """What is remembered of the accounts of these calls, with `account`, their number."""
    numbers = ticks.accounts.select("account_id", account=pl.int_range(pl.len()))
    return remembered.join(numbers, on="account_id", how="inner", maintain_order="left")


def _rows(ticks: Ticks, rows: I64, **columns: I64) -> pl.DataFrame:
    """The calls `rows` as something to remember."""
    ids = ticks.accounts["account_id"].gather(ticks.account[rows])
    return pl.DataFrame(
        [ids, *[pl.Series(name, values) for name, values in columns.items()], moments(ticks.time[rows]).alias("time")]
    )


def _latest(before: pl.DataFrame, came: pl.DataFrame, by: list[str], since: datetime) -> pl.DataFrame:
    """Of each the latest row, of equally late ones the last; those before `since` are forgotten."""
    if came.is_empty():
        return still_known(before, since)
    return (
        pl.concat([before, came])
        .filter(pl.col("time") >= since)
        .sort(*by, "time", maintain_order=True)
        .unique(by, keep="last", maintain_order=True)
    )


def _first_of_run(*sorted_columns: I64) -> I64:
    """Place at which the run of equal rows that each row belongs to begins."""
    starts = starts_of(*sorted_columns)
    return np.repeat(starts, lengths_of(starts, len(sorted_columns[0])))


def _latest_place(marked: Bools) -> I64:
    """The last marked place up to each, -1 where there is none."""
    return np.maximum.accumulate(np.where(marked, np.arange(len(marked)), -1))


def _smallest(cell: I64, digests: I64, rows: I64) -> Bools:
    """Marks those of `rows` whose digest is among the smallest `REFUSALS_A_TICK` of their cell's rows."""
    order = order_of(cell[rows], digests[rows])
    cells, keys = cell[rows][order], digests[rows][order]
    fresh = changes(cells, keys)
    place = np.cumsum(fresh) - 1
    kept = place - place[_first_of_run(cells)] < REFUSALS_A_TICK
    out = np.zeros(len(cell), dtype=np.bool_)
    out[rows[order[kept]]] = True
    return out


def _most_used(cell: I64, shapes: I64) -> Bools:
    """Whether each download's shape is among the `SHAPES_A_TICK` most used of its cell."""
    order = order_of(cell, shapes)
    starts = starts_of(cell[order], shapes[order])
    uses = lengths_of(starts, len(order))
    ranked = np.lexsort((shapes[order][starts], -uses, cell[order][starts]))
    ranks = np.empty(len(starts), dtype=np.int64)
    ranks[ranked] = ranks_of(starts_of(cell[order][starts][ranked]), len(starts))
    out = np.empty(len(order), dtype=np.bool_)
    out[order] = np.repeat(ranks < SHAPES_A_TICK, uses)
    return out


def _shape(parts: pl.DataFrame) -> I64:
    return hashed(parts.select(pl.concat_str("front", pl.lit("\x00"), "back")).to_series()).to_numpy()
