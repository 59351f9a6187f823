"""The report in the text format of OpenMetrics 1.0. It has gauges only, so that Prometheus' older text format, and
node_exporter's collector of text files, read it as well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TextIO

from stackscan.render.openmetrics.families import FAMILIES, Family, Metrics, Row, Samples, exposition
from stackscan.render.openmetrics.rows import Found, build, findings, goroutines, pools
from stackscan.render.pieces import Piece, Screen, Spool
from stackscan.report import Report, SnapshotReport, second_views

_END: Final = "# EOF\n"


def render(report: Report, out: TextIO) -> None:
    """Write the whole report."""
    text = piece(report, Screen(is_terminal=False)).captures
    _write(lambda: [text], out)


def piece(report: Report, _: Screen) -> Piece:
    """The samples of one input, a line each. Of two views of one process the better one counts."""
    samples, seconds = Samples(), second_views(report)
    for snapshot in report.snapshots:
        if (snapshot.source, snapshot.member) not in seconds:
            samples.add(_labels(snapshot), _rows(snapshot))
    return Piece("\n".join(_lines(samples)) + "\n", "")


def assemble(kept: Spool, out: TextIO) -> None:
    """Write the whole report."""
    _write(kept.captures, out)


def _labels(snapshot: SnapshotReport) -> dict[str, str]:
    place = {"source": snapshot.source, "member": snapshot.member or "", "position": str(snapshot.position)}
    return place | ({"stream": snapshot.stream} if snapshot.stream else {})


def _rows(snapshot: SnapshotReport) -> Iterator[Row]:
    states: Counter[str] = Counter()
    for stack in snapshot.buckets:
        states[stack.state] += stack.bucket.count
    found = (Found(f.rule.name, f.severity, f.cause or "", f.count) for f in snapshot.findings)
    yield from goroutines(states, snapshot.goroutines)
    yield from findings(found)
    yield from pools(snapshot.pools, dict(snapshot.projections))
    yield "stackscan_capture_complete", {}, int(snapshot.complete)


def _write(texts: Callable[[], Iterable[str]], out: TextIO) -> None:
    """Put the samples of all inputs together: a metric stands in one place, its inputs in their order."""
    this = Samples()
    this.add({}, build())
    out.write(exposition(this).removesuffix(_END))
    for family in FAMILIES:
        if not family.live and not family.own:
            _write_family(family, texts(), out)
    out.write(_END)


def _write_family(family: Family, texts: Iterable[str], out: TextIO) -> None:
    """Write a metric, unless no input has a sample of it. An input that is given twice counts once."""
    seen: set[str] = set()
    begin = family.name + "{"
    for text in texts:
        for line in text.split("\n"):
            labels = line.rpartition(" ")[0]
            if not line.startswith(begin) or labels in seen:
                continue
            if not seen:
                out.write(_head(family))
            seen.add(labels)
            out.write(line + "\n")


def _head(family: Family) -> str:
    """The lines before a metric's samples."""
    return exposition(Metrics((family.metric(),))).removesuffix(_END)


def _lines(samples: Samples) -> Iterator[str]:
    return (line for line in exposition(samples).split("\n") if line and not line.startswith("#"))
