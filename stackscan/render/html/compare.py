"""The comparison of several captures as a page for a browser."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, TextIO

from stackscan.comparison import Comparison, Matrix, StandingChange
from stackscan.knowledge.cause import fix_of
from stackscan.render import compare_words as wording
from stackscan.render.html.packed import Frames, differences, one
from stackscan.render.html.page import data, rendered, shell
from stackscan.render.json.compare import as_json
from stackscan.report import StackReport, Verdict
from stackscan.report.growth import REFERENCES, WHY, PlaceGrowth, leak_text, place_text, sentence, witnesses
from stackscan.report.growth.words import arrows, rate
from stackscan.report.links import Links
from stackscan.report.model import Level

if TYPE_CHECKING:
    from stackscan.model.snapshot import Frame

_LEVELS: Final[dict[str, Level]] = {"leak": "error", "steady": "ok", "sawtooth": "warning", "unclear": "warning"}
#: What the verdict says of the places that it is about.
_SAID: Final = {"leak": "leaks", "sawtooth": "up and down", "unclear": "grew, unclear"}
#: Places that the chart shows, and that the table below it lists.
_LINES: Final = 6
_LISTED: Final = 15
#: The part of the chart's height below which lines cannot be distinguished.
_FLOOR: Final = 0.05


def render(comparison: Comparison, out: TextIO) -> None:
    """Write the whole page."""
    before, after = shell("compare", f"{len(comparison.captures):,} captures")
    out.write(before)
    out.write(rendered("compare", **_values(comparison)))
    out.write(after)


def _values(comparison: Comparison) -> dict[str, Any]:
    links = Links(comparison.modules, comparison.go_version)
    folder, names = wording.names(comparison.captures)
    gaps = [None, *comparison.intervals_seconds]
    listed = _listed(comparison)
    lines = _lines(listed, comparison)
    creators = _creators([n for n, _ in listed], comparison)
    changed = [
        entry for entry in listed if entry in lines or len(set(comparison.standings[entry[0]].change.counts)) > 1
    ]
    return {
        "comparison": comparison,
        "verdicts": list(_verdicts(comparison)),
        "leaks": [_leak(number, comparison) for number in range(len(comparison.verdict.leaks))],
        "folder": folder,
        "captures": [
            (name, capture, wording.later(gap))
            for name, capture, gap in zip(names, comparison.captures, gaps, strict=True)
        ],
        "listed": [(comparison.standings[n], said, creators.get(n)) for n, said in changed],
        "frame_of": _frame_of,
        "columns": wording.columns(len(comparison.captures)),
        "wording": wording,
        "links": links,
        "report": data(as_json(comparison)),
        "beside": data(_beside(comparison, links, names, lines, creators)),
    }


def _verdicts(comparison: Comparison) -> Iterator[Verdict]:
    """The lines of the verdict, as the text output has them."""
    verdict = comparison.verdict
    yield Verdict(_LEVELS[verdict.kind], sentence(verdict, len(comparison.captures)))
    for number, leak in enumerate(verdict.leaks):
        if number:
            yield Verdict("error", f"leak: {leak_text(leak)}")
        for place in leak.places[1:]:
            yield Verdict("error", f"with it: {place_text(place)}")
    for text in (*wording.breaks(comparison), *comparison.notes):
        yield Verdict("warning", text)
    for severity, text in wording.stayed_findings(comparison):
        yield Verdict(severity, text)


def _leak(number: int, comparison: Comparison) -> dict[str, Any]:
    """What the card of a leak shows."""
    leak = comparison.verdict.leaks[number]
    first = leak.places[0]
    return {
        "number": number + 1,
        "leak": leak,
        "first": first,
        "grew": arrows(first.counts),
        "rate": rate(first.rate_per_second) if first.rate_per_second else "",
        "others": [(place, arrows(place.counts)) for place in leak.places[1:]],
        "witnesses": [line.partition(": ") for line in witnesses(leak)],
        "why": WHY,
        "fix": fix_of("leak"),
        "references": REFERENCES,
    }


def _listed(comparison: Comparison) -> list[tuple[int, str]]:
    """The places to show over time, by their place in ``standings``, and what the verdict says of each: those that it
    is about, then by how much they changed, then the largest."""
    verdict = comparison.verdict
    said = _SAID.get(verdict.kind, "")
    found = [
        (n, said if any(_is_at(place, standing) for place in verdict.places) else "")
        for n, standing in enumerate(comparison.standings)
    ]

    def order(entry: tuple[int, str]) -> tuple[bool, int, int]:
        counts = comparison.standings[entry[0]].change.counts
        return not entry[1], min(counts) - max(counts), -max(counts)

    return sorted(found, key=order)[:_LISTED]


def _lines(listed: Sequence[tuple[int, str]], comparison: Comparison) -> list[tuple[int, str]]:
    """The places that the chart shows: what would lie on its floor is left to the table."""
    first = listed[:_LINES]
    largest = {n: max(comparison.standings[n].change.counts) for n, _ in first}
    return [(n, said) for n, said in first if said or largest[n] >= _FLOOR * max(largest.values())]


def _creators(places: Sequence[int], comparison: Comparison) -> dict[int, str]:
    """The creators of those places that a reader could not tell apart without them."""
    alike: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for n in places:
        standing = comparison.standings[n]
        alike[_function(standing), standing.wait_reason].append(n)
    several = [n for found in alike.values() if len(found) > 1 for n in found]
    return {n: creator for n in several if (creator := comparison.standings[n].created_by)}


def _function(standing: StandingChange) -> str:
    """The function that a place is shown as; empty for goroutines without frames."""
    frame = _frame_of(standing.largest)
    return "" if frame is None else frame.function


def _is_at(place: PlaceGrowth, standing: StandingChange) -> bool:
    """Whether they are one place; what a place leaves open is any."""
    told = (standing.at, standing.created_by, standing.wait_reason)
    return all(one is None or one == other for one, other in zip(place.place, told, strict=True))


def _frame_of(found: StackReport) -> Frame | None:
    return found.deciding_frame


def _beside(
    comparison: Comparison,
    links: Links,
    names: Sequence[str],
    lines: Sequence[tuple[int, str]],
    creators: Mapping[int, str],
) -> dict[str, Any]:
    """What the scripts need beyond the JSON.

    ``seconds`` from the first capture to each (null: not known), ``times`` of day and ``names`` of the captures;
    ``lines`` of the chart: places in ``standings``, what the verdict says of each, its function, and its creator where
    that alone tells it apart; ``stacks``: one for each bucket; ``matrix`` (null: none).
    """
    frames = Frames(links)
    known = [gap for gap in comparison.intervals_seconds if gap is not None and gap >= 0]
    whole = len(known) == len(comparison.intervals_seconds)
    values = {
        "seconds": list(accumulate(known, initial=0.0)) if whole else None,
        "times": [None if c.captured_at is None else f"{c.captured_at:%H:%M:%S}" for c in comparison.captures],
        "names": list(names),
        "lines": [[n, said, _function(comparison.standings[n]), creators.get(n, "")] for n, said in lines],
        "stacks": [_stack(change.stack, frames) for change in comparison.buckets],
        "matrix": None if comparison.matrix is None else _matrix(comparison.matrix, frames),
    }
    return values | frames.values()


def _stack(found: StackReport, frames: Frames) -> list[Any]:
    """Frames, creator, state, the deciding frame's place, frames left out, whether it is idle, and rules."""
    stack = found.bucket.stack
    return [*frames.stack(stack), found.state, found.deciding_place, stack.elided, found.aside, list(found.rules)]


def _matrix(matrix: Matrix, frames: Frames) -> dict[str, Any]:
    """``crowds``: the place of the course in ``courses``, and companions: places of stacks, ids, minutes by capture."""
    places = {course: n for n, course in enumerate(wording.COURSES)}
    return {
        "courses": [[course, *texts] for course, texts in wording.COURSES.items()],
        "stacks": [_stack(found, frames) for found in matrix.stacks],
        "crowds": [
            [
                places[crowd.course],
                [
                    [list(each.at), differences(each.ids), [one(minutes) if minutes else 0 for minutes in each.minutes]]
                    for each in crowd.companions
                ],
            ]
            for crowd in matrix.crowds
        ],
    }
