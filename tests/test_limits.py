"""What is too much: each limit in sources/limits.py has its message, and costs as little as can be."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from backports import zstd
from hostile import Profile, as_counts, as_pprof

from helpers import DUMP, ROOT, goroutine, rendered, report_of, snapshot_of
from stackscan import formats
from stackscan.errors import LimitError
from stackscan.formats.goroutine_counts import reader as counts
from stackscan.pipeline import scan
from stackscan.render import words
from stackscan.sources import archive, compressed, limits, open_source

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
    assert ["a stack of more than 1,000 frames; the outer ones are skipped"] == [p.reason for p in snapshot.problems]


def test_labels_without_end_are_left_out() -> None:
    """A goroutine is not lost for its labels."""
    value = "v" * limits.MAX_LABEL_BYTES
    text = DUMP.replace("[chan receive]:", f"[chan receive] {{key: {value}}}:")
    snapshot = snapshot_of(text)
    assert [None, None] == snapshot.goroutines["labels"].to_list()
    assert ["chan receive", "select"] == snapshot.goroutines["wait_reason"].to_list()
    assert [f"labels of {len(value) + 7:,} bytes; skipped"] == [problem.reason for problem in snapshot.problems]
    shorter = snapshot_of(text.replace(value, "v" * 1000))
    assert 1007 == len(shorter.goroutines["labels"][0])


LONG = "f" * (limits.MAX_NAME + 1)


def profile_of(name: str, *, file: str = "/x.go", label: str = "", frames: int = 1) -> bytes:
    """A protobuf profile of one goroutine and one more."""
    profile = Profile()
    profile.sample([profile.location("main.usual")])
    profile.sample([profile.location(name, file)] * frames, **({"path": label} if label else {}))
    return profile.bytes()


def counts_of(name: str, *, file: str = "/x.go", label: str = "", frames: int = 1) -> bytes:
    """The same as counted text."""
    labels = f'# labels: {{"path":"{label}"}}\n' if label else ""
    addresses = " 0x401001" * frames
    frame = f"#\t0x401000\t{name}+0x1\t{file}:7\n" * frames
    usual = "1 @ 0x402001 0x483be1\n#\t0x402000\tmain.usual+0x1\t/src/main.go:7\n\n"
    return f"goroutine profile: total 2\n{usual}1 @{addresses} 0x483be1\n{labels}{frame}\n".encode()


def full_of(name: str, *, file: str = "/x.go", label: str = "", frames: int = 1) -> bytes:
    """The same as full text."""
    labels = f" {{path: {label}}}" if label else ""
    frame = f"{name}(0x1)\n\t{file}:7 +0x1\n" * frames
    usual = "goroutine 1 [select]:\nmain.usual()\n\t/src/main.go:7 +0x1\n\n"
    return (
        f"{usual}goroutine 7 [select]{labels}:\n{frame}\ngoroutine 8 [select]:\nmain.last()\n\t/y.go:1 +0x1\n".encode()
    )


WRITERS = pytest.mark.parametrize("write", [profile_of, counts_of, full_of])


@WRITERS
def test_a_long_name_keeps_its_beginning(write: Callable[..., bytes]) -> None:
    """In every format: 64 KiB are kept, a problem says so, and two names that differ behind that stay two."""
    shown = []
    for end in ("a", "b"):
        for place in ({"name": f"main.{LONG}{end}"}, {"name": "main.f", "file": f"/{LONG}{end}"}):
            (snapshot,) = formats.read(write(**place), where="test")
            frame = snapshot.stacks[1].frames[0]
            long = frame.function if "file" not in place else frame.file
            assert limits.MAX_NAME >= len(long.encode()) > limits.MAX_NAME - 20
            assert ["only its beginning is kept"] == [
                "only its beginning is kept" for problem in snapshot.problems if "beginning is kept" in problem.reason
            ]
            assert snapshot.complete
            shown.append(long)
    assert len(shown) == len(set(shown))


@WRITERS
def test_a_name_of_the_longest_length_is_whole(write: Callable[..., bytes]) -> None:
    """No byte of it is lost."""
    name = "main." + "f" * (limits.MAX_NAME - 5)
    (snapshot,) = formats.read(write(name), where="test")
    assert name == snapshot.stacks[1].frames[0].function
    assert () == snapshot.problems


@WRITERS
def test_long_labels_are_left_out_of_every_format(write: Callable[..., bytes]) -> None:
    """The goroutine stays, and a problem tells of its labels."""
    (snapshot,) = formats.read(write("main.f", label="v" * (limits.MAX_LABEL_BYTES + 1)), where="test")
    assert [None, None] == snapshot.goroutines["labels"].to_list()[:2]
    assert any("skipped" in problem.reason and "labels of" in problem.reason for problem in snapshot.problems)
    (snapshot,) = formats.read(write("main.f", label="v" * 1000), where="test")
    assert 1008 == len(snapshot.goroutines["labels"][1])


@WRITERS
def test_a_deep_stack_keeps_its_inner_frames_in_every_format(
    write: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as the limit says; that some are missing is known."""
    monkeypatch.setattr(limits, "MAX_FRAMES", 100)
    (snapshot,) = formats.read(write("main.f", frames=101), where="test")
    assert (100, None) == (len(snapshot.stacks[1].frames), snapshot.stacks[1].elided)
    assert ["a stack of more than 100 frames; the outer ones are skipped"] == [p.reason for p in snapshot.problems]
    (snapshot,) = formats.read(write("main.f", frames=100), where="test")
    assert (100, 0, ()) == (len(snapshot.stacks[1].frames), snapshot.stacks[1].elided, snapshot.problems)


