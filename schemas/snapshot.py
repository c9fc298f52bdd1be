"""What LEARN publishes at a feedback border and DETECT of the next day reads: frames only, nothing pickled."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

import polars as pl
import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field
from schemas.feature import feature_fields

EVERYONE = "*"
"""Peer group that holds all accounts: the fallback where a group is small."""

NEWCOMERS = "new"
"""Peer group of accounts first seen on the day being scored."""

RANK_STEPS = 1024
"""Quantiles kept a feature: rank r of RANK_STEPS is the value below which r/RANK_STEPS of the windows lie."""

_GROUP = field("peer_group", pa.string(), "Peer group; `*` holds all accounts.", required=True)
_ACCOUNT = field("account_id", pa.string(), "The account.", required=True)
_HASH = field("account_hash", pa.int64(), "xxh3-64 of account_id.", required=True)

PEER = Contract(
    name="peers",
    version=1,
    doc="One row says which peer group an account belongs to on the next day.",
    key=("account_id",),
    is_table=False,
    arrow=pa.schema(
        [
            _ACCOUNT,
            _HASH,
            _GROUP,
            field("last_day", UTC_MICROSECONDS, "Start of the last UTC day with calls.", null="not recorded"),
        ]
    ),
)

RANK = Contract(
    name="ranks",
    version=1,
    doc="One row is one feature's quantiles within one peer group.",
    key=("peer_group", "feature"),
    is_table=False,
    arrow=pa.schema(
        [
            _GROUP,
            field("feature", pa.string(), "Feature name, or `trees` for the HalfSpaceTrees score.", required=True),
            field("size", pa.int64(), "Windows behind it.", required=True, at_least=1),
            field(
                "quantiles",
                pa.list_(pa.float64()),
                "RANK_STEPS + 1 values, ascending: minimum, ..., maximum.",
                required=True,
            ),
        ]
    ),
)

REFERENCE = Contract(
    name="references",
    version=1,
    doc="One row is one account-day of the calibration reference: its largest L1 score, as scored on its own day.",
    key=("peer_group", "day", "account_id"),
    is_table=False,
    arrow=pa.schema(
        [
            _GROUP,
            field("day", UTC_MICROSECONDS, "Start of the UTC day.", required=True),
            _ACCOUNT,
            _HASH,
            field("day_maximum", pa.float64(), "Largest l1_score of the day.", required=True, at_least=0),
            field(
                "regime",
                pa.string(),
                "What the score was made with: only scores made alike are compared.",
                null="not recorded; compared with nothing",
            ),
        ]
    ),
)

TREE = Contract(
    name="trees",
    version=1,
    doc="One row is one node of a peer group's HalfSpaceTrees, in depth-first order of River's own trees.",
    key=("peer_group", "tree", "node"),
    is_table=False,
    arrow=pa.schema(
        [
            _GROUP,
            field("tree", pa.int32(), "Tree number.", required=True, at_least=0),
            field(
                "node",
                pa.int32(),
                "Node number, 0 is the root; children of n are 2n+1 (below the threshold) and 2n+2.",
                required=True,
                at_least=0,
            ),
            field("feature", pa.string(), "Feature the node splits on.", null="a leaf"),
            field("threshold", pa.float64(), "Left below it, right from it on.", null="a leaf"),
            field(
                "r_mass",
                pa.int64(),
                "Windows of the last full tree window that passed here.",
                required=True,
                at_least=0,
            ),
            field(
                "l_mass", pa.int64(), "Windows of the current tree window that passed here.", required=True, at_least=0
            ),
            field("learned", pa.int64(), "Windows the forest has learned in all.", required=True, at_least=0),
        ]
    ),
)

DRIFT = Contract(
    name="drifts",
    version=1,
    doc="One row is one series of one account watched by ADWIN.",
    key=("account_id", "series"),
    is_table=False,
    arrow=pa.schema(
        [
            _ACCOUNT,
            _HASH,
            field("series", pa.string(), "template_share, out_in_ratio or model_share.", required=True),
            field(
                "values",
                pa.list_(pa.float64()),
                "Values since the last change, at most 336, oldest first: replayed to rebuild the detector.",
                required=True,
            ),
            field(
                "changed_at",
                UTC_MICROSECONDS,
                "End of the window at which the last change was seen.",
                null="no change seen",
            ),
            field("before", pa.float64(), "Mean before the change.", null="no change seen"),
            field("after", pa.float64(), "Mean after the change.", null="no change seen"),
        ]
    ),
)

RESERVOIR = Contract(
    name="reservoir",
    version=1,
    doc="One row is one window kept, by hash of account and time, to compute percentile ranks from.",
    key=("peer_group", "account_id", "window_end"),
    is_table=False,
    arrow=pa.schema(
        [
            _GROUP,
            _ACCOUNT,
            field("window_end", UTC_MICROSECONDS, "End of the hour.", required=True),
            field("sample", pa.int64(), "Sampling hash; the smallest are kept.", required=True),
            field("trees", pa.float64(), "HalfSpaceTrees score as scored on its own day.", null="not scored"),
            *feature_fields(),
        ]
    ),
)

GUARD = Contract(
    name="guards",
    version=1,
    doc="One row is one account models must not learn from, and since when.",
    key=("account_id",),
    is_table=False,
    arrow=pa.schema(
        [_ACCOUNT, field("last_flagged", UTC_MICROSECONDS, "Last day it was flagged, linked or judged.", required=True)]
    ),
)

CENTRE = Contract(
    name="centres",
    version=1,
    doc="One row is what the calls of one peer group's accounts look like on average, as one map sees them.",
    key=("peer_group", "map"),
    is_table=False,
    arrow=pa.schema(
        [
            _GROUP,
            field("map", pa.string(), "The map (schemas.embedding.MAPS).", required=True),
            field("accounts", pa.int64(), "Account-days behind it.", required=True, at_least=1),
            field("mean", pa.list_(pa.int64()), "Mean of their means, in 1,024ths of a unit.", required=True),
            field(
                "whitener",
                pa.list_(pa.int64()),
                "What turns a difference of means into one whose directions vary alike, row by row.",
                required=True,
            ),
            field("scale", pa.float64(), "What squared distances are divided by.", required=True, at_least=0),
            field("alike", pa.float64(), "Median similarity of two calls of one account.", null="not known"),
            field("origin", pa.string(), "Name of the pinned reference it belongs to.", null="learned from day to day"),
        ]
    ),
)

NULL = Contract(
    name="nulls",
    version=1,
    doc="One row is how far benign accounts, or groups of them, lie from their peer group's centre by chance and by nature.",
    key=("peer_group", "map", "heads", "calls"),
    is_table=False,
    arrow=pa.schema(
        [
            _GROUP,
            field("map", pa.string(), "The map.", required=True),
            field("heads", pa.int64(), "Accounts taken together.", required=True, at_least=1),
            field("calls", pa.int64(), "Calls of each, at least.", required=True, unit="calls", at_least=1),
            field("size", pa.int64(), "Account-days behind it; none of them is behind the centre.", required=True),
            field("quantiles", pa.list_(pa.float64()), "Distances, ascending, RANK_STEPS + 1 of them.", required=True),
        ]
    ),
)

DISTANCE = Contract(
    name="distances",
    version=1,
    doc="One row is one account-day of the calibration of the distribution test: its largest l3_excess, as scored on its own day.",
    key=REFERENCE.key,
    is_table=False,
    arrow=REFERENCE.arrow,
)

VECTOR = Contract(
    name="vectors",
    version=1,
    doc="One row is one account-day up to a number of calls, kept by hash of account and day, to make centres and nulls from.",
    key=("peer_group", "map", "rung", "account_id", "day"),
    is_table=False,
    arrow=pa.schema(
        [
            _GROUP,
            field("map", pa.string(), "The map.", required=True),
            field("rung", pa.int64(), "Number of calls that was to be reached.", required=True, at_least=1),
            _ACCOUNT,
            field("day", UTC_MICROSECONDS, "Start of the UTC day.", required=True),
            field("sample", pa.int64(), "Sampling hash; the smallest are kept.", required=True),
            field("calls", pa.int64(), "Calls in the sum.", required=True, at_least=1),
            field("vector", pa.list_(pa.int32()), "Sum of their features.", required=True),
        ]
    ),
)

MOVE = Contract(
    name="moves",
    version=1,
    doc="One row is where an account has called from, and how often it moved on to networks that were new to it.",
    key=("account_id",),
    is_table=False,
    arrow=pa.schema(
        [
            _ACCOUNT,
            _HASH,
            field("last_day", UTC_MICROSECONDS, "Start of the last UTC day with known networks.", required=True),
            field(
                "networks",
                pa.list_(pa.int64()),
                "Keys of network prefixes (traits of kind `prefix`) it called from, at most 32: those of the latest days, of a day those with most calls.",
                required=True,
            ),
            field(
                "days",
                pa.int64(),
                "Days whose calls were spread over `campaigns.awake_hours` or longer; the first day with known networks does not count.",
                required=True,
                unit="days",
                at_least=0,
            ),
            field(
                "moved",
                pa.int64(),
                "Of these, days on which most calls, spread over as long, came from networks that were none of `networks`.",
                required=True,
                unit="days",
                at_least=0,
            ),
        ]
    ),
)

NIGHT = Contract(
    name="nights",
    version=1,
    doc="One row is at which hours of the day an account calls.",
    key=("account_id",),
    is_table=False,
    arrow=pa.schema(
        [
            _ACCOUNT,
            _HASH,
            field(
                "first_day",
                UTC_MICROSECONDS,
                "Start of the first UTC day with calls, which does not count.",
                required=True,
            ),
            field("last_day", UTC_MICROSECONDS, "Start of the last UTC day with calls.", required=True),
            field(
                "hours",
                pa.list_(pa.int32()),
                "24 values, one an hour of the UTC day: calls in it on the days that count; all in proportion where one came to more than 255.",
                required=True,
            ),
            field("calls", pa.int64(), "Their sum.", required=True, unit="calls", at_least=0),
            field(
                "quiet",
                pa.int64(),
                "Those in the `campaigns.night_hours` hours in a row, midnight or not, that have the fewest.",
                required=True,
                unit="calls",
                at_least=0,
            ),
        ]
    ),
)

LEANING = Contract(
    name="leanings",
    version=1,
    doc="One row is how much an account's last day looked like a harvest.",
    key=("account_id",),
    is_table=False,
    arrow=pa.schema(
        [
            _ACCOUNT,
            _HASH,
            field("last_day", UTC_MICROSECONDS, "Start of the last UTC day that could be judged.", required=True),
            field(
                "likeness",
                pa.int64(),
                "Log-odds that such a day is a harvester's, in thousandths, as learned from simulated worlds; comparable among accounts, not to be read as a chance.",
                required=True,
            ),
            field(
                "leans",
                pa.bool_(),
                "Whether it was among the `campaigns.leaning_share` of the day's accounts with the highest.",
                required=True,
            ),
        ]
    ),
)

PARTS = (PEER, RANK, REFERENCE, TREE, DRIFT, CENTRE, NULL, DISTANCE, MOVE, NIGHT, LEANING, RESERVOIR, GUARD, VECTOR)
"""The frames of a snapshot, by name. DETECT reads all but the last three; LEARN all."""


@dataclass(frozen=True)
class Snapshot:
    """One published state of everything learned.

    Attributes:
        snapshot_id: `day-YYYY-MM-DD` of the last day learned, or None before the first.
        day: start of that day, or None.
        parts: frame by contract name (`PARTS`), each as its contract says.
    """

    snapshot_id: str | None
    day: datetime | None
    parts: dict[str, pl.DataFrame]

    @classmethod
    def empty(cls) -> Self:
        """What DETECT reads before anything was learned."""
        return cls(None, None, {contract.name: contract.empty() for contract in PARTS})

    def __getitem__(self, name: str) -> pl.DataFrame:
        return self.parts[name]
