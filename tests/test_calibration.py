"""Loads from captures and from metrics: what they estimate, how sure, and that they cover what the lab produced."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import FIXTURES, json_of, rendered
from stackscan.errors import CatalogueError, ModelError, StackscanError
from stackscan.knowledge.configuration import shipped
from stackscan.knowledge.descriptions import read_text
from stackscan.knowledge.pool import read_pool
from stackscan.load.gather import gather
from stackscan.load.projections import project_held
from stackscan.load.scrapes import read_scrape
from stackscan.load.times import moments_of
from stackscan.pipeline import Options, scan
from stackscan.queueing.calibration import Load, Series, load_of_closers, load_of_workers
from stackscan.queueing.deterministic import DeterministicQueue
from stackscan.queueing.projection import Projection
from stackscan.queueing.send_times import Scrape, send_times

KUBO = FIXTURES / "kubo"
TASK = "bitswap-task-workers"


def lab_load(folder: Path) -> tuple[float, float]:
    """The load that the lab produced over a run, as its silent peers counted it: streams a second × 10 s; and the
    seconds between its first and last capture."""
    captures = json.loads((folder / "capture.json").read_text(encoding="utf-8"))["captures"]
    times = [datetime.fromisoformat(c["swarm"]["before"]["time"][:26] + "+00:00") for c in (captures[0], captures[-1])]
    opened = [
        sum(group.get("silent_streams_opened", 0) for group in c["swarm"]["before"]["groups"])
        for c in (captures[0], captures[-1])
    ]
    seconds = (times[1] - times[0]).total_seconds()
    return (opened[1] - opened[0]) / seconds * 10.0, seconds


def projected(*sources: Path) -> Projection:
    """What ``pool project --from`` says of these sources."""
    _, chosen = gather([str(source) for source in sources], pool=None)
    return project_held([capture.shown for capture in chosen.captures], gathered=chosen.gathered)


def only_projection(source: Path) -> dict[str, Any]:
    """The projection in the JSON report of a file with one snapshot."""
    (snapshot,) = json_of(source)["snapshots"]
    (pool,) = (pool for pool in snapshot["pools"] if pool["pool"] == TASK)
    projection: dict[str, Any] = pool["projection"]
    return projection


def far_apart(*held: int) -> Load:
    """The load of a pool of twelve by captures that are a hundred holding times apart."""
    return load_of_workers([Series(held, tuple(100.0 * place for place in range(len(held))))], workers=12)


# -- the estimate ----------------------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(
    held=st.lists(st.integers(0, 12), min_size=1, max_size=6),
    more=st.integers(0, 5),
)
def test_an_interval_holds_its_estimate_and_grows_with_what_is_held(held: list[int], more: int) -> None:
    """The mean of the counts lies inside; more held workers move both ends up; only a full pool has no upper end."""
    found = far_apart(*held)
    assert found.low <= sum(held) / len(held)
    assert (found.high is None) is (found.erlangs is None) is (min(held) == 12)
    assert found.high is None or found.low <= sum(held) / len(held) <= found.high <= 12
    raised = [min(12, held[0] + more), *held[1:]]
    higher = far_apart(*raised)
    assert found.low <= higher.low + 1e-4
    assert higher.high is None or (found.high is not None and found.high <= higher.high + 1e-4)


def test_the_ends_of_the_interval_are_where_a_tail_is_five_per_cent() -> None:
    """Checked by the law itself: at the lower end so many are seen in one of twenty, at the upper end so few."""
    found = far_apart(8)
    assert found.high is not None
    low, high = (DeterministicQueue(12, load, 1.0).in_system_law() for load in (found.low, found.high))
    assert 0.05 == pytest.approx(low[8:].sum(), abs=1e-4)
    assert 0.05 == pytest.approx(high[:9].sum(), abs=1e-4)
    full = far_apart(12)
    assert 0.05 == pytest.approx(DeterministicQueue(12, full.low, 1.0).wait_probability, abs=1e-4)


@pytest.mark.parametrize(("load", "captures"), [(2.0, 1), (6.2, 4), (10.0, 2)])
def test_intervals_cover_the_truth_nine_times_in_ten(load: float, captures: int) -> None:
    """Draw counts from the law at a known load: its 90 % interval holds the load in nine of ten cases or more."""
    law = DeterministicQueue(12, load, 1.0).in_system_law()
    random = np.random.default_rng(1142)
    draws = [tuple(sorted(row)) for row in random.choice(13, size=(150, captures), p=law / law.sum()).tolist()]
    found = {}
    for draw in draws:
        if sum(draw) not in found:  # only the sum matters
            found[sum(draw)] = far_apart(*draw)
    covered = sum(found[sum(d)].low <= load <= (found[sum(d)].high or 13 * found[sum(d)].full) for d in draws)
    assert covered >= 0.85 * len(draws)  # 0.9 less two standard errors


@pytest.mark.parametrize(("load", "dumps", "apart"), [(0.6, 60, 0.1), (2.4, 12, 0.5), (9.6, 10, 1.1)])
def test_captures_near_each_other_are_neither_dropped_nor_taken_for_many(load: float, dumps: int, apart: float) -> None:
    """Pools in continuous time, dumps nearer together than a hold: the interval covers the load in nine of ten."""
    covered, means = 0, []
    for seed in range(20):
        held = _dumps(load, [place * apart for place in range(dumps)], np.random.default_rng(seed))
        found = load_of_workers([Series(held, tuple(place * apart for place in range(dumps)))], workers=12)
        covered += found.low <= load <= (found.high or 13)
        means.append(sum(held) / dumps)
        assert found.erlangs is None if min(held) == 12 else found.erlangs == pytest.approx(means[-1])
        assert 1 <= found.independent <= dumps
    assert covered >= 15  # 0.88 less two standard errors
    assert load == pytest.approx(sum(means) / 20, rel=0.25)


def _dumps(load: float, at: list[float], random: np.random.Generator) -> tuple[int, ...]:
    """How many of twelve workers are held at these times (in holding times), in the steady state."""
    settle = 60.0
    arrivals = np.sort(random.uniform(0, settle + at[-1], random.poisson(load * (settle + at[-1]))))
    starts = arrivals.copy()
    for n in range(12, len(starts)):
        starts[n] = max(starts[n], starts[n - 12] + 1)
    return tuple(int(((starts <= settle + t) & (starts + 1 > settle + t)).sum()) for t in at)


def test_captures_at_unknown_times_tell_no_more_than_one() -> None:
    """Their mean is the estimate; the interval is not narrower than that of one dump that shows it."""
    found, one = load_of_workers([Series((4, 4, 4, 4, 4))], workers=12), far_apart(4)
    assert (4.0, one.low, one.high, 1.0) == (found.erlangs, found.low, found.high, found.independent)
    between = load_of_workers([Series((0, 0, 1))], workers=12)
    assert 0.0 == between.low
    assert (between.high or 0) > far_apart(0, 0, 1).low


def test_goroutine_ids_are_a_clock() -> None:
    """Without any time: holds began when their goroutines were started, so the newest ids tell how far dumps lie apart
    in holds, rather less than more."""
    timed = projected(*sorted((KUBO / "v0.40.1-mixed").glob("goroutine.debug2-*")))
    _, chosen = gather([str(path) for path in sorted((KUBO / "v0.40.1-mixed").glob("goroutine.debug2-*"))], pool=None)
    captures = [replace(capture, when=None) for capture in chosen.captures]
    (places, at), *more = moments_of(captures, apart_seconds=None, holding_seconds=10.0)
    assert [] == more
    assert (0, 1, 2, 3) == places
    assert at is not None
    assert list(at) == sorted(at)
    assert timed.captures is not None
    assert not timed.captures.untimed
    ((_, told),) = moments_of(captures, apart_seconds=25.0, holding_seconds=10.0)
    assert (0.0, 2.5, 5.0, 7.5) == told


def test_closers_have_no_upper_limit() -> None:
    """129 and 125 closes in flight: Garwood's interval for a Poisson mean of 254 / 2."""
    found = load_of_closers([Series((129,)), Series((125,))])
    assert (127.0, 114.18, 140.91) == pytest.approx((found.erlangs, found.low, found.high), abs=0.01)


