import json
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_blocks import KEY, SOURCE, decoded
from schemas.event import Presence
from schemas.policy import Ingest, Policy, Time
from transforms.ingest.canonical_fields import FIELDS, NAMES
from transforms.ingest.drafting import LABEL_CHARACTERS, LARGEST
from transforms.ingest.fingerprint import text_digest

NOON = "2026-03-02T12:00:00Z"
P = Presence


def lines(*records: dict[str, Any]) -> bytes:
    return b"\n".join(json.dumps({"time": NOON, "account_id": "acme"} | record).encode() for record in records)


def event(**record: Any) -> dict[str, Any]:
    result = decoded("canonical", lines(record))
    assert result.rejects.is_empty(), result.rejects
    return result.events.row(0, named=True)


def fault(**record: Any) -> tuple[str, str | None]:
    result = decoded("canonical", lines(record))
    assert result.events.is_empty()
    return result.rejects.row(0, named=True)["reason"], result.rejects["column"][0]


def digest(text: str, purpose: str) -> int:
    return int(text_digest(pl.Series([text]), KEY, purpose)[0])


def test_time_is_the_calls_completion() -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert event()["time"] == event()["start_time"] == noon
    assert event(latency_ms=1500)["time"] == noon.replace(second=1, microsecond=500_000)
    both = event(latency_ms=1500, end_time="2026-03-02T12:00:09Z")
    assert (both["time"], both["start_time"], both["latency_ms"]) == (noon.replace(second=9), noon, 1500)


def test_latency_follows_from_start_and_end() -> None:
    assert event(end_time="2026-03-02T12:00:00.0015Z")["latency_ms"] == 2


def test_an_end_alone_is_a_time() -> None:
    result = event(time=None, end_time=NOON)
    assert (result["time"], result["start_time"]) == (datetime(2026, 3, 2, 12, tzinfo=UTC), None)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"time": None}, ("missing_time", "time")),
        ({"account_id": None}, ("missing_account", "account_id")),
        ({"account_id": ""}, ("missing_account", "account_id")),
        ({"time": "2026-03-02T12:00:00"}, ("wrong_type", "time")),
        ({"time": "noon"}, ("wrong_type", "time")),
        ({"time": "2026-02-30T12:00:00Z"}, ("wrong_type", "time")),
        ({"time": "1999-12-31T23:59:59Z"}, ("impossible_time", "time")),
        ({"time": 4_102_444_800}, ("impossible_time", "time")),
        ({"time": 1_772_442_000_000_000_000}, ("impossible_time", "time")),
        ({"end_time": "2026-03-02T11:59:59Z"}, ("impossible_time", "end_time")),
        ({"end_time": 4_102_444_800}, ("impossible_time", "end_time")),
        ({"time": 4_102_444_799, "latency_ms": 1000}, ("impossible_time", "latency_ms")),
        ({"latency_ms": -1}, ("impossible_value", "latency_ms")),
        ({"input_tokens": -1}, ("impossible_value", "input_tokens")),
        ({"output_tokens": LARGEST + 1}, ("impossible_value", "output_tokens")),
        ({"bytes_out": 2**63}, ("impossible_value", "bytes_out")),
        ({"message_count": 2**31}, ("impossible_value", "message_count")),
        ({"cost_usd": -0.01}, ("impossible_value", "cost_usd")),
        ({"http_status": 99}, ("impossible_value", "http_status")),
        ({"http_status": 600}, ("impossible_value", "http_status")),
        ({"http_status": "200"}, ("wrong_type", "http_status")),
        ({"refused": 1}, ("wrong_type", "refused")),
        ({"prompt": 7}, ("wrong_type", "prompt")),
        ({"account_id": 1.5}, ("wrong_type", "account_id")),
        ({"account_id": ["a"]}, ("wrong_type", "account_id")),
    ],
)
def test_what_cannot_be_is_refused(record: dict[str, Any], expected: tuple[str, str]) -> None:
    assert fault(**record) == expected


def test_bounds_of_time_come_from_the_policy() -> None:
    policy = Policy(time=Time(latest="2026-03-02"))
    assert decoded("canonical", lines({}), policy=policy).rejects["reason"].to_list() == ["impossible_time"]


def test_settings_out_of_range_are_not_set_and_hide_no_call() -> None:
    result = event(n=-1, max_tokens=-1, top_logprobs=2**40, seed=3)
    assert (result["n_choices"], result["max_tokens"], result["top_logprobs"], result["seed"]) == (None, None, None, 3)


def test_an_integer_is_a_name() -> None:
    assert event(account_id=4711, api_key_id=0)["account_id"] == "4711"
    assert event(account_id=4711, api_key_id=0)["api_key_id"] == "0"


def test_a_record_without_id_is_named_by_place_and_content() -> None:
    result = decoded("canonical", lines({}, {}))
    first, second = result.events["event_id"].to_list()
    assert first.startswith(f"{SOURCE}:0:")
    assert second.startswith(f"{SOURCE}:{len(lines({})) + 1}:")
    assert first.split(":")[2] == second.split(":")[2]


