"""Rules over an account's own calls, and redeemed handles, once more: plain Python over all ticks in memory, slow and obvious."""

import math
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from oracle_order import HOUR, floor
from schemas.foreign import FOREIGN
from schemas.hit import HIT
from schemas.policy import Policy
from schemas.trait import TRAIT_KINDS

_CAPS = {kind.name: kind.per_tick for kind in TRAIT_KINDS}
_KEPT = 64  # keys of a kind that are remembered of a tick
_TEMPLATES = ("head", "tail", "line", "shingle")

Row = dict[str, Any]


@dataclass
class Tick:
    """One account's tick: its tally, and its traits by kind and key."""

    tally: Row
    traits: dict[str, dict[int, Row]]

    @property
    def counts(self) -> bool:
        """Whether anything a rule counts happened in it."""
        t = self.tally
        names = ("with_logit_bias", "with_logprobs", "refused", "sequential", "numbered", "download_calls")
        return any(t[name] for name in names) or t["system_prompt_asks"] > 0 or self.both > 0

    @property
    def both(self) -> int:
        """At least so many calls asked for log-probabilities and for one token."""
        return max(self.tally["with_logprobs"] + self.tally["one_token"] - self.tally["parameters_known"], 0)

    def kept(self, kind: str) -> list[int]:
        """The smallest keys, of prompts those that were refused."""
        smallest = sorted(self.traits[kind])[:_KEPT]
        return [key for key in smallest if kind != "payload" or self.traits[kind][key]["refused"]]

    def estimate(self, kind: str) -> int:
        """How many keys there were, those that were cut off included."""
        keys = self.traits[kind]
        if len(keys) < _CAPS[kind]:
            return len(keys)
        share = (float(max(keys)) + 2.0**63 + 1.0) / 2.0**64
        return math.floor(min((len(keys) - 1) / share, 2.0**31))

    def scaled(self, kind: str, part: int) -> int:
        """A number of the keys that are there as a number of all there were."""
        return part * self.estimate(kind) // len(self.traits[kind]) if self.traits[kind] else 0


