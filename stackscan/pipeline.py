"""The pipeline: open → read → analyse → report, one capture at a time.

An input is opened by ``sources`` and read by ``formats`` into captures; ``analysis`` makes an Analysis of each,
``load`` asks the pool model, ``report`` says what may be shown.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Generic, TypeVar

from stackscan import workers
from stackscan.analysis.analyse import analyse
from stackscan.analysis.selection import check_expression
from stackscan.errors import SourceError, StackscanError
from stackscan.formats.contents import Contents, Progress, read_source
from stackscan.knowledge.configuration import shipped
from stackscan.report import BundleReport, CaptureReport, Report, SnapshotReport
from stackscan.report.capture import Options, report_capture
from stackscan.sources.sent import Sent

if TYPE_CHECKING:
    from stackscan.formats.contended import ContentionProfile
    from stackscan.model.capture import Capture
    from stackscan.redaction import Redaction
    from stackscan.report.goroutine import GoroutineReport

__all__ = ["Options", "each", "examine", "examine_contents", "made", "profiles_beside", "scan", "show"]

Made = TypeVar("Made")
#: What is made of one input, by its name: its captures with their reports, and the report of the bundle if it is one.
Make = Callable[[str, list[CaptureReport], BundleReport | None], Made]


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
    return examine_contents(read_source(source, progress), options=options, redaction=redaction)


def examine_contents(
    contents: Contents, *, options: Options, redaction: Redaction | None = None
) -> tuple[list[CaptureReport], BundleReport | None]:
    """The same of an input that has been read."""
    if options.reader is not None:
        options.reader.begin_input()
    reports = [_report(capture, contents, options, redaction) for capture in contents.captures]
    return reports, _bundle(contents, redaction) if contents.is_bundle else None


def _bundle(contents: Contents, redaction: Redaction | None) -> BundleReport:
    from stackscan.report.bundle import build_bundle  # a dump is none

    bundle = build_bundle(contents)
    return bundle if redaction is None else redaction.bundle(bundle)


def _report(capture: Capture, contents: Contents, options: Options, redaction: Redaction | None) -> CaptureReport:
    shown = capture if redaction is None else redaction.capture(capture)
    return report_capture(capture, options, shown=shown, contention=profiles_beside(capture, contents))


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
