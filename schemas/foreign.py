"""A reasoning handle redeemed where it was not issued: by another account, or by its own account in another session."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field

FOREIGN = Contract(
    name="foreign_handles",
    version=1,
    doc="One row is one handle an account redeemed within a tick although it had been issued to another, or (`issuer` is the account itself) although it had redeemed it in an earlier session.",
    key=("account_id", "tick", "key"),
    is_table=False,
    arrow=pa.schema(
        [
            field("account_id", pa.string(), "The account that redeemed it.", required=True),
            field("account_hash", pa.int64(), "xxh3-64 of account_id.", required=True),
            field("tick", UTC_MICROSECONDS, "Start of the tick of the redemption.", required=True),
            field("key", pa.int64(), "Fingerprint of the handle.", required=True),
            field("issuer", pa.string(), "The account it was last issued to before.", required=True),
            field("issuer_hash", pa.int64(), "xxh3-64 of issuer.", null="not known"),
            field(
                "calls",
                pa.int64(),
                "Calls of the tick that sent it in.",
                null="the row is older than the column",
                unit="calls",
                at_least=1,
            ),
            field(
                "output_tokens",
                pa.int64(),
                "Their output tokens.",
                null="none of the calls carries them, or the row is older than the column",
                unit="tokens",
                at_least=0,
            ),
        ]
    ),
)
