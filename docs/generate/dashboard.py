"""Makes the picture of the dashboard in docs/pictures, of captures with planted faults (benchmarks/fleet.py).

It needs a browser (docs/page.md) and examples/dashboard/requirements.txt, and runs by hand:
python docs/generate/dashboard.py
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

_ROOT: Final = Path(__file__).parents[2]
_CAPTURES: Final = 2_500
_SIZE: Final = {"width": 1400, "height": 2000}
#: Of the page; the rest is more of the same.
_SHOWN: Final = {"x": 0, "y": 0, "width": 1400, "height": 1740}
_SECONDS: Final = 60


def store(folder: Path) -> Path:
    """A store of a fleet with three leaks, a full pool, an odd host and damaged captures."""
    sys.path.insert(0, str(_ROOT / "benchmarks"))
    from fleet import PATTERN, make

    make(folder / "captures", _CAPTURES, 1)
    command = [sys.executable, "-m", "stackscan", "fleet", "--pattern", PATTERN, "--store", "store", "captures"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder / "store"


@contextmanager
def served(place: Path) -> Iterator[str]:
    """The address of the dashboard, on loopback only."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}/"
    options = ["--server.headless=true", f"--server.port={port}", "--server.address=127.0.0.1"]
    options += ["--browser.gatherUsageStats=false", "--client.toolbarMode=viewer"]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", *options, "--", str(place)]
    process = subprocess.Popen(command, cwd=_ROOT / "examples" / "dashboard", stdout=subprocess.DEVNULL)
    try:
        _wait_for(f"{address}_stcore/health")
        yield address
    finally:
        process.terminate()
        process.wait()


def _wait_for(address: str) -> None:
    for _ in range(_SECONDS * 2):
        try:
            with urllib.request.urlopen(address, timeout=2):  # noqa: S310 - our own server
                return
        except OSError:
            time.sleep(0.5)
    raise SystemExit(f"nothing answers at {address}")


def main(browser_path: str) -> None:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as folder, served(store(Path(folder))) as address, sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page(viewport=_SIZE, device_scale_factor=0.85)
        page.goto(address)
        page.get_by_text("Largest groups").wait_for(timeout=_SECONDS * 1000)
        page.wait_for_timeout(5000)
        picture = _ROOT / "docs" / "pictures" / "dashboard.jpg"
        page.screenshot(path=picture, clip=_SHOWN, type="jpeg", quality=78)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "/usr/bin/chromium")
