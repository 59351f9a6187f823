"""Counted text as forges and people leave it: without ``#``, as headings, lists or bold text, without addresses."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

import invariants
from helpers import FIXTURES
from stackscan import formats
from stackscan.formats.goroutine_counts.repair import repaired
from stackscan.formats.members import read_member
from stackscan.model.snapshot import Snapshot
from stackscan.sources import Member

Change = Callable[[str], str]
FILES: Final = ("go1.26/leak.debug1.txt", "go1.26/kernel_order-depot.debug1.txt", "go1.26/hang_http-locked.debug1.txt")
#: What became of each line.
SHAPES: Final[dict[str, Change]] = {
    "heading": lambda line: re.sub(r"^#\s*", "", line).replace("\t", " "),
    "heading of two": lambda line: re.sub(r"^#\s*", "## ", line),
    "blanks": lambda line: re.sub(r"\t+", " ", line),
    "escaped": lambda line: re.sub(r"^#", r"\\#", line),
    "numbered": lambda line: re.sub(r"^#\s*(?=0x)", "1. ", line),
    "bullets": lambda line: re.sub(r"^#\s*(?=0x)", "- ", line),
    "bold": lambda line: re.sub(r"^#\s*(0x.*)", r"**\1**", line),
    "indented": lambda line: "    " + re.sub(r"^#\s*", "", line),
    "quoted": lambda line: "> " + re.sub(r"^#\s*", "", line),
    "blank lines": lambda line: re.sub(r"^#\s*", "", line) + "\n",
}
#: The same of count lines.
COUNTS: Final[dict[str, Change]] = {
    "left out": lambda line: re.sub(r"^(\d+) @.*", r"\1", line),
    "three dots": lambda line: re.sub(r"^(\d+) @.*", r"\1 @ ...", line),
    "an ellipsis": lambda line: re.sub(r"^(\d+) @.*", r"\1 @ …", line),
    "a colon": lambda line: re.sub(r"^(\d+) @.*", r"\1:", line),
}


def text_of(name: str) -> str:
    """A profile as Go printed it."""
    return (FIXTURES / "go" / name).read_text(encoding="utf-8")


def changed(text: str, *changes: Change) -> bytes:
    """Its lines after these changes."""
    for change in changes:
        text = "\n".join(map(change, text.split("\n")))
    return text.encode()


def read(data: bytes) -> Snapshot:
    """The only profile of a text, out of what is around it."""
    ((_, (snapshot,)),) = read_member(Member("x", None, data))
    return snapshot


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_frames_come_back(name: str, shape: str) -> None:
    """The same stacks, labels and counts, and nothing is said to be wrong."""
    whole, found = read(text_of(name).encode()), read(changed(text_of(name), SHAPES[shape]))
    assert found.stacks == whole.stacks
    assert found.counted_rows.drop("line").equals(whole.counted_rows.drop("line"))
    assert found.complete
    assert found.problems == ()


@pytest.mark.parametrize("shape", sorted(COUNTS))
@pytest.mark.parametrize("heading", [False, True])
def test_counts_without_addresses_keep_their_frames(shape: str, heading: bool) -> None:
    """The stacks are whole as far as anybody knows; each count line says that it was shortened."""
    text = text_of(FILES[0])
    changes = [COUNTS[shape], *([SHAPES["heading"]] if heading else [])]
    found = read(changed(text, *changes))
    assert found.stacks == read(text.encode()).stacks
    assert (found.total, found.complete) == (12, True)
    assert {problem.reason for problem in found.problems} == {"count line is damaged; its addresses are skipped"}


def test_a_profile_is_complete_only_with_all_its_frames() -> None:
    """A frame line that nobody can read, or one that is gone, is a loss."""
    text = text_of(FILES[0])
    damaged = text.replace("main.go:52", "main.go")
    assert damaged != text
    assert not read(damaged.encode()).complete
    lines = text_of(FILES[1]).split("\n")
    frames = [at for at, line in enumerate(lines) if line.startswith("#\t0x")]
    inside = next(at for at in frames if at - 1 in frames and at + 1 in frames)
    assert not read("\n".join([*lines[:inside], *lines[inside + 1 :]]).encode()).complete


def test_other_text_stays() -> None:
    """Words and addresses that are no frames."""
    for line in (b"0x1234 is an address\n", b"1. 0x1 see x.go:1\n", b"- 0x12 main.f /x.go:1\n", b"3\n", b"12 @\n"):
        assert repaired(line) == line
    assert repaired(b"- 0x12 main.f+0x1 /x.go:1\n") == b"#\t0x12 main.f+0x1 /x.go:1\n"


@given(st.lists(st.sampled_from(sorted(SHAPES)), max_size=3), st.integers(0, 40), st.text(max_size=10))
def test_mangled_profiles_raise_nothing(shapes: list[str], drop: int, junk: str) -> None:
    """Several forges in a row, a line less and one more."""
    lines = changed(text_of(FILES[0]), *(SHAPES[shape] for shape in shapes)).split(b"\n")
    lines[drop : drop + 1] = [junk.encode("utf-8", "replace")]
    invariants.check_counts(b"\n".join(lines))
    repaired(b"\n".join(lines))


def test_formats_are_told_without_hashes() -> None:
    """By the first count line."""
    data = changed(text_of(FILES[0]), SHAPES["heading"], COUNTS["left out"])
    assert {snapshot.format for snapshot in formats.read(data, where="x")} == {"goroutine-counts"}
