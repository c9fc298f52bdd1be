"""Two histories of findings held against each other."""

from schemas.policy import Policy
from transforms.detectors import cards
from transforms.findings.comparing import bearing


def _signal(name: str, layer: str, family: str) -> dict[str, object]:
    return {"signal": name, "layer": layer, "family": family}


def test_a_key_bears_on_the_signals_of_its_own_detector_only() -> None:
    changed = [
        "time.lateness_minutes",
        "rules.sweep_tokens",
        "rules.logprob_calls",
        "campaigns.act_decades",
        "rates.act",
    ]
    known = cards()
    assert bearing([_signal("logit_sweep", "L0", "parameters")], changed, known) == changed[:2]
    assert bearing([_signal("even_load", "L2", "load")], changed, known) == [changed[0], changed[3]]
    assert bearing([_signal("template_share_24h", "L1", "structure")], changed, known) == [changed[0], changed[4]]
    assert bearing([], changed, known) == changed[:1]


def test_policies_differ_in_the_keys_that_were_changed() -> None:
    other = Policy.parse('[allow]\naccount_ids = ["a"]\n[source.web]\nmatch = "web*"\n')
    changes = Policy().changes(other)
    assert [(one.key, one.bound) for one in changes if one.key != "source.web.format"][:2] == [
        ("allow.account_ids", "free"),
        ("source.web.match", "ingest"),
    ]
    assert other.changes(other) == []
