"""Makes the alert rules and the dashboard of this folder: ``python examples/live/monitoring.py``.

It needs PyYAML and grafana-foundation-sdk (``pip install -e '.[dev]'``); who uses the two files needs neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

FOLDER: Final = Path(__file__).resolve().parent
RULES: Final = FOLDER / "stackscan.rules.yml"
DASHBOARD: Final = FOLDER / "stackscan.dashboard.json"

# -- the alert rules ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Alert:
    """An alert: it fires when ``expr`` holds for ``lasting``. Texts are templates of Prometheus."""

    name: str
    expr: str
    lasting: str
    severity: str
    summary: str
    description: str

    def rule(self) -> dict[str, Any]:
        """The alert as Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.expr,
            "for": self.lasting,
            "labels": {"severity": self.severity},
            "annotations": {"summary": self.summary, "description": self.description},
        }


_WHICH: Final = "{{ $labels.rule }}{{ if $labels.cause }} ({{ $labels.cause }}){{ end }}"
_TEXT: Final = "Where, why and what to do: stackscan capture {{ $labels.target }} --count 3 --interval 10s"

ALERTS: Final = (
    Alert(
        "StackscanStuck",
        'stackscan_findings{severity="error"} > 0',
        "1m",
        "critical",
        f"{{{{ $labels.target }}}} is stuck: {_WHICH}",
        _TEXT,
    ),
    Alert(
        "StackscanSuspicious",
        'stackscan_findings{severity="warning"} > 0',
        "10m",
        "warning",
        f"{{{{ $labels.target }}}}: {_WHICH}",
        _TEXT,
    ),
    Alert(
        "StackscanLeak",
        "stackscan_leak_goroutines_per_second > 0",
        "10m",
        "warning",
        "{{ $labels.target }} leaks goroutines",
        "Places in the code grow by {{ $value | humanize }} goroutines a second and never shrink. " + _TEXT,
    ),
    Alert(
        "StackscanPoolFull",
        "stackscan_pool_occupancy_ratio >= 1",
        "5m",
        "warning",
        "{{ $labels.target }}: all workers of {{ $labels.pool }} are busy",
        "No worker of the pool has been idle in any capture for 5 minutes: new tasks wait.",
    ),
    Alert(
        "StackscanPoolWaits",
        "stackscan_pool_wait_probability_ratio > 0.5",
        "5m",
        "warning",
        "{{ $labels.target }}: most tasks of {{ $labels.pool }} wait",
        "At the offered load, {{ $value | humanizePercentage }} of the tasks wait for a worker.",
    ),
    Alert(
        "StackscanPoolFills",
        "stackscan_pool_full_in_seconds > 0 < 1800",
        "2m",
        "warning",
        "{{ $labels.target }}: {{ $labels.pool }} will be full in {{ $value | humanizeDuration }}",
        "The load rises. At this trend it reaches the number of workers; from then on the queue grows.",
    ),
    Alert(
        "StackscanTargetSilent",
        "stackscan_up == 0",
        "5m",
        "warning",
        "{{ $labels.target }} does not answer stackscan",
        "What the other metrics say of it is as old as its last capture.",
    ),
    Alert(
        "StackscanCaptureOld",
        "time() - stackscan_capture_timestamp_seconds > 900",
        "1m",
        "warning",
        "The last capture of {{ $labels.target }} is {{ $value | humanizeDuration }} old",
        "It does not answer, or stackscan no longer asks it.",
    ),
    Alert(
        "StackscanAbsent",
        "absent(stackscan_build_info)",
        "5m",
        "warning",
        "stackscan watches nothing",
        "Prometheus has no metrics of stackscan: it does not run, or is not scraped.",
    ),
)


def rules() -> str:
    """The file of alert rules."""
    groups = [{"name": "stackscan", "rules": [alert.rule() for alert in ALERTS]}]
    text = yaml.safe_dump({"groups": groups}, sort_keys=False, width=120, allow_unicode=True)
    return f"# Alerts on the metrics of `stackscan watch`. Made by examples/live/monitoring.py.\n{text}"


# -- the dashboard -----------------------------------------------------------------------------------------------------

_SOURCE: Final = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
_CHOSEN: Final = 'target=~"$target"'
_GREEN, _YELLOW, _RED = "green", "yellow", "red"


