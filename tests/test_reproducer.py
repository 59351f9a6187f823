"""The reproducers on real sockets: what a Close does by its peer, what that does to a pool, and that nothing is left.

No time is asserted here. What is asserted is which of two things came first, with deadlines and caps far apart.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackscan.errors import ReproducerError
from stackscan.queueing.replay import every as every_replayed
from stackscan.queueing.replay import replay
from stackscan.reproduce import draw
from stackscan.reproduce.alarms import Alarms
from stackscan.reproduce.close import Case, CloseRun, every_kind, expected_seconds, run_closes
from stackscan.reproduce.interrupt import Interrupt, on_signals
from stackscan.reproduce.lazy import LazyClient, Shape
from stackscan.reproduce.loopback import Loopback
from stackscan.reproduce.peers import Kind
from stackscan.reproduce.pool import Ended, Mode, PoolResult, PoolSetup, run_pool
from stackscan.reproduce.prediction import holds, predict
from stackscan.reproduce.stream import DeadlineExceededError
from stackscan.reproduce.threads import Threads
from stackscan.reproduce.wire import BITSWAP, HandshakeError

#: A wait that no test comes near: it bounds what would otherwise hang.
LONG = 20.0
FIRST_WRITE = b"\x13/multistream/1.0.0\n\x14/ipfs/bitswap/1.2.0\nPAYLOAD"


def open_files() -> int:
    """How many files this process has open."""
    return sum(1 for _ in Path("/dev/fd").iterdir())


def until(condition: Callable[[], bool]) -> bool:
    """Wait for something that comes, but not for ever."""
    end = time.monotonic() + LONG
    while not condition() and time.monotonic() < end:
        time.sleep(0.001)
    return condition()


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Whatever a test here does, no thread and no socket outlives it."""
    threads, files = set(threading.enumerate()), open_files()
    yield
    assert threads >= set(threading.enumerate())
    assert files >= open_files()  # fewer, where a thread of an earlier test has ended meanwhile


def run_one(peer: Kind, deadline: float | None = None, *, cap: float = LONG) -> CloseRun:
    """One close."""
    (run,) = run_closes([Case(peer, deadline)], cap_seconds=cap, answer_after_seconds=0.2).runs
    return run


# -- one close ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("peer", [Kind.SILENT, Kind.HALF_SILENT])
def test_without_a_deadline_close_waits_for_a_silent_peer_as_long_as_anyone_watches(peer: Kind) -> None:
    """A peer that says nothing, or half of it, holds Close without end: it is still open at the cap."""
    run = run_one(peer, cap=0.3)
    assert (False, None, True) == (run.returned, run.expected_seconds, run.as_expected)
    assert run.close_seconds >= 0.3


@pytest.mark.parametrize("peer", [Kind.SILENT, Kind.HALF_SILENT])
def test_a_read_deadline_ends_the_wait_for_a_silent_peer(peer: Kind) -> None:
    """Close returns when the deadline passes: not before it, and long before the cap."""
    run = run_one(peer, 0.2)
    assert (True, 0.2) == (run.returned, run.expected_seconds)
    assert 0.2 <= run.close_seconds < LONG / 2


@pytest.mark.parametrize("peer", [Kind.ANSWERING, Kind.CLOSING, Kind.RESETTING, Kind.REFUSING, Kind.SLOW])
def test_a_peer_that_answers_or_goes_holds_nobody(peer: Kind) -> None:
    """Any answer and any end of the stream lets Close return, without any deadline."""
    assert run_one(peer).returned


@pytest.mark.parametrize("peer", list(Kind))
def test_the_first_write_carries_the_tokens_and_the_message(peer: Kind) -> None:
    """48 bytes in one write, whatever the peer is like; nothing is written afterwards."""
    run = run_one(peer, 0.1)
    assert ((FIRST_WRITE,), 48) == (run.writes, run.bytes_written)


