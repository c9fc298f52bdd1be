"""SQL over the lake: one reading statement, at the versions of the last complete run."""

import difflib
import re
from collections.abc import Collection, Mapping

import polars as pl
from deltalake import QueryBuilder

from pipelines.lake.events_index import entries
from pipelines.lake.files import damaged, require_whole
from pipelines.lake.lake import Lake
from pipelines.lake.sql import words_of
from schemas.catalogue import TABLES
from schemas.errors import LakeError, QueryRefused

_SESSION = {
    "datafusion.catalog.information_schema": "true",  # SHOW TABLES
    "datafusion.execution.time_zone": "UTC",
    "datafusion.sql_parser.enable_ident_normalization": "true",  # unquoted names in any case, as in SQL
}
_TABLES = ", ".join(sorted(TABLES))
_NO_TABLE = re.compile(r"table '(?:datafusion\.)?(?:public\.)?([^']+)' not found")
_NO_COLUMN = re.compile(r"No field named ((?:\"[^\"]+\"|[\w.])+)")
_FIELD = re.compile(r"[\w.\"]+")


def query(lake: Lake, sql: str) -> pl.DataFrame:
    """The result of one SELECT, WITH, EXPLAIN, SHOW or DESCRIBE over all tables of the lake.

    The tables are read as of the last complete run, so that a run that is being committed is not seen by halves.

    Raises:
        QueryRefused: not one reading statement, an unknown table or column (the nearest names are given), or the
            engine could not execute it.
        LakeError: the lake is damaged.
    """
    words = words_of(sql)
    versions = lake.versions()
    asked = {word.lower() for word in words} & set(TABLES)
    # Opening a table costs milliseconds; SHOW and the information schema need all of them.
    chosen = set(TABLES) if {"SHOW", "INFORMATION_SCHEMA"} & set(words) else asked
    builder = QueryBuilder(_SESSION)
    for name in sorted(chosen):
        table = lake.table(name, versions[name])
        require_whole(lake.folder(name), entries(table, TABLES[name]))
        builder.register(name, table)
    try:
        return pl.DataFrame(builder.execute(sql).read_all())
    except Exception as error:  # the engine raises bare Exception for what it could not execute
        if "Parquet error" in str(error) or "Object Store" in str(error):
            raise _damaged(lake, chosen, versions, error) from error
        raise _explained(str(error)) from error


def _damaged(lake: Lake, chosen: Collection[str], versions: Mapping[str, int], error: Exception) -> LakeError:
    paths = [lake.folder(name) / entry.path for name in sorted(chosen) for entry in lake.files(name, versions[name])]
    return damaged(paths, error)


def _explained(message: str) -> QueryRefused:
    first = message.strip().splitlines()[0] if message.strip() else "the engine gave no reason"
    missing_table = _NO_TABLE.search(message)
    if missing_table:
        name = missing_table.group(1)
        return QueryRefused(
            "query", f"there is no table {name}", f"{_nearest(name, list(TABLES))}the tables are {_TABLES}"
        )
    missing_column = _NO_COLUMN.search(message)
    if missing_column:
        name = missing_column.group(1).strip('."')
        _, _, listed = message.partition("Valid fields are ")
        valid = [field.strip('."') for field in _FIELD.findall(listed)]
        short = sorted({field.rpartition(".")[2].strip('"') for field in valid})
        known = f"the columns are {', '.join(short)}" if short else "see `DESCRIBE table` for its columns"
        return QueryRefused("query", f"there is no column {name}", f"{_nearest(name.rpartition('.')[2], short)}{known}")
    return QueryRefused("query", first.removesuffix("."), f"correct the statement; the tables are {_TABLES}")


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name.lower(), known, n=2, cutoff=0.5)
    return f"write {' or '.join(near)}; " if near else ""
