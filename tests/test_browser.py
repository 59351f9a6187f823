"""Pages in a real browser: silent, accessible, usable by keyboard, and deaf to what strangers wrote into a dump."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus

import pytest

from browser import Watched, executable, launched, made, serious, watched
from helpers import DUMP, FIXTURES, goroutine, run
from stackscan.render import words

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_GO: Final = FIXTURES / "go"
_KUBO: Final = FIXTURES / "kubo" / "v0.40.1-stalled-tcp"
_TOOLS: Final = FIXTURES / "tools"
_STALLED: Final = _KUBO / "stack-02.txt.gz"
#: The inputs of each page; a bundle that was cut is made by the tests.
PAGES: Final[dict[str, tuple[Path, ...]]] = {
    "stalled kubo": (_STALLED,),
    "healthy server": (FIXTURES / "kubo" / "v0.41.0-quiet" / "goroutine.debug2-01.txt.gz",),
    "leak": (_GO / "go1.26" / "bigserver.txt.gz",),
    "deadlock": (_GO / "go1.25" / "hang_read-again.txt",),
    "all states": (_GO / "go1.25" / "states.txt",),
    "crash": (_GO / "go1.25" / "panic_nilderef_all.txt",),
    "race report": (_TOOLS / "race_report" / "several.txt",),
    "goleak": (_TOOLS / "goleak" / "goleak-v1.2.1.txt",),
    "counts": (_GO / "go1.19" / "labels.debug1.txt",),
    "profile": (_GO / "go1.19" / "labels.pb.gz",),
    "labels": (_GO / "go1.27" / "bigserver_labels.txt.gz",),
    "damaged bundle": (),
    "two inputs": (_GO / "go1.25" / "states.txt", _STALLED),
}
#: What strangers write where a dump has names: markup, scripts, signs that turn or break lines, and far too much.
MARKUP: Final = "</script><img src=x onerror=alert(1)>"
SIGNS: Final = "\u202e\u2066\u2028\u200b\ufeff"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the tests of this file."""
    with launched() as found:
        yield found


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The page of a name in PAGES, made once."""
    kept: dict[str, Path] = {}

    def of(name: str) -> Path:
        if name not in kept:
            folder = tmp_path_factory.mktemp("page")
            kept[name] = made(folder, *(PAGES[name] or (_cut_bundle(folder),)))
        return kept[name]

    return of


def _cut_bundle(folder: Path) -> Path:
    """A bundle that ends within its text of goroutines."""
    whole = (_KUBO / "ipfs-profile-03.zip").read_bytes()
    cut = folder / "cut.zip"
    cut.write_bytes(whole[:12_000])
    return cut


@pytest.fixture
def opened(browser: Browser, page_file: Callable[[str], Path]) -> Iterator[Callable[..., Watched]]:
    """Opens the page of a name in PAGES; at the end of the test it must have been silent."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def at(name: str, fragment: str = "", **settings: Any) -> Watched:
            found = stack.enter_context(watched(browser, page_file(name), **settings))
            found.open(fragment).locator(".stack-table").first.wait_for()
            return found

        yield at


def _texts(page: Page, selector: str) -> list[str]:
    return page.locator(selector).all_inner_texts()


def _prepare(page: Page) -> None:
    """Have the graph and the table of each capture made: they are when they come near the screen."""
    for section in page.locator("article.capture").all():
        section.locator(".flame").scroll_into_view_if_needed()
        section.locator(".flame-graph").wait_for()


def _rows(page: Page) -> int:
    return page.locator(".stack-table button.open").count()


