"""Runs a watch until it is stopped: who is told of what changes, and how it ends."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from stackscan.cli.terminal.endings import say
from stackscan.cli.terminal.stopping import Stop, stop_on_signals
from stackscan.errors import OutputError

if TYPE_CHECKING:
    from stackscan.live.target import Target
    from stackscan.live.watch import News, Settings, Watch
    from stackscan.pipeline import Options

#: Seconds in which the lines that wait are written at the end.
_LAST_SECONDS: Final = 0.4


@dataclass(frozen=True)
class Plan:
    """What to watch, how, and in which format it is told (None: a table on a terminal, JSON elsewhere)."""

    targets: Sequence[Target]
    settings: Settings
    options: Options
    output_format: Literal["text", "json"] | None = None


def run(plan: Plan) -> None:
    """Watch until a signal, a key, or the reader's end stops it. Raises OutputError where standard output cannot be
    written."""
    from stackscan.live.watch import Watch

    # It runs for long, and what it makes in a minute is garbage in the next one.
    gc.set_threshold(10_000, 20, 20)
    listeners: list[Callable[[News], None]] = []

    def tell(news: News) -> None:
        for listener in listeners:
            listener(news)

    watch = Watch(plan.targets, plan.settings, plan.options, tell)
    table = sys.stdout.isatty() and plan.output_format != "json" and os.environ.get("TERM") != "dumb"
    with stop_on_signals() as stop:
        try:
            (_on_terminal if table else _in_pipe)(watch, stop, listeners, plan)
        finally:
            watch.end()


def _on_terminal(watch: Watch, stop: Stop, listeners: list[Callable[[News], None]], plan: Plan) -> None:
    from stackscan.cli.terminal.screen import Screen, show

    del plan
    screen = Screen(watch, stop)
    listeners.append(screen.take)
    watch.start()
    show(screen)


def _in_pipe(watch: Watch, stop: Stop, listeners: list[Callable[[News], None]], plan: Plan) -> None:
    from stackscan.live.lines import plain_text_of, text_of, values_of
    from stackscan.live.outbox import Outbox

    spell = plain_text_of if plan.output_format == "text" else text_of
    descriptor = sys.stdout.fileno()
    out = Outbox(descriptor, ended=stop.request, tell_dropped=_say_dropped)

    def take(news: News) -> None:
        for values in values_of(news):
            out.add(spell(values))

    listeners.append(take)
    count = len(plan.targets)
    say(f"stackscan: watching {count:,} process{'' if count == 1 else 'es'} every {plan.settings.interval_seconds:g} s")
    watch.start()
    while not stop.requested and not stop.wait(None, (), (descriptor,)):
        pass
    watch.end()
    out.close(_LAST_SECONDS)
    if out.failure is not None and not isinstance(out.failure, BrokenPipeError):
        raise OutputError(f"standard output cannot be written: {out.failure.strerror or out.failure}")


def _say_dropped(count: int) -> None:
    say(f"stackscan: the reader of standard output is slow: {count:,} line{'' if count == 1 else 's'} dropped")
