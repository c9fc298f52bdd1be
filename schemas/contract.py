"""A frame's contract: its Arrow schema, key, version, and the checks that follow from them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl
import pyarrow as pa

from schemas.errors import ContractViolation

UTC_MICROSECONDS = pa.timestamp("us", tz="UTC")


def field(
    name: str,
    kind: pa.DataType,
    doc: str,
    *,
    required: bool = False,
    null: str = "",
    unit: str = "",
    at_least: float | None = None,
    at_most: float | None = None,
    one_of: Sequence[str] = (),
) -> pa.Field:
    """One documented column.

    Args:
        name: the column's name.
        kind: its Arrow type.
        doc: what a value means, one sentence.
        required: whether null is forbidden.
        null: what null means; a required field has none.
        unit: the unit of a value, "" where it has none.
        at_least: smallest allowed value.
        at_most: largest allowed value.
        one_of: the allowed values of a string column, () for any.
    """
    metadata = {
        "doc": doc,
        "null": null,
        "unit": unit,
        "at_least": "" if at_least is None else repr(at_least),
        "at_most": "" if at_most is None else repr(at_most),
        "one_of": json.dumps(list(one_of)) if one_of else "",
    }
    return pa.field(name, kind, nullable=not required, metadata={k: v for k, v in metadata.items() if v})


@dataclass(frozen=True, eq=False)
class Contract:
    """What one frame looks like; everything else about the frame is derived from this, once.

    Attributes:
        name: the frame's name; a frame that is a lake table carries the table's name.
        version: rises when a change is not additive.
        doc: one sentence: one row is what.
        key: the columns that name a row.
        arrow: the columns, in order.
        is_table: whether the lake holds it.
        position_columns: columns that say where or in which run a row was written; left out when two lakes are compared.
    """

    name: str
    version: int
    doc: str
    key: tuple[str, ...]
    arrow: pa.Schema
    is_table: bool = True
    position_columns: tuple[str, ...] = ()

    @cached_property
    def polars(self) -> pl.Schema:
        """The same columns as a Polars schema."""
        return pl.Schema(self.arrow)

    @cached_property
    def _types(self) -> list[pl.DataType]:
        return self.polars.dtypes()

    @cached_property
    def columns(self) -> list[str]:
        """Column names, in order."""
        return list(self.arrow.names)

    @cached_property
    def required(self) -> list[str]:
        """Names of the columns in which null is forbidden."""
        return [f.name for f in self.arrow if not f.nullable]

    def metadata(self, column: str) -> dict[str, str]:
        """The documentation of one column: doc, null, unit, at_least, at_most, one_of (JSON); absent keys are unset."""
        raw = self.arrow.field(column).metadata or {}
        return {key.decode(): value.decode() for key, value in raw.items()}

    def empty(self) -> pl.DataFrame:
        """No rows, all columns."""
        return self._empty.clone()

    @cached_property
    def _empty(self) -> pl.DataFrame:
        return pl.DataFrame(schema=self.polars)

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with this contract's columns in order and its rows sorted by key.

        Columns the contract does not know are dropped; nullable columns the frame lacks become null. Rows with equal
        keys keep no particular order: make keys unique first.

        Raises:
            ContractViolation: a required column is missing, or a column does not cast without loss.
        """
        shaped = self.shape(frame)
        if shaped.height > 1:
            shaped = shaped.sort(list(self.key), maintain_order=True)
        return shaped.rechunk()

    def shape(self, frame: pl.DataFrame) -> pl.DataFrame:
        """As `conform`, with the rows in the order they have: for what will be sorted later.

        Raises:
            ContractViolation: a required column is missing, or a column does not cast without loss.
        """
        there = frame.columns
        # Names, order and types: most frames are looked at more than once. (`frame.schema` takes five times as long.)
        if there == self.columns and frame.dtypes == self._types:
            return frame
        missing = [name for name in self.required if name not in there]
        if missing:
            raise ContractViolation(self._title, f"column {missing[0]} is missing", "produce it, or correct the name")
        columns = [pl.col(name) if name in there else pl.lit(None).alias(name) for name in self.columns]
        try:
            return frame.select(columns).cast(self.polars, strict=True)
        except pl.exceptions.PolarsError as error:
            raise ContractViolation(self._title, f"a column has another type ({error})", "cast it first") from error

    def check(self, frame: pl.DataFrame, *, unique_key: bool = True) -> None:
        """Nothing if the frame is as promised.

        Raises:
            ContractViolation: names the column, the rule and the number of offending rows.
        """
        there = dict(zip(frame.columns, frame.dtypes, strict=True))
        for name, kind in self.polars.items():
            if name not in there:
                raise ContractViolation(self._title, f"column {name} is missing", "produce it with Contract.conform")
            if there[name] != kind:
                raise ContractViolation(self._title, f"column {name} is {there[name]}, not {kind}", "cast it")
        extra = [name for name in there if name not in self.polars]
        if extra:
            raise ContractViolation(self._title, f"column {extra[0]} is unknown", "drop it, or add it to the contract")
        broken = frame.select(self._offences).row(0, named=True)
        for rule, count in broken.items():
            if count:
                raise ContractViolation(self._title, f"{rule} in {count} of {frame.height} rows", "mend the producer")
        if unique_key and frame.select(pl.struct(self.key).is_duplicated().any()).item():
            raise self._repeated_key()

    def check_sorted_key(self, frame: pl.DataFrame) -> None:
        """Nothing if no key is there twice in a frame whose rows stand by key: equal ones would be neighbours.

        Raises:
            ContractViolation: one is.
        """
        same = [pl.col(name).eq_missing(pl.col(name).shift(1)) for name in self.key]
        if frame.select(pl.all_horizontal(same).slice(1).any()).item():
            raise self._repeated_key()

    def markdown(self) -> str:
        """The contract as a Markdown table: column, type, unit, meaning, null."""
        lines = [
            f"### `{self.name}` (version {self.version})",
            "",
            f"{self.doc} Key: {', '.join(f'`{name}`' for name in self.key)}.",
            "",
            "| column | type | unit | meaning | null means |",
            "|---|---|---|---|---|",
        ]
        for column in self.arrow:
            notes = self.metadata(column.name)
            null = "never null" if not column.nullable else notes.get("null", "not known")
            doc = notes.get("doc", "")
            if "one_of" in notes:
                doc += " One of " + ", ".join(f"`{value}`" for value in json.loads(notes["one_of"])) + "."
            lines.append(f"| `{column.name}` | {column.type} | {notes.get('unit', '')} | {doc} | {null} |")
        return "\n".join(lines) + "\n"

    def snapshot(self) -> dict[str, Any]:
        """The contract as plain data, for the frozen copy under version control."""
        return {
            "name": self.name,
            "version": self.version,
            "key": list(self.key),
            "fields": [{"name": f.name, "type": str(f.type), "required": not f.nullable} for f in self.arrow],
        }

    def broken_promises(self, frozen: dict[str, Any]) -> list[str]:
        """What this contract no longer keeps of a frozen copy of the same version; additions are no breach.

        A field may be added if it is nullable. Anything else needs a new version.
        """
        now = {f["name"]: f for f in self.snapshot()["fields"]}
        before = {f["name"]: f for f in frozen["fields"]}
        breaches = [f"{name} is gone" for name in before if name not in now]
        breaches += [f"{name} changed" for name, was in before.items() if name in now and now[name] != was]
        breaches += [
            f"{name} is new and required" for name, is_ in now.items() if name not in before and is_["required"]
        ]
        if frozen["key"] != list(self.key):
            breaches.append("the key changed")
        return breaches

    def _repeated_key(self) -> ContractViolation:
        return ContractViolation(self._title, f"key ({', '.join(self.key)}) is not unique", "de-duplicate first")

    @property
    def _title(self) -> str:
        return f"{self.name} v{self.version}"

    @cached_property
    def _offences(self) -> list[pl.Expr]:
        """How many rows break each rule, by the rule."""
        counts = [pl.lit(0).alias("nothing")]
        for column in self.arrow:
            notes = self.metadata(column.name)
            value = pl.col(column.name)
            if not column.nullable:
                counts.append(value.is_null().sum().alias(f"{column.name} is null"))
            if pa.types.is_floating(column.type):
                counts.append(value.is_nan().sum().alias(f"{column.name} is NaN"))
            if "at_least" in notes:
                counts.append((value < float(notes["at_least"])).sum().alias(f"{column.name} < {notes['at_least']}"))
            if "at_most" in notes:
                counts.append((value > float(notes["at_most"])).sum().alias(f"{column.name} > {notes['at_most']}"))
            if "one_of" in notes:
                allowed = json.loads(notes["one_of"])
                counts.append((~value.is_in(allowed)).sum().alias(f"{column.name} is none of {', '.join(allowed)}"))
        return counts
