"""The results as JSON values: names that scripts rely on, kept and only added to."""

from __future__ import annotations

from typing import Any, TextIO

from stackscan import __version__
from stackscan.queueing.replay import Replay
from stackscan.render.json.write import write
from stackscan.reproduce.close import CloseResult, CloseRun
from stackscan.reproduce.pool import Mode, ModeResult, PoolResult
from stackscan.reproduce.prediction import Prediction, holds

SCHEMA_VERSION = 1


def render_close(result: CloseResult, out: TextIO) -> None:
    """Write the outcome of ``reproduce close``."""
    write(close_values(result), out)


def render_pool(result: PoolResult, prediction: Prediction, out: TextIO) -> None:
    """Write the outcome of ``reproduce pool``, and what the pool model predicts for the same draw."""
    write(pool_values(result, prediction), out)


def close_values(result: CloseResult) -> dict[str, Any]:
    """All runs under ``runs``; the fields of the first one stand at the top as well, for the common case of one."""
    runs = [_run(run) for run in result.runs]
    return {
        "schema": "stackscan.reproduce.close",
        "schema_version": SCHEMA_VERSION,
        "stackscan_version": __version__,
        **runs[0],
        "cap_seconds": result.cap_seconds,
        "answer_after_seconds": result.answer_after_seconds,
        "interrupted": result.interrupted,
        "runs": runs,
    }


def pool_values(result: PoolResult, prediction: Prediction) -> dict[str, Any]:
    """Both ways to close (null: an interruption left it out), and what was predicted of them."""
    setup = result.setup
    modes = {Mode.SYNCHRONOUS: result.synchronous, Mode.DETACHED: result.detached}
    return {
        "schema": "stackscan.reproduce.pool",
        "schema_version": SCHEMA_VERSION,
        "stackscan_version": __version__,
        "workers": setup.workers,
        "tasks": len(setup.silent),
        "silent": sum(setup.silent),
        "silent_tasks": [task for task, silent in enumerate(setup.silent) if silent],
        "seed": setup.seed,
        "close_deadline_seconds": setup.close_deadline_seconds,
        "budget_seconds": setup.budget_seconds,
        "interrupted": result.interrupted,
        **{mode.value: None if run is None else _mode(run) for mode, run in modes.items()},
        "throughput_ratio": result.throughput_ratio,
        "predicted": {
            "service_seconds": prediction.service_seconds,
            **{mode.value: _replay(prediction.of(mode)) for mode in Mode},
            "throughput_ratio": prediction.throughput_ratio,
        },
        "as_predicted": {
            mode.value: None if run is None else holds(prediction.of(mode), run) for mode, run in modes.items()
        },
    }


def _run(run: CloseRun) -> dict[str, Any]:
    return {
        "peer": run.case.peer.value,
        "read_deadline_seconds": run.case.read_deadline_seconds,
        "close_seconds": round(run.close_seconds, 6),
        "returned": run.returned,
        "expected_seconds": run.expected_seconds,
        "as_expected": run.as_expected,
        "shape": None if run.shape is None else run.shape.value,
        "bytes_written": run.bytes_written,
        "writes": [len(written) for written in run.writes],
        "first_write": None if not run.writes else run.writes[0].hex(),
    }


def _mode(run: ModeResult) -> dict[str, Any]:
    return {
        "completed": run.completed,
        "tasks": run.tasks,
        "seconds": round(run.seconds, 6),
        "tasks_per_second": run.tasks_per_second,
        "ended": run.ended.value,
        "rounds_seconds": [round(seconds, 6) for seconds in run.rounds_seconds],
        "waves": [
            {
                "tasks": wave.tasks,
                "first_seconds": round(wave.first_seconds, 6),
                "last_seconds": round(wave.last_seconds, 6),
            }
            for wave in run.waves
        ],
        "silent_closes": {
            "begun": run.silent_closes.begun,
            "still_open": run.silent_closes.still_open,
            "worker-reads": run.silent_closes.worker_reads,
            "companion-reads": run.silent_closes.companion_reads,
        },
    }


def _replay(run: Replay) -> dict[str, Any]:
    """As ``pool replay`` prints many draws; of one draw all quantiles are the same."""
    return {
        "completed_before_budget": _certain(run.completed_before_budget),
        "completed_at_budget": _certain(run.completed_at_budget),
        "tasks_per_second": run.tasks_per_second,
        "makespan_seconds": run.makespan_seconds,
    }


def _certain(number: int) -> dict[str, int]:
    return dict.fromkeys(("mean", "p05", "p50", "p95"), number)
