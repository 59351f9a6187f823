"""Answers requests to the pool model, from numbers, metrics or captures in any mixture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from stackscan.errors import ModelError
from stackscan.queueing.demand import Demand
from stackscan.queueing.projecting import DEADLINE_SECONDS, PROBE_SECONDS, project
from stackscan.queueing.projection import Projection
from stackscan.queueing.replay import SERVICE_SECONDS
from stackscan.queueing.transient import jump

if TYPE_CHECKING:
    from stackscan.knowledge.configuration import Configuration
    from stackscan.queueing.send_times import SendTimes

#: Called with what is being read, how many bytes of it, and of how many.
Progress = Callable[[str, int, int], None]
#: A pool that carries so much of its workers is taken as full: its metrics then show no demand.
_FULL = 0.9


@dataclass(frozen=True, slots=True)
class ProjectionRequest:
    """What is known of a pool; None or empty where nothing was given. Times in seconds.

    ``captures`` are inputs to read, ``measured`` is what the metrics of the node say; given numbers go before both.
    """

    captures: tuple[str, ...]
    measured: SendTimes | None
    pool: str | None
    workers: int | None
    rate_per_second: float | None
    silent_fraction: float | None
    deadline_seconds: float | None
    service_seconds: float | None
    probe_seconds: float | None
    peers: int | None
    jump_from: float | None
    jump_seconds: float
    apart_seconds: float | None = None
    configured: Callable[[], Configuration] | None = None  # the rules and pools to read captures with


def project_request(request: ProjectionRequest, progress: Progress | None = None) -> tuple[Projection, str]:
    """The projection, and what moves closes out of the workers. Raises ModelError for numbers that make no pool."""
    measured = request.measured
    if measured is not None:
        names = ("rate_per_second", "silent_fraction", "service_seconds")
        request = replace(
            request, **{name: getattr(measured, name) for name in names if getattr(request, name) is None}
        )
    if request.captures:
        return _of_captures(request, progress)
    return _of_numbers(request), "with the fix"


def _of_captures(request: ProjectionRequest, progress: Progress | None) -> tuple[Projection, str]:
    from stackscan.load.gather import gather  # dumps are read, and polars loaded, only where there are some
    from stackscan.load.projections import project_held

    if request.workers is not None or request.peers is not None or request.jump_from is not None:
        raise ModelError(
            "--workers, --peers and --jump-from need numbers, not captures",
            hint="Captures give the workers and the load; run it again with numbers instead of --from.",
        )
    configuration = None if request.configured is None else request.configured()
    pool, gathered = gather(
        request.captures,
        pool=request.pool,
        configuration=configuration,
        progress=progress,
        apart_seconds=request.apart_seconds,
        holding_seconds=request.deadline_seconds,
    )
    found = project_held(
        [capture.shown for capture in gathered.captures],
        gathered=gathered.gathered,
        holding_seconds=request.deadline_seconds,
        probe_seconds=request.probe_seconds,
        rate_per_second=request.rate_per_second,
        silent_fraction=request.silent_fraction,
        service_seconds=request.service_seconds,
    )
    return found, pool.model.fix if pool.model else ""


def _of_numbers(request: ProjectionRequest) -> Projection:
    measured = request.measured
    if request.rate_per_second is None or request.silent_fraction is None:
        if measured is not None:
            raise ModelError(
                "the metrics give no rate: the time between the scrapes is unknown",
                hint="Give two scrapes and --scrape-interval TIME, or --rate PER_SECOND.",
            )
        raise ModelError(
            "nothing to project",
            hint="Give --rate and --silent-fraction, or --from SOURCE..., or --metrics FILE....",
        )
    demand = Demand(
        workers=12 if request.workers is None else request.workers,
        rate_per_second=request.rate_per_second,
        silent_fraction=request.silent_fraction,
        close_deadline_seconds=DEADLINE_SECONDS if request.deadline_seconds is None else request.deadline_seconds,
        service_seconds=SERVICE_SECONDS if request.service_seconds is None else request.service_seconds,
    )
    probe = PROBE_SECONDS if request.probe_seconds is None else request.probe_seconds
    found = project(demand, probe_timeout_seconds=probe, peers=request.peers)
    if measured is not None:
        found = _as_measured(found, measured)
    if request.jump_from is None:
        return found
    return replace(
        found, jump=jump(demand, silent_fraction_before=request.jump_from, lasting_seconds=request.jump_seconds)
    )


def _as_measured(found: Projection, measured: SendTimes) -> Projection:
    """With the interval of the measured load. A full pool's metrics show what it carries: a lower bound of the load,
    and no growth of the queue."""
    interval = measured.stall_load_interval
    if interval is None or (measured.stall_load_erlangs or 0.0) < _FULL * found.workers:
        return replace(found, stall_load_interval=interval)
    carried = replace(found.synchronous, growth_per_second=None)
    but = (
        "The metrics count completed sends only, and the pool is nearly full: the real demand may be higher, and the "
        "waits here are a lower bound. A dump shows whether the pool is full."
    )
    return replace(found, stall_load_interval=(interval[0], None), synchronous=carried, unexplained=(but,))
