import json
from datetime import UTC, datetime
from typing import Any

from ingest_blocks import decoded
from schemas.event import Presence
from transforms.ingest.litellm import FAILED_AUTHENTICATION

P = Presence
ROW: dict[str, Any] = {
    "request_id": "chatcmpl-50",
    "call_type": "acompletion",
    "api_key": "88dc28d0f030c55e",
    "spend": 0.00834,
    "prompt_tokens": 412,
    "completion_tokens": 733,
    "startTime": "2026-03-02 09:00:00.250000",
    "endTime": "2026-03-02 09:00:07.250000",
    "completionStartTime": "2026-03-02 09:00:00.660000",
    "model": "gpt-4o",
    "model_group": "gpt-4o",
    "user": "u-3",
    "team_id": "team-7",
    "organization_id": "",
    "metadata": json.dumps({"user_api_key_team_id": "team-7", "status": "success"}),
    "cache_hit": "None",
    "request_tags": "[]",
    "end_user": "",
    "requester_ip_address": "203.0.113.9",
    "messages": "{}",
    "response": "{}",
    "proxy_server_request": "{}",
    "session_id": "trace-50",
    "status": "success",
}
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "a"}], "temperature": 0.5, "stream": True}


def event(**changes: Any) -> dict[str, Any]:
    result = decoded("litellm", json.dumps(ROW | changes).encode())
    assert result.events.height == 1, (result.rejects, result.ignored)
    return result.events.row(0, named=True)


def test_a_row_is_read_in_full() -> None:
    got = event()
    expected = {
        "event_id": "chatcmpl-50",
        "time": datetime(2026, 3, 2, 9, 0, 7, 250_000, UTC),
        "account_id": "team-7",
        "account_basis": "team",
        "api_key_id": "88dc28d0f030c55e",
        "latency_ms": 7000,
        "input_tokens": 412,
        "output_tokens": 733,
        "cost_micro_usd": 8340,
        "http_status": 200,
        "network_prefix": "203.0.113.0/24",
        "operation": "chat",
    }
    assert {name: got[name] for name in expected} == expected


def test_a_row_without_stored_prompts_lacks_prompt_and_parameters() -> None:
    row = event()
    lacking = P.PROMPT | P.RESPONSE | P.PARAMETERS | P.TOOLS | P.HANDLES | P.MESSAGES | P.AGENT | P.REFUSAL | P.FINISH
    assert not P(row["presence"]) & lacking
    assert (row["prompt_digest"], row["logprobs"], row["is_refused"]) == (None, None, None)


def test_stored_prompts_are_read_from_the_requests_body() -> None:
    answer = {"choices": [{"finish_reason": "stop", "message": {"content": "b"}}]}
    row = event(proxy_server_request=json.dumps(BODY), response=json.dumps(answer))
    assert (row["prompt_chars"], row["response_chars"], row["temperature"], row["ttft_ms"]) == (1, 1, 0.5, 410)
    assert (row["logprobs"], row["message_count"], row["stream"]) == (False, 1, True)
    as_objects = event(proxy_server_request=BODY, response=answer)
    assert as_objects == row


def test_messages_stored_as_text_are_read() -> None:
    stored = event(messages=json.dumps(BODY["messages"]))
    assert stored["prompt_digest"] == event(proxy_server_request=BODY)["prompt_digest"]
    assert event(messages=BODY["messages"])["prompt_digest"] == stored["prompt_digest"]


def test_the_bodies_of_other_apis_are_read() -> None:
    expected = event(proxy_server_request=BODY)["prompt_digest"]
    for body in ({"input": "a"}, {"prompt": "a"}, {"input": [{"role": "user", "content": [{"text": "a"}]}]}):
        assert event(proxy_server_request=json.dumps(body))["prompt_digest"] == expected
    system = event(proxy_server_request={"messages": [{"role": "system", "content": "s"}]})["system_digest"]
    for body in ({"instructions": "s"}, {"system": "s"}, {"system": [{"text": "s"}]}):
        assert event(proxy_server_request=json.dumps(body | {"prompt": "a"}))["system_digest"] == system is not None


def test_a_prompt_cut_short_keeps_its_template_keys_but_no_digest_and_no_length() -> None:
    head = "Compare the two bridges over the fjord by length, by age and by the traffic they carry in a year"
    whole = event(proxy_server_request={"messages": [{"role": "user", "content": head}]})
    cut = f"{head} ... (litellm_truncated skipped 900 chars) ... and write down the sources you used for all of it"
    row = event(proxy_server_request={"messages": [{"role": "user", "content": cut}]})
    assert (row["prompt_digest"], row["prompt_chars"]) == (None, None)
    assert row["head_key"] == whole["head_key"] is not None
    assert P(row["presence"]) & P.PROMPT


def test_metadata_may_be_text_or_an_object() -> None:
    metadata = {"user_api_key_team_id": "team-8", "usage_object": {"prompt_tokens_details": {"cached_tokens": 5}}}
    text, plain = event(team_id="", metadata=json.dumps(metadata)), event(team_id="", metadata=metadata)
    assert text == plain
    assert (text["account_id"], text["cached_input_tokens"]) == ("team-8", 5)


def test_rules_reach_into_metadata_kept_as_text() -> None:
    row = json.dumps(ROW | {"metadata": json.dumps({"tenant": {"id": "t-9"}, "note": "{"})}).encode()
    assert decoded("litellm", row, account=["metadata.tenant.id"]).events["account_id"].to_list() == ["t-9"]
    assert decoded("litellm", row, account=["metadata.note.id", "team_id"]).events["account_id"].to_list() == ["team-7"]


def test_metadata_that_cannot_be_read_hides_no_call() -> None:
    assert event(metadata="{")["account_id"] == "team-7"
    assert event(metadata=json.dumps({"user_api_key_org_id": 5}))["account_id"] == "team-7"


def test_a_failure_is_known_by_its_metadata() -> None:
    metadata = {"status": "failure", "error_information": {"error_code": "429", "error_class": "RateLimitError"}}
    row = event(status="failure", metadata=json.dumps(metadata))
    assert (row["http_status"], row["is_refused"], row["model_served"]) == (429, None, None)
    assert event(status=None, metadata=json.dumps(metadata))["http_status"] == 429


def test_a_row_without_status_has_none() -> None:
    row = event(status=None, metadata="{}")
    assert row["http_status"] is None
    assert not P(row["presence"]) & P.STATUS


def test_a_failed_authentication_is_ignored() -> None:
    metadata = {"status": "failure", "error_information": {"error_code": "401", "error_class": "ProxyException"}}
    row = ROW | {"status": "failure", "metadata": json.dumps(metadata), "team_id": "", "user": "", "api_key": "wrong"}
    assert decoded("litellm", json.dumps(row).encode()).ignored == {FAILED_AUTHENTICATION: 1}
