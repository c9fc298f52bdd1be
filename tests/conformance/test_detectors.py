"""What every detector must keep; detectors are discovered, so that a new one is tested from its first day."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from given_accounts import DAY, HOUR, account_hash, at, foreign, registry, shared, tallies, traits, windows
from given_calls import calls, population
from schemas.card import Card, Example
from schemas.event import Presence
from schemas.feature import FAMILIES, FEATURES
from schemas.finding import KINDS, SEVERITIES
from schemas.foreign import FOREIGN
from schemas.policy import Policy
from schemas.registry import REGISTRY
from schemas.score import LAYERS, SCORE
from schemas.shared import SHARED
from schemas.snapshot import DRIFT, EVERYONE, Snapshot
from schemas.technique import TECHNIQUES
from schemas.window import WINDOW
from transforms import campaigns
from transforms.campaigns import CampaignState, Habits, TieState, base_of, facts
from transforms.detectors import (
    ReplayState,
    RulesState,
    cards,
    conversation_replay,
    handle_replay,
    handle_reuse,
    output_reuse,
    replays,
    rules,
    score,
    shapes,
)
from transforms.detectors.registry import shapes as registered_shapes
from transforms.detectors.rule import Rule
from transforms.detectors.shape import Shape, parts_of
from transforms.distribution import measured
from transforms.distribution.embedding import embed
from transforms.learning import Marks, learn

POLICY = Policy()
CARDS = cards()
EXPECTED = 28
UNTIL = DAY + timedelta(days=8)

every_detector = pytest.mark.parametrize("card", CARDS.values(), ids=list(CARDS))
every_rule = pytest.mark.parametrize(
    "card", [card for card in CARDS.values() if card.layer == "L0" and card.family != "shape"], ids=lambda c: c.id
)
every_shape = pytest.mark.parametrize(
    "shape", registered_shapes(), ids=lambda shape: shape.card.id + ("-blind" if shape.unknown else "")
)
every_example = pytest.mark.parametrize(
    ("card", "example"),
    [(card, example) for card in CARDS.values() for example in (card.firing, card.silent)],
    ids=[f"{card.id}:{kind}" for card in CARDS.values() for kind in ("firing", "silent")],
)

every_window_example = pytest.mark.parametrize(
    ("card", "example"),
    [(card, e) for card in CARDS.values() for e in (card.firing, card.silent) if e.window is not None],
    ids=[f"{c.id}:{kind}" for c in CARDS.values() if c.firing.window is not None for kind in ("firing", "silent")],
)


def snapshot_of(example: Example) -> Snapshot:
    """What two days of the example's peers and its change leave behind: the second is scored by the trees of the first."""
    snapshot = Snapshot.empty()
    rows = [
        {key: value for key, value in peer.items() if key != "times"} | {"account_id": f"peer-{kind}-{number}"}
        for kind, peer in enumerate(example.peers)
        for number in range(peer["times"])
    ]
    for day in range(2 if rows else 0):
        start = DAY - timedelta(days=2 - day)
        seen = windows(rows).with_columns(window_end=pl.lit(start + HOUR))
        snapshot, _ = learn(snapshot, start, seen, SCORE.empty(), REGISTRY.empty(), Marks(), POLICY)
    if example.change is not None:
        series, hours = example.change
        row = {
            "account_id": "acc",
            "account_hash": account_hash("acc"),
            "series": series,
            "values": [],
            "changed_at": DAY + timedelta(hours=24 - hours),
            "before": 0.2,
            "after": 0.9,
        }
        drifts = DRIFT.conform(pl.DataFrame([row], schema=DRIFT.polars))
        snapshot = replace(snapshot, parts=snapshot.parts | {"drifts": drifts})
    return snapshot


def findings_of(example: Example) -> list[str]:
    """Ids of the detectors that fire on an example."""
    hits = rules.step(RulesState.empty(), tallies(example.tallies), traits(example.traits), UNTIL, POLICY)[1]
    redeemed = replays.step(
        ReplayState.empty(), foreign(example.foreign), foreign([]), tallies(example.tallies), UNTIL, POLICY
    )[1]
    fired = {*hits["rule"], *redeemed["rule"]}
    if example.shared:
        accounts = registry(example.accounts)
        base = base_of(facts(accounts), DAY, POLICY.campaigns)
        ties, tied = campaigns.tie(TieState.empty(), shared(example.shared), accounts, base, UNTIL, POLICY)[1:]
        joined = campaigns.step(CampaignState.empty(), ties, tied, SHARED.empty(), Habits.empty(), UNTIL, POLICY)[1]
        fired |= {*joined["rule"]}
    if example.window is not None:
        fired |= set(shapes.step(windows([example.window]), POLICY)["rule"])
        scored = score(windows([example.window]), snapshot_of(example), POLICY)
        families = {signal["family"] for signal in scored["signals"][0]}
        fired |= families & {"joint", "change"}
        if scored["pattern"][0] is not None and scored["prior_points"][0] >= POLICY.evidence.review_decades:
            fired.add("evidence")
    if example.calls and unlike_peers(example):
        fired.add("distribution")
    return sorted(fired)


