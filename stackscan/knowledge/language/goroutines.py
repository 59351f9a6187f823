"""Conditions on goroutines beside their stacks: reasons, minutes, labels, marks, groups."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import numpy as np
import polars as pl

from stackscan.formats.labels import read_labels
from stackscan.knowledge.language import reasons
from stackscan.knowledge.language.globs import ANY, Glob
from stackscan.knowledge.language.index import Index, Numbers
from stackscan.knowledge.language.pointers import instances
from stackscan.knowledge.language.symbols import Mask
from stackscan.knowledge.language.syntax import Cause, Comparison, Flag, Group, Label, Minutes, Waiting

#: Where the answer is yes, and where it is no; where neither, the dump does not tell.
Answer = tuple[Mask, Mask]

COMPARE: Final[dict[Comparison, Callable[..., Mask]]] = {
    ">=": operator.ge, "<=": operator.le, "!=": operator.ne, "=": operator.eq, "<": operator.lt, ">": operator.gt,
}  # fmt: skip
#: The only format that prints how long a goroutine waits (and leaves out less than a minute).
_PRINTS_MINUTES: Final = "goroutine-text"


def waiting(condition: Waiting, index: Index) -> Answer:
    """For each cell, whether it waits for one of these reasons."""
    found = index.answers.get(condition)
    if not isinstance(found, tuple):
        yes = np.zeros(len(index.cell_stack), dtype=np.bool_)
        known = np.zeros(len(index.cell_stack), dtype=np.bool_)
        printed = [None if reason is None else frozenset((reason,)) for reason in index.cell_reason]
        for cell, names in enumerate(printed if condition.exact else _meanings(index)):
            if names is not None:
                known[cell] = True
                yes[cell] = any(text_matches(text, reason) for text in condition.reasons for reason in names)
        found = index.answers[condition] = (yes, known & ~yes)
    return found


def cause(condition: Cause, index: Index) -> Answer:
    """For each cell, whether the dump's process gave one of these causes when it died."""
    matches = index.cause is not None and any(text_matches(text, index.cause) for text in condition.texts)
    yes = np.full(len(index.cell_stack), matches, dtype=np.bool_)
    return yes, ~yes


def _meanings(index: Index) -> list[frozenset[str] | None]:
    """What each cell waits for, by meaning."""
    found = index.answers.get("meanings")
    if not isinstance(found, list):
        pairs = zip(index.cell_stack.tolist(), index.cell_reason, strict=True)
        found = [reasons.names(reason, index.stacks[stack_id].functions) for stack_id, reason in pairs]
        index.answers["meanings"] = found
    return found


@lru_cache(maxsize=4096)
def _text_glob(pattern: str) -> Glob:
    return Glob(tuple(ANY if part.startswith("*") else part for part in re.split(r"(\*+)", pattern) if part))


def text_matches(pattern: str, text: str) -> bool:
    """Whether a pattern, in which ``*`` is anything, matches a text."""
    return pattern == text or ("*" in pattern and _text_glob(pattern).matches(text))


def minutes(condition: Minutes, index: Index, rows: Numbers) -> Answer:
    """Whether goroutines have waited for so long. A time that the text leaves out is less than a minute."""
    values, known = index.column("wait_minutes")
    if index.format == _PRINTS_MINUTES:
        known = known | ~index.column("leaked")[0].astype(np.bool_)  # leaked ones show none, however long they wait
    yes = COMPARE[condition.comparison](values[rows].astype(np.int64), condition.number)
    return yes & known[rows], ~yes & known[rows]


def flag(condition: Flag, index: Index, rows: Numbers) -> Answer:
    """Whether goroutines bear a mark of the runtime."""
    values, known = index.column(condition.name)
    yes = values[rows].astype(np.bool_)
    return yes & known[rows], ~yes & known[rows]


def label(condition: Label, index: Index, rows: Numbers) -> Answer:
    """Whether goroutines bear a label. One without labels bears none."""
    found = index.answers.get(condition)
    if not isinstance(found, np.ndarray):
        column = index.goroutines["labels"]
        distinct = column.drop_nulls().unique().to_list()
        right = [text for text in distinct if _bears(condition, text)]
        found = column.is_in(right).fill_null(value=False).to_numpy()
        index.answers[condition] = found
    return found[rows], ~found[rows]


def _bears(condition: Label, labels: str) -> bool:
    values = [value for key, value in read_labels(labels) if key == condition.key]
    if condition.comparison is None:
        return bool(values)
    equal = any(text_matches(condition.value, value) for value in values)
    return bool(values) and equal is (condition.comparison == "=")


def group_of(by: Group, index: Index, rows: Numbers) -> Numbers:
    """A number for the group of each goroutine; -1 where it is in none."""
    if by == "parent":
        return _dense(index, "creator_id")[rows]
    if by == "instance":
        return instances(index)[rows]
    if by == "stack":
        return index.row_stack[rows]
    of_stack = {"place": index.place_function, "creator": index.creation_site, "root": index.root_function}[by]
    return of_stack[index.row_stack[rows]]


def _dense(index: Index, name: str) -> Numbers:
    """The values of a column numbered; -1 for null."""
    series = index.goroutines[name]
    numbers = series.rank("dense").cast(pl.Int64).fill_null(-1)
    return numbers.to_numpy()
