"""The list of problems of a snapshot, for all formats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from stackscan.model.snapshot import Problem

#: Characters of a damaged line that a problem shows.
EXCERPT: Final = 120
_MOST_OF_A_KIND: Final = 100


def bounded(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems in line order, at most 100 for one reason, then one that counts the others."""
    ordered = sorted(problems, key=lambda problem: problem.line)
    seen: Counter[str] = Counter()
    kept = []
    for problem in ordered:
        seen[problem.reason] += 1
        if seen[problem.reason] <= _MOST_OF_A_KIND:
            kept.append(problem)
    for reason, count in seen.items():
        if count > _MOST_OF_A_KIND:
            kept.append(Problem(ordered[-1].line, f"{count - _MOST_OF_A_KIND} more: {reason}"))
    return tuple(kept)
