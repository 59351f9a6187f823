"""In which call of a function the variables of a goroutine were made: each call has its own."""

from __future__ import annotations

from typing import Final

from stackscan.analysis.causes.ahead import Work, is_wrapper, sees
from stackscan.analysis.causes.waiting import Waiting
from stackscan.formats.symbol import read_symbol
from stackscan.golang.needs import Need
from stackscan.golang.unit import Unit

#: How far back it is followed who started whom.
_LONGEST_CHAIN: Final = 8
#: Functions that start what they are given: the goroutine is their caller's.
_STARTERS: Final = frozenset({"sync.(*WaitGroup).Go", "golang.org/x/sync/errgroup.(*Group).Go"})


def roots(work: Work, row: int, need: Need) -> frozenset[int] | None:
    """The goroutines in which the call may have begun whose variables a goroutine (by row) sees: itself, the one that
    started it from there, and so on. None: not known."""
    scene = work.code.scene
    found: set[int] = set()
    at: int | None = row
    for _ in range(_LONGEST_CHAIN):
        number = None if at is None else scene.snapshot.column("goroutine_id")[at]
        if at is None or number is None:
            return None  # it has ended, and who started it nobody knows
        here, creator = scene.of_row[at], scene.creators[at]
        units = list(_units(work, here, need))
        if any(sees(unit, need) for unit in units):
            found.add(number)
        if any(_makes(unit, need) for unit in units):
            return frozenset(found)
        starter = _starter(work, here, need)
        if creator is None or not (sees(starter, need) or _is_handed_on(here)):
            return None  # it got the variables in a function value, or nothing tells how
        found.add(creator)
        if _makes(starter, need):
            return frozenset(found)
        at = scene.row_of_id.get(creator)
    return None


def _units(work: Work, wait: Waiting, need: Need) -> list[Unit]:
    """The functions of the need's package that goroutines are in."""
    found = []
    for at, frame in enumerate(wait.frames):
        if read_symbol(frame.function).package == need.package and not is_wrapper(frame):
            reading = work.code.reading(wait, at)
            unit = None if reading is None else work.unit(reading)
            if unit is not None:
                found.append(unit)
    return found


def _starter(work: Work, wait: Waiting, need: Need) -> Unit | None:
    """The function whose go statement started a goroutine, where it is of the need's package."""
    frame = wait.stack.created_by
    if frame is None or read_symbol(frame.function).package != need.package:
        return None
    reading = work.code.reader.frame(frame)
    return None if reading is None else work.unit(reading)


def _is_handed_on(wait: Waiting) -> bool:
    """Whether a function of a library started the goroutine for its caller."""
    frame = wait.stack.created_by
    return frame is not None and frame.function in _STARTERS


def _makes(unit: Unit | None, need: Need) -> bool:
    """Whether a function makes the variables of a need itself."""
    return unit is not None and unit.scope in need.makers
