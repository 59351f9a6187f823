"""Conditions on goroutines beside their stacks: minutes, labels, marks, groups.

Each gives two sets of rows, where the answer is yes and where it is no; where neither, the dump does not tell.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

from stackscan.formats.labels import read_labels
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
