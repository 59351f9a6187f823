"""The documentation as a site: it builds without a warning, is whole, needs no network, and anyone can read it."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import pytest

from browser import launched
from helpers import ROOT, environment

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as BrowserPage

if not all(map(importlib.util.find_spec, ("sphinx", "myst_parser", "pydata_sphinx_theme", "sphinx_copybutton"))):
    pytest.skip("no Sphinx: pip install -e '.[docs]'", allow_module_level=True)

#: Pages that other pages link to, and that no chapter of the book has.
_IN_NO_CHAPTER: Final = {"tests/schemas/README.html"}
#: Attributes that make a browser load something at once; ``href`` does in ``link`` only.
_LOADS: Final = {"src", "srcset", "poster", "data"}


class Page(HTMLParser):
    """What a page of the site says of itself: title, description, ids, links, and what it loads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        text = path.read_text(encoding="utf-8")
        self.title = " ".join(re.findall(r"<title>(.*?)</title>", text, re.DOTALL)[:1])
        self.description = ""
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.unnamed: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what an element leads to or loads."""
        has = {name: value or "" for name, value in attrs}
        self.ids |= {has["id"]} if "id" in has else set()
        self.loads += [value for name, value in has.items() if name in _LOADS or (tag, name) == ("link", "href")]
        self.links += [has["href"]] if tag == "a" and "href" in has else []
        self.unnamed += [has["src"]] if tag == "img" and not has.get("alt") else []
        if tag == "meta" and has.get("name") == "description":
            self.description = has["content"]


@dataclass(frozen=True)
class Site:
    """The built site, and its pages by their place in it."""

    root: Path
    pages: dict[str, Page]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site, built once for all processes of a test run; any warning ends it."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "site"
    html = folder / "html"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not html.exists():
            options = [
                "-b",
                "html",
                "-q",
                "-W",
                "--keep-going",
                "-c",
                ROOT / "docs" / "site",
                "-d",
                folder / "doctrees",
            ]
            done = subprocess.run(
                [sys.executable, "-m", "sphinx", *options, ROOT, folder / "made"],
                env=environment(),
                capture_output=True,
                text=True,
                check=False,
            )
            assert 0 == done.returncode, done.stderr
            (folder / "made").rename(html)
    return Site(html, {path.relative_to(html).as_posix(): Page(path) for path in _pages(html)})


def _pages(html: Path) -> list[Path]:
    """The pages for readers: the theme has templates that end with ``.html``, too."""
    return sorted(path for path in html.rglob("*.html") if "_static" not in path.parts)


def test_every_page_is_there(site: Site) -> None:
    """Each Markdown file of the book, and those beside it, is a page; README files are also the index of a folder."""
    names = {path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))}
    expected = {name.removesuffix(".md") + ".html" for name in names}
    assert set() == expected - set(site.pages)
    indexes = {name for name in site.pages if name.endswith("README.html")}
    assert {name.replace("README.html", "index.html") for name in indexes} <= set(site.pages)


def test_every_link_leads_somewhere(site: Site) -> None:
    """Each relative address of each page is a file of the site, and each fragment an element of that page."""
    broken = []
    for name, page in site.pages.items():
        for link in (*page.links, *page.loads):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            file = (site.root / name).parent / unquote(parts.path) if parts.path else site.root / name
            place = file.resolve().relative_to(site.root.resolve()).as_posix()
            target = site.pages.get(place)
            if not file.is_file() or (parts.fragment and target and unquote(parts.fragment) not in target.ids):
                broken.append(f"{name}: {link}")
    assert [] == broken


def test_links_to_other_sites_are_addresses(site: Site) -> None:
    """They are https, name a host, and hold no blank; whether anyone answers is not asked."""
    links = {link for page in site.pages.values() for link in page.links if urlsplit(link).scheme}
    odd = [link for link in links if not re.fullmatch(r"https://[\w-]+(\.[\w-]+)+(/[!-~]*)?(#[!-~]+)?", link)]
    assert [] == odd
    assert len(links) > 10


def test_nothing_is_loaded_from_elsewhere(site: Site) -> None:
    """No script, style, font or picture has an address with a host, in pages or in styles: the site works offline."""
    remote = [f"{name}: {load}" for name, page in site.pages.items() for load in page.loads if "//" in load]
    for style in site.root.rglob("*.css"):
        found = re.findall(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')\s]+)", style.read_text(encoding="utf-8"))
        remote += [f"{style.name}: {each}" for each in found]
    assert [] == remote


def test_every_page_has_a_title_a_description_and_words_for_pictures(site: Site) -> None:
    """What search engines, tabs and screen readers say of it; no two pages have the same title."""
    own = {name: page for name, page in site.pages.items() if not name.endswith("index.html")}
    assert [] == [name for name, page in own.items() if not page.title.strip() or len(page.description) < 15]
    assert [] == [picture for page in own.values() for picture in page.unnamed]
    titles = [page.title for page in own.values()]
    assert [] == sorted({title for title in titles if titles.count(title) > 1})


def test_the_chapters_are_those_of_the_book(site: Site) -> None:
    """The list beside every page has each page once, in the order of docs/README.md."""
    book = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    expected = ["docs/README.html"] + [
        (Path("docs") / target).as_posix().replace("docs/../", "").removesuffix(".md") + ".html"
        for target in re.findall(r"\]\(([\w./-]+\.md)\)", book)
    ]
    listed = (
        (site.root / "README.html").read_text(encoding="utf-8").split('aria-label="Chapters"')[1].split("</nav>")[0]
    )
    assert expected == re.findall(r'class="reference internal" href="([^"]+)"', listed)
    pages = {name for name in site.pages if not name.endswith("index.html")}
    assert _IN_NO_CHAPTER | {"README.html", "search.html"} == pages - set(expected)


def test_the_first_page_begins_with_what_stackscan_is_for(site: Site) -> None:
    """And shows a report."""
    text = (site.root / "index.html").read_text(encoding="utf-8")
    assert "Your Go service hangs." in site.pages["index.html"].description
    assert 0 < text.index("Your Go service hangs.") < text.index("_images/report.svg") < text.index("<h2>")


def test_flow_charts_are_drawn(site: Site) -> None:
    """Each arrow of docs/packages.md is a line, each room a box; no page shows the text of a chart."""
    page = (ROOT / "docs" / "packages.md").read_text(encoding="utf-8")
    arrows = re.findall(r"^ +(\S+) --> (\S+)$", page, re.MULTILINE)
    drawn = (site.root / "docs" / "packages.html").read_text(encoding="utf-8").split('<div class="flowchart"')[1]
    assert len(arrows) == drawn.count('class="line"')
    boxes = re.findall(r"<text [^>]*>([^<]+)</text>", drawn)
    assert sorted({room for arrow in arrows for room in arrow}) == sorted(boxes)
    assert [] == [name for name in site.pages if "flowchart TD" in (site.root / name).read_text(encoding="utf-8")]


# -- in a browser ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as found:
        yield found


#: What axe itself does on a page from a file: it asks for the styles, and says so when that is refused.
_OF_AXE: Final = re.compile(r"Access to XMLHttpRequest|Couldn't load preload assets|net::ERR_FAILED")
#: What the theme says on the console of every page.
_OF_THE_THEME: Final = re.compile(r"console log: \[PST\]")


#: The texts that end right of the window, without those in something that can be scrolled.
_CUT_OFF: Final = """() =>
    [...document.querySelectorAll("article :is(a, code, h1, h2, h3, img, li, p, td)")]
        .filter((each) => each.getBoundingClientRect().right > window.innerWidth + 1)
        .filter((each) => !each.closest("pre, .pst-scrollable-table-container, .flowchart"))
        .map((each) => each.textContent.slice(0, 60))"""


@contextmanager
def _silent(browser: Browser, width: int, scheme: Any) -> Iterator[BrowserPage]:
    """A window in which nothing may be asked for from elsewhere, and nothing may go wrong."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    faults: list[str] = []
    try:
        page = context.new_page()
        page.on("console", lambda message: faults.append(f"console {message.type}: {message.text}"))
        page.on("pageerror", lambda error: faults.append(f"error: {error}"))
        page.on("request", lambda request: _judge(faults, request.url))
        yield page
    finally:
        context.close()
    assert [] == [fault for fault in faults if not _OF_AXE.search(fault) and not _OF_THE_THEME.match(fault)]


