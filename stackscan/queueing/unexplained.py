"""What a projection from captures does not explain, in sentences beside its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from stackscan.queueing.projection import Captures, Projection

#: A probe that times out less often than this is not explained by the pool.
_RARE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Symptom:
    """What the pool's description knows besides numbers: ``probe`` is what a user sees fail, ``otherwise`` what else
    could make it fail."""

    probe: str = "a request"
    otherwise: str = ""


def unexplained(found: Projection, symptom: Symptom) -> tuple[str, ...]:
    """Sentences, none when nothing is left open."""
    captures, chance = found.captures, found.synchronous.probe_timeout_probability
    if found.endless or captures is None or captures.beside or not any(captures.held):
        return ()
    if found.synchronous.saturated:
        return _of_full(found, captures)
    if chance is None or chance > _RARE:
        return ()
    return (_of_probe(found, captures, symptom, chance), _of_causes(found, captures, symptom))


def _of_full(found: Projection, captures: Captures) -> tuple[str, ...]:
    """A full pool shows a lower bound, and one full moment is not a steady state."""
    if len(captures.held) > 1 or found.stall_load_interval is None:
        return ()
    load = found.stall_load_interval[0]
    text = f"this may be a burst, not an overload: at {load:.1f} erlangs the pool is full 5% of the time. "
    text += "Take several dumps, further apart than the close deadline."
    return (text,)


def _of_probe(found: Projection, captures: Captures, symptom: Symptom, chance: float) -> str:
    held = f"{sum(captures.held) / len(captures.held):.3g} of {found.workers} blocked workers"
    held += " on average" if len(captures.held) > 1 else ""
    worst = found.probe_timeout_probability_high
    upper = f" (at the upper limit of the load: {odds(worst)})" if worst is not None else ""
    return (
        f"{held} do not explain a {found.probe_timeout_seconds:g} s time-out of {symptom.probe}: at this load "
        f"{odds(chance)} wait that long{upper}."
    )


def _of_causes(found: Projection, captures: Captures, symptom: Symptom) -> str:
    once = len(captures.held) == 1
    lull = "this was a quiet moment" if once else "these were quiet moments"
    free = found.workers - max(captures.held)
    other = symptom.otherwise or "something other than this pool delayed it"
    speaks = f" (likely: {free} of {found.workers} workers were free)" if once and free else ""
    more = " Take more dumps, further apart than the close deadline." if once else ""
    return f"If it timed out, either the load varies and {lull}, or {other}{speaks}.{more}"


def odds(share: float) -> str:
    """``12.8% of requests``, ``fewer than 1 in 10,000 requests``, ``nearly all requests``."""
    if share < 1e-4:
        return "fewer than 1 in 10,000 requests"
    if share >= 0.9995:
        return "nearly all requests"
    return f"{share * 100:.2g}% of requests"
