"""Worker pools: their own examples, real kubo nodes counted by hand, and what a wrong pool file says."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from helpers import CORPUS, Capture, captures, goroutine, snapshot_of
from stackscan.analysis.occupancy import PoolSample, sample
from stackscan.errors import CatalogueError
from stackscan.knowledge.descriptions import read_text
from stackscan.knowledge.examples import Example
from stackscan.knowledge.pool import Pool, catalogue, read_pool
from stackscan.pipeline import scan

TASK = "bitswap-task-workers"
ENGINE = "bitswap-engine-workers"
_CAPTURES = captures()
_EXAMPLES = [(pool, example) for pool in catalogue() for example in pool.examples]
_SERVER = "github.com/ipfs/boxo/bitswap/server.(*Server)"
_WORKER = f"{_SERVER}.taskWorker"
_START = f"{_SERVER}.startWorkers"
_CLOSE = "github.com/multiformats/go-multistream.(*lazyClientConn[...]).Close"
_SEND = "github.com/ipfs/boxo/bitswap/network/bsnet.(*impl).SendMessage"


@cache
def pools_of(source: Path) -> dict[str, PoolSample]:
    """The pools of the only snapshot in a file."""
    (snapshot,) = scan([str(source)]).snapshots
    return {found.pool.name: found for found in snapshot.pools}


def sampled(*texts: str) -> dict[str, PoolSample]:
    """The pools in these goroutines."""
    return {found.pool.name: found for found in sample(snapshot_of("\n".join(texts)), catalogue())}


@pytest.mark.parametrize(
    ("pool", "example"), _EXAMPLES, ids=[f"{pool.name}: {ex.note or ex.flagged}" for pool, ex in _EXAMPLES]
)
def test_an_example_holds_workers_as_its_pool_says(pool: Pool, example: Example) -> None:
    """Each pool file holds dumps with one of its workers and dumps without."""
    snapshot = snapshot_of(example.dump)
    assert snapshot.complete
    assert not snapshot.problems
    assert example.flagged is bool(sample(snapshot, [pool]))


def test_the_pools_of_the_contract_ship_with_their_states() -> None:
    """Scripts rely on these names of pools and states; ``other`` is always among the states."""
    states = {pool.name: {*(state.name for state in pool.states), "other"} for pool in catalogue()}
    assert {"idle", "stalled-close", "sending", "dialing", "other"} == states[TASK]
    assert {"idle", "blocked-on-outbox", "reading-blockstore", "other"} == states[ENGINE]


@pytest.mark.parametrize("capture", _CAPTURES, ids=str)
def test_task_workers_are_counted_as_by_hand(capture: Capture) -> None:
    """Workers, those stalled in Close and how they split agree with what was counted in the text by hand."""
    hand = capture.hand
    pool = pools_of(capture.path)[TASK]
    assert hand["workers"] == pool.workers == sum(pool.states.values())
    assert hand["workers_stalled"] == pool.states["stalled-close"]
    split = {"reading": hand["workers_stalled_reading"], "waiting": hand["workers_stalled_waiting"]}
    assert {name: n for name, n in split.items() if n} == pool.detail.get("stalled-close", {})
    assert (pool.workers - pool.states["idle"]) / pool.workers == pool.occupancy


@pytest.mark.parametrize("capture", _CAPTURES, ids=str)
def test_engine_workers_are_counted_as_by_hand(capture: Capture) -> None:
    """Engine workers wait for work in nextEnvelope, or, behind a stalled pool, for somebody to take theirs."""
    hand = capture.hand
    pool = pools_of(capture.path)[ENGINE]
    assert hand["engine_workers"] == pool.workers == sum(pool.states.values())
    idle = hand["engine_workers_in_next_envelope"]
    assert idle == pool.states["idle"]
    assert hand["engine_workers"] - idle == pool.states["blocked-on-outbox"]


@pytest.mark.parametrize("capture", [c for c in _CAPTURES if c.shape in ("quiet", "fixed")], ids=str)
def test_healthy_pools_are_idle(capture: Capture) -> None:
    """Quiet nodes, and fixed ones among silent peers, keep workers free, but for one caught finishing its work."""
    pools = pools_of(capture.path)
    working = capture.hand["workers_in_close_past_handshake"]
    assert [0.0, working / pools[TASK].workers] == [pools[ENGINE].occupancy, pools[TASK].occupancy]


@pytest.mark.parametrize("capture", [c for c in _CAPTURES if c.shape in ("stalled", "unbounded")], ids=str)
def test_a_stalled_pool_is_full(capture: Capture) -> None:
    """In a full stall no worker is free, and the engine's workers queue up behind."""
    pools = pools_of(capture.path)
    assert [1.0, 1.0] == [pools[TASK].occupancy, pools[ENGINE].occupancy]
    assert pools[ENGINE].workers == pools[ENGINE].states["blocked-on-outbox"]


