"""What the marks and the counts of a whole dump rule out, before any goroutine is looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Final

from stackscan.knowledge.language import syntax
from stackscan.knowledge.language.goroutines import COMPARE
from stackscan.knowledge.language.index import Index
from stackscan.knowledge.language.syntax import Group

#: Comparisons that hold of a larger number where they hold of a smaller one.
_AT_LEAST: Final = (">=", ">")


def is_ruled_out(expression: syntax.Expression, index: Index) -> bool:
    """Whether an expression is true of no goroutine of a dump; False where only a closer look tells."""
    match expression:
        case syntax.And():
            return any(is_ruled_out(part, index) for part in expression.parts)
        case syntax.Or():
            return all(is_ruled_out(part, index) for part in expression.parts)
        case syntax.Flag():
            return True not in index.column(expression.name)
        case syntax.Count():
            return _are_too_few(expression, index)
    return False


def _are_too_few(condition: syntax.Count, index: Index) -> bool:
    """Whether no group of the whole dump has enough goroutines: those that are counted are fewer still."""
    largest = _largest(condition.by, index) if condition.comparison in _AT_LEAST else None
    if largest is None:
        return False
    weight = 100 if condition.percent else 1
    bound = condition.number * index.total if condition.percent else condition.number
    return not COMPARE[condition.comparison](weight * largest, bound)


def _largest(by: Group | None, index: Index) -> int | None:
    """How many goroutines the largest group has; None for groups that take a look at each stack."""
    if by not in ("stack", "creator", "parent"):
        return index.total if by is None else None
    key = f"largest by {by}"
    if key not in index.answers:
        index.answers[key] = _most(_groups(by, index), index.weights)
    found: int = index.answers[key]
    return found


def _groups(by: Group, index: Index) -> Sequence[Hashable]:
    """The group of each goroutine; None for none."""
    if by == "parent":
        return index.column("creator_id")
    if by == "stack":
        return index.row_stack
    creators = [stack.created_by for stack in index.stacks]
    return [creators[stack_id] for stack_id in index.row_stack] if any(creators) else ()


def _most(groups: Sequence[Hashable], weights: Sequence[int] | None) -> int:
    """How many goroutines the largest of these groups has."""
    counts: Counter[Hashable] = Counter()
    if weights is None:
        counts.update(groups)
    else:
        for group, weight in zip(groups, weights if groups else (), strict=True):
            counts[group] += weight
    del counts[None]
    return max(counts.values(), default=0)
