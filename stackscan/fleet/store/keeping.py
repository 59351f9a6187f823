"""What ``stackscan fleet --store`` does: skips what the store knows, adds what is new, and reads what it holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from stackscan.errors import SourceError, StoreError, UsageError
from stackscan.fleet.packed import Packed
from stackscan.fleet.row import Row, Unread
from stackscan.fleet.store.columns import UNREADABLE
from stackscan.fleet.store.objects import Naming
from stackscan.fleet.store.store import LINES_FROM, Settings, Store, open_store
from stackscan.sources.parts import Part

#: What is read again though it is known and has not changed.
Reread = Literal["unreadable", "all"]


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """Which store, how much of it counts (``window``: captures of so long before now; None: all), and what is read
    again."""

    url: str
    window: timedelta | None = None
    reread: Reread | None = None


@dataclass(frozen=True, slots=True)
class Keeping:
    """One run with a store. Make it with :func:`keeping`."""

    store: Store
    options: StoreOptions
    naming: Naming
    threshold: int

    @property
    def lines_from(self) -> int:
        """From how many goroutines on rows must have their lines."""
        return self.store.settings.lines_from

    def new(self, parts: Sequence[Part]) -> Sequence[Part]:
        """The parts that are to be read."""
        if self.options.reread == "all" or not parts:
            return parts
        again = frozenset({UNREADABLE} if self.options.reread else ())
        return Packed(parts[at] for at in self.store.unknown(map(self.naming, parts), again=again))

    def add(self, read: Iterable[tuple[Part, Sequence[Row | Unread]]]) -> None:
        """Add the rows of parts as they come. What is committed stays, however this ends."""
        for part, rows in read:
            self.store.add(self.naming(part), rows)
        self.store.commit()

    def rows(self) -> Iterator[Row | Unread]:
        """All rows that count."""
        window = self.options.window
        return map(self._asked, self.store.rows(None if window is None else datetime.now(UTC) - window))

    def empty(self) -> SourceError:
        """The error for a store that has no captures that count."""
        when = "" if self.options.window is None else " as young as --window says"
        return SourceError(f"{self.store.url}: it holds no captures{when}", hint=_EMPTY)

    def _asked(self, row: Row | Unread) -> Row | Unread:
        """The row with the lines that the threshold asks for."""
        if isinstance(row, Unread) or not row.crowds:
            return row
        return replace(row, crowds=tuple(one for one in row.crowds if one.count >= self.threshold))


def keeping(options: StoreOptions, naming: Naming, *, redaction: str, threshold: int, create: bool) -> Keeping:
    """A run with a store, which is made if there is none and ``create`` says so. ``redaction`` names the key that names
    are hidden with (empty: none are).

    Raises StoreError for a store that cannot be opened, or whose names are hidden in another way; UsageError for a
    threshold that is smaller than what it keeps.
    """
    asked = Settings(redaction, min(threshold, LINES_FROM))
    store = open_store(options.url, create=asked if create else None)
    known = store.settings
    if known.redaction != redaction:
        raise StoreError(f"{options.url}: {_differs(known.redaction, redaction)}", hint=_HINT)
    if threshold < known.lines_from:
        raise UsageError(
            f"--threshold {threshold:,}: {options.url} keeps lines of {known.lines_from:,} goroutines or more",
            hint=f"Give {known.lines_from:,} or more, or make another store.",
        )
    return Keeping(store, options, naming, threshold)


_EMPTY: Final = "stackscan store info URL says what it holds; give SOURCEs to add to it."
_HINT: Final = "docs/store.md: a store is redacted from its first capture on, with one key, or never."


def _differs(known: str, asked: str) -> str:
    if not known:
        return "its names are not redacted, so nothing redacted can be added or compared"
    if not asked:
        return "its names are redacted: give --redact with the same key"
    return "its names are redacted with another key, or with other --redact-keep prefixes"
