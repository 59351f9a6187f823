"""What judging needs of one input, and no more: many inputs are read before the first is judged.

It also travels between processes: rules and pools by their names, and each distinct stack once in memory, however many
captures show it.
"""

from __future__ import annotations

import copyreg
import io
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from stackscan.knowledge.configuration import Configuration
from stackscan.knowledge.pool import Pool
from stackscan.knowledge.rule import Rule
from stackscan.model.bucket import Bucket
from stackscan.model.snapshot import Frame, Stack
from stackscan.report import BundleReport, CaptureReport, FrameReport, Report, SnapshotReport, StackReport
from stackscan.report.growth import Observation, Shape, observe
from stackscan.sources.times import captured_at


@dataclass(frozen=True, slots=True)
class Evidence:
    """The report of one input, and of each of its captures what growth is judged by (empty: there is one capture)."""

    report: Report
    observations: tuple[Observation, ...]


@dataclass(frozen=True, slots=True)
class Collect:
    """Makes the evidence of each input. ``whole`` keeps all that reports show; ``growing``: there are other inputs;
    ``packs``: as bytes for another process, whose :class:`Unpacking` takes them."""

    whole: bool
    growing: bool
    packs: bool = False

    def __call__(self, source: str, captures: list[CaptureReport], bundle: BundleReport | None) -> Evidence | bytes:
        """The evidence of one input."""
        if not self.whole:
            captures = [replace(one, report=_needed(one.report)) for one in captures]
        seen = [one for one in captures if not one.capture.second_view]
        growing = self.growing or len(seen) > 1
        found = Evidence(
            Report(tuple(one.report for one in captures), () if bundle is None else (bundle,)),
            tuple(_observed(source, one) for one in seen) if growing else (),
        )
        return _packed(found) if self.packs else found

    def __reduce__(self) -> tuple[object, ...]:
        """As another process makes it."""
        return Collect, (self.whole, self.growing, True)


def _observed(source: str, one: CaptureReport) -> Observation:
    taken = one.capture.taken
    when = captured_at(source, one.report.member) or taken.captured_at
    return observe(one.report, one.capture.snapshot, when, taken.host)


def _needed(report: SnapshotReport) -> SnapshotReport:
    """A report with what is judged and what a check shows of it: findings, pools, stacks with the frame to look at."""
    return replace(
        report,
        buckets=tuple(_with_deciding_frame(found) for found in report.buckets),
        shown=(),
        set_aside=(),
        proposals=(),
        families=(),
        finding_families=(),
        phases=(),
        modules=(),
        finding_frames=(),
        locks=type(report.locks)(),
    )


def _with_deciding_frame(found: StackReport) -> StackReport:
    lines = tuple(line for line in found.lines if isinstance(line, FrameReport) and line.deciding)
    return replace(found, lines=lines[:1])


# -- on the way from one process to another ---------------------------------------------------------------------------


def _packed(found: Evidence) -> bytes:
    out = io.BytesIO()
    pickler = pickle.Pickler(out, protocol=pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = copyreg.dispatch_table.copy()
    pickler.dispatch_table.update(_REDUCE)
    pickler.dump(found)
    return out.getvalue()


def _known_rule(name: str, noun: str) -> Rule:
    """Stands in a pickle for the rule of that name."""
    raise NotImplementedError(name, noun)


def _known_pool(name: str) -> Pool:
    """Stands in a pickle for the pool of that name."""
    raise NotImplementedError(name)


def _one(kind: type, *values: Any) -> Any:
    """Stands in a pickle for the object of a kind with these values, the same one each time."""
    raise NotImplementedError(kind, values)


def _observation(values: Mapping[str, Any]) -> Observation:
    """Stands in a pickle for an observation."""
    raise NotImplementedError(values)


def _bucket(found: Bucket) -> tuple[Any, ...]:
    waits = (found.min_wait_minutes, found.max_wait_minutes)
    return Bucket, (found.signature, found.count, found.wait_reason, found.stack, *waits, found.goroutine_ids)


_REDUCE: Final[Mapping[type, Callable[[Any], tuple[Any, ...]]]] = {
    Rule: lambda rule: (_known_rule, (rule.name, rule.noun)),
    Pool: lambda pool: (_known_pool, (pool.name,)),
    Frame: lambda frame: (_one, (Frame, frame.function, frame.file, frame.line, frame.pc_offset)),
    Stack: lambda stack: (_one, (Stack, stack.frames, stack.created_by, stack.elided, stack.unavailable)),
    Bucket: _bucket,
    FrameReport: lambda line: (_one, (FrameReport, line.frame, line.kind, line.deciding)),
    StackReport: lambda found: (StackReport, (found.bucket, found.lines, found.rules, found.aside)),
    Shape: lambda shape: (_one, (Shape, *(getattr(shape, each.name) for each in fields(shape)))),
    Observation: lambda seen: (_observation, ({each.name: getattr(seen, each.name) for each in fields(seen)},)),
}


class Unpacking:
    """Takes the evidence that other processes packed. ``configuration`` has the rules and pools that they used."""

    def __init__(self, configuration: Configuration) -> None:
        self._rules = {rule.name: rule for rule in configuration.every_rule}
        self._pools = {pool.name: pool for pool in configuration.pools}
        self._same: dict[Any, Any] = {}
        self._instead: dict[str, Callable[..., Any]] = {
            _known_rule.__name__: self._rule,
            _known_pool.__name__: self._pools.__getitem__,
            _one.__name__: self._one,
            _observation.__name__: self._observation,
        }

    def evidence(self, packed: bytes) -> Evidence:
        """The evidence of one input."""
        unpickler = _Unpickler(io.BytesIO(packed))
        unpickler.instead = self._instead
        found: Evidence = unpickler.load()
        return found

    def _rule(self, name: str, noun: str) -> Rule:
        rule = self._rules[name]
        return rule if rule.noun == noun else replace(rule, noun=noun)

    def _one(self, *key: Any) -> Any:
        found = self._same.get(key)
        if found is None:
            found = self._same[key] = key[0](*key[1:])
        return found

    def _observation(self, values: dict[str, Any]) -> Observation:
        values["places"] = tuple(self._same.setdefault(place, place) for place in values["places"])
        return Observation(**values)


class _Unpickler(pickle.Unpickler):
    instead: Mapping[str, Callable[..., Any]]

    def find_class(self, module: str, name: str) -> Any:
        """What a name in a pickle means here."""
        if module == __name__ and name in self.instead:
            return self.instead[name]
        return super().find_class(module, name)
