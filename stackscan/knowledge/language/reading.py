"""Expressions in TOML files: one by itself, and named ones that sort what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackscan.errors import CatalogueError
from stackscan.knowledge.language.evaluate import mask
from stackscan.knowledge.language.index import Index, Rows
from stackscan.knowledge.language.syntax import Expression

if TYPE_CHECKING:
    from stackscan.knowledge.descriptions import Table


@dataclass(frozen=True, slots=True)
class Kind:
    """A named expression that sorts what was found: a shape of the stall, a transport."""

    name: str
    when: Expression


def parse(text: str, *, where: str) -> Expression:
    """The expression that a text says. Raises ExpressionError naming ``where``, the line and the column."""
    from stackscan.knowledge.language import grammar  # what ships is compiled already, and few runs give an expression

    return grammar.parse(text, where=where)


def read_expression(table: Table, key: str = "when") -> Expression:
    """The expression under a key, which must be there. Raises CatalogueError or ExpressionError naming the key."""
    value = table.raw(key)
    if value is None:
        table.missing(key)
    if not isinstance(value, str):
        raise CatalogueError(f"{table.where}: {key!r} must be an expression in quotes (docs/rules.md)")
    return parse(value, where=f"{table.where}, {key!r}")


def read_kinds(table: Table, key: str) -> tuple[Kind, ...]:
    """The ``[[key]]`` tables, or the shared list that ``keys = "NAME"`` names."""
    from stackscan.knowledge.descriptions import did_you_mean
    from stackscan.knowledge.language import names

    shared = table.text(f"{key}s", "")
    entries = table.tables(key)
    if shared:
        entries = names.shared().kinds.get(shared, ())
        if not entries:
            near = did_you_mean(shared, names.shared().kinds)
            raise CatalogueError(f"{table.where}: no shared list of kinds is named {shared!r}{near}")
    return tuple(_read_kind(entry) for entry in entries)


def _read_kind(entry: Table) -> Kind:
    kind = Kind(entry.text("name"), read_expression(entry))
    entry.finish()
    return kind


def kind_of_rows(kinds: Sequence[Kind], index: Index, rows: Rows) -> list[int]:
    """For each of these goroutines the place of the first kind that it is of; -1: none."""
    found = [-1] * len(rows)
    for place, kind in enumerate(kinds):
        met = mask(kind.when, index)
        if met:
            found = [place if at < 0 and row in met else at for at, row in zip(found, rows, strict=True)]
    return found