# -- what every page does -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_silent_and_fits_every_screen(name: str, opened: Callable[..., Watched]) -> None:
    """No message, no error, no request; from 360 to 2,560 px nothing has to be scrolled sideways; on paper are verdict
    and findings."""
    found = opened(name)
    for width in (2560, 1400, 360):
        found.resize(width)
        found.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        found.settle()
        assert width >= found.page.evaluate("document.documentElement.scrollWidth")
    found.page.evaluate("window.scrollTo(0, 0)")
    assert found.page.locator("h1").first.is_visible()
    _prepare(found.page)
    assert found.page.locator(".stack-table").count() == found.page.locator("article.capture").count() > 0
    assert found.page.locator(".flame-graph .box").count() > 0
    found.page.emulate_media(media="print")
    assert found.page.locator(".verdict").first.is_visible()
    assert all(card.is_visible() for card in found.page.locator(".card").all())
    assert not found.page.locator(".top").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_serious_fault(name: str, scheme: str, opened: Callable[..., Watched]) -> None:
    """Also with a row opened, the flame graph searched and zoomed, and a goroutine or the keys shown."""
    page = opened(name, scheme=scheme).page
    assert [] == serious(page)
    _prepare(page)
    for each in page.locator("details > summary").all():
        each.click()
    page.locator(".flame-place input[type=search]").first.fill("main")
    if page.locator(".flame-graph .box").count() > 1:
        page.locator(".flame-graph .box").nth(1).click()
    page.locator("button.open").first.click()
    assert [] == serious(page)
    if page.locator(".ids button.link").count():
        page.locator(".ids button.link").first.click()
        assert page.locator("dialog.goroutine").is_visible()
        assert [] == serious(page, "dialog")
        page.keyboard.press("Escape")
    page.locator("[data-do=keys]").click()
    assert [] == serious(page, "dialog")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "command",
    [
        ("check", str(_STALLED)),
        ("compare", *(str(_KUBO / f"stack-0{n}.txt.gz") for n in (1, 2, 3))),
        ("pool", "project", "--rate", "5", "--silent-fraction", "0.1"),
        ("pool", "replay", "--replications", "50"),
        ("pool", "plan", "--rate", "5", "--silent-fraction", "0.1"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) and value[0] == "pool" else value[0],
)
def test_the_pages_of_other_commands_too(
    command: tuple[str, ...], scheme: str, browser: Browser, tmp_path: Path
) -> None:
    """They are silent, fit every screen, and axe finds no serious fault in them."""
    with watched(browser, made(tmp_path, command=command), scheme=scheme) as found:
        page = found.open()
        for width in (2560, 1400, 360):
            found.resize(width)
            assert width >= page.evaluate("document.documentElement.scrollWidth")
        for each in page.locator("details > summary").all():
            each.click()
        assert [] == serious(page)


@pytest.mark.parametrize("name", ["stalled kubo", "two inputs", "damaged bundle", "counts"])
def test_the_saved_json_is_the_json_report(
    name: str, opened: Callable[..., Watched], page_file: Callable[[str], Path], tmp_path: Path
) -> None:
    """The same values as those of ``--format json``, each number as it is spelt there."""
    page = opened(name).page
    with page.expect_download() as saving:
        page.locator("[data-do=save]").click()
    saved = tmp_path / "saved.json"
    saving.value.save_as(saved)
    sources = PAGES[name] or (page_file(name).parent / "cut.zip",)
    report = json.loads(run("report", "--format", "json", *sources).stdout)
    assert json.dumps(report) == json.dumps(json.loads(saved.read_text(encoding="utf-8")))


# -- what a reader does ---------------------------------------------------------------------------------------------


def test_the_table_is_filtered_and_sorted_and_a_reload_keeps_it(opened: Callable[..., Watched]) -> None:
    """What is set is in the address, whatever signs it has."""
    found = opened("stalled kubo")
    page = found.page
    everything = _rows(page)
    page.locator(".stacks-place input[type=search]").first.fill("taskWorker")
    page.get_by_label("Filter by state").select_option("select")
    page.locator("th.wait button").click()
    shown = _rows(page)
    assert 0 < shown < everything
    assert {"select"} == set(_texts(page, ".stack-table .state-tag"))
    assert "descending" == page.locator("th.wait").get_attribute("aria-sort")
    found.has_address("#stacks?q=taskWorker&state=select&sort=wait&down=yes")
    page.reload()
    found.settle()
    assert shown == _rows(page)
    assert "taskWorker" == page.locator(".stacks-place input[type=search]").first.input_value()
    page.locator(".stacks-place input[type=search]").first.fill("a&b=50% +c#")
    found.has_address("#stacks?q=a%26b%3D50%25+%2Bc%23&state=select&sort=wait&down=yes")
    page.reload()
    found.settle()
    assert "a&b=50% +c#" == page.locator(".stacks-place input[type=search]").first.input_value()
    assert 0 == _rows(page)


