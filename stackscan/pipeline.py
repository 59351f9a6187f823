"""The pipeline: open → read → analyse → report, one capture at a time.

An input is opened by ``sources`` and read by ``formats`` into captures; ``analysis`` makes an Analysis of each,
``load`` asks the pool model, ``report`` says what may be shown.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from stackscan import workers
from stackscan.analysis.analyse import Analysis, analyse
from stackscan.analysis.selection import check_expression
from stackscan.errors import SourceError, StackscanError
from stackscan.formats.contents import Contents, Progress, read_members, read_source
from stackscan.knowledge.configuration import Configuration, load, shipped
from stackscan.report import (
    BundleReport,
    CaptureReport,
    Report,
    SnapshotReport,
    View,
    build_bundle,
    build_snapshot,
)
from stackscan.sources.sent import Sent

if TYPE_CHECKING:
    from stackscan.fleet.observe import Observe, Row, Unread
    from stackscan.formats.contended import ContentionProfile
    from stackscan.golang.reader import Reader
    from stackscan.model.capture import Capture
    from stackscan.queueing.outlook import Outlook
    from stackscan.queueing.projection import Projection
    from stackscan.redaction import Redaction
    from stackscan.report.goroutine import GoroutineReport
    from stackscan.sources.parts import Group, Part

Made = TypeVar("Made")
#: What is made of one input, by its name: its captures with their reports, and the report of the bundle if it is one.
Make = Callable[[str, list[CaptureReport], BundleReport | None], Made]


@dataclass(frozen=True, slots=True)
class Options:
    """How to analyse: with which rules and pools, which goroutines (``where``: an expression; None: all), how many
    buckets to keep (None: all), whether to show idle goroutines and all details, and whether findings say why;
    ``reader`` reads the program's source (None: none is read); ``projected``: the pool model is asked;
    ``individually``: the report holds every goroutine, and what may be drawn of its pools."""

    configuration: Configuration
    where: str | None = None
    top: int | None = None
    everything: bool = False
    explained: bool = False
    reader: Reader | None = None
    projected: bool = True
    individually: bool = False


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


@contextmanager
def each(
    inputs: Iterable[str],
    make: Make[Made],
    *,
    options: Options,
    progress: Progress | None = None,
    redaction: Redaction | None = None,
    jobs: int | None = 1,
) -> Iterator[Iterator[Made | StackscanError]]:
    """Within it: what ``make`` makes of each input, in their order, or the StackscanError that keeps it from being
    read. What it is made of is not kept.

    ``jobs``: so many processes work (None: as many as there are processors, once it lasts); then ``make``, and what it
    makes, must be what pickle takes.
    """
    check_expression(options.where)
    work = _Examination(make, options, redaction)
    sent = [Sent.of(source) for source in inputs]
    with workers.in_order(sent, work, jobs=jobs, progress=progress, here=attrgetter("stays")) as outcomes:
        yield (work.told_once(outcome, one, progress).made for one, outcome in zip(sent, outcomes, strict=True))


def made(found: Iterable[Made | StackscanError]) -> Iterator[Made]:
    """What was made of each input; raises the error of the first that could not be read."""
    for one in found:
        if isinstance(one, StackscanError):
            raise one
        yield one


@dataclass(frozen=True, slots=True)
class _Outcome(Generic[Made]):
    """What was made of an input, by which process, and what that process had to say on source."""

    made: Made | StackscanError
    process: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Examination(Generic[Made]):
    """What is done with each input."""

    make: Make[Made]
    options: Options
    redaction: Redaction | None

    def __call__(self, source: Sent, progress: Progress | None) -> _Outcome[Made]:
        try:
            found, bundle = examine(source.source, options=self.options, progress=progress, redaction=self.redaction)
        except StackscanError as error:
            return _Outcome(error, os.getpid())
        notes = tuple(note for one in found for note in one.report.source_notes)
        return _Outcome(self.make(str(source), found, bundle), os.getpid(), notes)

    def told_once(self, outcome: _Outcome[Made], source: Sent, progress: Progress | None) -> _Outcome[Made]:
        """The outcome; made again here, where every note is said once, when a process repeats what another one said."""
        reader = self.options.reader
        if reader is None or outcome.process == os.getpid() or reader.told.isdisjoint(outcome.notes):
            if reader is not None:
                reader.told.update(outcome.notes)
            return outcome
        return self(source, progress)

    def __reduce__(self) -> tuple[object, ...]:
        """As another process makes it: rules are compiled there, not sent."""
        return _travelling(_Examination, self.make, self.options, self.redaction)


@contextmanager
def each_part(
    parts: Sequence[Part],
    observe: Observe,
    *,
    options: Options,
    progress: Progress | None = None,
    redaction: Redaction | None = None,
    jobs: int | None = 1,
) -> Iterator[Iterator[list[Row | Unread]]]:
    """Within it: the rows of each part of a source, in their order. ``jobs`` as for :func:`each`."""
    work = _Survey(observe, options, redaction)
    with workers.in_order(parts, work, jobs=jobs, progress=progress, here=attrgetter("stays")) as outcomes:
        yield outcomes


@dataclass(frozen=True, slots=True)
class _Survey:
    """What is done with each part."""

    observe: Observe
    options: Options
    redaction: Redaction | None

    def __call__(self, part: Part, progress: Progress | None) -> list[Row | Unread]:
        from stackscan.sources.parts import groups

        rows: list[Row | Unread] = []
        try:
            for group in groups(part):
                rows += self.observe(group, partial(self._read, progress))
        except StackscanError as error:
            rows.append(self.observe.lost(part, error))
        return rows

    def _read(self, progress: Progress | None, group: Group) -> list[tuple[Capture, SnapshotReport]]:
        contents = read_members(group.source, group.members, progress)
        return [(one, _report(one, self.options, self.redaction, ()).report) for one in contents.captures]

    def __reduce__(self) -> tuple[object, ...]:
        """As another process makes it: rules are compiled there, not sent."""
        return _travelling(_Survey, self.observe, self.options, self.redaction)


def _travelling(work: type, make: object, options: Options, redaction: Redaction | None) -> tuple[object, ...]:
    """Work as a pickle takes it: without its rules, and without the hashes that a redaction knows."""
    given = options.configuration
    if given.path is None and given != shipped():
        raise TypeError("a configuration without a file")
    bare = replace(options, configuration=Configuration((), ()))
    return _arrived, (work, make, given.path, bare, None if redaction is None else replace(redaction))


def _arrived(work: Any, make: object, path: Path | None, options: Options, redaction: Redaction | None) -> object:
    return work(make, replace(options, configuration=load(path)), redaction)


def examine(
    source: str,
    *,
    options: Options | None = None,
    progress: Progress | None = None,
    redaction: Redaction | None = None,
) -> tuple[list[CaptureReport], BundleReport | None]:
    """The captures of one input with their reports, and the report of the bundle if it is one.

    A redaction changes the reports, not the analysis. Raises StackscanError when the input cannot be read or holds no
    dump.
    """
    options = options or Options(shipped())
    if options.reader is not None:
        options.reader.begin_input()
    return examine_contents(read_source(source, progress), options=options, redaction=redaction)


def examine_contents(
    contents: Contents, *, options: Options, redaction: Redaction | None = None
) -> tuple[list[CaptureReport], BundleReport | None]:
    """The same of an input that has been read."""
    bundle = build_bundle(contents) if contents.is_bundle else None
    if bundle is not None and redaction is not None:
        bundle = redaction.bundle(bundle)
    return [
        _report(capture, options, redaction, profiles_beside(capture, contents)) for capture in contents.captures
    ], bundle


def profiles_beside(capture: Capture, contents: Contents) -> list[ContentionProfile]:
    """The mutex and block profiles of a capture's folder in a bundle: they are of the same process."""
    return [profile for member, profile in contents.contention if member.rpartition("/")[0] == capture.place.folder]


