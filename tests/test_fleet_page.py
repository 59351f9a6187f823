"""The page of a fleet: what it shows, that it stays small, and that names of strangers stay text."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from test_pages_of_several import Shown

from browser import Watched, launched, serious, watched
from helpers import run
from stackscan.fleet.answer import answer
from stackscan.fleet.gather import Gathering
from stackscan.fleet.model import Fleet
from stackscan.fleet.pattern import Origin
from stackscan.fleet.row import Row, Seen, Spot, Unread, Workers
from stackscan.render import renderer
from stackscan.render.json.fleet import as_json

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_START: Final = datetime(2026, 4, 22, 10, tzinfo=UTC)
_HOSTILE: Final = "</script><img src=x onerror=alert(1)>\u202e"


def fleet_of(hosts: int, *, services: int = 4, hostile: str = "", steps: int = 4) -> Fleet:
    """A leak on every host of the first service, a stall and a full pool on one, an odd host, captures not read."""
    gathering = Gathering()
    for number in range(hosts):
        service = f"service-{number % services:02}"
        for step in range(steps):
            for row in _rows(number, service, step, services, hostile):
                gathering.take(row)
    return answer(gathering, threshold=10_000)


def _rows(number: int, service: str, step: int, services: int, hostile: str) -> Iterator[Row | Unread]:
    origin = Origin(service, f"h{number:03}{hostile}", "v1.1.0", _START + step * timedelta(minutes=10))
    leaked = 40 * step if number % services == 0 else 0
    odd = 90 if number == 1 else 5
    named = dict.fromkeys(("idle", "caught"), False)
    leak = f"example.com/shop/queue.audit{hostile}", "main.main", "chan receive"
    flush = "example.com/shop/store.flush", "main.main", "IO wait"
    spots = [
        Spot(leak, "queue.go:7", leaked, 10 * step, **named),
        Spot(flush, "store.go:9", odd, 0, **named),
    ]
    stall = Seen("stall", None, "error", "workers wait for peers", "Upgrade.", "example.com/net.Close", "net.go:3", 12)
    yield Row(
        origin=origin,
        where=f"dumps/{service}/h{number}-{step}{hostile}",
        digest=f"{number} {step}".encode(),
        format="goroutine-text",
        goroutines=sum(spot.count for spot in spots),
        complete=True,
        leak_profile=False,
        seen=(stall,) if number == 2 else (),
        spots=tuple(spot for spot in spots if spot.count),
        crowds=(),
        pools=(Workers("task-workers", 12, 12 if number == 2 else 1),),
    )
    if number == 3 and step == 0:
        yield Unread(origin, f"dumps/{service}/h3-garbage{hostile}", "it is binary data")


def page_of(fleet: Fleet, **options: Any) -> str:
    out = io.StringIO()
    renderer("fleet", "html")(fleet, out, **options)
    return out.getvalue()


def test_the_page_shows_the_whole_answer_without_scripts() -> None:
    """Verdict, findings with hosts, trend, times and versions; odd hosts beside siblings; pools; hosts; not read."""
    fleet = fleet_of(24)
    shown = Shown(page_of(fleet))
    text = "\n".join(shown.lines)
    assert "2 problems on 7 of 24 hosts; 1 odd host; 1 pool near saturation; 1 capture could not be read" in shown.lines
    for expected in (
        "error leak",
        "all 6 hosts | 720rms 120",
        "grows on 6 hosts, by 4 a minute on each",
        "2026-04-22 10:10 to 2026-04-22 10:30",
        "1 of 6 hosts | 12rms 4.9",
        "h001 (service-01) v1.1.0",
        "12 of 12",
        "1 not read",
        "it is binary data",
    ):
        assert expected in text, text
    assert as_json(fleet) == json.loads(shown.scripts["report"])


def test_every_host_has_a_row_and_the_worst_are_the_first() -> None:
    """Also those that are only odd, or only have a pool near saturation."""
    text = page_of(fleet_of(24))
    rows = [row.partition("</tr>")[0] for row in text.partition('class="plain hosts')[2].split("<tr")[2:]]
    assert "h002" in rows[0]
    assert "near saturation" in rows[0]
    assert [8, 6] == [sum("h0" in row for row in rows[:9]) - 1, sum("tint-4" in row and "120" in row for row in rows)]


def test_the_page_of_250_hosts_and_40_services_is_small() -> None:
    """Lists are bounded, and what is left out is said and in the JSON."""
    text = page_of(fleet_of(250, services=40))
    assert 2_000_000 > len(text.encode())
    few = page_of(fleet_of(250, services=40), top=1)
    assert "1 more: in the JSON that this page holds" in few
    assert len(few) < len(text)


def test_names_of_strangers_are_text() -> None:
    """In hosts, places and files."""
    shown = Shown(page_of(fleet_of(8, hostile=_HOSTILE)))
    assert "img" not in shown.elements
    assert "\u202e" not in page_of(fleet_of(8, hostile=_HOSTILE))


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    """``--format html --output``; ``--open`` needs it."""
    dump = tmp_path / "a.txt"
    dump.write_text("goroutine 1 [select]:\nmain.main()\n\t/src/main.go:4 +0x1\n")
    page = tmp_path / "page.html"
    assert 0 == run("fleet", "--format", "html", "--output", page, dump).returncode
    assert "no problem found" in page.read_text()
    done = run("fleet", "--open", dump)
    assert (2, True) == (done.returncode, "--format html" in done.stderr)


# -- in a browser ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the tests of this file."""
    with launched() as found:
        yield found


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of 250 hosts."""
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(page_of(fleet_of(250, services=8, hostile=_HOSTILE)))
    return path


def _visible(found: Watched, selector: str) -> int:
    return sum(row.is_visible() for row in found.page.locator(selector).all())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(browser: Browser, file: Path, scheme: str) -> None:
    """Also narrow, and with a finding opened."""
    with watched(browser, file, scheme=scheme) as found:
        page = found.open()
        page.locator("#findings summary").first.click()
        assert [] == serious(page)
        found.resize(390)
        assert [] == serious(page)


def test_the_page_fits_every_screen(browser: Browser, file: Path) -> None:
    """Nothing has to be scrolled sideways but the table of hosts, within its frame."""
    with watched(browser, file) as found:
        found.open()
        for width in (2560, 1400, 900, 390, 360):
            found.resize(width)
            assert width >= found.page.evaluate("document.documentElement.scrollWidth")
            assert found.page.locator("h1").is_visible()


def test_one_search_filters_all_lists(browser: Browser, file: Path) -> None:
    """By host, also where a row does not name it; the address keeps it."""
    with watched(browser, file) as found:
        page = found.open()
        assert 20 == _visible(found, "table.hosts tbody tr")
        page.keyboard.press("/")
        page.keyboard.type("h080")  # one of the leak's 32 hosts
        assert 1 == _visible(found, "table.hosts tbody tr")
        assert 1 == _visible(found, "table.findings tbody tr")
        assert not page.locator("#unreadable").is_visible()
        found.has_address("#search?q=h080")
        found.open("search?q=H003")
        assert page.locator("#unreadable").is_visible()
        page.get_by_role("searchbox").fill("")
        page.get_by_role("button", name="Show all").click()
        assert 20 < _visible(found, "table.hosts tbody tr")
