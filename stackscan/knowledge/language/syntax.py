"""Expressions of the rule language as data, shared names replaced by what they stand for.

Equal expressions are equal values, so that a condition of two rules is evaluated once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, get_args

Comparison = Literal[">=", "<=", "!=", "=", "<", ">"]
Group = Literal["creator", "stack", "place", "instance", "root", "parent"]
Texts = tuple[str, ...]  # alternatives


@dataclass(frozen=True, slots=True)
class Chain:
    """Frames from the innermost outwards. ``adjacent[i]``: element i is directly called by element i + 1.
    ``deciding`` is the index of the element that a reader should look at."""

    elements: tuple[Texts, ...]
    adjacent: tuple[bool, ...]
    deciding: int
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """One frame by its place: the innermost outside the runtime, the root, or the creator's."""

    where: Literal["innermost", "root", "created by"]
    patterns: Texts
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Owner:
    """A frame of one of these packages, with one of these receivers (empty: any)."""

    packages: Texts
    receivers: Texts


@dataclass(frozen=True, slots=True)
class Module:
    """A frame of a module, in a version that meets every constraint (``(">=", "0.36")``)."""

    path: str
    constraints: tuple[tuple[Comparison, str], ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Waits for one of these reasons, however its Go version spells them (``exact``: only as printed)."""

    reasons: Texts
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Minutes:
    """Has waited for so many minutes, as far as the dump prints them."""

    comparison: Comparison
    number: int


@dataclass(frozen=True, slots=True)
class Label:
    """Bears a profiler label, with a value if one is given."""

    key: str
    comparison: Comparison | None = None
    value: str = ""


@dataclass(frozen=True, slots=True)
class Flag:
    """Is locked to its thread, or leaked."""

    name: Literal["locked", "leaked"]


@dataclass(frozen=True, slots=True)
class Cause:
    """Belongs to a dump of a process that said one of these as it died; the same for all goroutines."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """How many goroutines (``percent``: of all) meet all other conditions, in all or by group."""

    comparison: Comparison
    number: int
    percent: bool = False
    by: Group | None = None


@dataclass(frozen=True, slots=True)
class Creator:
    """The goroutine that created it is one of these."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class Shares:
    """Another goroutine that is one of these has a pointer in common with it."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class And:
    """All of these."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of these."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Not this."""

    part: Expression


Expression = (
    Chain
    | Place
    | Owner
    | Module
    | Waiting
    | Minutes
    | Label
    | Flag
    | Cause
    | Count
    | Creator
    | Shares
    | And
    | Or
    | Not
)


StackCondition = Chain | Place | Owner | Module
#: The classes of expressions.
KINDS: Final[tuple[type, ...]] = get_args(Expression)


def parts_of(expression: Expression) -> tuple[Expression, ...]:
    """The expressions directly inside one, those of other goroutines included."""
    if isinstance(expression, And | Or):
        return expression.parts
    if isinstance(expression, Not):
        return (expression.part,)
    if isinstance(expression, Creator | Shares):
        return (expression.expression,)
    return ()


def walk(expression: Expression) -> Iterator[Expression]:
    """An expression and all inside it."""
    yield expression
    for part in parts_of(expression):
        yield from walk(part)


@lru_cache(maxsize=4096)
def simplified(expression: Expression) -> Expression:
    """The same with ``not`` before single conditions only: ``not (A or B)`` is ``not A and not B``, which also defines
    what is counted."""
    if isinstance(expression, And | Or):
        return type(expression)(tuple(simplified(part) for part in expression.parts))
    if isinstance(expression, Creator | Shares):
        return type(expression)(simplified(expression.expression))
    if isinstance(expression, Not):
        return _negated(expression.part)
    return expression


def _negated(expression: Expression) -> Expression:
    if isinstance(expression, Not):
        return simplified(expression.part)
    if isinstance(expression, And | Or):
        opposite = Or if isinstance(expression, And) else And
        return opposite(tuple(_negated(part) for part in expression.parts))
    return Not(simplified(expression))
