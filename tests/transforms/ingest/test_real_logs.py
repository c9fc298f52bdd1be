"""Logs that real programs wrote."""

from pathlib import Path

import polars as pl

from ingest_blocks import decoded
from schemas.event import EVENT, Presence
from schemas.reject import REJECT
from transforms.ingest import choose
from transforms.ingest.litellm import FAILED_AUTHENTICATION
from transforms.ingest.web import NOT_API

P = Presence


def test_the_posts_of_a_real_litellm_proxy_are_read(shared_data: Path) -> None:
    data = (shared_data / "log_samples" / "litellm" / "generic_api_posts.jsonl").read_bytes()
    adapter, framing, _ = choose(data[:65_536], "generic_api_posts.jsonl")
    assert (adapter.name, framing) == ("litellm", "lines")
    result = decoded("litellm", data)
    EVENT.check(result.events)
    assert (result.events.height, result.rejects.height, result.records) == (11, 0, 13)
    assert result.ignored == {FAILED_AUTHENTICATION: 2}
    assert result.unknown_fields == {}
    accounts = result.events.group_by("account_id", "account_basis").len().sort("account_id").rows()
    assert accounts == [("acme", "team", 1), ("default_user_id", "user", 4), ("evil-1", "team", 6)]
    embedding = result.events.filter(operation="embedding").row(0, named=True)
    assert (embedding["output_tokens"], embedding["model_requested"], embedding["message_count"]) == (0, "emb", 2)
    streamed = result.events.filter(stream=True).row(0, named=True)
    assert (streamed["ttft_ms"], streamed["latency_ms"], streamed["max_tokens"]) == (276, 927, 64)
    assert result.events["conversation"].drop_nulls().len() == 1
    failed = result.events.filter(http_status=400).row(0, named=True)
    assert (failed["model_requested"], failed["model_served"]) == ("nope", None)
    answered = result.events.filter(pl.col("http_status") == 200, pl.col("operation") == "chat")
    assert answered["is_refused"].to_list() == [False] * 9
    assert answered["response_digest"].null_count() == 0


def test_the_lines_of_a_real_apache_server_are_read(shared_data: Path) -> None:
    data = (shared_data / "access_logs" / "apache_combined_2015.log").read_bytes()
    adapter, framing, _ = choose(data[:65_536], "apache_combined_2015.log")
    assert (adapter.name, framing) == ("combined", "lines")
    result = decoded("combined", data)
    EVENT.check(result.events)
    REJECT.check(result.rejects)
    assert result.records == 10_000
    assert result.ignored == {NOT_API: 9_452}
    assert result.rejects.select("line", "reason").rows() == [(8899, "no_match")], "the one line without its last quote"
    downloads = result.events.filter(operation="download")
    assert downloads.height == 399
    assert downloads["object"].str.starts_with("/files/").all()
    assert set(result.events["account_basis"]) == {"address_and_agent"}
    assert result.events["account_id"].n_unique() == 139
    days = result.events["time"].dt.date().unique().sort().cast(pl.String).to_list()
    assert days == ["2015-05-17", "2015-05-18", "2015-05-19", "2015-05-20"]