def test_rows_are_in_the_order_that_their_column_says(opened: Callable[..., Watched]) -> None:
    """Goroutines first, most of them at the top; a second click turns the order."""
    page = opened("stalled kubo", "stacks").page

    def counts() -> list[int]:
        return [int(text.replace(",", "")) for text in _texts(page, ".stack-table button.open")]

    assert sorted(counts(), reverse=True) == counts()
    page.locator("th.count button").click()
    assert sorted(counts()) == counts()
    page.locator("th.state button").click()
    states = _texts(page, ".stack-table .state-tag")
    assert sorted(states) == states


@pytest.mark.parametrize(
    ("label", "value", "shown"),
    [("Filter by state", "chan receive", ".state-tag"), ("Filter by rule", "channel-never-served", "td.rules")],
)
def test_each_choice_filters(label: str, value: str, shown: str, opened: Callable[..., Watched]) -> None:
    """Only rows with that value stay."""
    page = opened("all states", "stacks").page
    everything = _rows(page)
    page.get_by_label(label).select_option(value)
    assert 0 < _rows(page) < everything
    assert {value} == set(_texts(page, f".stack-table {shown}"))


def test_labels_modules_and_waits_filter_too(opened: Callable[..., Watched]) -> None:
    """Each alone."""
    page = opened("counts", "stacks").page
    everything = _rows(page)
    page.get_by_label("Filter by label").fill("nothing has this")
    assert 0 == _rows(page)
    page.get_by_label("Filter by label").fill("")
    page.get_by_label("Filter by module").select_option("own code")
    assert 0 < _rows(page) <= everything
    page = opened("leak", "stacks?wait=1000000").page
    assert 0 == _rows(page)


@pytest.mark.parametrize("name", ["labels", "counts", "profile"])
def test_each_value_of_a_label_shows_its_goroutines(name: str, opened: Callable[..., Watched]) -> None:
    """As many as ``report --by`` counts, in the words of its table, in the table and in the graph."""
    page = opened(name, "filter").page
    key, value = page.get_by_label("Filter by", exact=True), page.get_by_label("Value", exact=True)
    _with_idle(page)
    labels = [text.removeprefix("label ") for text in key.locator("option").all_inner_texts()]
    for label in [one for one in labels if one != '""']:  # --by cannot ask for one without a name
        key.select_option(f"label {label}")
        done = run("report", "--format", "json", "--by", f"label:{label}", *PAGES[name])
        report = json.loads(done.stdout)["snapshots"][0]
        expected = [
            (_NAMED.get(one["value"]) or words.plain(one["value"]), one["goroutines"]) for one in report["by"]["values"]
        ]
        assert ["Any value", *(f"{text} ({count})" for text, count in expected)] == value.locator(
            "option"
        ).all_inner_texts()
        for text, count in expected:
            value.select_option(f"{text} ({count})")
            assert page.locator(".facets .summary-line").inner_text().startswith(f"{count} of {report['goroutines']} ")
            assert page.locator(".stacks .summary-line").inner_text().startswith(f"{count} goroutine")
            root = page.locator(".box.root").get_attribute("aria-label") or ""
            assert root.startswith(f"label {label}: {text}: {count} goroutine")


#: Values as they are shown that read like no value.
_NAMED: Final = {None: "(none)", "": '""', "(none)": '"(none)"'}


def _with_idle(page: Page) -> None:
    """Have the graph show idle goroutines, where it would leave some out."""
    for each in page.get_by_label("with idle goroutines").all():
        each.check()


def test_a_value_is_in_the_address_and_shows_what_it_is_in(opened: Callable[..., Watched]) -> None:
    """Findings and busy workers of its goroutines, and only their ids; with the other settings it survives a reload."""
    found = opened("labels", "filter")
    page = found.page
    everything = _rows(page)
    page.get_by_label("Filter by", exact=True).select_option("label tenant")
    page.get_by_label("Value", exact=True).select_option("team-0 (43)")
    assert "2 rwmutex-recursive-read" in page.locator(".facets .summary-line").inner_text()
    assert "sql-users: 3 of 3 busy" in page.locator(".facets .summary-line").inner_text()
    found.has_address("#filter?by=label%3Atenant&value=team-0")
    page.get_by_label("Filter by state").select_option("sync.Mutex.Lock")
    found.has_address("#stacks?state=sync.Mutex.Lock&by=label%3Atenant&value=team-0")
    shown = _rows(page)
    page.reload()
    found.settle()
    assert 0 < shown == _rows(page) < everything
    page.locator(".flame-place input[type=search]").fill("main")
    found.has_address("#flame?q=main&by=label%3Atenant&value=team-0")
    page.get_by_label("Filter by state").select_option("")
    page.get_by_role("button", name="Show all").click()
    assert everything == _rows(page)
    found.has_address("#filter")


