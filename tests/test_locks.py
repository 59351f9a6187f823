"""Who waits for which lock, who may hold it, who waits for whom in a circle."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import CORPUS, FIXTURES, goroutine, json_of, rendered, report_of, snapshot_of, stack_of
from stackscan import formats
from stackscan.analysis.components import components
from stackscan.analysis.locks import Candidate, Cycle, Lock, Locks, cycles, find_locks
from stackscan.analysis.locks.sites import site_of
from stackscan.formats import goroutine_text
from stackscan.model.snapshot import Snapshot

VERSIONS = ("go1.21", "go1.26", "go1.27")


def locks_of(path: Path) -> tuple[Snapshot, Locks]:
    """The only snapshot of a file, and its locks."""
    data = path.read_bytes()
    (snapshot,) = formats.read(gzip.decompress(data) if path.suffix == ".gz" else data, where=path.name)
    return snapshot, find_locks(snapshot)


def asked_by(locks: Locks, function: str) -> Lock:
    """The lock that most goroutines ask for in a function."""
    return next(lock for lock in locks.locks if lock.askers and lock.askers[0].function.endswith(function))


def where(candidate: Candidate) -> str:
    """The function that shows the pointer."""
    return candidate.stack.frames[candidate.frame].function


def ids_in(snapshot: Snapshot, function: str) -> set[int]:
    """The goroutines with a function on their stack."""
    stacks = {number for number, stack in enumerate(snapshot.stacks) if function in stack.functions}
    rows = snapshot.goroutines.select("goroutine_id", "stack_id").iter_rows()
    return {goroutine_id for goroutine_id, stack_id in rows if stack_id in stacks}


# -- dumps of real runtimes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_a_deadlock_of_two_mutexes_is_suspected(version: str) -> None:
    """Two transfers hold a mutex each and want the other's: each is the top candidate for its own, and the circle of
    the two is named. Those who only queue up, or only know an account, are in no circle."""
    snapshot, locks = locks_of(FIXTURES / "go" / version / "locks_deadlock.txt")
    transfers = ids_in(snapshot, "main.(*Account).Transfer")
    assert [6, 4] == [lock.waiters for lock in locks.locks]
    assert [("main.(*Account)", 16)] * 2 == [(lock.owner_type, lock.offset) for lock in locks.locks]
    for lock in locks.locks:
        best = lock.candidates[0]
        assert ("main.(*Account).Transfer", 1, True) == (where(best), best.count, best.reliable)
        assert set(best.goroutine_ids) <= transfers - set(lock.goroutine_ids)
        assert all(candidate.score < best.score for candidate in lock.candidates[1:])
    (cycle,) = locks.cycles
    assert transfers == {step.goroutine_id for step in cycle.steps}
    assert {0, 1} == {step.lock for step in cycle.steps}
    assert cycle.score >= 50


@pytest.mark.parametrize("version", VERSIONS)
def test_a_slow_holder_comes_out_on_top(version: str) -> None:
    """Behind a mutex and behind an RWMutex: the one who works under the lock is named first, and nobody's deadlock."""
    snapshot, locks = locks_of(FIXTURES / "go" / version / "locks_convoy.txt")
    cache, index = asked_by(locks, "(*Cache).Get"), asked_by(locks, "(*Index).Lookup")
    assert ("sync.Mutex", 40, "main.(*Cache)") == (cache.kind, cache.waiters, cache.owner_type)
    assert ("sync.RWMutex", 16, 1, "main.(*Index)") == (index.kind, index.waiters, index.writers, index.owner_type)
    assert ["main.(*Cache).Refresh", "main.(*Index).Rebuild"] == [where(lock.candidates[0]) for lock in (cache, index)]
    assert ids_in(snapshot, "main.(*Cache).Refresh") == set(cache.candidates[0].goroutine_ids)
    assert all(c.score < cache.candidates[0].score for c in cache.candidates[1:])  # Expire knows the cache too
    assert () == locks.cycles
    assert 0 == locks.unknown


