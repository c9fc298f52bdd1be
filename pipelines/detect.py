"""DETECT: events of some ticks in; sessions, windows, scores and findings out.

    Create groups | account group | (shards | links | campaigns) | findings | messages

An account group is a range of account hashes; a shard is a part of the trait keys; campaigns are brought together in one
place. The pipeline holds no data between
two runs: state comes in and goes out as files.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import apache_beam as beam
import polars as pl

from pipelines import account_group, key_shard
from pipelines.account_group import GroupRows, GroupState, step, still_open
from pipelines.detect_job import DetectJob
from pipelines.key_shard import ShardState
from pipelines.lake.accounts_held import accounts_held
from pipelines.lake.borders import floor_to_day
from pipelines.lake.files import FileEntry, group_range, read_events, write_frame
from pipelines.lake.lake import Lake, made_at
from pipelines.lake.references import judged_with
from pipelines.lake.sealed import write_whole
from pipelines.lake.state import Kind, Remembered, States
from pipelines.manifests import WriteMessages, staging
from pipelines.wire import pack, tagged, untagged
from schemas.catalogue import TABLES
from schemas.foreign import FOREIGN
from schemas.hit import HIT
from schemas.policy import Policy
from schemas.scored import SCORED
from schemas.shared import SHARED
from schemas.snapshot import Snapshot
from schemas.tally import TALLY
from schemas.tested import TESTED
from schemas.tie import TIE, TIED
from schemas.trait import TRAIT_KINDS
from transforms import campaigns, findings
from transforms.campaigns import Base, CampaignState, Habits, RingState, base_of, facts
from transforms.campaigns.habits import KINDS, MODELS, SHOWN, models_of
from transforms.campaigns.work import LATEST
from transforms.detectors import GiverState, ReplayState, cards, givers, replays
from transforms.findings import Calibration, FindingsState, Inputs, Judge
from transforms.links import Compact

STATES = (
    account_group.STATES | key_shard.STATES | {"campaigns": CampaignState, "rings": RingState, "givers": GiverState}
)
"""What each stage remembers, by the stage's name."""

SHARDS = 4
_SHARD_KEY = 1_000_000
"""Keys of shards start here, those of account groups at 0."""

_CAMPAIGNS_KEY = 2_000_000
_FILES = pl.Schema({"path": pl.String()})
_ACCEPTED = pl.Schema({"source": pl.String(), "accepted": pl.Int64(), "duplicates": pl.Int64()})
_ALL = "all"
"""Key of the state of all campaigns."""

_TALLIED = (*findings.COLUMNS, "sample_event_ids")
"""TALLY columns that go to findings, of more than eighty: what they read, and example calls of a tick for hits that have none."""

_CAMPAIGN_COLUMNS = ("campaign_id", "campaign_ids", "left_campaign_ids")
_IN_LAKE = [kind.name for kind in TRAIT_KINDS if kind.in_lake]
_SNAPSHOT_PARTS = (
    "peers",
    "ranks",
    "references",
    "trees",
    "drifts",
    "centres",
    "nulls",
    "distances",
    "moves",
    "nights",
    "leanings",
)


def build(job: DetectJob, pipeline: beam.Pipeline, *, is_spread: bool = True) -> object:
    """Applies the pipeline.

    Args:
        job: the run.
        pipeline: what it is applied to.
        is_spread: account groups go to several workers; where there is one, dealing them out is a stage more for nothing.

    Each step's output is grouped by whom it is for, once: that gives each its own, keeps the steps apart and in order, and costs
    a run without events less than shuffling it before sorting out who gets what.
    """
    shown = (
        pipeline
        | "Account groups" >> beam.Create(list(range(job.groups)), reshuffle=is_spread)
        | "Step groups" >> beam.ParDo(StepGroups(job)).with_output_types(tuple[int, bytes])
        | "Gather traits and own" >> beam.GroupByKey()
    )
    linked = (
        shown
        | "Step links" >> beam.ParDo(StepLinks(job)).with_output_types(tuple[int, bytes])
        | "Gather ties and foreign" >> beam.GroupByKey()
    )
    joined = linked | "Step campaigns" >> beam.ParDo(StepCampaigns(job)).with_output_types(tuple[int, bytes])
    own = shown | "To groups" >> beam.FlatMap(_for_group).with_output_types(tuple[int, bytes])
    of_links = linked | "From links to groups" >> beam.FlatMap(_for_group).with_output_types(tuple[int, bytes])
    return (
        (own, of_links, joined)
        | "All of a group" >> beam.Flatten()
        | "Gather groups" >> beam.GroupByKey()
        | "Step findings" >> beam.ParDo(StepFindings(job)).with_output_types(tuple[int, bytes])
        | "Gather messages" >> beam.GroupByKey()
        | "Write messages" >> beam.ParDo(WriteMessages(job.root, job.run_id))
    )


