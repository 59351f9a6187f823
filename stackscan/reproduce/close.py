"""The first reproducer: how long Close lasts on a lazily negotiated stream, by what the peer does."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from stackscan.reproduce import limits
from stackscan.reproduce.interrupt import Interrupt
from stackscan.reproduce.lazy import LazyClient, Shape
from stackscan.reproduce.loopback import Loopback
from stackscan.reproduce.peers import Kind
from stackscan.reproduce.stream import AbortedError, Stream
from stackscan.reproduce.wire import BITSWAP

#: Seven bytes, so that the first write has 48.
PAYLOAD: Final = b"PAYLOAD"
#: How late Close may return and still be as expected.
TOLERANCE_SECONDS: Final = 0.05
_TICK_SECONDS: Final = 0.1
_NEVER: Final = frozenset({Kind.SILENT, Kind.HALF_SILENT})


@dataclass(frozen=True, slots=True)
class Case:
    """One close to try. ``read_deadline_seconds`` is set just before Close; None sets none."""

    peer: Kind
    read_deadline_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class CloseRun:
    """The result of one close.

    ``close_seconds`` is how long it lasted; when it has not ``returned``, how long it was watched: until the cap, or
    until an interruption ``cut`` it short. ``expected_seconds`` is what it should take, None when it should outlast the
    cap. ``shape`` is None when nobody had begun to read.
    """

    case: Case
    returned: bool
    close_seconds: float
    expected_seconds: float | None
    shape: Shape | None
    writes: tuple[bytes, ...]
    cut: bool = False

    @property
    def bytes_written(self) -> int:
        """All bytes that the client sent, tokens and payload."""
        return sum(map(len, self.writes))

    @property
    def as_expected(self) -> bool | None:
        """Whether it returned when it should, within TOLERANCE_SECONDS, or stayed open as it should; None when cut."""
        if self.cut:
            return None
        if self.expected_seconds is None or not self.returned:
            return self.expected_seconds is None and not self.returned
        return abs(self.close_seconds - self.expected_seconds) <= TOLERANCE_SECONDS


@dataclass(frozen=True, slots=True)
class CloseResult:
    """All runs, in the order asked for. When ``interrupted``, those still open were watched for less than the cap."""

    cap_seconds: float
    answer_after_seconds: float
    runs: tuple[CloseRun, ...]
    interrupted: bool = False


def expected_seconds(case: Case, *, cap_seconds: float, answer_after_seconds: float) -> float | None:
    """How long Close should last: until the peer's answer or end, or the read deadline; None: longer than the cap."""
    answer = answer_after_seconds if case.peer is Kind.SLOW else 0.0
    ends = min(
        math.inf if case.peer in _NEVER else answer,
        math.inf if case.read_deadline_seconds is None else case.read_deadline_seconds,
    )
    return ends if ends < cap_seconds else None


def run_closes(
    cases: Sequence[Case],
    *,
    cap_seconds: float = 10.0,
    answer_after_seconds: float = 0.5,
    interrupt: Interrupt | None = None,
    progress: Callable[[str, int, int, float], None] | None = None,
) -> CloseResult:
    """Open, write to and close a stream for each case, and watch all closes until they return or the cap.

    All cases run at once, each in its own thread. ``progress`` is called ten times a second with what is counted, how
    many there are, of how many, after how many seconds. Raises ReproducerError for numbers out of their limits and when
    the machine has no files, threads or ports left.
    """
    cap = limits.seconds(cap_seconds, "the cap")
    late = limits.seconds(answer_after_seconds, "the slow peer's delay")
    for case in cases:
        if case.read_deadline_seconds is not None:
            limits.seconds(case.read_deadline_seconds, "the read deadline")
    limits.ensure_files(2 * len(cases))
    interrupt = interrupt or Interrupt()
    with Loopback({case.peer for case in cases}, answer_after_seconds=late) as net:
        closes = [_Close(case, net.connect(case.peer), net, interrupt) for case in cases]
        net.threads.park(2 * len(closes))
        begun = time.monotonic()
        for close in closes:
            net.go(close.run)
        while not (interrupt.requested or net.threads.failure) and any(close.lasts(cap) for close in closes):
            now = time.monotonic()
            if progress is not None:
                progress("closes returned", sum(close.ended is not None for close in closes), len(closes), now - begun)
            interrupt.wait(min(now + _TICK_SECONDS, *(close.until(cap, now) for close in closes)))
        runs = tuple(close.result(time.monotonic(), cap, late) for close in closes)
    return CloseResult(cap, late, runs, interrupt.requested)


class _Close:
    """One stream, written to and closed by one thread."""

    def __init__(self, case: Case, stream: Stream, net: Loopback, interrupt: Interrupt) -> None:
        self.ended: float | None = None
        self._case = case
        self._started: float | None = None
        self._stream = stream
        self._client = LazyClient(stream, BITSWAP, go=net.go)
        self._interrupt = interrupt

    def run(self) -> None:
        try:
            self._client.write(PAYLOAD)
        except AbortedError:  # stopped before it began
            return
        self._started = time.monotonic()
        if self._case.read_deadline_seconds is not None:
            self._stream.set_read_deadline(self._case.read_deadline_seconds)
        self._client.close()
        self.ended = time.monotonic()
        self._interrupt.ring()

    def lasts(self, cap: float) -> bool:
        """Whether it is still worth watching."""
        return self.ended is None and (self._started is None or time.monotonic() - self._started < cap)

    def until(self, cap: float, now: float) -> float:
        """When to stop watching."""
        return (now if self._started is None else self._started) + cap

    def result(self, now: float, cap: float, answer_after_seconds: float) -> CloseRun:
        ended = self.ended
        started = now if self._started is None else self._started
        return CloseRun(
            case=self._case,
            returned=ended is not None,
            close_seconds=(now if ended is None else ended) - started,
            expected_seconds=expected_seconds(self._case, cap_seconds=cap, answer_after_seconds=answer_after_seconds),
            shape=self._client.shape,
            writes=tuple(self._stream.writes),
            cut=ended is None and now - started < cap,
        )


def every_kind(read_deadline_seconds: float) -> tuple[Case, ...]:
    """One peer of each kind, without a read deadline and with this one."""
    return tuple(Case(kind, deadline) for kind in Kind for deadline in (None, read_deadline_seconds))
