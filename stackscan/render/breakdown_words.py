"""How outputs for people show goroutines, findings and pools by the values of a key (``report --by``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stackscan.analysis.finding import told_by
from stackscan.render import words

if TYPE_CHECKING:
    from stackscan.analysis.breakdown import Breakdown, Share
    from stackscan.report import SnapshotReport

#: Values that are listed; the others are added up.
MOST_VALUES: Final = 10
#: Labels of the dump that are named where it has none with the asked key.
MOST_LABELS: Final = 10
NONE: Final = "(none)"
#: What separates findings and pools in one line.
BETWEEN: Final = " · "


@dataclass(frozen=True, slots=True)
class Row:
    """One value, or the sum of others (``is_value`` is false): its goroutines, and the findings and pools in words.
    ``short`` is the value for where it has little room."""

    value: str
    short: str
    goroutines: int
    says: tuple[str, ...]
    is_value: bool = True


def title(found: Breakdown) -> tuple[str, str]:
    """What begins the table, and a note on its order."""
    if found.labels is not None:
        return f"By {words.plain(found.key)}", f"no goroutine has this label; {labels(found.labels)}"
    return f"By {words.plain(found.key)}", "most goroutines in findings first, then most goroutines"


def labels(found: tuple[str, ...]) -> str:
    """``labels in the dump: request, tenant``."""
    if not found:
        return "the dump has no labels"
    more = len(found) - MOST_LABELS
    listed = ", ".join(words.fit(words.plain(label), 60) for label in found[:MOST_LABELS])
    return f"labels in the dump: {listed}" + (f" and {more:,} more" if more > 0 else "")


def rows_of(snapshot: SnapshotReport) -> Iterator[Row]:
    """The rows of the table; none where no goroutine has the label."""
    if snapshot.breakdown is not None and snapshot.breakdown.labels is None:
        yield from rows_by(snapshot.breakdown, snapshot, MOST_VALUES)


def rows_by(found: Breakdown, snapshot: SnapshotReport, most: int) -> Iterator[Row]:
    """The first rows by some key, and one for all others."""
    # what another finding tells better is left out there too
    told = {one.rule.name for one in snapshot.findings if told_by(one, snapshot.findings) is not None}
    shares, rest = found.first(most)
    named = _created_at if found.key == "created_at" else _value
    for share in shares:
        value, short = (NONE, NONE) if share.value is None else named(share.value)
        yield Row(value, short, share.goroutines, _says(share, told), is_value=share.value is not None)
    if rest is not None:
        others = words.count(rest.values, "other values")
        yield Row(others, others, rest.sum.goroutines, _says(rest.sum, told), is_value=False)


def _value(value: str) -> tuple[str, str]:
    """A value in one line; one that reads like no value at all stands in quotes."""
    text = f'"{value}"' if value in ("", NONE) else words.plain(value)
    return text, text


def _created_at(value: str) -> tuple[str, str]:
    """``boxo/bitswap/server.(*Server).startWorkers server.go:253``, and the same without folders."""
    return words.short_symbol(value), words.base_symbol(value)


def _says(share: Share, told: set[str]) -> tuple[str, ...]:
    """``2 rwmutex-recursive-read``, ``workers: 3 of 4 busy``."""
    parts = [f"{count:,} {rule}" for rule, count in share.findings if rule not in told]
    parts += [f"{one.pool}: {one.busy:,} of {one.workers:,} busy" for one in share.pools]
    return tuple(map(words.plain, parts))
