"""The wait-for graph of a cause: who waits for whom, in few boxes, drawn so that nothing hides anything."""

from __future__ import annotations

import os
import re
import shutil
from functools import cache
from math import atan2
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import FIXTURES, GOLDEN, golden, goroutine, memory_report, rendered, report_of
from stackscan.golang.reader import Reader
from stackscan.golang.roots import Sources
from stackscan.knowledge.configuration import shipped
from stackscan.pipeline import Options, scan
from stackscan.redaction import Redaction, new_key
from stackscan.render.html.graphs.layout import lay_out
from stackscan.render.html.graphs.picture import picture
from stackscan.render.html.graphs.ring import ring
from stackscan.render.html.graphs.shapes import Box, Point, Route, Size
from stackscan.report import Report
from stackscan.report.graph import Edge, Graph, Node, summed

_GO: Final = FIXTURES / "go" / "go1.26"
_LOCK: Final = (
    "internal/sync.runtime_SemacquireMutex", "internal/sync.(*Mutex).lockSlow", "internal/sync.(*Mutex).Lock",
    "sync.(*Mutex).Lock",
)  # fmt: skip
_MAIN: Final = goroutine(1, ["time.Sleep", "main.main"], state="sleep")
_MOST: Final = 40


@cache
def _hang(name: str) -> Graph:
    """The graph of the only cause of a hang, from the dump alone."""
    return _only(report_of(_GO / f"hang_{name}.txt", individually=True))


def _only(report: Report) -> Graph:
    ((_, found),) = report.snapshots[0].graphs
    return found


def _arrows(graph: Graph) -> list[tuple[str, str, str]]:
    """The arrows in short: from, how, to."""
    name = [f"{node.name} {node.detail}".strip() for node in graph.nodes]
    return sorted((name[edge.source], edge.how, name[edge.target]) for edge in graph.edges)


def _waiter(number: int, held: int, wanted: int, *, caller: str = "example.com/acme/store.play") -> str:
    """A goroutine in a method of the object at ``held`` that waits for the Mutex of the one at ``wanted``."""
    words = [*[wanted] * (len(_LOCK) + 1), held, 1]
    functions = [*_LOCK, "example.com/acme/store.(*Room).Look", "example.com/acme/store.(*Room).Move", caller]
    lines = [f"{name}({word:#x})\n\t/src/x.go:10 +0x1d" for name, word in zip(functions, words, strict=True)]
    return "\n".join([f"goroutine {number} [sync.Mutex.Lock, 5 minutes]:", *lines, ""])


def _room(number: int) -> int:
    return 0xC000100000 + number * 0x1000


def _circle(count: int, *, behind: int = 0) -> Graph:
    """The graph of a generated circle of goroutines, with others that wait for its locks."""
    ring = [_waiter(10 + n, _room(n), _room((n + 1) % count)) for n in range(count)]
    others = [
        _waiter(1000 + n, 0, _room(n % count), caller=f"example.com/acme/web.handle{n}").replace(
            "store.(*Room).Move", "web.move"
        )
        for n in range(behind)
    ]
    return _only(memory_report("\n".join([_MAIN, *ring, *others]), individually=True))


# -- what is in it ---------------------------------------------------------------------------------------------------


def test_a_convoy_leads_to_the_holder() -> None:
    """Those who wait, the lock, and the culprit with why it is blocked."""
    graph = _hang("http-locked")
    assert [
        ("4 goroutines main.(*cache).Get", "waits for", "Mutex main.(*cache)"),
        ("Mutex main.(*cache)", "likely held by", "goroutine 20 main.(*cache).Refresh"),
    ] == _arrows(graph)
    assert [(True, "select")] == [(node.culprit, node.state) for node in graph.nodes[:1]]


def test_a_circle_of_locks_is_a_circle() -> None:
    """Three goroutines and three locks, each in one arrow and out of one."""
    graph = _hang("three-locks")
    assert 6 == len(graph.nodes) == len(graph.edges)
    assert set(range(6)) == {edge.source for edge in graph.edges} == {edge.target for edge in graph.edges}
    assert ["goroutines"] * 3 + ["thing"] * 3 == [node.kind for node in graph.nodes]
    assert {"Mutex A", "Mutex B", "Mutex C"} == {node.name for node in graph.nodes[3:]}


def test_a_holder_that_waits_for_those_who_want_its_lock_is_in_a_circle() -> None:
    """Through the WaitGroup that only they would end."""
    crawler, fetch = "goroutine 6 main.(*crawler).Run", "3 goroutines main.(*crawler).fetch"
    assert [
        (fetch, "waits for", "Mutex main.(*crawler)"),
        ("Mutex main.(*crawler)", "likely held by", crawler),
        ("WaitGroup", "must be served by", fetch),
        (crawler, "waits for", "WaitGroup"),
    ] == _arrows(_hang("wait-locked"))