def _query(expr: str, legend: str = "", ref: str = "A") -> prometheus.Dataquery:
    return prometheus.Dataquery().ref_id(ref).expr(expr).legend_format(legend or "__auto")


def _now(expr: str, ref: str = "A") -> prometheus.Dataquery:
    return _query(expr, ref=ref).instant().format(PromQueryFormat.TABLE)


def _steps(*steps: tuple[float | None, str]) -> dashboard.ThresholdsConfig:
    found = [models.Threshold(value=value, color=color) for value, color in steps]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(found)


def _number(title: str, expr: str, bad: str = _RED) -> stat.Panel:
    """One number, which is bad unless it is 0."""
    return (
        stat.Panel()
        .title(title)
        .datasource(_SOURCE)
        .with_target(_query(expr).instant())
        .thresholds(_steps((None, _GREEN), (1, bad)))
        .height(4)
        .span(6)
    )


def _lines(title: str, unit: str, *queries: tuple[str, str], about: str = "") -> timeseries.Panel:
    panel = timeseries.Panel().title(title).description(about).datasource(_SOURCE).unit(unit).min(0).height(8).span(12)
    for ref, (expr, legend) in zip("ABC", queries, strict=False):
        panel = panel.with_target(_query(expr, legend, ref))
    return panel


def _numbers() -> Iterator[stat.Panel]:
    stuck = f'count by (target) (stackscan_findings{{{_CHOSEN}, severity="error"}} > 0)'
    yield _number("Processes", f"count(stackscan_up{{{_CHOSEN}}}) or vector(0)", _GREEN)
    yield _number("Stuck", f"count({stuck}) or vector(0)")
    yield _number("Leaking", f"count(stackscan_leak_goroutines_per_second{{{_CHOSEN}}} > 0) or vector(0)")
    yield _number("Silent", f"count(stackscan_up{{{_CHOSEN}}} == 0) or vector(0)", _YELLOW)


def _timeline() -> statetimeline.Panel:
    found = f'sum by (target) (stackscan_findings{{{_CHOSEN}, severity="error"}})'
    return (
        statetimeline.Panel()
        .title("Errors by process")
        .description("How many findings of severity error each process has.")
        .datasource(_SOURCE)
        .with_target(_query(f"{found} or sum by (target) (0 * stackscan_up{{{_CHOSEN}}})", "{{target}}"))
        .thresholds(_steps((None, _GREEN), (1, _RED)))
        .color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
        .show_value(kinds.VisibilityMode.NEVER)
        .height(8)
        .span(24)
    )


def _findings() -> table.Panel:
    by = "max by (target, rule, severity, cause)"
    count = f"{by} (stackscan_finding_goroutines{{{_CHOSEN}}})"
    since = f"1000 * {by} (stackscan_finding_since_timestamp_seconds{{{_CHOSEN}}})"
    names = {"Value #A": "goroutines", "Value #B": "since"}
    return (
        table.Panel()
        .title("Findings now")
        .datasource(_SOURCE)
        .with_target(_now(count))
        .with_target(_now(since, "B"))
        .with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
        .with_transformation(
            models.DataTransformerConfig(
                id_val="organize", options={"excludeByName": {"Time": True}, "renameByName": names, "indexByName": {}}
            )
        )
        .override_by_name("since", [models.DynamicConfigValue(id_val="unit", value="dateTimeFromNow")])
        .sort_by([common.TableSortByFieldState().display_name("goroutines").desc(desc=True)])
        .height(8)
        .span(24)
    )


def _goroutines() -> Iterator[timeseries.Panel]:
    everywhere = f"stackscan_goroutines{{{_CHOSEN}}}"
    stacked = common.StackingConfig().mode(kinds.StackingMode.NORMAL)
    yield _lines("Goroutines by process", "short", (f"sum by (target) ({everywhere})", "{{target}}"))
    yield (
        _lines("Goroutines by state", "short", (f"sum by (state) ({everywhere})", "{{state}}"))
        .stacking(stacked)
        .fill_opacity(30)
    )
    yield _lines(
        "Growth of leaks", "short", (f"stackscan_leak_goroutines_per_second{{{_CHOSEN}}}", "{{target}}"),
        about="Goroutines a second, in places that grow and never shrink.",
    )  # fmt: skip


