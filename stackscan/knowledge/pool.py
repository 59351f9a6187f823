"""Pool files: descriptions of worker pools."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stackscan.errors import CatalogueError
from stackscan.knowledge.compiled import compiled
from stackscan.knowledge.examples import Example, examples_reader
from stackscan.knowledge.language import Expression, read_expression
from stackscan.knowledge.pool_model import Model, read_model

if TYPE_CHECKING:
    from stackscan.knowledge.descriptions import Table

_FOLDER: Final = Path(__file__).resolve().parent / "pools"
OTHER: Final = "other"
IDLE: Final = "idle"


@dataclass(frozen=True, slots=True)
class State:
    """What a worker may be doing. ``idle`` states leave it free; ``detail`` sorts the state further."""

    name: str
    when: Expression
    idle: bool
    detail: tuple[State, ...] = ()


@dataclass(frozen=True, slots=True)
class Pool:
    """A worker pool: who its workers are, and what they may be doing, in the order in which states are tried.

    A worker in none of the states is ``other``. ``expression`` is the text of ``worker``. Fewer
    than ``fewest_workers`` are not reported. An ``unbounded`` pool has as many workers as there is work.
    """

    name: str
    title: str
    worker: Expression
    expression: str
    states: tuple[State, ...]
    fewest_workers: int
    read_examples: Callable[[], tuple[Example, ...]] = field(repr=False, compare=False)
    model: Model | None = None
    unbounded: bool = False

    @property
    def examples(self) -> tuple[Example, ...]:
        """Dumps with a worker of this pool and dumps without. Raises CatalogueError when one kind is missing."""
        return self.read_examples()


@cache
def catalogue() -> tuple[Pool, ...]:
    """All pools that ship with stackscan, by name. Raises CatalogueError or ExpressionError for a wrong file."""
    return compiled("pools", _FOLDER, _read_all, (Pool, State, Model))


def _read_all() -> tuple[Pool, ...]:
    from stackscan.knowledge.descriptions import read_catalogue

    return read_catalogue(_FOLDER, read_pool)


def read_pool(table: Table, *, examples_needed: bool = True) -> Pool:
    """One pool from its table."""
    states = _states(table, "state")
    if table.raw("idle") is not None:
        states = (*states, State(IDLE, read_expression(table, "idle"), idle=True))
    names = [state.name for state in states]
    twice = next((name for name in names if names.count(name) > 1 or name == OTHER), None)
    if twice is not None:
        raise CatalogueError(f"{table.where}: the state {twice!r} exists already")
    pool = Pool(
        name=table.name(),
        title=table.text("title"),
        worker=read_expression(table, "worker"),
        expression=table.text("worker"),
        states=states,
        fewest_workers=table.number("fewest_workers", 1),
        read_examples=examples_reader(table, needed=examples_needed),
        model=read_model(table.table("model"), states=tuple(state.name for state in states)),
        unbounded=table.flag("unbounded"),
    )
    table.finish()
    return pool


def _states(table: Table, key: str) -> tuple[State, ...]:
    states = []
    for entry in table.tables(key):
        when = read_expression(entry)
        states.append(State(entry.text("name"), when, entry.flag("idle"), _states(entry, "detail")))
        entry.finish()
    return tuple(states)
