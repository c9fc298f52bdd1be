"""The policy file: what is accepted, what is refused and how, and what changes its version."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import PolicyError
from schemas.policy import BOUNDS, Policy, SourceRule

SECTIONS = [section for section in dataclasses.fields(Policy) if section.name != "source"]
KEYS = [
    (section.name, key) for section in SECTIONS for key in dataclasses.fields(getattr(Policy(), section.name))
]  # fmt: skip


def test_the_printed_policy_reads_back_as_itself() -> None:
    policy = Policy.parse('[source.web]\nmatch = "*.log"\naccount = ["header:x-team"]\n[time]\ntick_minutes = 10')
    assert Policy.parse(policy.toml()) == policy
    assert Policy.parse(Policy().toml()) == Policy()


def test_a_plan_keeps_the_policy_exactly() -> None:
    policy = Policy.parse('[source.web]\nformat = "combined"\n[rates]\nreview = 0.002')
    assert Policy.from_json(policy.to_json()) == policy


@pytest.mark.parametrize(("section", "key"), KEYS, ids=lambda x: x if isinstance(x, str) else x.name)
def test_every_key_has_a_reason_and_says_what_its_change_asks_for(section: str, key: "dataclasses.Field[Any]") -> None:
    assert len(key.metadata["reason"].split()) >= 5, "a reason is a sentence"
    assert key.metadata["bound"] in BOUNDS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tiem]", "p: unknown key tiem. Fix: write time."),
        ("[time]\ntick_minuts = 5", "p, [time]: unknown key tick_minuts. Fix: write tick_minutes."),
        ("[source.a]\nacount = []", "p, [source.a]: unknown key acount. Fix: write account."),
        ('[time]\ntick_minutes = "5"', "p, [time]: tick_minutes = '5' is not of type int. Fix: correct the value."),
        ("[time]\ntick_minutes = true", "p, [time]: tick_minutes = True is not of type int. Fix: correct the value."),
        ("[allow]\naccount_ids = [1]", "p, [allow]: account_ids = [1] is not of type list[str]. Fix: correct the value."),
        ("[time]\ntick_minutes = 7", "p: time.tick_minutes = 7 does not divide an hour. Fix: use 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60."),
        ("[sessions]\nidle_minutes = 4", "p: sessions.idle_minutes must be at least a tick and less than a day. Fix: raise it, or use a shorter tick."),
        ("[sessions]\nidle_minutes = 1440", "p: sessions.idle_minutes must be at least a tick and less than a day. Fix: raise it, or use a shorter tick."),
        ("[traits]\nshingle_slots = [0, 16]", "p: traits.shingle_slots names a slot that is none. Fix: use numbers from 0 to 15."),
        ("[rates]\nact = 0.01", "p: rates must be 0 < act <= review < 1. Fix: correct [rates]."),
        ('[time]\nlatest = "soon"', "p: time.latest is no date. Fix: write YYYY-MM-DD."),
        ("time = 5", "p: time is a value, not a section. Fix: write [time] on a line of its own."),
    ],
)  # fmt: skip
def test_a_wrong_policy_is_refused_with_what_to_do(text: str, message: str) -> None:
    with pytest.raises(PolicyError) as refused:
        Policy.parse(text, "p")
    assert str(refused.value) == message


def test_what_is_no_toml_no_utf8_or_no_file_is_refused_by_name(tmp_path: Path) -> None:
    broken, latin = tmp_path / "broken.toml", tmp_path / "latin.toml"
    broken.write_text("[time\n")
    latin.write_bytes("# Müller".encode("latin-1"))
    for path, problem in ((broken, "is not TOML"), (latin, "is not UTF-8"), (tmp_path / "none", "cannot be read")):
        with pytest.raises(PolicyError, match=problem) as refused:
            Policy.read(path)
        assert refused.value.where == str(path)


def test_a_whole_number_is_a_fraction_too_and_false_is_kept() -> None:
    assert Policy.parse("[rules]\nbypass_refusal_share = 1").rules.bypass_refusal_share == 1.0


def test_the_version_follows_what_can_change_an_event_or_a_score_and_nothing_else() -> None:
    usual = Policy().version
    assert Policy.parse('[allow]\naccount_ids = ["a"]').version == usual
    assert Policy.parse("[time]\ntick_minutes = 10").version != usual
    assert Policy.parse("[ingest]\nrecord_bytes = 1000").version != usual
    assert Policy.parse('[source.a]\nmatch = "x"').version != usual


def test_two_policies_never_share_what_can_be_changed() -> None:
    first, second = Policy(), Policy()
    first.allow.account_ids.append("a")
    first.source["x"] = SourceRule()
    assert second.allow.account_ids == []
    assert second.source == {}
