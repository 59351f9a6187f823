"""The pool model's prediction for the draw that is run."""

from __future__ import annotations

from dataclasses import dataclass

from stackscan.queueing.replay import SERVICE_SECONDS, Replay, replay
from stackscan.reproduce.pool import Ended, Mode, ModeResult, PoolSetup


@dataclass(frozen=True, slots=True)
class Prediction:
    """One exact replay for each way to close, at this service time."""

    service_seconds: float
    synchronous: Replay
    detached: Replay

    @property
    def throughput_ratio(self) -> float | None:
        """How many times as many tasks a second detached; None when there is nothing to compare."""
        if not self.synchronous.tasks_per_second:
            return None
        return self.detached.tasks_per_second / self.synchronous.tasks_per_second

    def of(self, mode: Mode) -> Replay:
        """The replay of one way to close."""
        return self.detached if mode is Mode.DETACHED else self.synchronous


def predict(setup: PoolSetup, *, service_seconds: float = SERVICE_SECONDS) -> Prediction:
    """Replay the draw, each write taking ``service_seconds``. Raises ModelError for a time that is none."""
    both = [
        replay(
            setup.silent,
            workers=setup.workers,
            deadline_seconds=setup.close_deadline_seconds,
            budget_seconds=setup.budget_seconds,
            service_seconds=service_seconds,
            detached=detached,
        )
        for detached in (False, True)
    ]
    return Prediction(service_seconds, *both)


def holds(predicted: Replay, result: ModeResult) -> bool | None:
    """Whether the result is the predicted one: no fewer tasks than end before the budget, no more than end with it.

    None when the run was interrupted, and so says nothing.
    """
    if result.ended is Ended.INTERRUPTED:
        return None
    return predicted.completed_before_budget <= result.completed <= predicted.completed_at_budget
