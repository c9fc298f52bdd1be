"""A key that accounts have in common, as each of them shows it."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field
from schemas.trait import TRAIT_KINDS

SHARED = Contract(
    name="shared_traits",
    version=1,
    doc=(
        "One row is one key that at least two accounts hold, as one of them shows it within a tick; "
        "or the account that held it alone until then, in the tick in which it becomes shared."
    ),
    key=("tick", "kind", "key", "account_id", "first_time"),
    is_table=False,
    arrow=pa.schema(
        [
            field("tick", UTC_MICROSECONDS, "Start of the tick in which the row counts.", required=True),
            field(
                "kind",
                pa.string(),
                "Kind of trait.",
                required=True,
                one_of=tuple(kind.name for kind in TRAIT_KINDS if kind.links),
            ),
            field("key", pa.int64(), "Fingerprint of the trait.", required=True),
            field("account_id", pa.string(), "The account.", required=True),
            field("account_hash", pa.int64(), "xxh3-64 of account_id.", required=True),
            field("count", pa.int64(), "Calls that showed it.", required=True, unit="calls", at_least=1),
            field(
                "refused", pa.int64(), "Calls that showed it and were refused.", required=True, unit="calls", at_least=0
            ),
            field(
                "elicited",
                pa.int64(),
                "Calls that showed it and carry an extraction claim.",
                null="none of the calls carries a prompt or response",
                unit="calls",
                at_least=0,
            ),
            field(
                "output_tokens",
                pa.int64(),
                "Output tokens of the calls that showed it.",
                null="none of the calls carries them",
                unit="tokens",
                at_least=0,
            ),
            field(
                "first_time",
                UTC_MICROSECONDS,
                "Earliest of these calls; of an account that held the key alone, before the tick.",
                required=True,
            ),
            field(
                "holders",
                pa.int64(),
                "Accounts that hold the key as of the end of the tick: that showed it within links.memory_days.",
                required=True,
                unit="accounts",
                at_least=2,
            ),
            field("is_new", pa.bool_(), "The account is passed on with this key for the first time.", required=True),
            field(
                "is_capped",
                pa.bool_(),
                "The tick brought the key more holders than links.most_holders; one row says so, and none follows.",
                required=True,
            ),
        ]
    ),
)