def test_results_that_nobody_takes_before_wait_ends() -> None:
    """Workers send to the goroutine that waits for them."""
    arrows = _arrows(_hang("own-results"))
    assert ("channel", "must be served by", "goroutine 8 main.sumAll") in arrows
    assert ("WaitGroup", "must be served by", "4 goroutines main.sumAll.func1") in arrows
    assert 4 == len(arrows)


def test_who_reads_again_waits_behind_the_writer() -> None:
    """The circle that makes it a deadlock."""
    reader, writer = "goroutine 8 main.(*registry).Len", "goroutine 9 main.(*registry).Add"
    assert [
        ("RWMutex main.(*registry)", "likely held by", reader),
        (reader, "waits behind", writer),
        (writer, "waits for", "RWMutex main.(*registry)"),
    ] == _arrows(_hang("read-again"))


def test_a_goroutine_that_waits_for_itself() -> None:
    """The lock and its holder, and the queue behind it."""
    arrows = _arrows(_hang("self-deadlock"))
    assert ("goroutine 5 main.(*account).Balance", "waits for", "Mutex main.(*account)") in arrows
    assert ("Mutex main.(*account)", "likely held by", "goroutine 5 main.(*account).Balance") in arrows
    assert ("3 goroutines main.(*account).Balance", "waits for", "Mutex main.(*account)") in arrows


@pytest.mark.parametrize(
    ("name", "missing"),
    [("missing-unlock", "could unlock it"), ("missing-done", "calls Done"), ("early-return", "receives")],
)
def test_who_is_missing_has_a_box(name: str, missing: str) -> None:
    """Nobody holds the lock, or is left to serve the others."""
    assert [missing] == [node.detail for node in _hang(name).nodes if node.kind == "nobody"]


def test_what_else_a_cause_explains_is_in_its_graph() -> None:
    """With source: the WaitGroup waits for a goroutine, which waits for a channel from which nobody receives."""
    reader = Reader(Sources([FIXTURES / "programs"], environment={}, cwd=Path("/")))
    path = str(_GO / "kernel_chanwait-crew.txt")
    assert [
        ("WaitGroup c.wg", "must be served by", "goroutine 9 main.readRows"),
        ("channel rows", "must be served by", "nobody receives"),
        ("goroutine 8 main.(*crew).Wait", "waits for", "WaitGroup c.wg"),
        ("goroutine 9 main.readRows", "waits for", "channel rows"),
    ] == _arrows(_only(scan([path], options=Options(shipped(), reader=reader, individually=True))))


@pytest.mark.parametrize("path", sorted(_GO.glob("hang_healthy-*.txt")), ids=lambda path: path.stem)
def test_a_healthy_program_has_no_graph(path: Path) -> None:
    """Nothing is drawn where nothing is wrong."""
    assert [()] == [snapshot.graphs for snapshot in report_of(path, individually=True).snapshots]


def test_names_are_redacted_in_it() -> None:
    """As everywhere in a report."""
    plain = {node.detail for node in _hang("http-locked").nodes}
    whole = scan(
        [str(_GO / "hang_http-locked.txt")],
        options=Options(shipped(), individually=True),
        redaction=Redaction(new_key()),
    )
    hidden = {node.detail for node in _only(whole).nodes}
    assert not plain & hidden
    assert not any("cache" in detail or "Refresh" in detail for detail in hidden)


# -- many boxes ------------------------------------------------------------------------------------------------------


def test_a_crowd_is_one_box() -> None:
    """Ten thousand that wait in one function, from many callers, behind two that wait for each other."""
    graph = _circle(2, behind=10_000)
    assert ["5,000 goroutines"] * 2 == sorted(node.name for node in graph.nodes if node.count > 1)
    assert 6 == len(graph.nodes)


def test_a_circle_of_forty_is_a_circle_of_forty_boxes() -> None:
    """Each lock is a word at its arrow."""
    graph = _circle(40)
    assert (40, 40, 40, 0) == (len(graph.nodes), len(graph.edges), graph.folded, graph.summed)
    assert 40 == len({edge.through.name for edge in graph.edges if edge.through is not None})


def test_a_larger_circle_stays_a_circle() -> None:
    """What is farthest from the first culprit is one box, and it says how many it stands for."""
    graph = _circle(100)
    assert _MOST == len(graph.nodes) == len(graph.edges)
    assert set(range(_MOST)) == {edge.source for edge in graph.edges} == {edge.target for edge in graph.edges}
    assert 100 == sum(node.count for node in graph.nodes)


