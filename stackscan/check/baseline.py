"""The baseline: what is known to stand in a capture, reviewed and committed beside the code."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TextIO

from stackscan.errors import BaselineError
from stackscan.report import SnapshotReport
from stackscan.report.standing import Standing, creator_of, stands_at, sums

SCHEMA: Final = "stackscan.baseline"
SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Known:
    """One stack that is known, by its signature: at most ``count`` goroutines, where it waits in words, and the rules
    of severity error or warning that caught it."""

    signature: str
    count: int
    wait_reason: str | None
    at: str | None
    created_by: str | None
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Baseline:
    """What is known: goroutines in all, goroutines caught by each rule, and the stacks.

    ``where`` is the file that it was read from.
    """

    goroutines: int
    rules: Mapping[str, int]
    stacks: tuple[Known, ...]
    where: str | None = None

    @cached_property
    def by_signature(self) -> dict[str, Known]:
        """The known stacks by signature."""
        return {known.signature: known for known in self.stacks}

    @cached_property
    def counted(self) -> bool:
        """Whether it was taken from captures that tell neither wait reasons nor creators."""
        return all(known.wait_reason is None and known.created_by is None for known in self.stacks)

    @cached_property
    def _by_standing(self) -> Counter[Standing]:
        return sums(((known.at, known.created_by, known.wait_reason), known.count) for known in self.stacks)

    def known_at(self, standing: Standing) -> int:
        """How many goroutines are known to stand so; None in it stands for any."""
        return self._by_standing[standing]


def build_baseline(snapshots: Iterable[SnapshotReport]) -> Baseline:
    """The baseline of some captures: of each stack and each rule, the most that one of them holds."""
    goroutines = 0
    rules: dict[str, int] = {}
    stacks: dict[str, Known] = {}
    for snapshot in snapshots:
        goroutines = max(goroutines, snapshot.goroutines)
        for finding in snapshot.findings:
            rules[finding.rule.name] = max(rules.get(finding.rule.name, 0), finding.count)
        for known in _stacks(snapshot).values():
            if known.count > (stacks[known.signature].count if known.signature in stacks else 0):
                stacks[known.signature] = known
    return Baseline(goroutines, rules, tuple(sorted(stacks.values(), key=_order)))


def _stacks(snapshot: SnapshotReport) -> dict[str, Known]:
    """The stacks of one capture by signature: those that differ in lines only are one."""
    found: dict[str, Known] = {}
    # What is merely told of (information) is no known trouble: a stall in the same stack would be news.
    alarming = {finding.rule.name for finding in snapshot.findings if finding.severity != "info"}
    for stack in snapshot.buckets:
        bucket = stack.bucket
        before = found.get(bucket.signature)
        rules = {*(alarming & {*stack.rules}), *(before.rules if before else ())}
        count = bucket.count + (before.count if before else 0)
        found[bucket.signature] = Known(
            bucket.signature, count, bucket.wait_reason, stands_at(stack), creator_of(stack), tuple(sorted(rules))
        )
    return found


def _order(known: Known) -> tuple[str, str, str, str]:
    return known.at or "", known.created_by or "", known.wait_reason or "", known.signature


def write_baseline(baseline: Baseline, out: TextIO) -> None:
    """Write a baseline: one stack a line, sorted by place, so that a change of one is a diff of one line."""
    head = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "goroutines": baseline.goroutines,
        "rules": dict(sorted(baseline.rules.items())),
    }
    lines = [f" {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    stacks = ",\n".join(f"  {json.dumps(_as_json(known))}" for known in baseline.stacks)
    out.write("\n".join(["{", *lines, ' "stacks": [', stacks, " ]", "}", ""]))


def _as_json(known: Known) -> dict[str, Any]:
    return {
        "at": known.at,
        "created_by": known.created_by,
        "wait_reason": known.wait_reason,
        "count": known.count,
        "rules": list(known.rules),
        "signature": known.signature,
    }


def read_baseline(path: Path) -> Baseline:
    """The baseline in a file. Raises BaselineError."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BaselineError(f"{path} does not exist") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BaselineError(f"{path} cannot be read as a baseline: {error}") from error
    try:
        return _read(values, str(path))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise BaselineError(f"{path} is no baseline of stackscan: {what}") from error


def _read(values: Any, where: str) -> Baseline:
    if values["schema"] != SCHEMA:
        raise ValueError(f"its schema is {values['schema']!r}, not {SCHEMA!r}")
    if values["schema_version"] != SCHEMA_VERSION:
        raise ValueError(f"its schema version is {values['schema_version']!r}, this stackscan reads {SCHEMA_VERSION}")
    return Baseline(
        _number(values["goroutines"]),
        {_text(name): _number(count) for name, count in values["rules"].items()},
        tuple(_known(entry) for entry in values["stacks"]),
        where,
    )


def _known(entry: Any) -> Known:
    optional = [None if entry.get(key) is None else _text(entry[key]) for key in ("wait_reason", "at", "created_by")]
    rules = tuple(_text(rule) for rule in entry.get("rules", ()))
    return Known(_text(entry["signature"]), _number(entry["count"]), optional[0], optional[1], optional[2], rules)


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