@pytest.mark.parametrize("held", [[], [13], [-1]], ids=str)
def test_counts_that_no_pool_shows_are_refused(held: list[int]) -> None:
    """None at all, more than there are, fewer than none."""
    with pytest.raises(ModelError):
        far_apart(*held)


# -- the lab's captures ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "run", ["v0.40.1-mixed", "v0.41.0-boxo-v0.38.0-mixed", "v0.41.0-fixed-tcp", "v0.41.0-fixed-quic"]
)
@pytest.mark.parametrize("files", ["goroutine.debug2-*", "stack-*", "ipfs-profile-*.zip", "goroutine.debug0-*"])
def test_the_interval_covers_the_load_that_the_lab_produced(run: str, files: str) -> None:
    """Whatever kind of captures of one run: their 90 % interval holds the load that the silent peers counted."""
    load, _ = lab_load(KUBO / run)
    found = projected(*sorted((KUBO / run).glob(files)))
    assert found.stall_load_interval is not None
    low, high = found.stall_load_interval
    assert high is not None
    assert low <= load <= high
    assert ("detached" if "fixed" in run else "synchronous") == found.in_force


@pytest.mark.parametrize("run", ["v0.40.1-mixed", "v0.41.0-boxo-v0.38.0-mixed"])
def test_views_of_one_moment_tell_no_more_than_one(run: str) -> None:
    """24 files, twelve of them with goroutine ids, three views of each of four moments: the load and its interval are
    those of four dumps."""
    found, four = projected(KUBO / run), projected(*sorted((KUBO / run).glob("goroutine.debug2-*")))
    assert found.captures is not None
    assert four.captures is not None
    assert (4, 4, 4, 9, 9, 9, 8, 8, 8, 6, 6, 6) == found.captures.held
    assert 12 == found.captures.left_out
    assert four.captures.independent == pytest.approx(found.captures.independent, rel=0.15)
    assert four.stall_load_erlangs == found.stall_load_erlangs
    assert four.stall_load_interval == pytest.approx(found.stall_load_interval, rel=0.05)


