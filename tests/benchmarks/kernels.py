"""Single kernels in one process: fingerprints, decoding against Polars' own reader, decoding what is damaged."""

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.logs import prompts
from benchmarks.stages import Clock
from pipelines.sources.streams import CHUNK_BYTES
from schemas.policy import Policy, SourceRule
from transforms.ingest import assembling
from transforms.ingest.adapter import Block, Context
from transforms.ingest.fingerprint import prompt_keys
from transforms.ingest.key import FingerprintKey
from transforms.ingest.registry import ADAPTERS

KEY = FingerprintKey(b"\x11" * 32)
TEXT = pl.Struct({"role": pl.String, "content": pl.String})
_DETAILS = pl.Struct({"cached_tokens": pl.Int64, "reasoning_tokens": pl.Int64})
_CHOICE = pl.Struct({"finish_reason": pl.String, "message": TEXT})
NEEDED = {
    "id": pl.String, "litellm_call_id": pl.String, "session_id": pl.String, "call_type": pl.String,
    "stream": pl.Boolean, "status": pl.String, "custom_llm_provider": pl.String, "response_cost": pl.Float64,
    "prompt_tokens": pl.Int64, "completion_tokens": pl.Int64, "startTime": pl.Float64, "endTime": pl.Float64,
    "completionStartTime": pl.Float64, "model": pl.String, "model_group": pl.String, "end_user": pl.String,
    "requester_ip_address": pl.String, "user_agent": pl.String, "messages": pl.List(TEXT),
    "metadata": pl.Struct(
        {
            "user_api_key_hash": pl.String, "user_api_key_alias": pl.String, "user_api_key_team_id": pl.String,
            "user_api_key_org_id": pl.String, "user_api_key_user_id": pl.String,
            "user_api_key_end_user_id": pl.String, "user_api_key_request_route": pl.String,
            "requester_ip_address": pl.String, "user_agent": pl.String,
            "usage_object": pl.Struct({"prompt_tokens_details": _DETAILS, "completion_tokens_details": _DETAILS}),
        }
    ),
    "response": pl.Struct({"choices": pl.List(_CHOICE)}),
    "error_information": pl.Struct({"error_code": pl.String, "error_class": pl.String}),
    "model_parameters": pl.Struct(
        {
            "temperature": pl.Float64, "top_p": pl.Float64, "n": pl.Int64, "max_tokens": pl.Int64,
            "logprobs": pl.Boolean, "top_logprobs": pl.Int64, "seed": pl.Int64, "stream": pl.Boolean,
        }
    ),
}  # fmt: skip
"""The fields of a LiteLLM payload that stillwatch reads, as far as Polars can be told of them: it knows no field that is
a text here and a list there."""


def fingerprints(count: int, repeats: int) -> dict[str, dict[str, float]]:
    """Microseconds of the processor a prompt, digest and template keys, by length; the first run only warms up."""
    found = {}
    for characters in (200, 2000):
        texts = pl.Series(prompts(count, characters), dtype=pl.String)
        prompt_keys(texts, KEY)
        found[str(characters)] = _spread(_timed(lambda texts=texts: prompt_keys(texts, KEY), repeats), count)
    return found


def decoding(path: Path, form: str, repeats: int, *, against_polars: bool) -> dict[str, Any]:
    """Microseconds of the processor a record: decoding without fingerprints, with them, and Polars' reader."""
    blocks = list(blocks_of(path))
    sizes: list[int] = []

    def ours() -> None:
        sizes.append(sum(ADAPTERS[form].decode(block, _context(path)).records for block in blocks))

    # The clock charges fingerprints apart: Polars' reader makes none.
    clock, plain = Clock(), assembling.text_columns
    assembling.text_columns = clock.around("fingerprint", plain)
    try:
        whole, texts = [], []
        theirs = []
        ours()  # only warms up
        for _ in range(repeats):
            before = clock.seconds["fingerprint"]
            whole += _timed(ours, 1)
            texts.append(clock.seconds["fingerprint"] - before)
            if against_polars:
                theirs += _timed(lambda: [pl.read_ndjson(block.data, schema=NEEDED) for block in blocks], 1)
    finally:
        assembling.text_columns = plain
    records = sizes[0]
    found = {
        "records": records,
        "bytes": path.stat().st_size,
        "with_fingerprints": _spread(whole, records),
        "decode": _spread([a - b for a, b in zip(whole, texts, strict=True)], records),
    }
    return found | ({"polars": _spread(theirs, records)} if theirs else {})


def rejected_lines(path: Path, form: str) -> list[int]:
    """The lines that decoding refuses."""
    context = _context(path)
    return sorted(line for block in blocks_of(path) for line in ADAPTERS[form].decode(block, context).rejects["line"])


def blocks_of(path: Path) -> Iterator[Block]:
    """The file in blocks of whole lines, as long as the pipelines read them."""
    offset, line, rest = 0, 1, b""
    with path.open("rb") as log:
        while data := log.read(CHUNK_BYTES):
            data = rest + data
            end = data.rfind(b"\n") + 1
            rest = data[end:]
            if end:
                yield Block(data[:end], offset, line)
                offset, line = offset + end, line + data.count(b"\n", 0, end)
    if rest:
        yield Block(rest, offset, line)


def _context(path: Path) -> Context:
    return Context("source", path.name, SourceRule(), Policy(), KEY)


def _timed(function: Callable[[], object], repeats: int) -> list[float]:
    took = []
    for _ in range(repeats):
        began = time.process_time()
        function()
        took.append(time.process_time() - began)
    return took


def _spread(seconds: list[float], count: int) -> dict[str, float]:
    each = [one / count * 1e6 for one in seconds]
    return {"median": statistics.median(each), "least": min(each), "most": max(each)}


def main(what: str, *arguments: str) -> None:
    """Prints one kernel's figures as JSON."""
    if what == "fingerprints":
        found: Any = fingerprints(int(arguments[0]), int(arguments[1]))
    elif what == "decoding":
        path, form, repeats, against = arguments
        found = decoding(Path(path), form, int(repeats), against_polars=against == "polars")
    else:
        found = rejected_lines(Path(arguments[0]), arguments[1])
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
