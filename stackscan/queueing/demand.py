"""The demand on a pool, and how near that brings it to saturation."""

from __future__ import annotations

from dataclasses import dataclass, replace

from stackscan.queueing import checks
from stackscan.queueing.replay import SERVICE_SECONDS


@dataclass(frozen=True, slots=True)
class Demand:
    """Tasks for a pool: each is written for ``service_seconds``, then its stream is closed, which takes
    ``close_deadline_seconds`` when the peer is silent and ``answer_seconds`` when it is not.

    Raises ModelError for numbers that make no pool. Loads are in erlangs: workers held on average.
    """

    workers: int
    rate_per_second: float
    silent_fraction: float
    close_deadline_seconds: float
    service_seconds: float = SERVICE_SECONDS
    answer_seconds: float = 0.0

    def __post_init__(self) -> None:
        checks.whole(self.workers, "workers", least=1, most=checks.MOST_WORKERS)
        checks.between(self.rate_per_second, "rate (tasks per second)", least=0, most=checks.MOST_RATE)
        checks.share(self.silent_fraction, "silent fraction")
        checks.positive(self.close_deadline_seconds, "close deadline (seconds)", most=checks.MOST_SECONDS)
        checks.between(self.service_seconds, "service time (seconds)", least=0, most=checks.MOST_SECONDS)
        checks.between(self.answer_seconds, "answer time (seconds)", least=0, most=checks.MOST_SECONDS)

    @classmethod
    def of_load(
        cls,
        load_erlangs: float,
        *,
        workers: int,
        close_deadline_seconds: float,
        rate_per_second: float | None,
        service_seconds: float | None,
    ) -> Demand:
        """The pool at a load of silent peers; beside it, healthy tasks as far as they are known (None: not known)."""
        silent = load_erlangs / close_deadline_seconds
        if not rate_per_second or not service_seconds or silent > rate_per_second:
            return cls(workers, silent, 1.0, close_deadline_seconds, 0.0)
        return cls(workers, rate_per_second, silent / rate_per_second, close_deadline_seconds, service_seconds)

    @property
    def stall_load_erlangs(self) -> float:
        """λ·p·D: workers that silent peers hold, were there enough."""
        return self.rate_per_second * self.silent_fraction * self.close_deadline_seconds

    @property
    def healthy_load_erlangs(self) -> float:
        """Workers that write, or wait for an answer that comes."""
        answered = (1 - self.silent_fraction) * self.answer_seconds
        return self.rate_per_second * (self.service_seconds + answered)

    @property
    def healthy_hold_seconds(self) -> float:
        """The hold ``s + r``: how long a task whose peer answers holds a worker that closes too."""
        return self.service_seconds + self.answer_seconds

    @property
    def silent_hold_seconds(self) -> float:
        """The hold ``s + D``: how long a task whose peer is silent does."""
        return self.service_seconds + self.close_deadline_seconds

    @property
    def load_erlangs(self) -> float:
        """λ·E[S]: all work."""
        return self.stall_load_erlangs + self.healthy_load_erlangs

    @property
    def hold_seconds(self) -> float:
        """E[S]: how long a task holds a worker on average, when the worker closes too."""
        silent = self.silent_fraction * self.close_deadline_seconds
        return self.service_seconds + silent + (1 - self.silent_fraction) * self.answer_seconds

    @property
    def second_moment(self) -> float:
        """E[S²], in seconds squared."""
        short, long = self.healthy_hold_seconds, self.silent_hold_seconds
        return (1 - self.silent_fraction) * short**2 + self.silent_fraction * long**2

    @property
    def capacity_per_second(self) -> float | None:
        """Tasks a second that the pool can do; None when a task takes no time at all."""
        return self.workers / self.hold_seconds if self.hold_seconds else None

    @property
    def utilization(self) -> float:
        """Load over workers; 1 and more is saturation."""
        return self.load_erlangs / self.workers

    @property
    def saturated(self) -> bool:
        """Whether more comes than can be done."""
        return self.load_erlangs > checks.below_saturation(self.workers)

    @property
    def growth_per_second(self) -> float:
        """How fast the queue grows: tasks that come less tasks that can be done; 0 below saturation."""
        capacity = self.capacity_per_second
        return max(0.0, self.rate_per_second - capacity) if self.saturated and capacity is not None else 0.0

    def detached(self) -> Demand:
        """The same tasks where the close holds no worker: only writing does."""
        return replace(self, silent_fraction=0.0, answer_seconds=0.0)
