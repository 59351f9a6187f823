"""Possible worker pools without a description: goroutines of one root and creator, some waiting for work."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from stackscan.formats.symbol import origin
from stackscan.knowledge.language import Index, index_of, mask
from stackscan.knowledge.language.index import Rows
from stackscan.knowledge.language.reasons import names
from stackscan.knowledge.language.symbols import plain
from stackscan.knowledge.pool import Pool
from stackscan.model.snapshot import Snapshot, Stack

#: Fewer workers are not worth a description.
_FEWEST: Final = 8
#: Below this share of workers without work it is more likely that unlike things share a way to start.
_LEAST_IDLE: Final = 0.1
#: Frames of the program's own between a worker's root and the wait for work, the root included.
_DEEPEST: Final = 3
_MOST: Final = 3
#: What a worker without work waits for, and how an expression says it.
_IDLE: Final = ("chan receive", "select", "sync.Cond.Wait")
#: What can stand between quotes in an expression and in TOML, and is the name of something.
_WRITABLE: Final = re.compile(r"[^\s'\"`\\\x00-\x1f\x7f-\x9f]{1,200}")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A possible pool: how many goroutines share this root and creator, and how many of them wait for work, in
    ``idle_at`` (``queue.next [select]``)."""

    root: str
    creator: str
    workers: int
    idle: int
    idle_at: str
    toml: str


@dataclass(frozen=True, slots=True)
class Crew:
    """Goroutines with one root that one goroutine started, pool or not, and how many of them wait at each place that
    may be the wait for work. Beside crews of other hosts it shows a pool of which no worker is idle, or all are."""

    root: str
    creator: str
    workers: int
    waits: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class _Wait:
    """Where workers without work wait: the function, for what, and how deep below the root."""

    function: str
    reason: str
    depth: int

    @property
    def name(self) -> str:
        """``queue.next [select]``."""
        return f"{plain(self.function)} [{self.reason}]"


def crews(snapshot: Snapshot) -> tuple[Crew, ...]:
    """All crews of a program's own roots that are as large as a pool."""
    if snapshot.total < _FEWEST:
        return ()
    index = index_of(snapshot)
    found = (_crew(index, root, creator, cells) for (root, creator), cells in _groups(index, ()).items())
    return tuple(crew for crew in found if crew is not None)


def _crew(index: Index, root: str, creator: str, cells: list[tuple[int, int]]) -> Crew | None:
    first = index.seen(index.cell_stack[cells[0][0]])
    if origin(first.stack.frames[first.root]).kind == "std" or not _one_parent(index, [cell for cell, _ in cells]):
        return None
    waits = Counter[str]()
    for cell, count in cells:
        wait = _wait(index, cell)
        if wait is not None:
            waits[wait.name] += count
    workers = sum(count for _, count in cells)
    return Crew(plain(root), plain(creator), workers, tuple(sorted(waits.items())))


def propose(snapshot: Snapshot, pools: Iterable[Pool], claimed: Iterable[Rows] = ()) -> tuple[Proposal, ...]:
    """Up to three pools that no description covers, the largest first.

    ``claimed``: goroutines (rows) that are known already, as healthy or as stuck, and make no pool.
    """
    index = index_of(snapshot)
    taken = {row for rows in claimed for row in rows}
    for pool in pools:
        taken |= mask(pool.worker, index)
    groups = _groups(index, taken)
    found = (_proposal(index, root, creator, cells) for (root, creator), cells in groups.items())
    return tuple(sorted((p for p in found if p), key=lambda p: (-p.workers, p.root))[:_MOST])


def _groups(index: Index, taken: Collection[int]) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """Cells and their goroutines by root and creator, of those with enough goroutines."""
    creators = [None if stack.created_by is None else stack.created_by.function for stack in index.stacks]
    if not any(creators):
        return {}
    counts = [
        index.count([row for row in rows if row not in taken]) if creators[stack_id] is not None else 0
        for stack_id, rows in zip(index.cell_stack, index.cell_rows, strict=True)
    ]
    started = Counter[str | None]()
    for stack_id, count in zip(index.cell_stack, counts, strict=True):
        started[creators[stack_id]] += count
    groups: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for cell, (stack_id, count) in enumerate(zip(index.cell_stack, counts, strict=True)):
        creator = creators[stack_id]
        if not count or creator is None or started[creator] < _FEWEST:
            continue  # without a look at the stack
        seen = index.seen(stack_id)
        root = seen.function_at(seen.root)
        if root is not None:
            groups.setdefault((root, creator), []).append((cell, count))
    return {key: cells for key, cells in groups.items() if sum(count for _, count in cells) >= _FEWEST}


def _proposal(index: Index, root: str, creator: str, cells: list[tuple[int, int]]) -> Proposal | None:
    names_of = [plain(name) for name in (root, creator)]
    if not all(_WRITABLE.fullmatch(name) for name in names_of):
        return None
    waits = {cell: wait for cell, _ in cells if (wait := _wait(index, cell)) is not None}
    if not waits:
        return None
    where = min(waits.values(), key=lambda wait: wait.depth)
    if not _one_parent(index, [cell for cell, _ in cells]):
        return None
    workers = sum(count for _, count in cells)
    idle = sum(count for cell, count in cells if waits.get(cell) == where)
    # Where all wait alike, these may be as many connections that each have a loop: no pool.
    if not _LEAST_IDLE <= idle / workers < 1 or not _WRITABLE.fullmatch(plain(where.function)):
        return None
    return Proposal(names_of[0], names_of[1], workers, idle, where.name, _toml(names_of[0], names_of[1], where))


def _one_parent(index: Index, cells: list[int]) -> bool:
    """Whether one goroutine started them all, as far as the dump has creators (Go 1.21): a pool is started once, not by
    every request."""
    parents = index.column("creator_id")
    return len({parents[row] for cell in cells for row in index.cell_rows[cell]} - {None}) <= 1


def _wait(index: Index, cell: int) -> _Wait | None:
    """Where the goroutines of a cell wait for work, if they do."""
    seen = index.seen(index.cell_stack[cell])
    stack = seen.stack
    reasons = names(index.cell_reason[cell], stack.functions) or ()
    reason = next((reason for reason in _IDLE if reason in reasons), None)
    if reason is None or origin(stack.frames[seen.root]).kind == "std":
        return None
    own = [frame for frame in stack.frames if origin(frame).kind != "std"]
    if not 1 <= len(own) <= _DEEPEST or not _waits_itself(stack, reason):
        return None
    return _Wait(own[0].function, reason, len(own))


def _waits_itself(stack: Stack, reason: str) -> bool:
    """Whether the program itself waits; a library that waits for it (reads, calls) is at work."""
    library = [frame.function for frame in stack.frames if origin(frame).kind == "std"]
    between = [name for name in library if not name.startswith(("runtime.", "internal/runtime/", "sync."))]
    return not between and (reason == "sync.Cond.Wait" or not any(name.startswith("sync.") for name in library))


def _toml(root: str, creator: str, where: _Wait) -> str:
    function = plain(where.function)
    idle = f'innermost "{function}" and waiting "{where.reason}"'
    if where.reason == "sync.Cond.Wait":
        idle = f'stack "sync.(*Cond).Wait" > "{function}"'
    name = re.sub(r"[^a-z0-9]+", "-", root.rpartition("/")[2].lower()).strip("-")
    return (
        f'[[pool]]\nname = "{name or "workers"}"\ntitle = "workers of {root}"\n'
        f"worker = 'root \"{root}\" and created by \"{creator}\"'\nidle = '{idle}'\n"
    )