def test_a_stack_that_several_values_share_has_the_ids_and_waits_of_one(browser: Browser, tmp_path: Path) -> None:
    """The goroutines of the others are neither counted nor listed, and how long they wait is not said."""
    dump = tmp_path / "shared.txt"
    texts = ("{tenant: a}", "{tenant: b}", "{tenant: b}", "{tenant: }", '{tenant: "(none)"}', "{other: x}")
    dump.write_text(
        "\n".join(
            goroutine(n, ["main.serve"], state=f"chan receive, {n} minutes").replace("]:", f"] {text}:", 1)
            for n, text in enumerate(texts, start=1)
        )
    )
    shown = {"b": ("2", "2 to 3 min", "2 3"), "a": ("1", "1 min", "1"), '""': ("1", "4 min", "4")}
    shown |= {'"(none)"': ("1", "5 min", "5"), "(none)": ("1", "6 min", "6")}
    with watched(browser, made(tmp_path, dump)) as found:
        page = found.open("filter")
        for value, (count, waited, ids) in shown.items():
            page.get_by_label("Value", exact=True).select_option(f"{value} ({count})")
            page.locator("button.open").click()
            assert (count, waited) == (page.locator("button.open").inner_text(), page.locator("td.wait").inner_text())
            assert ids == " ".join(_texts(page, ".ids button.link"))
            text = texts[int(ids[0]) - 1]
            assert f"Labels: {text} × {count}" == page.locator("p.labels").inner_text().strip()
            found.has_address(f"#filter?by=label%3Atenant&value={quote_plus(value)}")
            page.reload()
            found.settle()
            assert [count] == _texts(page, "button.open")


def test_labels_are_reached_by_keyboard(opened: Callable[..., Watched]) -> None:
    """``l`` leads to the key, Tab to its values, and letters to one of them; readers who do not see it hear it."""
    page = opened("labels").page
    page.keyboard.press("l")
    page.keyboard.type("label t")
    page.keyboard.press("Tab")
    page.keyboard.type("team")
    assert page.locator(".facets .summary-line").inner_text() == page.locator("#announced").inner_text()
    assert "43 of 91 goroutines" in page.locator("#announced").inner_text()
    assert [] == serious(page)


@pytest.mark.parametrize(("key", "names"), [("module", ["module"]), ("created_at", ["created at"]), ("host", ["host"])])
def test_a_page_is_filtered_by_what_it_counts_by(key: str, names: list[str], browser: Browser, tmp_path: Path) -> None:
    """``--by`` adds its key, where there is no label too."""
    with watched(browser, made(tmp_path, _STALLED, command=("report", "--by", key))) as found:
        page = found.open("filter")
        assert names == page.get_by_label("Filter by", exact=True).locator("option").all_inner_texts()
        values = page.get_by_label("Value", exact=True).locator("option").all_inner_texts()
        page.get_by_label("Value", exact=True).select_option(values[1])
        count = values[1].rpartition("(")[2].rstrip(")")
        assert page.locator(".stacks .summary-line").inner_text().startswith(f"{count} goroutine")


def test_without_labels_there_is_no_filter(opened: Callable[..., Watched]) -> None:
    """Neither a heading nor a link to it, and its key does nothing."""
    page = opened("stalled kubo").page
    assert 0 == page.locator(".facets, a[href='#filter']").count()
    page.keyboard.press("l")
    page.keyboard.press("?")
    assert "l" not in _texts(page, "dialog.keys kbd")


