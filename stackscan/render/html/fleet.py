"""The answer over a fleet as a page for a browser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import log
from typing import Any, Final, TextIO

from stackscan.fleet.model import Fleet, FleetFinding
from stackscan.render import fleet_change_words as changes
from stackscan.render import fleet_words as wording
from stackscan.render.html.page import data, rendered, shell
from stackscan.render.json.fleet import as_json
from stackscan.report import Verdict

#: Entries of each list, and findings that have a column in the table of hosts.
_MOST: Final = 200
_COLUMNS: Final = 10
#: Hosts in that table, and those that it shows at first.
_HOSTS: Final = 1_000
_FIRST_HOSTS: Final = 20
#: Hosts that a finding lists, and those near saturation that a pool lists.
_NAMED: Final = 8
#: Tints of a cell, from few goroutines to as many as on the worst host.
_TINTS: Final = 4

#: A host by service and name.
_Key = tuple[str | None, str]


@dataclass(slots=True)
class _Host:
    """A row of the table of hosts; ``counts`` are by finding, ``notes`` what else is known of it."""

    service: str | None
    name: str
    problems: int = 0
    total: int = 0
    counts: dict[int, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def render(fleet: Fleet, out: TextIO, *, top: int | None = None, everything: bool = False) -> None:
    """Write the whole page; ``top`` limits each list (None: 200), ``everything`` shows all of it."""
    most = None if everything else _MOST if top is None else top
    level, text = wording.verdict(fleet)
    before, after = shell("fleet", text)
    out.write(before)
    out.write(rendered("fleet", verdicts=[Verdict(level, text)], **_values(fleet, most)))
    out.write(after)


def _values(fleet: Fleet, most: int | None) -> dict[str, Any]:
    columns = _columns(fleet.findings[:most])
    hosts = _hosts(fleet)
    report = as_json(fleet)
    return {
        "fleet": fleet,
        "most": most,
        "findings": [*enumerate(fleet.findings[:most], 1)],
        "columns": [(number, fleet.findings[number]) for number in columns],
        "hosts": [(host, _cells(host, columns, fleet)) for host in hosts[:_HOSTS]],
        "hosts_total": len(hosts),
        "hosts_first": _FIRST_HOSTS,
        "named": _NAMED,
        "wording": wording,
        "changes": changes,
        "changed": [(fleet.findings.index(one) + 1, one, change) for one, change in changes.changed(fleet)[:most]],
        "report": data(report),
        "beside": data({"hosts": [_names(one) for one in fleet.findings[:most]]}),
    }


def _names(one: FleetFinding) -> str:
    """What a reader may search a finding by beyond what the page shows of it: all its hosts and services."""
    return " ".join([*one.hosts, *filter(None, one.services)])


def _columns(findings: Sequence[FleetFinding]) -> list[int]:
    """The findings with a column: those above info, or else the first, which have a host with a name."""
    named = [number for number, one in enumerate(findings) if one.hosts]
    bad = [number for number in named if findings[number].severity != "info"]
    return (bad or named)[:_COLUMNS]


def _hosts(fleet: Fleet) -> list[_Host]:
    """All hosts of which something is known, those with most problems first."""
    found: dict[_Key, _Host] = {}

    def host(service: str | None, name: str) -> _Host:
        return found.setdefault((service, name), _Host(service, name))

    for number, one in enumerate(fleet.findings):
        for peak in one.peaks:
            if peak.host is not None:
                _count(host(peak.service, peak.host), number, peak.count, is_bad=one.severity != "info")
    for odd in fleet.odd_hosts:
        if odd.host is not None:
            _note(host(odd.service, odd.host), "odd")
    for pool in fleet.pools:
        for each in pool.near:
            if each.host is not None:
                _note(host(each.service, each.host), f"{pool.name} near saturation")
    _unread(fleet, found)
    return sorted(found.values(), key=lambda one: (-one.problems, -one.total, one.service or "", one.name))


def _unread(fleet: Fleet, found: dict[_Key, _Host]) -> None:
    """Notes how many captures of each host could not be read."""
    lost = Counter((one.service, one.host) for one in fleet.unreadable if one.host is not None)
    for (service, name), number in lost.items():
        if name is not None:
            host = found.setdefault((service, name), _Host(service, name))
            host.notes.append(f"{number:,} not read")


def _count(host: _Host, number: int, count: int, *, is_bad: bool) -> None:
    host.counts[number] = count
    if is_bad:
        host.problems += 1
        host.total += count


def _note(host: _Host, text: str) -> None:
    host.problems += 1
    host.notes.append(text)


def _cells(host: _Host, columns: Iterable[int], fleet: Fleet) -> list[tuple[int, int]]:
    """Of each finding with a column the goroutines of a host, and the tint of its cell (0: none)."""
    cells = []
    for number in columns:
        count, most = host.counts.get(number, 0), fleet.findings[number].worst.count
        tint = 0 if not count else max(1, round(_TINTS * log(count + 1) / log(most + 1)))
        cells.append((count, tint))
    return cells
