"""Pools in a real browser: the sliders say what the model says, move by keyboard, and are kept in the address."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from browser import launched, made, serious, watched
from helpers import FIXTURES, run
from stackscan.pipeline import scan
from stackscan.queueing.whatif_grid import grid
from stackscan.render.numbers import duration, number, share

if TYPE_CHECKING:
    from playwright.sync_api import Page

_MIXED: Final = FIXTURES / "kubo" / "v0.41.0-boxo-v0.38.0-mixed" / "goroutine.debug2-03.txt.gz"
_PLACE: Final = "load-1-what-if"


def headline(page: Page) -> str:
    """What the sliders say."""
    return page.locator(f"#{_PLACE} .headline").inner_text()


def test_sliders_say_what_the_model_says(tmp_path: Path) -> None:
    """At every step of each slider, in the words of the other outputs; at the start, as the capture is."""
    made_grid = grid(scan([str(_MIXED)]).snapshots[0].projections[0][1])
    assert made_grid is not None
    workers, deadline, silent = made_grid.start
    steps = [(n, deadline, silent) for n in range(len(made_grid.workers))]
    steps += [(workers, n, silent) for n in range(len(made_grid.deadlines_seconds))]
    steps += [(workers, deadline, n) for n in range(len(made_grid.silent))]
    with launched() as browser, watched(browser, made(tmp_path, _MIXED)) as opened:
        page = opened.open(_PLACE)
        assert headline(page) == "8 of 12 erlangs: 12.8% of tasks wait; mean wait over all tasks 0.206 s"
        inputs = page.locator(f"#{_PLACE} input[type=range]")
        for at in steps:
            for place, value in enumerate(at):
                inputs.nth(place).fill(str(value))
            column = made_grid.places[at[1]][at[2]]
            load, (chance, mean) = 0.0, (0.0, 0.0)
            if column is not None:
                load, (chance, mean) = made_grid.columns[column].load_erlangs, made_grid.columns[column].figures[at[0]]
            said = headline(page)
            assert said.startswith(f"{number(load)} of {made_grid.workers[at[0]]} erlangs: ")
            if mean is None:
                assert "saturated" in said
                continue
            assert chance is not None
            wait = duration(mean * made_grid.deadlines_seconds[at[1]])
            assert said.endswith(f": {share(chance)} of tasks wait; mean wait over all tasks {wait}")


def test_sliders_move_by_keyboard_and_keep_their_place(tmp_path: Path) -> None:
    """A key moves a slider, readers who do not see it are told, and the address leads back to it."""
    with launched() as browser, watched(browser, made(tmp_path, _MIXED)) as opened:
        page = opened.open(_PLACE)
        slider = page.locator(f"#{_PLACE}-workers")
        slider.focus()
        page.keyboard.press("ArrowRight")
        assert slider.get_attribute("aria-valuetext") == "15"
        assert page.locator(f"#{_PLACE} .slider output").first.inner_text() == "15 (is 12)"
        said = headline(page)
        assert "of 15 erlangs" in said
        assert page.locator(f"#{_PLACE} [aria-live=polite]").count() == 1
        page.wait_for_url("**workers=15**")
        page.reload()
        assert headline(page) == said
        page.locator(f"#{_PLACE} button").click()
        assert "of 12 erlangs" in headline(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("project", "--rate", "20", "--silent-fraction", "10%"),
        ("replay", "--replications", "50"),
        ("plan", "--rate", "20", "--silent-fraction", "10%"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_pages_of_the_pool_model_are_accessible(arguments: tuple[str, ...], scheme: str, tmp_path: Path) -> None:
    """No serious fault, no console message, no request; with the tables opened."""
    file = tmp_path / "page.html"
    assert run("pool", *arguments, "--format", "html", "--output", file).returncode == 0
    with launched() as browser, watched(browser, file, scheme=scheme) as opened:
        page = opened.open()
        for closed in page.locator("details > summary").all():
            closed.click()
        assert [] == serious(page)
        opened.resize(360)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
