"""Options of the command that watches, and the processes that it is given."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from stackscan.cli.options import option
from stackscan.cli.options.sources import named
from stackscan.cli.options.units import interval, seconds
from stackscan.errors import UsageError

if TYPE_CHECKING:
    from stackscan.live.target import Target

_USUAL_SECONDS: Final = 10.0
#: Bounds of the interval, in seconds.
_LEAST_SECONDS: Final = 0.1
_MOST_SECONDS: Final = 86_400.0
#: Unless --timeout says otherwise, a request may take as long as the interval, but not less and not more than this.
_LEAST_TIMEOUT: Final = 2.0
_MOST_TIMEOUT: Final = 10.0
_MOST_LIST_BYTES: Final = 1 << 20

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


def interval_seconds(given: timedelta | None) -> float:
    """The interval. Raises UsageError for one that is out of bounds."""
    found = _USUAL_SECONDS if given is None else given.total_seconds()
    if not _LEAST_SECONDS <= found <= _MOST_SECONDS:
        raise UsageError(f"an interval of {found:g} s is out of bounds", hint="It may be from 100ms to 24h.")
    return found


def targets(given: Iterable[str], timeout: float | None, every: float) -> list[Target]:
    """The processes to watch, each once: addresses, and ``@FILE`` for those of a file.

    ``every`` is the interval. Raises UsageError for what is no address of a process, and for too many.
    """
    from stackscan.live.target import Target
    from stackscan.live.watch import MOST_TARGETS
    from stackscan.sources import Source

    limit = min(max(every, _LEAST_TIMEOUT), _MOST_TIMEOUT) if timeout is None else timeout
    found: dict[str, Target] = {}
    for source in given:
        text = Source(source).with_secrets()
        for each in _listed(Path(text[1:])) if text.startswith("@") else [text]:
            target = Target.parse(each, limit)
            found.setdefault(target.given.with_secrets(), target)
    if not found:
        raise UsageError("no process to watch: the list is empty", hint="Write one address a line.")
    if len(found) > MOST_TARGETS:
        raise UsageError(
            f"{len(found):,} processes are too many for one watcher", hint=f"Start several, each for {MOST_TARGETS:,}."
        )
    return list(found.values())


def _listed(path: Path) -> list[str]:
    """The addresses in a file: one a line, without comments (#)."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_LIST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}", hint="Give @FILE with one address a line.") from None
    if len(data) > _MOST_LIST_BYTES:
        raise UsageError(f"{path}: more than {_MOST_LIST_BYTES >> 20} MiB, too large for a list of addresses")
    lines = (line.strip() for line in data.decode("utf-8", "replace").splitlines())
    return [line.split(" #")[0].strip() for line in lines if line and not line.startswith("#")]
