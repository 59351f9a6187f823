"""The dashboard example, opened in a real browser: needs streamlit, selenium and Chromium, and is skipped without.

pip install -r examples/dashboard/requirements.txt selenium && apt-get install chromium chromium-driver
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers import FIXTURES, ROOT, run

APP = ROOT / "examples" / "dashboard"
#: One day of one node: quiet, then stalled on kubo 0.39.0, then fixed by kubo 0.41.0.
DAY = ["v0.39.0-quiet", "v0.39.0-unbounded-tcp", "v0.41.0-fixed-tcp"]
SECONDS = 60
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--window-size=1400,2100", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip


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


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    """Headless Chromium with an empty profile, which reaches nothing but this machine."""
    webdriver = pytest.importorskip("selenium.webdriver")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("Chromium and its driver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=driver)) as opened:
        yield opened


def _settled(browser: Any) -> str:
    """The text of the page once all its charts are drawn."""
    for _ in range(SECONDS * 2):
        charts = browser.execute_script("return document.querySelectorAll('[data-testid=stVegaLiteChart] canvas, "
                                        "[data-testid=stVegaLiteChart] svg').length")  # fmt: skip
        text: str = browser.execute_script("return document.body.innerText")
        if charts >= 4 and "Buckets" in text:
            time.sleep(1)
            return text
        time.sleep(0.5)
    return text


def test_the_stall_appears_and_is_gone_with_the_fix(page: str, browser: Any, tmp_path: Path) -> None:
    """The page says how the node is now, and its charts hold the stall only where it was.

    With ``STACKSCAN_SCREENSHOT=FILE`` the page is kept as a picture, to be looked at.
    """
    browser.get(page)
    text = _settled(browser)
    browser.save_screenshot(os.environ.get("STACKSCAN_SCREENSHOT", str(tmp_path / "page.png")))
    assert "bitswap streams are being closed outside the worker pool" in text
    assert re.search(r"bitswap-task-workers: 12 workers", text)
    assert not re.search("Traceback|Exception|Error", text)
    names = {
        entry["name"]
        for entry in browser.execute_script(
            "return performance.getEntriesByType('resource').map(e => ({name: e.name}))"
        )
    }
    assert [] == [name for name in names if not name.startswith((page, "data:", "blob:"))]


def test_the_charts_hold_the_day(tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing found in the quiet, errors in all captures of the stall, none after the fix."""
    pytest.importorskip("streamlit")
    from streamlit.testing.v1 import AppTest

    monkeypatch.setattr(sys, "argv", ["app.py", str(tables)])
    shown = AppTest.from_file(str(APP / "app.py"), default_timeout=SECONDS).run()
    assert [] == list(shown.exception)
    assert ["Goroutines over time"] == [title.value for title in shown.title]
    caught: dict[str, set[str]] = {}
    for capture, severity in shown.dataframe[0].value[["capture", "severity"]].itertuples(index=False):
        caught.setdefault(capture, set()).add(severity)
    assert [{"error"}] * 4 + [{"info"}] * 2 == [caught[capture] for capture in sorted(caught)]
    assert min(caught) > "11-23 09:33:30"  # after both captures of the quiet node


def test_tables_of_two_exports_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a killed export leaves; the page says which file, and shows nothing."""
    pytest.importorskip("streamlit")
    from streamlit.testing.v1 import AppTest

    bundles = sorted((FIXTURES / "kubo" / DAY[0]).glob("*.zip"))
    for name, bundle in zip(("one", "other"), bundles, strict=False):
        assert 0 == run("export", "--output", tmp_path / name, bundle).returncode
    shutil.copy(tmp_path / "other" / "goroutines.parquet", tmp_path / "one")
    monkeypatch.setattr(sys, "argv", ["app.py", str(tmp_path / "one")])
    shown = AppTest.from_file(str(APP / "app.py"), default_timeout=SECONDS).run()
    assert "goroutines.parquet is not the file of the last export" in shown.error[0].value
    assert [] == list(shown.exception)


def test_a_folder_without_tables_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of a traceback on the page."""
    pytest.importorskip("streamlit")
    from streamlit.testing.v1 import AppTest

    monkeypatch.setattr(sys, "argv", ["app.py", str(tmp_path)])
    shown = AppTest.from_file(str(APP / "app.py"), default_timeout=SECONDS).run()
    assert "has no table" in shown.error[0].value
    assert [] == list(shown.exception)