def test_the_flame_graph_is_searched_and_zoomed_and_a_reload_keeps_it(opened: Callable[..., Watched]) -> None:
    """A zoom filters the table, and the address keeps both."""
    found = opened("stalled kubo", "flame")
    page = found.page
    everything = _rows(page)
    page.locator(".flame-place input[type=search]").fill("taskWorker")
    assert page.locator(".box.found").count() > 0
    assert "match" in page.locator(".trail").inner_text()
    page.locator(".box.found").first.click()
    shown = _rows(page)
    assert 0 < shown < everything
    assert "stacks through" in page.locator(".chip").inner_text()
    page.get_by_label("Colour of the flame graph").select_option("module")
    found.has_address(re.compile(r"#flame\?q=taskWorker&colour=module&zoom=[\d.]+$"))
    trail = page.locator(".trail").inner_text()
    page.reload()
    found.settle()
    assert (shown, trail) == (_rows(page), page.locator(".trail").inner_text())
    assert "module" == page.get_by_label("Colour of the flame graph").input_value()
    page.locator(".flame-graph").focus()
    page.keyboard.press("Escape")
    page.keyboard.press("Backspace")
    page.get_by_role("button", name="Reset zoom").click()
    assert everything == _rows(page)


def test_with_idle_goroutines_the_graph_is_wider(opened: Callable[..., Watched]) -> None:
    """They are left out until a reader asks for them."""
    page = opened("stalled kubo", "flame").page
    before = page.locator(".box.root").get_attribute("aria-label")
    page.get_by_label("with idle goroutines").check()
    assert before != page.locator(".box.root").get_attribute("aria-label")


def test_functions_too_narrow_to_be_seen_are_one_box(browser: Browser, tmp_path: Path) -> None:
    """Three thousand that have one goroutine each; not one of them would get a pixel."""
    dump = tmp_path / "many.txt"
    dump.write_text("\n".join(goroutine(n, [f"main.f{n}"]) for n in range(1, 3001)))
    with watched(browser, made(tmp_path, dump)) as found:
        page = found.open("flame")
        assert ["3,000 narrower functions: 3,000 goroutines"] == _texts(page, ".box.rest")
        page.locator(".flame-graph").focus()
        page.keyboard.press("ArrowDown")
        assert 1 == page.locator(".box.rest.active").count()
        page.keyboard.press("Enter")
        assert 1 == page.locator(".box.rest").count()


def test_a_graph_of_very_many_functions_has_its_widest_boxes(browser: Browser, tmp_path: Path) -> None:
    """Deep stacks that share nothing would be 20,000 boxes; a click on one, three pixels wide, shows all of it."""
    dump = tmp_path / "deep.txt"
    dump.write_text("\n".join(goroutine(n, [f"main.f{n}x{depth}" for depth in range(50)]) for n in range(1, 401)))
    with watched(browser, made(tmp_path, dump)) as found:
        page = found.open("flame")
        assert 1000 < page.locator(".flame-graph .box").count() < 5000
        assert "when you zoom in" in page.locator(".trail").inner_text()
        name = page.locator(".flame-graph .box").nth(7).get_attribute("title")
        page.locator(".flame-graph .box").nth(7).click()
        assert 50 == page.locator(".flame-graph .box").count()
        trail = page.locator(".trail").inner_text()
        assert "when you zoom in" not in trail
        assert name is not None
        assert name.partition(":")[0] in trail


def test_a_click_on_the_culprit_shows_its_stack(opened: Callable[..., Watched]) -> None:
    """And the way back leads to the button."""
    found = opened("deadlock")
    page = found.page
    culprit = page.locator(".steps .culprit button").first
    number = culprit.get_attribute("data-goroutine")
    culprit.click()
    dialog = page.locator("dialog.goroutine")
    assert f"Goroutine {number}" == dialog.locator("h2").inner_text()
    assert "main." in dialog.locator("ol.frames").inner_text()
    found.has_address(f"#goroutine-{number}")
    page.keyboard.press("Escape")
    assert 0 == dialog.count()
    assert culprit.evaluate("each => each === document.activeElement")
    found.has_address("")


def test_from_one_goroutine_to_the_next_and_back_to_the_table(opened: Callable[..., Watched]) -> None:
    """However many were looked at, the filter is in the address again, and the focus where it was."""
    found = opened("stalled kubo", "stacks?state=select")
    page = found.page
    page.locator("button.open").first.click()
    first = page.locator(".ids button.link").first
    first.click()
    page.locator("dialog.goroutine dd button.link").first.click()
    page.locator("dialog.goroutine .close button").click()
    found.has_address("#stacks?state=select")
    assert first.evaluate("each => each === document.activeElement")


