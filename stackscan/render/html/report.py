"""The report as a page for a browser."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final, TextIO

from markupsafe import Markup

from stackscan.analysis.finding import Finding, told_by
from stackscan.render import words
from stackscan.render.html.goroutines import beside
from stackscan.render.html.graphs.picture import Picture, picture
from stackscan.render.html.page import data, rendered, shell
from stackscan.render.html.pools import loads, segments
from stackscan.render.pieces import Piece, Screen, Spool
from stackscan.render.pool_words import in_trouble
from stackscan.report import BundleReport, Report, SnapshotReport, as_json, second_views
from stackscan.report.graph import graph_of
from stackscan.report.links import links_of

#: Stands in a piece for what makes its anchors distinct in the page: no text holds it, what is unprintable is escaped.
_OWN: Final = "\x01"
#: Findings of a capture that have a picture, the worst first.
_MOST_PICTURES: Final = 40


def render(report: Report, out: TextIO) -> None:
    """Write the whole page."""
    _write([_input(report)], [_index(report)], out)


def piece(report: Report, _: Screen) -> Piece:
    """The part of one input, and its lines of the overview."""
    return Piece(_input(report), _index(report))


def assemble(kept: Spool, out: TextIO) -> None:
    """Write the whole page."""
    _write(kept.captures(), kept.bundles(), out)


def _write(inputs: Iterable[str], indexes: Iterable[str], out: TextIO) -> None:
    index = [entry for place, text in enumerate(indexes) for entry in _entries(text, place)]
    before, after = shell("report", index[0]["where"] if len(index) == 1 else f"{len(index):,} captures", index=index)
    out.write(before)
    out.writelines(_anchored(text, place) for place, text in enumerate(inputs))
    out.write(after)


def _anchored(text: str, place: int) -> str:
    return text.replace(_OWN, f"i{place + 1}-" if place else "")


def _entries(text: str, place: int) -> list[dict[str, Any]]:
    return [entry | {"anchor": _anchored(entry["anchor"], place)} for entry in json.loads(text)]


def _shown(report: Report) -> Iterator[tuple[int, Markup, SnapshotReport]]:
    """The snapshots that have a section: place in the JSON, beginning of its anchors, and the report of each. A second
    view of a process that is shown already has none."""
    seconds = second_views(report)
    shown = [(n, s) for n, s in enumerate(report.snapshots) if (s.source, s.member) not in seconds]
    for place, (number, snapshot) in enumerate(shown):
        yield number, Markup(_OWN + (f"s{place + 1}-" if place else "")), snapshot  # noqa: S704 - letters of ours


def _input(report: Report) -> str:
    """The sections of one input, and its JSON report."""
    bundles = {bundle.source: bundle for bundle in report.bundles}
    sections = [section(s, bundles.get(s.source), number, anchor) for number, anchor, s in _shown(report)]
    return rendered("input", sections=sections, report=data(as_json(report)))


def section(snapshot: SnapshotReport, bundle: BundleReport | None, number: int, anchor: Markup) -> dict[str, Any]:
    """What the template of a capture needs."""
    findings = [
        {"finding": f, "number": n + 1, "teller": told_by(f, snapshot.findings), "picture": _picture(f, n)}
        for n, f in enumerate(snapshot.findings)
    ]
    troubled = in_trouble(snapshot)
    return {
        "snapshot": snapshot,
        "bundle": bundle,
        "number": number,
        "anchor": anchor,
        "findings": findings,
        "frames": dict(snapshot.finding_frames),
        "families": dict(snapshot.finding_families),
        "pools": [(s, segments(s)) for s in sorted(snapshot.pools, key=lambda sample: sample not in troubled)],
        "troubled": troubled,
        "loads": loads(snapshot),
        "links": links_of(snapshot),
        "beside": data(beside(snapshot, links_of(snapshot))),
    }


def _picture(finding: Finding, place: int) -> Picture | None:
    """The wait-for graph of a finding; None where there is none, or many others are worse."""
    graph = graph_of(finding) if finding.waits is not None and place < _MOST_PICTURES else None
    return None if graph is None else picture(graph)


def _index(report: Report) -> str:
    """The lines of the overview: where, the verdict, and the anchor of each section."""
    return json.dumps(
        [
            {
                "where": words.where(snapshot),
                "anchor": f"{anchor}capture",
                "level": snapshot.verdicts[0].level,
                "verdict": words.plain(snapshot.verdicts[0].text),
                "goroutines": snapshot.goroutines,
            }
            for _, anchor, snapshot in _shown(report)
        ]
    )
