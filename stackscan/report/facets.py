"""What a reader may narrow a report by: each label, and the key of ``--by``, with the value of each goroutine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stackscan.analysis.breakdown import break_down, values_by_label, values_by_row

if TYPE_CHECKING:
    from stackscan.analysis.analyse import Analysis
    from stackscan.analysis.breakdown import Breakdown

#: Labels that are offered: those that most goroutines have.
MOST_LABELS: Final = 20


@dataclass(frozen=True, slots=True)
class Facet:
    """The values of one key, and which each goroutine has.

    ``places`` has for each bucket of a report the places, in ``breakdown.shares``, of the values of its rows (None: one
    of the values that are not listed).
    """

    breakdown: Breakdown
    places: tuple[tuple[int | None, ...], ...]


def facets(analysis: Analysis, rows: Sequence[Sequence[int]]) -> Iterator[Facet]:
    """The key of ``--by`` first, then the labels. ``rows`` are those of each bucket."""
    asked = analysis.breakdown
    capture, findings, samples = analysis.capture, analysis.findings, analysis.samples
    if asked is not None and asked.labels is None and asked.shares:
        yield _facet(asked, values_by_row(asked.key, capture, findings), rows)
    for key, values in values_by_label(capture.snapshot, MOST_LABELS):
        if asked is None or key != asked.key:
            found = break_down(key, capture, capture.snapshot, findings=findings, samples=samples, values=values)
            yield _facet(found, values, rows)


def _facet(found: Breakdown, values: Iterable[str | None], rows: Iterable[Sequence[int]]) -> Facet:
    place = {share.value: n for n, share in enumerate(found.shares)}
    places = [place.get(value) for value in values]
    return Facet(found, tuple(tuple(places[row] for row in of_bucket) for of_bucket in rows))
