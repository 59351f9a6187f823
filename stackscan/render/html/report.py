"""The report as a page for a browser."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final, TextIO

from markupsafe import Markup

from stackscan.analysis.finding import told_by
from stackscan.render import words
from stackscan.render.html.goroutines import beside
from stackscan.render.html.graphs.picture import picture
from stackscan.render.html.page import data, rendered, shell
from stackscan.render.html.pools import loads, segments
from stackscan.render.pieces import Piece, Screen, Spool
from stackscan.render.pool_words import in_trouble
from stackscan.report import BundleReport, Report, SnapshotReport, as_json, second_views
from stackscan.report.links import links_of

#: Stands in a piece for what makes its anchors distinct in the page: no text holds it, what is unprintable is escaped.
_OWN: Final = "\x01"


def render(report: Report, out: TextIO) -> None:
    """Write the whole page."""
    _write([_input(report, None)], [_index(report)], out)


def piece(report: Report, screen: Screen) -> Piece:
    """The part of one input, and its lines of the overview."""
    return Piece(_input(report, screen.editor), _index(report))


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


def _input(report: Report, editor: str | None) -> str:
    """The sections of one input, and its JSON report."""
    bundles = {bundle.source: bundle for bundle in report.bundles}
    sections = [section(s, bundles.get(s.source), number, anchor, editor) for number, anchor, s in _shown(report)]
    first: dict[str, Markup] = {}  # a bundle's members are listed with its first capture
    for each in sections:
        each["bundle_anchor"] = first.setdefault(each["snapshot"].source, each["anchor"])
    return rendered("input", sections=sections, report=data(as_json(report)))


def section(
    snapshot: SnapshotReport, bundle: BundleReport | None, number: int, anchor: Markup, editor: str | None
) -> dict[str, Any]:
    """What the template of a capture needs."""
    graphs, links = dict(snapshot.graphs), links_of(snapshot, editor)
    findings = [
        {
            "finding": finding,
            "number": n + 1,
            "teller": told_by(finding, snapshot.findings),
            "picture": picture(graphs[finding.key]) if finding.key in graphs else None,
        }
        for n, finding in enumerate(snapshot.findings)
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
        "links": links,
        "facets": snapshot.individuals is not None and bool(snapshot.individuals.facets),
        "beside": data(beside(snapshot, links)),
    }


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