def _pools() -> Iterator[timeseries.Panel]:
    which = "{{target}} {{pool}}"
    busy = f"stackscan_pool_occupancy_ratio{{{_CHOSEN}}}"
    yield _lines("Occupancy of pools", "percentunit", (busy, which)).max(1)
    workers = f"sum by (pool, state) (stackscan_pool_workers{{{_CHOSEN}}})"
    yield _lines("Workers by state", "short", (workers, "{{pool}} {{state}}"))
    yield _lines(
        "Offered load", "short",
        (f"stackscan_pool_offered_load_erlangs{{{_CHOSEN}}}", which),
        (f"stackscan_pool_offered_load_low_erlangs{{{_CHOSEN}}}", f"{which} low"),
        (f"stackscan_pool_offered_load_high_erlangs{{{_CHOSEN}}} < +Inf", f"{which} high"),
        about="Erlangs: workers that blocked tasks would hold on average, with the ends of the 90 % interval.",
    )  # fmt: skip
    waits = f"stackscan_pool_wait_probability_ratio{{{_CHOSEN}}}"
    yield _lines("Tasks that wait", "percentunit", (waits, which)).max(1)
    yield _lines(
        "Time until a pool is full", "s",
        (f"stackscan_pool_full_in_seconds{{{_CHOSEN}}}", which),
        (f"stackscan_pool_full_in_low_seconds{{{_CHOSEN}}}", f"{which} low"),
        (f"stackscan_pool_full_in_high_seconds{{{_CHOSEN}}} < +Inf", f"{which} high"),
        about="If the trend of its load goes on, with the ends of the 90 % interval; 0 when the pool is full.",
    )  # fmt: skip


def _watching() -> Iterator[timeseries.Panel]:
    age = f"time() - stackscan_capture_timestamp_seconds{{{_CHOSEN}}}"
    yield _lines("Age of the last capture", "s", (age, "{{target}}"))
    took = f"stackscan_capture_duration_seconds{{{_CHOSEN}}}"
    yield _lines("Duration of a capture", "s", (took, "{{target}}"))
    failed = f'sum by (target) (rate(stackscan_polls_total{{{_CHOSEN}, result="failed"}}[$__rate_interval]))'
    yield _lines("Failed polls a second", "short", (failed, "{{target}}"))
    ours = "and on (job, instance) stackscan_build_info"
    processor = f"rate(process_cpu_seconds_total[$__rate_interval]) {ours}"
    yield _lines("Processors that stackscan takes", "short", (processor, "{{instance}}"))
    memory = f"process_resident_memory_bytes {ours}"
    yield _lines("Memory of stackscan", "bytes", (memory, "{{instance}}"))
    size = f"stackscan_capture_size_bytes{{{_CHOSEN}}}"
    yield _lines("Size of a capture", "bytes", (size, "{{target}}"))


def _variables() -> Iterable[Any]:
    yield dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
    yield (
        dashboard.QueryVariable("target")
        .label("Process")
        .datasource(_SOURCE)
        .query("label_values(stackscan_polls_total, target)")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(multi=True)
        .include_all(include_all=True)
        .current(models.VariableOption(text="All", value="$__all", selected=True))
    )


def grafana() -> str:
    """The file of the dashboard."""
    made = (
        dashboard.Dashboard("stackscan")
        .uid("stackscan")
        .description("Processes that `stackscan watch` looks at. Made by examples/live/monitoring.py.")
        .tags(["go", "stackscan"])
        .refresh("30s")
        .time("now-3h", "now")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .editable()
    )
    for variable in _variables():
        made = made.with_variable(variable)
    sections = {
        "What is wrong": [*_numbers(), _findings(), _timeline()],
        "Goroutines": [*_goroutines()],
        "Worker pools": [*_pools()],
        "Watching": [*_watching()],
    }
    for title, panels in sections.items():
        made = made.with_row(dashboard.Row(title))
        for panel in panels:
            made = made.with_panel(panel)
    return JSONEncoder(sort_keys=True, indent=1).encode(made.build()) + "\n"


if __name__ == "__main__":
    RULES.write_text(rules(), encoding="utf-8")
    DASHBOARD.write_text(grafana(), encoding="utf-8")