@pytest.mark.parametrize("run", ["v0.40.1-mixed", "v0.40.1-quiet", "v0.41.0-fixed-tcp"])
def test_a_dump_given_twice_counts_once(run: str) -> None:
    """Whether workers, closers or nothing at all is held."""
    path = KUBO / run / "stack-01.txt.gz"
    found = projected(path, path)
    assert found.captures is not None
    assert (1, 1) == (len(found.captures.held), found.captures.left_out)


def test_dumps_of_two_versions_are_not_one_pool() -> None:
    """Before the fix and after it: no load of one pool."""
    with pytest.raises(ModelError, match="two versions"):
        projected(KUBO / "v0.40.1-mixed" / "stack-01.txt.gz", KUBO / "v0.41.0-fixed-tcp" / "stack-01.txt.gz")


@pytest.mark.parametrize("run", ["v0.40.1-stalled-tcp", "v0.41.0-boxo-v0.38.0-stalled-quic"])
def test_full_pools_give_a_lower_bound(run: str) -> None:
    """Three times twelve of twelve, a few seconds more than a hold apart: saturated, a lower bound near nine erlangs
    (9.73 if they were independent), no upper end, no estimate."""
    load, _ = lab_load(KUBO / run)
    found = projected(*sorted((KUBO / run).glob("goroutine.debug2-*")))
    assert found.synchronous.saturated
    assert found.stall_load_erlangs is None
    assert found.stall_load_interval == (pytest.approx(9.3, abs=0.1), None)
    assert load >= found.stall_load_interval[0]


# -- reports ---------------------------------------------------------------------------------------------------------


def test_eight_of_twelve_does_not_explain_a_probe_that_times_out() -> None:
    """The host of boxo #1142: a load near 8, one task in eight waits; what else could delay a probe is named."""
    path = KUBO / "v0.41.0-boxo-v0.38.0-mixed" / "goroutine.debug2-03.txt.gz"
    found = only_projection(path)
    assert 8.0 == found["stall_load_erlangs"]
    assert 0.127542 == pytest.approx(found["synchronous"]["wait_probability"], abs=1e-5)
    assert found["synchronous"]["probe_timeout_probability"] < 1e-9
    for output in ("text", "markdown"):
        report = scan([str(path)], options=Options(shipped(), everything=True))
        shown = " ".join(rendered(report, output).replace("<!-- -->", "").split())
        assert "8 of 12 blocked workers do not explain a 30 s time-out of a probe" in shown
        assert "the load varies" in shown
        assert "#1141" in shown
        assert "4 of 12 workers were free" in shown


