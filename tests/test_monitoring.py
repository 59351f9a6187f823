"""The alert rules and the dashboard of examples/live: generated, checked by promtool, tried with a real Prometheus."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from helpers import ROOT, golden
from replayed import node
from stackscan.integrations.openmetrics import Exporter
from stackscan.knowledge.configuration import shipped
from stackscan.live.target import Target
from stackscan.live.watch import Settings, Watch
from stackscan.pipeline import Options
from stackscan.render.openmetrics.families import FAMILIES

_FOLDER: Final = ROOT / "examples" / "live"
_RULES: Final = _FOLDER / "stackscan.rules.yml"
_DASHBOARD: Final = _FOLDER / "stackscan.dashboard.json"
#: Metrics of the Python client, which come with those of ours.
_PROCESS: Final = {"process_cpu_seconds_total", "process_resident_memory_bytes"}
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
needs_prometheus = pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed")


@pytest.fixture
def monitoring() -> dict[str, Any]:
    """The functions of the program that makes both files."""
    pytest.importorskip("grafana_foundation_sdk")
    return runpy.run_path(str(_FOLDER / "monitoring.py"))


def alerts() -> dict[str, dict[str, Any]]:
    """The shipped alerts by name."""
    (group,) = yaml.safe_load(_RULES.read_text(encoding="utf-8"))["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def expressions() -> Iterator[str]:
    """All queries of the dashboard."""

    def targets(value: Any) -> Iterator[dict[str, Any]]:
        if isinstance(value, dict):
            yield from value.get("targets", ())
            value = [*value.values()]
        if isinstance(value, list):
            for each in value:
                yield from targets(each)

    dashboard = json.loads(_DASHBOARD.read_text(encoding="utf-8"))
    yield from (target["expr"] for target in targets(dashboard))
    yield from (v["query"] for v in dashboard["templating"]["list"] if v["type"] == "query")


@pytest.mark.generated
def test_the_rules_are_up_to_date(monitoring: dict[str, Any]) -> None:
    """They are what examples/live/monitoring.py makes."""
    golden(_RULES, monitoring["rules"]())


@pytest.mark.generated
def test_the_dashboard_is_up_to_date(monitoring: dict[str, Any]) -> None:
    """It is what examples/live/monitoring.py makes."""
    golden(_DASHBOARD, monitoring["grafana"]())


def test_rules_and_dashboard_use_metrics_that_exist() -> None:
    """And the dashboard shows nearly all of them."""
    known = {family.name for family in FAMILIES}
    used = {name for text in expressions() for name in re.findall(r"\b(?:stackscan|process)_\w+", text)}
    alerted = {name for rule in alerts().values() for name in re.findall(r"\bstackscan_\w+", rule["expr"])}
    assert used | alerted <= known | _PROCESS
    assert known - used - alerted == {
        "stackscan_capture_complete", "stackscan_capture_age_seconds", "stackscan_capture_judging_seconds",
    }  # fmt: skip


def test_the_page_lists_all_alerts() -> None:
    """docs/metrics.md has each, in order."""
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert list(alerts()) == re.findall(r"^ *\| `(Stackscan\w+)` \|", page, re.MULTILINE)


def test_panels_do_not_overlap() -> None:
    """Each has its place on a page of 24 columns."""
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(_DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells


def promtool(*words: str | Path) -> str:
    """What promtool prints; it ends with 0."""
    done = subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_promtool
def test_promtool_reads_the_rules() -> None:
    """All of them."""
    assert f"{len(alerts())} rules found" in promtool("check", "rules", "--lint-fatal", _RULES)


@needs_promtool
def test_promtool_reads_the_queries_of_the_dashboard(tmp_path: Path) -> None:
    """As rules that record them; promtool has no other way to parse a query without a server."""
    texts = [text for text in expressions() if not text.startswith("label_values(")]
    texts = [text.replace("$target", ".*").replace("$__rate_interval", "1m") for text in texts]
    rules = [{"record": f"dashboard:query:{place}", "expr": text} for place, text in enumerate(texts)]
    (tmp_path / "queries.yml").write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    assert f"{len(texts)} rules found" in promtool("check", "rules", tmp_path / "queries.yml")


#: For each alert: what is wrong from minute 10 to 40 of an hour, and what is there before and after ("_": nothing).
_HOURS: Final = {
    "StackscanStuck": ('stackscan_findings{target="a",rule="r",severity="error",cause=""}', "_", "2"),
    "StackscanSuspicious": ('stackscan_findings{target="a",rule="r",severity="warning",cause="c"}', "_", "1"),
    "StackscanLeak": ('stackscan_leak_goroutines_per_second{target="a"}', "0", "0.5"),
    "StackscanPoolFull": ('stackscan_pool_occupancy_ratio{target="a",pool="p"}', "0.99", "1"),
    "StackscanPoolWaits": ('stackscan_pool_wait_probability_ratio{target="a",pool="p"}', "0.1", "0.75"),
    "StackscanPoolFills": ('stackscan_pool_full_in_seconds{target="a",pool="p"}', "0", "600"),
    "StackscanTargetSilent": ('stackscan_up{target="a"}', "1", "0"),
    "StackscanAbsent": ('stackscan_build_info{version="1"}', "1", "_"),
}


def hour(name: str) -> dict[str, Any]:
    """A test of promtool: the alert is silent, fires, and is silent again."""
    series, good, bad = _HOURS[name]
    spelt = {"_": "_x{}"} | {value: f"{value}x{{}}" for value in (good, bad) if value != "_"}
    values = f"{spelt[good].format(9)} {spelt[bad].format(29)} {spelt[good].format(19)}"
    rule = alerts()[name]
    labels = {} if name == "StackscanAbsent" else dict(re.findall(r'(\w+)="(\w+)"', series))
    fired = {"exp_labels": labels | rule["labels"]}
    times = ((5, []), (35, [fired]), (55, []))
    return {
        "interval": "1m",
        "input_series": [{"series": series, "values": values}],
        "alert_rule_test": [
            {"eval_time": f"{minute}m", "alertname": name, "exp_alerts": expected} for minute, expected in times
        ],
    }


def old() -> dict[str, Any]:
    """The same for a capture that grows old: its time stands still from minute 10 to 40."""
    labels = {"target": "a", "severity": "warning"}
    return {
        "interval": "1m",
        "input_series": [
            {
                "series": 'stackscan_capture_timestamp_seconds{target="a"}',
                "values": "0+60x10 600x29 2460+60x19",
            }
        ],
        "alert_rule_test": [
            {"eval_time": "20m", "alertname": "StackscanCaptureOld", "exp_alerts": []},
            {"eval_time": "38m", "alertname": "StackscanCaptureOld", "exp_alerts": [{"exp_labels": labels}]},
            {"eval_time": "50m", "alertname": "StackscanCaptureOld", "exp_alerts": []},
        ],
    }


@needs_promtool
def test_each_alert_fires_and_clears(tmp_path: Path) -> None:
    """Tried by promtool's unit tests, with the labels that it should have."""
    bare = {"groups": [{"name": "bare", "rules": [dict(rule, annotations={}) for rule in alerts().values()]}]}
    (tmp_path / "bare.yml").write_text(yaml.safe_dump(bare))
    assert {*_HOURS, "StackscanCaptureOld"} == set(alerts())
    tests = [*map(hour, _HOURS), old()]
    (tmp_path / "tests.yml").write_text(
        yaml.safe_dump({"rule_files": ["bare.yml"], "evaluation_interval": "1m", "tests": tests})
    )
    assert "SUCCESS" in promtool("test", "rules", tmp_path / "tests.yml")