def test_small_queues_are_summed_up() -> None:
    """Of thirty functions that wait for one lock, the six with most goroutines have boxes."""
    lock, holder = Node("thing", "Mutex"), Node("goroutines", "goroutine 1", "f", (1,), 1, culprit=True)
    queue = [Node("goroutines", f"{n} goroutines", f"main.f{n}", (), n) for n in range(1, 31)]
    edges = (Edge(1, 0, "held by"), *(Edge(n + 2, 1, "waits for") for n in range(30)))
    graph = summed(Graph((holder, lock, *queue), edges))
    assert [30, 29, 28, 27, 26, 25] == sorted(
        (n.count for n in graph.nodes if n.detail.startswith("main.")), reverse=True
    )
    rest = next(node for node in graph.nodes if node.kind == "rest")
    assert (f"{sum(range(1, 25)):,} more goroutines", "in 24 places") == (rest.name, rest.detail)
    assert 23 == graph.summed


@st.composite
def _graphs(draw: st.DrawFn, most: int = 60) -> tuple[int, list[tuple[int, int]]]:
    """Numbers of boxes and arrows between them."""
    count = draw(st.integers(2, most))
    place = st.integers(0, count - 1)
    pairs = st.tuples(place, place).filter(lambda pair: pair[0] != pair[1])
    edges = draw(st.lists(pairs, min_size=1, max_size=2 * count, unique=True))
    around = draw(st.integers(0, min(count, 12)))  # and a circle, which chance alone seldom makes
    return count, list(dict.fromkeys([*edges, *((n, (n + 1) % around) for n in range(around) if around > 1)]))


@given(_graphs(120), st.data())
@settings(deadline=None)
def test_any_graph_is_summed_up_without_loss(found: tuple[int, list[tuple[int, int]]], data: st.DataObject) -> None:
    """At most forty boxes, all goroutines in them, and arrows as a graph has them."""
    count, edges = found
    kinds = data.draw(st.lists(st.sampled_from(["goroutines", "thing"]), min_size=count, max_size=count))
    nodes = [
        Node("goroutines", f"goroutine {n}", f"f{n % 50}", (n,), 1, culprit=n == 0) if kind == "goroutines" or n == 0
        else Node("thing", f"Mutex {n}")
        for n, kind in enumerate(kinds)
    ]  # fmt: skip
    graph = summed(Graph(tuple(nodes), tuple(Edge(a, b, "waits for") for a, b in edges)))
    assert len(graph.nodes) <= _MOST
    assert sum(node.count for node in nodes) == sum(node.count for node in graph.nodes)
    pairs = [(edge.source, edge.target) for edge in graph.edges]
    assert len(pairs) == len(set(pairs))
    assert all(a != b and a < len(graph.nodes) > b for a, b in pairs)
    assert graph.nodes[0].culprit
    assert count == len(graph.nodes) + graph.folded + graph.summed


# -- where it lies ---------------------------------------------------------------------------------------------------


@given(_graphs(), st.lists(st.sampled_from([30, 46, 62, 78]), min_size=60, max_size=60))
@settings(deadline=None)
def test_nothing_hides_anything(found: tuple[int, list[tuple[int, int]]], heights: list[int]) -> None:
    """No two boxes overlap, arrows begin and end at their boxes, and none runs through a box or out of the picture."""
    count, edges = found
    layout = lay_out([Size(132, height) for height in heights[:count]], edges)
    for n, box in enumerate(layout.boxes):
        assert not any(_overlap(box, other) for other in layout.boxes[n + 1 :])
    for (source, target), route in zip(edges, layout.routes, strict=True):
        assert _is_on_border(route.points[0], layout.boxes[source])
        assert _is_on_border(route.points[-1], layout.boxes[target])
        for point in _along(route):
            assert 0 <= point.x <= layout.size.width
            assert 0 <= point.y <= layout.size.height
            assert not any(_is_inside(point, box) for box in layout.boxes)


def _overlap(one: Box, other: Box) -> bool:
    return (
        abs(one.x - other.x) < (one.width + other.width) / 2 - 0.01
        and abs(one.y - other.y) < (one.height + other.height) / 2 - 0.01
    )


def _is_inside(point: Point, box: Box) -> bool:
    return abs(point.x - box.x) < box.width / 2 - 1 and abs(point.y - box.y) < box.height / 2 - 1


def _is_on_border(point: Point, box: Box) -> bool:
    away = abs(abs(point.x - box.x) - box.width / 2), abs(abs(point.y - box.y) - box.height / 2)
    within = abs(point.x - box.x) < box.width / 2 + 0.01 and abs(point.y - box.y) < box.height / 2 + 0.01
    return min(away) < 0.01 and within


