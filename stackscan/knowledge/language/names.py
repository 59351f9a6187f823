"""Shared names of the rule language: ``$bitswap-worker`` for patterns or an expression that several files need.

They stand in ``names.toml``, in one place, so that a function that moves is followed once.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from stackscan.errors import CatalogueError
from stackscan.knowledge.descriptions import Table, read_text

_FILE: Final = Path(__file__).with_name("names.toml")


def patterns_of(name: str) -> tuple[str, ...]:
    """The patterns that a name stands for; empty when there is no such name."""
    return _read()[0].get(name, ())


def pattern_names() -> tuple[str, ...]:
    """All names of patterns."""
    return tuple(_read()[0])


def expression_of(name: str) -> str | None:
    """The text of the expression that a name stands for; None when there is no such name."""
    return _read()[1].get(name)


def expression_names() -> tuple[str, ...]:
    """All names of expressions."""
    return tuple(_read()[1])


def kinds_of(name: str) -> tuple[Table, ...]:
    """The tables of a shared list of kinds (``transports = "libp2p-transports"``); empty when there is none."""
    return _read()[2].get(name, ())


def kind_names() -> tuple[str, ...]:
    """All names of lists of kinds."""
    return tuple(_read()[2])


@cache
def _read() -> tuple[dict[str, tuple[str, ...]], dict[str, str], dict[str, tuple[Table, ...]]]:
    top = read_text(_FILE.read_text(encoding="utf-8"), where=_FILE.name)
    patterns, expressions, kinds = (_table(top, key) for key in ("patterns", "expressions", "kinds"))
    top.finish()
    return (
        {name: patterns.texts(name) for name in patterns.written},
        {name: expressions.text(name) for name in expressions.written},
        {name: kinds.tables(name) for name in kinds.written},
    )


def _table(top: Table, key: str) -> Table:
    table = top.table(key)
    if table is None:
        raise CatalogueError(f"{top.where}: [{key}] is missing")
    return table
