"""Prometheus: what files with the metrics of a node say of its sends."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from stackscan.errors import SourceError
from stackscan.load.scrapes import read_scrape
from stackscan.queueing.projecting import DEADLINE_SECONDS
from stackscan.queueing.send_times import SendTimes, send_times

_MOST_BYTES: Final = 64 << 20


def measure(
    paths: Iterable[str], *, close_deadline_seconds: float | None = None, seconds_between: float | None = None
) -> SendTimes:
    """What the scrapes in these files say, in the order in which they were taken. Raises SourceError or ModelError."""
    scrapes = [read_scrape(_text(path), where=path) for path in paths]
    deadline = DEADLINE_SECONDS if close_deadline_seconds is None else close_deadline_seconds
    return send_times(scrapes, close_deadline_seconds=deadline, seconds_between=seconds_between)


def _text(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}", hint="Give files of Prometheus text.") from None
    if len(data) > _MOST_BYTES:
        raise SourceError(f"{path}: more than 64 MiB, too large for metrics")
    return data.decode("utf-8", "replace")
