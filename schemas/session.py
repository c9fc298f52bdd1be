"""An account's activity without a pause of 30 minutes, cut at UTC midnight."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field

SESSION = Contract(
    name="sessions",
    version=1,
    doc="One row is one session: calls of an account with less than the idle timeout between completions.",
    key=("account_id", "session_start"),
    arrow=pa.schema(
        [
            field("account_id", pa.string(), "The account.", required=True),
            field("session_start", UTC_MICROSECONDS, "Completion of its first call.", required=True),
            field("session_end", UTC_MICROSECONDS, "Completion of its last call.", required=True),
            field("calls", pa.int64(), "Calls.", required=True, unit="calls", at_least=1),
            field("errors", pa.int64(), "Calls with status 400 or more.", required=True, unit="calls", at_least=0),
            field("refused", pa.int64(), "Refused calls.", required=True, unit="calls", at_least=0),
            field("input_tokens", pa.int64(), "Tokens sent.", null="no call carried tokens", unit="tokens", at_least=0),
            field(
                "output_tokens",
                pa.int64(),
                "Tokens generated.",
                null="no call carried tokens",
                unit="tokens",
                at_least=0,
            ),
            field("bytes_out", pa.int64(), "Bytes sent.", null="no call carried bytes", unit="bytes", at_least=0),
            field("ended_by", pa.string(), "What closed it.", required=True, one_of=("idle", "midnight")),
            field(
                "provisional",
                pa.bool_(),
                "Still open at the end of the input; replaced by the next run.",
                required=True,
            ),
        ]
    ),
)
