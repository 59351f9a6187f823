"""Goroutines grouped by stack and wait reason, and the signature that joins them over rebuilds."""

from __future__ import annotations

import pickle
import re
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import captures, goroutine, report_of, snapshot_of, stack_of
from stackscan.model.bucket import group, signature
from stackscan.model.snapshot import Frame, Stack
from stackscan.model.table import Table

_FUNCTIONS = st.lists(st.sampled_from(["main.a", "main.b", "net/http.c", "x/y.(*T).d"]), min_size=1, max_size=5)
_REASON = st.one_of(st.none(), st.sampled_from(["select", "chan receive", "sync.Mutex.Lock"]))


def test_goroutines_in_the_same_place_for_the_same_reason_are_one_bucket() -> None:
    """Stack and wait reason together make a bucket; the least and the longest wait are kept."""
    snapshot = snapshot_of(
        "\n".join(
            (
                goroutine(1, ["main.a", "main.run"], state="select"),
                goroutine(2, ["main.a", "main.run"], state="select, 7 minutes"),
                goroutine(3, ["main.a", "main.run"], state="select, 2 minutes"),
                goroutine(4, ["main.a", "main.run"], state="chan receive"),
                goroutine(5, ["main.b", "main.run"], state="select"),
            )
        )
    )
    buckets = group(snapshot)
    found = [(b.count, b.wait_reason, b.min_wait_minutes, b.max_wait_minutes, b.goroutine_ids) for b in buckets]
    assert (3, "select", 0, 7, (1, 2, 3)) == found[0]
    assert {(1, "chan receive", 0, 0, (4,)), (1, "select", 0, 0, (5,))} == set(found[1:])


def test_arguments_do_not_tell_goroutines_apart() -> None:
    """Goroutines that differ in the values of their arguments are in one bucket."""
    text = "\n".join(goroutine(n, ["main.a"], argument=f"0xc0000{n:05x}") for n in range(1, 6))
    assert [5] == [bucket.count for bucket in group(snapshot_of(text))]


def test_the_largest_bucket_comes_first_and_among_equals_the_longest_wait() -> None:
    """The order is count, then wait, then signature: the same dump always reads the same."""
    text = "\n".join(
        (
            goroutine(1, ["main.one"], state="select, 9 minutes"),
            goroutine(2, ["main.two"], state="select"),
            goroutine(3, ["main.two"], state="select"),
            goroutine(4, ["main.three"], state="select, 30 minutes"),
        )
    )
    tops = [bucket.stack.functions[0] for bucket in group(snapshot_of(text))]
    assert ["main.two", "main.three", "main.one"] == tops


def test_at_most_twenty_ids_are_kept_in_the_order_of_the_dump() -> None:
    """A bucket names its first twenty goroutines, whatever their number."""
    ids = [*range(500, 470, -1)]
    (bucket,) = group(snapshot_of("\n".join(goroutine(n, ["main.a"]) for n in ids)))
    assert tuple(ids[:20]) == bucket.goroutine_ids
    assert bucket.count == 30


def test_buckets_are_left_out_and_put_first_in_their_order() -> None:
    """A part of the buckets has their order, and each is made when somebody looks at it: then it is the same again."""
    snapshot = snapshot_of("\n".join(goroutine(n, [f"main.f{min(n, 5)}"], state="select") for n in range(1, 9)))
    buckets = group(snapshot)
    idle, caught = buckets[1], buckets[2].stack
    assert buckets[0].count == 4
    assert [buckets[0], *buckets[2:]] == list(buckets.without({(idle.stack, "select")}))
    assert list(buckets) == list(buckets.without({(idle.stack, None)}))
    assert [buckets[2], *buckets[:2], *buckets[3:]] == list(buckets.with_first({caught}))
    assert list(buckets[1:3]) == [buckets[1], buckets[2]]
    assert buckets[0] is not buckets[0]


def test_frames_and_stacks_are_values_that_nothing_changes() -> None:
    """They are equal where all is equal, in another process too, and refuse new values."""
    frame = Frame("main.f", "/src/f.go", line=7)
    stack = Stack((frame,), created_by=frame, elided=None)
    others = (frame, replace(frame, pc_offset=5), "line"), (stack, replace(stack, unavailable=True), "elided")
    for value, changed, name in others:
        again = pickle.loads(pickle.dumps(value))  # noqa: S301 - our own
        assert (value, hash(value), repr(value)) == (again, hash(again), repr(again))
        assert changed not in {value, again}
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, 3)
    assert (("main.f",), False) == (stack.functions, stack.unavailable)
    assert Frame("main.f", "/src/f.go", 7, None) == frame


def test_an_empty_table_has_no_buckets() -> None:
    """A snapshot without goroutines groups into nothing."""
    snapshot = replace(snapshot_of(goroutine(1, ["main.a"])), table=Table.empty())
    assert [] == list(group(snapshot))


@given(_FUNCTIONS, _REASON, st.integers(-1, 9999), st.text(max_size=20), st.one_of(st.none(), st.integers(0, 4096)))
def test_a_signature_survives_a_rebuild(
    functions: list[str], reason: str | None, line: int, file: str, offset: int | None
) -> None:
    """Lines, files and offsets change with every build; the signature does not, nor with who created the goroutine."""
    before = stack_of(*functions)
    after = Stack(tuple(Frame(name, file, line, offset) for name in functions), Frame("main.go", file, line))
    assert signature(reason, before) == signature(reason, after)
    assert re.fullmatch(r"[0-9a-f]{12}", signature(reason, before))


@given(_FUNCTIONS, _FUNCTIONS, _REASON, _REASON)
def test_a_signature_tells_functions_and_reasons_apart(
    functions: list[str], others: list[str], reason: str | None, other: str | None
) -> None:
    """Two stacks have one signature if and only if the functions, in order, and the wait reasons agree."""
    expected = (functions, reason) == (others, other)
    assert expected is (signature(reason, stack_of(*functions)) == signature(other, stack_of(*others)))


def test_a_signature_is_not_fooled_by_joining_names() -> None:
    """Names are told apart by more than the letters they add up to."""
    assert signature("select", stack_of("main.a", "main.b")) != signature("select", stack_of("main.amain.b"))
    assert signature("main.a", stack_of("main.b")) != signature(None, stack_of("main.a", "main.b"))


def test_a_signature_is_what_it_always_was() -> None:
    """Baselines and dashboards keep signatures for years: this value may never change."""
    assert signature("select", stack_of("main.loop", "main.main")) == "fa011df0c7b4"


def test_signatures_are_the_same_in_text_read_again_with_other_lines_and_arguments() -> None:
    """From the text on: the rebuilt program's dump has the same signatures."""
    old = snapshot_of(goroutine(1, ["main.a", "main.b"], line=10, argument="0xc000000001"))
    new = snapshot_of(goroutine(9, ["main.a", "main.b"], line=99, argument="0xc0000fffff, 0x7", file="/ci/build/x.go"))
    assert [b.signature for b in group(old)] == [b.signature for b in group(new)]


@pytest.mark.parametrize("number", [0, 1])
def test_one_process_keeps_its_signatures_from_capture_to_capture(number: int) -> None:
    """The worker pool of a kubo node is found under the same signature in captures taken seconds apart."""
    taken = [c for c in captures() if c.shape == "quiet"][2 * number : 2 * number + 2]
    signatures = [{b.bucket.signature for b in report_of(c.path).snapshots[0].buckets} for c in taken]
    assert len(signatures[0] & signatures[1]) > 0.8 * len(signatures[0])
