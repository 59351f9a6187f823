"""The causes of a snapshot in which somebody waits for something that a cause may be about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from stackscan.analysis.causes import channels, locks
from stackscan.analysis.causes.model import Cause
from stackscan.analysis.causes.scene import Scene
from stackscan.analysis.finding import CONFIDENCES

if TYPE_CHECKING:
    from stackscan.golang.reader import Reader

#: What says only that the other side is missing.
_UNSERVED: Final = frozenset({"channel-never-served", "waitgroup-never-done", "cond-never-signalled"})


def argued(scene: Scene, *, alone: bool = True) -> list[Cause]:
    """The causes that the dump alone shows; ``alone``: no source was looked for either."""
    found = _rooted(sorted([*locks.find(scene), *channels.find(scene)], key=_order))
    if scene.counted and alone:  # no words, ids or minutes: nothing is more than possible
        found = [replace(one, confidence="possible") if one.confidence == "likely" else one for one in found]
    return sorted(found, key=_order)


def read(scene: Scene, reader: Reader) -> list[Cause]:
    """The causes that the source shows, before what is argued from the dump alone."""
    from stackscan.analysis.causes import by_source, unserved
    from stackscan.analysis.causes.advice import inside_once
    from stackscan.analysis.causes.ahead import Work
    from stackscan.analysis.causes.code import Code
    from stackscan.analysis.causes.wanted import wanted_locks

    code = Code(scene, reader)
    wanted = wanted_locks(code)
    shown = by_source.find(code, wanted)
    explained = frozenset(row for cause in shown for row in cause.rows)
    among_locks = [*shown, *locks.find(scene, explained, code)]
    among_locks = [one if one.change else replace(one, change=inside_once(one, code)) for one in among_locks]
    work = Work(code)
    unserved_ = unserved.find(work, wanted, among_locks)
    causes = sorted([*among_locks, *unserved_, *channels.find(scene, work)], key=_order)
    return sorted(_rooted(causes), key=_order)


def _order(cause: Cause) -> tuple[int, bool, int]:
    return CONFIDENCES.index(cause.confidence), cause.name == "channel-never-served", -len(cause.rows)


def _rooted(causes: Sequence[Cause]) -> list[Cause]:
    """Root before symptom: what only waits for goroutines of another cause is part of that one.

    A cause names its culprit first. When another cause explains why the culprit waits, that one is the root.
    """
    explained_by: dict[int, int] = {}
    for place, cause in enumerate(causes):
        for row in cause.rows:
            explained_by.setdefault(row, place)
    roots = [_root_of(place, cause, causes, explained_by) for place, cause in enumerate(causes)]
    together: dict[int, list[int]] = {}
    for place in range(len(causes)):
        together.setdefault(_last(place, roots), []).append(place)
    return [_one(_best(root, places, causes), places, causes) for root, places in together.items()]


def _best(root: int, places: Sequence[int], causes: Sequence[Cause]) -> int:
    """The cause that says most of those of one fault: its root; but a lock held by one that waits for a channel says
    more than that nobody serves the channel."""
    if causes[root].name not in _UNSERVED:
        return root
    held = [place for place in places if causes[place].name not in _UNSERVED]
    return max(held, key=lambda place: (len(causes[place].rows), -place), default=root)


def _one(best: int, places: Sequence[int], causes: Sequence[Cause]) -> Cause:
    """The best of some causes with all that the others explain."""
    more = [row for place in places if place != best for row in causes[place].rows]
    found = causes[best].with_more(tuple(more)) if more else causes[best]
    found = replace(found, ties=found.ties + tuple(m for place in places if place != best for m in causes[place].ties))
    stuck = found.stuck or any(causes[place].stuck for place in places)
    proved = any(causes[place].confidence == "proved" for place in places) and found.confidence == "likely"
    return replace(found, stuck=stuck, confidence="proved" if proved else found.confidence)


def _root_of(place: int, cause: Cause, causes: Sequence[Cause], explained_by: Mapping[int, int]) -> int:
    """The cause that explains the culprits of this one; itself where none does."""
    culprits = cause.culprits
    if not culprits:
        return place
    others = {explained_by.get(row, place) for row in culprits}
    if len(others) != 1:
        return place
    (root,) = others
    # Two causes may name the same culprit: the more certain one came first.
    return root if root != place and (root < place or not set(causes[root].culprits) & set(culprits)) else place


def _last(place: int, roots: Sequence[int]) -> int:
    """The end of a chain of causes; where it is a circle, its first."""
    seen = []
    while place not in seen:
        seen.append(place)
        place = roots[place]
    return min(seen[seen.index(place) :])
