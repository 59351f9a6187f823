"""Captures of a process at intervals: each is fetched, kept if asked to, and judged while the next is waited for."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stackscan import api, pipeline
from stackscan.errors import OutputError, SourceError, StackscanError, UsageError
from stackscan.export.atomic import named, new_file, remove_abandoned
from stackscan.formats.contents import read_bytes
from stackscan.live.files import label
from stackscan.live.poll import MOST_BYTES, ask
from stackscan.live.sample import Failure
from stackscan.live.target import Other, Target
from stackscan.report import BundleReport, CaptureReport, Report
from stackscan.sources import compressed, http
from stackscan.sources.names import capture_name

if TYPE_CHECKING:
    from stackscan.comparison import Comparison

#: The member of a bundle that holds a profile, as kubo names it.
_MEMBERS: Final[dict[Other, str]] = {
    "mutex": "mutex.pprof",
    "block": "block.pprof",
    "goroutineleak": "goroutineleak.txt",
}
_GOROUTINES: Final = "goroutines.stacks"
#: Level of compression: higher ones take seconds for a large dump, and save little.
_LEVEL: Final = 1


def profiles(text: str) -> tuple[Other, ...]:
    """The profiles in a list like ``mutex,block``. Raises UsageError for others."""
    names = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    wrong = [name for name in names if name not in _MEMBERS]
    if wrong:
        raise UsageError(f"{wrong[0]!r} is not a profile to capture", hint=f"Write some of {','.join(_MEMBERS)}.")
    return tuple(kind for kind in _MEMBERS if kind in names)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to capture: how often, seconds from the beginning of one capture to that of the next, profiles beside the
    goroutines, and the folder that keeps the captures (None: they are not kept)."""

    target: Target
    count: int
    interval_seconds: float
    others: tuple[Other, ...] = ()
    folder: Path | None = None


#: Hears of a capture: its number, the plan, its goroutines, and the seconds that the answer took.
Captured = Callable[[int, Plan, int, float], None]
#: Hears of what went wrong, and what to do.
Trouble = Callable[[str, str], None]


@dataclass(slots=True)
class _Taken:
    """One capture: its number, when and how long, its bytes (a dump, or a bundle with the profiles), its file."""

    number: int
    at: datetime
    seconds: float
    data: bytes
    cut: str | None
    path: Path | None = None


