"""Where chains of waiting end: goroutines that wait for nobody but each other, and those behind them."""

from __future__ import annotations

from collections.abc import Sequence

from stackscan.analysis.causes.standstill import Actor, Standstill


class End:
    """Goroutines that wait for nobody but each other: ``first`` are they, ``behind`` those that wait for them."""

    def __init__(self, first: list[Actor]) -> None:
        self.first = first
        self.behind: list[Actor] = []

    @property
    def actors(self) -> list[Actor]:
        """All of them."""
        return [*self.first, *self.behind]


def ends_of(whole: Standstill) -> list[End]:
    """The ends of all chains of waiting, those of one stack together."""
    parts = _components(whole)
    end_of: dict[int, End] = {}
    ends: dict[object, End] = {}
    for part in parts:  # what a part waits for comes before it
        members = {id(actor) for actor in part}
        ahead = [end_of[id(other)] for a in part for other in whole.behind(a) if id(other) not in members]
        if ahead:
            end = ahead[0]
            end.behind += part
        else:
            key = about(part)
            known = ends.get(key)
            if known is None:
                end = ends[key] = End(list(part))
            else:
                end = known
                end.first += part
        for actor in part:
            end_of[id(actor)] = end
    return list(ends.values())


def about(part: Sequence[Actor]) -> object:
    """What faults of one kind have in common: the objects that one stack waits for; else the stacks."""
    need = part[0].need
    if len(part) > 1 or need is None or not need.wants:
        return frozenset(id(actor.wait) for actor in part)
    return need.package, frozenset((need.program.classes.find(want.key), want.deeds) for want in need.wants)


def _components(whole: Standstill) -> list[list[Actor]]:
    """The strongly connected components, each behind all that it waits for (Tarjan, without recursion)."""
    number: dict[int, int] = {}
    low: dict[int, int] = {}
    open_: list[Actor] = []
    is_open: set[int] = set()
    found: list[list[Actor]] = []
    for start in whole.still:
        if id(start) in number:
            continue
        todo: list[tuple[Actor, list[Actor]]] = []
        _enter(start, whole, number, low, open_, is_open, todo)
        while todo:
            actor, left = todo[-1]
            if left:
                other = left.pop()
                if id(other) not in number:
                    _enter(other, whole, number, low, open_, is_open, todo)
                elif id(other) in is_open:
                    low[id(actor)] = min(low[id(actor)], number[id(other)])
                continue
            todo.pop()
            if todo:
                low[id(todo[-1][0])] = min(low[id(todo[-1][0])], low[id(actor)])
            if low[id(actor)] == number[id(actor)]:
                part: list[Actor] = []
                while not part or part[-1] is not actor:
                    part.append(open_.pop())
                    is_open.discard(id(part[-1]))
                found.append(part[::-1])
    return found


def _enter(
    actor: Actor,
    whole: Standstill,
    number: dict[int, int],
    low: dict[int, int],
    open_: list[Actor],
    is_open: set[int],
    todo: list[tuple[Actor, list[Actor]]],
) -> None:
    number[id(actor)] = low[id(actor)] = len(number)
    open_.append(actor)
    is_open.add(id(actor))
    todo.append((actor, whole.behind(actor)))
