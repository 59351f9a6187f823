"""What the fuzzer and the property tests found, one test each, by what was wrong."""

from __future__ import annotations

import contextlib
import io
import zipfile
from pathlib import Path

import pytest
from backports import zstd

from helpers import DUMP, goroutine, snapshot_of
from invariants import check_snapshots, check_text, read_as_columns
from stackscan import formats
from stackscan.errors import SourceError
from stackscan.fleet.owners import read_owners
from stackscan.fleet.pattern import read_pattern
from stackscan.formats import goroutine_text
from stackscan.formats.goroutine_text import grammar, reference
from stackscan.sources import archive, compressed
from stackscan.sources.globs import matches


@pytest.mark.parametrize("byte", ["\ufffd", "_", "\x01", "é"])
def test_an_id_with_a_letter_right_behind_it_is_no_header(byte: str) -> None:
    """`goroutine 26\ufffd[runnable]:` was taken for a header with a blank there, and half a letter was interned."""
    text = f"{goroutine(5, ['main.a'])}\ngoroutine 26{byte}[runnable]:\nmain.b()\n\t/b.go:1 +0x1\n\n{DUMP}"
    snapshot = snapshot_of(text)
    assert [5, 1, 7] == snapshot.goroutines["goroutine_id"].to_list()
    assert any(problem.line == 5 or "without a goroutine header" in problem.reason for problem in snapshot.problems)
    assert not snapshot.complete


def test_nuls_do_not_end_up_in_names() -> None:
    """A name kept its NULs in the middle of a file and lost them at its end."""
    text = DUMP.replace("net/http.(*conn)", "\0\0net/http.(*conn)")
    assert snapshot_of(DUMP).stacks == snapshot_of(text).stacks


def test_a_goroutine_lost_below_a_panic_counts_for_its_own_dump() -> None:
    """Its loss was counted for the dump above, which then was incomplete without a word why."""
    text = f"{DUMP}\npanic: boom\n\nmain.lost()\n\t/x.go:1 +0x1\n\n{DUMP}"
    for snapshot in goroutine_text.read(text.encode()):
        assert snapshot.complete or snapshot.problems


def test_ancestors_of_a_lost_goroutine_are_nobody_elses() -> None:
    """An ancestor section below a blank line was given to the goroutine above."""
    text = f"{goroutine(5, ['main.a'])}\n[originating from goroutine 1]:\nmain.b()\n\t/b.go:1 +0x1\n\n{DUMP}"
    snapshot = snapshot_of(text)
    assert snapshot.ancestors.is_empty()
    assert "ancestor section without its goroutine; skipped" in [problem.reason for problem in snapshot.problems]


def test_ancestors_are_listed_once_for_a_goroutine_that_is_listed_twice() -> None:
    """GOTRACEBACK=crash prints running goroutines again, thread by thread, each time with its ancestors."""
    listed = goroutine(7, ["main.a"]) + "[originating from goroutine 1]:\nmain.b()\n\t/b.go:1 +0x1\n"
    snapshot = snapshot_of(f"{listed}\n-----\n\n{listed}\n")
    assert [(7, 1, 1)] == snapshot.ancestors.select("goroutine_id", "depth", "ancestor_id").rows()


def test_a_stack_is_not_unavailable_for_a_line_below_it() -> None:
    """The marker below a blank line belongs to no goroutine."""
    text = f"{goroutine(5, ['main.a'])}\ngoroutine running on other thread; stack unavailable\n"
    assert [False] == [stack.unavailable for stack in snapshot_of(text).stacks]


def test_a_path_may_look_like_frame_addresses() -> None:
    """What the grammar accepts, the shortcut for ` fp=` must not refuse."""
    assert ("/a fp=0x1q/x.go", 8, 1) == grammar.read_location("\t/a fp=0x1q/x.go:8 +0x1")


def test_the_first_goroutine_of_a_chunk_knows_what_stands_before_it() -> None:
    """It was taken to stand behind a blank line, which moved the line between two dumps."""
    first = "goroutine 1 [running]:\ngoroutine 1 [running]:\nmain.a()\n\t/a.go:1 +0x1\n"
    text = (first + goroutine(9, ["main.b"]) + "\n" + goroutine(7, ["main.c"])).encode()
    whole = [snapshot.goroutines.rows() for snapshot in goroutine_text.read(text)]
    assert whole == [snapshot.goroutines.rows() for snapshot in read_as_columns(text, chunk=1)]


def test_labels_behind_leaked_are_labels() -> None:
    """Go 1.26's labels behind a flag were kept as an attribute that nobody knows."""
    text = DUMP.replace("[chan receive]", '[chan receive (leaked) labels:{"job": "7"}]')
    row = snapshot_of(text).goroutines.row(0, named=True)
    assert (True, None, '{"job": "7"}') == (row["leaked"], row["attributes"], row["labels"])