def test_a_deadlock_is_told_as_an_argument() -> None:
    """A circle is an error, and says "likely" of who holds what: a dump shows waiters, never holders."""
    report = report_of(FIXTURES / "go" / "go1.27" / "locks_deadlock.txt")
    (snapshot,) = report.snapshots
    assert ("error", True) == (
        snapshot.verdicts[0].level,
        snapshot.verdicts[0].text.startswith("deadlock: "),
    )
    for output in ("text", "markdown"):
        shown = rendered(report, output)
        assert "likely holds" in shown
        assert not re.search(r"(?<!likely )\b(?:holds|is deadlocked|owns)\b", shown)


def test_the_convoy_is_in_the_first_lines() -> None:
    """The lock that most wait for, and who may hold it, stand above everything else."""
    (snapshot,) = report_of(FIXTURES / "go" / "go1.27" / "locks_convoy.txt").snapshots
    who = r"goroutine \d+ in main\.\(\*Cache\)\.Refresh likely holds the Mutex of a main\.\(\*Cache\)"
    told = re.compile(rf"{who} and is blocked \(IO wait\); 40 goroutines wait for it")
    assert any(told.fullmatch(verdict.text) for verdict in snapshot.verdicts)


def test_locks_in_json() -> None:
    """Addresses are text as Go prints them, circles point at instances, and everybody's ids are there."""
    (snapshot,) = json_of(FIXTURES / "go" / "go1.26" / "locks_deadlock.txt")["snapshots"]
    locks = snapshot["locks"]
    assert (10, 0, 2, 1) == tuple(locks[k] for k in ("waiters", "unknown", "distinct", "suspected_deadlocks"))
    (cycle,) = locks["cycles"]
    for step, following in zip(cycle["steps"], [*cycle["steps"][1:], cycle["steps"][0]], strict=True):
        instance = locks["instances"][step["waits_for"]]
        assert step["goroutine_id"] in instance["goroutine_ids"]
        assert following["goroutine_id"] in instance["candidates"][0]["goroutine_ids"]
    assert all(re.fullmatch("0x[0-9a-f]+", instance["address"]) for instance in locks["instances"])


def test_a_healthy_node_has_no_locks_section() -> None:
    """Goroutines that wait alone, each for its own, are nobody's pile-up."""
    report = report_of(FIXTURES / "kubo" / "v0.40.1-quiet" / "stack-01.txt.gz")
    assert () == report.snapshots[0].locks.cycles
    assert "\nLocks " not in rendered(report, "text")


def test_counted_formats_tell_that_goroutines_wait_and_not_for_what() -> None:
    """Counts have no arguments: every waiter's lock is unknown."""
    data = (FIXTURES / "go" / "go1.27" / "pool.debug1.txt").read_bytes()
    (snapshot,) = formats.read(data, where="pool")
    locks = find_locks(snapshot)
    assert ((), ()) == (locks.locks, locks.cycles)
    assert locks.waiters == locks.unknown > 0


def test_sleepers_that_wait_as_they_should_hold_no_line() -> None:
    """A web seed's requesters sleep on one condition: set aside, and not among the locks unless all are asked for."""
    path = FIXTURES / "torrents" / "goroutines.txt"
    assert "Locks" not in rendered(report_of(path), "text")
    (snapshot,) = json_of(path)["snapshots"]
    assert [True] * 3 == [lock["set_aside"] for lock in snapshot["locks"]["instances"]]


@pytest.mark.skipif(CORPUS is None, reason="the corpus of third-party dumps is not on this machine")
@pytest.mark.parametrize("version", ["go1.18", "go1.19", "go1.20", "go1.21", "go1.23", "go1.24", "go1.26", "go1.27"])
def test_planted_holders_come_out_on_top(version: str) -> None:
    """A server with known faults, under eight Go versions: see the corpus's INDEX.md for what was planted."""
    assert CORPUS is not None
    path = CORPUS / "go" / version / "big1000.debug2.txt"
    if not path.exists():
        pytest.skip("not in this corpus")
    _, locks = locks_of(path)
    for asker, holder in (
        ("(*Cache).Get", "(*Cache).Refresh"),
        ("(*Index).Lookup", "(*Index).Rebuild"),
        ("(*Session).OpenStream", "(*Session).Close"),
        ("(*Group).Do", "(*Group).Do"),
        ("main.onceInit", "sync.(*Once).doSlow"),
        ("(*Bus).Subscribe", "(*Bus).Publish"),
    ):
        best = asked_by(locks, asker).candidates
        assert where(best[0]).endswith(holder), asker
        assert len(best) == 1 or best[1].score < best[0].score, asker


