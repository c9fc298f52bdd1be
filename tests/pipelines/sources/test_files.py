"""Which files a command line names, and what they are."""

import gzip
import io
import os
import tarfile
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from pipelines.sources.files import FileSource, describe, head, list_sources
from schemas.errors import SourceRefused


def names(sources: list[FileSource], below: Path) -> list[str]:
    return [str(Path(source.name).relative_to(below)) for source in sources]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b.log", "a.log", "sub/c.log", "sub/.hidden", ".git/x", "sub/deep/d.jsonl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{name}\n")
    return tmp_path


def test_a_folder_is_searched_to_the_bottom_without_hidden_files(tree: Path) -> None:
    assert names(list_sources([str(tree)], tree), tree) == ["a.log", "b.log", "sub/c.log", "sub/deep/d.jsonl"]


def test_globs_and_paths_are_listed_once_and_sorted(tree: Path) -> None:
    patterns = [str(tree / "sub/**/*.jsonl"), str(tree / "b.log"), str(tree / "*.log"), str(tree / "sub")]
    assert names(list_sources(patterns, tree), tree) == ["a.log", "b.log", "sub/c.log", "sub/deep/d.jsonl"]


def test_a_name_with_wildcards_that_exists_is_that_file(tree: Path) -> None:
    (tree / "a[1].log").write_text("x\n")
    assert names(list_sources([str(tree / "a[1].log")], tree), tree) == ["a[1].log"]


@pytest.mark.parametrize("pattern", ["none.log", "*.nothing", "empty"])
def test_a_pattern_that_names_nothing_is_refused(tree: Path, pattern: str) -> None:
    (tree / "empty").mkdir()
    with pytest.raises(SourceRefused, match=r"no file"):
        list_sources([str(tree / pattern)], tree)


def test_a_lake_is_not_read_as_logs(tree: Path) -> None:
    (tree / "lake" / "_stillwatch").mkdir(parents=True)
    (tree / "lake" / "_stillwatch" / "lake.json").write_text("{}")
    (tree / "lake" / "events.parquet").write_text("x")
    assert "lake/events.parquet" not in names(list_sources([str(tree)], tree), tree)


def test_a_loop_of_links_ends(tree: Path) -> None:
    (tree / "sub" / "loop").symlink_to(tree)
    assert len(list_sources([str(tree)], tree)) == 4


def test_standard_input_is_copied_to_a_private_file_and_described(tmp_path: Path) -> None:
    data = gzip.compress(b'{"a": 1}\n')
    [source] = list_sources(["-"], tmp_path / "spool", io.BytesIO(data))
    assert (source.name, source.compression, source.size) == ("-", "gzip", len(data))
    assert source.path.parent == tmp_path / "spool"
    assert source.path.stat().st_mode & 0o777 == 0o600
    assert head(source) == b'{"a": 1}\n'


def test_a_named_pipe_is_copied_too(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"one\ntwo\n",), daemon=True)
    writer.start()
    [source] = list_sources([str(pipe)], tmp_path / "spool")
    writer.join(60)
    assert source.name == str(pipe)
    assert source.path.read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize(
    ("data", "compression", "container"),
    [
        (b"plain\n", "none", "text"),
        (gzip.compress(b"x\n", mtime=0), "gzip", "text"),
        (zstandard.ZstdCompressor().compress(b"x\n"), "zstd", "text"),
        (b"\x50\x2a\x4d\x18\x00\x00\x00\x00" + zstandard.ZstdCompressor().compress(b"x\n"), "zstd", "text"),
    ],
)
def test_compression_is_seen_in_the_first_bytes_whatever_the_name(
    tmp_path: Path, data: bytes, compression: str, container: str
) -> None:
    path = tmp_path / "misleading.txt.bz2"
    path.write_bytes(data)
    source = describe(path, "x")
    assert (source.compression, source.container, source.refused) == (compression, container, None)


def test_parquet_is_a_table_and_one_without_footer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [1, 2]}), path)
    assert describe(path, "x").container == "parquet"
    path.write_bytes(path.read_bytes()[:-5])
    assert "no footer" in str(describe(path, "x").refused)


def tar(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("a.log")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"BZh9" + b"x" * 20, "bzip2"),
        (b"\xfd7zXZ\x00" + b"x" * 20, "xz"),
        (b"PK\x03\x04" + b"x" * 20, "zip archive"),
        ("caf\u00e9\n".encode("utf-16"), "UTF-16"),
        (gzip.compress(tar(b"line\n"), mtime=0), "tar archive"),
        (gzip.compress(b"PAR1 something", mtime=0), "Parquet inside"),
        (gzip.compress(b"BZh9 something", mtime=0), "bzip2"),
        (b"\x1f\x8b\x07\x00" + b"x" * 20, "unknown method"),
        (b"\x28\xb5\x2f\xfd\x04\xa8" + b"x" * 20, "window"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(tmp_path: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(data)
    assert reason in str(describe(path, "x").refused)


def test_a_file_that_vanished_is_refused_not_fatal(tmp_path: Path) -> None:
    assert "cannot be read" in str(describe(tmp_path / "gone", "x").refused)


@pytest.mark.parametrize("cut", [20, 200, 5000])
def test_the_head_of_a_cut_stream_is_what_can_be_decompressed(tmp_path: Path, cut: int) -> None:
    data = b"".join(b"%d " % (n * n) for n in range(5000))
    (tmp_path / "a.gz").write_bytes(gzip.compress(data)[:cut])
    first = head(describe(tmp_path / "a.gz", "x"))
    assert data.startswith(first)
    assert len(first) > cut or cut == 20
