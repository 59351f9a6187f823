"""The pool model against its reference values, against a plain chain, against itself, and against wrong numbers."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from helpers import ROOT
from plain_simulation import simulate, simulate_deterministic
from stackscan.errors import ModelError
from stackscan.queueing.batches import Batch, replay_chosen
from stackscan.queueing.curves import curves
from stackscan.queueing.demand import Demand
from stackscan.queueing.detached import closers, closers_of, poisson_quantile, stream_bound_seconds
from stackscan.queueing.deterministic import DeterministicQueue
from stackscan.queueing.estimate import controlled, of_batches
from stackscan.queueing.near_saturation import NearSaturation
from stackscan.queueing.planning import Target, plan, workers_needed, writers_needed
from stackscan.queueing.projecting import project
from stackscan.queueing.replay import every, replay
from stackscan.queueing.special import log_poisson
from stackscan.queueing.steady import steady_state
from stackscan.queueing.transient import jump
from stackscan.queueing.values import projection_values

#: workers, load, P(wait), mean wait in s for a holding time of 10 s, Erlang C, mean wait of M/M/c in s.
REFERENCE = [
    (12, 5, 0.005499, 0.00615, 0.00588, 0.0084),
    (12, 8, 0.127542, 0.20643, 0.13984, 0.3496),
    (12, 10, 0.423566, 1.19709, 0.44939, 2.2469),
    (12, 11, 0.672285, 3.56593, 0.6939, 6.939),
    (8, 5, 0.15409, 0.32324, 0.16727, 0.5576),
    (1, 0.5, 0.5, 5.0, 0.5, 10.0),
]
#: Numbers that keep a test fast: at most 40 workers, at most 95 % of them held.
WORKERS = st.integers(1, 40)
SHARES = st.floats(0.01, 0.95)


def erlang_b(workers: int, load: float) -> float:
    """The probability that all of ``workers`` are taken where nobody queues (M/G/c/c): Erlang's formula of 1917."""
    return math.exp(float(log_poisson(workers, load))) / special.gammaincc(workers + 1.0, load)


def erlang_c(workers: int, load: float) -> float:
    """P(wait) in M/M/c below saturation: the sanity bound beside the exact model of a fixed holding time."""
    blocked = erlang_b(workers, load)
    return blocked / (1 - load / workers * (1 - blocked))


def chain(workers: int, load: float, *, size: int = 500) -> np.ndarray:
    """The stationary law of ``N' = max(N - c, 0) + Poisson(a)``, by squaring its matrix until nothing moves."""
    arrivals = np.exp(special.xlogy(np.arange(size), load) - load - special.gammaln(np.arange(size) + 1))
    matrix = np.zeros((size, size))
    for n in range(size):
        queue = max(n - workers, 0)
        matrix[n, queue:] = arrivals[: size - queue]
    for _ in range(20):
        matrix = matrix @ matrix
        matrix /= matrix.sum(axis=1, keepdims=True)
    return matrix[0]


@pytest.mark.parametrize(("workers", "load", "waits", "mean", "erlang", "mean_erlang"), REFERENCE)
def test_reference_values(
    workers: int, load: float, waits: float, mean: float, erlang: float, mean_erlang: float
) -> None:
    """M/D/c to the digits of the reference table, Erlang C and M/M/c to theirs."""
    queue = DeterministicQueue(workers, load, 10.0)
    assert waits == pytest.approx(queue.wait_probability, abs=1e-5 / 2)
    assert mean == pytest.approx(queue.mean_wait_seconds, abs=1e-5)
    assert erlang == pytest.approx(erlang_c(workers, load), abs=1e-5)
    assert mean_erlang == pytest.approx(erlang_c(workers, load) * 10 / (workers - load), abs=1e-4)


