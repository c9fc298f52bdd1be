"""Every reference that the distribution test was ever pinned to is there and whole: a rebuild may ask for any of them."""

from collections.abc import Iterator
from dataclasses import replace

from pipelines.doctor.case import Case
from pipelines.doctor.symptom import Symptom
from pipelines.lake.references import kept_reference
from schemas.errors import LakeError


def check(case: Case) -> Iterator[Symptom]:
    """One symptom a file; an error where it holds, a warning where only a rebuild of earlier days needs it."""
    pins = case.read("reference_pins").sort("holds_from", "sequence")
    if pins.is_empty():
        return
    last = pins["reference"][-1]
    for name in pins["reference"].drop_nulls().unique(maintain_order=True):
        try:
            kept_reference(case.root, name)
        except LakeError as error:
            symptom = Symptom.of(error)
            yield symptom if name == last else replace(symptom, severity="warning")
