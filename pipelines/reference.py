"""What the distribution test compares with: taken along as a file, pinned, and given free again; by whom and why is kept."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.lake.borders import floor_to_day, midnight_after
from pipelines.lake.checkpoints import reached
from pipelines.lake.commit import Outcome, Write
from pipelines.lake.keys import read_secret
from pipelines.lake.lake import Lake
from pipelines.lake.plan import Plan, last_policy
from pipelines.lake.references import ALWAYS, ReferenceFile, keep_reference, kept_reference, read_reference
from pipelines.lake.sealed import write_whole
from pipelines.lake.snapshots import read_snapshot
from pipelines.lake.state import manifest_of
from pipelines.writer import Writer, writing
from schemas.errors import LakeError
from schemas.pin import PIN
from schemas.policy import Policy
from schemas.snapshot import EVERYONE
from transforms.distribution import carried_by, recipe
from transforms.ingest.key import FingerprintKey


@dataclass(frozen=True)
class PinRequest:
    """What is to hold from the next open border on.

    Attributes:
        lake: folder of the lake; for an import it is made if it does not exist.
        action: one of schemas.pin.ACTIONS.
        file: what is imported; None otherwise.
        given_by: who decides it; None where it is not said.
        why: why; None likewise.
        key_file: file of the fingerprint key, asked for where a lake is made.
    """

    lake: Path
    action: str
    file: Path | None = None
    given_by: str | None = None
    why: str | None = None
    key_file: Path | None = None


@dataclass(frozen=True)
class Pinned:
    """What was recorded.

    Attributes:
        action: what was decided.
        reference: name of the reference; None where none is pinned any more.
        learned_day: start of the last day behind it; None likewise.
        groups: peer groups in it, everyone's included; 0 likewise.
        account_days: account-days behind everyone's centre, of the map that has most; 0 likewise.
        holds_from: border from which it holds; None where that is the first event.
        was_so: it was decided before: nothing was recorded.
    """

    action: str
    reference: str | None
    learned_day: datetime | None
    groups: int
    account_days: int
    holds_from: datetime | None
    was_so: bool = False


def export_reference(root: Path, to: Path) -> Pinned:
    """Writes what the next day will be compared with to a file: the pinned reference, or what was learned so far.

    Args:
        root: the lake; only read.
        to: the file; one that is there is replaced whole.

    Raises:
        LakeError: nothing was learned yet, or the file cannot be written.
    """
    lake = Lake.open(root)
    pin = _last_pin(lake)
    is_pinned = pin is not None and pin["reference"] is not None
    file = kept_reference(root, pin["reference"]) if is_pinned else _own(lake)  # type: ignore[index]
    write_whole(to, file.to_bytes())
    return _told("exported", None, file, None)


def pin(request: PinRequest, after: Callable[[str], None] = lambda _: None) -> Pinned:
    """Records what is compared with from the next open border on.

    Args:
        request: what, who, why.
        after: called after each point at which a commit can be interrupted; tests interrupt there.

    Raises:
        LakeError: the file is no reference, or one of another key or recipe; nothing was learned that could be frozen; nothing
            is pinned that could be thawed; another command was interrupted.
        LeaseHeld: the lake is being written.
    """
    brought = None if request.file is None else read_reference(request.file)
    lake = _opened(request)
    with writing(lake, "reference", after) as writer:
        writer.settle("reference", execute_pin, "repeat the command that was interrupted")
        policy, last = last_policy(lake), _last_pin(lake)
        file = _decided(request, lake, brought, policy)
        name = None if file is None else keep_reference(lake.root, file)
        holds_from = _next_open_border(lake)
        told = _told(request.action, name, file, None if holds_from == ALWAYS else holds_from)
        if (None if last is None else last["reference"]) == name:
            if name is None:
                fix = "`stillwatch status` tells what is compared with"
                raise LakeError(str(lake.root), "no reference is pinned that could be thawed", fix)
            since = last["holds_from"]  # type: ignore[index]
            return Pinned(**{**told.__dict__, "holds_from": None if since == ALWAYS else since, "was_so": True})
        work = {
            "action": request.action,
            "reference": name,
            "recipe": None if file is None else file.recipe,
            "learned_day": None if file is None else file.reference.learned_day.isoformat(),
            "holds_from": holds_from.isoformat(),
            "given_by": request.given_by,
            "why": request.why,
        }
        execute_pin(writer, writer.plan("reference", work, policy))
        return told


def execute_pin(writer: Writer, plan: Plan) -> None:
    """Executes a decision and commits it; repeated after a crash, it does the same."""
    work, learned = plan.work, plan.work["learned_day"]
    row: dict[str, Any] = {name: work[name] for name in ("action", "reference", "recipe", "given_by", "why")} | {
        "holds_from": datetime.fromisoformat(work["holds_from"]),
        "sequence": plan.sequence,
        "learned_day": None if learned is None else datetime.fromisoformat(learned),
        "given_at": plan.created,
    }
    rows = PIN.conform(pl.DataFrame([row], schema=PIN.polars))
    outcome = Outcome(accounts=0, windows=0, findings=0, policy_version=Policy.from_json(plan.policy).version)
    writer.commit(plan, {"reference_pins": Write(rows=rows)}, outcome)


def _opened(request: PinRequest) -> Lake:
    """The lake; a new one where a reference comes before the first log."""
    if request.action != "imported" or (request.lake / "_stillwatch" / "lake.json").exists():
        return Lake.open(request.lake)
    key = FingerprintKey(read_secret(request.lake, request.key_file, os.environ))
    return Lake.create(request.lake, key.id)


def _decided(request: PinRequest, lake: Lake, brought: ReferenceFile | None, policy: Policy) -> ReferenceFile | None:
    """What is to be pinned; None to pin nothing."""
    if request.action == "thawed":
        return None
    if brought is None:
        return _own(lake)
    if brought.key_id != lake.key_id:
        raise LakeError(
            str(request.file),
            f"its prompts were fingerprinted with key {brought.key_id}, those of the lake with {lake.key_id}: nothing in it could be compared but numbers of tokens",
            "export it from a lake of the same key",
        )
    if brought.recipe != recipe(policy):
        raise LakeError(
            str(request.file),
            "it was learned from calls that were sampled or mapped otherwise (`distribution.sampled_calls`, `time.tick_minutes`, or another version)",
            "export it from a lake of the same version and policy",
        )
    return brought


def _own(lake: Lake) -> ReferenceFile:
    """What the lake itself has learned so far."""
    carried = carried_by(read_snapshot(lake.root, manifest_of(lake).get("snapshot")))
    if carried is None:
        policy = last_policy(lake)
        least, calls = 2 * policy.distribution.least_accounts, policy.rates.l1_least_calls
        told = f"no reference was learned yet: that takes {least} accounts with {calls} calls in a day"
        raise LakeError(str(lake.root), told, "read more logs, or `stillwatch reference import` one of another lake")
    return ReferenceFile(lake.key_id, recipe(last_policy(lake)), carried)


def _last_pin(lake: Lake) -> dict[str, Any] | None:
    rows = lake.read("reference_pins").sort("holds_from", "sequence")
    return None if rows.is_empty() else rows.row(-1, named=True)


def _next_open_border(lake: Lake) -> datetime:
    """The first border of which nothing is closed behind: what was judged is not judged again otherwise."""
    ever = reached(lake.read("runs"))
    if ever is None:
        return ALWAYS
    return ever if ever == floor_to_day(ever) else midnight_after(ever)


def _told(action: str, name: str | None, file: ReferenceFile | None, holds_from: datetime | None) -> Pinned:
    if file is None:
        return Pinned(action, None, None, 0, 0, holds_from)
    centres = file.reference.parts["centres"]
    everyone = centres.filter(pl.col("peer_group") == EVERYONE)["accounts"].to_list()
    groups = centres["peer_group"].n_unique()
    return Pinned(action, name, file.reference.learned_day, groups, max(everyone, default=0), holds_from)
