"""Options of the command that watches."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

import typer

from stackscan.cli.options import option
from stackscan.cli.options.sources import named
from stackscan.cli.options.units import interval, seconds

Interval = Annotated[
    timedelta | None,
    option("Time between two requests to a process [default: 10s].", "--interval", metavar="DURATION", parser=interval),
]
WatchTimeout = Annotated[
    float | None,
    option(
        "Time limit for each request [default: the interval, but 2s at least and 10s at most].",
        "--timeout",
        metavar="DURATION",
        parser=seconds,
    ),
]
Depth = Annotated[
    Literal["profile", "counts", "full"],
    typer.Option(
        "--depth",
        help="What is asked for while nothing looks wrong: counts as protobuf, counts as text, or the full text, for "
        "which Go stops the process.",
    ),
]
FullEvery = Annotated[
    int,
    typer.Option(
        "--full-every",
        min=0,
        metavar="N",
        help="Every Nth request asks for the full text; 0: only one that follows a suspicion.",
    ),
]
Format = Annotated[
    Literal["text", "json"] | None,
    option("json: a line for each change [default: a live table on a terminal, json elsewhere].", "--format", "-f"),
]

Hook = Annotated[
    list[str] | None,
    option(
        "Run this program when a verdict changes: the JSON line is its standard input. May be repeated.",
        "--hook",
        metavar="CMD",
    ),
]
Webhook = Annotated[
    list[str] | None,
    option(
        "Post what changed to this address, or to the one in @FILE. May be repeated.",
        "--webhook",
        metavar="URL",
        parser=named,
    ),
]
WebhookFormat = Annotated[
    Literal["json", "slack", "alertmanager"],
    typer.Option("--webhook-format", help="What is posted: the JSON line, a message for Slack, alerts (API v2)."),
]