def test_a_slow_peer_is_waited_for_and_no_longer() -> None:
    """Close lasts until the late answer: an earlier deadline would end it, a later one does not."""
    early, late = run_closes(
        [Case(Kind.SLOW, 0.1), Case(Kind.SLOW, LONG)], cap_seconds=LONG, answer_after_seconds=0.6
    ).runs
    assert (0.1, 0.6) == (early.expected_seconds, late.expected_seconds)
    assert early.returned
    assert late.returned
    assert early.close_seconds < late.close_seconds < LONG


def test_every_kind_of_peer_is_tried_with_and_without_a_deadline() -> None:
    """All at once: those without a deadline that wait for silent peers are open at the cap, all others return."""
    result = run_closes(every_kind(0.2), cap_seconds=0.8, answer_after_seconds=0.1)
    still_open = [run.case for run in result.runs if not run.returned]
    assert [Case(Kind.SILENT), Case(Kind.HALF_SILENT)] == still_open
    assert 14 == len(result.runs)
    assert not result.interrupted


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (Case(Kind.SILENT), None),
        (Case(Kind.SILENT, 2), 2),
        (Case(Kind.SILENT, 10), None),
        (Case(Kind.HALF_SILENT, 2), 2),
        (Case(Kind.ANSWERING), 0),
        (Case(Kind.ANSWERING, 2), 0),
        (Case(Kind.RESETTING), 0),
        (Case(Kind.SLOW), 0.5),
        (Case(Kind.SLOW, 0.25), 0.25),
    ],
)
def test_what_is_expected_follows_from_peer_deadline_and_cap(case: Case, expected: float | None) -> None:
    """The first of answer, end and deadline; None beyond the cap."""
    assert expected == expected_seconds(case, cap_seconds=10, answer_after_seconds=0.5)


def test_a_close_that_took_another_time_than_expected_is_not_called_expected() -> None:
    """50 ms late is as expected, more is not, and neither is a return where none was due."""
    case = Case(Kind.SILENT, 2.0)
    runs = [
        CloseRun(case, returned, seconds, expected, None, ())
        for returned, seconds, expected in (
            (True, 2.04, 2.0),
            (True, 2.06, 2.0),
            (True, 1.9, 2.0),
            (True, 2.0, None),
            (False, 10.0, 2.0),
            (False, 10.0, None),
        )
    ]
    assert [True, False, False, False, False, True] == [run.as_expected for run in runs]
    assert (
        CloseRun(case, returned=False, close_seconds=1, expected_seconds=2, shape=None, writes=(), cut=True).as_expected
        is None
    )


def test_both_shapes_of_a_stalled_close_occur() -> None:
    """With a companion already reading, Close waits for it; without one, Close reads itself."""
    with Loopback([Kind.SILENT]) as net:
        late = LazyClient(net.connect(Kind.SILENT), BITSWAP, go=net.go)
        late.write(b"PAYLOAD")
        assert until(lambda: late.shape is not None)
        net.go(late.close)
        alone = LazyClient(net.connect(Kind.SILENT), BITSWAP, go=lambda _: None)  # its companion never gets to run
        alone.write(b"PAYLOAD")
        net.go(alone.close)
        assert until(lambda: alone.shape is not None)
        assert (Shape.COMPANION_READS, Shape.WORKER_READS) == (late.shape, alone.shape)


def test_a_deadline_also_ends_a_read_that_had_begun_before_it_was_set() -> None:
    """As in Go: the companion reads without a deadline, and the worker's deadline still ends that read."""
    with Loopback([Kind.SILENT]) as net:
        stream = net.connect(Kind.SILENT)
        client = LazyClient(stream, BITSWAP, go=net.go)
        client.write(b"PAYLOAD")
        assert until(lambda: client.shape is Shape.COMPANION_READS)
        stream.set_read_deadline(0.05)
        client.close()
        assert isinstance(client.handshake_error, DeadlineExceededError)


