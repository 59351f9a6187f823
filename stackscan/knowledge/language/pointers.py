"""Pointer arguments: goroutines that wait on the same thing, or have a pointer in common.

What tracebacks print are words: of registers and of the stack, of which some are pointers to what goroutines share and
many are not (addresses of types and of code, values that happen to be large). A word that very many frames of unlike
functions carry says nothing, and a word behind a ``?`` may be stale; neither counts here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final, cast

from stackscan.knowledge.language.index import Index

#: Below: small numbers, offsets, and (on 64-bit systems) the program's own code and data, at which interface tables,
#: types and package variables lie: everything of a type has them in common.
_LOWEST_HEAP: Final = 1 << 32
_NONE: Final = -1


def instances(index: Index) -> list[int]:
    """A number for what each goroutine waits on: the first pointer of its innermost frame with one; -1: none."""
    if "instances" not in index.answers:
        index.answers["instances"] = _instances(index)
    return cast("list[int]", index.answers["instances"])


def _instances(index: Index) -> list[int]:
    found = [_NONE] * len(index.table)
    if index.read_arguments is None:
        return found
    numbers: dict[int, int] = {}
    for row, _, position, word, reliable in index.read_arguments(None, first=True):
        if found[row] == _NONE and position == 0 and reliable and word >= _LOWEST_HEAP:
            found[row] = numbers.setdefault(word, len(numbers))
    return found


def sharing(index: Index, rows: Collection[int], others: Collection[int]) -> set[int] | None:
    """Those of ``rows`` with which another goroutine of ``others`` shares a pointer; None: none is printed."""
    if index.read_arguments is None:
        return None
    owners = _owners(index, frozenset(others))
    return {row for row, word in _pointers(index, frozenset(rows), owners) if owners[word] != row}


def _owners(index: Index, rows: frozenset[int]) -> dict[int, int | None]:
    """The pointers of some goroutines, each with the only one of them that has it; None where several have."""
    owners: dict[int, int | None] = {}
    for row, word in _pointers(index, rows):
        if owners.setdefault(word, row) != row:
            owners[word] = None
    return owners


def _pointers(index: Index, rows: frozenset[int], among: Collection[int] | None = None) -> Iterator[tuple[int, int]]:
    """The reliable words of some goroutines that may be pointers into the heap, or those ``among`` some."""
    if index.read_arguments is None or not rows:
        return
    frames = {frame for number in {index.row_stack[row] for row in rows} for frame in index.stacks[number].frames}
    for row, _, _, word, reliable in index.read_arguments(frames, among):
        if reliable and word >= _LOWEST_HEAP and row in rows and (among is None or word in among):
            yield row, word
