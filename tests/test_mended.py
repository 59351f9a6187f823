"""Goroutines with a log's lines in them: read as whole ones, and as the careful reader reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackscan.formats import goroutine_text
from stackscan.formats.goroutine_text import irregular, mended
from stackscan.model.snapshot import Problem, Snapshot

HEAD = "goroutine 6 [running]:\nmain.main()\n\t/src/main.go:10 +0x1d\n"
WORKER = (
    "goroutine 7 [select, 3 minutes]:\nmain.(*Pool).run(0xc000012345, {0x1, 0x2?})\n\t/src/pool.go:20 +0x2d\n"
    "main.work(...)\n\t/src/pool.go:31\ncreated by main.start in goroutine 1\n\t/src/pool.go:9 +0x3d\n"
)
TAIL = "goroutine 8 [select]:\nmain.main()\n\t/src/main.go:10 +0x1d\n"
LOG = "2026/01/02 03:04:05 http: TLS handshake error 17"
#: Lines of logs, and lines that are more than that, or look like it.
LINES = (
    LOG, "plain words", "word", "end.", "I0102 03:04:05.000000  1 x.go:12] hello", '{"level":"info"}', "x: y", "a=b c",
    "/a/b.go:12", "a.go:12 +0x1", "foo(bar)", "foo (bar) baz", "Signal 5", "SIGQUIT: quit", "panic: x", "exit status 2",
    "5 goroutines", "3 more", "- item", "...3 frames elided...", "[...]", "snip", "rax    0x1", "main.f", "main.f:12",
    "created by", "goroutine", "goroutine 9 [select]:", "\tindented", "  two", "x ", "日本語", "main.(*T).x(0x",
    "runtime stack:", "-----", "#", "a\\nb", "7 [select]:", "x fp=0x1", "x/y:12", "http: panic serving 1.2.3.4", "",
    "\tgoroutine running on other thread; stack unavailable", "[originating from goroutine 5]:", "main.g(0x1)",
    "x", "1",
)  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _few_are_many() -> Iterator[None]:
    """Few goroutines are mended, too."""
    with patch.object(irregular, "_MANY", 1):
        yield


def careful_only(*given: Any) -> tuple[list[Any], list[Any]]:
    """What is mended when nothing is."""
    return [], list(given[1])


def told(snapshots: list[Snapshot]) -> list[object]:
    """All that snapshots say."""
    return [
        (
            one.table.frame.to_dicts(), one.stacks, one.problems, one.complete, one.header_lines, one.cause,
            one.message, one.ancestors.to_dicts(), list(one.words() or ()),
        )
        for one in snapshots
    ]  # fmt: skip


def spliced(lines: list[tuple[int, str]]) -> str:
    """Two whole goroutines and one between them, with other lines above places among its own."""
    text = [*WORKER.split("\n")]
    for place, line in sorted(lines, key=lambda one: -one[0]):
        text.insert(place, line)
    return "\n".join((HEAD, *text, TAIL))


@given(st.lists(st.tuples(st.integers(1, 8), st.sampled_from(LINES)), max_size=3))
def test_what_is_mended_is_what_care_finds(lines: list[tuple[int, str]]) -> None:
    """Whatever lines stand inside a stack or behind it: problems, marks, stacks and words are the same."""
    text = spliced(lines).encode()
    found = told(goroutine_text.read(text))
    with patch.object(mended, "read_rows", careful_only):
        assert told(goroutine_text.read(text)) == found


@pytest.mark.parametrize("line", [LOG, "plain words", '{"level":"info"}'])
@pytest.mark.parametrize("place", [1, 2, 3, 4, 5, 6, 7, 8])
def test_a_line_of_a_log_needs_no_care(place: int, line: str) -> None:
    """A log wrote between any two lines of a goroutine, or behind it: each line is not looked at one by one."""
    with patch.object(irregular, "read_rows", side_effect=AssertionError("read with care")):
        (snapshot,) = goroutine_text.read(spliced([(place, line)]).encode())
    assert [6, 7, 8] == snapshot.column("goroutine_id")
    inside = [] if place >= 7 else [Problem(5 + place, "other text inside the stack", line)]
    assert inside == list(snapshot.problems)
    assert snapshot.complete


def test_dumps_between_lines_of_a_log_need_no_care() -> None:
    """A program that prints a stack now and then: text stands behind each, and each is a dump."""
    text = "\n".join(f"{TAIL}\nevent number {number}" for number in range(5)) + f"\n{TAIL}"
    with patch.object(irregular, "read_rows", side_effect=AssertionError("read with care")):
        snapshots = goroutine_text.read(text.encode())
    assert [[8]] * 6 == [snapshot.column("goroutine_id") for snapshot in snapshots]
