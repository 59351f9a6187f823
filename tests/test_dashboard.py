"""The dashboard example, opened in a real browser: needs streamlit and Chromium, and is skipped without.

pip install -r examples/dashboard/requirements.txt && apt-get install chromium
"""

from __future__ import annotations

import importlib
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest
from test_fleet import dump, put

from browser import launched
from helpers import FIXTURES, ROOT, run

APP = ROOT / "examples" / "dashboard"
#: One day of one node: quiet, then stalled on kubo 0.39.0, then fixed by kubo 0.41.0.
DAY = ["v0.39.0-quiet", "v0.39.0-unbounded-tcp", "v0.41.0-fixed-tcp"]
SECONDS = 60


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The day as an operator would have exported it, capture by capture."""
    folder = tmp_path_factory.mktemp("dashboard") / "tables"
    for name in DAY:
        bundles = sorted((FIXTURES / "kubo" / name).glob("*.zip"))
        assert 0 == run("export", "--partition", "--host", "node-1", "--output", folder, *bundles).returncode
    return folder


@pytest.fixture(scope="module")
def page(tables: Path) -> Iterator[str]:
    """The address of the running dashboard, started as its documentation says."""
    pytest.importorskip("streamlit")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}", "--", str(tables)],
        cwd=APP,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_for(address: str) -> None:
    for _ in range(SECONDS * 2):
        try:
            with urllib.request.urlopen(address, timeout=2):  # noqa: S310  # our own server
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"nothing answers at {address}")


def test_the_stall_appears_and_is_gone_with_the_fix(page: str) -> None:
    """The page says how the node is now, draws all its charts, and asks no other server for anything."""
    asked: list[str] = []
    with launched() as browser:
        opened = browser.new_page(viewport={"width": 1400, "height": 2600})
        opened.on("request", lambda request: asked.append(request.url))
        opened.goto(page)
        opened.get_by_text("Largest groups").wait_for(timeout=SECONDS * 1000)
        charts = opened.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg.marks")
        charts.nth(6).wait_for(timeout=SECONDS * 1000)
        text = opened.inner_text("body")
    assert "bitswap streams are being closed outside the worker pool" in text
    assert re.search(r"bitswap-task-workers: at least half busy on 1 of 1 hosts", text)
    assert not re.search("Traceback|Exception|Error", text)
    elsewhere = [url for url in asked if not url.startswith((page, page.replace("http", "ws"), "data:", "blob:"))]
    assert [] == elsewhere


def shown(place: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The page of a place, without a browser."""
    pytest.importorskip("streamlit")
    from streamlit.testing.v1 import AppTest

    monkeypatch.setattr(sys, "argv", ["app.py", str(place)])
    monkeypatch.syspath_prepend(APP)
    return AppTest.from_file(str(APP / "app.py"), default_timeout=SECONDS).run()


@pytest.fixture
def captures(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """What reads stores and exports for the page."""
    monkeypatch.syspath_prepend(APP)
    return importlib.import_module("captures")


def test_the_charts_hold_the_day(tables: Path, captures: ModuleType) -> None:
    """Nothing found in the quiet, all workers held in each capture of the stall, none after the fix; errors first."""
    found = captures.of_export(str(tables), None)
    severities = [one.severity for one in found.problems]
    assert ["error", "error", "info"] == severities
    by_rule = {one.facts[0]: one.series["count"].to_list() for one in found.problems}
    assert [0, 0, 12, 12, 12, 12, 0, 0] == by_rule["bitswap-close-stall"]
    task = found.pools.filter(pl.col("pool") == "bitswap-task-workers").sort("captured_at")
    assert [0, 0, 12, 12, 12, 12, 0, 0] == task["count"].to_list()
    assert "12 stalled-close" == task["detail"][3]


def test_a_page_of_an_export(tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Headings and the verdict; the pool that was held is drawn, calm ones are rows of a table."""
    page = shown(tables, monkeypatch)
    assert [] == list(page.exception)
    assert ["Goroutines over time"] == [title.value for title in page.title]
    text = " ".join(each.value for each in page.markdown)
    assert "bitswap-task-workers**: at least half busy on 1 of 1 hosts, up to 100%" in text
    assert ["bitswap-blockstore-workers"] == page.dataframe[0].value["pool"].to_list()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two services with hosts of one name; a leak on two hosts, and a full pool on one."""
    pytest.importorskip("deltalake")
    folder = tmp_path_factory.mktemp("dashboard-store")
    for number in range(5):
        for step in range(4):
            leaked = [(30 * step, "queue.audit", "chan receive")] if number < 2 else []
            salt, minutes = number * 9 + step, 10 * step
            shop = dump(*leaked, (5, "store.flush", "IO wait"), salt=salt, minutes=minutes)
            put(folder / "in", "shop", f"h{number}", step, shop)
            mail = dump((7, "smtp.send", "IO wait"), salt=900 + salt, minutes=minutes)
            put(folder / "in", "mail", f"h{number}", step, mail)
    pattern = "{service}/{host}/{time:%Y%m%dT%H%M%S}.txt"
    done = run("fleet", "--store", folder / "store", "--pattern", pattern, folder / "in")
    assert 0 == done.returncode, done.stderr
    return folder / "store"


def test_a_leak_of_a_store_is_drawn_by_host(store: Path, captures: ModuleType) -> None:
    """The findings of the answer; each host that leaks has its captures, zeros included, under the name of its
    service, since another service has a host of that name."""
    found = captures.of_store(str(store), None, None)
    [leak] = found.problems
    assert ("error", "leak: grows and never falls") == (leak.severity, leak.title)
    lines = {host: rows["count"].to_list() for (host,), rows in leak.series.group_by("host", maintain_order=True)}
    assert {"shop/h0": [0, 30, 60, 90], "shop/h1": [0, 30, 60, 90]} == lines
    largest = found.groups[0]
    assert "queue.audit [chan receive]" == largest.name
    assert [0, 60, 120, 180] == largest.series["count"].to_list()


def test_one_service_of_a_store(store: Path, captures: ModuleType) -> None:
    """Its hosts only, and no finding of another service."""
    found = captures.of_store(str(store), "mail", None)
    assert () == found.problems
    assert {"mail"} == {*found.taken["service"]}
    assert 20 == found.taken.height


def test_a_page_of_a_store(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The verdict of the answer comes first, then its findings."""
    page = shown(store, monkeypatch)
    assert [] == list(page.exception)
    assert "1 problem on 2 of 10 hosts" in page.markdown[0].value
    assert "grows and never falls" in page.markdown[1].value


def test_tables_of_two_exports_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a killed export leaves; the page says which file, and shows nothing."""
    bundles = sorted((FIXTURES / "kubo" / DAY[0]).glob("*.zip"))
    for name, bundle in zip(("one", "other"), bundles, strict=False):
        assert 0 == run("export", "--output", tmp_path / name, bundle).returncode
    shutil.copy(tmp_path / "other" / "goroutines.parquet", tmp_path / "one")
    page = shown(tmp_path / "one", monkeypatch)
    assert "goroutines.parquet is not the file of the last export" in page.error[0].value
    assert [] == list(page.exception)


def test_a_folder_without_tables_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of a traceback on the page."""
    page = shown(tmp_path, monkeypatch)
    assert "is no store and has no table" in page.error[0].value
    assert [] == list(page.exception)