@pytest.mark.parametrize("change", ["no name", "no beginning"])
def test_a_damaged_zip_is_no_traceback(change: str) -> None:
    """A member without a name, offsets that lie before the file: zipfile raises what it is not documented to."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as bundle:
        bundle.writestr("a" if change == "no name" else "goroutines.stacks", DUMP)
    data = out.getvalue()
    if change == "no beginning":
        data = b"PK\x03\x04" + data[120:]
    else:
        at = data.rfind(b"PK\x01\x02")
        data = data[: at + 28] + b"\0\0\1\0" + data[at + 32 :]  # the name's one byte is an extra field's now
    with contextlib.suppress(SourceError):
        assert list(archive.entries(data, where="x"))


def test_padding_behind_zstandard_is_met_once() -> None:
    """Reading on at the end of the last frame went back into its padding."""
    with compressed.zstd_stream(zstd.compress(DUMP.encode()) + b"pad" * 9) as stream:
        assert (DUMP.encode(), b"", b"") == (stream.read(), stream.read(), stream.read(1))


def test_brackets_without_end_are_no_stack_overflow() -> None:
    """The parser of version.json recursed as deep as it was told to."""
    with pytest.raises(Exception, match="no goroutine") as caught:
        formats.read(b'{"":' * 1000, where="x")
    assert caught.type.__module__ == "stackscan.errors"


def test_blanks_behind_a_creator_are_no_part_of_its_name() -> None:
    """The fast path kept what the grammar is never given: a tab that stood before bytes of NUL."""
    torn = DUMP.replace("net/http.(*Server).Serve in goroutine 1", "net/http.(*Server).Serve in gor\t\0\0")
    after = goroutine(9, ["main.z"])  # the last goroutine is read with care anyhow
    created = [stack.created_by.function for stack in snapshot_of(f"{torn}\n{after}").stacks if stack.created_by]
    assert ["net/http.(*Server).Serve in gor"] == created


def test_the_head_of_the_runtimes_stack_is_no_function() -> None:
    """The grammar took ``runtime stack:`` in a line of descent for a function without parentheses, as gccgo prints."""
    section = "[originating from goroutine 7]:\nruntime stack:\n\t/src/main.go:37 +0x25\n"
    text = goroutine(1, ["main.main"], creator="main.start") + section
    assert reference.read_block(text) is None
    (snapshot,) = formats.read(text.encode(), where="x")
    check_text(text.encode())
    assert "runtime stack:" not in {name for stack in snapshot.stacks for name in stack.functions}


def test_a_creator_without_a_location_is_read_with_care() -> None:
    """A line of nothing but a tab below ``created by`` ended the fast path with a KeyError."""
    torn = goroutine(1, ["main.a"], creator="main.start").rpartition("\t")[0] + "\t\n"
    snapshot = snapshot_of(f"{torn}\n{goroutine(2, ['main.b'])}\n{goroutine(3, ['main.c'])}")
    assert [1, 2, 3] == snapshot.goroutines["goroutine_id"].to_list()
    assert ("main.a",) == snapshot.stacks[0].functions


def test_an_incomplete_dump_says_why_where_another_begins() -> None:
    """A frame that is lost at the border of two dumps: its problem and its loss belong to the same of them."""
    lost = "goroutine 1 [running]:\n  noise\npanic: x\n  main  main.go:26 s.Write(...)\nmain.main()\n\t/x.go:153 +0x2\n"
    check_snapshots(goroutine_text.read((lost + goroutine(20, ["main.f"])).encode()))


def test_many_stars_in_a_row_are_one() -> None:
    """A pattern of fifty stars took longer than anybody waits: each of them could stand for each character."""
    found = read_pattern(f"{{service}}/{'*' * 60}\u01d5{'*' * 60}{{host}}/{{time}}/**\n")
    assert found.read("eu/node-1/2026-04-22T10_11_12Z/goroutines.pb.gz") is None
    assert matches(f"a/{'*' * 50}.gz", "a/x.gz")
    assert not matches(f"a/{'*' * 50}.gz", f"a/{'x' * 60}")


def test_many_stars_in_a_row_of_owners_are_one(tmp_path: Path) -> None:
    """The same in a map of packages."""
    path = tmp_path / "OWNERS"
    path.write_text(f"h{'*' * 40}q @a\nx{'*' * 40}.y @b\n")
    assert () == read_owners(path).of(["h" * 80])
    assert ("@b",) == read_owners(path).of(["xzz.y"])
