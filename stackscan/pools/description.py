"""What a pool file says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from stackscan.catalogue import Example, Table, read_examples, read_files
from stackscan.match import AnyOf, read_when
from stackscan.pools.model import Model, read_model

_FOLDER: Final = Path(__file__).resolve().parent / "catalogue"
OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class State:
    """What a worker may be doing. ``idle`` states leave it free; ``detail`` sorts the state further."""

    name: str
    when: AnyOf
    idle: bool
    detail: tuple[State, ...] = ()


@dataclass(frozen=True, slots=True)
class Pool:
    """A worker pool: who its workers are, and what they may be doing, in the order in which states are tried.

    A worker in none of the states is ``other``. ``states_shown`` is the order of the contract.
    """

    name: str
    title: str
    worker: AnyOf
    states: tuple[State, ...]
    examples: tuple[Example, ...]
    model: Model | None = None


@cache
def catalogue() -> tuple[Pool, ...]:
    """All pools that ship with stackscan, by name. Raises CatalogueError for a wrong file."""
    return tuple(sorted((read_pool(table) for table in read_files(_FOLDER)), key=lambda pool: pool.name))


def read_pool(table: Table) -> Pool:
    """One pool from its file's top table."""
    states = _states(table, "state")
    pool = Pool(
        name=table.text("name"),
        title=table.text("title"),
        worker=read_when(table.raw("worker"), where=f"{table.where}, worker"),
        states=states,
        examples=read_examples(table),
        model=read_model(table.table("model"), states=tuple(state.name for state in states)),
    )
    table.finish()
    return pool


def _states(table: Table, key: str) -> tuple[State, ...]:
    states = []
    for entry in table.tables(key):
        when = read_when(entry.raw("when"), where=entry.where)
        states.append(State(entry.text("name"), when, entry.flag("idle"), _states(entry, "detail")))
        entry.finish()
    return tuple(states)