def test_a_deadline_can_be_moved() -> None:
    """The last deadline counts: an earlier one that has been replaced ends nothing."""
    with Loopback([Kind.SLOW], answer_after_seconds=0.3) as net:
        stream = net.connect(Kind.SLOW)
        client = LazyClient(stream, BITSWAP, go=net.go)
        stream.set_read_deadline(0.05)
        stream.set_read_deadline(LONG)
        client.write(b"PAYLOAD")
        client.close()
        assert client.handshake_error is None


def test_after_its_deadline_a_stream_reads_nothing_even_if_something_is_there() -> None:
    """As in Go, where a read after the deadline fails at once."""
    with Loopback([Kind.HALF_SILENT]) as net:
        stream = net.connect(Kind.HALF_SILENT)
        stream.set_read_deadline(-1)
        with pytest.raises(DeadlineExceededError):
            stream.read(1)


def test_a_refused_protocol_is_swallowed_by_close() -> None:
    """``na`` ends the handshake with an error that Close keeps to itself, as go-multistream does."""
    with Loopback([Kind.REFUSING]) as net:
        client = LazyClient(net.connect(Kind.REFUSING), BITSWAP, go=net.go)
        client.write(b"PAYLOAD")
        client.close()
        assert isinstance(client.handshake_error, HandshakeError)


def test_another_protocol_is_refused_by_the_peer() -> None:
    """The answering peer speaks bitswap 1.2.0 only."""
    with Loopback([Kind.ANSWERING]) as net:
        client = LazyClient(net.connect(Kind.ANSWERING), b"/ipfs/bitswap/1.1.0", go=net.go)
        client.write(b"PAYLOAD")
        client.close()
        assert "not supported" in str(client.handshake_error)


def test_close_without_a_write_sends_the_tokens_itself() -> None:
    """A stream that was opened and closed still negotiates: Close flushes first."""
    with Loopback([Kind.ANSWERING], keep_bytes=100) as net:
        stream = net.connect(Kind.ANSWERING)
        client = LazyClient(stream, BITSWAP, go=net.go)
        client.close()
        assert ([FIRST_WRITE[:41]], None) == (stream.writes, client.handshake_error)


def test_the_second_write_goes_straight_to_the_stream() -> None:
    """Tokens are sent once; an empty first write is followed by an empty one, as in Go."""
    with Loopback([Kind.ANSWERING], keep_bytes=100) as net:
        stream = net.connect(Kind.ANSWERING)
        client = LazyClient(stream, BITSWAP, go=net.go)
        assert (7, 4) == (client.write(b"PAYLOAD"), client.write(b"more"))
        assert until(lambda: len(net.peers.received.get(stream.local_port, b"")) == 52)
        assert FIRST_WRITE + b"more" == net.peers.received[stream.local_port]
        client.close()
        other = net.connect(Kind.ANSWERING)
        assert 0 == LazyClient(other, BITSWAP, go=net.go).write(b"")
        assert [FIRST_WRITE[:41], b""] == other.writes


def test_a_failed_first_write_is_told_and_told_again() -> None:
    """The error of the first write is the error of every later one, and Close still closes."""
    with Loopback([Kind.SILENT]) as net:
        stream = net.connect(Kind.SILENT)
        client = LazyClient(stream, BITSWAP, go=net.go)
        stream.close()
        for _ in range(2):
            with pytest.raises(OSError, match="Bad file descriptor"):
                client.write(b"PAYLOAD")
        client.close()


# -- the pool ----------------------------------------------------------------------------------------------------------


def small_pool(silent: tuple[bool, ...], **changes: float) -> PoolResult:
    """A pool whose first wave of silent closes ends within the budget, and whose second does not."""
    return run_pool(PoolSetup(silent, **{"close_deadline_seconds": 0.8, "budget_seconds": 1.4} | changes))


