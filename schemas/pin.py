"""Somebody's decision about what the distribution test compares with: what this lake learns, or what was once learned, here or elsewhere."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field

ACTIONS = ("imported", "frozen", "thawed")

PIN = Contract(
    name="reference_pins",
    version=1,
    doc="One row is one such decision; of those that hold from a border or an earlier one the last recorded holds.",
    key=("holds_from", "sequence"),
    arrow=pa.schema(
        [
            field("holds_from", UTC_MICROSECONDS, "Feedback border from which it holds.", required=True),
            field("sequence", pa.int64(), "Number of the run that recorded it.", required=True, at_least=1),
            field(
                "action",
                pa.string(),
                "What was decided: a reference of another lake, this lake's own as it was, or what it learns from day to day.",
                required=True,
                one_of=ACTIONS,
            ),
            field("reference", pa.string(), "Name of the reference, a digest of all that is in it.", null="thawed"),
            field("recipe", pa.string(), "Digest of how calls were turned into its vectors.", null="thawed"),
            field("learned_day", UTC_MICROSECONDS, "Start of the last day behind it.", null="thawed"),
            field("given_at", UTC_MICROSECONDS, "Wall clock.", required=True),
            field("given_by", pa.string(), "Who decided it.", null="not said"),
            field("why", pa.string(), "Why.", null="not said"),
        ]
    ),
)