# -- how stacks wait -------------------------------------------------------------------------------------------------

#: What Go 1.24 and later print of who waits for a mutex, innermost first.
_SLOW = "internal/sync.(*Mutex).lockSlow internal/sync.(*Mutex).Lock"
NEW = f"internal/sync.runtime_SemacquireMutex {_SLOW} sync.(*Mutex).Lock"
#: Innermost frames as Go versions print them, the kind, which frames show the lock, and whether it is a writer.
SHAPES = [
    ("sync.runtime_Semacquire sync.(*Mutex).Lock", "sync.Mutex", {1, 0}, False),  # 1.4
    ("sync.runtime_SemacquireMutex sync.(*Mutex).Lock", "sync.Mutex", {1, 0}, False),  # 1.8
    ("sync.runtime_SemacquireMutex sync.(*Mutex).lockSlow sync.(*Mutex).Lock", "sync.Mutex", {1, 2, 0}, False),  # 1.13
    (NEW, "sync.Mutex", {1, 2, 3, 0}, False),
    ("sync.runtime_Semacquire sync.(*RWMutex).RLock", "sync.RWMutex", {1, 0}, False),  # 1.8
    ("sync.runtime_SemacquireRWMutexR sync.(*RWMutex).RLock", "sync.RWMutex", {1, 0}, False),  # 1.20
    ("sync.runtime_SemacquireRWMutex sync.(*RWMutex).Lock", "sync.RWMutex", {1, 0}, True),
    (f"{NEW} sync.(*RWMutex).Lock", "sync.RWMutex", {1, 2, 3, 4, 0}, True),
    ("sync.runtime_Semacquire sync.(*WaitGroup).Wait", "sync.WaitGroup", {1, 0}, False),
    ("sync.runtime_SemacquireWaitGroup sync.(*WaitGroup).Wait", "sync.WaitGroup", {1, 0}, False),  # 1.25
    ("sync.runtime_notifyListWait sync.(*Cond).Wait", "sync.Cond", {1, 0}, False),
    (f"{NEW} sync.(*Cond).Wait", "sync.Mutex", {1, 2, 3, 0}, False),  # woken, takes its mutex again
    (f"{NEW} sync.(*Once).doSlow sync.(*Once).Do", "sync.Once", {1, 2, 3, 0}, False),
    (f"runtime.gopark runtime.semacquire1 {NEW}", "sync.Mutex", {3, 4, 5, 2}, False),  # a crash shows the runtime
    ("runtime.gopark runtime.chansend runtime.chansend1", "channel", {1, 2}, False),
]


@pytest.mark.parametrize(("frames", "kind", "shows", "writer"), SHAPES)
def test_kinds_of_waiting(frames: str, kind: str, shows: set[int], writer: bool) -> None:
    """Every Go version's frames tell what is waited for, and where its address would stand."""
    functions = [*frames.split(), "main.f"]
    site = site_of(stack_of(*functions))
    assert site is not None
    assert (kind, shows, writer) == (site.kind, {source.frame for source in site.sources}, site.writer)
    assert len(functions) - 1 == site.asker


@pytest.mark.parametrize(
    "functions", [["runtime.gopark", "main.f"], ["runtime.semacquire", "runtime.Stack", "main.f"], ["main.f"], []]
)
def test_other_stacks_wait_for_no_lock(functions: list[str]) -> None:
    """Timers, selects, running goroutines and the runtime's own semaphores are no locks of the program."""
    assert site_of(stack_of(*functions)) is None


