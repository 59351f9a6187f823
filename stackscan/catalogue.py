"""Reads descriptions (rules, pools) from TOML files: checked key by key, so that a typo says where it is."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stackscan.errors import CatalogueError


@dataclass(frozen=True, slots=True)
class Example:
    """A dump and whether the description must find something in it. Each is run as a test."""

    flagged: bool
    text: str
    note: str


class Table:
    """One TOML table that is asked for its keys by type, and at the end for those that nobody asked for."""

    def __init__(self, values: Mapping[str, object], where: str) -> None:
        self._values = values
        self._asked: set[str] = set()
        self.where = where

    def raw(self, key: str) -> object:
        """A value as it stands; None when the key is missing."""
        self._asked.add(key)
        return self._values.get(key)

    def text(self, key: str, default: str | None = None) -> str:
        """A non-empty string; an error when it is missing and there is no default."""
        value = self.raw(key)
        if value is None and default is not None:
            return default
        if value is None:
            raise CatalogueError(f"{self.where}: {key!r} is missing{self._near(key)}")
        if not isinstance(value, str) or not value.strip():
            raise CatalogueError(f"{self.where}: {key!r} must be a text")
        return value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings, empty when the key is missing."""
        value = self.raw(key)
        items = value if isinstance(value, list) else [] if value is None else [None]
        if not all(isinstance(item, str) for item in items):
            raise CatalogueError(f"{self.where}: {key!r} must be a list of texts")
        return tuple(items)

    def number(self, key: str, default: int) -> int:
        """A whole number of at least 0."""
        value = self.raw(key)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise CatalogueError(f"{self.where}: {key!r} must be a whole number")
        return value

    def flag(self, key: str) -> bool:
        """A boolean, false when the key is missing."""
        value = self.raw(key)
        if value is not None and not isinstance(value, bool):
            raise CatalogueError(f"{self.where}: {key!r} must be true or false")
        return bool(value)

    def share(self, key: str) -> float:
        """A number from 0 to 1."""
        value = self.raw(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
            raise CatalogueError(f"{self.where}: {key!r} must be a number from 0 to 1")
        return float(value)

    def table(self, key: str) -> Table | None:
        """The table ``[key]``, None when it is missing."""
        value = self.raw(key)
        return None if value is None else self._table(value, key, key)

    def tables(self, key: str) -> tuple[Table, ...]:
        """The tables of ``[[key]]``."""
        value = self.raw(key)
        items = value if isinstance(value, list) else [] if value is None else [None]
        return tuple(self._table(item, key, f"{key} {place}") for place, item in enumerate(items, start=1))

    def _table(self, item: object, key: str, name: str) -> Table:
        if not isinstance(item, Mapping):
            raise CatalogueError(f"{self.where}: {key!r} must hold tables")
        return Table(item, f"{self.where}, {name}")

    def refuse_misspelt(self, missing: str) -> None:
        """Raise if a key that nobody asked for looks like this one, which is missing."""
        if self._near(missing):
            raise CatalogueError(f"{self.where}: {missing!r} is missing{self._near(missing)}")

    def _near(self, missing: str) -> str:
        """What a missing key may have been written as."""
        others = sorted(set(self._values) - self._asked)
        near = difflib.get_close_matches(missing, others, n=1, cutoff=0.5)
        return f"; did {near[0]!r} mean it?" if near else ""

    def finish(self) -> None:
        """Raise for keys that no one asked for."""
        unknown = sorted(set(self._values) - self._asked)
        if unknown:
            near = difflib.get_close_matches(unknown[0], sorted(self._asked), n=1)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            raise CatalogueError(f"{self.where}: unknown key {unknown[0]!r}{meant}")


def read_files(folder: Path) -> Iterable[Table]:
    """The top tables of all ``*.toml`` files of a folder, by name."""
    for path in sorted(folder.glob("*.toml")):
        yield read_text(path.read_text(encoding="utf-8"), where=path.name)


def read_text(text: str, *, where: str) -> Table:
    """The top table of one TOML text."""
    try:
        return Table(tomllib.loads(text), where)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise CatalogueError(f"{where}: {error}") from error


def read_examples(table: Table) -> tuple[Example, ...]:
    """The ``[[example]]`` tables of a description; at least one flagged and one not."""
    examples = []
    for entry in table.tables("example"):
        examples.append(Example(entry.flag("flagged"), entry.text("text"), entry.text("note", "")))
        entry.finish()
    if {example.flagged for example in examples} != {True, False}:
        table.refuse_misspelt("example")
        raise CatalogueError(f"{table.where}: needs an example that is flagged and one that is not")
    return tuple(examples)