def test_eighteen_silent_tasks_leave_six_of_two_hundred_undone() -> None:
    """The issue's 194 of 200, with smaller times: prediction and run agree to the task."""
    result = small_pool(draw.by_count(200, 18, seed=1))
    prediction = predict(result.setup)
    assert result.synchronous is not None
    assert result.detached is not None
    assert (194, Ended.BUDGET) == (result.synchronous.completed, result.synchronous.ended)
    assert 194 == prediction.synchronous.completed_before_budget == prediction.synchronous.completed_at_budget
    assert (200, Ended.DONE) == (result.detached.completed, result.detached.ended)
    assert result.throughput_ratio is not None
    assert result.throughput_ratio > 1


def test_of_every_close_of_a_silent_peer_somebody_is_the_reader() -> None:
    """Worker or companion: each close that has begun has exactly one of both shapes."""
    result = small_pool(draw.every(10, 60), budget_seconds=0.5)
    assert result.synchronous is not None
    assert result.detached is not None
    for run in (result.synchronous, result.detached):
        closes = run.silent_closes
        assert (6, 6, 6) == (closes.begun, closes.still_open, closes.worker_reads + closes.companion_reads)


def test_nothing_moves_while_all_workers_are_held() -> None:
    """Two workers, two silent tasks first: one wave of tasks when the deadline has passed, none before."""
    result = small_pool((True, True) + (False,) * 8, workers=2, close_deadline_seconds=0.4, budget_seconds=LONG)
    assert result.synchronous is not None
    (wave,) = result.synchronous.waves
    assert (10, 10) == (wave.tasks, result.synchronous.completed)
    assert wave.first_seconds >= 0.4


@pytest.mark.parametrize("seed", [1, 3])
def test_any_draw_ends_as_its_replay_says(seed: int) -> None:
    """Pool, deadline and draw vary; between two waves of closes the number of tasks done is certain."""
    setup = PoolSetup(
        draw.by_share(40 + 10 * seed, 0.15 + 0.1 * seed, seed=seed),
        workers=3 + seed,
        close_deadline_seconds=0.8,
        budget_seconds=1.4,
    )
    result, prediction = run_pool(setup), predict(setup)
    assert result.synchronous is not None
    assert prediction.of(Mode.SYNCHRONOUS).completed_before_budget == result.synchronous.completed
    assert holds(prediction.synchronous, result.synchronous)
    assert result.detached is not None
    assert holds(prediction.detached, result.detached)


def test_a_run_of_milliseconds_is_repeated_and_the_shortest_told() -> None:
    """Other programs disturb a short run: the shortest of its rounds counts; a long one runs once."""
    result = small_pool(draw.every(10, 30), workers=2, close_deadline_seconds=0.3, budget_seconds=LONG)
    assert result.synchronous is not None
    assert result.detached is not None
    assert (result.synchronous.seconds,) == result.synchronous.rounds_seconds
    assert result.detached.seconds == min(result.detached.rounds_seconds)


def test_without_silent_peers_both_ways_do_everything() -> None:
    """No peer is silent: nobody waits, nothing is left open."""
    result = small_pool((False,) * 30)
    assert result.synchronous is not None
    assert result.detached is not None
    assert [Ended.DONE, Ended.DONE] == [result.synchronous.ended, result.detached.ended]
    assert (0, 0) == (result.synchronous.silent_closes.begun, result.detached.silent_closes.begun)


def test_a_request_to_stop_ends_a_run_and_leaves_the_next_one_out() -> None:
    """What had happened until then is kept, and says that it was interrupted."""
    interrupt = Interrupt()

    def progress(_mode: Mode, done: int, _total: int, _elapsed: float) -> None:
        if done == 9:  # one worker is held, the other has done the rest
            interrupt.request()

    setup = PoolSetup((True, *(False,) * 9), workers=2, budget_seconds=LONG)
    result = run_pool(setup, interrupt=interrupt, progress=progress)
    assert (True, None, None) == (result.interrupted, result.detached, result.throughput_ratio)
    assert result.synchronous is not None
    assert (9, Ended.INTERRUPTED) == (result.synchronous.completed, result.synchronous.ended)
    assert holds(predict(setup).synchronous, result.synchronous) is None


