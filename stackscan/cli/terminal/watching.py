"""Runs a watch until it is stopped: who is told of what changes, and how it ends."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from stackscan.cli.terminal.endings import say
from stackscan.cli.terminal.stopping import Stop, stop_on_signals
from stackscan.errors import OutputError

if TYPE_CHECKING:
    from stackscan.cli.terminal.screen import Screen
    from stackscan.live.hooks.hooks import Hooks, WebhookFormat
    from stackscan.live.target import Target
    from stackscan.live.watch import News, Settings, Watch
    from stackscan.pipeline import Options

#: Seconds in which what waits is written and delivered at the end.
_LAST_SECONDS: Final = 0.4
Listener = Callable[["News"], None]


@dataclass(frozen=True)
class Plan:
    """What to watch and how, in which format it is told (None: a table on a terminal, JSON elsewhere), and who else is
    told."""

    targets: Sequence[Target]
    settings: Settings
    options: Options
    output_format: Literal["text", "json"] | None = None
    hooks: Sequence[str] = ()
    webhooks: Sequence[str] = ()
    webhook_format: WebhookFormat = "json"


def run(plan: Plan) -> None:
    """Watch until a signal, a key, or the reader's end stops it. Raises UsageError for a hook that cannot be one, and
    OutputError where standard output cannot be written."""
    # It runs for long, and what it makes in a minute is garbage in the next one.
    gc.set_threshold(10_000, 20, 20)
    with stop_on_signals() as stop:
        running = _Run(plan, stop)
        try:
            running.until_stopped()
        finally:
            running.end()


def is_table(output_format: str | None) -> bool:
    """Whether a live table is shown."""
    return output_format != "json" and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


@dataclass
class _Run:
    plan: Plan
    stop: Stop
    listeners: list[Listener] = field(default_factory=list)
    _watch: Watch = field(init=False)
    _hooks: Hooks | None = None
    _screen: Screen | None = None
    _faults: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        from stackscan.live.watch import Watch

        plan = self.plan
        self._watch = Watch(plan.targets, plan.settings, plan.options, self._tell)
        if plan.hooks or plan.webhooks:
            from stackscan.live.hooks.hooks import Hooks

            self._hooks = Hooks(plan.hooks, plan.webhooks, webhook_format=plan.webhook_format, tell=self._trouble)
            self.listeners.append(self._hooks.take)

    def until_stopped(self) -> None:
        """Watch, and show or write what changes."""
        if is_table(self.plan.output_format):
            self._show()
        else:
            self._write()

    def end(self) -> None:
        """Ask no more, and deliver what waits."""
        self._watch.end()
        if self._hooks is not None:
            self._hooks.close(_LAST_SECONDS)

    def _tell(self, news: News) -> None:
        """Tell everybody; who fails is named once, and the others are told."""
        for listener in self.listeners:
            try:
                listener(news)
            except Exception as error:  # noqa: BLE001 - whatever it is, watching goes on
                what = f"{type(error).__name__}: {error}"
                if what not in self._faults and len(self._faults) < 10:
                    self._faults.add(what)
                    self._trouble(str(error) if isinstance(error, OutputError) else f"unexpected failure: {what}")

    def _trouble(self, text: str) -> None:
        """Say what is wrong with the watcher itself."""
        if self._screen is not None:
            self._screen.note(text)
        else:
            say(f"stackscan: {text}")

    def _show(self) -> None:
        from stackscan.cli.terminal.screen import Screen, show

        self._screen = Screen(self._watch, self.stop)
        self.listeners.insert(0, self._screen.take)
        self._watch.start()
        try:
            show(self._screen)
        finally:
            self._screen = None

    def _write(self) -> None:
        from stackscan.live.outbox import Outbox

        descriptor = sys.stdout.fileno()
        out = Outbox(descriptor, ended=self.stop.request, tell_dropped=_say_dropped)
        self.listeners.insert(0, self._lines(out.add))
        count = len(self.plan.targets)
        every = f"every {self.plan.settings.interval_seconds:g} s"
        say(f"stackscan: watching {count:,} process{'' if count == 1 else 'es'} {every}")
        self._watch.start()
        while not self.stop.requested and not self.stop.wait(None, (), (descriptor,)):
            pass
        self._watch.end()
        out.close(_LAST_SECONDS)
        if out.failure is not None and not isinstance(out.failure, BrokenPipeError):
            raise OutputError(f"standard output cannot be written: {out.failure.strerror or out.failure}")

    def _lines(self, add: Callable[[str], None]) -> Listener:
        from stackscan.live.lines import plain_text_of, text_of, values_of

        spell: Callable[[dict[str, Any]], str] = plain_text_of if self.plan.output_format == "text" else text_of

        def take(news: News) -> None:
            for values in values_of(news):
                add(spell(values))

        return take


def _say_dropped(count: int) -> None:
    say(f"stackscan: the reader of standard output is slow: {count:,} line{'' if count == 1 else 's'} dropped")
