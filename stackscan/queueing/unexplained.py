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
    text = (
        "One full pool in one dump does not tell a lasting overload from a burst: a pool below saturation is full at "
        f"moments, too (at a load of {found.stall_load_interval[0]:.1f}, one moment in twenty). Several dumps, further "
        "apart than the deadline, tell."
    )
    return (text,)


def _of_probe(found: Projection, captures: Captures, symptom: Symptom, chance: float) -> str:
    held = f"{sum(captures.held) / len(captures.held):.3g} of {found.workers} held"
    held += " on average" if len(captures.held) > 1 else ""
    worst = found.probe_timeout_probability_high
    upper = f"; at the upper end of the load to {odds(worst)}" if worst is not None else ""
    return (
        f"{held} does not explain {symptom.probe} that times out after {found.probe_timeout_seconds:g} s: at this load "
        f"that happens to {odds(chance)}{upper}."
    )


def _of_causes(found: Projection, captures: Captures, symptom: Symptom) -> str:
    once = len(captures.held) == 1
    lull = "this was a lull (more dumps, further apart than the deadline, tell)" if once else "these were lulls"
    free = found.workers - max(captures.held)
    noun = "worker that was" if free == 1 else "workers that were"
    other = symptom.otherwise or "something other than this pool delayed it"
    speaks = f"; the {free} {noun} not held speak for that" if once and free else ""
    return f"If it did, either the load swings and {lull}, or {other}{speaks}."


def odds(share: float) -> str:
    """``12.8% of them``, ``fewer than 1 in 10,000``, ``all of them``."""
    if share < 1e-4:
        return "fewer than 1 in 10,000"
    if share >= 0.9995:
        return "nearly all"
    return f"{share * 100:.2g}% of them"
