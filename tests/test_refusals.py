"""Input that is no dump: the error says what it is, and what to do instead; no real dump is taken for it."""

from __future__ import annotations

import gzip
import struct
import tomllib
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import FIXTURES, run
from stackscan.errors import StackscanError, UnrecognisedFormatError, UnsupportedFormatError
from stackscan.export.convert import converter
from stackscan.formats import kinds
from stackscan.formats.contents import read_source
from stackscan.formats.refusals import sums, texts
from stackscan.formats.refusals.refuse import refuse_unknown
from stackscan.pipeline import examine, scan
from stackscan.sources import binaries

TOOLS: Final = FIXTURES / "tools" / "pprof-text"

#: Texts as people give them, by what the error must call them.
SAMPLES: Final[dict[str, dict[str, str]]] = tomllib.loads((Path(__file__).parent / "refused.toml").read_text("utf-8"))


_TEXTS: Final = [sample["text"] for sample in SAMPLES.values()]


def said(data: bytes) -> str:
    """The error for bytes, with its hint."""
    with pytest.raises(UnrecognisedFormatError) as caught:
        refuse_unknown(data, where="given")
    assert caught.value.hint
    return f"{caught.value}\n{caught.value.hint}"


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("change", [str, lambda text: text.replace("\n", "\r\n"), str.rstrip])
def test_a_text_is_named_with_a_command(name: str, change: object) -> None:
    """As it is, with the line ends of Windows, and without its last one."""
    words, text = SAMPLES[name]["error"], SAMPLES[name]["text"]
    assert callable(change)
    if change is not str and name in ("folded", "perf script", "ps", "ps aux", "ps -ef", "schedtrace", "pprof -tags"):
        text += text  # what is recognised by its line end needs one
    told = said(change(text).encode())
    assert words in told
    assert "not a goroutine dump" in told