@dataclass(slots=True)
class Captures:
    """The captures of a process. ``interrupted``: Ctrl-C came before the last; ``failed`` is the last failure to
    capture (None: there was none); ``unkept``: a file could not be written."""

    plan: Plan
    options: pipeline.Options
    captured: Captured
    trouble: Trouble
    interrupted: bool = False
    failed: StackscanError | None = None
    unkept: bool = False
    _waiting: list[_Taken] = field(default_factory=list)
    _found: dict[int, tuple[str, list[CaptureReport], datetime]] = field(default_factory=dict)
    _first: _Taken | None = None
    _told: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Capture as planned, or until Ctrl-C; what came until then is kept and judged.

        Raises OutputError, before the first request, for a folder that cannot be made.
        """
        if self.plan.folder is not None:
            with named(self.plan.folder):
                self.plan.folder.mkdir(parents=True, exist_ok=True)
            remove_abandoned(self.plan.folder)
        try:
            for number in self._numbers():
                self._capture(number)
                self._finish()
        except KeyboardInterrupt:
            self.interrupted = True
        self._finish()

    def _numbers(self) -> Iterator[int]:
        """The numbers of the captures, each when it is due: at once where the one before it took longer."""
        due = time.monotonic()
        for number in range(1, self.plan.count + 1):
            time.sleep(max(0.0, due - time.monotonic()))
            due = time.monotonic() + self.plan.interval_seconds
            yield number

    def _capture(self, number: int) -> None:
        answer = ask(self.plan.target, "full")
        if isinstance(answer, Failure):
            self._fail(number, SourceError(answer.reason, hint=answer.hint))
            return
        try:
            text, broken = compressed.decompress(answer.data, where=str(self.plan.target))
        except StackscanError as error:
            self._fail(number, error)
            return
        cut = answer.cut or ("the compressed answer ends too early" if broken else None)
        if cut is not None:
            self._say(f"capture {number} of {self.plan.count}: {cut}", "")
        if self.plan.others:
            text, cut = _bundle(text, dict(self._others()), answer.at), None
        at = answer.at.replace(microsecond=answer.at.microsecond // 1000 * 1000)  # as the name of a file says it
        self._waiting.append(_Taken(number, at, answer.seconds, text, cut))

    def _others(self) -> Iterator[tuple[Other, bytes]]:
        """The other profiles that the process offers."""
        for kind in self.plan.others:
            try:
                yield kind, http.fetch(self.plan.target.other(kind), most_bytes=MOST_BYTES["full"]).data
            except StackscanError as error:
                self._say(f"no {kind} profile: {error}", "")

    def _finish(self) -> None:
        """Keep and judge what came; what Ctrl-C interrupts is done again."""
        while self._waiting:
            one = self._waiting[0]
            self._keep(one)
            try:
                self._judge(one)
            except StackscanError as error:
                self._fail(one.number, error)
            self._waiting.pop(0)

    def _keep(self, one: _Taken) -> None:
        if self.plan.folder is None or one.path is not None:
            return
        try:
            with named(self.plan.folder):
                self._write(self.plan.folder, one)
        except OutputError as error:
            self.unkept = True
            self._say(str(error), error.hint)

    def _write(self, folder: Path, one: _Taken) -> None:
        """Write a capture to its file; where its name is taken, it is of a millisecond later. Raises OSError."""
        suffix = ".zip" if self.plan.others else ".stacks"
        while one.path is None:
            path = folder / capture_name(label(self.plan.target), one.at, suffix)
            try:
                with new_file(path) as out:
                    out.write(one.data)
            except FileExistsError:
                one.at += timedelta(milliseconds=1)
            else:
                one.path = path

    def _judge(self, one: _Taken) -> None:
        found, _ = self._examined(one, self.options)
        if not found:
            raise SourceError(f"{self.plan.target} sent no goroutines")
        self._found[one.number] = self._source(one), found, one.at
        self._first = one if self.judged == 1 else None
        self.captured(one.number, self.plan, found[0].report.goroutines, one.seconds)

    def _examined(self, one: _Taken, options: pipeline.Options) -> tuple[list[CaptureReport], BundleReport | None]:
        return pipeline.examine_contents(read_bytes(self._source(one), one.data, one.cut), options=options)

    def _source(self, one: _Taken) -> str:
        return str(one.path or self.plan.target)

    def _fail(self, number: int, error: StackscanError) -> None:
        hint = error.hint if self.failed is None or str(self.failed) != str(error) else ""  # once is enough
        self.failed = error
        self.trouble(f"capture {number} of {self.plan.count} failed: {error}", hint)

    def _say(self, what: str, hint: str) -> None:
        """Say something once."""
        if what not in self._told:
            self._told.add(what)
            self.trouble(what, hint)

    @property
    def judged(self) -> int:
        """How many captures came and could be read."""
        return len(self._found)

    @property
    def why(self) -> str:
        """What to do where too few captures came."""
        if self.interrupted and self.failed is None:
            return "Let it run until the second capture has come."
        return "See above why the others failed, and try again."

    def compared(self) -> Comparison:
        """The verdict on them. Raises SourceError for fewer than two."""
        series = api.Series()
        for source, found, at in self._found.values():
            series.take(source, found, at)
        return series.compared()

    def report(self) -> Report:
        """The report of the only one, with the forecasts of its pools. Raises StackscanError where none came."""
        if self._first is None:
            raise SourceError(f"none of {self.plan.count} captures was taken", hint=self.why)
        found, bundle = self._examined(self._first, replace(self.options, projected=True))
        return Report(tuple(one.report for one in found), () if bundle is None else (bundle,))


def _bundle(text: bytes, others: dict[Other, bytes], at: datetime) -> bytes:
    """A zip of the goroutines and the other profiles of one moment."""
    out = io.BytesIO()
    moment = at.timetuple()[:6]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        members = {_GOROUTINES: text, **{_MEMBERS[kind]: data for kind, data in others.items()}}
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, moment), data, zipfile.ZIP_DEFLATED, _LEVEL)
    return out.getvalue()
