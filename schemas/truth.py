"""What a simulated world knows about itself; read by `evaluate`, never by a detector."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field

LABELS = ("benign", "grey", "extraction")

TRUTH = Contract(
    name="truth",
    version=1,
    doc="One row is one account of a labelled world.",
    key=("account_id",),
    is_table=False,
    arrow=pa.schema(
        [
            field("account_id", pa.string(), "The account.", required=True),
            field("label", pa.string(), "What it is.", required=True, one_of=LABELS),
            field(
                "archetype",
                pa.string(),
                "Archetype (T-*) or look-alike (B-*), `benign` for the majority.",
                required=True,
            ),
            field("campaign_id", pa.string(), "True campaign.", null="none"),
            field("attack_start", UTC_MICROSECONDS, "First attacking call.", null="never attacks"),
            field("calls", pa.int64(), "Calls in the world.", required=True, at_least=0),
            field("attack_calls", pa.int64(), "Of those, attacking ones.", required=True, at_least=0),
        ]
    ),
)

ATTACK = Contract(
    name="attacks",
    version=1,
    doc="One row is one account's attacking calls of one tick of a labelled world.",
    key=("account_id", "tick"),
    is_table=False,
    arrow=pa.schema(
        [
            field("account_id", pa.string(), "The account.", required=True),
            field("tick", UTC_MICROSECONDS, "Start of the five minutes in which the calls begin.", required=True),
            field("attack_calls", pa.int64(), "Attacking calls.", required=True, unit="calls", at_least=1),
        ]
    ),
)
