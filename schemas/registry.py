"""What the operator knows of its accounts."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field

REGISTRY = Contract(
    name="registry",
    version=1,
    doc="One row is what the operator's file said of one account, from a feedback border on.",
    key=("account_id", "holds_from"),
    arrow=pa.schema(
        [
            field("account_id", pa.string(), "The account.", required=True),
            field("holds_from", UTC_MICROSECONDS, "Feedback border from which it holds.", required=True),
            field("plan", pa.string(), "Commercial plan."),
            field("created_at", UTC_MICROSECONDS, "When the account was created."),
            field("signup_path", pa.string(), "How it was created."),
            field("payment_id", pa.string(), "Payment instrument."),
            field("country", pa.string(), "Country of the account."),
            field(
                "contract",
                pa.string(),
                "Kind of contract; some allow what would otherwise be flagged (policy: allow.contracts), negotiated ones say that the customer is known (campaigns.signed_contracts).",
            ),
        ]
    ),
)
