"""Makes every check of `checks/`, found by looking: a new one is one more file with a function `check`."""

import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module

import polars as pl
import pyarrow as pa
from deltalake.exceptions import DeltaError

from pipelines.doctor import checks
from pipelines.doctor.case import Case
from pipelines.doctor.symptom import SEVERITIES, Symptom
from schemas.errors import StillwatchError

Check = Callable[[Case], Iterator[Symptom]]


@dataclass(frozen=True)
class Examination:
    """What was found.

    Attributes:
        checks: names of the checks that were made.
        symptoms: (name of the check, what it found), the worst first.
        notes: what was left out, and why.
    """

    checks: tuple[str, ...]
    symptoms: tuple[tuple[str, Symptom], ...]
    notes: tuple[str, ...]


def all_checks() -> dict[str, Check]:
    """The checks by name, sorted."""
    names = sorted(module.name for module in pkgutil.iter_modules(checks.__path__))
    return {name: import_module(f"{checks.__name__}.{name}").check for name in names}


def examine(case: Case) -> Examination:
    """Makes all checks; one that cannot be made, because what it reads is damaged, is itself a symptom."""
    made = all_checks()
    found: dict[Symptom, str] = {}
    for name, check in made.items():
        for symptom in _made(check, case):
            found.setdefault(symptom, name)
    ordered = sorted(found.items(), key=lambda item: SEVERITIES.index(item[0].severity))
    return Examination(tuple(made), tuple((name, symptom) for symptom, name in ordered), tuple(case.notes))


def _made(check: Check, case: Case) -> Iterator[Symptom]:
    try:
        yield from check(case)
    except StillwatchError as error:
        yield Symptom.of(error)
    except (
        OSError,
        ValueError,
        LookupError,
        TypeError,
        DeltaError,
        pa.ArrowException,
        pl.exceptions.PolarsError,
    ) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        problem = f"the check `{check.__module__.rpartition('.')[2]}` could not be made ({first})"
        yield Symptom("error", str(case.root), problem, "mend what else is listed, or restore the lake from a copy")
