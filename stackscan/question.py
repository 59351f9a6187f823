"""What ``pool project`` is asked: numbers, metrics or captures, in whatever mixture they are given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from stackscan.errors import ModelError, SourceError
from stackscan.queueing.demand import Demand
from stackscan.queueing.projecting import PROBE_SECONDS, project
from stackscan.queueing.projection import Projection
from stackscan.queueing.prometheus import SendTimes, read_scrape, send_times
from stackscan.queueing.replay import SERVICE_SECONDS
from stackscan.queueing.transient import jump

if TYPE_CHECKING:
    from stackscan.configuration import Configuration

#: Told what is being read, how many bytes of it, and of how many.
Progress = Callable[[str, int, int], None]
#: A pool that carries so much of its workers is taken as full: its metrics then show no demand.
_FULL = 0.9
_MOST_METRICS_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Asked:
    """The options; None or empty where nothing was given. Times in seconds."""

    captures: tuple[str, ...]
    metrics: tuple[str, ...]
    scrape_seconds: float | None
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


def projected(asked: Asked, progress: Progress | None = None) -> tuple[Projection, SendTimes | None, str]:
    """The projection, what the metrics said, and how holds leave the pool."""
    measured = _measured(asked) if asked.metrics else None
    if measured is not None:
        asked = replace(
            asked,
            rate_per_second=asked.rate_per_second if asked.rate_per_second is not None else measured.rate_per_second,
            silent_fraction=asked.silent_fraction if asked.silent_fraction is not None else measured.silent_fraction,
            service_seconds=asked.service_seconds if asked.service_seconds is not None else measured.service_seconds,
        )
    if asked.captures:
        found, fix = _of_captures(asked, progress)
        return found, measured, fix
    return _of_numbers(asked, measured), measured, "with the fix"


def _of_captures(asked: Asked, progress: Progress | None) -> tuple[Projection, str]:
    from stackscan.captures import gather  # dumps are read, and polars loaded, only where there are some
    from stackscan.report.projection import project_held

    if asked.workers is not None or asked.peers is not None or asked.jump_from is not None:
        raise ModelError(
            "--workers, --peers and --jump-from need numbers, not captures",
            hint="Captures give the workers and the load; run it again with numbers instead of --from.",
        )
    configuration = None if asked.configured is None else asked.configured()
    pool, chosen = gather(
        asked.captures,
        pool=asked.pool,
        configuration=configuration,
        progress=progress,
        apart_seconds=asked.apart_seconds,
        holding_seconds=asked.deadline_seconds,
    )
    found = project_held(
        [capture.shown for capture in chosen.captures],
        gathered=chosen.gathered,
        holding_seconds=asked.deadline_seconds,
        probe_seconds=asked.probe_seconds,
        rate_per_second=asked.rate_per_second,
        silent_fraction=asked.silent_fraction,
        service_seconds=asked.service_seconds,
    )
    return found, pool.model.fix if pool.model else ""


def _of_numbers(asked: Asked, measured: SendTimes | None) -> Projection:
    if asked.rate_per_second is None or asked.silent_fraction is None:
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
        workers=12 if asked.workers is None else asked.workers,
        rate_per_second=asked.rate_per_second,
        silent_fraction=asked.silent_fraction,
        close_deadline_seconds=10.0 if asked.deadline_seconds is None else asked.deadline_seconds,
        service_seconds=SERVICE_SECONDS if asked.service_seconds is None else asked.service_seconds,
    )
    probe = PROBE_SECONDS if asked.probe_seconds is None else asked.probe_seconds
    found = project(demand, probe_timeout_seconds=probe, peers=asked.peers)
    if measured is not None:
        found = _as_measured(found, measured)
    if asked.jump_from is None:
        return found
    return replace(found, jump=jump(demand, silent_fraction_before=asked.jump_from, lasting_seconds=asked.jump_seconds))


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


def _measured(asked: Asked) -> SendTimes:
    scrapes = []
    for name in asked.metrics:
        try:
            with Path(name).open("rb") as file:
                data = file.read(_MOST_METRICS_BYTES + 1)
        except OSError as error:
            raise SourceError(f"{name}: {error.strerror or error}", hint="Give files of Prometheus text.") from None
        if len(data) > _MOST_METRICS_BYTES:
            raise SourceError(f"{name}: more than 64 MiB, too large for metrics")
        scrapes.append(read_scrape(data.decode("utf-8", "replace"), where=name))
    deadline = 10.0 if asked.deadline_seconds is None else asked.deadline_seconds
    return send_times(scrapes, close_deadline_seconds=deadline, seconds_between=asked.scrape_seconds)
