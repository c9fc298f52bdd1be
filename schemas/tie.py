"""A key whose holders have more in common than the key, and the accounts that hold it."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field
from schemas.score import SIGNAL_TYPE

TIE = Contract(
    name="ties",
    version=1,
    doc="One row is one shared key as of the end of one tick in which it was shown and its holders looked driven as one.",
    key=("tick", "kind", "key"),
    is_table=False,
    arrow=pa.schema(
        [
            field("tick", UTC_MICROSECONDS, "Start of the tick.", required=True),
            field("kind", pa.string(), "Kind of trait.", required=True),
            field("key", pa.int64(), "Fingerprint of the trait.", required=True),
            field("points", pa.float64(), "Sum of the signals' points.", required=True, unit="decades", at_least=0),
            field("families", pa.int32(), "Signals that say something.", required=True, at_least=0),
            field("signals", pa.list_(SIGNAL_TYPE), "What the points are made of, strongest first.", required=True),
            field("accounts", pa.int64(), "Accounts that hold the key.", required=True, at_least=1),
            field("calls", pa.int64(), "Calls that showed it.", required=True, unit="calls", at_least=1),
            field(
                "elicited",
                pa.int64(),
                "Of those, calls with a claim of extraction.",
                required=True,
                unit="calls",
                at_least=0,
            ),
            field(
                "is_sustained",
                pa.bool_(),
                "It is not enough for a tie, but the key was tied before: its holders may have been replaced.",
                null="the row is older than the column",
            ),
        ]
    ),
)

TIED = Contract(
    name="tied_accounts",
    version=1,
    doc="One row is one account that holds a tied key: at the tick at which it became known, and at each tick it showed it.",
    key=("tick", "kind", "key", "account_hash"),
    is_table=False,
    arrow=pa.schema(
        [
            field("tick", UTC_MICROSECONDS, "Start of the tick.", required=True),
            field("kind", pa.string(), "Kind of trait.", required=True),
            field("key", pa.int64(), "Fingerprint of the trait.", required=True),
            field("account_id", pa.string(), "The account.", required=True),
            field("account_hash", pa.int64(), "xxh3-64 of account_id.", required=True),
            field("calls", pa.int64(), "Calls so far that showed the key.", required=True, unit="calls", at_least=1),
            field(
                "output_tokens",
                pa.int64(),
                "Their output tokens.",
                null="the source does not carry tokens",
                unit="tokens",
                at_least=0,
            ),
            field("first_time", UTC_MICROSECONDS, "First of them.", required=True),
            field("last_tick", UTC_MICROSECONDS, "Tick of the last of them.", required=True),
            field("is_fresh", pa.bool_(), "It was young when it first showed the key.", null="its age is not on file"),
            field("card", pa.string(), "Its payment instrument.", null="none is on file"),
            field(
                "is_signed",
                pa.bool_(),
                "It is a customer one knows (policy campaigns.signed_contracts).",
                null="no contract is on file, or the row is older than the column",
            ),
        ]
    ),
)
