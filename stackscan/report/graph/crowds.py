"""Graphs that a reader can follow: crowds and what is far from the culprit are summed up in few boxes."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from stackscan.analysis.components import components
from stackscan.report.graph.model import Edge, Graph, Node

#: Boxes that a reader can follow.
MOST: Final = 40
#: Boxes of goroutines that wait for the same, and for whom nobody waits; and all such boxes beside a circle.
_IN_A_QUEUE, _BESIDE_A_CIRCLE = 7, 4
_IDS: Final = 20


def summed(graph: Graph, most: int = MOST) -> Graph:
    """The graph with at most ``most`` boxes (4 or more).

    The largest crowds of each queue have a box each and the rest of it has one; beside a circle there is little room
    for queues. Where that is not enough, locks become part of their arrow, and then what is farthest from the culprits
    becomes one box.
    """
    found = _merged(graph, _short_queues(graph))
    if _has_circle(found) and len(_only_waiting(found)) > _BESIDE_A_CIRCLE:
        found = _merged(found, [_only_waiting(found)])
    folded = len(found.nodes)
    if len(found.nodes) > most:
        found = _without_things(found)
    folded -= len(found.nodes)
    if len(found.nodes) > most:
        found = _merged(found, _far(found, most))
    return replace(found, folded=folded, summed=len(graph.nodes) - len(found.nodes) - folded)


def _queues(graph: Graph) -> list[list[int]]:
    """The boxes of goroutines that wait for the same, for whom nobody waits, largest first."""
    targets: dict[int, set[int]] = defaultdict(set)
    for edge in graph.edges:
        targets[edge.source].add(edge.target)
    queues: dict[frozenset[int], list[int]] = defaultdict(list)
    for place in _only_waiting(graph):
        queues[frozenset(targets[place])].append(place)
    return [sorted(queue, key=lambda place: (-graph.nodes[place].count, place)) for queue in queues.values()]


def _only_waiting(graph: Graph) -> list[int]:
    """The boxes of goroutines for whom nobody waits, and who are not to blame."""
    waited_for = {edge.target for edge in graph.edges}
    return [n for n, node in enumerate(graph.nodes) if node.count and n not in waited_for and not node.culprit]


def _short_queues(graph: Graph) -> list[list[int]]:
    """The small crowds of each long queue."""
    most = 1 if _has_circle(graph) and len(_only_waiting(graph)) > 2 else _IN_A_QUEUE
    return [queue[most - 1 :] for queue in _queues(graph) if len(queue) > most]


def _has_circle(graph: Graph) -> bool:
    ahead: dict[int, list[int]] = {place: [] for place in range(len(graph.nodes))}
    for edge in graph.edges:
        ahead[edge.source].append(edge.target)
    return any(len(part) > 1 for part in components(ahead))


def _merged(graph: Graph, sets: Sequence[Sequence[int]]) -> Graph:
    """The graph with some sets of boxes as one box each."""
    if not sets:
        return graph
    into = {place: members[0] for members in sets for place in members}
    rests = {members[0]: _rest([graph.nodes[place] for place in members]) for members in sets}
    left = [place for place in range(len(graph.nodes)) if into.get(place, place) == place]
    places = {place: at for at, place in enumerate(left)}
    edges: dict[tuple[int, int], Edge] = {}
    for edge in graph.edges:
        source, target = (places[into.get(end, end)] for end in (edge.source, edge.target))
        if source != target:
            edges.setdefault((source, target), replace(edge, source=source, target=target))
    nodes = tuple(rests.get(place, graph.nodes[place]) for place in left)
    return replace(graph, nodes=nodes, edges=tuple(edges.values()))


def _rest(nodes: Sequence[Node]) -> Node:
    """One box for many; those of one function are a crowd like any other."""
    crowds = [node for node in nodes if node.count]
    count = sum(node.count for node in crowds)
    ids = tuple(number for node in crowds for number in node.ids)[:_IDS]
    culprit = any(node.culprit for node in nodes)
    first = nodes[0]
    if all(node.kind == "goroutines" and node.detail == first.detail for node in nodes):
        states = {node.state for node in nodes}
        state = first.state if len(states) == 1 else ""
        return Node("goroutines", f"{count:,} goroutines", first.detail, ids, count, first.frame, state, culprit)
    name = f"{count:,} more goroutines" if count else f"{len(nodes):,} more"
    return Node("rest", name, f"in {len(crowds):,} places" if len(crowds) > 1 else "", ids, count, culprit=culprit)


def _without_things(graph: Graph) -> Graph:
    """The graph in which things that one box waits for and one other holds are part of the arrow between them."""
    ahead, behind = _arrows(graph)
    through = {
        place
        for place, node in enumerate(graph.nodes)
        if node.kind == "thing" and len(ahead[place]) == 1 == len(behind[place])
        and ahead[place][0].target != behind[place][0].source
        and "thing" not in (graph.nodes[ahead[place][0].target].kind, graph.nodes[behind[place][0].source].kind)
    }  # fmt: skip
    left = [place for place in range(len(graph.nodes)) if place not in through]
    places = {place: at for at, place in enumerate(left)}
    edges: dict[tuple[int, int], Edge] = {}
    for edge in graph.edges:
        if edge.source in through:
            continue
        onward = ahead[edge.target][0] if edge.target in through else None
        if onward is None:
            found = replace(edge, source=places[edge.source], target=places[edge.target])
        else:
            thing = graph.nodes[edge.target]
            found = Edge(places[edge.source], places[onward.target], edge.how, thing, onward.how)
        edges.setdefault((found.source, found.target), found)
    return replace(graph, nodes=tuple(graph.nodes[place] for place in left), edges=tuple(edges.values()))


def _arrows(graph: Graph) -> tuple[Mapping[int, list[Edge]], Mapping[int, list[Edge]]]:
    """The arrows from each box, and those to it."""
    ahead: dict[int, list[Edge]] = defaultdict(list)
    behind: dict[int, list[Edge]] = defaultdict(list)
    for edge in graph.edges:
        ahead[edge.source].append(edge)
        behind[edge.target].append(edge)
    return ahead, behind


def _far(graph: Graph, most: int) -> list[list[int]]:
    """What is farthest from the first box, the small before the large: those who only wait in one set, all others in
    another one."""
    near = _by_distance(graph)
    waited_for = {edge.target for edge in graph.edges}
    core = [place for place in near if place in waited_for]
    queue = [place for place in near if place not in waited_for]
    kept = core if len(core) < most else core[: most - 2 if queue else most - 1]
    room = most - len(kept) - (len(kept) < len(core))
    sets = [core[len(kept) :], queue[room - 1 :] if len(queue) > room else []]
    return [sorted(members) for members in sets if len(members) > 1]


def _by_distance(graph: Graph) -> list[int]:
    """All boxes, those near the first one first; among equals the largest."""
    near: dict[int, set[int]] = defaultdict(set)
    for edge in graph.edges:
        near[edge.source].add(edge.target)
        near[edge.target].add(edge.source)
    distance = {0: 0}
    queue = deque([0])
    while queue:
        place = queue.popleft()
        for other in near[place]:
            if other not in distance:
                distance[other] = distance[place] + 1
                queue.append(other)
    far = len(graph.nodes)
    return sorted(range(far), key=lambda place: (distance.get(place, far), -graph.nodes[place].count, place))
