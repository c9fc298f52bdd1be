"""Who is accounted for a call, by the source's rule."""

from collections.abc import Callable, Mapping, Sequence

import polars as pl

from transforms.ingest.fingerprint import text_digest, token
from transforms.ingest.key import FingerprintKey

ADDRESS_AND_AGENT = "address_and_agent"
"""A name rules may use where nothing better is logged: caller's address plus a fingerprint of its user agent. Weak."""

LookUp = Callable[[str], pl.Series]
"""The values (String) of a field or `header:NAME` for a set of records; null where a record has none."""


def first_of(names: Sequence[str], look_up: LookUp, rows: int) -> pl.Series:
    """For each record the first named field that is neither null nor empty (String)."""
    values = _nothing(rows)
    for name in names:
        further = present(look_up(name))
        if further.null_count() < rows:
            values = values.zip_with(values.is_not_null(), further) if values.null_count() < rows else further
    return values


def accounts(names: Sequence[str], bases: Mapping[str, str], look_up: LookUp, rows: int) -> tuple[pl.Series, pl.Series]:
    """Account and basis (both String) of each record: the first named field that is neither null nor empty.

    Args:
        names: fields in order of preference.
        bases: what a field stands for (schemas.event.STRONG_BASES, WEAK_BASES); others count as `account`.
        look_up: values of a field.
        rows: how many records.
    """
    account, basis = _nothing(rows), _nothing(rows)
    for name in names:
        if not account.null_count():
            break
        values = present(look_up(name))
        is_new = account.is_null() & values.is_not_null()
        if is_new.any():
            kind = pl.Series([bases.get(name, "account")], dtype=pl.String).new_from_index(0, rows)
            account, basis = values.zip_with(is_new, account), kind.zip_with(is_new, basis)
    return account, basis


def address_and_agent(addresses: pl.Series, agents: pl.Series, key: FingerprintKey) -> pl.Series:
    """A name (String) for a caller known by address and user agent only; null where the address is."""
    known = agents.drop_nulls().unique()
    names = pl.Series([as_hex(value) for value in token(known, key, "agent")], dtype=pl.String)
    marks = agents.replace_strict(known, names, default=None, return_dtype=pl.String).fill_null("-")
    return present(addresses) + " " + marks


def as_hex(fingerprint: int) -> str:
    """A signed 64-bit fingerprint as 16 hex digits."""
    return f"{fingerprint & 0xFFFFFFFFFFFFFFFF:016x}"


def present(values: pl.Series) -> pl.Series:
    """The values with empty strings as null."""
    if values.null_count() == len(values):
        return values
    empty = values == ""
    return values.set(empty, None) if empty.any() else values


def digested(values: pl.Series, replaced: pl.Series, key: FingerprintKey) -> pl.Series:
    """The names with some of them (`replaced`, Boolean) as `digest:` and 16 hex digits: too long, or a bare API key."""
    digests = text_digest(values.filter(replaced), key, "long id")
    names = iter([f"digest:{as_hex(digest)}" for digest in digests])
    mixed = [next(names) if is_replaced else value for value, is_replaced in zip(values, replaced, strict=True)]
    return pl.Series(values.name, mixed, dtype=pl.String)


def _nothing(rows: int) -> pl.Series:
    return pl.Series([None], dtype=pl.String).new_from_index(0, rows)
