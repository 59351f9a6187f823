"""Text made to break the reader: whatever a line holds, it is read in one pass, or reported, and nothing raises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackscan.formats import goroutine_text
from stackscan.model.snapshot import Snapshot

FRAMES = "main.f(0x1)\n\t/src/a.go:1 +0x1\n"
NEXT = "goroutine 2 [select]:\n" + FRAMES


def read(text: str) -> list[Snapshot]:
    """The snapshots of a text."""
    return goroutine_text.read(text.encode())


def all_ids(snapshots: list[Snapshot]) -> list[int]:
    """Goroutine ids of all snapshots, in their order."""
    return [number for snapshot in snapshots for number in snapshot.goroutines["goroutine_id"].to_list()]


def reasons(snapshots: list[Snapshot]) -> list[str]:
    """What was reported, in the order of the text."""
    return [problem.reason for snapshot in snapshots for problem in snapshot.problems]


# -- numbers ---------------------------------------------------------------------------------------------------------

_SLOTS = {
    "minutes": "goroutine 1 [select, % minutes]:\n" + FRAMES,
    "bubble": "goroutine 1 [select, synctest bubble %]:\n" + FRAMES,
    "gp": "goroutine 1 gp=0x% m=% mp=0x% [select]:\n" + FRAMES,
    "argument": "goroutine 1 [select]:\nmain.f(0x%)\n\t/src/a.go:1 +0x1\n",
    "line": "goroutine 1 [select]:\nmain.f(0x1)\n\t/src/a.go:% +0x1\n",
    "offset": "goroutine 1 [select]:\nmain.f(0x1)\n\t/src/a.go:1 +0x%\n",
    "frame pointer": "goroutine 1 [select]:\nmain.f(0x1)\n\t/src/a.go:1 +0x1 fp=0x% sp=0x% pc=0x%\n",
    "creator": "goroutine 1 [select]:\n" + FRAMES + "created by main.g in goroutine %\n\t/src/a.go:2 +0x1\n",
    "ancestor": "goroutine 1 [select]:\n" + FRAMES + "[originating from goroutine %]:\n" + FRAMES,
    "elided": "goroutine 1 [select]:\n" + FRAMES + "...% frames elided...\n",
}


@pytest.mark.parametrize("digits", [1, 9, 10, 17, 19, 20, 21, 40, 6000])
@pytest.mark.parametrize("slot", _SLOTS)
def test_a_number_of_any_length_costs_no_goroutine(slot: str, digits: int) -> None:
    """Python refuses to read 5,000 digits and columns hold 64 bits: neither may reach the reader's caller."""
    snapshots = read(_SLOTS[slot].replace("%", "7" * digits) + "\n" + NEXT)
    assert [1, 2] == all_ids(snapshots)


@pytest.mark.parametrize("digits", [20, 21, 6000])
def test_an_id_beyond_64_bits_is_lost_and_said_to_be(digits: int) -> None:
    """No such goroutine exists; the one after it is read."""
    snapshots = read(f"goroutine {'9' * digits} [select]:\n{FRAMES}\n{NEXT}")
    assert [2] == all_ids(snapshots)
    assert reasons(snapshots)
    assert not any(snapshot.complete for snapshot in snapshots)


@given(st.sampled_from(sorted(_SLOTS)), st.text(alphabet="0123456789abcdefx, +", max_size=60))
def test_anything_may_stand_for_a_number(slot: str, text: str) -> None:
    """Not even a slot filled with nonsense stops the goroutine after it."""
    assert all_ids(read(_SLOTS[slot].replace("%", text) + "\n" + NEXT))[-1] == 2


# -- headers where none should stand ---------------------------------------------------------------------------------


def test_thousands_of_headers_behind_text_do_not_exhaust_the_stack() -> None:
    """Each of them restarts the reader: by a loop, for Python's call stack ends at a thousand."""
    count = 3000
    text = NEXT + "\n" + "".join(f"LOG goroutine {number} [select]:\n{FRAMES}\n" for number in range(3, count))
    assert list(range(2, count)) == sorted(all_ids(read(text)))


