"""The lake being examined: opened without any of the conditions that working on it has, and read at most once."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.lake.files import FileEntry
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Holder, who_holds
from pipelines.lake.plan import last_policy
from pipelines.lake.sources import Register, read_register
from pipelines.lake.state import Manifest, States
from schemas.contract import Contract
from schemas.errors import LakeError
from schemas.policy import Policy


@dataclass
class Case:
    """One lake and what checks share about it. Whatever is damaged raises the LakeError that says so.

    Attributes:
        root: the lake's folder.
        key_file: the fingerprint key to be examined with it; None where none was named.
        notes: what was left out, and why: told beside the result.
    """

    root: Path
    key_file: Path | None = None
    notes: list[str] = field(default_factory=list)

    @cached_property
    def lake(self) -> Lake:
        """The lake, whatever state it is in; `key_id` is not known here."""
        return Lake(self.root, "")

    @cached_property
    def writer(self) -> Holder | None:
        """Who writes the lake right now. What a run leaves lying while it works is then no symptom."""
        return who_holds(self.root)

    @cached_property
    def last_run(self) -> dict[str, Any] | None:
        """The row of the last complete run."""
        return self.lake.last_run()

    @cached_property
    def versions(self) -> dict[str, int]:
        """The version of every table that readers read."""
        return self.lake.versions()

    @cached_property
    def runs(self) -> pl.DataFrame:
        """RUN rows in the order in which they were committed."""
        return self.read("runs").sort("sequence")

    @cached_property
    def policy(self) -> Policy:
        """The policy of the last planned run; the default one where that cannot be read."""
        try:
            return last_policy(self.lake)
        except (LakeError, ValueError, KeyError, TypeError):
            return Policy()

    @cached_property
    def manifest(self) -> Manifest:
        """The states that hold now."""
        return States(self.root).read_manifest(None if self.last_run is None else self.last_run["run_id"])

    @cached_property
    def register(self) -> Register:
        """What was read of every source."""
        return read_register(States(self.root), self.manifest)

    def files(self, table: str) -> list[FileEntry]:
        """The data files of a table, as readers see it."""
        return self.lake.files(table, self.versions[table])

    def read(self, table: str) -> pl.DataFrame:
        """All rows of a table, as readers see it."""
        return self.lake.read(table, self.versions[table])

    def scan(self, table: str) -> pl.LazyFrame:
        """The same as a query."""
        return self.lake.scan(table, self.versions[table])

    def path(self, contract: Contract, entry: FileEntry) -> Path:
        """Where a data file lies."""
        return self.lake.folder(contract.name) / entry.path
