"""Conditions on goroutines beside their stacks: minutes, labels, marks, groups.

Each gives two sets of rows, where the answer is yes and where it is no; where neither, the dump does not tell. What
marks and counts of a whole dump rule out needs no look at single goroutines.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final

from stackscan.formats.labels import read_labels
from stackscan.knowledge.language import syntax
from stackscan.knowledge.language.index import Index, Rows
from stackscan.knowledge.language.pointers import instances
from stackscan.knowledge.language.syntax import Comparison, Flag, Group, Label, Minutes
from stackscan.knowledge.language.texts import text_matches

#: The rows where the answer is yes, and where it is no.
Answer = tuple[set[int], set[int]]

COMPARE: Final[dict[Comparison, Callable[[int, int], bool]]] = {
    ">=": operator.ge, "<=": operator.le, "!=": operator.ne, "=": operator.eq, "<": operator.lt, ">": operator.gt,
}  # fmt: skip
#: The only format that prints how long a goroutine waits (and leaves out less than a minute).
_PRINTS_MINUTES: Final = "goroutine-text"
#: Comparisons that hold of a larger number where they hold of a smaller one.
_AT_LEAST: Final = (">=", ">")


def minutes(condition: Minutes, index: Index, rows: Rows) -> Answer:
    """Whether goroutines have waited for so long. A time that the text leaves out is less than a minute."""
    values, leaked = index.column("wait_minutes"), index.column("leaked")
    prints = index.format == _PRINTS_MINUTES
    compare = COMPARE[condition.comparison]
    yes: set[int] = set()
    no: set[int] = set()
    for row in rows:
        value = values[row]
        if value is None and (not prints or leaked[row]):  # leaked ones show none, however long they wait
            continue
        (yes if compare(value or 0, condition.number) else no).add(row)
    return yes, no


def flag(condition: Flag, index: Index, rows: Rows) -> Answer:
    """Whether goroutines bear a mark of the runtime."""
    values = index.column(condition.name)
    return {row for row in rows if values[row]}, {row for row in rows if values[row] is False}


def label(condition: Label, index: Index, rows: Rows) -> Answer:
    """Whether goroutines bear a label. One without labels bears none."""
    column = index.column("labels")
    known: dict[str | None, bool] = {None: False}
    yes: set[int] = set()
    no: set[int] = set()
    for row in rows:
        text = column[row]
        if text not in known:
            known[text] = _bears(condition, text)
        (yes if known[text] else no).add(row)
    return yes, no


def _bears(condition: Label, labels: str) -> bool:
    values = [value for key, value in read_labels(labels) if key == condition.key]
    if condition.comparison is None:
        return bool(values)
    equal = any(text_matches(condition.value, value) for value in values)
    return bool(values) and equal is (condition.comparison == "=")


def group_of(by: Group, index: Index) -> Callable[[int], Any]:
    """What tells the group of a goroutine (of its row) from others; None where it is in none."""
    if by == "instance":
        numbers = instances(index)
        return lambda row: None if numbers[row] < 0 else numbers[row]
    if by == "parent":
        return index.column("creator_id").__getitem__
    stack_of = index.row_stack
    if by == "stack":
        return stack_of.__getitem__
    key = f"groups by {by}"
    if key not in index.answers:
        index.answers[key] = [_group_of_stack(by, index, stack_id) for stack_id in range(len(index.stacks))]
    of_stack = index.answers[key]
    return lambda row: of_stack[stack_of[row]]


def _group_of_stack(by: Group, index: Index, stack_id: int) -> object:
    if by == "creator":
        return index.stacks[stack_id].created_by
    seen = index.seen(stack_id)
    return seen.function_at(seen.place if by == "place" else seen.root)


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
