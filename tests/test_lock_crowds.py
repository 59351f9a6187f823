"""What may hold many locks alike is put together once: the same places as if each lock were looked at alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import goroutine, snapshot_of, snapshot_with, stack_of
from stackscan.analysis.causes import Scene, find_causes
from stackscan.analysis.causes.waiting import kind_of
from stackscan.analysis.locks import Locks, find_locks
from stackscan.analysis.locks.crowds import Crowd
from stackscan.analysis.locks.ground import Ground
from stackscan.analysis.locks.places import SHOWN, Mark, Place, Places
from stackscan.model.arguments import Words

_ROWS: Final = 12
_CROWD: Final[Mark] = (20, "type", False, 1)
_LOCKS: Final = 3


def ground_of(waits_for: dict[int, int], stacks: list[int], reasons: list[str]) -> Ground:
    """A dump of goroutines in one of three functions, of which some wait for a lock."""
    text = "\n".join(
        goroutine(row + 1, [f"main.f{stack}", "main.main"], state=reason)
        for row, (stack, reason) in enumerate(zip(stacks, reasons, strict=True))
    )
    ground = Ground(snapshot_of(text), {})
    ground.waits_for = waits_for
    return ground


marks = st.dictionaries(
    st.integers(0, _ROWS - 1),
    st.tuples(st.sampled_from([12, 20, 22, 35]), st.just("argument"), st.booleans(), st.integers(0, 1)),
)


@settings(deadline=None)  # a busy machine is no defect
@given(
    marks,
    st.dictionaries(st.integers(0, _ROWS - 1), st.integers(0, _LOCKS - 1)),
    st.lists(st.integers(0, 2), min_size=_ROWS, max_size=_ROWS),
    st.lists(st.sampled_from(["select", "IO wait"]), min_size=_ROWS, max_size=_ROWS),
    st.sets(st.integers(0, _ROWS - 1)),
)
def test_a_crowd_gives_each_lock_what_it_would_have_alone(
    known: dict[int, Mark], waits_for: dict[int, int], stacks: list[int], reasons: list[str], crowd: set[int]
) -> None:
    """The likeliest places: of each goroutine the best evidence counts, and who waits for the lock is no candidate."""
    ground = ground_of(waits_for, stacks, reasons)
    places = Places(ground)
    together = Crowd(places.alike(_CROWD, sorted(crowd)))
    for lock in range(_LOCKS):
        own = {row: mark for row, mark in known.items() if waits_for.get(row) != lock}
        alone = dict.fromkeys((row for row in sorted(crowd) if waits_for.get(row) != lock), _CROWD)
        alone.update({row: mark for row, mark in own.items() if row not in alone or mark[0] >= _CROWD[0]})
        expected = sorted(places.of(alone), key=Place.order)[:SHOWN]
        found = together.of(lock, own)
        best = sorted([*places.of(own), *found], key=Place.order)[:SHOWN]
        assert [(p.mark, p.rows, p.waits_for) for p in expected] == [(p.mark, p.rows, p.waits_for) for p in best]


def test_what_a_stack_waits_for_is_found_once_for_equal_stacks() -> None:
    """Two dumps of one program hold equal stacks: the second one costs a look-up."""
    functions = ("sync.runtime_SemacquireMutex", "sync.(*Mutex).Lock", "main.f")
    first, second = (kind_of(stack_of(*functions), "sync.Mutex.Lock", False) for _ in range(2))  # noqa: FBT003
    assert first is second
    assert kind_of(stack_of(*functions), "runnable", False) is not first  # noqa: FBT003


def test_no_word_is_read_where_nobody_waits() -> None:
    """A dump in which nobody waits for a lock: its argument lists are not looked at, and there is no cause in it."""

    def refuse(*_: object, **__: object) -> Words:
        raise AssertionError("words were read")

    text = goroutine(1, ["main.main"], state="running") + "\n" + goroutine(2, ["main.f"])
    snapshot = replace(snapshot_of(text), read_arguments=refuse)
    assert Locks() == find_locks(snapshot)
    assert [] == find_causes(Scene(snapshot, Locks(), (), snapshot.stacks))


def test_waits_are_not_listed_where_their_reasons_tell_enough() -> None:
    """Of goroutines that select on unlike stacks no cause speaks: nothing is made for each of them."""
    stacks = [stack_of(f"main.f{number}") for number in range(3)]
    snapshot = snapshot_with(*stacks, stack_of("main.main"), reasons=["select"] * 4)
    scene = Scene(snapshot, find_locks(snapshot), (), snapshot.stacks)
    assert [] == find_causes(scene)
    assert scene.is_whole
    assert "waits" not in vars(scene)
    sending = snapshot_with(*stacks, reasons=["select", "chan send", "select"])
    scene = Scene(sending, find_locks(sending), (), sending.stacks)
    find_causes(scene)
    assert "waits" in vars(scene)