def show(
    source: str,
    number: int,
    *,
    options: Options | None = None,
    progress: Progress | None = None,
    redaction: Redaction | None = None,
) -> list[GoroutineReport]:
    """What each capture of an input says of the goroutine with this id.

    Raises SourceError when none has it, and what ``examine`` raises.
    """
    options = options or Options(shipped())
    captures = read_source(source, progress).captures
    found = []
    for capture in captures:
        public = capture if redaction is None else redaction.capture(capture)
        from stackscan.report.goroutine import build_goroutine

        report = build_goroutine(analyse(capture, options.configuration, shown=public, reader=options.reader), number)
        if report is not None:
            find = None if options.reader is None else options.reader.path
            found.append(replace(report, find_source=find))
    if not found:
        raise _unknown(number, captures)
    return found


def _unknown(number: int, captures: Sequence[Capture]) -> SourceError:
    """Why no goroutine has this id, and which there are."""
    where = captures[0].place.where
    ids = [one for capture in captures for one in capture.snapshot.column("goroutine_id") if one is not None]
    if not ids:
        return SourceError(
            f"{where} has no goroutine ids: a counted format sums goroutines up",
            hint="Take the full text: /debug/pprof/goroutine?debug=2.",
        )
    few = ", ".join(map(str, sorted(ids)[:5]))
    return SourceError(
        f"goroutine {number} is not in {where}: it has {len(ids):,}, with ids from {min(ids):,} to {max(ids):,}",
        hint=f"Ids are in the report's findings; the first are {few}.",
    )


def _report(
    capture: Capture, options: Options, redaction: Redaction | None, contention: Sequence[ContentionProfile]
) -> CaptureReport:
    public = capture if redaction is None else redaction.capture(capture)
    analysis = analyse(
        capture,
        options.configuration,
        where=options.where,
        shown=public,
        contention=contention,
        reader=options.reader,
    )
    view = View(options.top, options.everything, options.explained, options.individually)
    projections = _projections(analysis) if options.projected else ()
    outlooks = _outlooks(projections) if options.individually else ()
    report = build_snapshot(analysis, projections=projections, outlooks=outlooks, view=view)
    if options.reader is not None:
        report = replace(report, source_notes=options.reader.new_notes(), find_source=options.reader.path)
    return CaptureReport(public, report)


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
