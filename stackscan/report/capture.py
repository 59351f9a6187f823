"""One capture's way to its report: analysed, the pool model asked, and only what may be shown kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from stackscan.analysis.analyse import Analysis, analyse
from stackscan.knowledge.configuration import Configuration
from stackscan.model.capture import Capture
from stackscan.report.build import View, build_snapshot
from stackscan.report.model import CaptureReport

if TYPE_CHECKING:
    from stackscan.formats.contended import ContentionProfile
    from stackscan.golang.reader import Reader
    from stackscan.queueing.outlook import Outlook
    from stackscan.queueing.projection import Projection


@dataclass(frozen=True, slots=True)
class Options:
    """How to analyse: with which rules and pools, which goroutines (``where``: an expression; None: all), how many
    buckets to keep (None: all), whether to show idle goroutines and all details, and whether findings say why;
    ``reader`` reads the program's source (None: none is read); ``projected``: the pool model is asked;
    ``individually``: the report holds every goroutine, and what may be drawn of its pools; ``by``: what goroutines,
    findings and pools are counted by (``label:tenant``; None: nothing)."""

    configuration: Configuration
    where: str | None = None
    top: int | None = None
    everything: bool = False
    explained: bool = False
    reader: Reader | None = None
    projected: bool = True
    individually: bool = False
    by: str | None = None


def report_capture(
    capture: Capture, options: Options, *, shown: Capture, contention: Sequence[ContentionProfile] = ()
) -> CaptureReport:
    """Analyse a capture and report it as ``shown``: itself, or without its private names; ``contention`` are the mutex
    and block profiles beside it."""
    analysis = analyse(
        capture,
        options.configuration,
        where=options.where,
        shown=shown,
        contention=contention,
        reader=options.reader,
        by=options.by,
    )
    view = View(options.top, options.everything, options.explained, options.individually)
    projections = _projections(analysis) if options.projected else ()
    outlooks = _outlooks(projections) if options.individually else ()
    report = build_snapshot(analysis, projections=projections, outlooks=outlooks, view=view)
    if options.reader is not None:
        report = replace(report, source_notes=options.reader.new_notes(), find_source=options.reader.path)
    return CaptureReport(shown, report)


def _projections(analysis: Analysis) -> tuple[tuple[str, Projection], ...]:
    """What the pool model says of the pools that have a model: few dumps show one."""
    if all(sample.pool.model is None for sample in analysis.samples):
        return ()
    from stackscan.load.projections import project_samples

    return project_samples(analysis)


def _outlooks(projections: Sequence[tuple[str, Projection]]) -> tuple[tuple[str, Outlook], ...]:
    """What may be drawn of projections."""
    if not projections:
        return ()
    from stackscan.queueing.outlook import outlook

    return tuple((name, outlook(found)) for name, found in projections)
