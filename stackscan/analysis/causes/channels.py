"""Causes among channels, WaitGroups and conditions: nobody is left on the other side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from stackscan.analysis.causes.held import waits_for_lock
from stackscan.analysis.causes.model import Cause, Name
from stackscan.analysis.causes.scene import Scene
from stackscan.analysis.causes.ties import nobody, party, thing_of
from stackscan.analysis.causes.waiting import CHANNELS, WAITS, Waiting, function_of, type_of
from stackscan.analysis.causes.words import ids_of, place_of, short, waits
from stackscan.analysis.finding import Confidence, Step
from stackscan.analysis.wait_graph import Tie

if TYPE_CHECKING:
    from stackscan.analysis.causes.ahead import Work

#: So many senders are no generators.
_MANY: Final = 8
#: What nothing from outside the process ends.
_STUCK: Final = frozenset({"chan send", "chan send (nil chan)", "chan receive (nil chan)", "select (no cases)"})
#: Where goroutines wait for a place in an errgroup.
_ADD: Final = "golang.org/x/sync/errgroup.(*Group).Go"
_RUNTIME: Final = "the runtime found that nobody alive can wake them"


def find(scene: Scene, work: Work | None = None) -> list[Cause]:
    """What waits for a channel, a WaitGroup or a condition that nobody serves. Where the source was read (``work``), it
    says who may still serve it, and nothing is guessed."""
    found = _of_groups(scene)
    groups: dict[object, _Group] = {}
    returned: dict[str, _Returned] = {}
    for wait in scene.waits:
        if wait.own is None or not wait.reasons & WAITS or scene.is_idle(wait):
            continue
        sure = wait.leaked or scene.all_asleep or "chan send (nil chan)" in wait.reasons
        guessed = "sync.WaitGroup.Wait" in wait.reasons or "chan send" in wait.reasons
        if not sure and guessed and work is not None and work.is_judged(wait):
            continue
        if "sync.WaitGroup.Wait" in wait.reasons:
            found += _waitgroup(wait, scene, groups, returned)
        elif wait.reasons & CHANNELS and (wait.leaked or scene.all_asleep):
            found.append(_channel(wait))
        elif "chan send (nil chan)" in wait.reasons:  # who receives from one may wait for ever on purpose: ctx.Done()
            found.append(_channel(wait, "a nil channel is never ready"))
        elif "chan send" in wait.reasons and (maker := _returned_maker(wait, scene)):
            returned.setdefault(maker, _Returned()).senders.append(wait)
        elif "sync.Cond.Wait" in wait.reasons and (wait.leaked or scene.all_asleep):
            title = f"{ids_of(wait)} in {place_of(wait)} {waits(wait)} on a condition that nobody can signal"
            found.append(_of("cond-never-signalled", "proved", title, _RUNTIME, (wait,), ("waits to be signalled",)))
    return found + [_abandoned(each, scene) for each in returned.values() if each.senders]


def _of_groups(scene: Scene) -> list[Cause]:
    """The deadlocks of errgroups; few programs have one."""
    if not any(wait.own is not None and wait.frames[wait.own].function == _ADD for wait in scene.waits):
        return []
    from stackscan.analysis.causes import groups

    return groups.find(scene)


def _channel(wait: Waiting, argument: str = _RUNTIME) -> Cause:
    sends = any("send" in reason for reason in wait.reasons)
    selects = any("select" in reason for reason in wait.reasons)
    missing = "sender or receiver" if selects else "receiver" if sends else "sender"
    does = "select" if selects else "send" if sends else "receive"
    nil = any("nil chan" in reason for reason in wait.reasons)
    other = "on a nil channel" if nil else f"and no {missing} is left"
    title = f"{ids_of(wait)} in {place_of(wait)} {waits(wait)} in a {does} {other}"
    return _of("channel-never-served", "proved", title, argument, (wait,), (f"waits for a {missing}",))


@dataclass(slots=True)
class _Returned:
    """Senders in closures of a function that has returned, and who waits for these to call Done."""

    senders: list[Waiting] = field(default_factory=list)
    behind: list[Waiting] = field(default_factory=list)


def _returned_maker(wait: Waiting, scene: Scene) -> str:
    """The function that started senders in its own closures, where it has returned: the channel was its own, and nobody
    else receives. Empty where it has not, or nothing tells.

    One sender alone is as likely a generator, whose reader comes again.
    """
    created = wait.stack.created_by
    if created is None or wait.own is None or not wait.creators or wait.count == 1:
        return ""
    if not wait.frames[wait.own].function.startswith(created.function + ".func"):
        return ""
    if any(created.function in creator.stack.functions for creator in scene.with_ids(wait.creators)):
        return ""
    return created.function


def _abandoned(found: _Returned, scene: Scene) -> Cause:
    """All senders of one function that has returned, those with the most goroutines first."""
    senders = sorted(found.senders, key=lambda wait: -wait.count)
    first, count = senders[0], sum(wait.count for wait in senders)
    made_by = first.shown.created_by or first.stack.created_by
    maker = "" if made_by is None else short(made_by)
    who = f"{ids_of(first)} in {place_of(first)}"
    if len(senders) > 1:
        who = f"{count:,} goroutines (most in {place_of(first)})"
    behind = sum(wait.count for wait in found.behind)
    queue = f"; {behind:,} {'goroutine waits' if behind == 1 else 'goroutines wait'} behind them" if behind else ""
    minutes = max(wait.minutes for wait in senders)
    # A fan-in and generators return their channel, and their reader may be slow.
    sure: Confidence = "likely" if scene.is_whole and minutes and count >= _MANY else "possible"
    cause = _of(
        "channel-never-served",
        sure,
        f"{who} wait in a send, and {maker}, which started them, has returned{queue}",
        f"{maker} is on no stack any more: it held the receiving side, unless it returned the channel",
        (*senders, *found.behind),
        ("waits for a receiver",) * len(senders) + ("waits for Done",) * len(found.behind),
        stuck=minutes > 0,
    )
    culprits = tuple(row for wait in senders for row in wait.rows)
    ties = tuple(partial(_ties_alone, wait) for wait in senders)
    ties += tuple(partial(_ties_of_workers, wait, senders[:1], circle=False) for wait in found.behind)
    return replace(cause, waiting=count + behind, culprits=culprits, ties=ties)


@dataclass(slots=True)
class _Group:
    """Goroutines that may call Done of a WaitGroup, but for the one that writes the dump; whether one of them moves or
    waits for a lock, so that it may come to that."""

    workers: list[Waiting]
    may_go_on: bool

    @classmethod
    def of(cls, waits: Iterable[Waiting]) -> _Group:
        """The group of these, each once."""
        workers = [each for each in {id(wait): wait for wait in waits}.values() if not each.is_writer]
        return cls(workers, any(worker.moving or waits_for_lock(worker) for worker in workers))


def _waitgroup(
    wait: Waiting, scene: Scene, groups: dict[object, _Group], returned: dict[str, _Returned]
) -> list[Cause]:
    """Nobody is left to call Done, or those who are left are blocked, and not by a lock: that would be the cause. Nor
    by a send in closures of a function that has ``returned``: that is the cause, and this waits behind it."""
    if scene.counted and scene.has_others(wait):
        return []  # nobody's creator is known: any of them may call Done
    group = _who_calls_done(wait, scene, groups)
    if group.may_go_on:
        return []
    workers = [worker for worker in group.workers if worker is not wait]
    if not workers and not (wait.leaked or scene.all_asleep or scene.is_whole):
        return []  # of an excerpt, who calls Done may have been left out
    own = wait.frames[wait.own].function if wait.own is not None else ""
    circle = bool(workers) and all(_sends_from(worker, own) for worker in workers)
    proved = wait.leaked or scene.all_asleep
    may_end = any(map(_may_end, workers)) and not (circle or proved)
    if may_end or (not proved and _is_behind_returned(wait, workers, scene, returned)):
        return []
    stuck = circle or proved or wait.minutes > 0
    # Without minutes a timer may still call Done (time.AfterFunc), which is no goroutine.
    likely = scene.is_whole and not scene.counted and (wait.minutes or circle)
    sure: Confidence = "proved" if proved else "likely" if likely else "possible"
    if workers:
        worker = workers[0]
        title = f"{ids_of(wait)} in {place_of(wait)} {waits(wait)} for goroutines blocked in {place_of(worker)}"
        argument = "the goroutines that would call Done are blocked"
        argument += (
            f" in a send that {short(wait.shown.frames[wait.own or 0])} would receive after Wait" if circle else ""
        )
        does = ("does not reach Done", "waits for Done")
        found = _of("waitgroup-never-done", sure, title, argument, (worker, wait), does, stuck=stuck)
        return [replace(found, ties=(partial(_ties_of_workers, wait, workers, circle=circle),))]
    title = f"{ids_of(wait)} in {place_of(wait)} {waits(wait)} for a WaitGroup, and nobody is left to call Done"
    argument = "none of the goroutines that it may wait for is left"
    return [_of("waitgroup-never-done", sure, title, argument, (wait,), ("waits for Done",), stuck=stuck)]


def _is_behind_returned(
    wait: Waiting, workers: Sequence[Waiting], scene: Scene, returned: dict[str, _Returned]
) -> bool:
    """Whether all workers send in closures of one function that has returned: the waiter is noted there."""
    makers = {_returned_maker(worker, scene) for worker in workers}
    maker = makers.pop() if len(makers) == 1 else ""
    if maker:
        returned.setdefault(maker, _Returned()).behind.append(wait)
    return bool(maker)


def _ties_of_workers(wait: Waiting, workers: Sequence[Waiting], *, circle: bool) -> Iterator[Tie]:
    """Who waits for a WaitGroup and who would call Done; ``circle``: these send to the waiter."""
    done = thing_of(wait, wait.rows)
    yield Tie(party(wait), "waits for", done)
    for worker in workers:
        yield Tie(done, "must be served by", party(worker))
        if circle:
            channel = thing_of(workers[0], workers[0].rows)
            yield Tie(party(worker), "waits for", channel)
            yield Tie(channel, "must be served by", party(wait))


def _ties_alone(wait: Waiting) -> Iterator[Tie]:
    """Goroutines that nobody serves."""
    reason = min(wait.reasons, default="")
    thing = thing_of(wait, wait.rows)
    missing = {"WaitGroup": "calls Done", "Cond": "signals it", "select": "is on the other side"}.get(thing.kind)
    yield Tie(party(wait), "waits for", thing)
    yield nobody(thing, missing or ("receives" if "send" in reason else "sends or closes it"))


def _who_calls_done(wait: Waiting, scene: Scene, groups: dict[object, _Group]) -> _Group:
    """The goroutines that a WaitGroup may wait for: those that the waiter started; or else those that know its address,
    its siblings, which the same function started or which run a closure of it (sync.(*WaitGroup).Go starts these), and
    those in a method of the same type. ``groups`` keeps who is alike for many waiters."""
    children = [scene.of_row[row] for goroutine in wait.ids for row in scene.by_creator.get(goroutine, ())]
    if children:
        return _Group.of(children)
    own = wait.frames[wait.own].function if wait.own is not None else ""
    outer = {function_of(frame.function) for frame in wait.frames if frame.function != own} | {function_of(own)}
    if wait.stack.created_by is not None:
        outer.add(function_of(wait.stack.created_by.function))
    kind = type_of(own)
    key = frozenset(outer), kind
    group = groups.get(key)
    if group is None:
        found = [other for function in outer for other in scene.by_starter.get(function, ())]
        found += scene.by_type.get(kind, ()) if kind is not None else ()
        found += [other for function in outer for other in scene.by_enclosing.get(function, ())]
        group = groups[key] = _Group.of(found)
    if group.may_go_on:
        return group
    knowing = [other for other in scene.that_know(wait) if other is not wait]
    return _Group.of([*group.workers, *knowing]) if knowing else group


def _sends_from(worker: Waiting, function: str) -> bool:
    """Whether it sends in a closure of this function, which then is the likely receiver."""
    return (
        "chan send" in worker.reasons
        and worker.own is not None
        and worker.frames[worker.own].function.startswith(function + ".func")
    )


def _may_end(worker: Waiting) -> bool:
    """Whether what they wait for may come from outside: a timer, the network, a request."""
    return not worker.reasons & _STUCK


def _of(
    name: Name,
    confidence: Confidence,
    title: str,
    argument: str,
    chain: tuple[Waiting, ...],
    does: tuple[str, ...],
    *,
    stuck: bool = True,
) -> Cause:
    return Cause(
        name=name,
        confidence=confidence,
        title=title,
        argument=argument,
        steps=tuple(Step(wait.ids, wait.count, text, wait.where) for wait, text in zip(chain, does, strict=True)),
        rows=tuple(row for wait in chain for row in wait.rows),
        waiting=chain[-1].count,
        stuck=stuck,
        deciding={wait.stack_id: wait.place for wait in chain if wait.place is not None},
        culprits=tuple(chain[0].rows),
        ties=(partial(_ties_alone, chain[0]),),
    )
