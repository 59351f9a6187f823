"""The metrics of stackscan: name, type, unit, help and labels of each, and how their samples are collected.

Names and units follow the conventions of Prometheus: base units, and the unit is the last word of the name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from prometheus_client.core import Metric
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector

from stackscan.render.words import fit, plain

#: Labels of a sample.
Labels = Mapping[str, str]
#: The name of a metric, its labels, its value.
Row = tuple[str, Labels, float]

#: Characters of a label's value: names come from dumps, and may have any length.
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Family:
    """One metric. ``labels`` are those beside the labels of the process or capture (``own``: it has no others);
    ``live``: only ``watch`` has it."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    unit: str = ""
    kind: Literal["gauge", "counter"] = "gauge"
    live: bool = False
    own: bool = False

    def metric(self) -> Metric:
        """The metric without samples."""
        return Metric(self.name.removesuffix("_total"), self.help, self.kind, self.unit)


_FINDING: Final = ("rule", "severity", "cause")
_POOL: Final = ("pool",)

#: All metrics, in the order of every output.
FAMILIES: Final = (
    Family("stackscan_build_info", "Version of stackscan; the value is always 1.", ("version",), own=True),
    Family("stackscan_up", "1 when the last request to the process was answered and read, else 0.", live=True),
    Family(
        "stackscan_polls_total",
        "Polls of the process by result: ok, or failed. A poll is one request, or two when counts look wrong.",
        ("result",),
        kind="counter",
        live=True,
    ),
    Family(
        "stackscan_goroutines",
        "Goroutines by state: Go's wait reason; unknown where the format has none, other when Go does not know it.",
        ("state",),
    ),
    Family("stackscan_findings", "Findings by rule, severity and cause (empty: no cause is known).", _FINDING),
    Family("stackscan_finding_goroutines", "Goroutines in these findings; one may be in several.", _FINDING),
    Family(
        "stackscan_finding_since_timestamp_seconds",
        "When the oldest of these findings was first seen, in seconds since 1970.",
        _FINDING,
        "seconds",
        live=True,
    ),
    Family("stackscan_pool_workers", "Workers of a pool by state.", (*_POOL, "state")),
    Family("stackscan_pool_occupancy_ratio", "Share of a pool's workers that are not idle, 0 to 1.", _POOL, "ratio"),
    Family(
        "stackscan_pool_offered_load_erlangs",
        "Offered load of blocked tasks: workers that they would hold on average. Estimated from occupancy.",
        _POOL,
        "erlangs",
    ),
    Family("stackscan_pool_offered_load_low_erlangs", "Lower end of the load's 90 % interval.", _POOL, "erlangs"),
    Family(
        "stackscan_pool_offered_load_high_erlangs",
        "Upper end of the load's 90 % interval; +Inf when only a lower bound is known.",
        _POOL,
        "erlangs",
    ),
    Family(
        "stackscan_pool_wait_probability_ratio",
        "Probability that a task waits for a worker at this load, 0 to 1.",
        _POOL,
        "ratio",
    ),
    Family(
        "stackscan_pool_full_in_seconds",
        "Time until the pool is full if the trend of its load goes on; 0 when it is. Absent when that is not known.",
        _POOL,
        "seconds",
        live=True,
    ),
    Family(
        "stackscan_pool_full_in_low_seconds", "Lower end of that time's 90 % interval.", _POOL, "seconds", live=True
    ),
    Family(
        "stackscan_pool_full_in_high_seconds",
        "Upper end of that time's 90 % interval; +Inf when it is beyond twice the observed time.",
        _POOL,
        "seconds",
        live=True,
    ),
    Family(
        "stackscan_leak_goroutines_per_second",
        "Growth of all places that leak; 0 when no place does. Absent until there are captures to compare.",
        live=True,
    ),
    Family("stackscan_capture_complete", "1 when all goroutines of the last capture were read, else 0."),
    Family(
        "stackscan_capture_timestamp_seconds",
        "When the last capture was taken, in seconds since 1970.",
        unit="seconds",
        live=True,
    ),
    Family(
        "stackscan_capture_age_seconds", "Time since the last capture. Not in a textfile.", unit="seconds", live=True
    ),
    Family(
        "stackscan_capture_duration_seconds",
        "Time from the request for the last capture to the last byte of its answer.",
        unit="seconds",
        live=True,
    ),
    Family("stackscan_capture_size_bytes", "Size of the last capture as it was sent.", unit="bytes", live=True),
    Family(
        "stackscan_capture_judging_seconds",
        "Processor time of stackscan to read and judge the last capture.",
        unit="seconds",
        live=True,
    ),
)
#: The same by name.
BY_NAME: Final = {family.name: family for family in FAMILIES}


def label(text: str) -> str:
    """Any text as the value of a label: of bounded length, printable, and UTF-8."""
    text = plain(text).encode("utf-8", "backslashreplace").decode()
    return fit(text, _LONGEST)


@dataclass(frozen=True, slots=True)
class Metrics:
    """Metrics as prometheus_client collects them."""

    metrics: tuple[Metric, ...]

    def collect(self) -> Iterable[Metric]:
        """The metrics."""
        return self.metrics


class Samples:
    """Samples by metric, as a collector of prometheus_client. No two have the same labels: the last one stays."""

    def __init__(self) -> None:
        self._values: dict[str, dict[tuple[tuple[str, str], ...], float]] = {name: {} for name in BY_NAME}

    def add(self, whose: Labels, rows: Iterable[Row]) -> None:
        """Add what was measured of one process or capture, which has the labels ``whose``."""
        for name, labels, value in rows:
            pairs = whose.items() if BY_NAME[name].own is False else ()
            self._values[name][*((k, label(v)) for k, v in (*pairs, *labels.items())),] = value

    def collect(self) -> Iterator[Metric]:
        """The metrics that have samples."""
        for family in FAMILIES:
            metric = family.metric()
            for labels, value in self._values[family.name].items():
                metric.add_sample(family.name, dict(labels), value)
            if metric.samples:
                yield metric


def exposition(collector: Collector) -> str:
    """All metrics of a collector in the text format of OpenMetrics 1.0."""
    text: bytes = generate_latest(collector)  # type: ignore[no-untyped-call]
    return text.decode()
