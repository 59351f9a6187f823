"""The answer over a fleet to paste into an issue or a chat: verdict, a table of findings, lists below it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TextIO

from stackscan.fleet.model import Fleet, FleetFinding, FleetPool
from stackscan.render import fleet_change_words as changes
from stackscan.render import fleet_words as wording
from stackscan.render import words
from stackscan.render.markdown.escapes import MARKS, code, escaped
from stackscan.render.numbers import number

#: Entries of each list.
_MOST: Final = 10


def render(fleet: Fleet, out: TextIO, *, top: int | None = None, everything: bool = False) -> None:
    """Write GitHub-flavoured Markdown; ``top`` limits each list (None: 10), ``everything`` shows all of it."""
    most = None if everything else _MOST if top is None else top
    level, text = wording.verdict(fleet)
    parts = [
        f"**{MARKS[level]} {escaped(text)}**",
        "  \n".join(map(escaped, wording.notes(fleet))),
        _changes(fleet, most),
        _findings(fleet, most),
        _list("Odd hosts", (f"{wording.odd_name(one)}: {wording.odd(one)}" for one in fleet.odd_hosts), most),
        _list("Pools", map(_pool, fleet.pools), most),
        _list("Could not be read", map(wording.unreadable, fleet.unreadable), most),
    ]
    out.write("\n\n".join(filter(None, parts)) + "\n")


def _changes(fleet: Fleet, most: int | None) -> str:
    pair = fleet.versions_compared
    if pair is None:
        return ""
    lines = [changes.line(one, change) for one, change in changes.changed(fleet)]
    listed = _list(escaped(changes.heading(pair)), lines, most)
    return f"{listed}\n\n{escaped(changes.summary(fleet, pair))}" if listed else escaped(changes.summary(fleet, pair))


def _findings(fleet: Fleet, most: int | None) -> str:
    if not fleet.findings:
        return ""
    owner = ("owner",) if fleet.owned else ()
    heads = "", "finding", "place", *owner, "hosts", "goroutines", "rms", "trend", "worst", "versions", "seen"
    rows = [
        "|" + "".join(f" {head} |" if head else " |" for head in heads),
        "|" + "---|" * len(heads),
        *(_row(fleet, one) for one in fleet.findings[:most]),
    ]
    return "\n".join(rows) + _rest(len(fleet.findings), most)


def _row(fleet: Fleet, one: FleetFinding) -> str:
    where = "" if one.place is None else code(one.place) + (f" {escaped(one.location)}" if one.location else "")
    worst = f"{escaped(wording.host_name(one.worst.service, one.worst.host))}: {one.worst.count:,}"
    cells = (
        MARKS[one.severity],
        f"{code(one.name)} {escaped(one.title)}",
        where,
        *([escaped(", ".join(one.owners) or "nobody")] if fleet.owned else []),
        escaped(wording.counted_hosts(one.hosts_hit, one.hosts_seen, one.unknown_hosts)),
        f"{one.total:,}",
        number(one.rms),
        escaped(wording.trend(one)),
        f"{worst} in {code(one.worst.capture)}",
        escaped(wording.versions(one).removeprefix("versions: ")),
        escaped(wording.seen(one)),
    )
    return f"| {' | '.join(cells)} |"


def _pool(one: FleetPool) -> str:
    return "; ".join(filter(None, (f"{words.plain(one.name)}: {wording.pool(one)}", wording.near(one))))


def _list(title: str, lines: Iterable[str], most: int | None) -> str:
    given = list(lines)
    if not given:
        return ""
    return f"**{title}**\n\n" + "\n".join(f"* {escaped(line)}" for line in given[:most]) + _rest(len(given), most)


def _rest(given: int, most: int | None) -> str:
    left = 0 if most is None else given - most
    return f"\n\nand {left:,} more" if left > 0 else ""
