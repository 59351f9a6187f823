"""Metrics: names by the conventions, numbers as in the other outputs, bounded whatever a dump holds, and served."""

from __future__ import annotations

import gzip
import http.client
import io
import json
import math
import re
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parsed
from prometheus_client.parser import text_string_to_metric_families as parsed_text

from helpers import FIXTURES, ROOT, json_of, memory_report, run
from replayed import STAGES, node, recorded, sample
from stackscan import __version__
from stackscan.errors import OutputError, UsageError
from stackscan.integrations.openmetrics import Exporter, textfile_note
from stackscan.integrations.openmetrics.histories import Histories
from stackscan.knowledge.configuration import shipped
from stackscan.knowledge.language.reasons import KNOWN
from stackscan.live.history import History
from stackscan.live.sample import Failure
from stackscan.live.target import Target
from stackscan.live.watch import Settings, Watch
from stackscan.pipeline import Options
from stackscan.render import renderer
from stackscan.render.openmetrics.families import FAMILIES, Family, label
from stackscan.render.openmetrics.rows import MOST_FINDINGS, MOST_POOLS, Found, findings, goroutines, pools
from stackscan.report import Report

_KUBO: Final = FIXTURES / "kubo"
_STALLED: Final = _KUBO / STAGES["stalled"]
_FIXED: Final = _KUBO / STAGES["fixed"]
_PAGE: Final = ROOT / "docs" / "metrics.md"
_URL: Final = "http://127.0.0.1:6060"


def values(text: str) -> dict[str, dict[frozenset[tuple[str, str]], float]]:
    """Samples by name and labels; the text is read by the strict parser of OpenMetrics."""
    found: dict[str, dict[frozenset[tuple[str, str]], float]] = {}
    for family in parsed(text):
        for one in family.samples:
            found.setdefault(one.name, {})[frozenset(one.labels.items())] = one.value
    return found


def summed(text: str, name: str, **labels: str) -> float | None:
    """The sum of a metric's samples with these labels; None: it has none."""
    found = [value for known, value in values(text).get(name, {}).items() if set(labels.items()) <= known]
    return sum(found) if found else None


def reported(*words: Path | str) -> str:
    """What ``report --format openmetrics`` prints."""
    done = run("report", "--format", "openmetrics", *words)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def exposed(*histories: History, ages: bool = True) -> dict[str, Metric]:
    """The metrics of processes by the names of their samples."""
    return {one.samples[0].name: one for one in Histories(histories, ages=ages).collect()}


def numbers(metric: Metric, *labels: str) -> dict[tuple[str, ...], float]:
    """The values of a metric by the values of some labels."""
    return {tuple(one.labels[name] for name in labels): one.value for one in metric.samples}


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_name_follows_the_conventions(family: Family) -> None:
    """Of Prometheus: prefix, base unit last, ``_total`` for counters only, help as a sentence."""
    assert re.fullmatch(r"stackscan_[a-z]+(?:_[a-z]+)*", family.name)
    assert (family.kind == "counter") == family.name.endswith("_total")
    assert not family.unit or family.name.endswith(f"_{family.unit}")
    assert re.fullmatch(r"[A-Z1].*\.", family.help)
    units = {"seconds", "bytes", "ratio", "erlangs"}
    assert family.unit == (last if (last := family.name.rpartition("_")[2]) in units else "")


