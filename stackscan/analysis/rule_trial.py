"""Tries a rule on the examples in its file; each miss names the condition and the frame that decided it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stackscan import formats
from stackscan.analysis.classify import classify
from stackscan.errors import CatalogueError
from stackscan.knowledge.descriptions import read_text
from stackscan.knowledge.examples import Example
from stackscan.knowledge.language import Expression, Index, index_of, mask
from stackscan.knowledge.language.outcomes import is_late
from stackscan.knowledge.language.spelling import spelt, spelt_texts
from stackscan.knowledge.language.syntax import And, Chain, simplified
from stackscan.knowledge.rule import Rule, read_rule
from stackscan.model.snapshot import Snapshot, Stack

_MOST_BYTES: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class Miss:
    """An example that the rule does not treat as it should. ``number`` counts from 1; ``reasons`` say why, a line a
    condition of ``when``."""

    number: int
    example: Example
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """A rule, how many examples it was tried on, and those that miss."""

    rule: Rule
    examples: int
    misses: tuple[Miss, ...]


def try_file(path: Path) -> Trial:
    """Try the examples of a rule file, which may lie anywhere and have a built-in rule's name.

    Raises CatalogueError or ExpressionError when it is no rule file, and when it has no examples of both kinds.
    """
    try:
        data = path.read_bytes()[: _MOST_BYTES + 1]
    except OSError as error:
        raise CatalogueError(f"{path}: {error.strerror or error}") from error
    if len(data) > _MOST_BYTES:
        raise CatalogueError(f"{path}: more than 4 MiB, too large for a rule file")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CatalogueError(f"{path}: byte {error.start + 1:,} is not UTF-8") from error
    rule = read_rule(read_text(text, where=str(path)))
    misses = (_tried(rule, number, example) for number, example in enumerate(rule.examples, start=1))
    return Trial(rule, len(rule.examples), tuple(miss for miss in misses if miss is not None))


def _tried(rule: Rule, number: int, example: Example) -> Miss | None:
    snapshots = formats.read(example.dump.encode(), where=f"example {number}")
    if len(snapshots) != 1:
        return Miss(number, example, (f"it contains {len(snapshots)} dumps: an example must be one",))
    (snapshot,) = snapshots
    problems = tuple(f"line {problem.line}: {problem.reason}" for problem in snapshot.problems[:3])
    if problems:
        return Miss(number, example, ("part of the dump cannot be read", *problems))
    if example.flagged is bool(classify(snapshot, [rule])):
        return None
    return Miss(number, example, tuple(_reasons(rule.when, snapshot, flagged=example.flagged)))


def _reasons(when: Expression, snapshot: Snapshot, *, flagged: bool) -> Iterator[str]:
    """Of the goroutine that meets most conditions: each condition that it does not meet; of one that is caught, all."""
    index, expression = index_of(snapshot), simplified(when)
    parts: tuple[Expression, ...] = expression.parts if isinstance(expression, And) else (expression,)
    alone = [part for part in parts if not is_late(part)]
    masks = [mask(part, index) for part in alone]
    met = [sum(row in found for found in masks or [mask(expression, index)]) for row in range(len(index.table))]
    if not met:
        yield "it contains no goroutine"
        return
    row = met.index(max(met))
    name = f"goroutine {index.column('goroutine_id')[row] or 0}"
    if flagged:
        for part, found in zip(alone, masks, strict=True):
            if row not in found:
                yield f"{name} does not meet: {spelt(part)}"
                if isinstance(part, Chain):
                    yield f"    {_end_of_chain(part, index, row)}"
        if all(row in found for found in masks):
            for part in (part for part in parts if is_late(part)):
                count = met.count(len(alone))
                who = "goroutine meets" if count == 1 else "goroutines meet"
                yield f"{count:,} {who} everything else, but not: {spelt(part)}"
        return
    yield f"{name} is flagged: it meets {spelt(expression)}"
    yield f"    its innermost frame is {_frame(_stack(index, row), 0)}"


def _stack(index: Index, row: int) -> Stack:
    return index.stacks[index.row_stack[row]]


def _frame(stack: Stack, place: int) -> str:
    frames = stack.frames
    return frames[place].function if place < len(frames) else "none, its frames are missing"


def _end_of_chain(chain: Chain, index: Index, row: int) -> str:
    """The frame at which a stack stops to match a chain, and what is missing behind it."""
    for length in range(len(chain.elements) - 1, 0, -1):
        beginning = Chain(chain.elements[:length], chain.adjacent[: length - 1], 0)
        if row in mask(beginning, index):
            link = "is not called directly by" if chain.adjacent[length - 1] else "has, further out, no frame"
            return (
                f"{spelt_texts(chain.elements[length - 1])} is there, but {link} {spelt_texts(chain.elements[length])}"
            )
    stack = _stack(index, row)
    listed = ", ".join(frame.function for frame in stack.frames[:4])
    return f"no frame is {spelt_texts(chain.elements[0])}; the innermost are {listed or 'missing'}"
