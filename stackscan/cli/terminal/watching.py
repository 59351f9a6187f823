"""Runs a watch until it is stopped: who is told of what changes, and how it ends."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from stackscan.cli.terminal.endings import say
from stackscan.cli.terminal.stopping import Stop, stop_on_signals
from stackscan.errors import OutputError

if TYPE_CHECKING:
    from stackscan.cli.terminal.screen import Screen
    from stackscan.integrations.openmetrics import Exporter
    from stackscan.live.hooks.hooks import WebhookFormat
    from stackscan.live.kept import Bounds
    from stackscan.live.target import Target
    from stackscan.live.watch import News, Settings, Watch
    from stackscan.pipeline import Options

#: Seconds in which what waits is written and delivered at the end.
_LAST_SECONDS: Final = 0.4
Listener = Callable[["News"], None]


@dataclass(frozen=True)
class Plan:
    """What to watch and how, in which format it is told (None: a table on a terminal, JSON elsewhere), where captures
    are kept (None: nowhere) and how many, where metrics are served or written, and who else is told."""

    targets: Sequence[Target]
    settings: Settings
    options: Options
    output_format: Literal["text", "json"] | None = None
    keep: Path | None = None
    bounds: Bounds | None = None
    metrics: str | None = None
    textfile: Path | None = None
    hooks: Sequence[str] = ()
    webhooks: Sequence[str] = ()
    webhook_format: WebhookFormat = "json"


def run(plan: Plan) -> None:
    """Watch until a signal, a key, or the reader's end stops it. Raises UsageError for a hook or an address that cannot
    be one, and OutputError where a file or standard output cannot be written."""
    from stackscan.live.heap import give_memory_back

    # It runs for long, and what it makes in a minute is garbage in the next one.
    gc.set_threshold(10_000, 20, 20)
    give_memory_back()
    with stop_on_signals() as stop:
        running = _Run(plan, stop)
        try:
            running.begin()
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
    _closing: list[Callable[[], object]] = field(default_factory=list)
    _screen: Screen | None = None
    _faults: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        from stackscan.live.watch import Watch

        plan = self.plan
        self._watch = Watch(plan.targets, plan.settings, plan.options, self._tell)

    def begin(self) -> None:
        """Begin to keep, to export, and to tell others, before anything is asked."""
        plan = self.plan
        if plan.hooks or plan.webhooks:
            from stackscan.live.hooks.hooks import Hooks

            hooks = Hooks(plan.hooks, plan.webhooks, webhook_format=plan.webhook_format, tell=self._trouble)
            self._closing.append(lambda: hooks.close(_LAST_SECONDS))
            self.listeners.append(hooks.take)
        if plan.keep is not None:
            from stackscan.live.keep import Keep

            keep = Keep(plan.keep, self._trouble, plan.bounds)
            self._closing.append(lambda: keep.close(_LAST_SECONDS))
            self.listeners.append(keep.take)
            if plan.settings.redaction is not None:
                say("stackscan: what is kept is not redacted", "It is what the processes send.")
        if plan.metrics is not None or plan.textfile is not None:
            self._export(plan.metrics, plan.textfile)

    def _export(self, address: str | None, path: Path | None) -> None:
        from stackscan.integrations.openmetrics import Exporter, textfile_note

        exporter = Exporter(self._watch)
        self._closing.append(exporter.close)
        if address is not None:
            say(f"stackscan: metrics are at {exporter.serve(address)}")
        if path is not None:
            note = textfile_note(path)
            if note is not None:
                say(f"stackscan: {note}")
            exporter.write(path)
            self.listeners.append(_TextfileTroubles(exporter, self._trouble))

    def until_stopped(self) -> None:
        """Watch, and show or write what changes."""
        if is_table(self.plan.output_format):
            self._show()
        else:
            self._write()

    def end(self) -> None:
        """Ask no more, and write and deliver what waits: all at the same time, for that is short."""
        self._watch.end()
        threads = [threading.Thread(target=close, daemon=True) for close in self._closing]
        for thread in threads:
            thread.start()
        until = time.monotonic() + _LAST_SECONDS + 0.1
        for thread in threads:
            thread.join(max(until - time.monotonic(), 0.0))

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

    def _trouble(self, text: str, hint: str = "") -> None:
        """Say what is wrong with the watcher itself."""
        if self._screen is not None:
            self._screen.note(text)
        else:
            say(f"stackscan: {text}", hint)

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


@dataclass
class _TextfileTroubles:
    """Tells once that the text file cannot be written, and once that it can again."""

    exporter: Exporter
    tell: Callable[[str], None]
    failure: str | None = None

    def __call__(self, _: News) -> None:
        now = self.exporter.failure
        if (now is None) != (self.failure is None):
            self.tell(now if now is not None else "the text file is written again")
        self.failure = now


def _say_dropped(count: int) -> None:
    say(f"stackscan: the reader of standard output is slow: {count:,} line{'' if count == 1 else 's'} dropped")
