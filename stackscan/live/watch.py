"""Watches processes: a thread for each asks it at its pace, and tells what changed.

Threads, because they wait for the network. What an answer shows is judged by one more thread, for all of them: memory
holds one dump at a time, and what is kept of hundreds of them lies together.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from stackscan.errors import WorkerError
from stackscan.live.history import History
from stackscan.live.pace import Pace
from stackscan.live.poll import Answer, ask, judge
from stackscan.live.sample import Failure, Sample, Suspect
from stackscan.live.standing import alarming

if TYPE_CHECKING:
    from stackscan.live.standing import Change
    from stackscan.live.target import Depth, Target
    from stackscan.pipeline import Options
    from stackscan.redaction import Redaction

#: The full text of more goroutines than this is not asked for: to print it stops the process for too long.
MOST_IN_FULL: Final = 20_000
_FAULT: Final = "This is a bug in stackscan: report it with the answer of the process (curl keeps it)."
#: Processes that are watched by one program.
MOST_TARGETS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Settings:
    """How to watch: the interval, the depth of a usual request, after how many of these the full text is asked for
    (0: never, unless something looks wrong), and of how many goroutines at most; ``redaction`` changes what is
    shown."""

    interval_seconds: float
    depth: Depth = "profile"
    full_every: int = 12
    most_in_full: int = MOST_IN_FULL
    redaction: Redaction | None = None


@dataclass(frozen=True, slots=True)
class News:
    """What one request brought: the history after it, what changed, the answer (None: it brought none), and whether
    the process fell silent or answers again."""

    history: History
    changes: tuple[Change, ...]
    answer: Answer | None
    depth: Depth
    reached: bool | None = None


Tell = Callable[[News], None]


@dataclass(slots=True)
class Watcher:
    """Watches one process."""

    target: Target
    settings: Settings
    options: Options
    tell: Tell
    judging: ThreadPoolExecutor
    stop: threading.Event
    going: threading.Event
    history: History = field(init=False)
    _since_full: int = 0
    _cleared: frozenset[Suspect] = frozenset()

    def __post_init__(self) -> None:
        self.history = History(self.target)

    def run(self, first_after: float) -> None:
        """Ask until told to stop; the first time after so many seconds."""
        pace = Pace(self.settings.interval_seconds)
        wait = first_after
        self.history.next_at = datetime.now(UTC) + timedelta(seconds=wait)
        while not self.stop.wait(wait):
            self.history.next_at = None
            self.going.wait()
            if self.stop.is_set():
                return
            began = time.monotonic()
            requests = self._surely()
            wait = max(0.0, pace.after(requests or 0.0, failed=requests is None) - (time.monotonic() - began))
            self.history.next_at = datetime.now(UTC) + timedelta(seconds=wait)

    def _surely(self) -> float | None:
        """Ask once; a fault of ours is told as a failure of this request, and watching goes on."""
        try:
            return self.once()
        except Exception as error:  # noqa: BLE001 - whatever it is, the other processes are watched
            reason = f"unexpected failure while {self.target} was judged: {type(error).__name__}: {error}"
            silent = self.history.failed(Failure(datetime.now(UTC), reason, _FAULT, 0.0))
            self.tell(News(self.history, (), None, self.settings.depth, reached=False if silent else None))
            return None

    def once(self) -> float | None:
        """Ask once, in full where something looks wrong; how many seconds the process took (None: it did not answer).
        What an answer takes to be judged is not counted: the process is not slow because we are."""
        depth: Depth = "full" if self._is_due() else self.settings.depth
        found, answer = self._ask(depth)
        if isinstance(found, Sample) and depth != "full":
            found = found.without(self._cleared)
            suspects = self._suspects(found)
            if suspects:
                depth = "full"
                found, answer = self._ask(depth)
                if isinstance(found, Sample):
                    self._cleared |= suspects - {(one.rule.name, one.cause) for one in found.findings}
        if isinstance(found, Failure):
            silent = self.history.failed(found)
            self.tell(News(self.history, (), answer, depth, reached=False if silent else None))
            return None
        self._remember(depth, found)
        before = self.history.failure
        told = self.history.take(found)
        self.tell(News(self.history, told, answer, depth, reached=None if before is None else True))
        self.history.sends.look(self.target, found)
        return found.cost.request_seconds

    def _ask(self, depth: Depth) -> tuple[Sample | Failure, Answer | None]:
        answer = ask(self.target, depth)
        if isinstance(answer, Failure):
            return answer, None
        judged = self.judging.submit(judge, self.target, depth, answer, self.options, self.settings.redaction)
        return judged.result(), answer

    def _is_due(self) -> bool:
        """Whether the full text is due: something stands that it showed, or it has not been asked for long."""
        every, last = self.settings.full_every, self.history.last
        if last is None or last.goroutines > self.settings.most_in_full:
            return False
        if last.depth == "full" and alarming(self.history.standing.values()):
            return True
        return every > 0 and self._since_full >= every - 1

    def _suspects(self, sample: Sample) -> frozenset[Suspect]:
        """What counts show to be wrong, and the full text has not cleared."""
        if sample.goroutines > self.settings.most_in_full:
            return frozenset()
        return frozenset((one.rule.name, one.cause) for one in sample.findings if one.severity != "info")

    def _remember(self, depth: Depth, sample: Sample) -> None:
        if depth == "full":
            self._since_full = 0
            self._cleared -= {(one.rule.name, one.cause) for one in sample.findings}
        else:
            self._since_full += 1


class Watch:
    """Watches processes until it is told to stop."""

    def __init__(self, targets: Sequence[Target], settings: Settings, options: Options, tell: Tell) -> None:
        self.stop = threading.Event()
        self._going = threading.Event()
        self._going.set()
        judging = ThreadPoolExecutor(1, "judge")
        self._telling = threading.Lock()
        self._tell = tell
        self.settings = settings
        self.watchers = [
            Watcher(each, settings, options, self._told, judging, self.stop, self._going) for each in targets
        ]

    @property
    def paused(self) -> bool:
        """Whether no process is asked for the time being."""
        return not self._going.is_set()

    def pause(self, wanted: bool) -> None:
        """Ask no process for the time being, or again."""
        if wanted:
            self._going.clear()
        else:
            self._going.set()

    def end(self) -> None:
        """Ask no more; what is being asked is not waited for."""
        self.stop.set()
        self._going.set()

    def _told(self, news: News) -> None:
        with self._telling:
            self._tell(news)

    def start(self) -> None:
        """Begin: the requests are spread over the first interval, unless there are few. Raises WorkerError where the
        system has no thread for each."""
        few = len(self.watchers) <= 4
        for place, watcher in enumerate(self.watchers):
            after = 0.0 if few else self.settings.interval_seconds * place / len(self.watchers)
            thread = threading.Thread(
                target=watcher.run,
                args=(after * random.uniform(0.9, 1.0),),  # noqa: S311 - no secret
                name=f"watch {place}",
                daemon=True,
            )
            try:
                thread.start()
            except RuntimeError:
                raise WorkerError(
                    f"only {place:,} of {len(self.watchers):,} processes can be watched: no more threads start",
                    hint="Watch fewer, or raise the limit on threads (ulimit -u, TasksMax of a unit).",
                ) from None
