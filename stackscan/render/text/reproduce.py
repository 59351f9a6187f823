"""The results for people: the verdict first, then the numbers in the form of boxo #1142, and what happened when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TextIO

from rich.console import Console
from rich.text import Text

from stackscan.queueing.replay import Replay
from stackscan.reproduce.close import CloseResult, CloseRun
from stackscan.reproduce.lazy import Shape
from stackscan.reproduce.peers import Kind
from stackscan.reproduce.pool import Ended, Mode, ModeResult, PoolResult
from stackscan.reproduce.prediction import Prediction, holds

_MARKS: Final = {"error": ("✗", "bold red"), "warning": ("!", "bold yellow"), "ok": ("✓", "green")}
_PIPE_WIDTH: Final = 100
_MOST_WAVES: Final = 4
_READERS: Final = {Shape.WORKER_READS: "the worker", Shape.COMPANION_READS: "its companion", None: "nobody"}
#: What ends the wait of Close, by the peer.
_ENDS: Final = {
    Kind.ANSWERING: "the peer answered",
    Kind.CLOSING: "the peer closed the stream",
    Kind.RESETTING: "the peer reset the stream",
    Kind.REFUSING: "the peer answered that it does not speak the protocol",
    Kind.SLOW: "the peer answered late",
}
_NAMES: Final = {Mode.SYNCHRONOUS: "sync:", Mode.DETACHED: "async:"}
_Line = tuple[str, str]  # a level (or "") and a text


def render_close(result: CloseResult, out: TextIO) -> None:
    """Write what became of the closes."""
    page = _Page(out)
    page.verdicts(_close_verdicts(result))
    page.rows(
        (("", "peer", "read deadline", "Close", "expected", "reads", "bytes"), *map(_close_row, result.runs)),
        marks=("", *(_mark(run.as_expected) for run in result.runs)),
    )
    if first := next((run.writes[0] for run in result.runs if run.writes), None):
        page.blank()
        page.say(f"  first write  {len(first)} bytes: {ascii(first)[1:]}")


def render_pool(result: PoolResult, prediction: Prediction, out: TextIO) -> None:
    """Write what both ways to close made of the batch, beside what was predicted of them."""
    page = _Page(out)
    page.verdicts(_pool_verdicts(result))
    setup = result.setup
    page.say(
        f"  {setup.workers} workers · {len(setup.silent)} tasks, {sum(setup.silent)} to silent peers · "
        f"close deadline {spelt(setup.close_deadline_seconds)} · budget {spelt(setup.budget_seconds)}"
    )
    page.blank()
    modes = [
        (mode, run) for mode, run in zip(Mode, (result.synchronous, result.detached), strict=True) if run is not None
    ]
    if not modes:
        page.say("  nothing had started")
        return
    rows = [("", "", "happened", "predicted")]
    rows += [
        ("", _NAMES[mode], _score(run), _foretold(prediction.of(mode), setup.budget_seconds)) for mode, run in modes
    ]
    page.rows(rows, marks=("", *(_mark(holds(prediction.of(mode), run)) for mode, run in modes)))
    for mode, run in modes:
        page.blank()
        page.say(f"  {_NAMES[mode]:<6} {_story(run)}")
        for line in _silent_story(run, mode, setup.close_deadline_seconds):
            page.say(f"         {line}")


def spelt(seconds: float) -> str:
    """A time as Go would round it for people: ``20.0s``, ``5ms``, ``300us``; whole seconds without a point."""
    if seconds >= 1:
        return f"{seconds:.0f}s" if seconds == round(seconds) else f"{seconds:.1f}s"
    if seconds >= 0.001:
        return f"{seconds * 1e3:.0f}ms"
    return f"{seconds * 1e6:.0f}us"


def _measured(seconds: float) -> str:
    """A measured time, to a tenth of a millisecond."""
    return f"{seconds:.4f}s" if seconds >= 1 else f"{seconds * 1e3:.1f}ms"


# -- one close ---------------------------------------------------------------------------------------------------------


def _close_verdicts(result: CloseResult) -> Iterator[_Line]:
    if result.interrupted:
        yield "warning", "interrupted: these are the results until then"
    runs = result.runs
    if len(runs) == 1:
        yield _close_verdict(runs[0])
        return
    still_open = [run for run in runs if not run.returned]
    waited = [run for run in runs if run.returned and run.expected_seconds == run.case.read_deadline_seconds]
    at_once = len(runs) - len(still_open) - len(waited)
    if still_open:
        watched = max(run.close_seconds for run in still_open)
        yield "error", f"{len(still_open)} of {len(runs)} closes are still open after {_go(watched)}"
    if waited:
        yield "warning", f"{len(waited)} of {len(runs)} closes lasted until their read deadline"
    if at_once:
        yield "ok", f"{at_once} of {len(runs)} closes returned when their peer answered or ended the stream"
    wrong = sum(run.as_expected is False for run in runs)
    if wrong:
        yield "error", f"{wrong} of {len(runs)} closes did not last as long as expected"


def _close_verdict(run: CloseRun) -> _Line:
    deadline = run.case.read_deadline_seconds
    peer = f"a {run.case.peer} peer" if run.case.peer is not Kind.ANSWERING else "an answering peer"
    if run.cut:
        return "warning", f"Close had been open for {_go(run.close_seconds)}" if run.writes else "Close had not started"
    if not run.returned:
        why = "no read deadline is set" if deadline is None else f"the read deadline is {spelt(deadline)}"
        return (
            "error",
            f"Close is still open after {_go(run.close_seconds)}: it waits for {peer}, and {why}",
        )
    lasted = f"Close returned after {_measured(run.close_seconds)}"
    if deadline is not None and run.expected_seconds == deadline:
        return "warning", f"{lasted}: the read deadline of {spelt(deadline)} ended its wait for {peer}"
    if not run.as_expected:
        return "error", f"{lasted}, later than expected for {peer}"
    return "ok", f"{lasted}: {_ENDS[run.case.peer]}"


def _close_row(run: CloseRun) -> tuple[str, ...]:
    deadline = run.case.read_deadline_seconds
    return (
        "",
        run.case.peer.value,
        "none" if deadline is None else spelt(deadline),
        _measured(run.close_seconds) if run.returned else f"open at {_go(run.close_seconds)}",
        "open at the cap"
        if run.expected_seconds is None
        else spelt(run.expected_seconds)
        if run.expected_seconds
        else "at once",
        _READERS[run.shape],
        str(run.bytes_written),
    )


# -- the pool ----------------------------------------------------------------------------------------------------------


def _pool_verdicts(result: PoolResult) -> Iterator[_Line]:
    if result.interrupted:
        yield "warning", "interrupted: these are the results until then"
    if result.synchronous is not None:
        yield _mode_verdict(Mode.SYNCHRONOUS, result.synchronous, result)
    if result.detached is not None:
        level, text = _mode_verdict(Mode.DETACHED, result.detached, result)
        ratio = result.throughput_ratio
        yield level, text if ratio is None else f"{text}: {ratio:,.0f} times as many per second"


def _mode_verdict(mode: Mode, run: ModeResult, result: PoolResult) -> _Line:
    name = f"{mode} closes"
    if run.ended is Ended.DONE:
        done = f"{name}: all {run.tasks} tasks in {_go(run.seconds)}"
        waited = run.silent_closes.begun - run.silent_closes.still_open
        if mode is Mode.SYNCHRONOUS and waited and run.seconds >= result.setup.close_deadline_seconds:
            return "warning", f"{done}, {waited} of them waited {spelt(result.setup.close_deadline_seconds)} for a peer"
        return "ok", done
    workers = run.silent_closes.still_open if mode is Mode.SYNCHRONOUS else 0
    held = f", {workers} of {result.setup.workers} workers are blocked by silent peers" if workers else ""
    level = "error" if run.ended is Ended.BUDGET else "warning"
    return level, f"{name}: {run.completed} of {run.tasks} tasks in {_go(run.seconds)}{held}"


def _score(run: ModeResult) -> str:
    """As the issue prints it: ``194/200 in 20.0s (9.7/s)``."""
    return f"{run.completed}/{run.tasks} in {_go(run.seconds)} ({_rate(run.tasks_per_second)}/s)"


def _foretold(run: Replay, budget_seconds: float) -> str:
    seconds = min(run.makespan_seconds, budget_seconds)
    racing = run.completed_at_budget - run.completed_before_budget
    text = f"{run.completed_before_budget}/{run.tasks} in {_go(seconds)} ({_rate(run.tasks_per_second)}/s)"
    return f"{text}, {racing} more at the budget" if racing else text


def _go(seconds: float) -> str:
    return f"{seconds:.1f}s" if seconds >= 1 else spelt(seconds)


def _rate(per_second: float) -> str:
    return f"{per_second:,.1f}" if per_second < 100 else f"{per_second:,.0f}"


def _story(run: ModeResult) -> str:
    """When tasks were completed: ``99 tasks by 17ms, 95 from 10.0005s to 10.0177s, then none until 20.0s``."""
    parts = [
        f"{wave.tasks} from {_measured(wave.first_seconds)} to {_measured(wave.last_seconds)}" for wave in run.waves
    ]
    if run.waves:
        parts[0] = f"{run.waves[0].tasks} tasks by {_go(run.waves[0].last_seconds)}"
    if len(parts) > _MOST_WAVES:
        parts[2:-1] = [f"{len(parts) - 3} more waves"]
    if run.ended is not Ended.DONE:
        parts.append(f"then none until {_go(run.seconds)}" if parts else f"no task by {_go(run.seconds)}")
    if len(run.rounds_seconds) > 1:
        parts.append(f"the shortest of {len(run.rounds_seconds)} runs, the longest {_go(max(run.rounds_seconds))}")
    return ", ".join(parts)


def _silent_story(run: ModeResult, mode: Mode, deadline_seconds: float) -> Iterator[str]:
    closes = run.silent_closes
    beside = f", for {spelt(deadline_seconds)} at most" if mode is Mode.DETACHED and closes.still_open else ""
    yield f"closes to silent peers: {closes.begun} started, {closes.still_open} still open{beside}"
    if closes.begun:
        yield f"the answer is read by the worker in {closes.worker_reads}, its companion in {closes.companion_reads}"


# -- the page ----------------------------------------------------------------------------------------------------------


def _mark(good: bool | None) -> str:
    return "" if good is None else "ok" if good else "error"


class _Console(Console):
    """Rich's console, but a reader that goes away is the caller's business."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class _Page:
    """Lines on a terminal or in a pipe: prose is wrapped, rows are not."""

    def __init__(self, out: TextIO) -> None:
        width = None if out.isatty() else _PIPE_WIDTH
        self._console = _Console(file=out, highlight=False, markup=False, emoji=False, width=width)

    def say(self, text: str) -> None:
        indent = len(text) - len(text.lstrip())
        body = Text(text.strip())
        for number, line in enumerate(body.wrap(self._console, max(20, self._console.width - indent))):
            line.rstrip()
            self._console.print(Text.assemble(" " * (indent if not number else indent + 2), line), soft_wrap=True)

    def blank(self) -> None:
        self._console.print()

    def verdicts(self, lines: Iterable[_Line]) -> None:
        for level, text in lines:
            mark, style = _MARKS[level]
            wrapped = Text(text).wrap(self._console, max(20, self._console.width - 2))
            for number, line in enumerate(wrapped):
                line.rstrip()
                head = ("  ", "") if number else (f"{mark} ", style)
                self._console.print(Text.assemble(head, line), soft_wrap=True)
        self.blank()

    def rows(self, rows: Sequence[Sequence[str]], *, marks: Sequence[str]) -> None:
        """A table whose first column is a mark (a level, or nothing)."""
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row, level in zip(rows, marks, strict=True):
            mark, style = _MARKS.get(level, (" ", ""))
            cells = "  ".join(cell.ljust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
            self._console.print(Text.assemble((f"{mark} ", style), cells.rstrip()), soft_wrap=True)