def _along(route: Route) -> list[Point]:
    """Points of an arrow, some for each of its curves."""
    found = []
    for n in range(0, len(route.points) - 1, 3):
        a, b, c, d = route.points[n : n + 4]
        for t in (step / 12 for step in range(13)):
            weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
            x, y = (sum(w * p[axis] for w, p in zip(weights, (a, b, c, d), strict=True)) for axis in (0, 1))
            found.append(Point(x, y))
    return found


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 9, 40])
def test_a_circle_looks_like_a_circle(count: int) -> None:
    """Clockwise from the top, once around."""
    boxes = ring([Size(132, 46)] * count).boxes
    turns = [atan2(box.x, -box.y) % (2 * 3.141592653589793) for box in boxes]
    assert turns == sorted(turns)
    assert 0 == turns[0]


def test_a_narrow_screen_has_room_for_a_circle_and_its_queues() -> None:
    """Of 390 pixels a card leaves 325."""
    assert picture(_hang("three-locks")).width <= 325
    assert picture(_circle(2, behind=20)).width <= 325
    assert picture(_circle(40)).width <= 325


def test_a_wide_graph_lies_on_its_side() -> None:
    """Ten that wait for one: below each other."""
    layout = lay_out([Size(132, 46)] * 11, [(n, 10) for n in range(10)])
    assert layout.size.width < 400
    assert layout.boxes[10].x > max(box.x for box in layout.boxes[:10])


# -- as a picture ----------------------------------------------------------------------------------------------------


@pytest.mark.generated
@pytest.mark.parametrize("name", ["three-locks", "http-locked"])
def test_the_picture_of_a_cause(name: str) -> None:
    """The whole SVG, with its words."""
    page = rendered(report_of(_GO / f"hang_{name}.txt", individually=True), "html")
    found = re.search(r'<figure class="graph">.*?</figure>', page, re.DOTALL)
    assert found is not None
    golden(GOLDEN / f"graph_{name}.svg.html", found[0] + "\n")


def test_the_picture_is_told_in_words() -> None:
    """A sentence for each arrow, for those who do not see it."""
    assert (
        "Mutex (main.(*cache)) is likely held by goroutine 20 (main.(*cache).Refresh)",
        "4 goroutines (main.(*cache).Get) wait for Mutex (main.(*cache))",
    ) == picture(_hang("http-locked")).sentences
    assert "channel: nobody receives" in picture(_hang("early-return")).sentences
    folded = picture(_circle(40)).sentences[0]
    assert re.fullmatch(
        r"goroutine \d+ \(.*\) waits for Mutex [A-Z]+ \(.*\), likely held by goroutine \d+ \(.*\)", folded
    )


def test_a_name_from_a_stranger_stays_text() -> None:
    """Functions are called what their author likes."""
    evil = "</svg><script>alert(1)</script>"
    lines = [_MAIN, *(_waiter(10 + n, _room(n), _room(1 - n)).replace("Look", f"Look{evil}") for n in range(2))]
    page = rendered(memory_report("\n".join(lines), individually=True), "html")
    assert "<figure class" in page
    assert "</svg><script>alert" not in page


def test_a_format_without_ids_has_a_picture_without_buttons() -> None:
    """Nothing can be opened."""
    graph = _only(report_of(_GO / "hang_http-locked.debug1.txt", individually=True))
    assert [None, None, None] == [box.goroutine for box in picture(graph).boxes]


# -- in a browser ----------------------------------------------------------------------------------------------------


def test_a_key_on_a_box_opens_its_goroutine(tmp_path: Path) -> None:
    """And the box has the focus again when that is closed; axe finds nothing wrong with the picture."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    browser = os.environ.get("STACKSCAN_CHROMIUM") or shutil.which("chromium")
    if browser is None:
        pytest.skip("no browser: install chromium, or name one in STACKSCAN_CHROMIUM")
    page_file = tmp_path / "page.html"
    report = scan([str(_GO / "hang_three-locks.txt")], options=Options(shipped(), individually=True))
    page_file.write_text(rendered(report, "html"), encoding="utf-8")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page()
        page.goto(page_file.as_uri())
        box = page.locator("svg [role=button]").first
        for key in ("Enter", " "):
            box.focus()
            page.keyboard.press(key)
            assert "Goroutine 21" == page.locator("dialog h2").inner_text()
            page.keyboard.press("Escape")
            assert box.evaluate("box => box === document.activeElement")
        faults = axe.Axe().run(page, context=".graph").response["violations"]
        chromium.close()
    assert [] == [fault["id"] for fault in faults]


def test_a_report_holds_no_dump() -> None:
    """What a finding knows of who waits for whom refers to the whole dump: it does not stay in the report."""
    snapshot = report_of(_GO / "hang_three-locks.txt", individually=True).snapshots[0]
    assert snapshot.graphs
    assert [None] * len(snapshot.findings) == [finding.waits for finding in snapshot.findings]