@pytest.mark.parametrize(("workers", "load"), [(12, 5), (12, 11), (8, 5), (1, 0.5), (3, 2.9), (30, 29)])
def test_the_exact_law_is_that_of_the_chain(workers: int, load: float) -> None:
    """The sums and transforms give what Crommelin's chain gives when it is iterated to its end."""
    law, queue = chain(workers, load), DeterministicQueue(workers, load, 10.0)
    assert law[:workers] == pytest.approx(queue.in_system_law()[:workers], abs=1e-10)
    assert law[workers:].sum() == pytest.approx(queue.wait_probability, abs=1e-10)
    waiting = np.maximum(np.arange(len(law)) - workers, 0) @ law
    assert waiting == pytest.approx(queue.mean_queue, rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(workers=WORKERS, share=SHARES, holding=st.floats(1e-3, 1e3))
def test_the_parts_of_the_model_agree(workers: int, share: float, holding: float) -> None:
    """Two ways to P(wait) and to the mean queue are one; the mean wait is the area under P(W > x); a quantile is where
    the tail has its value; and the fixed holding time waits less than the exponential one."""
    queue = DeterministicQueue(workers, share * workers, holding)
    law = queue.queue_law
    assert queue.wait_probability == pytest.approx(queue.exceeds(0.0), abs=1e-9)
    assert np.arange(len(law)) @ law == pytest.approx(queue.mean_queue, rel=1e-5, abs=1e-12)
    assert queue.in_system_law().sum() == pytest.approx(1.0)
    busy = np.arange(workers + 1) @ queue.in_system_law()
    assert share * workers == pytest.approx(busy, rel=1e-6)  # Little's law for the workers
    at = queue.quantile_seconds(0.99)
    assert at == 0 or queue.exceeds(at) == pytest.approx(0.01, abs=1e-6)
    slower = erlang_c(workers, share * workers) * holding / (workers - share * workers)
    assert queue.mean_wait_seconds <= slower


def test_the_mean_wait_is_the_area_under_its_tail() -> None:
    """Franx's law and Little's law, which share nothing but the queue, give one mean."""
    queue = DeterministicQueue(12, 10.0, 10.0)
    nodes, weights = np.polynomial.legendre.leggauss(30)
    edges = np.arange(0, 130, 10.0)  # the tail has a kink at each holding time
    area = sum(
        5 * sum(w * queue.exceeds(float(5 * x + low + 5)) for x, w in zip(nodes, weights, strict=True)) for low in edges
    )
    assert queue.mean_wait_seconds == pytest.approx(area, rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(workers=WORKERS, shares=st.tuples(SHARES, SHARES), times=st.tuples(st.floats(0, 50), st.floats(0, 50)))
def test_waits_are_monotone(workers: int, shares: tuple[float, float], times: tuple[float, float]) -> None:
    """More load waits more, another worker waits less, and a longer wait is rarer."""
    low, high = (DeterministicQueue(workers, share * workers, 10.0) for share in sorted(shares))
    assert low.wait_probability <= high.wait_probability + 1e-12
    assert low.mean_wait_seconds <= high.mean_wait_seconds + 1e-12
    more = DeterministicQueue(workers + 1, high.load_erlangs, 10.0)
    assert more.wait_probability <= high.wait_probability + 1e-12
    early, late = sorted(times)
    assert high.exceeds(late) <= high.exceeds(early) + 1e-9
    assert 0 <= high.exceeds(late) <= 1


def test_limits() -> None:
    """Nobody waits for an empty pool or an endless one; at saturation all wait, as long as heavy traffic says."""
    assert 0.0 == DeterministicQueue(12, 0.0, 10.0).wait_probability
    assert DeterministicQueue(12, 1e-9, 10.0).wait_probability < 1e-100
    assert 0.0 == DeterministicQueue(10**9, 5.0, 10.0).wait_probability
    near = DeterministicQueue(12, 12 * (1 - 1e-7), 10.0)
    assert 1.0 == pytest.approx(near.wait_probability, abs=1e-6)
    assert 10 / 24 == pytest.approx(near.mean_wait_seconds * 1e-7, rel=1e-3)  # D / (2 c (1 - ρ))
    single = DeterministicQueue(1, 0.8, 1.0)
    assert 0.8 / (2 * 0.2) == pytest.approx(single.mean_wait_seconds)  # Pollaczek and Khinchine


def test_a_billion_workers_have_an_answer() -> None:
    """Square-root staffing: at a = c - √c the share that waits is that of Halfin and Whitt's limit, near 0.22."""
    workers = 10**9
    load = workers - math.sqrt(workers)
    normal = special.ndtr(1.0) / (math.exp(-0.5) / math.sqrt(2 * math.pi))
    assert 1 / (1 + normal) == pytest.approx(erlang_c(workers, load), rel=1e-3)
    queue = DeterministicQueue(workers, load, 10.0)
    assert queue.wait_probability == pytest.approx(erlang_c(workers, load), rel=0.15)
    assert 0 < queue.quantile_seconds(0.99) < 0.01


@pytest.mark.parametrize(("workers", "load"), [(12, 11.94), (2000, 1990.0)])
def test_the_exponential_tail_is_right_to_about_a_tenth(workers: int, load: float) -> None:
    """At the edge of what is solved exactly, the tail that takes over beyond it gives nearly the same quantiles."""
    queue = DeterministicQueue(workers, load, 10.0)
    assert queue.is_exact
    for share in (0.5, 0.9, 0.99):
        rate = queue.wait_probability / queue.mean_wait_seconds
        tail = math.log(queue.wait_probability / (1 - share)) / rate
        assert tail == pytest.approx(queue.quantile_seconds(share), rel=0.12)


def test_erlang_b_by_its_recursion() -> None:
    """The closed form with incomplete gamma functions is the textbook's recursion."""
    blocked = 1.0
    for n in range(1, 40):
        blocked = 17.3 * blocked / (n + 17.3 * blocked)
        assert blocked == pytest.approx(erlang_b(n, 17.3), rel=1e-9)


@pytest.mark.parametrize(("workers", "load"), [(12, 8.0), (4, 3.0), (1, 0.6)])
def test_simulation_and_exact_agree(workers: int, load: float) -> None:
    """The simulated mean and P(wait) lie at the exact ones, within three half-widths of their 90 % intervals."""
    exact = DeterministicQueue(workers, load, 10.0)
    for done in (
        simulate_deterministic(workers, load, holding_seconds=10.0, tasks=4000, warm_up=800, replications=200, seed=7),
        simulate(Demand(workers, load / 10, 1.0, 10.0, 0.0), tasks=1500, warm_up=500, replications=200, seed=7),
    ):
        for estimate, truth in (
            (done.wait_probability, exact.wait_probability),
            (done.mean_wait_seconds, exact.mean_wait_seconds),
            (done.exceeds(5.0), exact.exceeds(5.0)),
        ):
            assert truth == pytest.approx(estimate.value, abs=1.5 * (estimate.high - estimate.low) + 1e-9)


def test_healthy_tasks_that_matter_are_simulated_and_said_to_be() -> None:
    """Service that takes a share of the pool is not neglected: the method names the simulation and its seed."""
    state = steady_state(Demand(4, 2.0, 0.1, 10.0, 0.3), probe_timeout_seconds=30.0)
    assert "simulation" in state.method
    assert "seed 1" in state.method
    low, high = dict(state.intervals)["mean_wait_seconds"]
    assert low < (state.mean_wait_seconds or 0) < high
    neglected = DeterministicQueue(4, 2.0, 10.0)
    assert state.wait_probability > neglected.wait_probability


def test_equal_holding_times_are_solved_whatever_they_are() -> None:
    """With no silent peer at all the writes themselves are an M/D/c queue."""
    state = steady_state(Demand(12, 5.0, 0.0, 10.0, 2.0), probe_timeout_seconds=30.0)
    assert "exact M/D/c" == state.method
    assert 0.423566 == pytest.approx(state.wait_probability, abs=1e-5)


def test_the_contracts_example() -> None:
    """12 workers, 5 tasks a second, a tenth silent for 10 s: the numbers that scripts were promised."""
    values = projection_values(project(Demand(12, 5.0, 0.1, 10.0)))
    now, fixed = values["synchronous"], values["detached"]
    assert 5.0 == values["stall_load_erlangs"]
    assert 11.996 == pytest.approx(now["capacity_per_second"], abs=1e-3)
    assert 0.4168 == pytest.approx(now["utilization"], abs=1e-4)
    assert 0.0055 == pytest.approx(now["wait_probability"], abs=1e-5)
    assert 0.0062 == pytest.approx(now["mean_wait_seconds"], abs=1e-4)
    assert 40_000 == pytest.approx(fixed["capacity_per_second"])
    assert 0.000125 == pytest.approx(fixed["utilization"])
    assert (13, 26, 212_992) == (fixed["closers_p999"], fixed["goroutines_p999"], fixed["memory_bytes_p999"])
    assert "exact M/D/c" == values["method"]


def test_saturation_is_a_result() -> None:
    """Beyond 1.2 silent sends a second twelve workers never catch up: waits have no bound, the queue grows."""
    found = project(Demand(12, 20.0, 0.1, 10.0, 0.0))
    assert found.synchronous.saturated
    assert found.synchronous.mean_wait_seconds is None
    assert 8.0 == pytest.approx(found.synchronous.growth_per_second)
    assert 12.0 == pytest.approx(found.synchronous.capacity_per_second)
    assert not found.detached.saturated
    just_below = Demand(12, 1.1999, 1.0, 10.0, 0.0)
    assert not just_below.saturated
    assert replace(just_below, rate_per_second=1.2).saturated


@pytest.mark.parametrize(("mean", "share"), [(5.0, 0.999), (0.1, 0.5), (126.0, 0.999), (1e6, 0.9), (0.0, 0.999)])
def test_poisson_quantiles(mean: float, share: float) -> None:
    """The smallest number that is enough, not one more."""
    k = poisson_quantile(mean, share)
    assert special.pdtr(k, mean) >= share or mean == 0
    assert k == 0 or special.pdtr(k - 1, mean) < share


def test_closers_are_limited_by_what_can_be_written() -> None:
    """A demand beyond the workers' writing leaves no more closes than they write."""
    assert 5.0 == closers(5.0).mean
    assert 4e4 == pytest.approx(closers_of(Demand(12, 1e12, 0.1, 10.0)).mean)


def test_streams_to_one_peer_run_out() -> None:
    """256 unacknowledged streams a peer: 30 silent sends a second to one peer use them up before 10 s are over."""
    assert 256 / 30 == pytest.approx(stream_bound_seconds(Demand(12, 300.0, 0.1, 10.0), 1))
    assert project(Demand(12, 300.0, 0.1, 10.0), peers=1).peers.exceeded  # type: ignore[union-attr]
    assert not project(Demand(12, 300.0, 0.1, 10.0), peers=2).peers.exceeded  # type: ignore[union-attr]


# -- two kinds of tasks, against an independent simulation -------------------------------------------------------------

#: Made by benchmarks/truth.py, a program in Go that shares no code with the model.
TRUTH = {
    (point["c"], point["p"], point["s"], round(point["utilisation"], 2)): point
    for point in json.loads((ROOT / "benchmarks" / "truth.json").read_text(encoding="utf-8"))
}


@pytest.mark.parametrize(
    "place",
    [
        (128, 0.01, 1, 0.97),  # healthy work dominates
        (12, 0.01, 1, 0.97),
        (12, 0.1, 1, 0.9),
        (1, 0.01, 0.01, 0.8),
        (1, 1e-05, 0.0003, 0.01),  # few silent tasks, and healthy ones that matter
        (8, 1e-05, 0.1, 0.9),
        (32, 0.001, 0.1, 0.9),
        (64, 0.1, 0.01, 0.7),
        (12, 0.1, 0.0003, 0.9),
        (12, 0.01, 0.01, 0.97),  # healthy tasks in lumps
    ],
    ids=str,
)
def test_two_kinds_of_tasks_are_as_an_independent_simulation_has_them(place: tuple[int, float, float, float]) -> None:
    """P(wait), the mean and the quantiles: each within 1 % of the truth's 99 % interval, or with one that meets it."""
    point = TRUTH[place]
    demand = Demand(point["c"], point["rate"], point["p"], point["D"], point["s"])
    state = steady_state(demand, probe_timeout_seconds=30.0)
    stated = dict(state.intervals)
    figures = [(name, getattr(state, name), point[name]) for name in ("wait_probability", "mean_wait_seconds")]
    for share, value in state.wait_quantiles_seconds:
        figures.append((f"wait_quantiles_seconds.{share:g}", value, point["wait_quantiles_seconds"][f"{share:g}"]))
    for name, value, true in figures:
        low = true.get("low", true["value"] - true.get("half_width", 0)) * 0.99 - 1e-6
        high = true.get("high", true["value"] + true.get("half_width", 0)) * 1.01 + 1e-6
        ours = stated.get(name, (value, value))
        assert ours[0] <= value <= ours[1], name
        assert ours[0] <= high, (name, value, ours, true)
        assert low <= ours[1], (name, value, ours, true)


def test_one_worker_waits_as_pollaczek_and_khinchine_say() -> None:
    """The mean wait of M/G/1 follows from two moments, and P(wait) is the load."""
    demand = Demand(1, 0.5, 0.1, 10.0, 0.1)
    state = steady_state(demand, probe_timeout_seconds=30.0)
    assert demand.load_erlangs == state.wait_probability
    second = 0.9 * 0.1**2 + 0.1 * 10.1**2
    assert 0.5 * second / (2 * (1 - demand.load_erlangs)) == pytest.approx(state.mean_wait_seconds)


def test_every_simulated_figure_has_its_interval_in_json() -> None:
    """Beside the numbers, quantiles one level deeper; where nothing was simulated there is none."""
    found = projection_values(project(Demand(12, 5.0, 0.1, 10.0, 1.0)))
    intervals = found["synchronous"]["intervals"]
    assert {"wait_probability", "mean_wait_seconds", "wait_quantiles_seconds"} <= set(intervals)
    for share, (low, high) in intervals["wait_quantiles_seconds"].items():
        assert low <= found["synchronous"]["wait_quantiles_seconds"][share] <= high
    low, high = intervals["mean_wait_seconds"]
    assert low < found["synchronous"]["mean_wait_seconds"] < high
    assert all("mean_wait_seconds" in row["intervals"] for row in found["what_ifs"] if row["name"] == "as-is")
    assert {} == projection_values(project(Demand(12, 5.0, 0.1, 10.0)))["synchronous"]["intervals"]


@pytest.mark.parametrize("demand", [Demand(12, 5.0, 0.1, 10.0, 1.0), Demand(13, 10.0, 0.01, 10.0, 1.0)], ids=str)
def test_one_output_says_one_thing(demand: Demand) -> None:
    """The row "as it is" is the head's own number, more workers are never too few for all work, and the curve passes
    through the head."""
    found = project(demand)
    rows = {row.name: row for row in found.what_ifs}
    assert found.synchronous.wait_probability == rows["as-is"].wait_probability
    assert found.synchronous.mean_wait_seconds == rows["as-is"].mean_wait_seconds
    assert rows["enough-workers"].workers > demand.load_erlangs
    drawn = curves(found)
    at = np.interp(demand.silent_fraction, drawn.x, drawn.panels[0].synchronous)
    assert found.synchronous.wait_probability == pytest.approx(float(at), abs=0.03)


def test_a_curve_rises_with_the_share_of_silent_peers() -> None:
    """Six workers, five of them busy with writes alone: more than half wait without any silent peer, and more with."""
    (waiting, _) = curves(project(Demand(6, 5.0, 0.0, 10.0, 1.0))).panels
    assert 0.56 == pytest.approx(waiting.synchronous[0], abs=0.01)
    assert list(waiting.synchronous) == sorted(waiting.synchronous)


def test_near_saturation_waits_are_carried_over_to_the_limit() -> None:
    """Where the queue forgets too slowly to be simulated: one worker is known exactly, and no other gets a number
    without an interval."""
    demand = Demand(1, 0.9985, 0.1, 10.0, 3e-4)
    found = NearSaturation(demand).mean_seconds()
    exact = demand.rate_per_second * demand.second_moment / (2 * (1 - demand.load_erlangs))
    assert exact == pytest.approx(found.value, rel=0.005)
    assert found.low <= exact <= found.high
    state = steady_state(Demand(12, 11.96, 0.1, 10.0, 3e-4), probe_timeout_seconds=30.0)
    assert "limit at saturation" in state.method
    low, high = dict(state.intervals)["mean_wait_seconds"]
    assert low <= (state.mean_wait_seconds or 0) <= high <= 1.2 * low


def test_a_control_variate_changes_no_mean_and_narrows_it() -> None:
    """Values that are their control and a little more: the noise that both share is taken out."""
    random = np.random.default_rng(5)
    noise = random.normal(size=(200, 40))
    covered, narrower = 0, 0
    for row in noise:
        values = 3.0 + row + 0.1 * random.normal(size=40)
        plain, better = of_batches(values), controlled(values, row, 0.0)
        covered += better.low <= 3.0 <= better.high
        narrower += better.high - better.low < plain.high - plain.low
    assert 200 == narrower
    assert covered >= 0.84 * 200


# -- planning --------------------------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(load=st.floats(0.1, 60), wait=st.floats(0, 5), share=st.floats(0.5, 0.999))
def test_the_fewest_workers_are_enough_and_one_less_is_not(load: float, wait: float, share: float) -> None:
    """The definition of the fewest."""
    demand, target = Demand(1, load / 10, 1.0, 10.0, 0.0), Target(wait, share)
    needed = workers_needed(demand, target)
    assert needed is not None
    assert target.is_held_by(replace(demand, workers=needed))
    assert needed == 1 or not target.is_held_by(replace(demand, workers=needed - 1))


@pytest.mark.parametrize(
    ("rate", "silent", "service", "needed"),
    [(5, 0.0, 1.0, 11), (5, 0.01, 1.0, 12), (10, 0.01, 1.0, 19), (50, 0.01, 1.0, 69), (10, 0.1, 0.1, 20)],
)
def test_a_plan_counts_the_writes_in_the_queue(rate: float, silent: float, service: float, needed: int) -> None:
    """As an independent simulation has it; ``project`` agrees: the workers hold the target, one fewer does not; and
    with the fix never need more than closes in it."""
    demand, target = Demand(1, rate, silent, 10.0, service), Target(0.1, 0.99)
    assert needed == workers_needed(demand, target)
    for workers, holds in ((needed, True), (needed - 1, False)):
        late = steady_state(replace(demand, workers=workers), probe_timeout_seconds=0.1).probe_timeout_probability
        assert holds is (late <= 0.01)
    beside = writers_needed(demand, target)
    assert beside is not None
    assert beside <= needed


def test_limits_of_a_pool_stand_at_the_edge_of_the_target() -> None:
    """At the largest silent share and the longest deadline the target is just held."""
    demand, target = Demand(12, 5.0, 0.2, 10.0), Target(0.1, 0.99)
    found = plan(demand, target)
    share, deadline = found.largest_silent_fraction, found.longest_deadline_seconds
    assert share is not None
    assert deadline is not None
    assert target.is_held_by(replace(demand, silent_fraction=share))
    assert not target.is_held_by(replace(demand, silent_fraction=share * 1.003))
    assert target.is_held_by(replace(demand, close_deadline_seconds=deadline))
    assert not target.is_held_by(replace(demand, close_deadline_seconds=deadline * 1.003))
    assert 1 == found.writers_needed


def test_a_load_beyond_a_billion_workers_has_no_plan() -> None:
    """None, not a loop."""
    assert workers_needed(Demand(1, 1e12, 1.0, 10.0), Target(0.1, 0.99)) is None


# -- jumps -----------------------------------------------------------------------------------------------------------


def test_a_jump_fills_the_pool_about_when_the_mean_does_and_drains_later() -> None:
    """From 1 % to 15 % silent at 10 tasks a second: eleven more workers are held within about a deadline."""
    found = jump(Demand(12, 10.0, 0.15, 10.0), silent_fraction_before=0.01, lasting_seconds=60.0)
    assert 11 / 1.4 == pytest.approx(found.fluid_time_to_full_seconds, rel=1e-3)
    assert 1.0 == found.time_to_full.share
    assert 5 < (found.time_to_full.p50 or 0) < 11
    assert 5 < (found.time_to_drain.p50 or 0) < 30
    longer = jump(Demand(12, 10.0, 0.15, 10.0), silent_fraction_before=0.01, lasting_seconds=120.0)
    assert (found.time_to_drain.p50 or 0) < (longer.time_to_drain.p50 or 0)


@pytest.mark.parametrize("place", range(5))
def test_jumps_are_as_an_independent_simulation_has_them(place: int) -> None:
    """Healthy work and the steady state before count: each percentile's interval meets the true one. Full is when all
    workers are held; where writes are next to nothing, they are left out, and it is when a task finds it so."""
    true = json.loads((ROOT / "benchmarks" / "truth_jumps.json").read_text(encoding="utf-8"))[place]
    demand = Demand(true["c"], true["rate"], true["p"], true["D"], true["s"])
    found = jump(demand, silent_fraction_before=true["before"], lasting_seconds=true["lasting"])
    full = "time_to_held" if true["s"] > 0.001 else "time_to_full"
    for ours, name, percentile in (
        (found.time_to_full, full, "p95"),
        (found.time_to_drain, "time_to_drain", "p50"),
        (found.time_to_drain, "time_to_drain", "p95"),
    ):
        low, high = dict(ours.intervals)[percentile]
        within = true[name]["seconds"][percentile]
        assert low is not None
        assert high is not None
        assert 0.93 * low <= within["high"], (name, percentile)
        assert within["low"] <= 1.07 * high, (name, percentile)


def test_a_small_jump_never_fills_the_pool() -> None:
    """Two erlangs do not fill twelve workers: the time to full does not come."""
    found = jump(Demand(12, 2.0, 0.1, 10.0), silent_fraction_before=0.0, lasting_seconds=30.0)
    assert (0.0, None) == (found.time_to_full.share, found.time_to_full.p50)
    assert found.fluid_time_to_full_seconds is None


# -- batches ---------------------------------------------------------------------------------------------------------

ISSUE = Batch(12, 200, 10.0, 20.0)


def test_drawn_batches_are_spread_as_the_issues_run_was() -> None:
    """A tenth silent by chance: 194 of 200 in about one draw of eleven, most often between 190 and 195."""
    found = replay_chosen(ISSUE, silent_fraction=0.1, replications=2000, seed=1).synchronous
    likely = dict(found.before_counts)
    assert 0.09 == pytest.approx(likely[194], abs=0.02)
    assert max(likely, key=lambda count: likely[count]) in range(190, 196)
    assert 1.0 == pytest.approx(sum(likely.values()))


def test_counted_and_patterned_batches_are_certain() -> None:
    """18 silent tasks: 194 before the budget, 200 at it, in any order. Every tenth: 192 and 200."""
    counted = replay_chosen(ISSUE, silent_count=18, replications=200, seed=1)
    assert ((194, 1.0),) == counted.synchronous.before_counts
    assert 200 == counted.synchronous.completed_at_budget.mean
    patterned = replay_chosen(ISSUE, silent_every=10, replications=200, seed=1)
    assert ((192, 1.0),) == patterned.synchronous.before_counts
    assert 4000 == pytest.approx(patterned.throughput_ratio, rel=0.05)


def test_many_draws_at_once_are_each_played_exactly() -> None:
    """The arrays of all draws and the heap of one draw count the same."""
    found = replay_chosen(ISSUE, silent_fraction=0.15, replications=50, seed=3)
    flags = np.random.default_rng(3).random((50, 200)) < 0.15
    one_by_one = [
        replay(row, workers=12, deadline_seconds=10.0, budget_seconds=20.0).completed_before_budget for row in flags
    ]
    assert sum(one_by_one) / 50 == pytest.approx(found.synchronous.completed_before_budget.mean)


def test_every_nth_counts_from_the_nth() -> None:
    """The 10th, the 20th: not the first."""
    assert (False, False, True, False, False, True, False) == every(3, 7)


@pytest.mark.parametrize("fraction", [0.02, 0.05])
def test_throughput_is_all_tasks_by_all_time(fraction: float) -> None:
    """Not the mean of the draws' rates, which one draw without a silent peer would rule: seeds agree, and a batch of
    200 that takes so long is done at that rate."""
    runs = [replay_chosen(ISSUE, silent_fraction=fraction, replications=2000, seed=seed) for seed in (1, 2, 3)]
    rates = [run.synchronous.tasks_per_second for run in runs]
    assert max(rates) < 1.05 * min(rates)
    slow = runs[0].synchronous
    assert slow.tasks_per_second == pytest.approx(slow.completed_before_budget.mean / slow.makespan_seconds, rel=0.25)
    low, high = dict(slow.intervals)["tasks_per_second"]
    assert low < rates[0] < high


def test_what_ends_with_the_budget_ends_near_it() -> None:
    """A write of 100 ms is not with a budget that it misses by 100 ms."""
    late = replay_chosen(Batch(1, 10, 10.0, 0.3, 0.1), silent_count=0, replications=1, seed=1).synchronous
    assert (2, 3) == (late.completed_before_budget.mean, late.completed_at_budget.mean)
    short = replay_chosen(Batch(12, 200, 10.0, 0.001), silent_count=0, replications=1, seed=1).synchronous
    assert (36, 36) == (short.completed_before_budget.mean, short.completed_at_budget.mean)


# -- wrong numbers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"workers": 0},
        {"workers": -1},
        {"workers": 10**9 + 1},
        {"rate_per_second": -1.0},
        {"rate_per_second": math.nan},
        {"rate_per_second": math.inf},
        {"rate_per_second": 1e13},
        {"silent_fraction": 1.0001},
        {"silent_fraction": -0.1},
        {"silent_fraction": math.nan},
        {"close_deadline_seconds": 0.0},
        {"close_deadline_seconds": -1.0},
        {"service_seconds": -1e-9},
        {"answer_seconds": math.nan},
    ],
    ids=str,
)
def test_numbers_that_make_no_pool_are_refused(wrong: dict[str, float]) -> None:
    """Each says which number is wrong and what it may be."""
    good = {"workers": 12, "rate_per_second": 5.0, "silent_fraction": 0.1, "close_deadline_seconds": 10.0}
    with pytest.raises(ModelError, match="must be"):
        Demand(**{**good, **wrong})  # type: ignore[arg-type]


