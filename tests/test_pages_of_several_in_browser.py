"""The pages of ``compare`` and ``check`` in a real browser: silent, accessible, and every goroutine a click away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from browser import Watched, launched, serious, watched
from helpers import FIXTURES, ROOT, goroutine, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, Page

#: The command of each page, its files, and its exit code.
PAGES: Final[dict[str, tuple[str, str, int]]] = {
    "stalled": ("compare", "kubo/v0.39.0-unbounded-tcp/stack-*", 0),
    "leak": ("compare", "growth/leak/debug2-*", 0),
    "profiles": ("compare", "growth/leak/debug0-*", 0),
    "check": ("check", "growth/leak/debug2-*", 1),
}
MARKUP: Final = "</script><img src=x onerror=alert(1)>"


def write(file: Path, command: str, *sources: Path, code: int = 0) -> Path:
    """The page of a command."""
    done = run(command, "--format", "html", "--output", file, *sources, cwd=ROOT)
    assert code == done.returncode, done.stderr
    return file


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the tests of this file."""
    with launched() as found:
        yield found


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Watched]]:
    """Opens the page of a name in PAGES; at the end of the test it must have been silent."""
    with ExitStack() as stack:

        def at(name: str, fragment: str = "", **settings: Any) -> Watched:
            command, files, code = PAGES[name]
            file = write(tmp_path / "page.html", command, *sorted(FIXTURES.glob(files)), code=code)
            found = stack.enter_context(watched(browser, file, **settings))
            found.open(fragment)
            return found

        yield at


