"""Pools on a page: the curves, the values of the sliders, the bars of states, and the pages of ``pool``."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import FIXTURES, GOLDEN, golden, run
from stackscan.knowledge.configuration import shipped
from stackscan.pipeline import Options, scan
from stackscan.queueing import outlook as outlooks
from stackscan.queueing.calibration import Series, load_of_workers
from stackscan.queueing.curves import curves
from stackscan.queueing.demand import Demand
from stackscan.queueing.planning import Target, plan, workers_needed
from stackscan.queueing.projecting import Given, project, project_load
from stackscan.queueing.projection import Captures, Projection
from stackscan.queueing.simulated_waits import Simulation
from stackscan.queueing.targets import targets
from stackscan.queueing.unexplained import Symptom
from stackscan.queueing.waits import Solved, waits_of
from stackscan.queueing.whatif_grid import Grid, grid
from stackscan.render.html import report as page
from stackscan.render.html.charts import LEFT, RIGHT, Scale, label_heights, path, rule, ticks
from stackscan.render.html.curves import figure
from stackscan.render.html.pools import segments

_MIXED: Final = FIXTURES / "kubo" / "v0.41.0-boxo-v0.38.0-mixed" / "goroutine.debug2-03.txt.gz"
_STALLED: Final = FIXTURES / "kubo" / "v0.41.0-boxo-v0.38.0-stalled-tcp" / "goroutine.debug2-02.txt.gz"
_HOSTILE: Final = "</script><img src=x onerror=alert(1)>"
_NUMBERS: Final = Demand(12, 5.0, 0.1, 10.0)


def captured(held: int, workers: int = 12, **known: Any) -> Projection:
    """The projection of one capture with so many workers held."""
    return project_load(
        load_of_workers([Series((held,))], workers=workers),
        workers=workers,
        captures=Captures((held,), int(held == workers)),
        given=Given(**{"holding_seconds": 10.0} | known),
        symptom=Symptom("a probe", "otherwise"),
    )


def page_of(source: Path) -> str:
    """The page of a report."""
    out = io.StringIO()
    page.render(scan([str(source)], options=Options(shipped(), everything=True, individually=True)), out)
    return out.getvalue()


def charts_of(text: str) -> list[ET.Element]:
    """The drawings of a page."""
    found = re.findall(r'<svg class="chart".*?</svg>', text, re.DOTALL)
    return [ET.fromstring(one) for one in found]  # noqa: S314 - what we have just written


# -- the grid --------------------------------------------------------------------------------------------------------


def combinations(made: Grid) -> list[tuple[int, float, float, tuple[float | None, float | None]]]:
    """Workers, deadline, silent and the figures, of every combination that has a column."""
    return [
        (workers, deadline, silent, made.columns[place].figures[n])
        for n, workers in enumerate(made.workers)
        for row, deadline in zip(made.places, made.deadlines_seconds, strict=True)
        for place, silent in zip(row, made.silent, strict=True)
        if place is not None
    ]


@pytest.mark.parametrize("held", [0, 3, 8, 11, 12])
def test_sliders_of_a_capture_say_what_the_model_says(held: int) -> None:
    """Every combination, also where a deadline and a number of silent sends share a column with others."""
    made = grid(captured(held))
    assert made is not None
    assert (made.unit, made.fixed) == ("per second", ())
    for workers, deadline, silent, (chance, mean) in combinations(made):
        demand = Demand(workers, silent, 1.0, deadline, 0.0)
        assert demand.saturated == (mean is None)
        if mean is None:
            assert chance == 1.0
            continue
        waits = waits_of(demand)
        assert waits.wait_probability().value == pytest.approx(chance, rel=1e-9, abs=1e-15)
        assert waits.mean_seconds().value == pytest.approx(mean * deadline, rel=1e-9, abs=1e-15)


def test_sliders_of_given_numbers_say_what_the_model_says() -> None:
    """With the rate known they move the share of silent peers; what only a simulation could tell is not told."""
    made = grid(project(_NUMBERS))
    assert made is not None
    assert made.unit == "share"
    unknown = 0
    for workers, deadline, silent, (chance, mean) in combinations(made):
        demand = Demand(workers, 5.0, silent, deadline, _NUMBERS.service_seconds)
        waits = None if demand.saturated else waits_of(demand)
        if chance is None:
            unknown += 1
            assert not isinstance(waits, Solved)
        elif mean is None:
            assert demand.saturated
        else:
            assert waits is not None
            assert waits.wait_probability().value == pytest.approx(chance, rel=1e-9)
            assert waits.mean_seconds().value == pytest.approx(mean * deadline, rel=1e-9)
    assert unknown < 20
    for workers, (chance, mean) in zip(made.workers, made.fixed, strict=True):
        waits = waits_of(replace(_NUMBERS, workers=workers).detached())
        assert (waits.wait_probability().value, waits.mean_seconds().value) == (chance, mean)


@pytest.mark.parametrize("found", [captured(8), captured(0), captured(12), project(_NUMBERS)])
def test_sliders_begin_at_the_pool_as_it_is(found: Projection) -> None:
    """There they say what the headline says."""
    made = grid(found)
    assert made is not None
    workers, deadline, silent = made.start
    assert (found.workers, found.close_deadline_seconds) == (made.workers[workers], made.deadlines_seconds[deadline])
    place = made.places[deadline][silent]
    if found.stall_load_erlangs is None:
        assert made.is_lower_bound
        return
    if place is None:
        assert found.stall_load_erlangs == 0
        return
    assert made.columns[place].load_erlangs == pytest.approx(found.stall_load_erlangs)
    now = found.synchronous
    assert made.columns[place].figures[workers] == (now.wait_probability, now.mean_wait_holding_times)
    assert made.columns[place].closers_p999 == found.detached.closers_p999


@settings(max_examples=40, deadline=None)
@given(held=st.integers(0, 40), workers=st.integers(1, 40))
def test_any_capture_has_a_bounded_grid(held: int, workers: int) -> None:
    """A few hundred values at most, for any pool."""
    made = grid(captured(min(held, workers), workers))
    assert made is not None
    assert len(made.workers) <= 12
    assert len(made.columns) <= 60
    assert all(len(column.figures) == len(made.workers) for column in made.columns)
    assert list(made.workers) == sorted(set(made.workers))


@pytest.mark.parametrize("share", [0.0, 1.0, 0.6])
@pytest.mark.parametrize("rate", [0.0, 1e-3, 5.0])
def test_any_numbers_have_a_grid(share: float, rate: float) -> None:
    """No silent peer, none that is not, and a pool without tasks, which has none."""
    made = grid(project(Demand(12, rate, share, 10.0, 0.0)))
    assert (made is None) == (rate == 0)
    if made is not None:
        assert max(made.silent) <= 1


def test_holds_of_unknown_length_are_moved_by_their_load() -> None:
    """Waits are then in holding times, and no deadline can be moved."""
    made = grid(captured(8, holding_seconds=None))
    assert made is not None
    assert (made.unit, made.deadlines_seconds, made.silent[made.start[2]]) == ("erlangs", (1.0,), 8.0)


def test_holds_without_end_have_neither_curves_nor_sliders() -> None:
    """Every load is too much for them."""
    assert outlooks.Outlook(None, None) == outlooks.outlook(captured(8, endless=True))


def test_where_healthy_tasks_count_few_values_are_simulated() -> None:
    """Not hundreds; the pool as it is keeps its longer simulation."""
    found = project(Demand(4, 40.0, 0.01, 2.0, 0.03))
    made = grid(found)
    assert made is not None
    assert not made.exact
    assert len(made.columns) <= 4
    workers, deadline, silent = made.start
    place = made.places[deadline][silent]
    assert place is not None
    assert made.columns[place].figures[workers][0] == found.synchronous.wait_probability


def test_captures_of_one_load_share_curves_and_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are computed once; a report without drawings computes none."""
    asked = []
    monkeypatch.setattr(outlooks, "grid", asked.append)
    outlooks.outlook.cache_clear()
    try:
        scan([str(_MIXED)], options=Options(shipped()))
        assert not asked
        scan([str(_MIXED), str(_MIXED)], options=Options(shipped(), individually=True))
        assert len(asked) == 1
    finally:
        outlooks.outlook.cache_clear()


