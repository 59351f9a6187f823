"""The pipeline: open → read → analyse → report, one capture at a time.

An input is opened by ``sources`` and read by ``formats`` into captures; ``analysis`` makes an Analysis of each,
``load`` asks the pool model, ``report`` says what may be shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from stackscan.analysis.analyse import analyse
from stackscan.analysis.selection import check_expression
from stackscan.formats.contents import Progress, read_source
from stackscan.knowledge.configuration import Configuration, shipped
from stackscan.load.projections import project_samples
from stackscan.model.capture import Capture
from stackscan.redaction import Redaction
from stackscan.report import (
    BundleReport,
    CaptureReport,
    Report,
    SnapshotReport,
    View,
    build_bundle,
    build_snapshot,
)


@dataclass(frozen=True, slots=True)
class Options:
    """How to analyse: with which rules and pools, which goroutines (``where``: an expression; None: all), how many
    buckets to keep (None: all), whether to show idle goroutines and all details, and whether findings say why."""

    configuration: Configuration
    where: str | None = None
    top: int | None = None
    everything: bool = False
    explained: bool = False


def scan(
    inputs: Iterable[str],
    *,
    top: int | None = None,
    options: Options | None = None,
    progress: Progress | None = None,
    redaction: Redaction | None = None,
) -> Report:
    """Read all inputs and report what they hold: with what ships, unless ``options`` say otherwise.

    Raises StackscanError for an input that cannot be read or holds no dump.
    """
    options = options or Options(shipped(), top=top)
    check_expression(options.where)
    found: list[SnapshotReport] = []
    bundles: list[BundleReport] = []
    for each in inputs:
        captures, bundle = examine(each, options=options, progress=progress, redaction=redaction)
        found += [capture.report for capture in captures]
        bundles += [] if bundle is None else [bundle]
    return Report(tuple(found), tuple(bundles))


def examine(
    source: str,
    *,
    options: Options | None = None,
    progress: Progress | None = None,
    redaction: Redaction | None = None,
) -> tuple[list[CaptureReport], BundleReport | None]:
    """The captures of one input with their reports, and the report of the bundle if it is one.

    The dump is analysed as it is; a redaction only decides what is said of it. Raises StackscanError when the input
    cannot be read or holds no dump.
    """
    options = options or Options(shipped())
    contents = read_source(source, progress)
    bundle = build_bundle(contents) if contents.is_bundle else None
    if bundle is not None and redaction is not None:
        bundle = redaction.bundle(bundle)
    return [_report(capture, options, redaction) for capture in contents.captures], bundle


def _report(capture: Capture, options: Options, redaction: Redaction | None) -> CaptureReport:
    shown = capture if redaction is None else redaction.capture(capture)
    analysis = analyse(capture, options.configuration, where=options.where, shown=shown)
    view = View(options.top, options.everything, options.explained)
    return CaptureReport(shown, build_snapshot(analysis, projections=project_samples(analysis), view=view))
