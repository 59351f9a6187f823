"""The verdict over several captures in words; names are as the dumps have them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final

from stackscan.report.growth.model import Growth, Leak, PlaceGrowth

WHY: Final = (
    "The number of goroutines in this place grew from capture to capture and never fell. Goroutines that nothing ends "
    "keep their stacks and all they refer to, until the process runs out of memory."
)
REFERENCES: Final = ("https://go.dev/blog/pipelines", "https://go.dev/doc/go1.26")
_BLIND: Final = "it cannot see goroutines that are still reachable"
_SHOWN: Final = 8
_UNITS: Final = ((1, "second"), (60, "minute"), (3600, "hour"), (86400, "day"))


def sentence(growth: Growth, given: int) -> str:
    """The verdict in one line, ``leak: …``; ``given`` is how many captures there are in all."""
    if growth.leaks:
        text = leak_text(growth.leaks[0])
    elif growth.kind == "sawtooth":
        what = at(growth.places[0]) if growth.places else "goroutines"
        counts = growth.places[0].counts if growth.places else growth.totals
        text = f"{what} went {arrows(counts)}, up and down"
    elif growth.kind == "steady":
        text = f"{arrows(growth.totals)} goroutines"
    else:
        text = _unclear(growth)
    if len(growth.captures) < given:
        text += f"; by {len(growth.captures)} of {given} captures"
    return f"{growth.kind}: {text}"


def _unclear(growth: Growth) -> str:
    text = f"{arrows(growth.totals)} goroutines"
    if growth.places:
        place = growth.places[0]
        text = f"{at(place)} grew {arrows(place.counts)}"
    return f"{text}; {growth.because}" if growth.because else text


def leak_text(leak: Leak) -> str:
    """``main.leaky (main.go:37) grew 57 → 303 → 549 → 795, by 246 a capture (2.1 a second)``."""
    first = leak.places[0]
    each = first.change / (len(first.counts) - 1)
    by = f"{each:,.0f}" if each >= 10 or each == round(each) else f"{each:.1f}"
    speed = f" ({rate(first.rate_per_second)})" if first.rate_per_second else ""
    return f"{at(first)} grew {arrows(first.counts)}, by {by} a capture{speed}"


def place_text(place: PlaceGrowth) -> str:
    """``main.audit (main.go:50) 57 → 303 → 549``."""
    return f"{at(place)} {arrows(place.counts)}"


def at(place: PlaceGrowth) -> str:
    """``main.leaky (main.go:37)``."""
    if place.frame is None:
        return "goroutines without frames"
    name = place.frame.function.rpartition("/")[2]
    return f"{name} ({PurePosixPath(place.frame.file).name}:{place.frame.line})" if place.frame.file else name


def arrows(counts: Sequence[int]) -> str:
    """``57 → 303 → 549``; of many counts the first, some between, and the last."""
    shown = [f"{count:,}" for count in counts]
    if len(shown) > _SHOWN:
        shown = [*shown[: _SHOWN // 2], "…", *shown[-_SHOWN // 2 + 1 :]]
    return " → ".join(shown)


def rate(per_second: float) -> str:
    """``2.1 a second``, ``3 an hour``: in the shortest unit that gives one or more."""
    seconds, unit = next(((s, u) for s, u in _UNITS if per_second * s >= 1), _UNITS[-1])
    number = per_second * seconds
    return f"{number:,.0f} {_article(unit)}" if number >= 10 else f"{number:.2g} {_article(unit)}"


def _article(unit: str) -> str:
    return f"{'an' if unit == 'hour' else 'a'} {unit}"


def witnesses(leak: Leak) -> tuple[str, ...]:
    """What each witness says, a line each, and what Go's detector cannot see."""
    captures = len(leak.places[0].counts)
    stayed = leak.places[0].stayed
    kept = "" if stayed is None else f", and {stayed[-1]:,} of {leak.places[0].counts[-2]:,} goroutines stayed"
    lines = [f"growth: yes, over {captures} captures{kept}"]
    oldest = [place.oldest_minutes for place in leak.places if place.oldest_minutes is not None]
    if leak.age == "absent":
        lines.append("age: not known, the captures show no wait of a minute or more")
    else:
        longest = max(oldest, key=lambda minutes: minutes[-1])
        waits = " → ".join(f"{minutes:,}" for minutes in longest[-_SHOWN:])
        lines.append(f"age: {leak.age}, the oldest waits {waits} min")
    if leak.detector == "yes":
        lines.append(f"Go's leak detector: yes, it found {leak.leaked:,} leaked goroutines here")
    else:
        asked = "no, it found none here" if leak.detector == "no" else "not asked, there is no goroutineleak profile"
        lines.append(f"Go's leak detector: {asked}; {_BLIND}")
    return tuple(lines)