# -- instances -------------------------------------------------------------------------------------------------------


def calls_of(*calls: str) -> str:
    """The lines of these calls, innermost first."""
    return "".join(f"{call}\n\t/src/x.go:{at} +0x5\n" for at, call in enumerate(calls, start=10))


READ = calls_of("sync.runtime_SemacquireRWMutexR(0x0?, 0x0?, 0x0?)", "sync.(*RWMutex).RLock(...)")


def waits(number: int, frames: str, calls: str, *, state: str = "sync.Mutex.Lock") -> str:
    """A goroutine that waits, then ran these calls (``function(arguments)``, innermost first)."""
    return f"goroutine {number} [{state}]:\n{frames}{calls_of(*calls.split(' < '))}"


def mutex(lock: str, sema: str = "0x0?") -> str:
    """The innermost frames of who waits for a mutex."""
    return calls_of(f"sync.runtime_SemacquireMutex({sema})", f"sync.(*Mutex).lockSlow({lock})")


def found(*goroutines: str) -> Locks:
    """The locks of a dump of these goroutines."""
    return find_locks(snapshot_of("\n".join((*goroutines, goroutine(99, ["main.idle"], argument="0x1")))))


def test_readers_join_the_writer_by_their_object() -> None:
    """A reader's frames show no lock, a writer's do: the object whose methods they run is the same."""
    locks = found(
        waits(1, mutex("0xc000010008") + calls_of("sync.(*RWMutex).Lock(0x0?)"), "a.(*T).Write(0xc000010000)"),
        waits(2, READ, "a.(*T).Read(0xc000010000)", state="sync.RWMutex.RLock"),
        waits(3, READ, "a.(*T).Read(0xc000010000?)", state="sync.RWMutex.RLock"),
        waits(4, READ, "a.(*T).Read(0xc000020000)", state="sync.RWMutex.RLock"),
    )
    assert [(3, 1, 8), (1, 0, None)] == [(lock.waiters, lock.writers, lock.offset) for lock in locks.locks]


def test_two_locks_of_one_object_stay_two() -> None:
    """Addresses tell apart what the object alone would not."""
    locks = found(
        waits(1, mutex("0xc000010000"), "a.(*T).F(0xc000010000)"),
        waits(2, mutex("0xc000010008"), "a.(*T).G(0xc000010000)"),
    )
    assert [0, 8] == sorted(lock.offset or 0 for lock in locks.locks)


def test_old_semaphores_show_the_mutex() -> None:
    """Up to Go 1.16 the semaphore's address stands 4 bytes behind the mutex's; both mean one lock."""
    locks = found(
        waits(1, calls_of("sync.runtime_SemacquireMutex(0x6a846c, 0x0)", "sync.(*Mutex).Lock(...)"), "main.f(0x1)"),
        waits(2, mutex("0x6a8468", sema="0x6a846c"), "main.f(0x1)"),
    )
    assert [(0x6A8468, 2)] == [(lock.address, lock.waiters) for lock in locks.locks]


def test_a_doubtful_word_alone_is_no_lock() -> None:
    """A stale register that nobody else shows says nothing: that waiter's lock is unknown."""
    locks = found(waits(1, READ, "a.(*T).Read(0xdead0000?)", state="sync.RWMutex.RLock"))
    assert ((), 1, 1) == (locks.locks, locks.waiters, locks.unknown)


def test_who_was_woken_waits_no_more() -> None:
    """A runnable goroutine in lockSlow has been handed the lock or will try again: it is no waiter."""
    assert 0 == found(waits(1, mutex("0xc000010000"), "main.f(0x1)", state="runnable")).waiters


# -- candidates ------------------------------------------------------------------------------------------------------

WAITER = waits(1, mutex("0xc000010010"), "a.(*T).Get(0xc000010000) < main.f(0x1)")


def candidates(*others: str) -> list[tuple[int, str, tuple[int, ...]]]:
    """Score, evidence and ids of who may hold WAITER's lock."""
    locks = found(WAITER, *others)
    lock = asked_by(locks, "Get")
    return [(c.score, c.evidence, c.goroutine_ids) for c in lock.candidates]


