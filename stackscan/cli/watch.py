"""``stackscan watch``."""

from __future__ import annotations

from typing import Annotated

import typer

from stackscan.cli.options.configuration import Config
from stackscan.cli.options.keeping import Keep, KeepAge, KeepCount, KeepSize, Metrics, Textfile, bounds_of
from stackscan.cli.options.processes import interval_seconds, targets
from stackscan.cli.options.redaction import Redact, RedactKeep, RedactKey, chosen
from stackscan.cli.options.source import NoSource, SourceRoot, reader_of
from stackscan.cli.options.sources import named
from stackscan.cli.options.watching import (
    Depth,
    Format,
    FullEvery,
    Hook,
    Interval,
    WatchTimeout,
    Webhook,
    WebhookFormat,
)

_TARGET = "The address of a process (http://HOST:PORT, its /debug/pprof, kubo's API), or @FILE with one a line."


def command(
    target: Annotated[list[str], typer.Argument(metavar="TARGET...", parser=named, help=_TARGET, show_default=False)],
    every: Interval = None,
    timeout: WatchTimeout = None,
    depth: Depth = "profile",
    full_every: FullEvery = 12,
    output_format: Format = None,
    keep: Keep = None,
    keep_count: KeepCount = None,
    keep_size: KeepSize = None,
    keep_age: KeepAge = None,
    metrics: Metrics = None,
    textfile: Textfile = None,
    hook: Hook = None,
    webhook: Webhook = None,
    webhook_format: WebhookFormat = "json",
    source_root: SourceRoot = None,
    no_source: NoSource = False,
    config: Config = None,
    redact: Redact = False,
    redact_keep: RedactKeep = None,
    redact_key: RedactKey = None,
) -> None:
    """Watch running processes: what is stuck, since when, and what changed.

    Each is asked for its goroutines at the interval, at most once at a time, and less often while it is slow or silent.
    On a terminal: a live table (q quits, ? explains). In a pipe: one JSON line for each change. Ctrl-C and SIGTERM end
    it with exit code 0. See docs/live.md.

    \b
      stackscan watch http://localhost:6060
      stackscan watch --interval 30s http://10.0.0.1:5001 http://10.0.0.2:5001
      stackscan watch @processes.txt | jq -r '"\\(.time) \\(.target) \\(.event): \\(.verdict)"'
    """
    from stackscan.cli.options.configuration import configuration
    from stackscan.cli.terminal.watching import Plan, run
    from stackscan.live.watch import Settings
    from stackscan.pipeline import Options

    seconds = interval_seconds(every)
    run(
        Plan(
            targets=targets(target, timeout, seconds),
            settings=Settings(seconds, depth, full_every, redaction=chosen(redact, redact_keep, redact_key)),
            options=Options(configuration(config), reader=reader_of(source_root, no_source, redact)),
            output_format=output_format,
            keep=keep,
            bounds=bounds_of(keep, keep_count, keep_size, keep_age),
            metrics=metrics,
            textfile=textfile,
            hooks=hook or (),
            webhooks=webhook or (),
            webhook_format=webhook_format,
        )
    )