def unlike_peers(example: Example) -> bool:
    """Whether the account of an example lies as far from two hundred ordinary ones as one in fifty of them."""
    rows = [
        {name: v for name, v in row.items() if name != "times"} for row in example.calls for _ in range(row["times"])
    ]
    peers, policy = population(3), replace(POLICY, distribution=replace(POLICY.distribution, least_accounts=30))
    snapshot, _ = learn(Snapshot.empty(), DAY, WINDOW.empty(), SCORE.empty(), REGISTRY.empty(), Marks(), policy, peers)
    hours = embed(calls(rows))
    windows_of = hours.select("account_id", "window_end", peer_group=pl.lit(EVERYONE))
    return bool(measured(hours, windows_of, snapshot, policy)["tail"].item() <= 0.02)


def test_every_detector_of_the_room_was_found() -> None:
    assert len(CARDS) == EXPECTED, "a detector came or went: adjust EXPECTED"
    assert len({card.id for card in CARDS.values()}) == EXPECTED
    of_what_comes_back = {one.CARD.id for one in (handle_replay, handle_reuse, conversation_replay, output_reuse)}
    assert {rule.card.id for rule in rules.rules()} | of_what_comes_back | {
        shape.card.id for shape in registered_shapes()
    } == {card.id for card in CARDS.values() if card.layer == "L0"}


@every_detector
def test_a_card_says_everything(card: Card) -> None:
    assert card.layer in LAYERS
    assert card.kind in KINDS
    assert card.severity in SEVERITIES
    assert card.techniques
    assert set(card.techniques) <= set(TECHNIQUES)
    assert 2 <= len(card.runbook) <= 3
    for text in (card.sees, card.blind_to, card.points_reason, card.firing.says, card.silent.says, *card.runbook):
        assert len(text) > 20, card.id
    assert (card.act is None) == (not card.act_reason)
    assert card.family in (
        *FAMILIES,
        "identity",
        "joint",
        "change",
        "campaign",
        "distribution",
        "shape",
        "each feature's own",
    )


class Asked:
    """The rules of the policy, and which of their keys were asked for."""

    def __init__(self) -> None:
        self.keys: set[str] = set()

    def __getattr__(self, name: str) -> object:
        self.keys.add(f"rules.{name}")
        return getattr(POLICY.rules, name)


@every_detector
def test_a_card_names_keys_and_sections_that_the_policy_has(card: Card) -> None:
    assert card.policy
    for name in card.policy:
        section, _, key = name.partition(".")
        assert hasattr(getattr(POLICY, section), key or "__class__"), name


@pytest.mark.parametrize("rule", rules.rules(), ids=lambda rule: rule.card.id)
def test_a_rule_decides_by_the_keys_its_card_names_and_no_other(rule: Rule) -> None:
    asked = Asked()
    for decides in (rule.holds, rule.expected, rule.card.act or rule.expected):
        decides(asked)  # type: ignore[arg-type]
    assert asked.keys == set(rule.card.policy)


@every_detector
def test_the_firing_example_fires(card: Card) -> None:
    assert card.id in findings_of(card.firing)


@every_detector
def test_the_silent_example_does_not(card: Card) -> None:
    assert card.id not in findings_of(card.silent)


@every_rule
def test_a_rule_adds_points_and_says_what_it_needs(card: Card) -> None:
    assert card.points >= 2.0, "a rule that one benign account in a hundred meets is no rule"
    assert card.needs != Presence(0)


OPTIONAL_PARTS = ("reasoning_tagged_share_24h", "end_users_24h", "calls_24h")
"""Parts of measures that are known without them."""


@every_shape
def test_a_shape_needs_what_its_properties_look_at_and_only_has_known_features(shape: Shape) -> None:
    known = {feature.name: feature.needs for feature in FEATURES}
    for one in shape.properties:
        for name in {part for bound in one.bounds for part in parts_of(bound.feature)}:
            assert name in known
            if one.is_needed and name not in OPTIONAL_PARTS:
                assert known[name] & ~shape.card.needs == Presence(0), name


@every_shape
def test_a_shape_is_silent_where_a_needed_property_cannot_be_known(shape: Shape) -> None:
    window = shape.card.firing.window or {}
    otherwise = {other.unknown for other in registered_shapes() if other.card.id == shape.card.id}
    for one in shape.properties:
        if one.is_needed:
            for name in set(parts_of(one.steps[0].bounds[0].feature)) - set(OPTIONAL_PARTS) - otherwise:
                seen = {key: value for key, value in window.items() if key not in (name, shape.unknown)}
                if name == "reasoning_elicited_share_24h":
                    seen |= {"reasoning_tagged_share_24h": None}
                assert shape.card.id not in findings_of(Example("without it", window=seen)), name


