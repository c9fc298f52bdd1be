"""What a run did: the last row written, and thereby the truth about the lake."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field

PIPELINES = (
    "ingest",
    "detect",
    "learn",
    "overlay",
    "rewind",
    "release",
    "reference",
    "replay",
    "upkeep",
    "hunt",
    "alert",
)

SOURCE_COUNTS_TYPE = pa.struct(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("format", pa.string()),
        pa.field("records", pa.int64(), nullable=False),
        pa.field("appended", pa.int64(), nullable=False),
        pa.field("ignored", pa.int64(), nullable=False),
        pa.field("rejects", pa.int64(), nullable=False),
        pa.field("accepted", pa.int64(), nullable=False),
        pa.field("duplicates", pa.int64(), nullable=False),
        pa.field("too_late", pa.int64(), nullable=False),
        pa.field("refused_because", pa.string()),
    ]
)
"""Summed over all runs, records = appended + ignored + rejects and appended = accepted + duplicates + too_late + waiting;
a rewind takes counts of DETECT runs back as negative numbers, a replay turns rejects into events."""

TABLE_VERSION_TYPE = pa.struct(
    [pa.field("table", pa.string(), nullable=False), pa.field("version", pa.int64(), nullable=False)]
)

REMOVED_TYPE = pa.struct(
    [
        pa.field("table", pa.string(), nullable=False),
        pa.field("source", pa.string()),  # null where the table's rows have none
        pa.field("rows", pa.int64(), nullable=False),
    ]
)
"""Rows that were older than the policy keeps: what is there = what the counts say - what was removed."""

RUN = Contract(
    name="runs",
    version=1,
    doc="One row is one committed run.",
    key=("run_id",),
    position_columns=("run_id", "sequence", "tables", "started_at", "finished_at"),
    arrow=pa.schema(
        [
            field("run_id", pa.string(), "Pipeline and sequence number.", required=True),
            field("sequence", pa.int64(), "Rises by one a run.", required=True, at_least=1),
            field("pipeline", pa.string(), "Which pipeline.", required=True, one_of=PIPELINES),
            field("started_at", UTC_MICROSECONDS, "Wall clock.", required=True),
            field("finished_at", UTC_MICROSECONDS, "Wall clock.", required=True),
            field("closed_from", UTC_MICROSECONDS, "DETECT: start of the ticks it closed.", null="not DETECT"),
            field(
                "closed_until",
                UTC_MICROSECONDS,
                "DETECT: end of the ticks it closed; LEARN: the day's end; rewind: the border it went back to; upkeep: the last such end.",
                null="INGEST; a rewind to the beginning",
            ),
            field(
                "events_version",
                pa.int64(),
                "DETECT: version of `events` it read; rewind: that of the last DETECT.",
                null="neither",
            ),
            field("snapshot_id", pa.string(), "DETECT: snapshot used; LEARN: snapshot published.", null="none"),
            field("registry_version", pa.int64(), "Version of `registry` used.", null="none"),
            field("policy_version", pa.string(), "Digest of the policy.", required=True),
            field("accounts", pa.int64(), "Accounts seen.", required=True, at_least=0),
            field("windows", pa.int64(), "Account windows made.", required=True, at_least=0),
            field("findings", pa.int64(), "Finding revisions made.", required=True, at_least=0),
            field("removed", pa.list_(REMOVED_TYPE), "Rows that retention removed.", null="not an upkeep"),
            field("sources", pa.list_(SOURCE_COUNTS_TYPE), "Counts per source.", required=True),
            field(
                "tables",
                pa.list_(TABLE_VERSION_TYPE),
                "Version of every table after this run: what `query` reads.",
                required=True,
            ),
        ]
    ),
)