def test_evidence_from_strong_to_weak() -> None:
    """A method of the object beats the lock's address, that beats the object as an argument; a loop that the object
    started for itself is weaker than a call; doubtful words count half."""
    assert [
        (90, "receiver", (2,)),
        (80, "address", (3,)),
        (70, "receiver", (4,)),
        (50, "argument", (5,)),
        (45, "receiver", (6,)),
    ] == candidates(
        waits(2, "", "a.(*T).Set(0xc000010000) < main.g(0x1)", state="IO wait"),
        waits(3, "", "main.h(0x1, 0xc000010010)", state="select"),
        waits(4, "", "a.(*T).loop(0xc000010000)", state="select"),
        waits(5, "", "main.h(0x1, 0xc000010000)", state="chan receive"),
        waits(6, "", "a.(*T).Set(0xc000010000?) < main.g(0x1)", state="IO wait"),
    )


def test_a_loop_stays_one_when_it_calls_methods() -> None:
    """RecvLoop calls readFrame on the same object: the goroutine still belongs to the object."""
    assert [(70, "receiver", (2,))] == candidates(
        waits(2, "", "a.(*T).read(0xc000010000) < a.(*T).loop(0xc000010000)", state="IO wait")
    )


def test_waiting_on_a_condition_gives_the_lock_back() -> None:
    """Cond.Wait unlocks: who waits there is half as likely to hold the lock."""
    cond = calls_of("sync.runtime_notifyListWait(0xc000090010, 0x0)", "sync.(*Cond).Wait(0x0?)")
    assert [(45, "receiver", (2,))] == candidates(
        waits(2, cond, "a.(*T).Pop(0xc000010000) < main.g(0x1)", state="sync.Cond.Wait")
    )


def test_a_type_is_asked_only_where_no_pointer_speaks() -> None:
    """A method whose receiver no frame shows may run on this object, or on another: the weakest evidence."""
    hidden = waits(2, "", "a.(*T).Set(0x0?) < main.g(0x1)", state="IO wait")
    assert [(20, "type", (2,))] == candidates(hidden)
    assert [(90, "receiver", (3,))] == candidates(
        hidden, waits(3, "", "a.(*T).Set(0xc000010000) < main.g(0x1)", state="IO wait")
    )


def test_other_objects_and_other_waiters_are_no_candidates() -> None:
    """Neither a method on another object nor who waits for the same lock."""
    assert [] == candidates(
        waits(2, "", "a.(*T).Set(0xc000070000) < main.g(0x1)", state="IO wait"),
        waits(3, mutex("0xc000010010"), "a.(*T).Get(0xc000010000) < main.f(0x1)"),
    )


def test_the_nearest_object_before_the_lock_is_its_own() -> None:
    """Objects lie side by side: a lock belongs to the nearest one before it."""
    locks = found(
        waits(1, mutex("0xc000010070"), "a.(*T).Get(0x0?)"),
        waits(2, "", "a.(*T).Set(0xc000010020) < main.g(0x1)", state="IO wait"),
        waits(3, "", "a.(*T).Set(0xc000010060) < main.g(0x1)", state="IO wait"),
    )
    assert (0xC000010060, [(3,)]) == (locks.locks[0].owner, [c.goroutine_ids for c in locks.locks[0].candidates])


# -- circles ---------------------------------------------------------------------------------------------------------


def crossed(first: int, a: str, b: str, shared: str) -> tuple[str, str]:
    """Two transfers that hold a mutex each, of which no frame shows the one that is held (Go 1.23 and later)."""
    return (
        waits(first, mutex(b), f"main.transfer(0x0?, {b}, {shared})"),
        waits(first + 1, mutex(a), f"main.transfer(0x0?, {a}, {shared})"),
    )