def test_every_entry_of_the_table_has_a_sample() -> None:
    """None is there that nobody has seen."""
    found = {texts.recognise(text.encode()) for text in _TEXTS}
    seen = {entry.name for each in found if each for entry in each[:1]}
    elsewhere = {  # tests of their own
        "a block profile", "a mutex profile", "a warning of the race detector without its accesses",
        "a profile for speedscope",
        "the source that go tool pprof -list prints, with sums by line", "a backtrace of a Rust program",
    }  # fmt: skip
    assert {entry.name for entry in texts.TEXTS} == seen | elsewhere
    assert texts.recognise(b"stack backtrace:\n   0: std::backtrace\n") is not None


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*/**/*.txt*")), ids=lambda path: path.name)
def test_no_dump_is_refused(path: Path) -> None:
    """Whatever the reader reads in a fixture, it reads: no entry of the table comes before a format."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if not data.startswith((b"goroutine ", b"goroutine profile", b"panic: ", b"SIGQUIT", b"fatal error: ")):
        return
    assert texts.recognise(data) is None, texts.recognise(data)
    sums.refuse(data, where="given")


@pytest.mark.parametrize("name", ["folded", "speedscope"])
def test_our_own_outputs_are_named(name: str) -> None:
    """What convert writes is no dump."""
    ((capture, *_), *_) = examine(str(FIXTURES / "go/go1.27/states.txt"))
    told = said(converter(name)(capture))
    assert {"folded": "folded stacks", "speedscope": "a profile for speedscope"}[name] in told


#: A fixture, words of its error, and words of its hint.
_OUTPUTS: Final = [
    ("list.txt", "-list prints", "-raw"),
    ("cpu-top.txt", "of a CPU profile, not of goroutines", "debug=2"),
    ("heap-traces.txt", "of a heap profile, not of goroutines", "debug=2"),
    ("heap-raw.txt", "of a heap profile, not of goroutines", "debug=2"),
    ("mutex-traces.txt", "of a mutex or block profile, not of goroutines", "in one folder"),
    ("threadcreate.debug1.txt", "is a threadcreate profile, not a goroutine profile", "debug=2"),
    ("heap.debug1.txt", "is a heap profile", "debug=2"),
    ("block.debug1.txt", "is a block profile", "debug=2"),
    ("mutex.debug1.txt", "is a mutex profile", "debug=2"),
    ("threadcreate.pb.gz", "a threadcreate profile (threadcreate/count), not goroutines", "debug=2"),
    ("heap.pb.gz", "a heap profile (alloc_objects/count", "debug=2"),
    ("allocs.pb.gz", "a heap profile (alloc_objects/count", "debug=2"),
    ("block.pb.gz", "a mutex or block profile (contentions/count, delay/nanoseconds)", "in one folder"),
    ("mutex.pb.gz", "a mutex or block profile (contentions/count, delay/nanoseconds)", "in one folder"),
    ("cpu.pb.gz", "a CPU profile (samples/count, cpu/nanoseconds), not goroutines", "debug=2"),
    ("trace.gz", "is a Go execution trace", "go tool trace"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "words", "command"), _OUTPUTS, ids=[row[0] for row in _OUTPUTS])
def test_real_outputs_are_refused_by_name(name: str, words: str, command: str) -> None:
    """What go tool pprof printed, and the other profiles of the same process."""
    with pytest.raises(UnsupportedFormatError) as caught:
        scan([str(TOOLS / name)])
    assert words in str(caught.value)
    assert command in caught.value.hint
    assert 2 == caught.value.exit_code


def test_in_a_bundle_they_are_listed_with_their_kind() -> None:
    """Beside a dump, contention profiles are evidence; the others have a name."""
    contents = read_source(str(TOOLS))
    kind_by_name = {entry.name: entry.kind for entry in contents.entries}
    expected = {
        "threadcreate.pb.gz": "threadcreate profile", "heap.pb.gz": "heap profile", "cpu.pb.gz": "CPU profile",
        "block.pb.gz": "block profile", "mutex.pb.gz": "mutex profile", "mutex.debug1.txt": "mutex profile",
        "threadcreate.debug1.txt": "threadcreate profile", "heap.debug1.txt": "heap profile",
    }  # fmt: skip
    assert expected == {name: kind_by_name[name] for name in expected}


def test_a_protobuf_mutex_profile_says_what_its_text_says() -> None:
    """The same waits: numbers of waits and places; delays in nanoseconds instead of cycles."""
    profiles = dict(read_source(str(TOOLS)).contention)
    text, protobuf = profiles["mutex.debug1.txt"], profiles["mutex.pb.gz"]
    assert ("mutex", "mutex") == (text.kind, protobuf.kind)
    assert {r.count for r in text.records} == {r.count for r in protobuf.records}
    both = zip(text.records, protobuf.records, strict=True)
    for one, other in both:
        assert {frame.function for frame in one.frames} <= {frame.function for frame in other.frames}
        assert text.delay_seconds(one) == pytest.approx(protobuf.delay_seconds(other), rel=0.01)


# -- binary files ------------------------------------------------------------------------------------------------------


def elf(kind: int, order: str = "<") -> bytes:
    """The first bytes of an ELF file of a type."""
    ident = b"\x7fELF\2" + (b"\1" if order == "<" else b"\2") + b"\1" + bytes(9)
    return (ident + struct.pack(f"{order}HHI", kind, 62, 1)).ljust(1024, b"\0")


_BINARIES: Final = [
    ("a core file (ELF)", elf(4), "dlv core ./BINARY CORE"),
    ("a core file (ELF)", elf(4, ">"), "dlv core ./BINARY CORE"),
    ("an ELF program", elf(2), "debug=2"),
    ("an ELF program", elf(3), "debug=2"),
    ("an ELF object file", elf(1), "debug=2"),
    ("a core file of macOS", struct.pack("<IIII", 0xFEEDFACF, 7, 3, 4).ljust(600, b"\0"), "dlv attach PID"),
    ("a macOS program", struct.pack("<IIII", 0xFEEDFACF, 7, 3, 2).ljust(600, b"\0"), "debug=2"),
    ("a Windows program", b"MZ\x90\0\3\0".ljust(600, b"\0"), "debug=2"),
    ("a Windows minidump", b"MDMP\x93\xa7\0\0".ljust(600, b"\0"), "dlv core PROGRAM.exe FILE"),
    ("a recording of Linux perf", b"PERFILE2".ljust(600, b"\0"), "debug=2"),
    ("a recording of the Java Flight Recorder", b"FLR\0\0\2".ljust(600, b"\0"), "debug=2"),
    ("a Go execution trace", b"go 1.22 trace\0\0\0".ljust(600, b"\1"), "go tool trace"),
    ("a Go execution trace", b"go 1.26 trace\0\0\0".ljust(600, b"\1"), "go tool trace"),
]  # fmt: skip


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("name", "data", "command"), _BINARIES)
def test_a_binary_file_is_named(name: str, data: bytes, command: str, packed: bool, tmp_path: Path) -> None:
    """Core files, programs, recordings; also compressed."""
    path = tmp_path / "given"
    path.write_bytes(gzip.compress(data) if packed else data)
    with pytest.raises(UnrecognisedFormatError) as caught:
        scan([str(path)])
    assert f"{path} is {name}, not a goroutine dump" == str(caught.value)
    assert command in caught.value.hint


def test_a_large_core_file_is_refused_unread(tmp_path: Path) -> None:
    """8 GiB, of which the disk holds one block: more than any source may have, so it was not read. Also compressed."""
    path = tmp_path / "core"
    with path.open("wb") as file:
        file.write(elf(4))
        file.truncate(8 << 30)
    with pytest.raises(UnsupportedFormatError, match="is a core file"):
        scan([str(path)])
    with path.open("wb") as file:
        file.write(gzip.compress(elf(4) + bytes(range(256)) * 4000))
        file.truncate(8 << 30)
    with pytest.raises(UnsupportedFormatError, match="is a core file"):
        scan([str(path)])
    done = run("report", "-", stdin=elf(4))
    assert 2 == done.returncode
    assert "standard input is a core file (ELF)" in done.stderr


def test_core_files_in_a_folder_are_passed_over(tmp_path: Path) -> None:
    """The dump beside them is read; the list says what they are."""
    (tmp_path / "core").write_bytes(elf(4))
    (tmp_path / "acme").write_bytes(elf(2))
    (tmp_path / "acme.perf").write_bytes(b"PERFILE2".ljust(600, b"\0"))
    (tmp_path / "dump.txt").write_bytes((FIXTURES / "go/go1.27/states.txt").read_bytes())
    contents = read_source(str(tmp_path))
    notes = {entry.name: entry.note for entry in contents.entries}
    assert ("a core file; not read", "a program; not read") == (notes["core"], notes["acme"])
    assert 1 == len(contents.captures)
    assert "recording of Linux perf" == kinds.kind_of(b"PERFILE2".ljust(600, b"\0"))


def test_letters_alone_make_no_program() -> None:
    """A text may begin with MZ; a program holds zeros."""
    assert binaries.large(b"MZ and more text\n") is None


# -- the table holds under anything ------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.sampled_from(list(_TEXTS)), max_size=4), st.binary(max_size=40))
def test_mixed_texts_get_some_error(parts: list[str], noise: bytes) -> None:
    """Whatever is joined: one StackscanError with a hint."""
    data = noise.join(part.encode() for part in parts) + b"x"
    with pytest.raises(StackscanError) as caught:
        refuse_unknown(data, where="given")
    assert caught.value.hint


@pytest.mark.parametrize(
    "line",
    [
        "\n", " \n", "a(" * 200 + "\n", "    at " + "(" * 300 + "\n", "x;y" * 300 + "\n", ":1:in " * 60 + "\n",
        "[" * 400 + "\n", "flat  flat%   sum%        cum   cum%\n", "Type: cpu\n", "x" * 400 + "\n",
        "         0     0%   100%          1  3.45%  main.f\n", "Samples:\ngoroutine/count\n", "# a\n# a\n",
    ],
)  # fmt: skip
def test_near_misses_by_the_hundred_thousand_end(line: str) -> None:
    """Each pattern is bounded: a text of near-misses is read in one pass."""
    told = said(line.encode() * (400_000 // len(line) + 1) + b"x")
    assert told


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("Type: goroutine\n      flat  flat%   sum%        cum   cum%\n", "a table of go tool pprof without any count"),
        ("      flat  flat%   sum%        cum   cum%\n         3   100%   100%          3   100%  main.f\n",
         "that does not say what it counts"),
        ("Type: alloc_space\n      flat  flat%   sum%        cum   cum%\n", "of a heap profile, not of goroutines"),
        ("Type: goroutines_of_ours\n      flat  flat%   sum%        cum   cum%\n", "not of goroutines"),
    ],
)  # fmt: skip
def test_tables_that_may_not_be_of_goroutines(table: str, words: str) -> None:
    """Those of goroutines are read (test_pprof_sums.py)."""
    assert words in said(table.encode())


def test_words_about_a_goroutine_are_no_header_behind_a_prefix() -> None:
    """What stands in brackets right behind the number is a state, and nothing else is."""
    assert "no goroutine header in it" in said(b"The detector says: goroutine 7 was blocked [as we think].\n")
    assert "after other text" in said(b"The detector says: goroutine 7 [select]:\n")