def test_a_finding_shows_its_stacks_and_a_reload_keeps_them(opened: Callable[..., Watched]) -> None:
    """The table has only those, until the reader asks for all."""
    found = opened("stalled kubo")
    page = found.page
    everything = _rows(page)
    page.locator("[data-do=finding-stacks]").first.click()
    shown = _rows(page)
    assert 0 < shown < everything
    found.has_address("#stacks?finding=1")
    page.reload()
    found.settle()
    assert shown == _rows(page)
    page.get_by_role("button", name="Show all").click()
    assert everything == _rows(page)


@pytest.mark.parametrize(
    ("fragment", "seen"),
    [
        ("finding-1", "#finding-1"),
        ("stacks?state=select", "#stacks"),
        ("flame", "#flame"),
        ("locks", "#locks"),
        ("goroutine-1", "dialog.goroutine"),
    ],
)
def test_deep_links_lead_to_their_part(fragment: str, seen: str, opened: Callable[..., Watched]) -> None:
    """What they name is on the screen, and has the focus."""
    page = opened("all states", fragment).page
    part = page.locator(seen)
    box = part.bounding_box()
    assert box is not None
    assert -box["height"] < box["y"] < 900
    assert part.evaluate("each => each === document.activeElement || each.contains(document.activeElement)")


def test_a_deep_link_into_the_second_input(opened: Callable[..., Watched]) -> None:
    """Its anchors begin with its number."""
    page = opened("two inputs", "i2-stacks?q=taskWorker").page
    second = page.locator("article.capture").nth(1)
    assert 0 < second.locator("button.open").count() < 20
    assert "taskWorker" == second.locator(".stacks-place input[type=search]").first.input_value()


@pytest.mark.parametrize("fragment", ["%", "%E0%A4%A", "nothing", "goroutine-999999999999999999999", "stacks?sort=x&%"])
def test_an_odd_address_does_no_harm(fragment: str, opened: Callable[..., Watched]) -> None:
    """The page is shown as without it."""
    assert _rows(opened("all states", fragment).page) > 0


def test_the_theme_can_be_switched(opened: Callable[..., Watched]) -> None:
    """From what the system says to the other one."""
    page = opened("crash").page
    colour = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(colour)
    page.locator("[data-do=theme]").click()
    assert before != page.evaluate(colour)
    page.keyboard.press("t")
    assert before == page.evaluate(colour)


def test_the_keyboard_alone_reaches_all(opened: Callable[..., Watched]) -> None:
    """The table by "/", a row by Tab and Enter, a goroutine, the graph by "f" and arrows, findings by "j" and "k"."""
    page = opened("stalled kubo").page
    keys = page.keyboard
    focused = "document.activeElement.matches({!r})"
    keys.press("Tab")
    assert page.evaluate(focused.format(".skip"))
    keys.press("j")
    assert page.evaluate(focused.format("#finding-1"))
    keys.press("j")
    keys.press("k")
    assert page.evaluate(focused.format("#finding-1"))
    keys.press("f")
    assert page.evaluate(focused.format(".flame-graph"))
    everything = _rows(page)
    keys.press("ArrowDown")
    keys.press("ArrowRight")
    keys.press("Enter")
    assert _rows(page) < everything
    keys.press("Escape")
    assert _rows(page) == everything
    keys.press("/")
    assert page.evaluate(focused.format(".stacks input[type=search]"))
    keys.type("taskWorker")
    assert 0 < _rows(page) < everything
    _tab_to(page, "button.open")
    keys.press("Enter")
    assert page.locator("ol.frames").first.is_visible()
    _tab_to(page, ".ids button.link")
    keys.press("Enter")
    assert page.locator("dialog.goroutine").is_visible()
    keys.press("Escape")
    assert page.evaluate(focused.format(".ids button.link"))
    keys.press("?")
    assert page.locator("dialog.keys").is_visible()


def _tab_to(page: Page, selector: str) -> None:
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(f"document.activeElement.matches({selector!r})"):
            return
    pytest.fail(f"Tab does not reach {selector}")


# -- what strangers write -------------------------------------------------------------------------------------------


