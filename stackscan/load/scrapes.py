"""Prometheus: reads the histogram of send times from the text that a node serves under /debug/metrics/prometheus.

Source: the text format of Prometheus.
"""

from __future__ import annotations

import math

from prometheus_client.parser import text_string_to_metric_families

from stackscan.errors import ModelError
from stackscan.queueing.send_times import HINT, METRIC, Scrape


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