def test_a_long_account_id_is_replaced_by_its_digest() -> None:
    long = "a" * 300
    result = event(account_id=long, event_id=long)
    assert result["account_id"].startswith("digest:")
    assert result["account_id"] == event(account_id=long)["account_id"] != event(account_id=long + "b")["account_id"]
    assert result["event_id"].startswith("digest:")
    short = decoded("canonical", lines({"account_id": "abcd"}), policy=Policy(ingest=Ingest(account_id_characters=3)))
    assert short.events["account_id"][0].startswith("digest:")


def test_long_labels_are_cut() -> None:
    result = event(user_agent="u" * 5000, object="o" * 5000, operation="download", model_requested="m" * 5000)
    assert {len(result[name]) for name in ("user_agent", "object", "model_requested")} == {LABEL_CHARACTERS}


def test_a_bare_key_is_never_kept() -> None:
    assert event(api_key_id="sk-1234567890")["api_key_id"].startswith("digest:")
    assert event(api_key_id="key-7")["api_key_id"] == "key-7"


def test_a_name_that_stands_twice_is_refused() -> None:
    for second in ('"account_id": "b"', '"account_id"  : "acme"', '"account\\u005fid": "b"'):
        line = f'{{"time": "{NOON}", "account_id": "acme", {second}}}'
        rejects = decoded("canonical", line.encode()).rejects
        assert rejects.select("reason", "column").rows() == [("not_json", "account_id")]


@given(st.text(), st.sampled_from([{}, {"tools": [{"name": "a", "input_schema": {"properties": {"a": {}}}}]}]))
def test_no_text_looks_like_a_doubled_name(text: str, more: dict[str, Any]) -> None:
    texts = [text, '"account_id": "b"', "a : b", '{"time" :1, "time": 2}']
    result = decoded("canonical", lines(*({"prompt": part, "extra": {"x": part}} | more for part in texts)))
    assert result.records == result.events.height == len(texts)
    assert result.unknown_fields == {"extra": len(texts)}


GROUPED = [field for field in FIELDS if field.group and field.name != "account_id"]


@pytest.mark.parametrize("field", GROUPED, ids=lambda field: field.name)
def test_a_key_marks_its_group_whatever_its_value(field: Any) -> None:
    assert P(event(**{field.name: None})["presence"]) == P.ACCOUNT | field.group
    assert P(event()["presence"]) == P.ACCOUNT


def test_only_what_a_record_carries_is_marked() -> None:
    shown = P(event(prompt="a", input_tokens=3, temperature=None, finish_reason="stop")["presence"])
    assert shown == P.ACCOUNT | P.PROMPT | P.TOKENS | P.PARAMETERS | P.FINISH | P.REFUSAL


def test_a_record_with_a_parameter_says_that_the_others_were_not_used() -> None:
    used, silent = event(temperature=1), event()
    assert (used["logprobs"], used["logit_bias_size"], used["tool_count"]) == (False, 0, None)
    assert (silent["logprobs"], silent["logit_bias_size"], silent["tool_count"]) == (None, None, None)
    assert event(tools=None)["tool_count"] == 0


def test_logprobs_may_be_a_number_of_alternatives() -> None:
    asked = event(logprobs=5)
    assert (asked["logprobs"], asked["top_logprobs"]) == (True, 5)
    assert event(top_logprobs=3)["logprobs"] is True


def test_biased_tokens_are_numbers_or_fingerprints() -> None:
    biased = event(logit_bias_tokens=[50256, "198", "the", 198])
    assert biased["logit_bias_size"] == 4
    assert biased["logit_bias_keys"] == sorted([198, 50256, digest("the", "bias token")])
    assert len(event(logit_bias_tokens=list(range(3000)))["logit_bias_keys"]) == 1024


def test_a_prompt_may_be_text_parts_or_messages() -> None:
    expected = digest("one\ntwo", "prompt")
    parts = [{"type": "text", "text": "one"}, "two"]
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "zero"},
        {"role": "assistant", "content": "ok", "thinking_blocks": [{"signature": "handle"}]},
        {"role": "user", "content": parts},
    ]
    as_text, as_parts, as_messages = event(prompt="one\ntwo"), event(prompt=parts), event(prompt=messages)
    assert as_text["prompt_digest"] == as_parts["prompt_digest"] == as_messages["prompt_digest"]
    assert as_text["prompt_chars"] == 7
    assert as_messages["message_count"] == 4
    assert as_messages["system_digest"] == event(system="be brief")["system_digest"]
    assert as_messages["handles_used"] == event(reasoning_used=["handle"])["handles_used"] is not None
    assert event(prompt={"role": "user", "content": "one\ntwo"})["prompt_digest"] == as_text["prompt_digest"]
    assert expected is not None


def test_what_the_record_says_outright_comes_before_what_its_messages_say() -> None:
    messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "a"}]
    both = event(prompt=messages, system="be kind", message_count=9)
    assert (both["message_count"], both["system_digest"]) == (9, event(system="be kind")["system_digest"])