def _hostile_dumps(folder: Path) -> list[Path]:
    """Dumps with hostile functions, files, labels and messages, in a file and as members with hostile names."""
    import zipfile

    name = MARKUP.replace("(", "%28").replace(")", "%29")
    labels = json.dumps({"user": MARKUP + SIGNS, "long": "x" * 20_000}, ensure_ascii=False)
    functions = [f"main.{name}", f"main.{SIGNS}run", "main." + "y" * 20_000, "javascript:alert.run", "main.main"]
    text = goroutine(1, functions, file=f"/src/{MARKUP}/{SIGNS}/javascript:alert(2)/x.go")
    text += "\n" + goroutine(2, ["main.x", f"main.{name}"], state=f"select, 3 minutes, {MARKUP}")
    text += "\n" + f"goroutine 3 [{MARKUP}]:\nmain.y()\n\t/x.go:1 +0x1\n"
    counts = (
        f"goroutine profile: total 2\n2 @ 0x401001\n# labels: {labels}\n#\t0x401000\tmain.{name}+0x1\t/{MARKUP}:1\n\n"
    )
    crash = f"panic: {MARKUP}{SIGNS}\n\n" + goroutine(1, [f"main.{name}", "main.main"], state="running")
    found = []
    for place, each in {"dump.txt": text, "counts.txt": counts, "crash.txt": crash}.items():
        (folder / place).write_text(each, encoding="utf-8")
        found.append(folder / place)
    with zipfile.ZipFile(folder / "bundle.zip", "w") as bundle:
        bundle.writestr(f"{MARKUP}{SIGNS}.stacks", text)
        bundle.writestr('" onmouseover="alert(3)".stacks', DUMP)
        bundle.writestr("javascript:alert(4).txt", DUMP.replace("goroutine 7", "goroutine 8"))
    return [*found, folder / "bundle.zip"]


def test_what_strangers_write_stays_text(browser: Browser, tmp_path: Path) -> None:
    """No element comes of it, no attribute, no script, no dialog; and nobody's signs turn lines around."""
    file = made(tmp_path, *_hostile_dumps(tmp_path))
    with watched(browser, file) as found:
        page = found.open()
        _prepare(page)
        for row in page.locator("button.open").all():
            row.click()
        for link in page.locator(".ids button.link").all()[:6]:
            link.click()
            _assert_only_ours(page)
            page.keyboard.press("Escape")
        for box in page.locator(".flame-graph").all():
            box.focus()
            page.keyboard.press("ArrowDown")
            page.keyboard.press("Enter")
        _assert_only_ours(page)
        assert MARKUP in page.inner_text("body")


def _assert_only_ours(page: Page) -> None:
    odd = page.evaluate(
        """() => ({
          elements: document.querySelectorAll("img, iframe, object, embed, base, form:not(.close)").length,
          handlers: [...document.querySelectorAll("*")].flatMap((each) => [...each.attributes])
            .filter((each) => each.name.startsWith("on")).length,
          links: [...document.querySelectorAll("a[href]")].map((each) => each.protocol)
            .filter((each) => !["file:", "https:", "blob:"].includes(each)),
          signs: /[\\u202a-\\u202e\\u2066-\\u2069\\u2028\\u200b\\ufeff]/.test(document.body.innerText),
          longest: Math.max(...document.body.innerText.split(/\\s+/).map((each) => each.length)) > 2000,
        })"""
    )
    assert {"elements": 0, "handlers": 0, "links": [], "signs": False, "longest": False} == odd


def test_the_policy_of_the_page_forbids_other_scripts(browser: Browser, page_file: Callable[[str], Path]) -> None:
    """A script that somebody managed to put into the page would not run, nor an inline handler, nor a picture load."""
    with watched(browser, page_file("crash")) as found:
        page = found.open()
        page.evaluate(
            """() => {
              const script = document.createElement("script");
              script.textContent = "window.ran = true";
              document.body.append(script);
              const button = document.createElement("button");
              button.setAttribute("onclick", "window.ran = true");
              document.body.append(button);
              button.click();
            }"""
        )
        assert None is page.evaluate("window.ran || null")
        assert 2 == sum("Content Security Policy" in fault for fault in found.faults)
        found.faults.clear()


def test_without_a_browser_these_tests_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are skipped, with what to do about it."""
    monkeypatch.delenv("STACKSCAN_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(pytest.skip.Exception, match="install chromium"):
        executable()
