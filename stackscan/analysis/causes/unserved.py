"""Causes among channels, WaitGroups and conditions that the source shows: nobody is left who would serve them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Final

from stackscan.analysis.causes.advice import close_before, places_not_given_back, serve
from stackscan.analysis.causes.ahead import Work
from stackscan.analysis.causes.ends import End, about, ends_of
from stackscan.analysis.causes.model import Cause, Name
from stackscan.analysis.causes.scene import Scene
from stackscan.analysis.causes.standstill import Actor, Standstill
from stackscan.analysis.causes.unserved_ties import of_end
from stackscan.analysis.causes.wanted import Wanted
from stackscan.analysis.causes.words import named_ids, place_of
from stackscan.analysis.finding import Confidence, Step
from stackscan.golang.needs import Need
from stackscan.golang.unit import Deed, Site

#: Places that a sentence names.
_NAMED: Final = 2
_SHOWN: Final = 6
#: Places of a circle that the title names.
_IN_TITLE: Final = 3
_CIRCLE: Final = "as the source says, each could only be woken by another one of them"
_NOBODY: Final = "the source of all goroutines was read, and none of them is on its way there"


def find(work: Work, locks: Sequence[Wanted], found: Sequence[Cause]) -> list[Cause]:
    """What waits for something that nobody left will do. ``found`` are the causes among locks: who is in one goes on
    when that one is gone."""
    scene = work.code.scene
    if not scene.is_whole or not any(map(work.need, scene.waits)):
        return []
    stuck = {row for cause in found if cause.stuck for row in cause.rows}
    whole = Standstill(work, locks, stuck)
    return [_cause(end, whole, work, found) for end in ends_of(whole) if _is_told(end, work)]


# -- what is said ----------------------------------------------------------------------------------------------------


def _is_told(end: End, work: Work) -> bool:
    """Workers without work are no hang, unless somebody waits for them or they wait for themselves, or for a signal
    that no line of the package gives."""
    needs = [actor.need for actor in end.first if actor.need is not None]
    if not needs or any(work.code.scene.is_idle(actor.wait) for actor in end.first):
        return False
    workers = all(need.receives and need.in_loop and not _lacks_signal(need) for need in needs)
    return not workers or bool(end.behind) or len({id(a.wait) for a in end.first}) > 1 or _is_own(end)


def _lacks_signal(need: Need) -> bool:
    """Whether a line waits on a condition that nothing in its package signals."""
    return "signal" in _deeds([need]) and not need.sites() and not need.wild_sites()


def _is_harmless(end: End, whole: Standstill) -> bool:
    """Whether all wait to be told to stop, and nobody waits for them: for a goroutine that lives as long as the process
    that is as it should be."""
    needs = [actor.need for actor in end.first if actor.need is not None]
    return not end.behind and not _is_own(end) and all(need.receives and _only_ends(need, whole) for need in needs)


def _only_ends(need: Need, whole: Standstill) -> bool:
    """Whether all that could serve a receive closes the channel or cancels the context: it waits to be told to stop. A
    goroutine that closes a channel tells that it has ended: somebody waits for that."""
    sites = whole.sites(need)
    ends = all(site.deed in ("close", "call") for site in sites)
    return bool(sites) and ends and not all(need.program.is_of_goroutine(site.unit) for site in sites)


def _is_own(end: End) -> bool:
    """Whether they wait for what they alone would do, later."""
    return any(
        rows is None or rows & set(actor.rows)
        for actor in end.first
        for wait, rows in actor.servers
        if wait is actor.wait
    )


def _cause(end: End, whole: Standstill, work: Work, found: Sequence[Cause]) -> Cause:
    scene = work.code.scene
    counts = Counter(id(actor.wait) for actor in end.first for _ in actor.rows)
    first = sorted(end.first, key=lambda a: (a.need is None, bool(a.need and a.need.receives), -counts[id(a.wait)]))
    waits = list({id(actor.wait): actor for actor in first}.values())
    needs = [actor.need for actor in waits if actor.need is not None]
    rows = tuple(dict.fromkeys(row for actor in (*first, *end.behind) for row in actor.rows))
    circle = len({about([actor]) for actor in waits}) > 1
    starved = _is_starved(end)
    behind = list({id(actor.wait): actor for actor in end.behind}.values())
    title = _starved(end, scene) if starved else _circle(waits, end, scene) if circle else _alone(first, whole, work)
    steps = [_step(actor, end.first, scene) for actor in waits]
    steps[0 if starved else len(steps) : 0] = [_step(a, end.behind, scene) for a in behind]
    minutes = any(actor.wait.minutes or actor.wait.leaked for actor in end.actors)
    harmless = _is_harmless(end, whole)
    return Cause(
        name=_name([a.need for a in behind if a.need] if starved else needs, end),
        confidence="possible" if harmless else _confidence(end, whole, work),
        title=title + (_behind(end, scene) if not starved else ""),
        argument=_CIRCLE if circle else _NOBODY,
        steps=tuple(steps[:_SHOWN]),
        rows=rows,
        waiting=scene.count([row for actor in end.behind for row in actor.rows]),
        stuck=minutes or circle or bool(end.behind) or not (needs[0].receives or "signal" in _deeds(needs)),
        deciding={a.wait.stack_id: a.wait.place for a in end.actors if a.wait.place is not None},
        culprits=_culprits(first, found),
        harmless=harmless,
        change=_change(needs, behind, whole, starved=starved),
        ties=(partial(of_end, end, whole, scene),),
    )


def _behind(end: End, scene: Scene) -> str:
    """How many wait for those at the end."""
    count = scene.count([row for actor in end.behind for row in actor.rows])
    if not count:
        return ""
    them = "it" if sum(len(actor.rows) for actor in end.first) == 1 else "them"
    return f"; {count:,} {'goroutine waits' if count == 1 else 'goroutines wait'} behind {them}"


def _is_starved(end: End) -> bool:
    """Whether somebody waits for workers that only wait for more work: one of their ways leaves something undone."""
    needs = [actor.need for actor in end.first]
    return bool(end.behind) and all(need is not None and _is_worker(need) for need in needs)


def _is_worker(need: Need) -> bool:
    """Whether a line waits for more work on a channel, again and again."""
    return need.receives and need.in_loop and not need.never and "signal" not in _deeds([need])


def _starved(end: End, scene: Scene) -> str:
    """``goroutine 7 in Encode waits for `wg`, and those who would call Done wait for more work in worker``."""
    actor, worker = end.behind[0], end.first[0]
    who, one = _who([a for a in end.behind if a.wait is actor.wait], scene)
    does = actor.need.does if actor.need is not None else "for a lock"
    work = worker.need.does if worker.need is not None else ""
    return (
        f"{who} in {place_of(actor.wait)} {'waits' if one else 'wait'} {does}, and those who would serve it wait "
        f"{work} in {place_of(worker.wait)}: one of their ways leaves it undone"
    )


def _change(needs: Sequence[Need], behind: Sequence[Actor], whole: Standstill, *, starved: bool) -> str:
    """What to change: what those leave undone whom somebody waits for, an order, or what nobody serves."""
    if starved:
        needs = [actor.need for actor in behind if actor.need is not None] or needs
    receivers = [need for need in needs if need.receives]
    order = close_before(needs, whole.sites(receivers[0])) if receivers else ""
    return order or serve(needs[0], whole.sites(needs[0]))


def _culprits(first: Sequence[Actor], found: Sequence[Cause]) -> tuple[int, ...]:
    """The rows that decide; where some of them hold locks that others of them want, those: the lock is the cause."""
    rows = dict.fromkeys(row for actor in first for row in actor.rows)
    shared = [tuple(row for row in cause.rows if row in rows) for cause in found]
    return max(shared, key=len, default=()) or tuple(rows)


def _deeds(needs: Sequence[Need]) -> set[Deed]:
    return {deed for need in needs for want in need.wants for deed in want.deeds}


def _name(needs: Sequence[Need], end: End) -> Name:
    deeds = _deeds(needs)
    sends = all(need.wants and not need.receives and "done" not in _deeds([need]) for need in needs)
    waits_for_all = not sends and any("sync.WaitGroup.Wait" in actor.wait.reasons for actor in end.actors)
    if "signal" in deeds:
        return "cond-never-signalled"
    if "done" in deeds or waits_for_all:
        return "waitgroup-never-done"
    return "channel-never-served"


def _confidence(end: End, whole: Standstill, work: Work) -> Confidence:
    """Proved where no other object can be meant: only variables of one call are about, or nobody in the package does
    what they wait for, or they alone do."""
    scene = work.code.scene
    if any(actor.wait.leaked for actor in end.first) or scene.all_asleep:
        return "proved"
    if scene.counted:
        return "possible"
    read = all(work.code.is_read(actor.wait) for actor in end.actors)
    sure = all(actor.need is not None and _is_sure(actor.need, whole) for actor in end.first) or _is_own(end)
    return "proved" if read and sure else "likely"


def _is_sure(need: Need, whole: Standstill) -> bool:
    return need.family is not None or (not whole.sites(need) and not need.stops)


def _step(actor: Actor, among: Sequence[Actor], scene: Scene) -> Step:
    rows = [row for other in among if other.wait is actor.wait for row in other.rows]
    does = f"waits {actor.need.does}" if actor.need is not None else "waits for a lock"
    return Step(scene.ids(rows), scene.count(rows), does, actor.wait.where)


def _who(actors: Sequence[Actor], scene: Scene) -> tuple[str, bool]:
    """``goroutine 7``, ``98 goroutines``; and whether it is one."""
    rows = [row for actor in actors for row in actor.rows]
    count = scene.count(rows)
    ids = scene.ids(rows)
    if count <= 3 and len(ids) == count:
        return named_ids(ids), count == 1
    return f"{count:,} goroutines" if count > 1 else "a goroutine", count == 1


def _circle(waits: Sequence[Actor], end: End, scene: Scene) -> str:
    """Each waits for the next one."""
    parts = []
    for actor in waits[:_IN_TITLE]:
        who, one = _who([other for other in end.first if other.wait is actor.wait], scene)
        does = actor.need.does if actor.need is not None else "for a lock"
        parts.append(f"{who} in {place_of(actor.wait)} {'waits' if one else 'wait'} {does}")
    more = f" (and {len(waits) - _IN_TITLE} more places)" if len(waits) > _IN_TITLE else ""
    return f"deadlock: {'; '.join(parts)}{more}"


def _alone(first: Sequence[Actor], whole: Standstill, work: Work) -> str:
    actor = first[0]
    need = actor.need
    assert need is not None  # noqa: S101  # who waits for a lock is never alone at an end
    who, one = _who(first, work.code.scene)
    most = "" if len({actor.wait.where for actor in first}) == 1 else "most "
    where = f"({most}in {place_of(actor.wait)})" if most else f"in {place_of(actor.wait)}"
    says = f"{who} {where} {'waits' if one else 'wait'} {need.does}"
    if need.never:
        return f"{says}, and {need.never}"
    sites = whole.sites(need)
    if not sites:
        return f"{says}, and nothing in package {need.package} {_would(need)}"
    if all(wait is actor.wait for wait, _ in actor.servers) and actor.servers:
        lost = places_not_given_back(need, sites)
        if lost:
            return f"{says}, and no goroutine that holds a place is left: {lost}"
        return f"{says}, which only {'it' if one else 'they'} would do, later ({_places(sites, need)})"
    return f"{says}, and nobody is left who {_would(need)} ({_places(sites, need)})"


def _would(need: Need) -> str:
    deeds = _deeds([need])
    if deeds == {"receive"}:
        return "receives from it"
    if deeds == {"send", "close"}:
        return "sends to it or closes it"
    if "done" in deeds:
        return "calls Done"
    if "signal" in deeds:
        return "signals it"
    return "cancels it" if deeds == {"call"} else "is on the other side"


def _places(sites: Sequence[Site], need: Need) -> str:
    """``worker, line 41; Close, line 80``: where it would be done."""
    named = [f"{need.program.units[site.unit].function.declared.key}, line {site.line}" for site in sites]
    named = list(dict.fromkeys(named))
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return f"{'; '.join(named[:_NAMED])}{more}"