@settings(max_examples=40, deadline=None)
@given(
    workers=st.sampled_from([1, 2, 12, 1000, 10**6, 10**9]),
    rate=st.sampled_from([0.0, 1e-300, 1e-3, 1.0, 1.2, 39_999.0, 1e8, 1e12]),
    silent=st.sampled_from([0.0, 1e-300, 1e-12, 0.1, 1 / 3, 1.0]),
    deadline=st.sampled_from([1e-9, 1.0, 10.0, 1e9]),
    service=st.sampled_from([0.0, 1e-9, 1e9]),
)
def test_any_pool_gets_finite_answers(
    workers: int, rate: float, silent: float, deadline: float, service: float
) -> None:
    """Whatever the numbers, probabilities are probabilities, and what has no bound is None beside ``saturated``."""
    found = project(Demand(workers, rate, silent, deadline, service))
    now = found.synchronous
    assert 0 <= now.wait_probability <= 1
    assert (now.mean_wait_seconds is None) is now.saturated
    assert now.mean_wait_seconds is None or 0 <= now.mean_wait_seconds < math.inf
    assert now.probe_timeout_probability is not None
    assert 0 <= now.probe_timeout_probability <= 1
    assert 0 <= found.detached.closers_mean <= found.detached.closers_p999 + 1
    assert now.growth_per_second is not None
    assert 0 <= now.growth_per_second < math.inf