def test_tools_in_any_spelling_and_order_have_one_schema() -> None:
    weather = {"function": {"name": "weather", "parameters": {"properties": {"unit": {}, "city": {"type": "string"}}}}}
    bare = {"name": "weather", "input_schema": {"properties": {"city": {}, "unit": {}}}, "description": "other words"}
    one, other = event(tools=[weather, {"name": "b"}]), event(tools=[{"name": "b"}, bare])
    assert (
        one["tool_schema"] == other["tool_schema"] == event(tools=json.dumps([weather, {"name": "b"}]))["tool_schema"]
    )
    assert (one["tool_count"], event(tools="a schema of some kind")["tool_count"]) == (2, 0)
    assert event(tools=[{"name": "c"}])["tool_schema"] != one["tool_schema"]
    assert event(tools=[])["tool_schema"] is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("json_object", "json_object"),
        ({"type": "json_schema", "json_schema": {}}, "json_schema"),
        ({"type": {"x": 1}}, "other"),
        ("Weather", "other"),
        (None, None),
    ],
)
def test_a_response_format_is_known_by_its_type(value: Any, expected: str | None) -> None:
    assert event(response_format=value)["response_format"] == expected


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"operation": "Embedding"}, "embedding"),
        ({"operation": "dance"}, "other"),
        ({"object": "/v1/files/7"}, "download"),
        ({"model_requested": "m"}, "chat"),
        ({}, "other"),
    ],
)
def test_the_kind_of_call_is_stated_or_follows(record: dict[str, Any], expected: str) -> None:
    assert event(**record)["operation"] == expected


def test_only_downloads_have_an_object() -> None:
    assert event(operation="chat", object="/v1/files/7")["object"] is None


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"refused": True, "response": "Certainly."}, True),
        ({"refused": False, "finish_reason": "content_filter"}, False),
        ({"finish_reason": "content_filter"}, True),
        ({"finish_reason": "stop"}, False),
        ({"response": "Certainly, here it is."}, False),
        ({"response": "I'm sorry, but I can't help with that request."}, True),
        ({}, None),
    ],
)
def test_refusal_is_stated_or_shows(record: dict[str, Any], expected: bool | None) -> None:
    assert event(**record)["is_refused"] is expected


def test_a_prompt_without_system_prompt_has_its_claims() -> None:
    claims = event(prompt="What is the capital of Norway?")
    names = ("elicits_reasoning", "has_rubric", "asks_system_prompt")
    assert [claims[name] for name in names] == [False, False, False]
    assert [event()[name] for name in names] == [None, None, None]


def test_money_is_counted_in_millionths() -> None:
    assert event(cost_usd=0.0000015)["cost_micro_usd"] == 2


def test_an_account_creation_that_cannot_be_is_unknown() -> None:
    assert event(account_created_at=0)["account_created_at"] is None
    assert event(account_created_at="2025-11-05T08:00:00+02:00")["account_created_at"] == datetime(
        2025, 11, 5, 6, tzinfo=UTC
    )


def test_rules_name_other_fields_for_the_account() -> None:
    record = {"org_id": "group", "tenant": {"id": 7}, "headers": {"X-Account": "head"}, "end_user_id": "eve"}
    for rule, account, basis in (
        (["org_id"], "group", "organisation"),
        (["end_user_id"], "eve", "user"),
        (["tenant.id"], "7", "account"),
        (["missing", "header:x-account"], "head", "account"),
        (["address_and_agent", "account_id"], "acme", "account"),
    ):
        row = decoded("canonical", lines(record), account=rule).events.row(0, named=True)
        assert (row["account_id"], row["account_basis"]) == (account, basis)


def test_a_caller_without_account_may_be_known_by_address_and_agent() -> None:
    record = {"account_id": None, "source_ip": "203.0.113.9", "user_agent": "curl"}
    row = decoded("canonical", lines(record), account=["account_id", "address_and_agent"]).events.row(0, named=True)
    assert row["account_basis"] == "address_and_agent"
    assert row["account_id"].startswith("203.0.113.9 ")


def test_a_rule_reads_a_field_beside_half_an_emoji() -> None:
    line = rb'{"time": 1772442000, "prompt": "cut \ud83d", "tenant": "t-9"}'
    assert decoded("canonical", line, account=["tenant"]).events["account_id"].to_list() == ["t-9"]


def test_rules_name_other_fields_for_key_user_and_client() -> None:
    row = decoded(
        "canonical",
        lines({"tls": "t13", "who": "eve", "k": "key-9"}),
        api_key=["k"],
        end_user=["who"],
        client_fingerprint=["tls"],
    ).events.row(0, named=True)
    assert (row["client_fingerprint"], row["api_key_id"]) == ("t13", "key-9")
    assert row["end_user"] == event(end_user_id="eve")["end_user"]


def test_every_field_of_the_record_is_read() -> None:
    assert len(NAMES) == len(set(NAMES)) == 52
    result = decoded("canonical", lines(dict.fromkeys(NAMES) | {"time": NOON, "account_id": "a"}))
    assert result.events.height == 1
    assert result.unknown_fields == {}
