"""What an account sends in that was given to another, or (a reasoning handle) to itself in an earlier session."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field

FOREIGN = Contract(
    name="foreign_handles",
    version=1,
    doc="One row is one handle or answer that an account sent in within a tick although it had been given to another, or (`issuer` is the account itself) one handle that it had redeemed in an earlier session.",
    key=("account_id", "tick", "key"),
    is_table=False,
    arrow=pa.schema(
        [
            field("account_id", pa.string(), "The account that sent it in.", required=True),
            field("account_hash", pa.int64(), "xxh3-64 of account_id.", required=True),
            field("tick", UTC_MICROSECONDS, "Start of the tick in which it did.", required=True),
            field(
                "key",
                pa.int64(),
                "Fingerprint of the handle, or of the passage that the answer opens with.",
                required=True,
            ),
            field(
                "kind",
                pa.string(),
                "How it came back, as the trait that shows it: a reasoning handle, an answer as the last one of the conversation that the request brings along, an answer within the prompt.",
                null="the row is older than the column: a handle",
                one_of=("handle_used", "answer_carried", "answer_pasted"),
            ),
            field("issuer", pa.string(), "The account it was last given to before.", required=True),
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
