"""HTTP services with a fault that nobody meant, and their healthy neighbours: what the first screen says of each."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Final

import pytest

from helpers import FIXTURES, index
from stackscan.analysis.finding import Finding
from stackscan.golang.reader import Reader
from stackscan.golang.roots import Sources
from stackscan.knowledge.configuration import shipped
from stackscan.pipeline import Options, scan
from stackscan.render.pool_words import in_trouble

_GO: Final = FIXTURES / "go"
#: What is right for each service: a cause or a rule; nothing for a healthy one.
_TRUTH: Final[dict[str, str]] = {
    name.partition("service_")[2].partition(".")[0]: "" if entry["note"].startswith("healthy") else entry["note"]
    for name, entry in index("go").items()
    if "/service_" in name
}
_HEALTHY: Final = sorted(name for name, truth in _TRUTH.items() if not truth)


def _findings(name: str, *, source: bool) -> tuple[Finding, ...]:
    """The findings of a service, with its source at hand or without."""
    (path,) = _GO.glob(f"go1.26/service_{name}.txt*")
    roots = [FIXTURES / "programs"] if source else []
    reader = Reader(Sources(roots, environment={}, cwd=Path("/")))
    return scan([str(path)], options=Options(shipped(), reader=reader)).snapshots[0].findings


@pytest.mark.parametrize("name", sorted(set(_TRUTH) - set(_HEALTHY)))
def test_the_fault_comes_first(name: str) -> None:
    """With the source at hand, each fault by its cause, and no other one beside it."""
    first, *others = _findings(name, source=True)
    assert _TRUTH[name] in (first.cause, first.rule.name)
    assert [] == [each.rule.name for each in others if each.severity != "info"]


@pytest.mark.parametrize("source", [True, False])
@pytest.mark.parametrize("name", _HEALTHY)
def test_a_healthy_service_raises_no_alarm(name: str, source: bool) -> None:
    """Long polls, workers that wait for work, slow uploads: nothing above information."""
    assert [] == [each.title for each in _findings(name, source=source) if each.severity != "info"]


def test_workers_behind_an_error_are_one_fault_without_source() -> None:
    """The collector has returned: its workers, the feeder, and who waits for the workers are one finding."""
    (finding,) = _findings("thumbnails", source=False)
    assert ("channel-never-served", 30) == (finding.cause, finding.count)
    assert "27 goroutines (most in main.resizeAll.func1) wait in a send, and main.resizeAll" in finding.title
    assert finding.title.endswith("3 goroutines wait behind them")


def test_a_handler_that_left_is_found_with_and_without_its_source() -> None:
    """A handler that the library may call again makes another channel in each call."""
    for source, confidence in ((True, "proved"), (False, "possible")):
        (finding,) = _findings("quote", source=source)
        assert ("channel-never-served", confidence, 12) == (finding.cause, finding.confidence, finding.count)


def test_a_condition_that_nothing_signals_is_no_worker_without_work() -> None:
    """No line of the package signals it; where one does, the workers are idle."""
    (finding,) = _findings("mail-queue", source=True)
    assert "nothing in package main signals it" in finding.title
    assert [] == list(_findings("mail-queue-signalled", source=True))


def test_a_server_all_of_whose_connections_are_busy_is_no_pool_in_trouble() -> None:
    """Each connection gets a goroutine: with long polls all are busy, and the next one gets one, too."""
    (path,) = _GO.glob("go1.26/service_long-poll.txt*")
    report = scan([str(path)])
    (pool,) = (sample for sample in report.snapshots[0].pools if sample.pool.name == "http-server-connections")
    assert (4, 1) == (pool.workers, pool.occupancy)
    assert () == in_trouble(report.snapshots[0])


def test_a_busy_program_is_said_to_run() -> None:
    """It computes on all processors: a wait for the collector is no lock that somebody waits for."""
    (path,) = _GO.glob("go1.26/service_hashing.txt*")
    (verdict,) = scan([str(path)]).snapshots[0].verdicts
    assert "ok" == verdict.level
    assert "goroutines run or are ready to, 4 of them in main.hash" in verdict.text


def test_an_errgroup_whose_members_all_add_to_it_is_a_deadlock() -> None:
    """No member ends, so no place is ever free: that is certain in the first second, too."""
    (finding,) = scan([str(_GO / "go1.26" / "stuck_errgroup-nested.txt")]).snapshots[0].findings
    assert ("channel-never-served", "proved", "error") == (finding.cause, finding.confidence, finding.severity)
    assert "4 goroutines in main.walk wait to add to a full errgroup" in finding.title
    assert "TryGo" in str(finding.evidence["change"])


def test_an_errgroup_with_a_member_at_work_may_go_on(tmp_path: Path) -> None:
    """A member that reads from a network gives its place back when it has read."""
    text = (_GO / "go1.26" / "stuck_errgroup-nested.txt").read_text()
    adds = "[chan send]:\ngolang.org/x/sync/errgroup.(*Group).Go("
    assert text.count(adds) == 4
    path = tmp_path / "goroutines.txt"
    path.write_text(text.replace(adds, "[IO wait]:\nexample.com/acme/net.read(", 1))
    assert [] == [each.title for each in scan([str(path)]).snapshots[0].findings if each.severity != "info"]


def test_who_waits_for_the_first_of_two_locks_holds_none() -> None:
    """Its argument is the lock that it takes next: that it knows it is no circle."""
    (path,) = _GO.glob("go1.26/service_transfers-in-order.txt*")
    locks = scan([str(path)]).snapshots[0].locks
    assert () == locks.cycles
    candidates = {number for lock in locks.locks for each in lock.candidates for number in each.goroutine_ids}
    assert 1 == len(candidates)
    (finding,) = _findings("transfers", source=True)
    where = {step.frame.line for step in finding.steps if step.frame is not None}
    assert ({22}, "likely") == (where, finding.confidence)


def test_somebody_else_who_may_hold_the_locks_makes_it_no_circle(tmp_path: Path) -> None:
    """A statement that is slow to write holds one of the accounts; which, its loop does not say."""
    (path,) = _GO.glob("go1.26/service_transfers.txt*")
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    assert ["lock-order-cycle"] == _causes(text, tmp_path)
    assert "lock-order-cycle" not in _causes(text + _STATEMENT, tmp_path)


_STATEMENT: Final = """
goroutine 900 [IO wait]:
internal/poll.runtime_pollWait(0x7f42d08b0000, 0x77)
	runtime/netpoll.go:351 +0x85
main.statement({0x79b4c0, 0x3f95ea0c8040}, {0x3f95ea0c8048, 0x2, 0x2})
	example.com/acme/fixtures/services/transfers/main.go:30 +0x79
created by net/http.(*Server).Serve in goroutine 1
	net/http/server.go:3464 +0x485
"""


def _causes(text: str, folder: Path) -> list[str | None]:
    """The causes in a text, with the source of the services at hand."""
    path = folder / "goroutines.txt"
    path.write_text(text)
    reader = Reader(Sources([FIXTURES / "programs"], environment={}, cwd=Path("/")))
    found = scan([str(path)], options=Options(shipped(), reader=reader)).snapshots[0].findings
    return [each.cause for each in found if each.severity != "info"]
