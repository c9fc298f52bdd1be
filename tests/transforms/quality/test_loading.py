"""Great Expectations is the same, however it is loaded."""

import json
import subprocess
import sys

import pytest

_TOLD = """
import json, re
from pydantic.v1 import BaseModel
classes, waiting = set(), [BaseModel]
while waiting:
    known = waiting.pop().__subclasses__()
    classes.update(known)
    waiting += known
addresses = re.compile(" at 0x[0-9a-f]+")
named = [(f"{c.__module__}.{c.__qualname__}", [repr(field) for field in c.__fields__.values()]) for c in classes]
fields = sorted((name, [addresses.sub("", field) for field in fields]) for name, fields in named)
print(json.dumps(fields))
"""


def fields_after(load: str) -> list[tuple[str, list[str]]]:
    done = subprocess.run([sys.executable, "-c", load + _TOLD], check=True, capture_output=True, text=True)
    told: list[tuple[str, list[str]]] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.slow
def test_its_models_have_the_fields_that_an_ordinary_import_gives_them() -> None:
    own = fields_after("from transforms.quality.loading import great_expectations; great_expectations()")
    assert len(own) > 300
    assert own == fields_after("import great_expectations")
