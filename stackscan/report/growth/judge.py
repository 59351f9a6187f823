"""Judges the captures of one process: do goroutines leak, come and go, or stand still?

A leak is growth that nothing takes back. It needs three captures, growth in (nearly) every interval up to the last one,
a size that chance does not reach, and goroutines that stay where they are. Where ids are known, those who stayed are
counted; where they are not, the counts must never fall, and the bar is what random arrivals and departures could do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from math import sqrt
from typing import Final

from stackscan.formats.symbol import deciding_frame, origin
from stackscan.model.snapshot import Frame
from stackscan.report.growth.model import Growth, Leak, PlaceGrowth, Witness
from stackscan.report.growth.observe import Observation
from stackscan.report.growth.stacks import Ids
from stackscan.report.model import StackReport
from stackscan.report.places import CodePlace

#: Captures that show growth; two show a difference.
CAPTURES: Final = 3
#: Growth below this number is noise: with ids, and without.
_LEAST_STAYED: Final = 6
_LEAST_COUNTED: Final = 8
#: Of the goroutines at first, the growth that counts where ids show that none left.
_SHARE: Final = 0.01
#: Without ids: so many standard deviations of a place whose goroutines come and go (Poisson).
_DEVIATIONS: Final = 4
#: One interval in so many may show no growth.
_FLAT: Final = 5
#: The last interval must grow by this part of the mean: what fills up and stops is a pool.
_GOES_ON: Final = 0.25
#: Of the growth, the part that must be goroutines that were there a capture before.
_STAYS: Final = 0.5
#: Places that grow together differ by at most this part in each interval.
_TOGETHER: Final = 0.2
#: A change of this part of all goroutines is small; a rise or fall of more is a swing.
_SMALL: Final = 0.1
_SWING: Final = 0.25
_LEAST_SWING: Final = 20
_LAG_MINUTES: Final = 2  # the clock of a wait starts at the first garbage collection after parking


def judge(
    observations: Sequence[Observation],
    captures: Sequence[int] | None = None,
    leak_profiles: Sequence[Observation] = (),
    *,
    seconds: Sequence[float | None] | None = None,
) -> Growth:
    """The verdict over captures of one process, in time order.

    ``captures`` are their places among the observations (None: all). ``leak_profiles`` are Go's own of the same
    process. ``seconds`` are the times between neighbours (None: as the captures say).
    """
    captures = tuple(range(len(observations)) if captures is None else captures)
    # A capture that lost goroutines shows growth in the next one; the last may only show too little.
    taken = [at for place, at in enumerate(captures) if observations[at].complete or place == len(captures) - 1]
    series = [observations[at] for at in taken]
    gaps = _gaps(series) if seconds is None or len(taken) < len(captures) else list(seconds)
    whole = None if not gaps or any(gap is None for gap in gaps) else sum(gap or 0.0 for gap in gaps)
    places = _places(series, whole)
    totals = tuple(each.total for each in series)
    leaks: tuple[Leak, ...] = ()
    if len(series) >= CAPTURES:
        leaking = [place for place in places if _leaks(place, gaps)]
        detected = [*leak_profiles, *(each for each in series if each.leaked)]
        leaks = tuple(_leak(group, gaps, detected) for group in _together(leaking))
    growth = Growth("leak", tuple(taken), totals, whole, leaks, tuple(p for leak in leaks for p in leak.places))
    return growth if leaks else _without_leak(growth, places, len(captures))


def _gaps(series: Sequence[Observation]) -> list[float | None]:
    """The seconds between neighbours."""
    times = [each.captured_at for each in series]
    return [None if a is None or b is None else (b - a).total_seconds() for a, b in pairwise(times)]


def _places(series: Sequence[Observation], seconds: float | None) -> list[PlaceGrowth]:
    """All places that the captures have in common terms: without creators and reasons where one of them has none."""
    creators, reasons = all(each.tells_creators for each in series), all(each.tells_reasons for each in series)
    known = all(each.has_ids for each in series)

    def narrow(place: CodePlace) -> CodePlace:
        return place[0], place[1] if creators else None, place[2] if reasons else None

    ids = [each.ids(narrow) for each in series] if known else []
    counts: dict[CodePlace, list[int]] = {}
    largest: dict[CodePlace, tuple[int, int, int]] = {}  # goroutines, whose capture, place there
    oldest: dict[CodePlace, list[int]] = {}
    for at, each in enumerate(series):
        columns = zip(each.places, each.counts, each.longest_minutes, each.largest.counts, strict=True)
        for index, (place, count, minutes, held) in enumerate(columns):
            key = narrow(place)
            counts.setdefault(key, [0] * len(series))[at] += count
            waits = oldest.setdefault(key, [0] * len(series))
            waits[at] = max(waits[at], minutes)
            if key not in largest or held >= largest[key][0]:
                largest[key] = held, at, index
    stacks = {place: series[at].largest.report(index) for place, (_, at, index) in largest.items()}
    return [
        PlaceGrowth(
            place=place,
            signature=stacks[place].bucket.signature,
            frame=_frame(stacks[place]),
            counts=tuple(numbers),
            stayed=_stayed(ids, place) if known else None,
            rate_per_second=(numbers[-1] - numbers[0]) / seconds if seconds else None,
            oldest_minutes=tuple(oldest[place]) if any(oldest[place]) else None,
            stack=stacks[place],
        )
        for place, numbers in counts.items()
    ]


def _frame(found: StackReport) -> Frame | None:
    stack = found.bucket.stack
    return stack.frames[deciding_frame(stack)] if stack.frames else None


def _stayed(ids: Sequence[Mapping[CodePlace, Ids]], place: CodePlace) -> tuple[int, ...]:
    """How many goroutines of each capture are in the same place in the next one."""
    import numpy as np

    none = np.zeros(0, dtype=np.uint64)
    held = [each.get(place, none) for each in ids]
    return tuple(len(np.intersect1d(one, other, assume_unique=True)) for one, other in pairwise(held))


def _leaks(place: PlaceGrowth, gaps: Sequence[float | None]) -> bool:
    """Whether a place only gains, up to the end, more than chance would have it, and keeps what it gained."""
    counts = place.counts
    if place.stayed is None:
        return grows(counts, gaps)
    if place.change < max(_LEAST_STAYED, _SHARE * counts[0]):
        return False
    return _only_gains(counts, gaps) and _keeps(counts, place.stayed)


def grows(counts: Sequence[int], gaps: Sequence[float | None]) -> bool:
    """Whether counts of goroutines without ids show a leak: they only gain, up to the end, and by more than random
    arrivals and departures would. ``gaps`` are the seconds between them (None: not known)."""
    enough = len(counts) >= CAPTURES and counts[-1] - counts[0] >= max(_LEAST_COUNTED, _DEVIATIONS * sqrt(counts[0]))
    return enough and _only_gains(counts, gaps)


def _only_gains(counts: Sequence[int], gaps: Sequence[float | None]) -> bool:
    steps = [after - before for before, after in pairwise(counts)]
    flat = sum(step == 0 for step in steps)
    return min(steps) >= 0 and flat * _FLAT <= len(steps) and _goes_on(steps, gaps)


def _goes_on(steps: Sequence[int], gaps: Sequence[float | None]) -> bool:
    """Whether the last interval still grows, by a fair part of the mean speed."""
    known = [gap for gap in gaps if gap is not None and gap > 0]
    times = known if len(known) == len(steps) else [1.0] * len(steps)
    return steps[-1] > 0 and steps[-1] / times[-1] >= _GOES_ON * sum(steps) / sum(times)


def _keeps(counts: Sequence[int], stayed: Sequence[int]) -> bool:
    """Whether what grows are goroutines that stay: each capture shares more of them with the next than the one before
    did. What passes through the place on its way (requests at work) may come and go above them."""
    if any(later < earlier for earlier, later in pairwise(stayed)):
        return False
    return stayed[-1] - stayed[0] >= _STAYS * (counts[-2] - counts[0]) and stayed[-1] >= _STAYS * counts[-2]


def _together(leaking: Iterable[PlaceGrowth]) -> list[list[PlaceGrowth]]:
    """Places that grow in step, or of which one starts the other, are one leak. Largest first."""
    groups: list[list[PlaceGrowth]] = []
    for place in sorted(leaking, key=lambda p: (-p.change, p.function or "", p.signature)):
        group = next((each for each in groups if any(_belong(place, other) for other in each)), None)
        if group is None:
            groups.append([place])
        else:
            group.append(place)
    return [sorted(group, key=lambda place: _rank(place, group)) for group in groups]


def _belong(one: PlaceGrowth, other: PlaceGrowth) -> bool:
    return _in_step(one, other) or _starts(one, other) or _starts(other, one)


def _in_step(one: PlaceGrowth, other: PlaceGrowth) -> bool:
    """Whether each interval brings both as many, or both the same multiple."""
    total, other_total = one.change, other.change
    pairs = zip(pairwise(one.counts), pairwise(other.counts), strict=True)
    return all(
        abs((b - a) / total - (d - c) / other_total) <= _TOGETHER * max((b - a) / total, (d - c) / other_total)
        for (a, b), (c, d) in pairs
    )


def _starts(one: PlaceGrowth, other: PlaceGrowth) -> bool:
    """Whether the goroutines of one place start those of the other."""
    return other.place[1] is not None and other.place[1] in one.stack.bucket.stack.functions


def _rank(place: PlaceGrowth, group: Sequence[PlaceGrowth]) -> tuple[bool, bool, int, str, str]:
    """Who starts the others, then code outside the standard library, then the largest."""
    starts = any(_starts(place, other) for other in group if other is not place)
    library = place.frame is None or origin(place.frame).kind == "std"
    return not starts, library, -place.change, place.function or "", place.signature


def _leak(group: Sequence[PlaceGrowth], gaps: Sequence[float | None], detected: Sequence[Observation]) -> Leak:
    """The leak with its witnesses; ``detected`` are captures that Go's detector has marked."""
    functions = {place.function for place in group}
    leaked = max((sum(each.leaked.get(function, 0) for function in functions) for each in detected), default=0)
    detector: Witness = "yes" if leaked else "no" if detected else "absent"
    return Leak(tuple(group), detector, leaked, _age(group, gaps))


