"""What is too much: each limit in sources/limits.py has its message, and costs as little as can be."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from helpers import DUMP, goroutine, snapshot_of
from stackscan import formats
from stackscan.errors import LimitError
from stackscan.formats.goroutine_counts import reader as counts
from stackscan.pipeline import scan
from stackscan.sources import archive, limits, open_source

DUMP_GOROUTINES = 2


def reasons(text: str) -> list[str]:
    """The reasons of all problems."""
    return [problem.reason for problem in snapshot_of(text).problems]


# -- limits of a dump: they cost the place, not the file -------------------------------------------------------------


@pytest.mark.parametrize("beginning", ["", "\t/src/x.go", "main.f(", "goroutine 9 [select]: ", "é"])
def test_a_line_without_end_costs_itself(beginning: str) -> None:
    """A line of more than 1 MiB between goroutines: they are read, and the report says what was left out, and where."""
    size = limits.MAX_LINE_BYTES + 1
    long = beginning + "x" * (size - len(beginning.encode()))
    snapshot = snapshot_of(f"{DUMP}\n{long}\n\n{goroutine(11, ['main.late'])}")
    assert {1, 7, 11} <= set(snapshot.goroutines["goroutine_id"])
    (told,) = (problem for problem in snapshot.problems if "bytes" in problem.reason)
    assert (DUMP.count("\n") + 2, True) == (told.line, f"a line of {size:,} bytes" in told.reason)
    assert told.excerpt.startswith(beginning.strip() or "x")


def test_a_line_of_the_longest_length_is_read() -> None:
    """1 MiB is read, one byte more is not."""
    fits = "x" * limits.MAX_LINE_BYTES
    assert [] == reasons(f"{fits}\n{DUMP}")
    assert [f"a line of {len(fits) + 1:,} bytes: only its beginning is read (the limit is 1 MiB)"] == reasons(
        f"{fits}x\n{DUMP}"
    )


def test_lines_without_end_keep_the_numbers_of_lines() -> None:
    """Several of them, next to each other and at the end: each is told with its line, and other lines keep theirs."""
    long = "y" * (limits.MAX_LINE_BYTES + 9)
    snapshot = snapshot_of(f"{long}\n{long}\n{DUMP}\n{long}")
    lines = DUMP.count("\n")
    assert [3, 7] == snapshot.goroutines["line"].to_list()
    assert [1, 2, lines + 4] == [problem.line for problem in snapshot.problems if "bytes" in problem.reason]


def test_headers_in_a_line_without_end_are_counted() -> None:
    """A dump whose line ends were lost: what is not read is said."""
    joined = "log: " + DUMP.replace("\n", " ") * 9000
    assert any("goroutine headers that are not read" in reason for reason in reasons(f"{DUMP}\n{joined}\n"))


def test_a_stack_without_end_keeps_its_inner_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a stack of more frames than the limit, the inner ones are kept, and frames are known to be missing."""
    monkeypatch.setattr(limits, "MAX_FRAMES", 1000)
    deep = goroutine(3, [f"main.f{n % 3}" for n in range(1001)], creator="main.main")
    whole = goroutine(4, ["main.f"] * 1000, creator="main.main")
    snapshot = snapshot_of(f"{deep}\n{whole}\n{DUMP}")
    cut, full = (snapshot.stacks[k] for k in snapshot.goroutines["stack_id"].to_list()[:2])
    assert (1000, None, "main.main") == (len(cut.frames), cut.elided, cut.created_by and cut.created_by.function)
    assert (1000, 0) == (len(full.frames), full.elided)
    assert ["a stack of more than 1,000 frames; the outer ones are left out"] == [p.reason for p in snapshot.problems]


def test_labels_without_end_are_left_out() -> None:
    """A goroutine is not lost for its labels."""
    value = "v" * limits.MAX_LABEL_BYTES
    text = DUMP.replace("[chan receive]:", f"[chan receive] {{key: {value}}}:")
    snapshot = snapshot_of(text)
    assert [None, None] == snapshot.goroutines["labels"].to_list()
    assert ["chan receive", "select"] == snapshot.goroutines["wait_reason"].to_list()
    assert [f"labels of {len(value) + 7:,} bytes; left out"] == [problem.reason for problem in snapshot.problems]
    shorter = snapshot_of(text.replace(value, "v" * 1000))
    assert 1007 == len(shorter.goroutines["labels"][0])


# -- limits of a source: nothing is read -----------------------------------------------------------------------------


def test_too_many_goroutines_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text of more goroutines than any process holds."""
    monkeypatch.setattr(limits, "MAX_GOROUTINES", 1)
    with pytest.raises(LimitError, match="test: more than 1 goroutines"):
        snapshot_of(DUMP)


def test_profiles_of_one_text_share_the_limit() -> None:
    """A few bytes can claim millions of goroutines: those of one text are counted together."""
    one = "goroutine profile: total 6000000\n6000000 @ 0x1\n#\t0x1\tmain.f+0x1\t/x.go:1\n\n"
    first, second, third = counts.read((one * 3).encode())
    assert [6_000_000, 0, 0] == [len(snapshot.goroutines) for snapshot in (first, second, third)]
    assert "more goroutines than any process holds; not read" in {problem.reason for problem in third.problems}
    assert not second.complete


def test_a_large_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes of one member, compressed or not."""
    monkeypatch.setattr(limits, "MAX_BYTES", 300)
    for data in (DUMP.encode(), gzip.compress(DUMP.encode() * 50)):
        (tmp_path / "dump").write_bytes(data)
        with pytest.raises(LimitError, match="holds more than"):
            list(open_source(str(tmp_path / "dump")))


def test_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Members of an archive or a directory."""
    monkeypatch.setattr(limits, "MAX_MEMBERS", 2)
    for name in "abc":
        (tmp_path / name).write_text(DUMP)
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w") as packed:
        for name in "abc":
            packed.writestr(name, DUMP)
    with pytest.raises(LimitError, match="more than 2 members") as caught:
        list(open_source(str(tmp_path)))
    assert "Take the goroutine dumps out of it" in caught.value.hint
    with pytest.raises(LimitError, match="more than 2 members"):
        list(archive.entries(bundle.getvalue(), where="x"))


def test_archives_nest_twice(tmp_path: Path) -> None:
    """An archive in a directory of archives is opened; one deeper is listed and not read."""
    data = DUMP.encode()
    for name in ("dump", "inner.tar", "outer.tar", "outermost.tar"):
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as bundle:
            bundle.addfile(entry, io.BytesIO(data))
        data = out.getvalue()
        (tmp_path / f"{name}.in").write_bytes(data)
    assert 1 == len(scan([str(tmp_path / "inner.tar.in")]).snapshots)
    (member,) = open_source(str(tmp_path / "outermost.tar.in"))
    assert (None, "an archive in an archive in an archive; not read") == (member.data, member.note)


def test_nested_json_is_no_stack_overflow() -> None:
    """Thousands of brackets in a version file or a log are an error in words at most."""
    for text in ('{"a":' * 800, "[" * 100_000, f'{{"log":"goroutine 1 [select]:\\n"{"[" * 100_000}', '{"":' * 1000):
        with pytest.raises(Exception, match="test") as caught:
            formats.read(text.encode(), where="test")
        assert caught.type.__module__ == "stackscan.errors"