def _for_group(element: tuple[int, Iterable[bytes]]) -> Iterator[tuple[int, bytes]]:
    key, messages = element
    if key < _SHARD_KEY:
        for message in messages:
            yield key, message


def group_key(group: int) -> str:
    """How a group is called in names of files and states."""
    return f"group-{group:03d}"


@lru_cache(maxsize=2)
def _snapshot(root: str, name: str | None, reference: str | None) -> Snapshot:
    return judged_with(Path(root), name, reference, _SNAPSHOT_PARTS)


def _registry(job: DetectJob) -> pl.DataFrame:
    return _registry_of(job.root, made_at(Path(job.root)), job.registry_version, job.closed_until)


@lru_cache(maxsize=2)
def _registry_of(root: str, made: int, version: int, until: datetime) -> pl.DataFrame:  # noqa: ARG001 - tells lakes apart
    return accounts_held(Lake.open(Path(root)), until, version)


def _base(job: DetectJob) -> Base:
    """What is ordinary on the day that the ticks to be closed belong to."""
    return _base_of(job.root, made_at(Path(job.root)), job.registry_version, job.snapshot, job.closed_until, job.policy)


@lru_cache(maxsize=2)
def _base_of(root: str, made: int, version: int, snapshot: str | None, until: datetime, policy: str) -> Base:
    own = Policy.from_json(policy)
    border = floor_to_day(until - own.time.tick)
    known = facts(_registry_of(root, made, version, until))
    learned = _snapshot(root, snapshot, None)
    return base_of(known, border, own.campaigns, learned)


class _Stage(beam.DoFn):
    """What the stages share: the job, and where their rows go."""

    def __init__(self, job: DetectJob) -> None:
        self._job = job

    @property
    def _states(self) -> States:
        return States(Path(self._job.root))

    def _policy(self) -> Policy:
        return Policy.from_json(self._job.policy)

    def _restored(self, stage: str, key: str, kind: type[Kind]) -> Kind:
        return self._states.restore(self._job.manifest.get(f"{stage}/{key}"), kind)

    def rows(self, table: str, key: str, frame: pl.DataFrame) -> dict[str, list[Any]]:
        """Writes rows where the commit finds them: a data file, or the staging folder if they are provisional."""
        if self._job.provisional:
            if not frame.is_empty():
                path = staging(Path(self._job.root), self._job.run_id) / f"{table}-{key}.arrow"
                write_whole(path, pack(frame))
            return {}
        contract = TABLES[table]
        name = f"{self._job.label}-{key}.parquet"
        entry = write_frame(Path(self._job.root) / table, contract, name, contract.shape(frame))
        return {} if entry is None else {table: [entry.to_json()]}


