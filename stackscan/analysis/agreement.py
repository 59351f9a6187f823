"""Compares two views of one process (text and protobuf of a bundle) by shares, for their instants differ."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from stackscan.model.snapshot import Snapshot

_HIDDEN = ("runtime.", "internal/runtime/")


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two views agree.

    ``share`` is the part of the goroutines (0 to 1) that stand in the same stacks in both, by functions outside the
    runtime; ``only_first`` and ``only_second`` count goroutines in stacks that the other does not have;
    ``widest`` is the function whose stack differs most, and by how many goroutines (second minus first).
    """

    goroutines: tuple[int, int]
    share: float
    only_first: int
    only_second: int
    widest: tuple[str, int] | None


def compare(first: Snapshot, second: Snapshot) -> Agreement:
    """Compare two views of one process."""
    one, two = _by_functions(first), _by_functions(second)
    totals = (one.total(), two.total())
    share = sum(min(one[key] / max(totals[0], 1), two[key] / max(totals[1], 1)) for key in one)
    differences = {key: two[key] - one[key] for key in {*one, *two}}
    widest = max(differences, key=lambda key: (abs(differences[key]), key), default=None)
    return Agreement(
        goroutines=totals,
        share=round(share, 4),
        only_first=sum(count for key, count in one.items() if key not in two),
        only_second=sum(count for key, count in two.items() if key not in one),
        widest=None if widest is None or not differences[widest] else ((widest or ("?",))[0], differences[widest]),
    )


def _by_functions(snapshot: Snapshot) -> Counter[tuple[str, ...]]:
    """Goroutines by the functions of their stacks; the text hides the runtime's frames and the profile shows them."""
    counts: Counter[tuple[str, ...]] = Counter()
    for (stack_id,), count in snapshot.counts_by("stack_id").items():
        functions = snapshot.stacks[stack_id].functions
        counts[tuple(function for function in functions if not function.startswith(_HIDDEN))] += count
    return counts
