"""From the arrows of a cause to boxes: goroutines in one place that have the same arrows are one box."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

from stackscan.analysis.wait_graph import How, Party, Thing, WaitGraph
from stackscan.model.snapshot import Snapshot
from stackscan.report.graph.model import Edge, Graph, Node

#: Arrows that are looked at: a cause that explains thousands of others has as many.
_MOST_TIES: Final = 2000
_IDS: Final = 20
#: Goroutines of one place that are in the same parties: the place, and the row of the first.
_Group = tuple[Hashable, int]


def boxes(waits: WaitGraph) -> Graph:
    """The whole graph of a cause, nothing summed up."""
    ties = list(islice(waits.ties(), _MOST_TIES + 1))
    cut = len(ties) > _MOST_TIES
    ties = ties[:_MOST_TIES]
    groups = _Groups([end for tie in ties for end in (tie.source, tie.target) if isinstance(end, Party)])
    nodes: dict[Hashable, Node] = {}
    edges: dict[tuple[Hashable, Hashable], How] = {}
    culprits = frozenset(waits.culprits)

    def keys(end: Party | Thing) -> list[Hashable]:
        """The boxes of one end of an arrow, which are made when they are first met."""
        if isinstance(end, Thing):
            nodes.setdefault(end.key, Node("nobody" if end.kind == "nobody" else "thing", end.kind, end.name))
            return [end.key]
        found = groups.of(end)
        for group, rows in found.items():
            if group not in nodes:
                nodes[group] = _goroutines(end, rows, waits.snapshot, culprit=not culprits.isdisjoint(rows))
        return list(found)

    for tie in ties:
        sources, targets = keys(tie.source), keys(tie.target)
        for source in sources:
            for target in targets:
                if source != target:
                    edges.setdefault((source, target), tie.how)
    return replace(_graph(nodes, edges, waits.alike), cut=cut)


def _graph(nodes: dict[Hashable, Node], edges: dict[tuple[Hashable, Hashable], How], alike: int) -> Graph:
    """The boxes in order: culprits, then as they were met."""
    linked = {key for pair in edges for key in pair}
    order = sorted((key for key in nodes if key in linked), key=lambda key: not nodes[key].culprit)
    places = {key: place for place, key in enumerate(order)}
    found = tuple(Edge(places[source], places[target], how) for (source, target), how in edges.items())
    return Graph(tuple(nodes[key] for key in order), found, alike)


def _goroutines(of: Party, rows: Sequence[int], snapshot: Snapshot, *, culprit: bool) -> Node:
    column, count = snapshot.column("goroutine_id"), snapshot.count(rows)
    ids = tuple(islice((number for row in rows if (number := column[row]) is not None), _IDS))
    name = f"{count:,} goroutines" if count != 1 else f"goroutine {ids[0]}" if ids else "a goroutine"
    function = "" if of.frame is None else of.frame.function
    return Node("goroutines", name, function, ids, count, of.frame, of.state, culprit)


class _Groups:
    """The goroutines of all parties, divided so that each party is some whole groups."""

    def __init__(self, parties: Sequence[Party]) -> None:
        self._rows: dict[_Group, list[int]] = {}
        self._of: dict[tuple[Hashable, int], list[_Group]] = {}
        by_place: dict[Hashable, dict[int, Sequence[int]]] = defaultdict(dict)
        for each in parties:
            by_place[each.key][id(each.rows)] = each.rows
        for place, found in by_place.items():
            self._divide(place, found)

    def _divide(self, place: Hashable, parties: dict[int, Sequence[int]]) -> None:
        inside: dict[int, int] = defaultdict(int)  # for each row, the parties that it is in, as bits
        for bit, rows in enumerate(parties.values()):
            for row in rows:
                inside[row] |= 1 << bit
        alike: dict[int, list[int]] = defaultdict(list)
        for row, bits in inside.items():
            alike[bits].append(row)
        for bits, rows in alike.items():
            group = place, min(rows)
            self._rows[group] = rows
            for bit, party in enumerate(parties):
                if bits >> bit & 1:
                    self._of.setdefault((place, party), []).append(group)

    def of(self, party: Party) -> dict[_Group, list[int]]:
        """The groups of a party, with their rows."""
        return {group: self._rows[group] for group in self._of.get((party.key, id(party.rows)), ())}
