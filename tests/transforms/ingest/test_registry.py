import json

import pytest

from schemas.errors import SourceRefused
from transforms.ingest import ADAPTERS, choose

CANONICAL = b'{"time": 1772442000, "account_id": "acme", "input_tokens": 5}\n'
NGINX = b'{"msec": "1772442007.250", "uri": "/v1/messages", "status": "200"}\n'
PAYLOAD = json.dumps(
    {"id": "c-1", "call_type": "acompletion", "startTime": 1.5, "endTime": 2.5, "model_group": "m", "messages": []}
).encode()


def chosen(head: bytes) -> str:
    return choose(head, "calls.log")[0].name


def test_adapters_are_found_in_the_room_by_name() -> None:
    assert all(name == adapter.name for name, adapter in ADAPTERS.items())
    assert list(ADAPTERS) == sorted(ADAPTERS)


def test_a_source_is_recognised_by_its_first_records() -> None:
    assert chosen(CANONICAL) == "canonical"
    assert chosen(b"PAR1\x15\x04") == "canonical"
    assert chosen(NGINX) == "nginx_json"
    assert chosen(PAYLOAD) == "litellm"
    assert chosen(b"[" + PAYLOAD + b", " + PAYLOAD + b"]") == "litellm"
    assert chosen(b'203.0.113.9 - - [02/Mar/2026:09:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "-"\n') == "combined"


def test_a_head_cut_off_inside_its_first_record_is_recognised() -> None:
    long = PAYLOAD[:-3] + b', {"role": "user", "content": "' + b"x" * 1000
    assert chosen(long) == "litellm"
    assert chosen(b"[" + long) == "litellm"


def test_a_damaged_first_line_does_not_hide_the_format() -> None:
    assert chosen(b'{"time": 17724\n' + CANONICAL) == "canonical"


def test_a_document_is_recognised_with_its_framing() -> None:
    spread = json.dumps(json.loads(PAYLOAD), indent=1).encode()
    adapter, framing, why = choose(spread, "calls.json")
    assert (adapter.name, framing) == ("litellm", "document")
    assert "startTime" in why


@pytest.mark.parametrize(
    "head", [b"hello\nworld\n", b'{"a": 1}\n', b"\x00" * 100, b"\xff\xfe{\x00", b"a,b\n1,2\n", b"[]"]
)
def test_an_unclear_source_is_refused_with_the_scores(head: bytes) -> None:
    with pytest.raises(SourceRefused) as refusal:
        choose(head, "calls.log")
    assert all(name in str(refusal.value) for name in ADAPTERS)
    assert "--format" in refusal.value.fix


def test_a_source_that_fits_two_formats_is_refused() -> None:
    both = {"time": 1, "account_id": "a", "msec": "1", "uri": "/v1/", "status": "200"}
    with pytest.raises(SourceRefused, match="not clear"):
        choose(json.dumps(both).encode(), "calls.log")


def test_an_empty_source_is_refused() -> None:
    for head in (b"", b" \n\n"):
        with pytest.raises(SourceRefused, match="empty"):
            choose(head, "calls.log")


def test_a_named_format_is_taken_at_its_word() -> None:
    adapter, framing, why = choose(b"{\n", "calls.log", "litellm")
    assert (adapter.name, framing, why) == ("litellm", "document", "named")


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SourceRefused, match="no format litelm") as refusal:
        choose(CANONICAL, "calls.log", "litelm")
    assert "litellm" in refusal.value.fix


def test_a_refusal_holds_no_text_of_the_source() -> None:
    with pytest.raises(SourceRefused) as refusal:
        choose(b'{"prompt": "CANARY"}\n', "calls.log")
    assert "CANARY" not in str(refusal.value)