def test_a_pair_with_an_argument_in_common_is_weakly_suspected() -> None:
    """The held lock's address is gone, but nobody else who waits has the third argument: a circle of low score."""
    locks = found(
        *crossed(1, "0xc000010000", "0xc000010010", "0xc000030000"),
        *crossed(3, "0xc000010020", "0xc000010030", "0xc000030010"),
    )
    assert [{1, 2}, {3, 4}] == [{step.goroutine_id for step in cycle.steps} for cycle in locks.cycles]
    assert all(cycle.score < 50 for cycle in locks.cycles)


def test_an_argument_that_many_have_makes_no_pair() -> None:
    """A configuration that every waiter carries says nothing about two of them."""
    locks = found(
        *crossed(1, "0xc000010000", "0xc000010010", "0xc000030000"),
        *crossed(3, "0xc000010020", "0xc000010030", "0xc000030000"),
    )
    assert () == locks.cycles


def test_a_circle_of_three() -> None:
    """A waits for B's, B for C's, C for A's."""
    objects = ["0xc000010000", "0xc000020000", "0xc000030000"]
    locks = found(
        *(
            waits(
                number,
                mutex(objects[number % 3]),
                f"a.(*T).Call({objects[number - 1]}, {objects[number % 3]}) < main.f(0x1)",
            )
            for number in (1, 2, 3)
        )
    )
    (cycle,) = locks.cycles
    assert {1, 2, 3} == {step.goroutine_id for step in cycle.steps}


def test_no_circle_where_somebody_else_may_hold_the_lock() -> None:
    """A goroutine that waits for nothing and is as likely to hold one of the locks breaks the circle."""
    objects = ("0xc000010000", "0xc000020000")
    pair = [
        waits(1, mutex(objects[1]), f"a.(*T).Call({objects[0]}) < main.f(0x1)"),
        waits(2, mutex(objects[0]), f"a.(*T).Call({objects[1]}) < main.f(0x1)"),
    ]
    assert 1 == len(found(*pair).cycles)
    assert () == found(*pair, waits(3, "", f"a.(*T).Set({objects[0]}) < main.g(0x1)", state="IO wait")).cycles


def lock_with(candidates_of: list[tuple[int, int | None]], number: int) -> Lock:
    """A lock whose candidates have these scores and wait for these locks."""
    stack = stack_of("main.f")
    made = tuple(
        Candidate(score, "receiver", True, stack, 0, None, 1, (100 * number + place,), 0, waits)  # noqa: FBT003
        for place, (score, waits) in enumerate(sorted(candidates_of, key=lambda pair: -pair[0]))
    )
    return Lock("sync.Mutex", number + 1, None, None, True, 1, 0, (), candidates=made)  # noqa: FBT003


graphs = st.integers(1, 6).flatmap(
    lambda size: st.lists(
        st.lists(st.tuples(st.sampled_from([50, 90]), st.none() | st.integers(0, size - 1)), max_size=3),
        min_size=size,
        max_size=size,
    )
)


@settings(deadline=None)  # a busy machine is no defect
@given(graphs)
def test_every_circle_is_one(graph: list[list[tuple[int, int | None]]]) -> None:
    """Whatever waits for whatever: steps are candidates of the lock before them, lead back to the first, and no lock is
    in two circles."""
    locks = [lock_with(found_for, number) for number, found_for in enumerate(graph)]
    seen: list[int] = []
    for cycle in cycles.find(locks):
        for step, following in zip(cycle.steps, (*cycle.steps[1:], cycle.steps[0]), strict=True):
            holders = {i: c for c in locks[step.lock].candidates for i in c.goroutine_ids}
            assert following.goroutine_id in holders
            assert holders[following.goroutine_id].waits_for == following.lock
            assert holders[following.goroutine_id].score == locks[step.lock].candidates[0].score == step.score
        seen += [step.lock for step in cycle.steps]
    assert len(seen) == len(set(seen))


@settings(deadline=None)  # a busy machine is no defect
@given(st.integers(2, 8))
def test_a_plain_ring_is_found(size: int) -> None:
    """Each lock's only candidate waits for the next one's."""
    locks = [lock_with([(90, (number + 1) % size)], number) for number in range(size)]
    (cycle,) = cycles.find(locks)
    assert isinstance(cycle, Cycle)
    assert set(range(size)) == {step.lock for step in cycle.steps}