def test_a_request_before_the_start_leaves_everything_out() -> None:
    """Asked while it was being set up: no run, and no error either."""
    interrupt = Interrupt()
    interrupt.request()
    result = run_pool(PoolSetup((False,) * 9), interrupt=interrupt)
    assert (None, None, True) == (result.synchronous, result.detached, result.interrupted)
    closes = run_closes([Case(Kind.SILENT)], interrupt=interrupt)
    assert (True, False, None) == (closes.interrupted, closes.runs[0].returned, closes.runs[0].as_expected)


# -- draws -------------------------------------------------------------------------------------------------------------


@given(st.integers(1, 300), st.integers(1, 40))
def test_every_nth_is_that_of_the_model(tasks: int, n: int) -> None:
    """The reproducer's draw and the model's are the same tasks."""
    assert every_replayed(n, tasks) == draw.every(n, tasks)


@given(st.integers(1, 300), st.floats(0, 1), st.integers())
def test_a_draw_repeats_and_grows(tasks: int, share: float, seed: int) -> None:
    """A seed draws the same tasks again; a larger share or a longer batch adds to them and takes none away."""
    drawn = draw.by_share(tasks, share, seed=seed)
    assert drawn == draw.by_share(tasks, share, seed=seed)
    assert drawn == draw.by_share(tasks + 10, share, seed=seed)[:tasks]
    more = draw.by_share(tasks, min(1.0, share + 0.1), seed=seed)
    assert all(later or not earlier for earlier, later in zip(drawn, more, strict=True))


@given(st.data())
def test_a_count_is_kept(data: st.DataObject) -> None:
    """Exactly so many, whatever the seed."""
    tasks = data.draw(st.integers(1, 200))
    count = data.draw(st.integers(0, tasks))
    assert count == sum(draw.by_count(tasks, count, seed=data.draw(st.integers())))


def test_the_default_draw_is_this_one() -> None:
    """Seed 1 draws 17 of 200, on every machine and version: what is printed in the manual stays true."""
    assert [17, 20] == [sum(draw.by_share(200, 0.1, seed=seed)) for seed in (1, 2)]
    assert 195 == predict(PoolSetup(draw.by_share(200, 0.1, seed=1))).synchronous.completed_before_budget


@settings(max_examples=50)
@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(1, 8))
def test_the_prediction_is_the_replay_of_the_same_draw(silent: list[bool], workers: int) -> None:
    """Nothing is drawn anew for the prediction."""
    setup = PoolSetup(tuple(silent), workers)
    expected = replay(silent, workers=workers, deadline_seconds=10, budget_seconds=20, service_seconds=0.001)
    assert expected == predict(setup, service_seconds=0.001).synchronous


# -- limits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (lambda: PoolSetup(()), "tasks must be from 1"),
        (lambda: PoolSetup((False,) * 10_001), "10,001"),
        (lambda: PoolSetup((False,), workers=0), "workers must be from 1"),
        (lambda: PoolSetup((False,), close_deadline_seconds=0), "close deadline"),
        (lambda: PoolSetup((False,), budget_seconds=float("nan")), "budget"),
        (lambda: PoolSetup((False,), budget_seconds=3601), "at most 3600 s"),
        (lambda: run_closes([Case(Kind.SILENT)], cap_seconds=-1), "the cap"),
        (lambda: run_closes([Case(Kind.SILENT, 0)]), "read deadline"),
        (lambda: run_pool(PoolSetup((True,) * 3_000)), "threads"),
        (lambda: draw.by_share(10, 1.5, seed=1), "fraction"),
        (lambda: draw.by_count(10, 11, seed=1), "from 0 to 10"),
        (lambda: draw.every(0, 10), "step"),
        (lambda: draw.by_share(0, 0.5, seed=1), "tasks"),
    ],
)
def test_numbers_out_of_their_limits_are_refused_by_name(attempt: Callable[[], object], words: str) -> None:
    """Nothing is opened; the message names the number and its limits."""
    with pytest.raises(ReproducerError, match=words):
        attempt()


