"""What two versions of a fleet differ in, in words."""

from __future__ import annotations

from collections import Counter
from typing import Final

from stackscan.fleet.model import Change, Fleet, FleetFinding, VersionPair
from stackscan.render import words
from stackscan.render.numbers import number

_KINDS: Final = ("new", "worse", "gone", "better")


def changed(fleet: Fleet) -> list[tuple[FleetFinding, Change]]:
    """The findings that differ: new ones, worse ones, those that are gone, better ones."""
    found = [(one, one.change) for one in fleet.findings if one.change is not None and one.change.kind in _KINDS]
    return sorted(found, key=lambda entry: (_KINDS.index(entry[1].kind), not entry[1].certain))


def heading(pair: VersionPair) -> str:
    """``1.4.0 compared with 1.3.9``."""
    return f"{words.plain(pair.after)} compared with {words.plain(pair.before)}"


def summary(fleet: Fleet, pair: VersionPair) -> str:
    """How many findings changed in which way, and what was not compared."""
    kinds = Counter(one.change.kind for one in fleet.findings if one.change is not None)
    told = [f"{kinds[kind]:,} {kind}" for kind in _KINDS if kinds[kind]] or ["nothing new, worse, gone or better"]
    parts = [", ".join(told)]
    if kinds["same"]:
        parts.append(f"{words.count(kinds['same'], 'findings')} without a clear change")
    elsewhere = sum(one.change is None for one in fleet.findings)
    if elsewhere:
        parts.append(f"{words.count(elsewhere, 'findings')} in services without both versions")
    if pair.unknown:
        parts.append(f"{words.count(pair.unknown, 'captures')} of unknown version not compared")
    return "; ".join(parts)


def subject(one: FleetFinding) -> str:
    """``leak in queue.audit``."""
    return words.plain(one.name) if one.place is None else f"{words.plain(one.name)} in {words.base_symbol(one.place)}"


def hosts(change: Change) -> str:
    """``0 of 7 → 6 of 7 hosts``."""
    before, after = (
        f"{hit:,} of {seen:,}"
        for hit, seen in ((change.hosts_before, change.seen_before), (change.hosts_after, change.seen_after))
    )
    return f"{before} → {after} hosts"


def goroutines(change: Change) -> str:
    """``0 → 112 goroutines on a host``: the means."""
    return f"{number(change.mean_before)} → {number(change.mean_after)} goroutines on a host"


def doubt(change: Change) -> str:
    """That chance may explain it; empty where it does not."""
    return "" if change.certain or change.kind == "same" else "may be chance"


def line(one: FleetFinding, change: Change) -> str:
    """A change in one line."""
    parts = (hosts(change), goroutines(change), doubt(change))
    return f"{change.kind}: {subject(one)}: {', '.join(filter(None, parts))}"


def short(fleet: Fleet) -> str:
    """``2 new and 1 worse in 1.4.0``, of what is above information; empty where nothing is."""
    if fleet.versions_compared is None:
        return ""
    kinds = Counter(one.change.kind for one in fleet.findings if one.change is not None and one.severity != "info")
    told = " and ".join(f"{kinds[kind]:,} {kind}" for kind in ("new", "worse") if kinds[kind])
    return f"{told or 'none new or worse'} in {words.plain(fleet.versions_compared.after)}"