# -- a plan's neighbours ---------------------------------------------------------------------------------------------


def test_other_targets_need_what_plans_for_them_need() -> None:
    """Each cell of the table, and the share of late tasks falls with the workers."""
    target = Target(0.1, 0.99)
    found = targets(_NUMBERS, target, plan(_NUMBERS, target))
    assert not found.simulated
    assert target.wait_seconds in found.waits_seconds
    assert target.probability in found.probabilities
    for wait, row in zip(found.waits_seconds, found.needed, strict=True):
        for share, needed in zip(found.probabilities, row, strict=True):
            assert workers_needed(_NUMBERS, Target(wait, share)) == needed
    late = [part for _, part in found.late]
    assert late == sorted(late, reverse=True)
    assert dict(found.late)[12] == waits_of(_NUMBERS).exceeds(0.1).value


def test_neighbours_of_a_large_pool_take_no_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would take seconds: what the model cannot say at once is left out."""
    large, target = Demand(12, 500, 0.5, 10.0), Target(0.1, 0.99)
    found = plan(large, target)
    monkeypatch.setattr(Simulation, "run", lambda *_: pytest.fail("a simulation"))
    beside = targets(large, target, found)
    assert not beside.needed
    assert found.workers_needed in dict(beside.late)


# -- the page --------------------------------------------------------------------------------------------------------


@pytest.mark.generated
def test_the_load_of_a_pool_as_it_was() -> None:
    """Its section of the page, with everything that a reader sees without a script."""
    section = re.search(r'<section class="load .*?</section>\n', page_of(_MIXED), re.DOTALL)
    assert section is not None
    golden(GOLDEN / "load.html", section.group())


@pytest.mark.parametrize("source", [_MIXED, _STALLED])
def test_pictures_have_a_text_alternative(source: Path) -> None:
    """A title, their numbers in words, and a table; nothing that the page's policy forbids."""
    text = page_of(source)
    drawings = charts_of(text)
    assert len(drawings) == 2
    for drawing in drawings:
        title, says = drawing.find("title"), drawing.find("desc")
        assert title is not None
        assert says is not None
        assert drawing.get("role") == "img"
        assert drawing.get("aria-labelledby") == f"{title.get('id')} {says.get('id')}"
        assert "this capture" in (says.text or "") or "Share of tasks" in (title.text or "")
        assert "saturated from 12 on" in (says.text or "")
    assert "The curves as a table" in text
    assert not re.search(r"<[^>]+\s(style|on\w+)=", re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL))