@pytest.mark.skipif(CORPUS is None, reason="the shared corpus is out of reach")
@pytest.mark.parametrize(
    ("name", "workers", "stalled", "detail"),
    [
        ("go126_ms061_yamux5_sync_stalled", 12, 12, {"reading": 12}),
        ("go126_ms061_yamux5_sync_variantB", 12, 12, {"waiting": 12}),
        ("go124_ms060_yamux5_sync_variantB_syncOnce", 12, 12, {"waiting": 12}),
        ("go126_ms061_rawtcp_sync_stalled", 12, 12, {"reading": 12}),
        ("go126_ms061_quic059_sync_stalled", 4, 4, {"reading": 1, "waiting": 3}),
        ("go126_ms061_yamux5_async_detached", 12, 0, {}),
    ],
)
def test_pools_in_other_versions_and_transports(name: str, workers: int, stalled: int, detail: dict[str, int]) -> None:
    """The pool is found under every version of go-multistream and over every transport."""
    assert CORPUS is not None
    pool = pools_of(CORPUS / "kubo-shim" / f"{name}.stacks")[TASK]
    assert (workers, stalled) == (pool.workers, pool.states["stalled-close"])
    assert detail == pool.detail.get("stalled-close", {})


def test_a_dump_without_workers_has_no_pool() -> None:
    """A pool that nobody works in is not shown: other programs have no bitswap."""
    assert {} == sampled(goroutine(1, ["main.main"]))


@pytest.mark.parametrize(
    ("functions", "state"),
    [
        ([_WORKER], "idle"),
        (["runtime.gopark", "runtime.selectgo", _WORKER], "idle"),
        (["x/go-multistream.(*once).Do", _CLOSE, _SEND, _WORKER], "stalled-close"),
        (["x/y.(*Conn).OpenStreamSync", "bsnet.(*impl).newStreamToPeer", _SEND, _WORKER], "dialing"),
        (["x/y.Write", "bsnet.(*impl).msgToStream", _SEND, _WORKER], "sending"),
        (["x/y.surprise", f"{_SERVER}.sendBlocks", _WORKER], "other"),
    ],
)
def test_a_worker_is_in_one_state(functions: list[str], state: str) -> None:
    """What a worker does is told by its frames; what no description knows is ``other``, and busy."""
    pool = sampled(goroutine(5, functions, creator=_START))[TASK]
    assert {state: 1} == {name: n for name, n in pool.states.items() if n}
    assert (0.0 if state == "idle" else 1.0) == pool.occupancy


def test_a_worker_past_the_handshake_is_not_stalled() -> None:
    """A worker that has its answer and now tears the stream down is busy, and held by nobody."""
    pool = sampled(goroutine(5, ["swarm.(*Stream).Close", _CLOSE, _SEND, _WORKER], state="runnable", creator=_START))[
        TASK
    ]
    assert 0 == pool.states["stalled-close"]


def test_workers_are_not_counted_by_their_companions() -> None:
    """The goroutine that a worker's Write started is no worker, whatever it waits for."""
    write = "github.com/multiformats/go-multistream.(*lazyClientConn[...]).Write.func1"
    once = "github.com/multiformats/go-multistream.(*once).Do"
    worker = goroutine(5, [once, _CLOSE, _WORKER], creator=_START, creator_id=1)
    companion = goroutine(6, [once], creator=write, creator_id=5)
    assert 1 == sampled(worker, companion)[TASK].workers


def test_every_worker_is_counted_whatever_its_arguments() -> None:
    """The count is of goroutines, not of distinct stacks."""
    texts = [goroutine(n, [_WORKER], creator=_START, argument=f"0xc00{n:07x}") for n in range(1, 31)]
    assert 30 == sampled(*texts)[TASK].workers


# -- wrong pool files ------------------------------------------------------------------------------------------------

_GOOD = """
name = "my-pool"
title = "a title"
worker = 'stack "main.worker"'
[[state]]
name = "idle"
idle = true
when = 'innermost "main.worker"'
[[example]]
flagged = true
text = "goroutine 1 [select]:\\nmain.worker()\\n\\t/x.go:1 +0x1\\n"
[[example]]
flagged = false
text = "goroutine 1 [select]:\\nmain.other()\\n\\t/x.go:1 +0x1\\n"
"""


def test_a_pool_is_one_small_file() -> None:
    """The smallest pool: its workers' frames, when they are idle, and its two examples."""
    pool = read_pool(read_text(_GOOD, where="my-pool.toml"))
    (found,) = sample(snapshot_of(pool.examples[0].text), [pool])
    assert {"idle": 1, "other": 0} == found.states
    assert frozenset({"idle"}) == found.idle_states


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('title = "a title"', "", ["title"]),
        ("worker = 'stack \"main.worker\"'", "worker = []", ["worker"]),
        ("worker = 'stack \"main.worker\"'", "", ["worker"]),
        ("worker = 'stack \"main.worker\"'", "workers = 'leaked'", ["'worker'", "'workers'"]),
        ('title = "a title"', "title = 'a title'\nidle = 'leaked'", ["'idle'", "already"]),
        ('name = "my-pool"', 'name = "my-pool"\ntitel = "x"', ["'titel'", "'title'"]),
        ("idle = true", "idel = true", ["state 1", "'idel'", "'idle'"]),
        ("idle = true", "idle = 1", ["state 1", "idle"]),
        ("when = 'innermost \"main.worker\"'", "when = []", ["state 1", "when"]),
        ("flagged = true", "flagged = false", ["example", "flagged"]),
    ],
)
def test_a_wrong_pool_file_says_where_and_what(old: str, new: str, words: list[str]) -> None:
    """The error names the file and the key, and for a key it does not know the one that was meant."""
    with pytest.raises(CatalogueError, match=r"^my-pool\.toml") as caught:
        read_pool(read_text(_GOOD.replace(old, new, 1), where="my-pool.toml"))
    for word in words:
        assert word in str(caught.value)