def test_a_header_behind_text_inside_a_stack_takes_its_own_frames() -> None:
    """Without a blank line before it, too: frames never join the stack above."""
    (snapshot,) = read(f"{NEXT}LOG goroutine 3 [chan send]:\nmain.own()\n\t/src/a.go:5 +0x1\n")
    assert [("select", 2), ("chan send", 3)] == snapshot.goroutines.select("wait_reason", "goroutine_id").rows()
    assert [["main.f"], ["main.own"]] == [[frame.function for frame in stack.frames] for stack in snapshot.stacks]
    assert snapshot.problems


@pytest.mark.parametrize("prefix", ["  ", "app-1  | ", "2026-01-02T03:04:05Z stderr F "])
def test_a_goroutine_that_is_not_read_is_reported(prefix: str) -> None:
    """Lines that another program prefixed: the goroutine counts as lost, the dump as incomplete."""
    hidden = "".join(f"{prefix}{line}\n" for line in ("goroutine 1 [select]:\n" + FRAMES).splitlines())
    for text in (hidden + "\n" + NEXT, NEXT + "\n" + hidden):
        (snapshot,) = read(text)
        assert [2] == snapshot.goroutines["goroutine_id"].to_list()
        assert not snapshot.complete
        assert snapshot.problems


def test_a_stack_inside_a_log_entry_is_reported() -> None:
    """A logger's escaped stack is no goroutine of this dump, but worth a line."""
    (snapshot,) = read('{"msg":"goroutine 3 [select]:\\nmain.f()\\n\\t/a.go:1 +0x1\\n"}\n' + NEXT)
    assert [2] == snapshot.goroutines["goroutine_id"].to_list()
    assert ["a stack inside a log line; not read"] == [problem.reason for problem in snapshot.problems]


def test_a_panics_message_may_hold_a_stack() -> None:
    """Go 1.23 and later indent a message's further lines by a tab: a stack there is text, and nothing is lost."""
    (snapshot,) = read("panic: first\n\tgoroutine 5 [running]:\n\tmain.x()\n\n" + NEXT)
    assert snapshot.complete
    assert () == tuple(snapshot.problems)


def test_words_in_a_header_that_nobody_knows_are_kept() -> None:
    """A header with text before its brackets is read, and the text kept."""
    (snapshot,) = read("goroutine 9 (named worker) [select, 3 minutes]:\n" + FRAMES)
    (row,) = snapshot.goroutines.to_dicts()
    assert (9, "select", 3) == (row["goroutine_id"], row["wait_reason"], row["wait_minutes"])
    assert "(named worker)" in row["attributes"]


# -- several dumps in one file ---------------------------------------------------------------------------------------


def test_every_cause_begins_a_dump() -> None:
    """Two processes died into one log: two snapshots, each with its own last words."""
    first, second = read(f"panic: a\n\n{NEXT}exit status 2\npanic: b\n\ngoroutine 7 [running]:\n{FRAMES}")
    assert ("panic: a", "panic: b") == (first.cause, second.cause)
    assert ([2], [7]) == (all_ids([first]), all_ids([second]))


def test_a_panic_during_a_panic_is_one_dump() -> None:
    """The runtime prints the chain of panics above one dump."""
    (snapshot,) = read("panic: a [recovered]\n\tpanic: b\n\n" + NEXT)
    assert str(snapshot.cause).startswith("panic: a")


# -- long lines ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "main.f" + "[" * 4000 + "()",
        "main.f" + "(" * 4000 + ")" * 4000,
        "main.f(" + "{" * 4000 + "}" * 4000 + ")",
        "main." + "(*T)." * 4000 + "f()",
        "a/" * 20000 + "b.f()",
    ],
    ids=["brackets", "parentheses", "braces", "receivers", "path"],
)
def test_depth_on_a_line_stops_nobody(line: str) -> None:
    """What cannot be a call costs that frame at most."""
    snapshots = read(f"goroutine 1 [select]:\n{line}\n\t{'/pkg/mod/a' * 4000}/x.go:1 +0x1\n\n{NEXT}")
    assert [1, 2] == all_ids(snapshots)


def test_a_quoted_stack_right_below_a_goroutine_is_told() -> None:
    """A JSON log line that follows the last frame without a blank line: its stack is not read, and that is said."""
    quoted = '{"level":"error","stack":"goroutine 1 [running]:\\nruntime/debug.Stack()\\n\\t/x/stack.go:26 +0x5e"}'
    (snapshot,) = read(NEXT + quoted + "\n")
    assert 1 == len(snapshot.goroutines)
    assert ["a stack inside a log line; not read"] == [problem.reason for problem in snapshot.problems]
