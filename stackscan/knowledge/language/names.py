"""Shared names of the rule language: ``$bitswap-worker`` for patterns or an expression that several files need.

They stand in ``names.toml``, in one place, so that a function that moves is followed once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from stackscan.errors import CatalogueError
from stackscan.knowledge.descriptions import Table, read_text

_FILE: Final = Path(__file__).with_name("names.toml")


@dataclass(frozen=True, slots=True)
class Names:
    """What each shared name stands for: patterns, the text of an expression, or the tables of a list of kinds
    (``transports = "libp2p-transports"``)."""

    patterns: dict[str, tuple[str, ...]]
    expressions: dict[str, str]
    kinds: dict[str, tuple[Table, ...]]


@cache
def shared() -> Names:
    """The shared names. Raises CatalogueError for a wrong file."""
    top = read_text(_FILE.read_text(encoding="utf-8"), where=_FILE.name)
    patterns, expressions, kinds = (_table(top, key) for key in ("patterns", "expressions", "kinds"))
    top.finish()
    return Names(
        {name: patterns.texts(name) for name in patterns.written},
        {name: expressions.text(name) for name in expressions.written},
        {name: kinds.tables(name) for name in kinds.written},
    )


def _table(top: Table, key: str) -> Table:
    table = top.table(key)
    if table is None:
        raise CatalogueError(f"{top.where}: [{key}] is missing")
    return table
