"""The outcome of an expectation about one closed day."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field

QUALITY = Contract(
    name="quality",
    version=1,
    doc="One row is one expectation about one table on one closed day.",
    key=("day", "table", "expectation", "column"),
    arrow=pa.schema(
        [
            field("day", UTC_MICROSECONDS, "Start of the UTC day.", required=True),
            field("table", pa.string(), "Table audited.", required=True),
            field("expectation", pa.string(), "Great Expectations type.", required=True),
            field("column", pa.string(), "Column, or `*` for the table.", required=True),
            field("passed", pa.bool_(), "Whether it held.", required=True),
            field("observed", pa.string(), "What was seen.", null="nothing to show"),
            field("is_gate", pa.bool_(), "Whether its failure keeps the day from being learned.", required=True),
            field("suite", pa.string(), "Name and digest of the suite.", required=True),
        ]
    ),
)
