"""What an analyst would write instead: one Polars script over the log, for the speed to compare with.

It reads the text, tallies accounts by five minutes, cuts sessions, and prints the accounts with the most output. It
keeps no state, rejects nothing, knows no duplicates, explains nothing.
"""

import sys

import polars as pl

SCHEMA = {
    "event_id": pl.String,
    "time": pl.String,
    "account_id": pl.String,
    "api_key_id": pl.String,
    "operation": pl.String,
    "model_requested": pl.String,
    "http_status": pl.Int64,
    "latency_ms": pl.Int64,
    "input_tokens": pl.Int64,
    "output_tokens": pl.Int64,
    "temperature": pl.Float64,
    "message_count": pl.Int64,
    "prompt": pl.String,
    "response": pl.String,
}


def main(path: str) -> None:
    """Prints the ten accounts with the most output of the log at `path`."""
    events = pl.scan_ndjson(path, schema=SCHEMA).select(
        "account_id",
        pl.col("time").str.to_datetime(time_zone="UTC").alias("time"),
        "input_tokens",
        "output_tokens",
        pl.col("http_status").ge(400).alias("is_error"),
        pl.col("prompt").str.slice(0, 64).hash().alias("template"),
        pl.col("response").str.len_chars().alias("response_chars"),
    )
    tallies = events.group_by("account_id", pl.col("time").dt.truncate("5m").alias("tick")).agg(
        pl.len().alias("calls"),
        pl.col("input_tokens", "output_tokens", "is_error", "response_chars").sum(),
        pl.col("template").n_unique().alias("templates"),
        pl.col("time").min().alias("first"),
        pl.col("time").max().alias("last"),
    )
    quiet = (pl.col("first") - pl.col("last").shift(1)).over("account_id", order_by="tick")
    sessions = (
        tallies.with_columns((quiet >= pl.duration(minutes=30)).fill_null(value=True).alias("opens"))
        .group_by("account_id")
        .agg(
            pl.col("opens").sum().alias("sessions"), pl.col("calls", "output_tokens").sum(), pl.col("templates").mean()
        )
    )
    top = sessions.sort("output_tokens", "account_id", descending=[True, False]).head(10).collect()
    sys.stdout.write(f"{top}\n")


if __name__ == "__main__":
    main(sys.argv[1])
