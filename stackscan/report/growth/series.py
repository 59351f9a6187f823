"""The series among captures: which are of one process and in one format, and the verdict over each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from stackscan.model.counting import worth
from stackscan.report.growth.judge import CAPTURES, judge
from stackscan.report.growth.model import Growth, Kind
from stackscan.report.growth.observe import Observation
from stackscan.report.growth.process import is_of_process, processes

_WORST: Final[tuple[Kind, ...]] = ("leak", "sawtooth", "steady", "unclear")


def judge_series(
    observations: Sequence[Observation],
    leak_profiles: Sequence[Observation] = (),
    *,
    seconds: Sequence[float | None] | None = None,
) -> Growth:
    """One verdict over captures that were given as a series: a leak in any process, else that of the longest series.

    ``seconds`` are the times between the captures as given (None: as the captures say).
    """
    found = []
    for every in processes(observations):
        process = _of_one_format(every, observations)
        whole = seconds if process == list(range(len(observations))) else None
        profiles = _profiles_of(process, observations, leak_profiles)
        found.append(judge(observations, process, profiles, seconds=whole))
    first = min(found, key=lambda growth: (growth.kind != "leak", -len(growth.captures), _WORST.index(growth.kind)))
    if len(found) == len(observations) > 1:
        totals = tuple(each.total for each in observations)
        because = "the captures are of different processes"
        return replace(first, captures=tuple(range(len(observations))), totals=totals, because=because)
    return first


def _of_one_format(process: list[int], observations: Sequence[Observation]) -> list[int]:
    """The captures of a process in the format that has most of them, the one that says most among equals; all where no
    format has captures enough. Texts and counts of the same moments, one behind the other, would show no trend."""
    groups: dict[str, list[int]] = {}
    for place in process:
        groups.setdefault(observations[place].format, []).append(place)
    best = min(groups.values(), key=lambda group: (-len(group), worth(observations[group[0]].format)))
    return best if len(best) >= CAPTURES else process


def judge_all(observations: Sequence[Observation]) -> list[Growth]:
    """The leaks and other verdicts of whatever was given: each format by itself, so that nothing counts twice.

    Formats are mixed where no format has captures enough. A leak that one format shows is not told by another again.
    """
    profiles = [each for each in observations if each.leak_profile]
    dumps = [place for place, each in enumerate(observations) if not each.leak_profile]
    formats = sorted({observations[place].format for place in dumps}, key=lambda name: (worth(name), name))
    groups = [[place for place in dumps if observations[place].format == name] for name in formats]
    if not any(len(group) > 2 for group in groups):
        groups = [dumps]
    found: list[Growth] = []
    known: set[str | None] = set()
    for group in groups:
        taken = [observations[place] for place in group]
        for process in processes(taken):
            growth = judge(taken, process, _profiles_of(process, taken, profiles))
            leaks = tuple(leak for leak in growth.leaks if not known.issuperset(p.function for p in leak.places))
            found.append(replace(growth, captures=tuple(group[at] for at in growth.captures), leaks=leaks))
        known |= {place.function for growth in found for leak in growth.leaks for place in leak.places}
    return found


def _profiles_of(
    process: Sequence[int], observations: Sequence[Observation], profiles: Sequence[Observation]
) -> list[Observation]:
    """The leak profiles of a process."""
    taken = [observations[place] for place in process]
    return [profile for profile in profiles if is_of_process(profile, taken)]
