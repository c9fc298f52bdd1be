"""The run that shows what is still open, in provisional rows that take the place of the former ones."""

from datetime import datetime

import polars as pl

from pipelines import detect
from pipelines.detect_job import job_of, work_until
from pipelines.detecting import OVERLAID, reviewed
from pipelines.lake.commit import Outcome, Write
from pipelines.lake.lake import Lake
from pipelines.lake.plan import Plan
from pipelines.manifests import staging
from pipelines.runners import Engine
from pipelines.wire import unpack
from pipelines.writer import Writer
from schemas.catalogue import TABLES
from schemas.policy import Policy


def plan_overlay(writer: Writer, until: datetime, groups: int | None, policy: Policy) -> Plan:
    """The plan of a run that shows what is still open up to `until`."""
    return writer.plan("overlay", work_until(writer.lake, until, groups, policy), policy)


def execute_overlay(writer: Writer, engine: Engine, plan: Plan) -> None:
    """Executes an overlay plan and commits it; no state and no finding changes."""
    lake, policy = writer.lake, Policy.from_json(plan.policy)
    job = job_of(lake, plan.run_id, plan.policy, plan.work, provisional=True)
    engine.execute(lambda pipeline: detect.build(job, pipeline, is_spread=engine.is_spread))
    writes = {table: Write(provisional=_staged(lake, plan, table)) for table in OVERLAID}
    definite = reviewed(lake, lake.read("findings"), job.closed_until, policy)
    shown = _staged(lake, plan, "flagged_accounts").join(definite.select("account_id"), on="account_id", how="anti")
    writes["flagged_accounts"] = Write(overwrite=True, rows=pl.concat([definite, shown]))
    writer.commit(plan, writes, Outcome(accounts=0, windows=0, findings=0, policy_version=policy.version))


def _staged(lake: Lake, plan: Plan, table: str) -> pl.DataFrame:
    contract = TABLES[table]
    paths = sorted(staging(lake.root, plan.run_id).glob(f"{table}-*.arrow"))
    return contract.conform(pl.concat([contract.empty(), *[unpack(path.read_bytes()) for path in paths]]))
