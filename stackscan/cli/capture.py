"""``stackscan capture``."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from stackscan.cli.options import option
from stackscan.cli.options.configuration import Config
from stackscan.cli.options.output import Format
from stackscan.cli.options.source import NoSource, SourceRoot, reader_of
from stackscan.cli.options.sources import Timeout, named
from stackscan.cli.options.units import interval
from stackscan.cli.terminal.endings import COULD_NOT, INTERRUPTED, say
from stackscan.cli.terminal.output import written

if TYPE_CHECKING:
    from stackscan.live.capture import Captures, Plan

FailOn = Literal["error", "warning", "info"]  # as rules have it, whose module only a comparison loads

_EVERY = timedelta(seconds=10)
_TARGET = "The process: http(s)://HOST:PORT of a program with net/http/pprof, or of kubo's API."
_INTERVAL = "Time from one capture to the next, like 10s or 5m [default: 10s]."
_OUTPUT = "Keep the captures in this folder, each in a file that carries its host and time."
_WITH = "Profiles to take as well, where the process offers them: mutex, block, goroutineleak."
_FAIL_ON = "Exit with 1 when a finding has this severity or a worse one; a leak is an error."


def _profiles(text: str) -> tuple[str, ...]:
    from stackscan.live.capture import profiles

    return profiles(text)


def command(
    target: Annotated[str, typer.Argument(metavar="TARGET", parser=named, help=_TARGET, show_default=False)],
    count: Annotated[int, option("Captures to take [default: 3].", "--count", min=2, max=1000, metavar="N")] = 3,
    every: Annotated[timedelta | None, option(_INTERVAL, "--interval", metavar="DURATION", parser=interval)] = None,
    output: Annotated[Path | None, option(_OUTPUT, "--output", "-o", metavar="DIR")] = None,
    profiles: Annotated[Any, option(_WITH, "--with", metavar="LIST", parser=_profiles)] = None,
    fail_on: Annotated[FailOn | None, option(_FAIL_ON)] = None,
    output_format: Format = "text",
    source_root: SourceRoot = None,
    no_source: NoSource = False,
    timeout: Timeout = None,
    config: Config = None,
) -> None:
    """Capture a live process several times, and compare: do goroutines leak, what grew, which goroutines stayed.

    A capture that fails is reported, and the others are taken. Ctrl-C ends the capturing: what was captured until then
    is kept and compared. See docs/live.md.

    \b
      stackscan capture http://localhost:6060
      stackscan capture --count 5 --interval 1m --output captures http://localhost:6060
      stackscan capture --fail-on error --with mutex,block http://localhost:5001
    """
    from stackscan.cli.options.configuration import configuration
    from stackscan.live.capture import Captures, Plan
    from stackscan.live.target import Target
    from stackscan.pipeline import Options

    options = Options(configuration(config), reader=reader_of(source_root, no_source), projected=False)
    plan = Plan(Target.parse(target, timeout), count, (every or _EVERY).total_seconds(), profiles or (), output)
    captures = Captures(plan, options, _captured, lambda what, hint: say(f"stackscan: {what}", hint))
    captures.run()
    failing = _show(captures, output_format, fail_on)
    if failing or captures.unkept or captures.interrupted:
        raise typer.Exit(COULD_NOT if captures.unkept else 1 if failing else INTERRUPTED)


def _captured(number: int, plan: Plan, goroutines: int, seconds: float) -> None:
    """Say on a terminal how far it is."""
    if sys.stderr is not None and sys.stderr.isatty():
        more = f"; the next follows after {plan.interval_seconds:g} s" if number < plan.count else ""
        say(f"capture {number} of {plan.count}: {goroutines:,} goroutines in {seconds:.1f} s{more}")


def _show(captures: Captures, output_format: str, fail_on: FailOn | None) -> bool:
    """Write the verdict, and whether it fails; of one capture its report. Raises SourceError for fewer than two."""
    from stackscan.errors import SourceError
    from stackscan.render import renderer

    if captures.judged > 1:
        found = captures.compared()
        with written(None) as out:
            renderer("compare", output_format)(found, out)
        return fail_on is not None and found.fails(fail_on)
    report = captures.report()
    with written(None) as out:
        renderer("report", output_format)(report, out)
    raise SourceError("one capture was taken, and reported; a comparison needs two", hint=captures.why)