def test_an_interval_is_drawn_around_the_capture() -> None:
    """From its lower end to its upper end, and saturation to the end of the picture."""
    drawing = charts_of(page_of(_MIXED))[0]
    bands = {one.get("class"): one for one in drawing.iter("rect")}
    x = Scale(0.0, 18.0, LEFT, RIGHT)
    interval, saturated = bands["band interval"], bands["band saturated"]
    low, high = scan([str(_MIXED)]).snapshots[0].projections[0][1].stall_load_interval or (0.0, None)
    assert high is not None
    assert float(interval.get("x") or 0) == x.at(low)
    assert float(interval.get("x") or 0) + float(interval.get("width") or 0) == pytest.approx(x.at(high))
    assert float(saturated.get("x") or 0) == x.at(12.0)


def test_a_full_pool_has_no_value_on_the_curves() -> None:
    """Its load is a lower bound: the grey range goes on to the end, and no dot says what its tasks wait."""
    full, partly = charts_of(page_of(_STALLED))[0], charts_of(page_of(_MIXED))[0]
    assert [0, 1] == [len(list(one.iter("circle"))) for one in (full, partly)]
    interval = next(one for one in full.iter("rect") if one.get("class") == "band interval")
    assert float(interval.get("x") or 0) + float(interval.get("width") or 0) == RIGHT
    assert "the least load that this capture can have" in (full.findtext("desc") or "")


def test_shares_that_are_nothing_do_not_fill_a_chart() -> None:
    """Two hundred workers for at most ten erlangs: the axis does not end at a billionth."""
    found = project(Demand(200, 1.0, 0.1, 10.0))
    drawn = figure(curves(found), found)["charts"][0]
    assert ["0%", "0.5%", "1%"] == [tick.text for tick in drawn.y_ticks]
    assert ["", "closed either way"] == [line.label for line in drawn.lines]