def test_people_see_the_ends_of_a_long_name_and_data_all(tmp_path: Path) -> None:
    """Text and Markdown leave out the middle; JSON does not."""
    name = "main." + "f" * 20_000 + "End"
    (tmp_path / "dump").write_bytes(full_of(name).replace(b"goroutine 1 [select]", b"goroutine 1 [running]"))
    report = report_of(tmp_path / "dump")
    for output in ("text", "markdown"):
        shown = rendered(report, output)
        assert max(map(len, shown.split())) <= words.LONGEST_WORD
        assert "fffEnd" in shown
    assert name in rendered(report, "json")


@pytest.mark.parametrize("write", [as_pprof, as_counts])
def test_a_counted_dump_holds_one_row_for_all_that_are_alike(write: Callable[..., bytes]) -> None:
    """Ten million goroutines in one line: a row, and what rows are expanded to has a row for each."""
    one = write([None])
    most = limits.MAX_GOROUTINES
    if write is as_pprof:
        profile = Profile()
        profile.sample([profile.location("main.f")], most)
        one = profile.bytes()
    else:
        one = one.replace(b"total 1", b"total %d" % most).replace(b"\n1 @", b"\n%d @" % most)
    (snapshot,) = formats.read(one, where="test")
    assert (1, most, True) == (len(snapshot.rows), snapshot.total, snapshot.complete)
    small = replace(snapshot, counts=pl.Series("count", [3], pl.UInt32))
    assert [0, 0, 0] == small.goroutines["stack_id"].to_list()


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
    assert "more goroutines than a process can have; not read" in {problem.reason for problem in third.problems}
    assert not second.complete


def test_a_large_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes of one member, compressed or not."""
    monkeypatch.setattr(limits, "MAX_BYTES", 300)
    for data in (DUMP.encode(), gzip.compress(DUMP.encode() * 50)):
        (tmp_path / "dump").write_bytes(data)
        with pytest.raises(LimitError, match="contains more than"):
            list(open_source(str(tmp_path / "dump")))


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress], ids=["gzip", "zstandard"])
@pytest.mark.parametrize("beginning", [b"", DUMP.encode()])
def test_a_bomb_is_told_by_its_beginning(
    pack: Callable[[bytes], bytes], beginning: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it unpacks to is never held: no more than the free bytes and one piece."""
    monkeypatch.setattr(limits, "RATIO_FREE_BYTES", 1 << 20)
    bomb = pack(beginning + b"\0" * (400 << 20))
    tracemalloc.start()
    with pytest.raises(LimitError, match="unpacks to more than 500 times"):
        compressed.decompress(bomb, where="x")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 << 20


def test_a_member_may_not_claim_to_be_packed_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """The packed size in a zip's directory is the writer's word."""
    monkeypatch.setattr(limits, "RATIO_FREE_BYTES", 1 << 20)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("dump", b"\0" * (8 << 20))
        packed.infolist()[0].compress_size = 1 << 30
    with pytest.raises(LimitError, match="unpacks to more than 500 times"):
        list(archive.entries(out.getvalue(), where="x"))


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
    assert "Extract the goroutine dumps" in caught.value.hint
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
    assert (None, "archives nested too deeply; not read") == (member.data, member.note)


