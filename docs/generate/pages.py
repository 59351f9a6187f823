"""Makes the pictures of pages in docs/pictures: needs a browser (docs/page.md), and runs by hand.

python docs/generate/pages.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

_ROOT: Final = Path(__file__).parents[2]
#: Name of a picture → the command that makes its page, and the part of the page to show.
_PAGES: Final = {
    "page-stalled": ("report", "fixtures/kubo/v0.41.0-boxo-v0.38.0-stalled-tcp/ipfs-profile-02.zip"),
    "page-deadlock": ("report", "fixtures/go/go1.27/locks_deadlock.txt"),
}
_SIZE: Final = {"width": 1240, "height": 800}


def main(browser_path: str) -> None:
    """Write all pictures."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for name, (command, *sources) in _PAGES.items():
            page = Path(folder) / f"{name}.html"
            arguments = [command, "--format", "html", "--output", str(page), *sources]
            subprocess.run([sys.executable, "-m", "stackscan", *arguments], cwd=_ROOT, check=True)
            shown = browser.new_page(viewport=_SIZE, device_scale_factor=0.75)
            shown.goto(page.as_uri())
            shown.wait_for_timeout(500)
            shown.screenshot(path=_ROOT / "docs" / "pictures" / f"{name}.jpg", type="jpeg", quality=72)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "/usr/bin/chromium")