def test_bars_of_states_fill_their_pool() -> None:
    """Busy states first, each as wide as its share; idle ones last."""
    samples = {sample.pool.name: sample for sample in scan([str(_MIXED)]).snapshots[0].pools}
    found = segments(samples["bitswap-task-workers"])
    assert [("busy-0", 8), ("idle", 4)] == [(part.name, part.count) for part in found]
    assert [(0.0, 66.67), (66.67, 33.33)] == [(part.at, part.width) for part in found]


def test_names_of_pools_are_text() -> None:
    """Also within attributes, and within JSON."""
    report = scan([str(_MIXED)], options=Options(shipped(), individually=True))
    snapshot = report.snapshots[0]
    pools = tuple(
        replace(s, pool=replace(s.pool, name=f"{_HOSTILE}{n}", title=f'"{_HOSTILE}'), states=_renamed(s.states))
        for n, s in enumerate(snapshot.pools)
    )
    projections = tuple((f"{_HOSTILE}{n}", found) for n, (_, found) in enumerate(snapshot.projections))
    shown = tuple((f"{_HOSTILE}{n}", found) for n, (_, found) in enumerate(snapshot.outlooks))
    out = io.StringIO()
    page.render(
        replace(report, snapshots=(replace(snapshot, pools=pools, projections=projections, outlooks=shown),)), out
    )
    assert "<img" not in out.getvalue()
    assert out.getvalue().count("&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;") > 5
    assert len(charts_of(out.getvalue())) == 2


def _renamed(states: dict[str, int]) -> dict[str, int]:
    return {f"{_HOSTILE}{state}": count for state, count in states.items()}


@pytest.mark.parametrize(
    "arguments",
    [
        ("project", "--rate", "5", "--silent-fraction", "10%"),
        ("project", "--from", str(_MIXED)),
        ("replay", "--replications", "50"),
        ("plan", "--rate", "5", "--silent-fraction", "10%", "--target-wait", "0"),
        ("plan", "--rate", "50", "--silent-fraction", "10%", "--workers", "40"),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_pages_of_the_pool_model_hold_their_json(arguments: tuple[str, ...]) -> None:
    """What they save is what ``--format json`` prints; the first heading is the first line of the text."""
    html, plain, text = (run("pool", *arguments, "--format", name) for name in ("html", "json", "text"))
    assert (html.returncode, html.stderr) == (0, "")
    kept = re.search(r'<script type="application/json" class="report">(.*?)</script>', html.stdout, re.DOTALL)
    assert kept is not None
    assert json.loads(plain.stdout) == json.loads(kept.group(1))
    heading = re.search(r"<h1>(.*?)</h1>", html.stdout)
    assert heading is not None
    assert " ".join(text.stdout.split()).startswith(heading.group(1))
    for drawing in charts_of(html.stdout):
        says = drawing.find("desc")
        assert says is not None
        assert says.text


# -- the parts of a chart --------------------------------------------------------------------------------------------


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_few_and_within(low: float, span: float) -> None:
    """Any scale has some, none outside of it."""
    scale = Scale(low, low + span, 0.0, 100.0)
    found = ticks(scale, str)
    assert 1 <= len(found) <= 6
    assert all(0 <= tick.at <= 100 for tick in found)


@given(st.floats(34, 196), st.floats(34, 196))
def test_labels_of_two_curves_stay_apart(first: float, second: float) -> None:
    """The upper curve's above the lower one's, whatever the order; both within the drawing."""
    places = label_heights(first, second, bottom=196.0)
    assert all(20 <= place <= 196 for place in places)
    if abs(first - second) >= 14:
        assert (places[0] < places[1]) == (first < second)
        assert abs(places[0] - places[1]) >= 11


def test_labels_stay_in_the_drawing() -> None:
    """At either end, however long."""
    label = "these captures: 11.8 (90%: 9.44 to 13.2)"
    assert [152.0, 248.0] == [rule("mark", at, label).label_at for at in (LEFT, RIGHT)]
    assert rule("mark", 100.0, "x" * 500).label_at == 200.0


def test_a_flat_run_is_two_points() -> None:
    """The middle of three equal heights says nothing."""
    x, y = Scale(0, 4, 0, 4), Scale(0, 1, 1, 0)
    assert path(x, y, [(0, 0), (1, 0), (2, 0), (3, 1), (4, 1)]) == "M0,1 2,1 3,0 4,0"