# -- nothing breaks it -----------------------------------------------------------------------------------------------

ANY = sorted(
    path for path in (FIXTURES / "go").glob("*/*.txt*") if "debug1" not in path.name and "fragmented" not in path.name
)
_IN_A_CIRCLE = (
    *("locks_deadlock", "hang_three-locks", "hang_wait-locked"),
    *("kernel_order-archive.txt", "kernel_order-depot.txt", "kernel_order-shards.txt", "kernel_order-shop.txt"),
)
DEADLOCK = (FIXTURES / "go" / "go1.26" / "locks_deadlock.txt").read_bytes()


@pytest.mark.parametrize("path", ANY, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_no_fixture_is_suspected_but_the_deadlocks(path: Path) -> None:
    """Crashes, time-outs, servers, every kind of wait: nobody waits in a circle, and every waiter is accounted for."""
    data = path.read_bytes()
    for snapshot in formats.read(gzip.decompress(data) if path.suffix == ".gz" else data, where=path.name):
        locks = find_locks(snapshot)
        assert len(locks.cycles) == path.name.startswith(_IN_A_CIRCLE)
        assert locks.waiters == locks.unknown + sum(lock.waiters for lock in locks.locks)
        for lock in locks.locks:
            for candidate in lock.candidates:
                assert not set(candidate.goroutine_ids) & set(lock.goroutine_ids)
                assert 0 <= candidate.frame < len(candidate.stack.frames)


SPLICES = st.sampled_from([b"", b"\0", b"(", b"0x", b"\n", b" INFO tick 7\n"])


@settings(deadline=None)  # a busy machine is no defect
@given(st.integers(0, len(DEADLOCK)), st.integers(0, len(DEADLOCK)), SPLICES)
def test_damage_breaks_nothing(begin: int, end: int, splice: bytes) -> None:
    """Cut out anything, write anything in its place: locks are told of what is left, or none."""
    low, high = sorted((begin, end))
    for snapshot in goroutine_text.read(DEADLOCK[:low] + splice + DEADLOCK[high:]):
        locks = find_locks(snapshot)
        assert locks.waiters == locks.unknown + sum(lock.waiters for lock in locks.locks)


def test_a_once_called_from_several_depths() -> None:
    """Waiters of one Once whose stacks differ in depth: each has its own caller."""
    slow = calls_of("sync.(*Once).doSlow(0x0?, 0x1)", "sync.(*Once).Do(...)")
    wrapped = mutex("0xc000010004")
    inside = "main.slow() < sync.(*Once).doSlow(0x0?, 0x1) < sync.(*Once).Do(...) < main.other(0x1)"
    locks = found(
        waits(1, calls_of("runtime.gopark(0x1)") + wrapped + slow, "main.init(0x1) < main.f(0x1)"),
        waits(2, wrapped + slow, "main.init(0x1)"),
        waits(3, "", inside, state="select"),
    )
    assert [("sync.Once", 2)] == [(lock.kind, lock.waiters) for lock in locks.locks]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_components_are_the_groups_that_lead_to_each_other(pairs: list[tuple[int, int]]) -> None:
    """Two points are in one group if and only if each leads to the other; what a group leads to comes before it."""
    edges: dict[int, list[int]] = {point: [] for point in range(10)}
    for one, other in pairs:
        edges[one].append(other)
    leads = {point: {point} for point in edges}
    for _ in edges:
        for point, ahead in edges.items():
            leads[point] |= {far for other in ahead for far in leads[other]}
    parts = components(edges)
    assert sorted(edges) == sorted(point for part in parts for point in part)
    place = {point: number for number, part in enumerate(parts) for point in part}
    for one in edges:
        for other in edges:
            assert (place[one] == place[other]) is (other in leads[one] and one in leads[other])
            assert other not in leads[one] or place[other] <= place[one]