class StepGroups(_Stage):
    """A group's events become tallies, sessions, windows, scores and hits."""

    def process(self, group: int) -> Iterator[tuple[int, bytes]]:
        """One account group."""
        job, policy, key = self._job, self._policy(), group_key(group)
        hashes = group_range(group, job.groups)
        events = read_events([Path(p) for p in job.files], hashes, (job.closed_from, job.closed_until))
        snapshot = _snapshot(job.root, job.snapshot, job.reference)
        registry = _registry(job)
        before = GroupState.read(self._states, job.manifest, key, job.closed_from)
        after, rows = step(before, events, snapshot, registry, job.closed_until, policy)
        if job.provisional:
            yield from self._provisional(group, after, rows, snapshot, registry, policy)
            return
        late = _late(job, hashes)
        tables = self.rows("sessions", key, rows.sessions)
        windowed = self.rows("account_windows", key, rows.windows)
        tables |= windowed
        tables |= self.rows("account_embeddings", key, rows.embeddings)
        shown = self.rows("traits", key, rows.traits.filter(pl.col("kind").is_in(_IN_LAKE)))
        tables |= shown
        tables |= self.rows("too_late", key, late)
        days = rows.tallies.select("account_id", pl.col("tick").dt.truncate("1d")).unique()
        message = {
            "group": group,
            "tables": tables,
            "states": after.write(before, self._states, key, job.label),
            "counts": _counts(rows.counts, late),
            "accounts": days["account_id"].n_unique(),
            "account_days": days.height,
            "windows": rows.windows.height,
        }
        yield from self._messages(group, message, rows)
        for table, written in (("traits", shown), ("account_windows", windowed)):
            paths = [file["path"] for file in written.get(table, [])]
            if paths:
                yield _CAMPAIGNS_KEY, tagged(table, pl.DataFrame({"path": paths}, schema=_FILES))
        if not rows.traits.is_empty():
            yield _CAMPAIGNS_KEY, tagged("models", models_of(rows.traits))

    def _provisional(
        self,
        group: int,
        after: GroupState,
        rows: GroupRows,
        snapshot: Snapshot,
        registry: pl.DataFrame,
        policy: Policy,
    ) -> Iterator[tuple[int, bytes]]:
        sessions, windows, scored, tested, hits = still_open(after, snapshot, registry, policy)
        shown = pl.lit(value=True).alias("provisional")
        self.rows("sessions", group_key(group), pl.concat([rows.sessions.with_columns(shown), sessions]))
        self.rows("account_windows", group_key(group), pl.concat([rows.windows.with_columns(shown), windows]))
        scores = pl.concat([rows.scored.with_columns(shown), scored])
        together = replace(
            rows,
            scored=scores,
            tested=pl.concat([rows.tested, tested]),
            hits=HIT.conform(pl.concat([rows.hits, hits])),
        )
        yield from self._messages(group, {"group": group}, together)

    def _messages(self, group: int, message: dict[str, Any], rows: GroupRows) -> Iterator[tuple[int, bytes]]:
        yield group, b"message\n" + json.dumps(message).encode()
        yield group, tagged("tallies", rows.tallies.select(_TALLIED))
        yield group, tagged("scored", rows.scored)
        yield group, tagged("tested", rows.tested)
        yield group, tagged("hits", rows.hits)
        for number, part in enumerate(Compact.of(rows.traits).shards(SHARDS)):
            yield _SHARD_KEY + number, tagged("rows", part.rows)
            yield _SHARD_KEY + number, tagged("names", part.names)


class StepLinks(_Stage):
    """The traits of one shard, of all accounts, become what accounts share."""

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[tuple[int, bytes]]:
        """One shard: the frames of all account groups; what is for campaigns goes on to them, the rest is left to others."""
        if element[0] == _CAMPAIGNS_KEY:
            for message in element[1]:
                yield _CAMPAIGNS_KEY, message
        if not _SHARD_KEY <= element[0] < _CAMPAIGNS_KEY:
            return
        job, key = self._job, f"shard-{element[0] - _SHARD_KEY:03d}"
        sent: dict[str, list[pl.DataFrame]] = {"rows": [], "names": []}
        for message in element[1]:
            tag, frame = untagged(message)
            sent[tag].append(frame)
        traits = Compact.together(sent["rows"], sent["names"])
        before = ShardState.read(self._states, job.manifest, key)
        registry = _registry(job)
        base = _base(job)
        after, rows = key_shard.step(before, traits, registry, base, job.closed_until, self._policy())
        if not job.provisional:
            written, gone = after.write(before, self._states, key, job.label)
            yield 0, b"message\n" + json.dumps({"states": written, "gone": gone}).encode()
        for group in range(job.groups):
            low, high = group_range(group, job.groups)
            mine = rows.foreign.filter(pl.col("account_hash").is_between(low, high - 1))
            if not mine.is_empty():
                yield group, tagged("foreign", mine)
        if not rows.foreign.is_empty():
            yield _CAMPAIGNS_KEY, tagged("foreign", rows.foreign)
        yield _CAMPAIGNS_KEY, tagged("ties", rows.ties)
        yield _CAMPAIGNS_KEY, tagged("tied", rows.tied)
        yield _CAMPAIGNS_KEY, tagged("prompts", rows.prompts)


