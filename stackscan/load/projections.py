"""Joins what a dump shows of a pool with the pool model, which knows no dump."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from stackscan.analysis.analyse import Analysis
from stackscan.analysis.finding import Finding
from stackscan.analysis.occupancy import PoolSample
from stackscan.knowledge.pool_model import Model

if TYPE_CHECKING:
    from stackscan.analysis.defects import Judgement
    from stackscan.queueing.projection import Projection

#: Of each process: the places of its captures, and when each was taken, in holding times; None: unknown.
Moments = tuple[tuple[tuple[int, ...], tuple[float, ...] | None], ...]
#: Pools larger than this are not projected: the law of what a dump shows is built number by number.
_MOST_WORKERS = 2_000


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is known of several dumps together: how many more were left out and why, and when each was taken (None:
    unknown)."""

    left_out: int = 0
    reason: str = ""
    moments: Moments | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """What one dump shows of a pool with a model: workers, how many are held, how many of the same holds run beside
    the pool, whether they do at all (``is_beside``), and whether holds have no end."""

    model: Model
    workers: int
    held: int
    beside: int
    is_beside: bool
    endless: bool

    @property
    def count(self) -> int:
        """All holds, wherever they are."""
        return self.held + self.beside


#: A dump by itself.
ONE_DUMP: Final = Gathered()


def held(sample: PoolSample, findings: Iterable[Finding], phases: Iterable[Judgement]) -> Held | None:
    """What a sample shows for its pool's model; None when the pool has none."""
    model = sample.pool.model
    if model is None or sample.workers > _MOST_WORKERS:
        return None
    caught = {finding.rule.name: finding.count for finding in findings}
    in_phase = {judgement.phase.name: judgement for judgement in phases}
    beside = caught.get(model.beside_rule, 0)
    fixed = any(judgement.phase.fixed and not judgement.contradicted_by for judgement in in_phase.values())
    stalled = sum(sample.states.get(state, 0) for state in model.holds)
    return Held(
        model=model,
        workers=sample.workers,
        held=stalled,
        beside=beside,
        is_beside=beside > 0 or (fixed and not stalled),
        endless=not beside and bool(model.endless_rule in caught or (stalled and model.endless_phase in in_phase)),
    )


def project_held(
    shown: Sequence[Held],
    *,
    gathered: Gathered = ONE_DUMP,
    holding_seconds: float | None = None,
    probe_seconds: float | None = None,
    rate_per_second: float | None = None,
    silent_fraction: float | None = None,
    service_seconds: float | None = None,
) -> Projection:
    """The projection of one or more dumps of one pool, ``gathered`` as it says. Given numbers go before those of the
    pool's description. Raises ModelError for numbers that make no pool."""
    from stackscan.queueing.calibration import Series, load_of_closers, load_of_workers
    from stackscan.queueing.projecting import Given, project_load
    from stackscan.queueing.projection import Captures
    from stackscan.queueing.unexplained import Symptom

    model, workers = shown[0].model, max(one.workers for one in shown)
    beside = any(one.is_beside for one in shown)
    counts = tuple(one.count for one in shown)
    moments = gathered.moments or ((tuple(range(len(counts))), None),)
    series = [Series(tuple(counts[place] for place in places), at) for places, at in moments]
    load = load_of_closers(series) if beside else load_of_workers(series, workers=workers)
    untimed = any(at is None and len(places) > 1 for places, at in moments)
    return project_load(
        load,
        workers=workers,
        captures=Captures(counts, load.full, gathered.left_out, gathered.reason, beside, load.independent, untimed),
        given=Given(
            holding_seconds=holding_seconds or model.holding_seconds,
            endless=holding_seconds is None and any(one.endless for one in shown),
            probe_timeout_seconds=probe_seconds or model.probe_seconds,
            rate_per_second=rate_per_second,
            silent_fraction=silent_fraction,
            service_seconds=service_seconds,
        ),
        symptom=Symptom(model.probe, model.otherwise),
    )


def project_samples(analysis: Analysis) -> tuple[tuple[str, Projection], ...]:
    """The projection of each pool with a model, by the pool's name."""
    shown = ((sample.pool.name, held(sample, analysis.findings, analysis.defects)) for sample in analysis.samples)
    return tuple((name, _projected(one)) for name, one in shown if one is not None)


@lru_cache(maxsize=1024)
def _projected(shown: Held) -> Projection:
    """The projection of a pool in one dump: captures of one load share it."""
    return project_held([shown])