def quietly(run: Callable[[], object], *frames: pl.DataFrame) -> object:
    """The result of a call that must not change the frames."""
    before = [frame.clone() for frame in frames]
    result = run()
    for frame, was in zip(frames, before, strict=True):
        assert_frame_equal(frame, was)
    return result


@every_example
def test_inputs_and_what_was_learned_stay_as_they_were(card: Card, example: Example) -> None:
    made, shown, redeemed = tallies(example.tallies), traits(example.traits), foreign(example.foreign)
    quietly(lambda: rules.step(RulesState.empty(), made, shown, UNTIL, POLICY), made, shown)
    quietly(lambda: replays.step(ReplayState.empty(), redeemed, redeemed, made, UNTIL, POLICY), redeemed, made)
    if example.window is not None:
        snapshot, seen = snapshot_of(example), windows([example.window])
        quietly(lambda: score(seen, snapshot, POLICY), seen, *snapshot.parts.values())


@every_window_example
def test_the_same_data_gives_the_same_scores_in_any_company_and_order(card: Card, example: Example) -> None:
    snapshot = snapshot_of(example)
    company = [example.window | {"account_id": f"x{n}", "calls_24h": 20.0 + n, "peer_group": "new"} for n in range(12)]
    company += [{"account_id": f"y{n}", "hour": n, "peer_group": "pro/chat"} for n in range(1, 24, 4)]
    together = windows([*company, example.window])
    alone = score(windows([example.window]), snapshot, POLICY)
    assert_frame_equal(score(together, snapshot, POLICY).filter(pl.col("account_id") == "acc"), alone)
    shuffled = together.sample(fraction=1.0, shuffle=True, seed=3)
    assert_frame_equal(score(shuffled, snapshot, POLICY), score(together, snapshot, POLICY))
    one_by_one = [score(together[row : row + 1], snapshot, POLICY) for row in range(together.height)]
    assert_frame_equal(pl.concat(one_by_one).sort("account_id", "window_end"), score(together, snapshot, POLICY))


@every_window_example
def test_missing_and_new_columns_are_tolerated(card: Card, example: Example) -> None:
    snapshot, seen = snapshot_of(example), windows([example.window])
    known = score(seen, snapshot, POLICY)
    assert_frame_equal(score(seen.with_columns(from_the_future=pl.lit(1.0)), snapshot, POLICY), known)
    without = score(seen.drop("template_share_24h"), snapshot, POLICY)
    assert_frame_equal(without, score(seen.with_columns(template_share_24h=pl.lit(None, pl.Float64)), snapshot, POLICY))


@every_rule
def test_a_rule_abstains_before_it_has_seen_enough(card: Card) -> None:
    first = card.firing.tallies[:1]
    minute = first[0]["minute"]
    example = replace(
        card.firing,
        tallies=first,
        traits=tuple(row for row in card.firing.traits if row["minute"] == minute),
        foreign=card.firing.foreign[:1],
    )
    assert card.id not in findings_of(example)


@every_rule
def test_a_rules_state_survives_as_bytes_and_goes_on_the_same(card: Card) -> None:
    example = card.firing
    made, shown, redeemed = tallies(example.tallies), traits(example.traits), foreign(example.foreign)
    middle = at(5 * (made.height // 2))
    early, late = pl.col("tick") < middle, pl.col("tick") >= middle
    state, _ = rules.step(RulesState.empty(), made.filter(early), shown.filter(early), middle, POLICY)
    replay, _ = replays.step(
        ReplayState.empty(), redeemed.filter(early), redeemed.filter(early), made.filter(early), middle, POLICY
    )
    for kept in (state, RulesState.from_bytes(state.to_bytes())):
        _, hits = rules.step(kept, made.filter(late), shown.filter(late), UNTIL, POLICY)
        _, whole = rules.step(RulesState.empty(), made, shown, UNTIL, POLICY)
        assert_frame_equal(hits, whole.filter(late))
    for held in (replay, ReplayState.from_bytes(replay.to_bytes())):
        _, hits = replays.step(held, redeemed.filter(late), redeemed.filter(late), made.filter(late), UNTIL, POLICY)
        _, whole = replays.step(ReplayState.empty(), redeemed, redeemed, made, UNTIL, POLICY)
        assert_frame_equal(hits, whole.filter(late))


def test_state_stays_bounded_for_an_account_that_never_rests() -> None:
    made = tallies({"minute": 5 * t, "calls": 50, "with_logit_bias": 50, "parameters_known": 50} for t in range(288))
    shown = traits({"minute": 5 * t, "kind": "bias_token", "key": 64 * t + k} for t in range(288) for k in range(64))
    state, _ = rules.step(RulesState.empty(), made, shown, DAY + timedelta(days=1), POLICY)
    assert state.hours.height == 23
    assert state.keys.height == 23 * 12 * 64
    assert len(state.to_bytes()) < 500_000
    replay = ReplayState(FOREIGN.empty().select("account_id", "account_hash", "key", "issuer", hour="tick"))
    assert len(replay.to_bytes()) < 3_000
