"""A record that could not be taken in: where, why, and a digest of it."""

import pyarrow as pa

from schemas.contract import Contract, field

REASONS = (
    "not_json",  # syntax, truncation, a value where an object was expected
    "not_utf8",
    "wrong_type",  # a needed field holds another type
    "missing_time",
    "missing_account",
    "impossible_time",  # outside policy time.earliest .. time.latest, or end before start
    "impossible_value",  # negative counts, status outside 100-599
    "too_long",  # longer than policy ingest.record_bytes
    "too_deep",  # nested deeper than the decoder allows
    "no_match",  # a line that is not of the access-log format
    "damaged_stream",  # the compressed stream breaks here; what follows is lost
)

REJECT = Contract(
    name="rejects",
    version=1,
    doc="One row is one record that was refused, or one place where a stream broke.",
    key=("source", "position"),
    position_columns=("source", "position", "source_name", "line"),
    arrow=pa.schema(
        [
            field("source", pa.string(), "Identity of the source.", required=True),
            field(
                "position",
                pa.int64(),
                "Offset of the record in the decompressed source.",
                required=True,
                unit="bytes",
                at_least=0,
            ),
            field("source_name", pa.string(), "Name of the source as listed.", required=True),
            field("line", pa.int64(), "Line number within the range read, from 1.", null="the source has no lines"),
            field("format", pa.string(), "Adapter that refused it.", required=True),
            field("reason", pa.string(), "Why.", required=True, one_of=REASONS),
            field("column", pa.string(), "Field at fault.", null="the record as a whole"),
            field("digest", pa.int64(), "Keyed 64-bit fingerprint of the record's bytes.", required=True),
            field("length", pa.int64(), "Length of the record.", required=True, unit="bytes", at_least=0),
        ]
    ),
)
