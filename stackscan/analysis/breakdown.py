"""Counts goroutines, findings and pool workers by what a goroutine has: a label, its host, its module, its creator
(``--by``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from stackscan.analysis.occupancy import PoolSample, workers_of
from stackscan.errors import UsageError
from stackscan.formats.labels import read_labels, without_surrogates
from stackscan.formats.symbol import deciding_frame, origin, outside_runtime, read_symbol, unescape_path
from stackscan.model.capture import Capture

if TYPE_CHECKING:
    from stackscan.analysis.finding import Finding
    from stackscan.model.snapshot import Frame, Snapshot

_LABEL: Final = "label:"
#: What goroutines may be counted by beside labels.
KEYS: Final = ("host", "module", "created_at")
#: Values that are kept one by one; a label may have another value for each request.
MOST_VALUES: Final = 1_000


@dataclass(frozen=True, slots=True)
class PoolShare:
    """The workers of one pool among some goroutines, and how many of them are busy."""

    pool: str
    workers: int
    busy: int


@dataclass(frozen=True, slots=True)
class Share:
    """The goroutines with one value (None: they have none): how many there are, how many of them each rule's findings
    hold, and the workers of pools among them."""

    value: str | None
    goroutines: int
    findings: tuple[tuple[str, int], ...] = ()
    pools: tuple[PoolShare, ...] = ()


@dataclass(frozen=True, slots=True)
class Rest:
    """The values that are not listed: how many, and what their goroutines add up to."""

    values: int
    sum: Share


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The goroutines of one dump by the values of ``key`` (``label:tenant``).

    ``shares`` are sorted: those with most goroutines in findings first, then those with most goroutines. At most
    MOST_VALUES are kept; ``rest`` are the others (None: there are none). ``labels`` are the labels of the dump where it
    has none with this key (None: it has it, or the key is no label).
    """

    key: str
    shares: tuple[Share, ...]
    rest: Rest | None = None
    labels: tuple[str, ...] | None = None

    def first(self, most: int) -> tuple[tuple[Share, ...], Rest | None]:
        """The first shares, and the rest."""
        left = self.shares[most:]
        if not left:
            return self.shares, self.rest
        rest = self.rest or Rest(0, Share(None, 0))
        return self.shares[:most], Rest(len(left) + rest.values, _sum([*left, rest.sum]))


def check_key(key: str | None) -> None:
    """Raise UsageError if this is nothing that goroutines can be counted by."""
    if key is None or key in KEYS or (key.startswith(_LABEL) and key != _LABEL):
        return
    meant = key.removeprefix(_LABEL).strip() or "KEY"
    raise UsageError(
        f"--by {key}: goroutines are counted by label:KEY, {', '.join(KEYS[:-1])} or {KEYS[-1]}",
        hint=f"For a profiler label write --by label:{meant}.",
    )


def is_label(key: str) -> bool:
    """Whether the key is a profiler label."""
    return key.startswith(_LABEL)


def break_down(
    key: str,
    shown: Capture,
    whole: Snapshot,
    *,
    findings: Sequence[Finding],
    samples: Sequence[PoolSample],
    among: Sequence[int] | None = None,
    values: Sequence[str | None] | None = None,
) -> Breakdown:
    """Count by a key. Findings and pools have the rows of the ``whole`` snapshot, values are those of the capture as it
    is ``shown``; only the rows that are ``among`` some count (None: all). ``values`` has the value of each row (None:
    they are read here)."""
    values = values_by_row(key, shown, findings) if values is None else values
    rows = range(len(values)) if among is None else among
    tally = _Tally(values, frozenset(rows), whole.counts)
    goroutines = tally.counts(rows)
    caught: dict[str, set[int]] = {}
    for finding in findings:
        if finding.rule.kind == "stuck":
            caught.setdefault(finding.rule.name, set()).update(finding.rows)
    by_rule = {rule: tally.counts(held) for rule, held in caught.items()}
    by_pool = {}
    for sample in samples:
        workers = workers_of(sample.pool, whole)
        busy = tally.counts(row for row, works in workers if works)
        by_pool[sample.pool.name] = tally.counts(row for row, _ in workers), busy
    stuck = tally.counts(set().union(*caught.values()))
    order = sorted(goroutines, key=lambda value: (-stuck[value], -goroutines[value], value is None, value or ""))
    shares = [
        Share(
            value,
            goroutines[value],
            tuple((rule, counts[value]) for rule, counts in by_rule.items() if counts[value]),
            tuple(PoolShare(name, all_[value], busy[value]) for name, (all_, busy) in by_pool.items() if all_[value]),
        )
        for value in order
    ]
    left = shares[MOST_VALUES:]
    rest = Rest(len(left), _sum(left)) if left else None
    missing = is_label(key) and not any(value is not None for value in values)
    return Breakdown(
        key, tuple(shares[:MOST_VALUES]), rest, tuple(sorted(_labels(shown.snapshot))) if missing else None
    )