def hits(tallies: pl.DataFrame, traits: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """HIT rows of the rules over an account's own calls."""
    rows = []
    accounts: dict[str, list[Tick]] = defaultdict(list)
    ticks: dict[tuple[str, datetime], Tick] = {}
    for tally in tallies.sort("account_id", "tick").to_dicts():
        tick = Tick(tally, defaultdict(dict))
        ticks[tally["account_id"], tally["tick"]] = tick
        accounts[tally["account_id"]].append(tick)
    for row in traits.to_dicts():
        ticks[row["account_id"], row["tick"]].traits[row["kind"]][row["key"]] = row
    for known in accounts.values():
        for tick in known:
            day = [t for t in known if _is_within_a_day(t.tally["tick"], tick.tally["tick"])]
            week = [t for t in known if _is_within_a_week(t.tally["tick"], tick.tally["tick"])]
            held = _held(tick, day, policy)
            if not any(name == "logit_sweep" for name, *_ in held):
                held += _held_in_a_week(tick, week, policy) or _held_afresh(tick, day, week, policy)
            rows += [_hit(tick.tally, *found) for found in held]
    return HIT.conform(pl.DataFrame(rows, schema=HIT.polars))


def _is_within_a_day(earlier: datetime, tick: datetime) -> bool:
    """The ticks of the hour so far, and the 23 hours before it."""
    return earlier <= tick and floor(earlier, HOUR) > floor(tick, HOUR) - 24 * HOUR


def _is_within_a_week(earlier: datetime, tick: datetime) -> bool:
    """The ticks of the UTC day so far, and the six days before it."""
    return earlier <= tick and floor(earlier, 24 * HOUR) > floor(tick, 24 * HOUR) - 7 * 24 * HOUR


def _held_in_a_week(tick: Tick, week: list[Tick], policy: Policy) -> list[tuple[str, int, float, str]]:
    rules = policy.rules
    biased = [t for t in week if t.tally["with_logit_bias"] > 0]
    calls = sum(t.tally["with_logit_bias"] for t in biased)
    one = sum(max(t.tally["with_logit_bias"] + t.tally["one_token"] - t.tally["parameters_known"], 0) for t in biased)
    uses = sum(t.scaled("bias_token", sum(r["count"] for r in t.traits["bias_token"].values())) for t in biased)
    tokens = min(len({key for t in week for key in t.traits["bias_token"]}), 1024)
    if (
        tick.tally["with_logit_bias"] > 0
        and tokens >= rules.sweep_tokens
        and calls >= rules.sweep_calls
        and one >= rules.sweep_one_token * calls
        and uses <= rules.sweep_rotation * tokens * calls
    ):
        says = f"at least {tokens} distinct tokens were biased within seven days, in {calls} calls"
        return [("slow_sweep", tokens, rules.sweep_tokens, says)]
    return []


def _held_afresh(tick: Tick, day: list[Tick], week: list[Tick], policy: Policy) -> list[tuple[str, int, float, str]]:
    rules = policy.rules
    counted = [t for t in day if t.counts]
    biased = [t.tally for t in week if t.tally["with_logit_bias"] > 0]
    one = sum(max(t["with_logit_bias"] + t["one_token"] - t["parameters_known"], 0) for t in biased)
    tokens = _distinct("bias_token", [t.estimate("bias_token") for t in counted], day)
    calls = sum(t.tally["with_logit_bias"] for t in counted)
    uses = sum(t.scaled("bias_token", sum(r["count"] for r in t.traits["bias_token"].values())) for t in counted)
    if (
        tick.tally["with_logit_bias"] > 0
        and tokens >= rules.fresh_tokens
        and calls >= (rules.fresh_calls if tokens >= rules.sweep_act_tokens else rules.sweep_calls)
        and uses <= rules.fresh_uses * tokens
        and one >= rules.sweep_one_token * sum(t["with_logit_bias"] for t in biased)
    ):
        says = f"about {tokens} distinct tokens were biased in 24 h, in {calls} calls: hardly any twice"
        return [("fresh_sweep", tokens, rules.fresh_tokens, says)]
    return []


def _distinct(kind: str, of_ticks: list[int], day: list[Tick]) -> int:
    """Keys of the day: the ticks' numbers, less what the remembered keys repeat from tick to tick."""
    kept = sum(len(t.kept(kind)) for t in day if t.counts)
    different = len({key for t in day for key in t.kept(kind)})
    return sum(of_ticks) * different // kept if kept else 0


def _hit(tally: Row, rule: str, observed: int, expected: float, detail: str, linked: tuple[str, ...] = ()) -> Row:
    return {
        "account_id": tally["account_id"],
        "account_hash": tally["account_hash"],
        "tick": tally["tick"],
        "rule": rule,
        "observed": float(observed),
        "expected": float(expected),
        "detail": detail,
        "linked_account_ids": list(linked),
        "sample_event_ids": tally["sample_event_ids"],
    }


def _held(tick: Tick, day: list[Tick], policy: Policy) -> list[tuple[str, int, float, str]]:
    now, rules = tick.tally, policy.rules
    counted = [t for t in day if t.counts]

    def total(name: str) -> int:
        return sum(t.tally[name] for t in counted)

    out = []
    tokens = _distinct("bias_token", [t.estimate("bias_token") for t in counted], day)
    bias_calls = sum(max(t.tally["with_logit_bias"], t.tally["with_logprobs"]) for t in counted)
    uses = sum(t.scaled("bias_token", sum(r["count"] for r in t.traits["bias_token"].values())) for t in counted)
    if (
        max(now["with_logit_bias"], now["with_logprobs"]) > 0
        and tokens >= rules.sweep_tokens
        and bias_calls >= rules.sweep_calls
        and uses <= rules.sweep_rotation * tokens * total("with_logit_bias")
    ):
        says = f"about {tokens} distinct tokens were biased in 24 h, in {bias_calls} calls with logit bias or log-probabilities"
        out.append(("logit_sweep", tokens, rules.sweep_tokens, says))

    both = sum(t.both for t in counted)
    wide = sum(t.tally["wide_one_token"] or 0 for t in day)
    if (now["wide_one_token"] or 0) > 0 and wide >= rules.wide_logprob_calls:
        says = f"{wide} calls in 24 h asked for one token, with the log-probabilities of ten alternatives or more"
        out.append(("wide_logprobs", wide, rules.wide_logprob_calls, says))
    elif tick.both > 0 and both >= rules.logprob_calls and wide < rules.wide_logprob_calls:
        says = f"at least {both} one-token calls with log-probabilities in 24 h"
        out.append(("logprob_harvest", both, rules.logprob_calls, says))

    asks = total("system_prompt_asks")
    if now["system_prompt_asks"] > 0 and asks >= rules.system_prompt_asks:
        says = f"the hidden system prompt was asked for {asks} times in 24 h"
        out.append(("system_prompt_extraction", asks, rules.system_prompt_asks, says))

    objects = _distinct("download", [min(t.estimate("download"), t.tally["download_calls"]) for t in counted], day)
    walked, numbered = total("sequential"), total("numbered")
    if now["download_calls"] > 0 and objects >= rules.download_breadth:
        says = f"about {objects} distinct objects in {total('download_calls')} downloads in 24 h"
        out.append(("bulk_download", objects, rules.download_breadth, says))
    if (
        now["download_calls"] > 0
        and objects >= rules.download_objects
        and numbered >= rules.download_least_numbered
        and (walked / numbered if numbered else 0.0) >= rules.download_sequential_share
    ):
        says = (
            f"about {objects} distinct objects in 24 h; of {numbered} numbered ones {walked} follow on the one before"
        )
        out.append(("enumeration", objects, rules.download_objects, says))

    refused, calls = _search(tick, day)
    differ = _distinct("payload", [_refused_prompts(t) for t in counted], day)
    found = min(refused, differ)
    if (
        now["refused"] > 0
        and found >= rules.bypass_refusals
        and (refused / calls if calls else 0.0) >= rules.bypass_refusal_share
    ):
        says = f"{refused} refused calls in 24 h share one piece of text; about {differ} refused prompts differ"
        out.append(("bypass_search", found, rules.bypass_refusals, says))
    return out


def _refused_prompts(tick: Tick) -> int:
    refused = sum(1 for row in tick.traits["payload"].values() if row["refused"])
    return min(tick.scaled("payload", refused), tick.tally["refused"])


def _search(tick: Tick, day: list[Tick]) -> tuple[int, int]:
    """Of the template keys refused in the tick the one refused most in the day, and its calls in ticks that refused it."""
    found = [(0, 0)]
    for kind in _TEMPLATES:
        for key in (key for key, row in tick.traits[kind].items() if row["refused"]):
            mine = [t.traits[kind][key] for t in day if key in t.traits[kind] and t.traits[kind][key]["refused"]]
            found.append((sum(row["refused"] for row in mine), sum(row["count"] for row in mine)))
    return max(found, key=lambda one: (one[0], -one[1]))


# -- what comes back


def foreign(traits: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """FOREIGN rows: what accounts sent in that was given to others, and handles redeemed by their own in another session."""
    return FOREIGN.conform(pl.concat([_handles(traits, policy), _answers(traits, policy)]))


def _answers(traits: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    memory = timedelta(hours=policy.rules.answer_memory_hours)
    rows = traits.to_dicts()
    given = [row for row in rows if row["kind"] == "answer_given"]
    found = {}
    for kind in ("answer_pasted", "answer_carried"):  # what is both is carried
        for sent in (row for row in rows if row["kind"] == kind):
            ages = [(sent["first_time"] - row["first_time"], row) for row in given if row["key"] == sent["key"]]
            to = {(row["account_id"], row["account_hash"]) for age, row in ages if timedelta(0) <= age <= memory}
            place = sent["account_id"], sent["tick"], sent["key"]
            is_others = len(to) == 1 and sent["account_id"] not in {name for name, _ in to}
            if is_others and not _was_in_a_prompt(rows, sent, memory):
                ((issuer, issuer_hash),) = to
                named = {name: sent[name] for name in ("account_id", "account_hash", "tick", "key", "output_tokens")}
                theirs = {"issuer": issuer, "issuer_hash": issuer_hash, "calls": sent["count"], "kind": kind}
                found[place] = named | theirs
            elif kind == "answer_carried":
                found.pop(place, None)
    return FOREIGN.conform(pl.DataFrame(list(found.values()), schema=FOREIGN.polars))


def _was_in_a_prompt(rows: list[dict[str, Any]], sent: dict[str, Any], memory: timedelta) -> bool:
    """Whether an answer was in somebody's prompt before the account that was given it last before `sent` was first given it."""
    of_key = [row for row in rows if row["key"] == sent["key"]]
    given = [r for r in of_key if r["kind"] == "answer_given" and r["first_time"] <= sent["first_time"]]
    first, *earlier = sorted(given, key=lambda row: (row["first_time"], row["account_hash"]), reverse=True)
    for row in earlier:
        if row["account_id"] != first["account_id"] or first["first_time"] - row["first_time"] > memory:
            break
        first = row
    ages = [first["first_time"] - row["first_time"] for row in of_key if row["kind"] == "answer_pasted"]
    return any(timedelta(0) < age <= memory for age in ages)


def _handles(traits: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    memory = timedelta(days=policy.rules.handle_memory_days)
    session, day = timedelta(minutes=policy.rules.handle_again_minutes), timedelta(days=1)
    rows = traits.sort("first_time").to_dicts()
    issued = [row for row in rows if row["kind"] == "handle_issued"]
    found, own = [], defaultdict[tuple[str, int], list[datetime]](list)
    for used in (row for row in rows if row["kind"] == "handle_used"):
        mine = {name: used[name] for name in ("account_id", "account_hash", "tick", "key", "output_tokens")}
        mine |= {"calls": used["count"], "kind": "handle_used"}
        earlier = [
            row
            for row in issued
            if row["key"] == used["key"] and timedelta(0) <= used["first_time"] - row["first_time"] <= memory
        ]
        if not earlier:
            continue
        if any(row["account_id"] == used["account_id"] for row in earlier):
            before = own[used["account_id"], used["key"]]
            if any(session <= used["first_time"] - time <= day for time in before):
                found.append(mine | {"issuer": used["account_id"], "issuer_hash": used["account_hash"]})
            before.append(used["first_time"])
            continue
        latest = max(row["first_time"] for row in earlier)
        issuer = min(row["account_id"] for row in earlier if row["first_time"] == latest)
        issuer_hash = next(row["account_hash"] for row in earlier if row["account_id"] == issuer)
        found.append(mine | {"issuer": issuer, "issuer_hash": issuer_hash})
    return FOREIGN.conform(pl.DataFrame(found, schema=FOREIGN.polars))


def replays(redeemed: pl.DataFrame, tallies: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """HIT rows of the rules over what comes back: of who redeems others' handles, else of who gave them away; of who redeems its own again;
    of who goes on from others' answers, or has them in its prompts."""
    every = redeemed.to_dicts()
    own = [row for row in every if row["issuer"] == row["account_id"]]
    rows = [row for row in every if row["issuer"] != row["account_id"] and row["kind"] == "handle_used"]
    examples = {(row["account_id"], row["tick"]): row["sample_event_ids"] for row in tallies.to_dicts()}
    sides = {(row["account_id"], row["account_hash"], row["tick"]) for row in every}
    sides |= {(row["issuer"], row["issuer_hash"], row["tick"]) for row in rows}
    found = []
    for account, hashed, tick in sides:
        tally = {"account_id": account, "account_hash": hashed, "tick": tick}
        tally["sample_event_ids"] = examples.get((account, tick), [])
        for mine, other, says in (("account_id", "issuer", _REDEEMED), ("issuer", "account_id", _GAVE)):
            day = [row for row in rows if row[mine] == account and _is_within_a_day(row["tick"], tick)]
            handles, others = {row["key"] for row in day}, sorted({row[other] for row in day})
            is_now = any(row["tick"] == tick for row in day)
            if is_now and len(handles) >= policy.rules.handle_replays:
                told = says.format(len(handles), len(others))
                hit = _hit(tally, "handle_replay", len(handles), policy.rules.handle_replays, told, tuple(others[:20]))
                found.append(hit | {"tier": "review" if mine == "issuer" else None})
                break
        day = [row for row in own if row["account_id"] == account and _is_within_a_day(row["tick"], tick)]
        handles = {row["key"] for row in day}
        if any(row["tick"] == tick for row in day) and len(handles) >= policy.rules.handles_again:
            told = _AGAIN.format(len(handles))
            found.append(_hit(tally, "handle_reuse", len(handles), policy.rules.handles_again, told))
        for kind, rule, least, says in (
            ("answer_carried", "conversation_replay", policy.rules.conversations_moved, _CARRIED),
            ("answer_pasted", "output_reuse", policy.rules.answers_reused, _PASTED),
        ):
            sent = [row for row in every if row["account_id"] == account and row["kind"] == kind]
            day = [row for row in sent if _is_within_a_day(row["tick"], tick)]
            keys, others = {row["key"] for row in day}, sorted({row["issuer"] for row in day})
            if any(row["tick"] == tick for row in day) and len(keys) >= least:
                found.append(
                    _hit(tally, rule, len(keys), least, says.format(len(keys), len(others)), tuple(others[:20]))
                )
    return HIT.conform(pl.DataFrame(found, schema=HIT.polars))


_REDEEMED = "{} distinct reasoning handles redeemed in 24 h were issued to {} other accounts"
_GAVE = "{} distinct reasoning handles issued to it were redeemed in 24 h by {} other accounts"
_CARRIED = "{} distinct conversations that it went on with in 24 h had been answered to {} other accounts"
_PASTED = "{} distinct passages of its prompts in 24 h had been answered to {} other accounts"
_AGAIN = "{} distinct reasoning handles of its own were redeemed in 24 h in another session again"