class StepCampaigns(_Stage):
    """The ties of all shards become campaigns, and what those add to the accounts in them."""

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[tuple[int, bytes]]:
        """One element: what all shards sent; what is for others is left to them."""
        if element[0] != _CAMPAIGNS_KEY:
            return
        job = self._job
        sent: dict[str, list[pl.DataFrame]] = {}
        for packed in element[1]:
            tag, frame = untagged(packed)
            sent.setdefault(tag, []).append(frame)
        ties, tied, prompts = (
            contract.conform(pl.concat(sent[tag]))
            for tag, contract in (("ties", TIE), ("tied", TIED), ("prompts", SHARED))
        )
        state = self._restored("campaigns", _ALL, CampaignState)
        accounts = pl.concat([state.held["account_hash"], tied["account_hash"]]).unique()
        models = pl.concat(sent["models"]) if "models" in sent else pl.DataFrame(schema=MODELS)
        shown = self._written("traits", sent, SHOWN, accounts, pl.col("kind").is_in(KINDS))
        habits = Habits(
            shown.sort("tick", "account_hash", "kind", "key"),
            models,
            self._written("account_windows", sent, LATEST, accounts),
        )
        after, hits, found = campaigns.step(state, ties, tied, prompts, habits, job.closed_until, self._policy())
        foreign = FOREIGN.conform(pl.concat([FOREIGN.empty(), *sent.get("foreign", [])]))
        states, given, of_rings, rings = self._rings(foreign)
        if not job.provisional:
            states[f"campaigns/{_ALL}"] = self._states.store("campaigns", _ALL, job.label, after)
            hits = campaigns.with_rings(hits, of_rings)
            found = pl.concat([found, rings])
            message = {"states": states, "tables": self.rows("campaigns", _ALL, found)}
            yield 0, b"message\n" + json.dumps(message).encode()
        else:  # what is not in the table yet is not spoken of
            hits = hits.with_columns(pl.lit(None).alias(name) for name in _CAMPAIGN_COLUMNS)
            hits = HIT.conform(hits)
        for group in range(job.groups):
            low, high = group_range(group, job.groups)
            mine = hits.filter(pl.col("account_hash").is_between(low, high - 1))
            if not mine.is_empty():
                yield group, tagged("hits", mine)
            told = given.filter(pl.col("issuer_hash").is_between(low, high - 1))
            if not told.is_empty():
                yield group, tagged("given", told)

    def _rings(self, foreign: pl.DataFrame) -> tuple[dict[str, str], pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """States to keep (none of a provisional run), redemptions that speak against the issuer too, hits of rings, and the rings."""
        job, policy = self._job, self._policy()
        taken = self._restored("givers", _ALL, GiverState)
        known, given = givers.step(taken, foreign, _registry(job), job.closed_until, policy)
        before = self._restored("rings", _ALL, RingState)
        after, hits, rings = campaigns.ring(before, foreign, given, job.closed_until, policy)
        pieces: list[tuple[str, Remembered, Remembered]] = [("givers", taken, known), ("rings", before, after)]
        states = {
            f"{stage}/{_ALL}": self._states.store(stage, _ALL, job.label, now)
            for stage, was, now in pieces
            if now is not was and not job.provisional
        }
        return states, given, hits, rings

    def _written(
        self,
        table: str,
        sent: dict[str, list[pl.DataFrame]],
        schema: pl.Schema,
        accounts: pl.Series,
        wanted: pl.Expr | bool = True,
    ) -> pl.DataFrame:
        """Rows of these accounts in a table, out of the files that the run has written; they are not in the table yet."""
        paths = sorted(path for frame in sent.get(table, []) for path in frame["path"])
        if not paths or accounts.is_empty():
            return pl.DataFrame(schema=schema)
        files = [Path(self._job.root) / table / path for path in paths]  # columns without values are left out of them
        rows = pl.scan_parquet(files, schema=schema, missing_columns="insert", extra_columns="ignore")
        return rows.filter(pl.col("account_hash").is_in(accounts.implode()), wanted).collect()


class StepFindings(_Stage):
    """A group's scores and hits become scores by hour and revisions of findings."""

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[tuple[int, bytes]]:
        """One account group: what its own stages and the shards sent."""
        job, policy, key = self._job, self._policy(), group_key(element[0])
        frames: dict[str, list[pl.DataFrame]] = {}
        messages: list[dict[str, Any]] = []
        for sent in element[1]:
            if sent.startswith(b"message\n"):
                messages.append(json.loads(sent.partition(b"\n")[2]))
            else:
                tag, frame = untagged(sent)
                frames.setdefault(tag, []).append(frame)
        tallies = pl.concat(frames["tallies"]).sort(list(TALLY.key))
        foreign, given = (
            FOREIGN.conform(pl.concat([FOREIGN.empty(), *frames.get(tag, [])])) for tag in ("foreign", "given")
        )
        replayed = self._restored("replay", key, ReplayState)
        state = self._restored("findings", key, FindingsState)
        replayed, came_back = replays.step(replayed, foreign, given, tallies, job.closed_until, policy)
        hits = _with_examples(HIT.conform(pl.concat([*frames["hits"], came_back])), tallies)
        scored = SCORED.conform(pl.concat(frames["scored"]))
        tested = TESTED.conform(pl.concat(frames["tested"]))
        inputs = Inputs(scored, hits, tallies, tested)
        judge = _judge(job, policy)
        if job.provisional:
            scores, flagged = findings.still_open(state, inputs, judge, job.closed_until)
            self.rows("account_scores", key, scores.with_columns(pl.lit(value=True).alias("provisional")))
            self.rows("flagged_accounts", key, flagged)
            yield 0, b"{}"
            return
        after, scores, revisions = findings.step(state, inputs, judge, job.closed_until)
        if job.reconsiders is not None:
            published = _published(job, group_range(element[0], job.groups))
            period = (job.closed_from, job.closed_until)
            opened, revisions = findings.reconcile(published, revisions, after.open, period, policy.version)
            after = replace(after, open=opened)
        states = {f"replay/{key}": self._states.store("replay", key, job.label, replayed)}
        states[f"findings/{key}"] = self._states.store("findings", key, job.label, after)
        tables = self.rows("account_scores", key, scores) | self.rows("findings", key, revisions)
        messages.append({"states": states, "tables": tables, "findings": revisions.height})
        for message in messages:
            yield 0, json.dumps(message, sort_keys=True).encode()


def _with_examples(hits: pl.DataFrame, tallies: pl.DataFrame) -> pl.DataFrame:
    """Hits of campaigns with example calls of their tick, which were not at hand where campaigns are made."""
    calls = tallies.select("account_id", "tick", calls="sample_event_ids")
    known = hits.join(calls, on=["account_id", "tick"], how="left", maintain_order="left")
    has_none = pl.col("sample_event_ids").list.len() == 0
    examples = pl.when(has_none).then(pl.col("calls").fill_null([])).otherwise("sample_event_ids")
    return known.with_columns(sample_event_ids=examples).drop("calls")


def _published(job: DetectJob, hashes: tuple[int, int]) -> pl.DataFrame:
    """Revisions about the accounts of a group."""
    low, high = hashes
    rows = Lake.open(Path(job.root)).read("findings", job.reconsiders)
    return rows.filter(pl.col("account_hash").is_between(low, high - 1))


def _judge(job: DetectJob, policy: Policy) -> Judge:
    snapshot = _snapshot(job.root, job.snapshot, job.reference)
    registry = _registry(job)
    calibration, distances = Calibration.of(snapshot["references"]), Calibration.of(snapshot["distances"])
    return Judge(calibration, registry, cards(), policy, snapshot.snapshot_id, distances)


def late_messages(job: DetectJob) -> list[dict[str, Any]]:
    """What a run reports of events of ticks closed before, where the rest of its work was done before they were known of."""
    own, none = _Stage(replace(job, ahead=None)), pl.DataFrame(schema=_ACCEPTED)
    messages = []
    for group in range(job.groups if job.late_files else 0):
        late = _late(job, group_range(group, job.groups))
        messages.append({"tables": own.rows("too_late", group_key(group), late), "counts": _counts(none, late)})
    return messages


def _late(job: DetectJob, hashes: tuple[int, int]) -> pl.DataFrame:
    """Events of a group that came since the last run and belong to ticks closed before."""
    if job.closed_from is None or not job.late_files:
        return TABLES["too_late"].empty()
    return read_events([Path(p) for p in job.late_files], hashes, (None, job.closed_from))


def _counts(accepted: pl.DataFrame, late: pl.DataFrame) -> list[dict[str, Any]]:
    """Events by source: accepted, duplicates, too_late."""
    late_counts = late.group_by("source").agg(too_late=pl.len().cast(pl.Int64))
    joined = accepted.join(late_counts, on="source", how="full", coalesce=True)
    return joined.fill_null(0).select("source", "accepted", "duplicates", "too_late").sort("source").to_dicts()


def entries(messages: list[dict[str, Any]]) -> dict[str, tuple[FileEntry, ...]]:
    """Data files by table, of all messages, sorted by name."""
    found: dict[str, list[FileEntry]] = {}
    for message in messages:
        for table, files in message.get("tables", {}).items():
            found.setdefault(table, []).extend(FileEntry.from_json(file) for file in files)
    return {table: tuple(sorted(files, key=lambda file: file.path)) for table, files in sorted(found.items())}
