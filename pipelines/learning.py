"""The run that learns a closed day, at the border behind it: planned, executed, committed."""

from datetime import datetime, timedelta

from pipelines import learn
from pipelines.detect import entries
from pipelines.detect_job import agreed_groups, events_at, reference_before
from pipelines.lake.closed import last_closing
from pipelines.lake.commit import Outcome, Write
from pipelines.lake.learned import released_for
from pipelines.lake.plan import Plan
from pipelines.lake.state import manifest_of
from pipelines.learn import LearnJob
from pipelines.manifests import read_messages
from pipelines.runners import Engine
from pipelines.writer import Writer
from schemas.policy import Policy

_DAY = timedelta(days=1)


def plan_learn(writer: Writer, day: datetime, policy: Policy) -> Plan:
    """The plan of the LEARN run over a closed day, and before it over the days released since the border before."""
    lake = writer.lake
    last = last_closing(lake)
    work = {
        "day": day.isoformat(),
        "versions": lake.versions(),
        "seen_version": None if last is None else last["events_version"],
        "released": [released.isoformat() for released in released_for(lake, day + _DAY)],
        "reference": reference_before(lake, day + _DAY, policy),
    }
    return writer.plan("learn", work, policy)


def execute_learn(writer: Writer, engine: Engine, plan: Plan) -> bool:
    """Executes a LEARN plan and commits it; whether the day passed its audit."""
    lake, work = writer.lake, plan.work
    day, manifest = datetime.fromisoformat(work["day"]), manifest_of(lake)
    # What came since the day was closed is late: whether it came before LEARN or behind it says nothing of the day.
    events = events_at(lake, work["versions"]["events"]).seen_at(work.get("seen_version"))
    job = LearnJob(
        root=str(lake.root),
        run_id=plan.run_id,
        policy=plan.policy,
        day=day,
        versions=work["versions"],
        snapshot=manifest.get("snapshot"),
        event_files=tuple(str(path) for path in events.holding(day, day + _DAY).paths()),
        groups=agreed_groups(lake, None),
        released=tuple(datetime.fromisoformat(released) for released in work["released"]),
        reference=work.get("reference"),
    )
    engine.execute(lambda pipeline: learn.build(job, pipeline))
    (message,) = read_messages(lake.root, plan.run_id)
    outcome = Outcome(
        accounts=0,
        windows=0,
        findings=0,
        policy_version=Policy.from_json(plan.policy).version,
        closed_until=day + _DAY,
        snapshot_id=message["snapshot_id"],
    )
    writes = {table: Write(files=files) for table, files in entries([message]).items()}
    writer.commit(plan, writes, outcome, manifest | message["states"])
    return not message["quarantined"]