def test_too_few_files_are_found_out_before_anything_is_opened() -> None:
    """A hard limit that cannot hold the run is an error with the number that is needed."""
    code = (
        "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (64, 256))\n"
        "from stackscan.reproduce import limits\n"
        "limits.ensure_files(100)\nprint(resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 100)\n"
        "try:\n    limits.ensure_files(5000)\nexcept Exception as error:\n    print(error, '|', error.hint)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    raised, refused = done.stdout.splitlines()
    assert "True" == raised
    assert "the limit of the process is 256 | Raise the limit (ulimit -n" in refused


def test_files_that_run_out_all_the_same_are_an_error_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the count and the connect somebody else may have taken them."""

    def refuse(*_: object, **__: object) -> socket.socket:
        raise OSError(24, "Too many open files")

    with Loopback([Kind.SILENT]) as net:
        monkeypatch.setattr(socket, "create_connection", refuse)
        with pytest.raises(ReproducerError, match="no more files"):
            net.connect(Kind.SILENT)


def test_threads_that_run_out_are_an_error_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may allow fewer threads than a run needs."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    threads = Threads()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(ReproducerError, match="the system refuses more threads"):
        threads.park(1)


# -- what they are made of ---------------------------------------------------------------------------------------------


def test_functions_run_at_once_however_many_wait() -> None:
    """Each has a thread of its own, parked or new: none waits for another."""
    threads = Threads()
    threads.park(2)
    together = threading.Barrier(6)  # passed only when all six run at the same time
    for _ in range(5):
        threads.go(lambda: together.wait(LONG) and None)
    together.wait(LONG)
    assert 0 == threads.stop(within_seconds=LONG)
    threads.go(together.abort)  # once stopped, nothing runs
    assert not together.broken


def test_an_error_in_a_thread_comes_out_where_the_experiment_ends() -> None:
    """Not on stderr, and not lost."""

    def fail() -> None:
        raise ZeroDivisionError

    def experiment() -> None:
        with Loopback([Kind.SILENT]) as net:
            net.go(fail)
            assert until(lambda: net.threads.failure is not None)

    with pytest.raises(ZeroDivisionError):
        experiment()


def test_alarms_ring_in_the_order_of_their_moments() -> None:
    """Not in that in which they were set; one in the past rings at once."""
    alarms, rung = Alarms(), list[str]()
    alarms.start()
    now = time.monotonic()
    for name, delay in (("third", 0.15), ("second", 0.1), ("first", -1.0)):
        alarms.at(now + delay, lambda name=name: rung.append(name))
    assert until(lambda: len(rung) == 3)
    alarms.stop(within_seconds=LONG)
    assert ["first", "second", "third"] == rung


def test_leaving_ends_threads_that_read_without_a_deadline() -> None:
    """Streams are aborted, so no thread stays behind in a read (the fixture looks)."""
    with Loopback([Kind.SILENT]) as net:
        clients = [LazyClient(net.connect(Kind.SILENT), BITSWAP, go=net.go) for _ in range(20)]
        for client in clients:
            client.write(b"PAYLOAD")
            net.go(client.close)
        assert until(lambda: all(client.shape is not None for client in clients))


def test_signals_only_ask_and_are_given_back() -> None:
    """SIGINT and SIGTERM raise nothing; afterwards their handlers are what they were."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with on_signals() as interrupt:
        os.kill(os.getpid(), signal.SIGTERM)
        interrupt.wait(time.monotonic() + LONG)
        assert interrupt.requested
        with on_signals() as inner:  # within another one it is the same one
            assert interrupt is inner
    assert before == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