def _age(group: Iterable[PlaceGrowth], gaps: Sequence[float | None]) -> Witness:
    """Whether the oldest wait is minutes long and grew by about the time that passed; waits of less are not printed."""
    told = [place.oldest_minutes for place in group if place.oldest_minutes is not None]
    if not told:
        return "absent"
    known = [gap for gap in gaps if gap is not None]
    passed = sum(known) / 60 if len(known) == len(gaps) else None
    return "yes" if any(waits_on(minutes, passed) for minutes in told) else "no"


def waits_on(minutes: Sequence[int], passed: float | None) -> bool:
    """Whether the oldest wait of each capture grew by about the minutes that passed (None: not known)."""
    grew = minutes[-1] - minutes[0]
    never_less = all(later >= earlier for earlier, later in pairwise(minutes))
    return never_less and minutes[-1] > 0 and (grew > 0 if passed is None else grew >= int(passed) - _LAG_MINUTES)


def _without_leak(growth: Growth, places: Sequence[PlaceGrowth], given: int) -> Growth:
    """What captures show that prove no leak."""
    totals = growth.totals
    if len(totals) < CAPTURES:
        return _of_few(growth, places, given)
    swinging = [place for place in places if _swings(place.counts, max(totals))]
    if swinging:
        widest = max(swinging, key=lambda place: (max(place.counts) - min(place.counts), place.signature))
        return replace(growth, kind="sawtooth", places=(widest,))
    if _swings(totals, max(totals)):
        return replace(growth, kind="sawtooth")
    if totals[-1] - totals[-2] <= _little(totals):
        return replace(growth, kind="steady")
    grower = max(places, key=lambda place: (place.change, place.signature))
    return replace(growth, kind="unclear", places=(grower,), because=_why_not(grower))


