"""One stateless function, bytes → rows, that any engine runs: what goes out of the process comes back the same."""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from test_fleet_engine import dump

from helpers import FIXTURES
from stackscan import api
from stackscan.errors import StackscanError
from stackscan.fleet import arrow
from stackscan.fleet.rows import answer_of, rows

pa = pytest.importorskip("pyarrow")

_STALLED = FIXTURES / "kubo" / "v0.41.0-boxo-v0.38.0-stalled-tcp" / "stack-02.txt.gz"
_PATTERN = "{service}/{host}.*"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, bytes]:
    """The files of a small fleet, also on disk: a stall, a leak, an archive, garbage."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("debug/nodes/1/stacks.txt", dump(1))
        archive.writestr("debug/nodes/2/stacks.txt", dump(2))
    found = {f"shop/h{number}.txt": dump(number).encode() for number in range(4)}
    found |= {"ipfs/k1.txt": gzip.decompress(_STALLED.read_bytes()), "db/debug.zip": packed.getvalue()}
    found |= {"ipfs/k2.gz": _STALLED.read_bytes(), "shop/h9.txt": b"<html>502", "shop/h8.gz": b"\x1f\x8b\x08\x00"}
    for name, data in found.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return {str(tmp_path / name): data for name, data in found.items()}


def batches(files: dict[str, bytes]) -> Iterator[pa.RecordBatch]:
    """Files as Spark's ``binaryFile`` has them, two a batch."""
    named = sorted(files.items())
    for at in range(0, len(named), 2):
        yield pa.RecordBatch.from_pylist([{"path": name, "content": data} for name, data in named[at : at + 2]])


def test_rows_of_bytes_give_the_answer_of_the_command(files: dict[str, bytes], tmp_path: Path) -> None:
    """Made of each file alone, and in any order."""
    made = [row for name in sorted(files, reverse=True) for row in rows(name, files[name], pattern=_PATTERN)]
    expected = api.fleet([str(tmp_path)], pattern=_PATTERN)
    assert replace(expected, seconds=0.0) == replace(answer_of(made), seconds=0.0)
    assert {"k1", "k2", "h0", "h8", "h9"} <= {row["host"] for row in made}


def test_rows_are_plain_values(files: dict[str, bytes]) -> None:
    """No class of ours goes out."""
    made = [row for name, data in files.items() for row in rows(name, data, pattern=_PATTERN)]
    assert b"stackscan" not in pickle.dumps(made).replace(b"/stackscan", b"")
    assert {"h8", "h9"} == {row["host"] for row in made if row["reason"] is not None}


def test_arrow_batches_hold_the_same(files: dict[str, bytes], tmp_path: Path) -> None:
    """As `mapInArrow` calls it: an iterator of batches in, one out; each value comes back."""
    found = [*arrow.in_arrow(batches(files), pattern=_PATTERN)]
    assert len([*batches(files)]) == len(found)
    assert {arrow.schema()} == {batch.schema for batch in found}
    table = pa.Table.from_batches(found)
    expected = api.fleet([str(tmp_path)], pattern=_PATTERN)
    assert replace(expected, seconds=0.0) == replace(answer_of(table.to_pylist()), seconds=0.0)


def test_other_names_of_columns(files: dict[str, bytes]) -> None:
    """Ray's `read_binary_files` calls the content `bytes`; a batch without files gives one without rows."""
    batch = next(batches(files)).rename_columns(["path", "bytes"])
    (found,) = arrow.in_arrow([batch], content="bytes", pattern=_PATTERN)
    assert 0 < found.num_rows
    (empty,) = arrow.in_arrow([batch.slice(0, 0)], content="bytes")
    assert (0, arrow.schema()) == (empty.num_rows, empty.schema)


def test_a_wrong_pattern_is_an_error() -> None:
    """Not a row for each file."""
    with pytest.raises(StackscanError, match="hots"):
        rows("x", b"", pattern="{hots}")