def test_nested_json_is_no_stack_overflow() -> None:
    """Thousands of brackets in a version file or a log are an error in words at most."""
    for text in ('{"a":' * 800, "[" * 100_000, f'{{"log":"goroutine 1 [select]:\\n"{"[" * 100_000}', '{"":' * 1000):
        with pytest.raises(Exception, match="test") as caught:
            formats.read(text.encode(), where="test")
        assert caught.type.__module__ == "stackscan.errors"


@pytest.mark.parametrize("grown", [0, 1, 2000])
def test_a_file_is_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, grown: int) -> None:
    """A regular file says how large it is, so that its bytes are not copied; one that grows meanwhile is read to its
    end."""
    monkeypatch.setattr(limits, "_PIECE", 100)
    path = tmp_path / "dump"
    path.write_bytes(b"x" * 1000)
    asked: list[int | None] = []

    class Reader(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if not asked:
                with path.open("ab") as file:
                    file.write(b"y" * grown)
            asked.append(size)
            return super().read(-1 if size is None else size) or b""

    with Reader(path) as file:
        assert 1000 + grown == len(limits.read_bounded(file, where="dump"))
    assert [1001, 100] == asked[:2]
    assert grown or len(asked) == 2


# -- the pages about limits and promises -----------------------------------------------------------------------------

#: Each constant of limits.py, and the beginning of its row in docs/sources.md.
ROWS = {
    "MAX_BYTES": "bytes of one member, unpacked",
    "MAX_RATIO": "ratio unpacked : packed",
    "RATIO_FREE_BYTES": "bytes above which that ratio holds",
    "MAX_WINDOW_BYTES": "memory that a zstandard file requests",
    "MAX_LAYERS": "nested compressions",
    "MAX_MEMBERS": "members of an archive or directory",
    "MAX_DUMPS": "dumps of an archive or directory",
    "MAX_NESTING": "nested archives",
    "MAX_DOWNLOAD_BYTES": "bytes of an HTTP answer",
    "CONNECT_SECONDS": "seconds to connect",
    "SILENCE_SECONDS": "seconds of silence",
    "TOTAL_SECONDS": "seconds in all",
    "MIN_TIMEOUT_SECONDS": "shortest `--timeout`",
    "MAX_TIMEOUT_SECONDS": "longest `--timeout`",
    "MAX_REDIRECTS": "redirects",
    "MAX_LINE_BYTES": "bytes of one line",
    "MAX_GOROUTINES": "goroutines of one text",
    "MAX_FRAMES": "frames of one stack",
    "MAX_LABEL_BYTES": "bytes of one goroutine's labels",
    "MAX_NAME": "bytes of the name of a function or a file",
}


def spelt(value: float, row: str) -> str:
    """A limit as the page writes it."""
    if row.startswith(("bytes", "memory")):
        unit, size = next((u, s) for u, s in (("GiB", 30), ("MiB", 20), ("KiB", 10)) if value >= 1 << s)
        return f"{int(value) >> size} {unit}"
    return f"{value:,g}" if value < 1 else f"{int(value):,}"


def limit_rows() -> list[list[str]]:
    """The table of docs/sources.md, without its head."""
    page = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8").split("\n## Limits\n")[1].split("\n## ")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("|")
    ][2:]


def test_the_table_of_limits_has_each_with_its_value() -> None:
    """A limit that is added or changed is told."""
    known = {name for name, value in vars(limits).items() if name[0].isupper() and isinstance(value, int | float)}
    assert known == set(ROWS)
    values = {row[0]: row[1] for row in limit_rows()}
    for name, begins in ROWS.items():
        (found,) = [value for label, value in values.items() if label.startswith(begins)]
        assert spelt(getattr(limits, name), begins) == found, name


def test_each_limit_says_what_changes_it() -> None:
    """Options that exist, or "fixed"."""
    options = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    for row in limit_rows():
        named = re.findall(r"`(--[a-z-]+)`", row[2])
        assert named or row[2] == "fixed" or "fleet" in row[2], row
        assert [] == [name for name in named if f"`{name}" not in options]


def test_the_tests_that_hold_a_promise_exist() -> None:
    """Each row of SECURITY.md names some."""
    promises = (ROOT / "SECURITY.md").read_text(encoding="utf-8").split("## What is promised")[1].split("\n## ")[0]
    rows = [line for line in promises.splitlines() if line.startswith("| ")][1:]
    assert 10 < len(rows)
    for row in rows:
        files = re.findall(r"`((?:tests|benchmarks)/\w+\.py)`", row)
        assert files, row
        assert [] == [name for name in files if not (ROOT / name).is_file()]
