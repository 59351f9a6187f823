"""What is wrong with a process now, since when, and what changed: findings by what tells them apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from stackscan.analysis.finding import Finding, Step
from stackscan.knowledge import cause
from stackscan.report.growth import REFERENCES, WHY, Growth, Leak, leak_text, witnesses
from stackscan.report.serialise import finding_json

if TYPE_CHECKING:
    from stackscan.knowledge.rule import Severity
    from stackscan.live.sample import Sample

Event = Literal["appeared", "gone", "changed"]
#: A finding as in the JSON of a report.
Values = dict[str, Any]
#: Rule, cause, and the function of its first goroutine: what a finding keeps while its numbers change.
Key = tuple[str, str | None, str | None]

#: A count that is so many times as large, or as small, is a change.
_MUCH: Final = 2.0


@dataclass(frozen=True, slots=True)
class Standing:
    """A finding that stands: its values, and when it was first seen."""

    values: Values
    since: datetime

    @property
    def severity(self) -> Severity:
        """Its severity: error, warning or info."""
        severity: Severity = self.values["severity"]
        return severity


@dataclass(frozen=True, slots=True)
class Change:
    """Findings that appeared, went or changed between two samples of a process; ``findings`` as they are, or as they
    last were."""

    event: Event
    findings: tuple[Standing, ...]


def of_sample(sample: Sample, growth: Growth | None) -> dict[Key, Values]:
    """All findings of a sample, and the leaks that the samples before it show with it."""
    leaks = () if growth is None else growth.leaks
    every = [*(leak_values(leak) for leak in leaks), *sample.values]
    found: dict[Key, Values] = {}
    for values in every:
        found.setdefault(key_of(values), values)
    return found


def key_of(values: Mapping[str, Any]) -> Key:
    """What tells a finding from others of its process."""
    frames = [step["frame"] for step in values["steps"] if step["frame"] is not None]
    return values["rule"], values["cause"], frames[0]["function"] if frames else None


def leak_values(leak: Leak) -> Values:
    """A leak as a finding of a report."""
    first = leak.places[0]
    known = cause.named("leak")
    ids = tuple(first.stack.bucket.goroutine_ids)
    found = Finding(
        rule=replace(
            known, why=f"{WHY} {'. '.join(witnesses(leak))}.", fix=" ".join(known.fix.split()), references=REFERENCES
        ),
        severity="error",
        title=leak_text(leak),
        verdict=leak_text(leak),
        count=leak.count,
        goroutine_ids=ids,
        evidence={},
        stack_ids=(),
        deciding={},
        cause=known.name,
        confidence=leak.confidence,
        steps=(Step(ids, first.counts[-1], "grows", first.frame),),
    )
    evidence = {
        "counts": [sum(column) for column in zip(*(place.counts for place in leak.places), strict=True)],
        "rate_per_second": first.rate_per_second,
        "detector": leak.detector,
        "age": leak.age,
    }
    return finding_json(found) | {"evidence": evidence}


def changes(before: Mapping[Key, Standing], now: Mapping[Key, Standing]) -> tuple[Change, ...]:
    """What changed from one state to the next, in the order in which people want to hear it."""
    appeared = [now[key] for key in now if key not in before]
    gone = [before[key] for key in before if key not in now]
    changed = [now[key] for key in now if key in before and _differs(before[key].values, now[key].values)]
    told: tuple[tuple[Event, list[Standing]], ...] = (("appeared", appeared), ("changed", changed), ("gone", gone))
    return tuple(Change(event, tuple(found)) for event, found in told if found)


def _differs(before: Values, now: Values) -> bool:
    """Whether a finding means something else than before: not every goroutine more is news."""
    if any(before[name] != now[name] for name in ("severity", "cause", "confidence")):
        return True
    low, high = sorted((before["count"], now["count"]))
    return bool(high >= _MUCH * max(low, 1) and high - low > 1)


def stand(before: Mapping[Key, Standing], found: Mapping[Key, Values], at: datetime) -> dict[Key, Standing]:
    """The findings that stand now: those known keep the time when they were first seen."""
    return {key: Standing(values, before[key].since if key in before else at) for key, values in found.items()}


def alarming(found: Iterable[Standing]) -> bool:
    """Whether any is more than information."""
    return any(one.severity in ("error", "warning") for one in found)
