"""A wait-for graph as a report has it: boxes and arrows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from stackscan.analysis.wait_graph import How

if TYPE_CHECKING:
    from stackscan.model.snapshot import Frame

#: ``rest``: what many boxes stand for that are not drawn.
Kind = Literal["goroutines", "thing", "nobody", "rest"]


@dataclass(frozen=True, slots=True)
class Node:
    """A box. ``name`` and ``detail`` are its texts, as the dump has them.

    Of goroutines: ``count`` in one place, ``ids`` the first 20 of them, ``frame`` where to look and ``state`` why they
    wait (empty: not known). Of the rest: ``count`` goroutines, which may be 0 where only things are left out.
    """

    kind: Kind
    name: str
    detail: str = ""
    ids: tuple[int, ...] = ()
    count: int = 0
    frame: Frame | None = None
    state: str = ""
    culprit: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow between two boxes (places in :attr:`Graph.nodes`); ``through`` is what it leads through, where that has
    no box (empty: nothing)."""

    source: int
    target: int
    how: How
    through: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """Boxes, those of culprits first, and arrows, at most one between two boxes in each direction and none from a box
    to itself. ``alike``: the same is wrong with so many things, of which this is the first. ``summed``: so many boxes
    of the whole graph have none of themselves here."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    alike: int = 1
    summed: int = 0