# -- a real Prometheus -------------------------------------------------------------------------------------------------


def free_port() -> int:
    """A port of loopback that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


@contextmanager
def prometheus(folder: Path, scraped: str) -> Iterator[str]:
    """A Prometheus on loopback that scrapes an address each second, with the shipped rules; its own address.

    Alerts last two seconds, not minutes, before they fire.
    """
    rules = yaml.safe_load(_RULES.read_text(encoding="utf-8"))
    rules["groups"][0]["rules"] = [dict(rule, **{"for": "2s"}) for rule in rules["groups"][0]["rules"]]
    (folder / "rules.yml").write_text(yaml.safe_dump(rules))
    settings = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yml"],
        "scrape_configs": [{"job_name": "stackscan", "static_configs": [{"targets": [scraped]}]}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    address = f"127.0.0.1:{free_port()}"
    words = (
        f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={address}", "--log.level=warn",
    )  # fmt: skip
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(["prometheus", *words], stdout=log, stderr=log) as process,
    ):
        try:
            yield f"http://{address}"
        finally:
            process.terminate()


def got(url: str) -> Any:
    """The data of an answer of Prometheus; None: it does not answer yet."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback
            return json.load(answer)["data"]
    except OSError:
        return None


def eventually(holds: Callable[[], Any], what: str) -> None:
    """Wait until something holds; the bound is far above what it takes on a busy machine."""
    ends = time.monotonic() + 90
    while not holds():
        if time.monotonic() > ends:
            pytest.fail(f"not within 90 s: {what}")
        time.sleep(0.2)


@needs_prometheus
def test_an_alert_of_a_real_prometheus_fires_and_clears(tmp_path: Path) -> None:
    """A node goes from quiet to stalled and, with the fixed release, back: Prometheus scrapes it, and says so."""
    with node() as running:
        watch = Watch([Target.parse(running.url)], Settings(0.5), Options(shipped()), lambda _: None)
        exporter = Exporter(watch)
        scraped = exporter.serve("127.0.0.1:0").removeprefix("http://").removesuffix("/metrics")
        try:
            with prometheus(tmp_path, scraped) as server:
                watch.start()
                fires_and_clears(server, running)
        finally:
            watch.stop.set()
            exporter.close()


def fires_and_clears(server: str, running: Any) -> None:
    """From quiet to stalled to fixed."""

    def firing() -> set[tuple[str, str]]:
        found = got(f"{server}/api/v1/alerts") or {"alerts": []}
        return {
            (one["labels"]["alertname"], one["labels"].get("rule", one["labels"].get("pool", "")))
            for one in found["alerts"]
            if one["state"] == "firing" and one["labels"].get("target") == running.url
        }

    def count(expression: str) -> int:
        found = got(f"{server}/api/v1/query?query={expression}") or {"result": []}
        return len(found["result"])

    stuck = ("StackscanStuck", "bitswap-close-stall")
    eventually(lambda: count("stackscan_up") == 1, "the first scrape")
    assert count("stackscan_findings") == 0
    assert firing() == set()
    running.stage = "stalled"
    eventually(lambda: {stuck, ("StackscanPoolFull", "bitswap-task-workers")} <= firing(), "the alerts of a stall")
    running.stage = "fixed"
    eventually(lambda: not firing(), "no alert")
    running.stage = None
    eventually(lambda: firing() == {("StackscanTargetSilent", "")}, "the alert of silence")
    metadata = got(f"{server}/api/v1/metadata")
    for family in FAMILIES:
        if family.name in metadata:
            assert [(family.kind, family.help, family.unit)] == [
                (one["type"], one["help"], one["unit"]) for one in metadata[family.name]
            ]
    assert "stackscan_goroutines" in metadata
