"""Which tests were running when the time ran out, and which goroutines belong to each."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from stackscan.formats.symbol import read_symbol
from stackscan.model.snapshot import Snapshot, Stack

_LISTED: Final = re.compile(r"\s+(?P<name>\S.*?) \((?P<elapsed>(?:[0-9.]+(?:h|ms|m|s|µs|ns))+)\)")
_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}
_DURATION: Final = re.compile(r"([0-9.]+)(h|ms|m|s|µs|ns)")
#: What calls a test's function, and what starts its goroutine.
_RUNNERS: Final = frozenset({"testing.tRunner", "testing.fRunner", "testing.(*B).runN"})
_STARTERS: Final = frozenset({"testing.(*T).Run", "testing.(*B).run", "testing.(*B).doBench", "testing.(*F).Fuzz"})
_TEST: Final = re.compile(r"(?:Test|Benchmark|Fuzz|Example)(?![a-z])\w*")
#: A goroutine of a test that only waits for its subtests.
_PARENTS: Final = frozenset({"testing.(*T).Run", "testing.tRunner.func1", "testing.(*B).Run"})
_TURN: Final = frozenset(
    {"testing.(*T).Parallel", "testing.(*testContext).waitParallel", "testing.(*testState).waitParallel"}
)
_MOST_STEPS_UP: Final = 1000


@dataclass(frozen=True, slots=True)
class RunningTest:
    """A test, its name as it may be shown, and how long it ran (``elapsed`` is the text, None: not known)."""

    name: str
    shown: str
    elapsed: str | None = None

    @property
    def seconds(self) -> float:
        """How long it ran, 0 where that is not known."""
        return seconds(self.elapsed or "")

    @property
    def words(self) -> str:
        """``TestClose (9m58s)``."""
        return self.shown if self.elapsed is None else f"{self.shown} ({self.elapsed})"


@dataclass(frozen=True, slots=True)
class TestGoroutines:
    """Tests that cannot be told apart (mostly one), the rows of their own goroutines, and of those started by these."""

    tests: tuple[RunningTest, ...]
    own: tuple[int, ...]
    started: tuple[int, ...]


def seconds(duration: str) -> float:
    """``9m58s`` → 598."""
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(duration))


def listed_tests(message: Sequence[str], shown: Sequence[str]) -> list[RunningTest]:
    """The tests that a message lists as running (Go 1.20 and later)."""
    found = []
    for line, public in zip(message, shown, strict=True):
        match, says = _LISTED.fullmatch(line), _LISTED.fullmatch(public)
        if match is not None:
            name = match["name"] if says is None else says["name"]
            found.append(RunningTest(match["name"], name, match["elapsed"]))
    return found


class TestRows:
    """The goroutines of tests in a dump."""

    def __init__(self, snapshot: Snapshot, listed: Sequence[RunningTest]) -> None:
        self.snapshot = snapshot
        self.listed = listed
        self.ids = snapshot.column("goroutine_id")
        self.stacks = snapshot.column("stack_id")
        self.creators = snapshot.column("creator_id")
        self.row_of = {number: row for row, number in enumerate(self.ids) if number is not None}

    def groups(self) -> list[TestGoroutines]:
        """The running tests with their goroutines, in the order of the list."""
        tests: dict[tuple[str, bool], list[RunningTest]] = defaultdict(list)
        for test in self._leaves:
            tests[test.name.partition("/")[0], "/" in test.name].append(test)
        found = []
        for (top, is_sub), members in tests.items():
            own = tuple(row for row in self._candidates if self._label(row) == top)
            if self.listed:  # else a subtest bears the name of its test
                own = tuple(row for row in own if self._is_sub(row, top) == is_sub)
            above = [row for row in self._parents if self._label(row) == top]
            found.append(TestGoroutines(tuple(members), own, self._started_by([*own, *above])))
        return found

    @cached_property
    def waiting_for_turn(self) -> int:
        """How many tests wait in t.Parallel until others have ended."""
        return sum(self.waits_for_turn(row) for row, _ in enumerate(self.stacks))

    def waits_for_turn(self, row: int) -> bool:
        """Whether a goroutine waits in t.Parallel."""
        return self.stacks[row] in self._stacks_with(_TURN)

    @cached_property
    def _leaves(self) -> Sequence[RunningTest]:
        """The running tests without those that wait for a subtest of the list."""
        above = {name[:at] for test in self.listed for name in [test.name] for at, c in enumerate(name) if c == "/"}
        return [test for test in self.listed if test.name not in above] or self._unlisted

    @cached_property
    def _unlisted(self) -> list[RunningTest]:
        """Tests by their goroutines, where the message lists none (before Go 1.20)."""
        names = dict.fromkeys(self._label(row) for row in self._candidates)
        return [RunningTest(name, name) for name in names if name is not None]

    @cached_property
    def _candidates(self) -> list[int]:
        """The rows of tests' own goroutines, without those that wait for subtests or for their turn."""
        others = self._stacks_with(_PARENTS) | self._stacks_with(_TURN)
        return [row for row in self._of_tests if self.stacks[row] not in others]

    @cached_property
    def _parents(self) -> list[int]:
        """The rows of tests' goroutines that wait for their subtests."""
        waiting = self._stacks_with(_PARENTS)
        return [row for row in self._of_tests if self.stacks[row] in waiting]

    @cached_property
    def _of_tests(self) -> list[int]:
        """The rows of all tests' own goroutines."""
        test_stacks = {n for n, stack in enumerate(self.snapshot.stacks) if _function_of(stack) is not None}
        return [row for row, stack in enumerate(self.stacks) if stack in test_stacks]

    def _stacks_with(self, functions: frozenset[str]) -> frozenset[int]:
        stacks = enumerate(self.snapshot.stacks)
        return frozenset(n for n, stack in stacks if not functions.isdisjoint(stack.functions))

    @cached_property
    def _tops(self) -> frozenset[str]:
        return frozenset(test.name.partition("/")[0] for test in self.listed)

    def _label(self, row: int) -> str | None:
        """The top-level test that a goroutine belongs to: its own function's, or that of the goroutine that made it."""
        for above in self._lineage(row):
            function = _function_of(self.snapshot.stacks[self.stacks[above]])
            top = None if function is None else _top(function)
            if top is not None and (not self._tops or top in self._tops):
                return top
        return None

    def _lineage(self, row: int) -> Iterable[int]:
        """The row, and those that created it, as far as they are alive."""
        seen: set[int] = set()
        at: int | None = row
        while at is not None and at not in seen and len(seen) < _MOST_STEPS_UP:
            seen.add(at)
            yield at
            creator = self.creators[at]
            at = None if creator is None else self.row_of.get(creator)

    def _is_sub(self, row: int, top: str) -> bool:
        function = _function_of(self.snapshot.stacks[self.stacks[row]])
        return function is not None and read_symbol(function).name != top

    def _started_by(self, own: Sequence[int]) -> tuple[int, ...]:
        """The goroutines that some have started, and those that these have started; no test's own."""
        children: dict[int, list[int]] = defaultdict(list)
        for row, creator in enumerate(self.creators):
            if creator is not None:
                children[creator].append(row)
        found: dict[int, None] = {}
        left = [self.ids[row] for row in own]
        while left:
            for row in children.get(left.pop(), ()):
                if row not in found and row not in own and _function_of(self.snapshot.stacks[self.stacks[row]]) is None:
                    found[row] = None
                    left.append(self.ids[row])
        return tuple(sorted(found))


def _function_of(stack: Stack) -> str | None:
    """The function of the test that a goroutine runs; None where it is no test's own goroutine."""
    functions = stack.functions
    for at in range(len(functions) - 1, 0, -1):
        if functions[at] in _RUNNERS:
            return None if functions[at - 1].startswith("testing.runTests") else functions[at - 1]
    if stack.created_by is not None and stack.created_by.function in _STARTERS and functions:
        return functions[-1]
    return None


def _top(function: str) -> str | None:
    """``TestClose`` of ``cart.TestClose.func1``; None where it is no test's function."""
    symbol = read_symbol(function)
    found = _TEST.fullmatch(symbol.name.partition(".")[0])
    return None if found is None else found[0]
