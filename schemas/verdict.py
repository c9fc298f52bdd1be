"""An analyst's judgement of a finding, in OCSF's words."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field

VERDICTS = (
    "true_positive",
    "false_positive",
    "benign",
    "suspicious",
    "disregard",
    "test",
    "insufficient_data",
    "duplicate",
)
"""Of OCSF verdict_id (1.8.0): 2, 1, 5, 4, 3, 6, 7, 10."""

VERDICT = Contract(
    name="verdicts",
    version=1,
    doc="One row is one judgement; the latest of an account holds.",
    key=("account_id", "given_at"),
    arrow=pa.schema(
        [
            field("account_id", pa.string(), "The account.", required=True),
            field("given_at", UTC_MICROSECONDS, "When it was given.", required=True),
            field(
                "holds_from", UTC_MICROSECONDS, "Feedback border from which LEARN takes it into account.", required=True
            ),
            field("verdict", pa.string(), "The judgement.", required=True, one_of=VERDICTS),
            field("analyst", pa.string(), "Who gave it.", required=True),
            field("comment", pa.string(), "Why.", null="none given"),
        ]
    ),
)
