"""Work on many things by several processes: in order, few at a time, and none is left when it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import jobs
from helpers import ROOT, environment
from stackscan import workers
from stackscan.errors import ExpressionError, WorkerError


def alive(process: int) -> bool:
    """Whether a process runs; one that ended and that nobody asked about yet does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def waited_for(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Whether something becomes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_results_come_in_order_from_other_processes() -> None:
    """However long each takes."""
    with workers.in_order(range(9), jobs.process_of, jobs=2) as results:
        found = list(results)
    assert list(range(9)) == [task for task, _ in found]
    processes = {process for _, process in found}
    assert os.getpid() not in processes
    assert len(processes) <= 2
    assert not any(map(alive, processes))


@pytest.mark.parametrize(("count", "asked"), [(1, 2), (1, None), (5, 1), (5, None)])
def test_little_work_is_done_here(count: int, asked: int | None) -> None:
    """One thing, what takes no time, and whatever one process is asked for."""
    with workers.in_order(range(count), jobs.process_of, jobs=asked) as results:
        assert [(task, os.getpid()) for task in range(count)] == list(results)


@pytest.mark.parametrize(
    ("seconds", "done", "least", "left", "expected"),
    [
        (9.0, 0, None, 9, False),  # nothing was done yet
        (0.4, 5, 0.1, 99, False),  # not long enough to wonder
        (0.9, 1, 0.9, 99, False),  # the first loads what all need
        (2.0, 1, 2.0, 3, True),  # but this is more
        (0.6, 9, 0.05, 30, True),
        (0.6, 9, 0.05, 9, False),  # nearly done
    ],
)
def test_others_are_asked_where_it_lasts(
    seconds: float, done: int, least: float | None, left: int, expected: bool
) -> None:
    """By the time that it took until now, and by how much is left."""
    assert expected == workers._lasts(seconds, done, least, left)


def test_what_lasts_goes_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first here, the others elsewhere."""
    monkeypatch.setattr("stackscan.workers._lasts", lambda _, done, *__: done == 2)
    monkeypatch.setattr("stackscan.workers._cores", lambda: 2)
    with workers.in_order(range(8), jobs.process_of) as results:
        found = list(results)
    assert list(range(8)) == [task for task, _ in found]
    assert [True] * 2 + [False] * 6 == [process == os.getpid() for _, process in found]


def test_some_things_stay_here() -> None:
    """Standard input is this process's own."""
    with workers.in_order(range(7), jobs.process_of, jobs=2, here=lambda task: task % 3 == 1) as results:
        found = list(results)
    assert list(range(7)) == [task for task, _ in found]
    assert [1, 4] == [task for task, process in found if process == os.getpid()]


def test_an_error_comes_in_its_place_whole() -> None:
    """What was before it is there, and the error is as it was raised: message, hint and excerpt."""
    with workers.in_order(range(9), jobs.refusing_three, jobs=2) as results:
        assert [0, 1, 2] == [next(results) for _ in range(3)]
        with pytest.raises(ExpressionError) as raised:
            next(results)
    with pytest.raises(ExpressionError) as expected:
        jobs.refusing_three(3, None)
    for name in ("args", "hint", "excerpt", "line", "column"):
        assert getattr(expected.value, name) == getattr(raised.value, name)


def test_an_error_of_any_class_comes_in_words() -> None:
    """With the way to it, for who asks for a traceback."""
    said = "OfAnotherKindError: 0 and 2"
    with workers.in_order(range(4), jobs.failing, jobs=2) as results, pytest.raises(RuntimeError, match=said) as raised:
        next(results)
    assert "in failing" in raised.value.__notes__[0]


def test_a_killed_process_is_an_error_that_names_the_work() -> None:
    """No hang: the system kills what takes too much memory."""
    said = f"^3: the process that read it was killed by signal {int(signal.SIGKILL)}$"
    with workers.in_order(range(9), jobs.killed_at_three, jobs=2) as results, pytest.raises(WorkerError, match=said):
        list(results)


def test_the_rest_goes_on_where_a_killed_process_is_expected() -> None:
    """What is lost is named in its place, and another process takes over."""
    told: list[tuple[int, str, str]] = []

    def lost(task: int, error: WorkerError) -> int:
        told.append((task, error.verb, error.detail))
        return -task

    with workers.in_order(range(9), jobs.killed_at_three, jobs=2, lost=lost) as results:
        assert [0, 1, 2, -3, 4, 5, 6, 7, 8] == list(results)
    assert [(3, "killed the process", f"signal {int(signal.SIGKILL)}")] == told


def test_no_task_can_kill_this_process_where_losses_are_expected() -> None:
    """Also the first one is worked on elsewhere, without a number of processes, too."""
    with workers.in_order(range(3, 5), jobs.killed_at_three, lost=lambda task, _: -task) as results:
        assert [-3, 4] == list(results)


def test_a_task_apart_has_a_process_to_itself(tmp_path: Path) -> None:
    """Twice the same task: the first kills it, the second does not."""
    work = jobs.DyingOnce(tmp_path)
    with pytest.raises(WorkerError, match="signal 11"):
        workers.apart(7, work)
    assert 7 == workers.apart(7, work)


def test_what_gives_no_sign_of_life_is_ended(tmp_path: Path) -> None:
    """It would never end."""
    with pytest.raises(WorkerError, match="no sign of life for 2 s") as caught:
        workers.apart(tmp_path / "mark", jobs.lasting, patience=2.0)
    assert "hung" == caught.value.verb


def test_what_a_library_prints_is_no_answer() -> None:
    """Answers have another pipe."""
    with workers.in_order(range(4), jobs.printing, jobs=2) as results:
        assert list(range(4)) == list(results)


def test_progress_is_passed_on() -> None:
    """From the first message of each process on; more come after a moment only."""
    told: list[tuple[str, int, int]] = []
    with workers.in_order(range(4), jobs.process_of, jobs=2, progress=lambda *what: told.append(what)) as results:
        list(results)
    assert told
    assert {(f"task {task}", task, 10) for task in range(4)} >= set(told)


def test_few_results_wait_for_a_slow_reader(tmp_path: Path) -> None:
    """Memory does not grow with what is ready."""
    tasks = [tmp_path / f"{number:03}" for number in range(200)]
    with workers.in_order(tasks, jobs.leaving_marks, jobs=2) as results:
        assert "000" == next(results)
        assert waited_for(lambda: len(list(tmp_path.iterdir())) >= 9)
        time.sleep(0.3)
        assert len(list(tmp_path.iterdir())) == 9  # the one that was taken, and four a process
        assert [task.name for task in tasks[1:]] == list(results)


def test_nobody_is_left_when_the_reader_goes_away(tmp_path: Path) -> None:
    """An exception, Ctrl-C and SIGTERM end the block in the middle of the work."""
    tasks = [tmp_path / str(number) for number in range(4)]
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), workers.in_order(tasks, jobs.lasting, jobs=2) as results:
            _next_within(results, seconds=1.5)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert not any(alive(int(mark.read_text() or 0)) for mark in tmp_path.iterdir())


def _next_within(results: Iterator[None], *, seconds: float) -> None:
    signal.setitimer(signal.ITIMER_REAL, seconds)
    next(results)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")
def test_nobody_outlives_a_parent_that_is_killed(tmp_path: Path) -> None:
    """``kill -9`` leaves no time to clear up: the pipe that ends tells the others."""
    program = f"""
import sys
sys.path[:0] = [{str(ROOT / "tests")!r}]
from pathlib import Path
import jobs
from stackscan import workers
with workers.in_order([Path({str(tmp_path)!r}) / name for name in "ab"], jobs.lasting, jobs=2) as results:
    list(results)
"""
    parent = subprocess.Popen([sys.executable, "-c", program], env=environment())
    marks = [tmp_path / name for name in "ab"]
    assert waited_for(lambda: all(mark.exists() and mark.read_text() for mark in marks))
    processes = [int(mark.read_text()) for mark in marks]
    assert all(map(alive, processes))
    parent.kill()
    parent.wait()
    assert waited_for(lambda: not any(map(alive, processes)))