def test_the_page_lists_all_metrics() -> None:
    """Name, type, labels and help of each are in the table of docs/metrics.md, in the order of the outputs."""
    rows = [
        f"| `{f.name}` | {f.kind} | {', '.join(f'`{name}`' for name in f.labels)} | {f.help} |".replace("|  |", "| |")
        for f in FAMILIES
    ]
    table = [line for line in _PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `stackscan_")]
    assert rows == table


# -- reports -----------------------------------------------------------------------------------------------------------


def test_a_report_has_the_numbers_of_its_json() -> None:
    """Goroutines by state, findings, pools and their load."""
    (snapshot,) = json_of(_STALLED)["snapshots"]
    text = reported(_STALLED)
    assert summed(text, "stackscan_goroutines") == snapshot["goroutines"]
    states = snapshot["wait_reasons"]
    assert {name: summed(text, "stackscan_goroutines", state=name) for name in states} == states
    (finding,) = snapshot["findings"]
    labels = {"rule": finding["rule"], "severity": finding["severity"], "cause": ""}
    assert summed(text, "stackscan_findings", **labels) == 1
    assert summed(text, "stackscan_finding_goroutines", **labels) == finding["count"]
    assert summed(text, "stackscan_capture_complete") == 1
    assert summed(text, "stackscan_build_info", version=__version__) == 1
    for pool in snapshot["pools"]:
        assert summed(text, "stackscan_pool_occupancy_ratio", pool=pool["pool"]) == pool["occupancy"]
        workers = {
            name: summed(text, "stackscan_pool_workers", pool=pool["pool"], state=name) for name in pool["states"]
        }
        assert workers == pool["states"]


@pytest.mark.parametrize("path", [_STALLED, _FIXED], ids=["synchronous", "detached"])
def test_the_load_is_that_of_the_pool_model(path: Path) -> None:
    """With its interval, unbounded above where only a lower bound is known; a wait where tasks wait for workers."""
    (snapshot,) = json_of(path)["snapshots"]
    (model,) = (pool["projection"] for pool in snapshot["pools"] if pool["projection"])
    text = reported(path)
    low, high = model["stall_load_interval"]
    assert summed(text, "stackscan_pool_offered_load_erlangs") == model["stall_load_erlangs"]
    assert summed(text, "stackscan_pool_offered_load_low_erlangs") == low
    assert summed(text, "stackscan_pool_offered_load_high_erlangs") == (float("inf") if high is None else high)
    waits = model["synchronous"]["wait_probability"] if model["in_force"] == "synchronous" else None
    assert summed(text, "stackscan_pool_wait_probability_ratio") == waits


def test_many_inputs_are_one_exposition() -> None:
    """Each metric in one place, each input with its labels; one that is given twice counts once."""
    text = reported(_STALLED, _FIXED, _STALLED)
    assert len(re.findall("^# TYPE", text, re.MULTILINE)) == len(set(re.findall("^# TYPE (.*) ", text, re.MULTILINE)))
    assert text.endswith("\n# EOF\n")
    each = [json_of(path)["snapshots"][0]["goroutines"] for path in (_STALLED, _FIXED)]
    assert [summed(text, "stackscan_goroutines", source=str(path)) for path in (_STALLED, _FIXED)] == each
    assert summed(text, "stackscan_goroutines") == sum(each)


def test_two_processes_of_many_give_the_same() -> None:
    """What is printed does not depend on the number of processes."""
    assert reported("--jobs", "2", _STALLED, _FIXED) == reported("--jobs", "1", _STALLED, _FIXED)


def test_a_process_counts_once() -> None:
    """A bundle shows its process as text and as a profile: the text counts."""
    bundle = _KUBO / "v0.41.0-fixed-tcp" / "ipfs-profile-01.zip"
    assert len(json_of(bundle)["snapshots"]) == 2
    assert {dict(labels)["member"] for labels in values(reported(bundle))["stackscan_goroutines"]} == {
        "goroutines.stacks"
    }


@pytest.mark.parametrize("words", [("--where", 'state "select"'), ("--top", "1")], ids=["where", "top"])
def test_a_part_of_a_dump_keeps_its_sum(words: tuple[str, str]) -> None:
    """With fewer stacks shown, or fewer goroutines asked for, the states sum up to all that are counted."""
    counted = run("report", "--format", "json", *words, _STALLED)
    assert counted.returncode == 0, counted.stderr
    total = json.loads(counted.stdout)["snapshots"][0]["goroutines"]
    assert summed(reported(*words, _STALLED), "stackscan_goroutines") == total


def test_an_empty_report_is_an_exposition() -> None:
    """Without captures there is the version, and the end."""
    out = io.StringIO()
    renderer("report", "openmetrics")(Report(()), out)
    assert list(values(out.getvalue())) == ["stackscan_build_info"]


def test_names_of_strangers_stay_inside_their_labels() -> None:
    """Quotes, line ends, what acts on a terminal and lone surrogates."""
    dump = 'goroutine 7 [se"lect\\, 3 minutes]:\nmain.main()\n\t/src/a.go:12 +0x1d\n'
    report = memory_report(dump)
    hostile = 'a"} 1\nstackscan_up{target="b\\\r\x1b[2J\u202e\ud800\u2028'
    (snapshot,) = report.snapshots
    out = io.StringIO()
    renderer("report", "openmetrics")(Report((replace(snapshot, source=hostile, member="x" * 10_000),)), out)
    found = values(out.getvalue())
    assert "stackscan_up" not in found
    (labels,) = (dict(known) for known in found["stackscan_goroutines"])
    assert labels["state"] == "other"
    assert labels["source"] == 'a"} 1\\nstackscan_up{target="b\\\\r\\x1b[2J\\u202e\\ud800\\u2028'
    assert len(labels["member"]) == 200
    assert re.search("[\x00-\x09\x0b-\x1f\x7f\u2028\u202e]", out.getvalue()) is None
    out.getvalue().encode()


# -- bounds ------------------------------------------------------------------------------------------------------------


def rows_of(rows: Iterable[tuple[str, Any, float]], name: str) -> dict[tuple[str, ...], float]:
    """The values of one metric by its labels' values."""
    return {tuple(labels.values()): value for found, labels, value in rows if found == name}


def test_states_are_those_of_go() -> None:
    """Whatever a dump prints, there are so many; remarks are left out."""
    states = dict.fromkeys((*KNOWN, *(f"s{n}" for n in range(10_000)), "state unknown"), 1) | {"select (durable)": 5}
    found = rows_of(goroutines(states, sum(states.values()) + 3), "stackscan_goroutines")
    assert set(found) == {(name,) for name in (*KNOWN, "other", "unknown")}
    assert (found["select",], found["other",], found["unknown",]) == (6, 10_003, 1)


def test_of_many_findings_the_worst_have_names() -> None:
    """All others are summed up by severity, and nothing is lost."""
    many = [Found(f"r{n}", "error" if n % 2 else "warning", "", n + 1, float(n)) for n in range(1000)]
    rows = [*findings([*many, replace(many[-1], goroutines=7, since=5.0)])]
    counts, sizes = (rows_of(rows, f"stackscan_{name}") for name in ("findings", "finding_goroutines"))
    since = rows_of(rows, "stackscan_finding_since_timestamp_seconds")
    assert len(counts) == MOST_FINDINGS + 2
    assert {key[0] for key in counts} == {f"r{n}" for n in range(961, 1000, 2)} | {"other"}
    assert (sum(counts.values()), sum(sizes.values())) == (1001, sum(range(1, 1001)) + 7)
    assert (counts["r999", "error", ""], sizes["r999", "error", ""], since["r999", "error", ""]) == (2, 1007, 5.0)
    assert (counts["other", "error", ""], counts["other", "warning", ""]) == (480, 500)


def test_of_many_pools_the_busiest_have_names() -> None:
    """All others are one pool."""
    (first,) = (
        pool
        for pool in memory_report(recorded("stalled").decode()).snapshots[0].pools
        if pool.pool.name == "bitswap-task-workers"
    )
    half = {**dict.fromkeys(first.states, 0), next(iter(first.idle_states)): 9, "other": 3}
    many = [
        replace(first, pool=replace(first.pool, name=f"p{n:03}"), states=first.states if n < 20 else half, workers=12)
        for n in range(100)
    ]
    rows = [*pools(reversed(many), {})]
    workers, busy = rows_of(rows, "stackscan_pool_workers"), rows_of(rows, "stackscan_pool_occupancy_ratio")
    assert set(busy) == {(f"p{n:03}",) for n in range(MOST_POOLS)} | {("other",)}
    assert sum(workers.values()) == 12 * 100
    assert (workers["other", "busy"], workers["other", "idle"], busy["other",]) == (240, 720, 0.25)


# -- processes ---------------------------------------------------------------------------------------------------------


def test_metrics_follow_a_process() -> None:
    """From quiet to stalled and, with the fixed release, back: findings, load and pools appear, and go."""
    history = History(target := Target.parse(_URL))
    assert set(exposed(history)) == {"stackscan_build_info", "stackscan_polls_total"}
    history.take(sample(target, recorded("quiet")))
    assert "stackscan_findings" not in exposed(history)
    history.take(stalled := sample(target, recorded("stalled"), 10))
    now = exposed(history)
    key = ("bitswap-close-stall", "error", "")
    assert numbers(now["stackscan_findings"], "rule", "severity", "cause") == {key: 1}
    assert numbers(now["stackscan_finding_goroutines"], "rule", "severity", "cause") == {key: 12}
    since = numbers(now["stackscan_finding_since_timestamp_seconds"], "rule", "severity", "cause")
    assert since == {key: stalled.at.timestamp()}
    assert numbers(now["stackscan_pool_workers"], "pool", "state")["bitswap-task-workers", "stalled-close"] == 12
    assert numbers(now["stackscan_pool_wait_probability_ratio"], "pool") == {("bitswap-task-workers",): 1.0}
    assert numbers(now["stackscan_leak_goroutines_per_second"], "target") == {(_URL,): 0.0}
    history.take(sample(target, recorded("stalled"), 20))
    assert numbers(exposed(history)["stackscan_finding_since_timestamp_seconds"], "rule", "severity", "cause") == since
    history.take(sample(target, recorded("fixed"), 30))
    fixed = exposed(history)
    assert {key[1] for key in numbers(fixed["stackscan_findings"], "rule", "severity")} == {"info"}
    assert numbers(fixed["stackscan_pool_occupancy_ratio"], "pool")["bitswap-task-workers",] == 0.0
    assert numbers(fixed["stackscan_polls_total"], "result") == {("ok",): 4, ("failed",): 0}


def test_a_process_that_does_not_answer_keeps_its_last_values() -> None:
    """stackscan_up says so, and the time of the capture how old they are."""
    history = History(target := Target.parse(_URL))
    history.failed(Failure(datetime.now(UTC), "refused", "", 0.1))
    assert numbers(exposed(history)["stackscan_up"], "target") == {(_URL,): 0}
    taken = replace(sample(target, recorded("stalled")), at=datetime.now(UTC) - timedelta(hours=1))
    history.take(taken)
    assert numbers(exposed(history)["stackscan_up"], "target") == {(_URL,): 1}
    history.failed(Failure(datetime.now(UTC), "refused", "", 0.1))
    now = exposed(history)
    assert numbers(now["stackscan_up"], "target") == {(_URL,): 0}
    assert numbers(now["stackscan_polls_total"], "result") == {("ok",): 1, ("failed",): 2}
    assert numbers(now["stackscan_findings"], "rule") == {("bitswap-close-stall",): 1}
    assert numbers(now["stackscan_capture_timestamp_seconds"], "target") == {(_URL,): taken.at.timestamp()}
    assert 3600 <= now["stackscan_capture_age_seconds"].samples[0].value < 7200
    assert "stackscan_capture_age_seconds" not in exposed(history, ages=False)


def growing(number: int) -> str:
    """A dump of a program in which so many goroutines wait in one place."""
    waiting = (
        f"goroutine {n} [chan send, 1 minutes]:\nmain.worker(0x1)\n\t/src/main.go:9 +0x1d\n"
        "created by main.start in goroutine 1\n\t/src/main.go:5 +0x2d\n"
        for n in range(10, 10 + number)
    )
    return "\n".join(("goroutine 1 [sleep]:\nmain.main()\n\t/src/main.go:3 +0x1\n", *waiting))


def test_a_leak_has_a_speed() -> None:
    """Goroutines a second, over the captures that show it."""
    history = History(target := Target.parse(_URL))
    for place in range(4):
        history.take(sample(target, growing(100 + 50 * place).encode(), 10.0 * place))
    now = exposed(history)
    assert numbers(now["stackscan_leak_goroutines_per_second"], "target") == {(_URL,): 5.0}
    assert ("leak", "error", "leak") in numbers(now["stackscan_findings"], "rule", "severity", "cause")


def test_a_pool_that_fills_has_a_time() -> None:
    """The forecast's median and its interval; 0 when the pool is full, +Inf for an end beyond the horizon."""
    history = History(target := Target.parse(_URL))
    one = sample(target, recorded("stalled"))
    (pool,) = (pool for pool in one.pools if pool.pool.name == "bitswap-task-workers")
    idle = next(iter(pool.idle_states))
    for place in range(14):
        busy = min(1 + place // 2, 12)
        states = dict.fromkeys(pool.states, 0) | {"stalled-close": busy, idle: 12 - busy}
        at = one.at + timedelta(seconds=20 * place)
        history.take(replace(one, at=at, pools=(replace(pool, states=states),)))
    found = history.forecast(pool.pool.name)
    assert found is not None
    now = exposed(history)
    times = {
        end: numbers(now[f"stackscan_pool_full_in_{end}seconds"], "pool")["bitswap-task-workers",]
        for end in ("", "low_", "high_")
    }
    high = math.inf if found.full_high is None else found.full_high
    assert times == {"": found.full_in_seconds, "low_": found.full_low, "high_": high}
    assert times[""] == pytest.approx(200, rel=0.2)  # five more, at one in 40 s
    for place in range(14, 17):
        history.take(replace(one, at=one.at + timedelta(seconds=20 * place)))
    now = exposed(history)
    for end in ("", "low_", "high_"):
        times = numbers(now[f"stackscan_pool_full_in_{end}seconds"], "pool")
        assert times == {("bitswap-task-workers",): 0.0}


def test_every_metric_is_in_use() -> None:
    """Two nodes, one with a load from counts, have all that the page lists."""
    history = History(target := Target.parse(_URL))
    for place, stage in enumerate(("fixed", "stalled", "stalled", "stalled")):
        history.take(sample(target, recorded(stage), 10.0 * place))
    other = History(Target.parse("http://127.0.0.1:6061"))
    other.take(sample(other.target, recorded("fixed", "0"), depth="profile"))
    assert {family.name for family in FAMILIES} == set(exposed(history, other))


def test_processes_that_differ_in_secrets_are_two() -> None:
    """Their addresses are masked; the second one has a number."""
    urls = [f"http://user:{word}@127.0.0.1:6060/debug/pprof?token={word}" for word in ("hunter2", "swordfish")]
    histories = [History(Target.parse(url)) for url in urls]
    for history in histories:
        history.take(sample(history.target, recorded("quiet")))
    names = {key[0] for key in numbers(exposed(*histories)["stackscan_up"], "target")}
    assert len(names) == 2
    assert not [name for name in names for word in ("hunter2", "swordfish") if word in name]
    assert label("a" + "x" * 298 + "z") == "a" + "x" * 65 + "…" + "x" * 132 + "z"


# -- serving -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    """An exporter of two processes, one of which is stalled; nobody asks them."""
    targets = [Target.parse(_URL), Target.parse("http://127.0.0.1:6061")]
    watch = Watch(targets, Settings(10.0), Options(shipped()), lambda _: None)
    watch.watchers[0].history.take(sample(targets[0], recorded("stalled")))
    made = Exporter(watch)
    yield made
    made.close()


def asked(url: str, **headers: str) -> http.client.HTTPResponse:
    """The answer to a request with these headers."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, headers=given)  # noqa: S310 - our own server
    found: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=20)  # noqa: S310 - the same
    return found


def test_metrics_are_served_in_the_format_that_is_accepted(exporter: Exporter) -> None:
    """OpenMetrics to who takes it, Prometheus' text to all others, packed on request."""
    url = exporter.serve("127.0.0.1:0")
    plain = asked(url)
    assert plain.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    names = {sample.name for family in parsed_text(plain.read().decode()) for sample in family.samples}
    assert {"stackscan_goroutines", "stackscan_polls_total", "process_resident_memory_bytes"} <= names
    accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
    answer = asked(url, Accept=accept, Accept_Encoding="gzip")
    assert answer.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    text = gzip.decompress(answer.read()).decode()
    assert summed(text, "stackscan_goroutines", target=_URL) == 427
    assert summed(text, "stackscan_polls_total", target=_URL, result="ok") == 1


def test_only_metrics_are_served(exporter: Exporter) -> None:
    """Other paths are not found, other methods not known; HEAD has no body."""
    address = exporter.serve("127.0.0.1:0").removeprefix("http://").partition("/")[0]
    statuses = {}
    for method, path in (("GET", "/"), ("GET", "/metricsx"), ("POST", "/metrics"), ("HEAD", "/metrics?x=1")):
        connection = http.client.HTTPConnection(address, timeout=20)
        connection.request(method, path)
        answer = connection.getresponse()
        statuses[method, path] = answer.status, bool(answer.read())
        connection.close()
    assert statuses == {
        ("GET", "/"): (404, True),
        ("GET", "/metricsx"): (404, True),
        ("POST", "/metrics"): (501, True),
        ("HEAD", "/metrics?x=1"): (200, False),
    }


def test_silent_clients_take_a_bounded_number_of_threads(exporter: Exporter) -> None:
    """Eight wait for an answer, the ninth is hung up on; when they go, metrics are served again."""
    url = exporter.serve("127.0.0.1:0")
    port = int(url.split(":")[2].partition("/")[0])
    silent = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(9)]
    assert silent[8].recv(1) == b""
    for each in silent:
        each.close()
    for _ in range(100):
        try:
            assert asked(url).status == 200
            break
        except OSError:
            continue
    else:
        pytest.fail("no metrics")


def test_a_port_that_is_taken_is_an_error(exporter: Exporter) -> None:
    """It is named, with what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UsageError, match="the port is in use") as caught:
            exporter.serve(address)
    assert address in str(caught.value)
    assert "another port" in caught.value.hint


@pytest.mark.parametrize(
    "address", ["9464", ":9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "::1:9464", "a/b:1", ""]
)
def test_an_address_has_a_host_and_a_port(address: str, exporter: Exporter) -> None:
    """Nothing is listened at that was not asked for: a port alone is refused."""
    with pytest.raises(UsageError, match="is no address"):
        exporter.serve(address)


def test_an_address_of_another_machine_is_an_error(exporter: Exporter) -> None:
    """Nothing is served in its place."""
    with pytest.raises(UsageError, match=re.escape("cannot be served at 192.0.2.1:9464")):
        exporter.serve("192.0.2.1:9464")


def test_nothing_listens_after_the_end(exporter: Exporter) -> None:
    """Closing twice is no error."""
    url = exporter.serve("127.0.0.1:0")
    asked(url)
    exporter.close()
    exporter.close()
    with pytest.raises(OSError, match="refused"):
        asked(url)


def test_a_node_is_watched_and_exported() -> None:
    """The exporter shows what the watch sees, while it goes on."""
    with node() as running:
        watch = Watch([Target.parse(running.url)], Settings(0.1), Options(shipped()), lambda _: None)
        exporter = Exporter(watch)
        url = exporter.serve("127.0.0.1:0")
        watch.start()
        try:
            running.stage = "stalled"
            for _ in range(600):
                page = asked(url, Accept="application/openmetrics-text").read().decode()
                if summed(page, "stackscan_findings", rule="bitswap-close-stall", target=running.url):
                    break
                watch.stop.wait(0.05)
            else:
                pytest.fail("no finding")
        finally:
            watch.stop.set()
            exporter.close()


# -- the text file -----------------------------------------------------------------------------------------------------


def test_the_text_file_is_text_for_node_exporter(exporter: Exporter, tmp_path: Path) -> None:
    """Prometheus' text, without what changes between two readings or belongs to another process."""
    exporter.write(tmp_path / "stackscan.prom")
    text = (tmp_path / "stackscan.prom").read_text(encoding="utf-8")
    names = {sample.name for family in parsed_text(text) for sample in family.samples}
    assert "stackscan_goroutines" in names
    assert not {name for name in names if not name.startswith("stackscan_")}
    assert "stackscan_capture_age_seconds" not in names
    assert "# EOF" not in text
    exporter.close()
    assert [path.name for path in tmp_path.iterdir()] == ["stackscan.prom"]


def test_the_text_file_is_written_at_the_end(exporter: Exporter, tmp_path: Path) -> None:
    """What changed last is in it."""
    path = tmp_path / "stackscan.prom"
    exporter.write(path)
    path.unlink()
    exporter.close()
    assert "stackscan_goroutines" in path.read_text(encoding="utf-8")


def test_a_text_file_that_cannot_be_written_is_an_error_at_once(exporter: Exporter, tmp_path: Path) -> None:
    """Later it is a remark: watching goes on."""
    with pytest.raises(OutputError):
        exporter.write(tmp_path / "none" / "stackscan.prom")
    exporter.write(tmp_path / "stackscan.prom")
    assert exporter.failure is None
    (tmp_path / "stackscan.prom").unlink()
    (tmp_path / "stackscan.prom").mkdir()
    exporter.close()
    assert exporter.failure is not None
    assert "is a directory" in exporter.failure


def test_a_name_that_node_exporter_overlooks_is_remarked_on() -> None:
    """It reads ``*.prom`` only."""
    assert textfile_note(Path("/var/lib/stackscan.prom")) is None
    assert (
        textfile_note(Path("out.txt"))
        == "out.txt: node_exporter reads files with names that end in .prom, and no others"
    )


def test_promtool_finds_no_fault(exporter: Exporter, tmp_path: Path) -> None:
    """In none of the three: what is served, what is written, and a report."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    exporter.write(tmp_path / "stackscan.prom")
    page = asked(exporter.serve("127.0.0.1:0")).read()
    for text in (page, (tmp_path / "stackscan.prom").read_bytes(), reported(_STALLED, _FIXED).encode()):
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, b"")
