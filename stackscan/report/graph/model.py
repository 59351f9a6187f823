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
    """An arrow between two boxes (places in :attr:`Graph.nodes`). Where a thing between the two has no box, ``through``
    is that thing, and ``then`` says how the arrow goes on from there."""

    source: int
    target: int
    how: How
    through: Node | None = None
    then: How | None = None


@dataclass(frozen=True, slots=True)
class Graph:
    """Boxes, those of culprits first, and arrows, at most one between two boxes in each direction and none from a box
    to itself. ``alike``: the same is wrong with so many things, of which this is the first. ``folded`` things have no
    box, but are part of an arrow; so many other boxes are ``summed`` up in larger ones.
    ``cut``: the cause explains more than is here."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    alike: int = 1
    folded: int = 0
    summed: int = 0
    cut: bool = False