def crowds(page: Page) -> list[str]:
    """The heads of the rows of the matrix."""
    return [" ".join(text.split()) for text in page.locator("#matrix tbody tr th").all_inner_texts()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_silent_accessible_and_fits_every_screen(
    name: str, scheme: str, opened: Callable[..., Watched]
) -> None:
    """Nothing has to be scrolled sideways from 360 to 2,560 px; axe finds no serious fault, also in what a click
    opens."""
    found = opened(name, scheme=scheme)
    for width in (2560, 360, 1400):
        found.resize(width)
        assert width >= found.page.evaluate("document.documentElement.scrollWidth")
    assert [] == serious(found.page)
    for each in found.page.locator("details > summary").all():
        if each.is_visible():
            each.click()
    for each in ("#matrix button.open", "#stacks button.open", "#matrix .alone button.link"):
        if found.page.locator(each).count():
            found.page.locator(each).first.click()
    assert [] == serious(found.page)


def test_a_crowd_opens_to_its_goroutines_and_each_to_its_stacks(opened: Callable[..., Watched]) -> None:
    """By keyboard too; closed, the crowd is one row again, and the focus is where it was."""
    page = opened("stalled").page
    first = page.locator("#matrix .crowd button.open").first
    assert crowds(page)[0].startswith("Stood still 48 goroutines")
    assert crowds(page)[1].startswith("▸ 12 goroutines") or crowds(page)[1].startswith("12 goroutines")
    before = len(crowds(page))
    first.focus()
    page.keyboard.press("Enter")
    assert before + 12 == len(crowds(page))
    page.locator("#matrix .alone button").first.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog.goroutine")
    assert 4 == dialog.locator("h3").count()
    assert 1 == dialog.locator("ol.frames").count()
    assert 3 == dialog.get_by_text("in the same stack as in capture 1").count()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.closest('.alone') !== null")
    first.click()
    assert before == len(crowds(page))


def test_a_large_crowd_is_shown_some_at_a_time(browser: Browser, tmp_path: Path) -> None:
    """All can be reached."""
    files = [tmp_path / "1.txt", tmp_path / "2.txt"]
    for file in files:
        file.write_text("\n".join(goroutine(n, ["app.a"], state="chan send") for n in range(1, 121)))
    with watched(browser, write(tmp_path / "page.html", "compare", *files)) as found:
        page = found.open()
        page.locator("#matrix button.open").click()
        assert 51 == page.locator("#matrix .alone").count()
        page.get_by_role("button", name="Show more of 70").click()
        page.get_by_role("button", name="Show more of 20").click()
        assert [f"goroutine {n}" for n in range(1, 121)] == page.locator("#matrix .alone").evaluate_all(
            "rows => rows.map((row) => row.cells[0].textContent)"
        )


def test_goroutines_are_filtered_and_a_reload_keeps_it(opened: Callable[..., Watched]) -> None:
    """By function, by id, by state, and by what they did."""
    found = opened("stalled")
    page = found.page
    summary = page.locator("#matrix .summary-line")
    assert "433 goroutines in 73 rows" == summary.inner_text()
    page.get_by_label("Filter goroutines by function or id").fill("lazyClientConn")
    assert "24 of 433 goroutines in 2 rows" == summary.inner_text()
    page.get_by_label("Filter by what goroutines did").select_option("gone")
    assert "0 of 433 goroutines in 0 rows" == summary.inner_text()
    page.get_by_label("Filter goroutines by function or id").fill("363")
    page.get_by_label("Filter by what goroutines did").select_option("waiting")
    page.get_by_label("Filter goroutines by state").select_option("sync.WaitGroup.Wait")
    assert "1 of 433 goroutines in 1 row" == summary.inner_text()
    page.wait_for_timeout(250)
    assert "#matrix?q=363&state=sync.WaitGroup.Wait&course=waiting" == page.evaluate("location.hash")
    page.reload()
    found.settle()
    assert "1 of 433 goroutines in 1 row" == summary.inner_text()


def test_stacks_are_sorted_and_filtered(opened: Callable[..., Watched]) -> None:
    """By each capture, by the change, and by function; a row opens to frames."""
    page = opened("leak", "stacks?sort=capture-4&down=yes").page
    counts = [int(text.replace(",", "")) for text in page.locator("#stacks tbody td:nth-child(5)").all_inner_texts()]
    assert sorted(counts, reverse=True) == counts
    page.get_by_label("Filter stacks by change").select_option("grown")
    assert "2 stacks of 12" == page.locator("#stacks .summary-line").inner_text()
    page.locator("#stacks button.open").first.click()
    assert "stayed" in page.locator("#stacks tr.opened").first.inner_text()


def test_the_chart_says_in_words_what_it_shows(opened: Callable[..., Watched]) -> None:
    """Places that leak are marked; the axis of time is to scale."""
    page = opened("leak").page
    picture = page.locator("svg.chart[role=img]")
    assert "Goroutines by place over 4 captures" == picture.locator("title").first.text_content()
    words = picture.locator("desc").text_content()
    assert words is not None
    assert "main.answer [chan send]: 96 → 280 → 471 → 656, leaks" in words
    assert 2 == picture.locator(".line.alarm").count()
    xs = [
        float(x or 0)
        for x in (c.get_attribute("cx") for c in picture.locator(".line.alarm").first.locator("circle").all())
    ]
    gaps = [b - a for a, b in pairwise(xs)]
    assert max(gaps) - min(gaps) < 0.2 * max(gaps)


def test_a_leak_shows_its_goroutines(opened: Callable[..., Watched]) -> None:
    """In the matrix, or where there is none in the table of stacks."""
    page = opened("leak").page
    page.get_by_role("button", name="Show its goroutines").click()
    assert "main.answer" == page.get_by_label("Filter goroutines by function or id").input_value()
    page = opened("profiles").page
    page.get_by_role("button", name="Show its goroutines").click()
    assert "main.answer" == page.get_by_label("Filter stacks by function").input_value()


@pytest.mark.parametrize(
    ("fragment", "seen"),
    [("goroutine-363", "dialog.goroutine"), ("matrix", "#matrix"), ("stacks?q=x", "#stacks"), ("pools", "#pools")],
)
def test_deep_links_lead_to_their_part(fragment: str, seen: str, opened: Callable[..., Watched]) -> None:
    """To a goroutine, the matrix, the stacks, the pools."""
    page = opened("stalled", fragment).page
    box = page.locator(seen).bounding_box()
    assert box is not None
    assert -5 <= box["y"] < 900


@pytest.mark.parametrize("name", ["leak", "check"])
def test_the_saved_json_is_that_of_the_command(name: str, opened: Callable[..., Watched]) -> None:
    """The same values as ``--format json``."""
    found = opened(name)
    with found.page.expect_download() as download:
        found.page.get_by_role("button", name="Save JSON").click()
    command, files, _ = PAGES[name]
    told = run(command, "--format", "json", *sorted(FIXTURES.glob(files)), cwd=ROOT)
    assert json.loads(told.stdout) == json.loads(Path(download.value.path()).read_text())


def test_what_strangers_write_stays_text(browser: Browser, tmp_path: Path) -> None:
    """Also in what scripts add: the matrix, the chart, the stacks, a goroutine."""
    files = []
    for number in range(3):
        file = tmp_path / f"{number}.txt"
        blocks = [
            goroutine(
                n,
                [f"app.{MARKUP}\u202e", "b" * 20_000],
                state=f"chan send, {10 * number + 3} minutes",
                file=f"/x/{MARKUP}.go",
            )
            for n in range(1, 10 * number + 30)
        ]
        file.write_text("\n".join(blocks))
        files.append(file)
    with watched(browser, write(tmp_path / "page.html", "compare", *files)) as found:
        page = found.open("goroutine-1")
        page.keyboard.press("Escape")
        for each in page.locator("button.open").all():
            each.click()
        assert MARKUP in page.locator("#matrix").inner_text()
        assert 0 == page.locator("img, [onerror]").count()
        assert "\u202e" not in page.locator("body").inner_text()
        assert 1400 >= page.evaluate("document.documentElement.scrollWidth")
