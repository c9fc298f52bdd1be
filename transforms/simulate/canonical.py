"""A world's calls as canonical log lines."""

import polars as pl

TEXT = ("system", "prompt", "response")
"""Columns that a world without text does not have; a key whose value is null would say that the log could carry it."""


def canonical_frame(records: pl.DataFrame, *, with_text: bool) -> pl.DataFrame:
    """The records as a canonical table: times in UTC, no text columns in a world without text."""
    return records if with_text else records.drop(TEXT)


def canonical_lines(records: pl.DataFrame, *, with_text: bool) -> bytes:
    """The records as canonical NDJSON, one object a line; null fields are written, since the log has a place for them."""
    moments = pl.col(pl.Datetime).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
    return canonical_frame(records, with_text=with_text).with_columns(moments).write_ndjson().encode()