def test_twelve_of_twelve_is_saturated_with_a_lower_bound_and_a_growth() -> None:
    """Nothing is promised about the load but its least; how the queue grows is reckoned at a rate."""
    path = KUBO / "v0.40.1-stalled-tcp" / "stack-01.txt.gz"
    found = only_projection(path)
    assert found["synchronous"]["saturated"]
    assert found["synchronous"]["mean_wait_seconds"] is None
    assert None is found["stall_load_interval"][1]
    shown = " ".join(rendered(scan([str(path)], options=Options(shipped(), everything=True)), "text").split())
    assert "saturated: 12 of 12 workers blocked; offered load at least 6.9 erlangs (95%)" in shown
    assert "at 24 tasks a second, 10% silent, it grows by 12 tasks a second" in shown
    given_rate = project_held(
        [capture.shown for capture in gather([str(path)], pool=None)[1].captures],
        rate_per_second=20.0,
        silent_fraction=0.1,
    )
    assert 8.0 == pytest.approx(given_rate.synchronous.growth_per_second)


def test_holds_without_end_have_no_steady_state() -> None:
    """In kubo 0.39 no deadline is in force, so there is no load to tell, and each silent peer costs a worker."""
    found = only_projection(KUBO / "v0.39.0-unbounded-tcp" / "stack-03.txt.gz")
    assert found["holds_without_end"]
    assert (None, None) == (found["stall_load_erlangs"], found["close_deadline_seconds"])
    assert found["synchronous"]["saturated"]
    assert [] == found["what_ifs"]


def test_after_the_fix_the_closers_tell_the_load() -> None:
    """129 closers beside the pool: healthy, and what the old pool would have made of them is told."""
    found = only_projection(KUBO / "v0.41.0-fixed-tcp" / "stack-01.txt.gz")
    assert ("detached", 129.0) == (found["in_force"], found["stall_load_erlangs"])
    assert found["what_ifs"][0]["saturated"]
    assert [] == found["unexplained"]


# -- pools of one's own ----------------------------------------------------------------------------------------------

_POOL = (KUBO.parent.parent / "stackscan" / "knowledge" / "pools" / "bitswap-task-workers.toml").read_text("utf-8")


def _with_model(model: str) -> str:
    head, rest = _POOL.split("[model]\n")
    return head + model + rest[rest.index("[[example]]") :]


def test_without_a_holding_time_waits_are_told_in_holding_times() -> None:
    """A model needs no more than the states that hold: the load is a load, and a wait is in its own unit."""
    from stackscan import formats
    from stackscan.analysis import occupancy
    from stackscan.load.projections import held
    from stackscan.render.pool_words import block
    from stackscan.sources import open_source

    pool = read_pool(read_text(_with_model('[model]\nholds = ["stalled-close"]\n'), where="mine.toml"))
    (member,) = open_source(str(KUBO / "v0.40.1-mixed" / "stack-03.txt.gz"))
    (snapshot,) = formats.read(member.data or b"", where="test")
    (sample,) = occupancy.sample(snapshot, [pool])
    shown = held(sample, [], [])
    assert shown is not None
    found = project_held([shown])
    assert 8.0 == found.stall_load_erlangs
    assert found.synchronous.mean_wait_seconds is None
    assert 0.020643 == pytest.approx(found.synchronous.mean_wait_holding_times, abs=1e-6)
    assert "holding times" in block(found).headline


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("[model]\n", ["holds"]),
        ('[model]\nholds = ["stalled"]\n', ["'stalled'", "stalled-close"]),
        ('[model]\nhold = ["stalled-close"]\n', ["'holds'"]),
        ('[model]\nholds = ["stalled-close"]\nholding_seconds = 0\n', ["holding_seconds"]),
        ('[model]\nholds = ["stalled-close"]\nholding_seconds = "10s"\n', ["holding_seconds"]),
        ('[model]\nholds = ["stalled-close"]\nholding_secs = 10\n', ["holding_secs"]),
    ],
)
def test_a_wrong_model_says_where_and_what(model: str, words: list[str]) -> None:
    """The error names the file, the table and the key."""
    with pytest.raises(CatalogueError, match=r"^mine\.toml, model") as caught:
        read_pool(read_text(_with_model(model), where="mine.toml"))
    for word in words:
        assert word in str(caught.value)


