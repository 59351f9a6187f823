"""A real browser for tests: which one, pages that are watched, and axe."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from helpers import run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

#: The environment variable that names the browser to use.
VARIABLE: Final = "STACKSCAN_CHROMIUM"
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def executable() -> str:
    """The browser that tests use. Skips the test where there is none."""
    found = os.environ.get(VARIABLE) or next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip(f"no browser: install chromium, or name one in {VARIABLE}")
    return found


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser that is closed at the end. Skips the test where playwright or the browser is missing."""
    api = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install -e '.[dev]'")
    where = executable()
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=where, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watched:
    """A page in a browser, and everything that it should not have done: console messages, errors, requests, dialogs."""

    page: Page
    file: Path
    faults: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address of the file."""
        return self.file.as_uri()

    def open(self, fragment: str = "") -> Page:
        """Load the file, with this part of the address behind ``#``."""
        self.page.goto("about:blank")
        self.page.goto(self.url + (f"#{fragment}" if fragment else ""))
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until what is near the screen is made and painted."""
        self.page.evaluate("() => new Promise((done) => setTimeout(() => requestAnimationFrame(done), 50))")

    def resize(self, width: int, height: int = 900) -> None:
        """Give the page another size."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.settle()

    def has_address(self, fragment: str | re.Pattern[str]) -> None:
        """The address from ``#`` on is this, or has this pattern, now or soon: it is written after a moment."""
        from playwright.sync_api import expect

        expect(self.page).to_have_url(self.url + fragment if isinstance(fragment, str) else fragment)


@contextmanager
def watched(browser: Browser, file: Path, *, scheme: Any = "light", width: int = 1400) -> Iterator[Watched]:
    """A page with a file; at the end it must have done nothing that it should not."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, accept_downloads=True)
    context.set_default_timeout(20_000)
    try:
        page = context.new_page()
        found = Watched(page, file)
        page.on("console", lambda message: found.faults.append(f"console {message.type}: {message.text}"))
        page.on("pageerror", lambda error: found.faults.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (found.faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: _judge(found, request.url))
        yield found
        assert [] == found.faults
    finally:
        context.close()


def _judge(found: Watched, url: str) -> None:
    """Only the file itself may be asked for; what is in the page already (data:, blob:) is no request."""
    if url.partition("#")[0] != found.url and not url.startswith(("data:", "blob:", "about:")):
        found.faults.append(f"request: {url}")


def made(folder: Path, *sources: Path | str, command: tuple[str, ...] = ("report",)) -> Path:
    """The page of some sources, as the program writes it."""
    file = folder / "page.html"
    done = run(*command, *sources, "--format", "html", "--output", file)
    assert done.returncode in (0, 1), done.stderr
    return file


def serious(page: Page, within: str | None = None) -> list[str]:
    """What axe calls a serious or critical fault, on the page or in one part: rule, and the elements that have it."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe: pip install -e '.[dev]'")
    found: dict[str, Any] = axe.Axe().run(page, context=within, options={"resultTypes": ["violations"]}).response
    return [
        f"{fault['id']}: {node['target']} {node['failureSummary']}"
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]
