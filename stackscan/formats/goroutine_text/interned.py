"""The distinct headers and stacks of one text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from stackscan.formats.goroutine_text.trees import Header
from stackscan.model.snapshot import Stack

if TYPE_CHECKING:
    import polars as pl


@dataclass(slots=True)
class Interned:
    """The distinct headers and stacks of one text, in the order of first use.

    An entry is one header of the text: ``plain`` indexes the few ``headers`` without labels; its labels, which may
    differ from goroutine to goroutine, stay a column.
    """

    headers: list[Header] = field(default_factory=list)
    plain: list[int] = field(default_factory=list)
    stacks: list[Stack] = field(default_factory=list)
    labelled: bool = False  # whether an entry has labels
    _plain_ids: dict[Header, int] = field(default_factory=dict)
    _entries: dict[Header, int] = field(default_factory=dict)
    _stack_ids: dict[Stack, int] = field(default_factory=dict)
    _columns: list[pl.Series] = field(default_factory=list)  # labels of the entries, in pieces
    _last_labels: list[str | None] = field(default_factory=list)  # of those behind the last piece
    _all_labels: list[str | None] | None = None

    def header_id(self, value: Header) -> int:
        """The entry of a header. One with labels always gets a new entry, since they hardly ever repeat."""
        if value.labels is not None:
            return self._add_one(self.plain_id(replace(value, labels=None)), value.labels)
        found = self._entries.get(value)
        if found is None:
            found = self._entries[value] = self._add_one(self.plain_id(value), None)
        return found

    def plain_id(self, value: Header) -> int:
        """The index of a header without labels."""
        found = self._plain_ids.setdefault(value, len(self.headers))
        if found == len(self.headers):
            self.headers.append(value)
        return found

    def add(self, plain: Sequence[int], labels: pl.Series) -> int:
        """Add entries with labels; returns the index of the first."""
        self._columns = [self.label_column(), labels]
        self._last_labels = []
        self.labelled |= bool(plain)
        self.plain.extend(plain)
        return len(self.plain) - len(plain)

    def _add_one(self, plain: int, labels: str | None) -> int:
        self.plain.append(plain)
        self._last_labels.append(labels)
        self.labelled |= labels is not None
        return len(self.plain) - 1

    def label_column(self) -> pl.Series:
        """The labels of all entries; null for none."""
        import polars as pl

        return pl.concat([*self._columns, pl.Series(self._last_labels, dtype=pl.String)])

    def label_list(self) -> list[str | None] | None:
        """The same as a list, once all headers are read; None where no header has labels."""
        if self._all_labels is None and self.labelled:
            self._all_labels = self.label_column().to_list() if self._columns else self._last_labels
        return self._all_labels

    def header(self, entry: int) -> Header:
        """The header of an entry, without its labels."""
        return self.headers[self.plain[entry]]

    def stack_id(self, value: Stack) -> int:
        """The index of a stack."""
        found = self._stack_ids.setdefault(value, len(self.stacks))
        if found == len(self.stacks):
            self.stacks.append(value)
        return found