@dataclass(frozen=True, slots=True)
class _Tally:
    """Counts goroutines by value: the value of each row, which rows count, and how many goroutines each stands for."""

    values: Sequence[str | None]
    among: frozenset[int]
    weights: Sequence[int] | None

    def counts(self, rows: Iterable[int]) -> Counter[str | None]:
        found: Counter[str | None] = Counter()
        for row in rows:
            if row in self.among:
                found[self.values[row]] += 1 if self.weights is None else self.weights[row]
        return found


def _sum(shares: Iterable[Share]) -> Share:
    """All of some shares together."""
    goroutines = 0
    findings: Counter[str] = Counter()
    workers: Counter[str] = Counter()
    busy: Counter[str] = Counter()
    for share in shares:
        goroutines += share.goroutines
        findings.update(dict(share.findings))
        workers.update({one.pool: one.workers for one in share.pools})
        busy.update({one.pool: one.busy for one in share.pools})
    pools = (PoolShare(name, count, busy[name]) for name, count in workers.items())
    return Share(None, goroutines, tuple(findings.items()), tuple(pools))


def values_by_row(key: str, shown: Capture, findings: Iterable[Finding]) -> list[str | None]:
    """The value of each row (None: it has none)."""
    snapshot = shown.snapshot
    if is_label(key):
        texts, label = snapshot.column("labels"), without_surrogates(key.removeprefix(_LABEL))
        read = _read(texts)
        return [read[text].get(label) for text in texts]
    if key == "host":
        return [shown.taken.host or shown.place.stream or None] * len(snapshot.table)
    of_stack: Callable[[int], str | None] = (
        (lambda stack_id: _created_at(snapshot.stacks[stack_id].created_by))
        if key == "created_at"
        else _Modules(snapshot, findings)
    )
    stacks = snapshot.column("stack_id")
    found = {stack_id: of_stack(stack_id) for stack_id in set(stacks)}
    return [found[stack_id] for stack_id in stacks]


def _created_at(frame: Frame | None) -> str | None:
    """``main.serve server.go:40``; the file is left out where the runtime did not know it."""
    if frame is None:
        return None
    return f"{frame.function} {PurePosixPath(frame.file).name}:{frame.line}" if frame.file else frame.function


class _Modules:
    """The module of the frame to look at in each stack: the one that decided for a rule, where one matched."""

    def __init__(self, snapshot: Snapshot, findings: Iterable[Finding]) -> None:
        self._stacks = snapshot.stacks
        self._decided: dict[int, int] = {}
        for finding in findings:
            for stack_id in finding.stack_ids:
                self._decided.setdefault(stack_id, finding.deciding[stack_id])

    def __call__(self, stack_id: int) -> str | None:
        """``github.com/ipfs/boxo``, or the package's path where the file does not name a module; None for a stack
        without frames."""
        stack = self._stacks[stack_id]
        if not stack.frames:
            return None
        decided = self._decided.get(stack_id)
        frame = stack.frames[deciding_frame(stack) if decided is None else outside_runtime(decided, stack)]
        package = read_symbol(frame.function).package
        return origin(frame).module or unescape_path(package) or frame.function


def values_by_label(snapshot: Snapshot, most: int) -> list[tuple[str, list[str | None]]]:
    """The value of each row by a key (``label:tenant``) for each of the first labels: those that most goroutines have,
    and of equals those with fewer values."""
    texts, counts = snapshot.column("labels"), snapshot.counts
    read = _read(texts)
    found: dict[str, Counter[str]] = {}
    for row, text in enumerate(texts):
        for name, value in read[text].items():
            found.setdefault(name, Counter())[value] += 1 if counts is None else counts[row]
    ordered = sorted(found, key=lambda name: (-found[name].total(), len(found[name]), name))
    return [(f"{_LABEL}{name}", [read[text].get(name) for text in texts]) for name in ordered[:most]]


def _read(texts: Iterable[str | None]) -> dict[str | None, dict[str, str]]:
    """The labels in each text; the first value counts where a label is there twice."""
    return {
        text: {without_surrogates(name): without_surrogates(value) for name, value in reversed(read_labels(text))}
        if text
        else {}
        for text in set(texts)
    }


def _labels(snapshot: Snapshot) -> set[str]:
    """The labels of a dump."""
    return {name for labels in _read(snapshot.column("labels")).values() for name in labels}
