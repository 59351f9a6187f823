"""The arrows of a standstill: what each goroutine waits for, and who would have to serve it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from stackscan.analysis.causes.ends import End
from stackscan.analysis.causes.scene import Scene
from stackscan.analysis.causes.standstill import Actor, Standstill
from stackscan.analysis.causes.ties import nobody, parties, party, wanted_thing
from stackscan.analysis.wait_graph import Thing, Tie
from stackscan.golang.needs import Need
from stackscan.golang.unit import Deed

#: What a goroutine that would serve a thing does, and what the thing is, by the deeds that serve it.
_KINDS: Final[tuple[tuple[Deed, str, str], ...]] = (
    ("done", "WaitGroup", "calls Done"),
    ("signal", "Cond", "signals it"),
    ("call", "context", "cancels it"),
    ("send", "channel", "sends or closes it"),
    ("receive", "channel", "receives"),
)
#: Goroutines of one stack that are asked who could wake them: others of the stack wait for the same.
_ASKED: Final = 20
#: Things of a select that are named.
_NAMED: Final = 2


def of_end(end: End, whole: Standstill, scene: Scene) -> Iterator[Tie]:
    """The arrows of goroutines that only each other could wake, and of those that wait for them."""
    together: dict[int, list[Actor]] = {}
    for actor in end.actors:
        if not actor.known:  # what a cause among locks says is drawn by that cause
            together.setdefault(id(actor.wait), []).append(actor)
    for actors in together.values():
        yield from _of_stack(actors, whole, scene)


def _of_stack(actors: Sequence[Actor], whole: Standstill, scene: Scene) -> Iterator[Tie]:
    first = actors[0]
    rows = [row for actor in actors for row in actor.rows]
    thing, missing = _lock(first) if first.need is None else _thing(first.need)
    yield Tie(party(first.wait, rows), "waits for", thing)
    servers = _servers(actors[:_ASKED], whole)
    for server in parties(dict.fromkeys(servers), scene):
        yield Tie(thing, "held by" if first.need is None else "must be served by", server)
    if not servers:
        yield nobody(thing, missing, "held by" if first.need is None else "must be served by")


def _servers(actors: Sequence[Actor], whole: Standstill) -> list[int]:
    """The rows of those that could wake some goroutines; of these themselves where only they would, later."""
    others = [row for actor in actors for other in whole.behind(actor) for row in other.rows]
    return others or [
        row
        for actor in actors
        for wait, rows in actor.servers
        for row in (actor.rows if wait is actor.wait else ())
        if rows is None or row in rows
    ]


def _lock(actor: Actor) -> tuple[Thing, str]:
    assert actor.lock is not None  # noqa: S101  # who waits for no need waits for a lock
    return wanted_thing(actor.lock, actor.lock.name), "could unlock it"


def _thing(need: Need) -> tuple[Thing, str]:
    """What a line of code waits for, and what the goroutine would do that is missing."""
    find = need.program.classes.find
    deeds = {deed for want in need.wants for deed in want.deeds}
    kind, missing = next(((k, m) for deed, k, m in _KINDS if deed in deeds), ("channel", "can ever serve it"))
    names = list(dict.fromkeys(want.expression for want in need.wants))
    if len(names) > 1:
        kind, missing = "select", "is on the other side"
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    key = need.package, frozenset(find(want.key) for want in need.wants) or id(need)
    return Thing(key, kind, ", ".join(names[:_NAMED]) + more), missing