def _of_few(growth: Growth, places: Sequence[PlaceGrowth], given: int) -> Growth:
    """One capture or two: no trend."""
    totals = growth.totals
    if len(totals) < given:
        return replace(growth, kind="unclear", because="the other captures are incomplete")
    if len(totals) < 2:
        return replace(growth, kind="unclear", because="one capture shows no change")
    if abs(totals[-1] - totals[0]) <= _little(totals):
        return replace(growth, kind="steady")
    grower = max(places, key=lambda place: (place.change, place.signature))
    because = "two captures show a difference, not a trend"
    return replace(growth, kind="unclear", places=(grower,) if grower.change > 0 else (), because=because)


def _little(totals: Sequence[int]) -> float:
    """The change of the total that is small."""
    return max(_LEAST_COUNTED, _SMALL * max(totals))


def _swings(counts: Sequence[int], most: int) -> bool:
    """Whether counts both rise and fall by much."""
    least = max(_LEAST_SWING, _SWING * most)
    lowest = highest = counts[0]
    rise = fall = 0
    for count in counts:
        lowest, highest = min(lowest, count), max(highest, count)
        rise, fall = max(rise, count - lowest), max(fall, highest - count)
    return rise >= least and fall >= least


def _why_not(place: PlaceGrowth) -> str:
    """Why a place that has more goroutines than at first is no leak."""
    if any(after < before for before, after in pairwise(place.counts)):
        return "it does not grow all the time"
    if place.stayed is not None and not _keeps(place.counts, place.stayed):
        return "its goroutines come and go"
    return "the growth is small or slows down"
