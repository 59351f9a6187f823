"""Prometheus: reads the histogram of send times from the text that a node serves under /debug/metrics/prometheus.

Source: the text format of Prometheus.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from stackscan.errors import ModelError, SourceError
from stackscan.queueing.projecting import DEADLINE_SECONDS
from stackscan.queueing.send_times import HINT, METRIC, Scrape, SendTimes, send_times

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


def read_scrape(text: str, *, where: str) -> Scrape:
    """The histogram in one scrape. Raises ModelError when the text is no exposition or does not hold it."""
    lines = "\n".join(line for line in text.splitlines() if METRIC in line) + "\n"
    count = total = when = None
    buckets: dict[float, float] = {}
    try:
        for family in text_string_to_metric_families(lines):
            for sample in family.samples:
                when = float(sample.timestamp) if sample.timestamp else when
                if sample.name == f"{METRIC}_bucket":
                    buckets[float(sample.labels["le"])] = sample.value
                elif sample.name == f"{METRIC}_sum":
                    total = sample.value
                elif sample.name == f"{METRIC}_count":
                    count = sample.value
    except (ValueError, KeyError, IndexError) as error:
        raise ModelError(f"{where}: not in the text format of Prometheus: {error}", hint=HINT) from error
    if count is None or total is None or not buckets:
        raise ModelError(f"{where}: no histogram {METRIC} found", hint=HINT)
    values = (count, total, *buckets.values())
    if not all(math.isfinite(v) and 0 <= v < 2**53 for v in values):
        raise ModelError(f"{where}: {METRIC} has numbers that a counter cannot have", hint=HINT)
    ordered = tuple((le, int(n)) for le, n in sorted(buckets.items()))
    return Scrape(int(count), float(total), ordered, when)