def _found_by_axe(page: BrowserPage) -> list[str]:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe: pip install -e '.[dev]'").Axe()
    found: dict[str, Any] = axe.run(page, options={"resultTypes": ["violations"]}).response
    return [f"{fault['id']}: {node['target']}" for fault in found["violations"] for node in fault["nodes"]]


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1440, "dark")])
def test_anyone_can_read_every_page(browser: Browser, site: Site, width: int, scheme: str) -> None:
    """Axe finds no fault at all, nothing is cut off, and nothing has to be scrolled sideways."""
    faults = []
    with _silent(browser, width, scheme) as page:
        for name in (name for name in site.pages if not name.endswith("index.html")):
            page.goto((site.root / name).as_uri())
            faults += [f"{name}: {fault}" for fault in _found_by_axe(page)]
            faults += [f"{name}: is cut off at the right: {text}" for text in page.evaluate(_CUT_OFF)]
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                faults.append(f"{name}: has to be scrolled sideways")
    assert [] == faults


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("width", "button", "opened"),
    [
        (390, "primary-toggle", "#pst-primary-sidebar-modal"),
        (390, "secondary-toggle", "#pst-secondary-sidebar-modal"),
        (1440, "search-button__button", "#pst-search-dialog"),
        (1440, "theme-switch-button", ".dropdown-menu.show"),
    ],
)
def test_anyone_can_use_what_opens(
    browser: Browser, site: Site, width: int, button: str, opened: str, scheme: str
) -> None:
    """Chapters and contents on a phone, the search, the choice of colours: axe finds no fault in them."""
    with _silent(browser, width, scheme) as page:
        page.goto((site.root / "docs" / "causes" / "README.html").as_uri())
        page.locator(f"button.{button}").locator("visible=true").first.click()
        page.locator(opened).first.wait_for()
        page.wait_for_timeout(400)  # until it has come in
        assert [] == _found_by_axe(page)


def _judge(faults: list[str], url: str) -> None:
    if not url.startswith(("file:", "data:", "blob:", "about:")):
        faults.append(f"request: {url}")


def test_a_word_is_found(browser: Browser, site: Site) -> None:
    """The search works from files, without a server."""
    page = browser.new_page()
    page.goto((site.root / "index.html").as_uri())
    page.keyboard.press("Control+k")
    page.keyboard.type("erlangs")
    page.keyboard.press("Enter")
    result = page.locator("#search-results li a", has_text="Pools and forecasts").first
    result.click()
    assert page.url.partition("?")[0].partition("#")[0] == (site.root / "docs" / "pool-model.html").as_uri()
    page.close()
