"""The search for text finds it in whatever it is packed."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from lake_proofs import assert_no_text
from transforms.sketches.packing import pack

WORD = "xyzzyplugh"
_FRAME = pl.DataFrame({"text": [f"it says {WORD}", *[f"row {n}" for n in range(5000)]]})
_OTHER = pl.DataFrame({"number": range(5000)})


def _parquet(path: Path) -> None:
    _FRAME.write_parquet(path / "part.parquet", compression="zstd")


def _state(path: Path) -> None:
    (path / "state").write_bytes(b"a seal\n" + pack("a stage", 1, {"first": _OTHER, "second": _FRAME, "third": _OTHER}))


def _snapshot(path: Path) -> None:
    _FRAME.write_ipc(path / "ranks.arrow", compression="zstd")


def _plan(path: Path) -> None:
    (path / "deep").mkdir()
    (path / "deep" / ".plan").write_text(f'{{"work": "{WORD}"}}')


@pytest.mark.parametrize("put", [_parquet, _state, _snapshot, _plan])
def test_a_planted_word_is_found(tmp_path: Path, put: Callable[[Path], None]) -> None:
    put(tmp_path)
    assert_no_text([tmp_path], ["grueplover"])
    with pytest.raises(AssertionError):
        assert_no_text([tmp_path], ["grueplover", WORD])
