"""What a cause is argued from as arrows: who waits for which thing, who holds it, who would have to serve it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from stackscan.analysis.causes.held import HeldLock, bare
from stackscan.analysis.causes.waiting import Waiting, type_of
from stackscan.analysis.finding import Confidence
from stackscan.analysis.wait_graph import How, Party, Thing, Tie

if TYPE_CHECKING:
    from stackscan.analysis.causes.fault import Fault
    from stackscan.analysis.causes.scene import Scene
    from stackscan.analysis.causes.wanted import Holder, Wanted

#: How sure it is that goroutines hold a lock, by the confidence of the cause.
_HELD: Final[dict[Confidence, How]] = {
    "proved": "held by", "likely": "likely held by", "possible": "may be held by",
}  # fmt: skip


def party(wait: Waiting, rows: Sequence[int] | None = None) -> Party:
    """Goroutines of a stack, all of them or some rows."""
    return Party(_place(wait), wait.rows if rows is None else rows, wait.where, min(wait.reasons, default=""))


def _place(wait: Waiting) -> Hashable:
    """What goroutines of one place have in common: the function to look at, from wherever it was called."""
    return id(wait) if wait.where is None else wait.where.function


def parties(rows: Iterable[int], scene: Scene) -> Iterator[Party]:
    """Some goroutines, those of each place together."""
    together: dict[Hashable, list[int]] = defaultdict(list)
    for row in rows:
        together[_place(scene.of_row[row])].append(row)
    for same in together.values():
        yield party(scene.of_row[same[0]], same)


def held(confidence: Confidence, kind: str = "") -> How:
    """How an arrow from a lock to who holds it reads."""
    return "run by" if bare(kind) == "Once" else _HELD[confidence]


def lock_thing(kind: str, wait: Waiting, rows: Iterable[int], *, label: str = "", name: str = "") -> Thing:
    """A lock as a thing: one of its waiters names its type, and who waits for it (``rows``) tells it from others."""
    shown = None if wait.own is None else type_of(wait.shown.frames[wait.own].function)
    named = name or ("" if shown is None else shown.rpartition("/")[2])
    return Thing(("lock", min(rows)), f"{bare(kind)} {label}".strip(), named)


def thing_of(wait: Waiting, rows: Iterable[int]) -> Thing:
    """The channel, WaitGroup or condition that goroutines of one stack wait for, as far as the dump tells."""
    reason = min(wait.reasons, default="")
    kind = reason.removeprefix("sync.").partition(".")[0] if reason.startswith("sync.") else "channel"
    return Thing(("served", min(rows)), "select" if "select" in reason else kind)


def nobody(thing: Thing, missing: str, how: How = "must be served by") -> Tie:
    """The arrow to the goroutine that is missing: ``missing`` says who it would be."""
    return Tie(thing, how, Thing(("nobody", thing.key), "nobody", missing))


def of_fault(lock: HeldLock, fault: Fault, scene: Scene) -> Iterator[Tie]:
    """The arrows of what is wrong with one lock, the culprit's first."""
    thing = lock_thing(lock.kind, lock.waiters[0], lock.rows)
    if fault.name == "rwmutex-recursive-read":
        yield from _read_again(thing, lock, fault)
    else:
        for wait in fault.chain:
            yield Tie(thing, held(fault.confidence, lock.kind), party(wait, lock.part(wait)))
    if not fault.chain:
        yield nobody(thing, "could unlock it", "held by")
    if fault.deadlock and fault.name == "blocked-while-holding-lock":
        yield from _needed(fault.chain[0], lock, scene)
    behind = fault.chain if fault.name == "rwmutex-recursive-read" else ()
    yield from queue(thing, lock.rows, scene, frozenset(row for wait in behind for row in lock.part(wait)))


def _read_again(thing: Thing, lock: HeldLock, fault: Fault) -> Iterator[Tie]:
    """The circle of a reader that reads again: it waits behind a writer, which waits for its first read."""
    reader, writer = (party(wait, lock.part(wait)) for wait in fault.chain)
    yield Tie(reader, "waits behind", writer)
    yield Tie(writer, "waits for", thing)
    yield Tie(thing, held(fault.confidence), reader)


def _needed(holder: Waiting, lock: HeldLock, scene: Scene) -> Iterator[Tie]:
    """The holder waits for goroutines that it started and that wait for its lock."""
    ids = set(holder.ids)
    done = thing_of(holder, holder.rows)
    yield Tie(party(holder, lock.part(holder)), "waits for", done)
    for served in parties((row for row in lock.rows if scene.creators[row] in ids), scene):
        yield Tie(done, "must be served by", served)


def queue(thing: Thing, rows: Iterable[int], scene: Scene, besides: Collection[int] = ()) -> Iterator[Tie]:
    """Who waits for a thing, some rows left out."""
    for waiting in parties((row for row in rows if row not in besides), scene):
        yield Tie(waiting, "waits for", thing)


# -- locks that the source shows -------------------------------------------------------------------------------------


def of_circle(circle: Sequence[tuple[Wanted, Holder]], names: Sequence[str], scene: Scene) -> Iterator[Tie]:
    """Each lock is held by a goroutine that waits for the next one."""
    things = [wanted_thing(lock, name) for (lock, _), name in zip(circle, names, strict=True)]
    for place, (_, holder) in enumerate(circle):
        ahead = (place + 1) % len(circle)
        me = party(holder.wait, holder.rows)
        yield Tie(things[place], held(holder.confidence), me)
        yield Tie(me, "waits for", things[ahead])
        yield from queue(things[ahead], circle[ahead][0].all_rows, scene, besides=frozenset(holder.rows))


def of_holder(
    lock: Wanted, holder: Holder, culprits: Sequence[int], scene: Scene, *, worker: bool = False
) -> Iterator[Tie]:
    """A lock and who holds it; ``worker``: the holder waits for goroutines that wait for the lock."""
    thing, me = wanted_thing(lock, lock.name), party(holder.wait, culprits)
    yield Tie(thing, held(holder.confidence), me)
    if worker:
        done = thing_of(holder.wait, culprits)
        yield Tie(me, "waits for", done)
        ids = set(holder.wait.ids)
        for served in parties((row for row in lock.all_rows if scene.creators[row] in ids), scene):
            yield Tie(done, "must be served by", served)
    yield from queue(thing, lock.all_rows, scene)


def of_left_locked(lock: Wanted, scene: Scene) -> Iterator[Tie]:
    """A lock that nobody holds, and who waits for it."""
    thing = wanted_thing(lock, lock.name)
    yield nobody(thing, "could unlock it", "held by")
    yield from queue(thing, lock.all_rows, scene)


def wanted_thing(lock: Wanted, name: str) -> Thing:
    """A lock of the source as a thing."""
    wait = lock.waiters[0]
    kind = "Mutex" if wait.site is None else wait.site.kind
    return lock_thing(kind, wait, lock.all_rows, name=name)
