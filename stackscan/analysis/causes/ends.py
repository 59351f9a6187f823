"""Where chains of waiting end: goroutines that wait for nobody but each other, and those behind them."""

from __future__ import annotations

from collections.abc import Sequence

from stackscan.analysis.causes.standstill import Actor, Standstill
from stackscan.analysis.components import components


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
    """Those that wait for each other, each group behind all that it waits for."""
    numbers = {id(actor): number for number, actor in enumerate(whole.still)}
    edges = {number: [numbers[id(o)] for o in whole.behind(actor)] for number, actor in enumerate(whole.still)}
    return [[whole.still[number] for number in part] for part in components(edges)]
