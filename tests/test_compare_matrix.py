"""Goroutines over several captures: what each did, what a reader should look at first, and when nobody can say."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from helpers import FIXTURES, goroutine
from stackscan.api import compare
from stackscan.comparison import Comparison, Matrix

GROWTH = FIXTURES / "growth"
TEN = timedelta(minutes=10)


def dumps(folder: Path, *captures: list[str]) -> list[str]:
    """Files with these goroutines."""
    files = []
    for number, blocks in enumerate(captures):
        file = folder / f"{number}.txt"
        file.write_text("\n".join(blocks))
        files.append(str(file))
    return files


def at(number: int, function: str, minutes: int = 0, *, state: str = "chan receive") -> str:
    """A goroutine in one function."""
    wait = f", {minutes} minutes" if minutes else ""
    return goroutine(number, [f"app.{function}"], state=f"{state}{wait}", creator="app.main")


def compared(folder: Path, *captures: list[str]) -> Comparison:
    """The comparison of captures that are ten minutes apart, with every goroutine."""
    return compare(dumps(folder, *captures), every=TEN, individually=True)


def matrix_of(found: Comparison) -> Matrix:
    """The matrix, which must be there."""
    assert found.matrix is not None
    return found.matrix


def courses(found: Matrix) -> list[tuple[str, tuple[int, ...]]]:
    """What the goroutines of each crowd did, in the order of the matrix."""
    return [(c.course, tuple(sorted(n for each in c.companions for n in each.ids))) for c in found.crowds]


def test_what_stood_still_comes_first(tmp_path: Path) -> None:
    """Then what came and stayed, what may have stood still, what moved, what is new, and what is gone."""
    found = matrix_of(
        compared(
            tmp_path,
            [at(1, "stuck", 3), at(2, "woke", 9), at(3, "here"), at(4, "left"), at(9, "stuck", 3)],
            [at(1, "stuck", 13), at(2, "woke", 2), at(3, "there"), at(5, "came"), at(9, "stuck", 13)],
            [at(1, "stuck", 23), at(2, "woke", 3), at(3, "here"), at(5, "came"), at(6, "fresh"), at(9, "stuck", 23)],
        )
    )
    assert [
        ("waiting", (1, 9)),
        ("appeared", (5,)),
        ("stayed", (2,)),
        ("moved", (3,)),
        ("new", (6,)),
        ("gone", (4,)),
    ] == courses(found)


def test_each_cell_says_where_a_goroutine_was_and_how_long(tmp_path: Path) -> None:
    """By the stacks of the matrix; nothing where it was not there."""
    found = matrix_of(compared(tmp_path, [at(1, "a", 3), at(2, "a")], [at(1, "a", 13)], [at(1, "b"), at(2, "a", 4)]))
    cells = {
        number: [
            None if n is None else (found.stacks[n].bucket.stack.functions[0], each.minutes[place][row])
            for place, n in enumerate(each.at)
        ]
        for crowd in found.crowds
        for each in crowd.companions
        for row, number in enumerate(each.ids)
    }
    assert {1: [("app.a", 3), ("app.a", 13), ("app.b", 0)], 2: [("app.a", 0), None, ("app.a", 4)]} == cells


def test_a_goroutine_that_went_to_another_line_has_moved(tmp_path: Path) -> None:
    """Its function and its state are the same."""
    first, second = (goroutine(1, ["app.loop"], state="chan receive, 3 minutes", line=line) for line in (10, 11))
    found = matrix_of(compared(tmp_path, [first], [second]))
    assert [("moved", (1,))] == courses(found)


def test_goroutines_of_one_place_are_one_crowd(tmp_path: Path) -> None:
    """Also where their stacks differ in depth: each goroutine keeps its stack."""
    deep = goroutine(2, ["sync.(*Mutex).Lock", "app.stuck"], state="chan receive", creator="app.main")
    (crowd,) = matrix_of(compared(tmp_path, [at(1, "stuck"), deep], [at(1, "stuck"), deep])).crowds
    assert [(1,), (2,)] == sorted(each.ids for each in crowd.companions)
    assert 2 == crowd.count


def test_what_others_must_serve_comes_before_what_waits_alone_and_idle_ones_come_last(tmp_path: Path) -> None:
    """Whatever the numbers are."""
    accept = goroutine(
        9, ["internal/poll.(*FD).Accept", "net.(*netFD).accept", "net.(*TCPListener).Accept"], state="IO wait"
    )
    capture = [*(at(n, "reader", state="select") for n in (1, 2, 3)), at(4, "sender", state="chan send"), accept]
    found = matrix_of(compared(tmp_path, capture, capture, capture))
    assert [("stayed", (4,)), ("stayed", (1, 2, 3)), ("idle", (9,))] == courses(found)


def test_a_leak_is_a_staircase() -> None:
    """Each capture has more of the same: those at first stayed, those between appeared, those of the last are new."""
    files = [str(path) for path in sorted((GROWTH / "leak").glob("debug2-*"))]
    found = matrix_of(compare(files, individually=True))
    leaking = [
        c for c in found.crowds if "main.answer" in found.stacks[c.companions[0].at[-1] or 0].bucket.stack.functions
    ]
    first = [sum(n is None for n in crowd.companions[0].at) for crowd in leaking]
    assert [("appeared", 2), ("appeared", 1), ("stayed", 0), ("new", 3)] == [
        (crowd.course, missing) for crowd, missing in zip(leaking, first, strict=True)
    ]
    assert 656 == sum(crowd.count for crowd in leaking)


@pytest.mark.parametrize("run", ["growth/sawtooth/debug2-*", "kubo/v0.39.0-unbounded-tcp/stack-*"])
def test_every_goroutine_of_every_capture_is_in_it_once(run: str) -> None:
    """The cells of a capture are as many as its goroutines."""
    found = compare([str(path) for path in sorted(FIXTURES.glob(run))], individually=True)
    rows = [(each, len(each.ids)) for crowd in matrix_of(found).crowds for each in crowd.companions]
    counts = tuple(
        sum(number for each, number in rows if each.at[place] is not None) for place in range(len(found.captures))
    )
    assert found.total.counts == counts
    ids = [number for each, _ in rows for number in each.ids]
    assert len(set(ids)) == len(ids)
    waiting = sum(
        len(e.ids) for c in matrix_of(found).crowds if c.course in ("waiting", "stayed") for e in c.companions
    )
    assert found.stayed is not None
    assert waiting <= found.stayed


@pytest.mark.parametrize("files", ["growth/leak/debug0-*", "growth/leak/debug1-*"])
def test_counted_formats_have_no_matrix(files: str) -> None:
    """They have no ids."""
    assert compare([str(path) for path in sorted(FIXTURES.glob(files))], individually=True).matrix is None


def test_two_processes_have_no_matrix(tmp_path: Path) -> None:
    """The same id is another goroutine there."""
    found = compared(tmp_path, [at(1, "a")], [at(2, "a")])
    assert found.captures[1].break_before
    assert found.matrix is None


def test_it_is_made_only_when_asked_for(tmp_path: Path) -> None:
    """Text and JSON do not need it."""
    assert compare(dumps(tmp_path, [at(1, "a")], [at(1, "a")])).matrix is None