# -- metrics ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("run", ["v0.40.1-mixed", "v0.41.0-boxo-v0.38.0-mixed"])
def test_two_scrapes_tell_rate_share_and_load(run: str) -> None:
    """The lab's mixed runs: 30 peers ask 0.2 times a second, a tenth of them silent."""
    load, seconds = lab_load(KUBO / run)
    files = sorted((KUBO / run).glob("*.prom"))
    scrapes = [read_scrape(file.read_text("utf-8"), where=file.name) for file in files]
    found = send_times(scrapes, close_deadline_seconds=10.0, seconds_between=seconds)
    assert 6.0 == pytest.approx(found.rate_per_second, rel=0.15)
    assert found.silent_fraction_interval[0] <= 0.1 <= found.silent_fraction_interval[1]
    assert found.stall_load_interval is not None
    assert found.stall_load_interval[0] <= load <= found.stall_load_interval[1]
    assert 0 < found.service_seconds < 0.01


def test_one_scrape_tells_no_rate() -> None:
    """Since the node's start: shares, but nobody knows how long that was."""
    path = KUBO / "v0.40.1-mixed" / "bitswap-04.prom"
    found = send_times([read_scrape(path.read_text("utf-8"), where="x")], close_deadline_seconds=10.0)
    assert (None, None) == (found.rate_per_second, found.stall_load_erlangs)
    assert 0.05 < found.silent_fraction < 0.1


def test_timestamps_in_the_text_tell_the_time_between() -> None:
    """Prometheus may write them behind each value, in milliseconds."""

    def text(count: int, milliseconds: int) -> str:
        name = "ipfs_bitswap_send_times"
        return "\n".join(
            (
                f"# TYPE {name} histogram",
                f'{name}_bucket{{le="1"}} {count - 1} {milliseconds}',
                f'{name}_bucket{{le="10"}} {count - 1} {milliseconds}',
                f'{name}_bucket{{le="+Inf"}} {count} {milliseconds}',
                f"{name}_sum {10 * count} {milliseconds}",
                f"{name}_count {count} {milliseconds}",
            )
        )

    scrapes = [read_scrape(text(n, t), where="x") for n, t in ((10, 1_700_000_000_000), (70, 1_700_000_030_000))]
    found = send_times(scrapes, close_deadline_seconds=10.0)
    assert (30.0, 2.0) == (found.seconds_between, found.rate_per_second)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        'ipfs_bitswap_send_times_bucket{le="x"} 1\n',
        'ipfs_bitswap_send_times_bucket{le="1"} NaN\nipfs_bitswap_send_times_sum 1\nipfs_bitswap_send_times_count 1\n',
        'ipfs_bitswap_send_times_bucket{le="1"} -4\nipfs_bitswap_send_times_sum 1\nipfs_bitswap_send_times_count 1\n',
        "ipfs_bitswap_send_times_sum 1\nipfs_bitswap_send_times_count 1\n",
        "ipfs_bitswap_send_times_bucket{le=",
    ],
)
def test_text_that_is_no_histogram_is_refused(text: str) -> None:
    """With its name, not with a traceback."""
    with pytest.raises(StackscanError, match=r"^node\.prom: "):
        read_scrape(text, where="node.prom")


def test_a_deadline_that_contradicts_the_sum_is_refused() -> None:
    """Twenty sends of more than 10 s in 205 s: closes of 10 s, and none of 15 s."""
    first, last = Scrape(0, 0.0, ((1.0, 0), (10.0, 0)), None), Scrape(100, 205.0, ((1.0, 80), (10.0, 80)), None)
    assert 20 == send_times([first, last], close_deadline_seconds=10.0, seconds_between=60.0).silent
    with pytest.raises(ModelError, match="15 s each are more than the 205 s"):
        send_times([first, last], close_deadline_seconds=15.0, seconds_between=60.0)


def test_counters_that_run_backwards_are_refused() -> None:
    """Scrapes of two runs of a node, or in the wrong order."""
    late, early = Scrape(50, 100.0, ((1.0, 30), (10.0, 40)), None), Scrape(20, 40.0, ((1.0, 12), (10.0, 16)), None)
    assert 6 == send_times([early, late], close_deadline_seconds=10.0, seconds_between=5.0).silent
    with pytest.raises(ModelError, match="decreases"):
        send_times([late, early], close_deadline_seconds=10.0, seconds_between=5.0)
    with pytest.raises(ModelError, match="nothing was sent"):
        send_times([late, late], close_deadline_seconds=10.0, seconds_between=5.0)
