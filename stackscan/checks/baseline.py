"""The baseline: what is known to stand in a capture, reviewed and committed beside the code."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, TextIO

from stackscan.errors import BaselineError
from stackscan.knowledge.descriptions import LARGEST
from stackscan.report import SnapshotReport
from stackscan.report.places import CodePlace, add_up, creator_of, function_at

SCHEMA: Final = "stackscan.baseline"
SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Known:
    """One known stack, as the file has it: where it waits, how many goroutines at most, and the rules of severity error
    or warning that caught it."""

    at: str | None
    created_by: str | None
    wait_reason: str | None
    count: int
    rules: tuple[str, ...]
    signature: str


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
    def _by_standing(self) -> Counter[CodePlace]:
        return add_up(((known.at, known.created_by, known.wait_reason), known.count) for known in self.stacks)

    def known_at(self, standing: CodePlace) -> int:
        """How many goroutines are known to stand so; None in it stands for any."""
        return self._by_standing[standing]


class Maxima:
    """Of each stack and each rule, the most that one of several captures holds; each is added as it comes."""

    def __init__(self) -> None:
        self._goroutines = 0
        self._rules: dict[str, int] = {}
        self._stacks: dict[str, Known] = {}

    def add(self, snapshot: SnapshotReport) -> None:
        """Count one capture, too."""
        self._goroutines = max(self._goroutines, snapshot.goroutines)
        caught: Counter[str] = Counter()  # a root cause may occur several times in a capture
        for finding in snapshot.findings:
            caught[finding.rule.name] += finding.count
        for name, count in caught.items():
            self._rules[name] = max(self._rules.get(name, 0), count)
        stacks = self._stacks
        for known in _stacks(snapshot).values():
            if known.count > (stacks[known.signature].count if known.signature in stacks else 0):
                stacks[known.signature] = known

    def baseline(self) -> Baseline:
        """The baseline of all captures so far."""
        return Baseline(self._goroutines, dict(self._rules), tuple(sorted(self._stacks.values(), key=_order)))


def build_baseline(snapshots: Iterable[SnapshotReport]) -> Baseline:
    """The baseline of some captures: of each stack and each rule, the most that one of them holds."""
    maxima = Maxima()
    for snapshot in snapshots:
        maxima.add(snapshot)
    return maxima.baseline()


def _stacks(snapshot: SnapshotReport) -> dict[str, Known]:
    """The stacks of one capture by signature: those that differ in lines only are one."""
    found: dict[str, Known] = {}
    # A finding that is information only is no known trouble: a stall in the same stack would be new.
    alarming = {finding.rule.name for finding in snapshot.findings if finding.severity != "info"}
    for stack in snapshot.buckets:
        bucket = stack.bucket
        before = found.get(bucket.signature)
        rules = {*(alarming & {*stack.rules}), *(before.rules if before else ())}
        count = bucket.count + (before.count if before else 0)
        found[bucket.signature] = Known(
            function_at(stack), creator_of(stack), bucket.wait_reason, count, tuple(sorted(rules)), bucket.signature
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
    stacks = ",\n".join(f"  {json.dumps(asdict(known))}" for known in baseline.stacks)
    out.write("\n".join(["{", *lines, ' "stacks": [', stacks, " ]", "}", ""]))


class _WrongError(Exception):
    """What is wrong within a baseline: names the key and what was expected."""


def read_baseline(path: Path) -> Baseline:
    """The baseline in a file. Raises BaselineError that names the file, the key and what was expected there."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BaselineError(f"{path} does not exist") from None
    except OSError as error:
        raise BaselineError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise BaselineError(f"{path} is not a baseline: byte {error.start + 1:,} is not UTF-8") from error
    try:
        return _read(_json(text), str(path))
    except _WrongError as error:
        raise BaselineError(f"{path} is not a stackscan baseline: {error}") from error


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise _WrongError(f"line {error.lineno}, column {error.colno} is not JSON") from None
    except RecursionError:
        raise _WrongError("brackets are nested too deeply") from None
    except ValueError:  # the only other error of json
        raise _WrongError("a number has too many digits") from None


def _read(values: object, where: str) -> Baseline:
    top = _object(values, "the file")
    schema, version = top.get("schema"), top.get("schema_version")
    if schema != SCHEMA:
        raise _WrongError(f"'schema' must be {SCHEMA!r}, but is {_shown(schema)}")
    if type(version) is not int or version != SCHEMA_VERSION:  # true and 1.0 are equal to 1
        raise _WrongError(f"'schema_version' must be {SCHEMA_VERSION}, but is {_shown(version)}")
    rules, stacks = _object(top.get("rules"), "'rules'"), top.get("stacks")
    if not isinstance(stacks, list):
        raise _WrongError(f"'stacks' must be a list, but is {_shown(stacks)}")
    return Baseline(
        _count(top, "goroutines"),
        {name: _count(rules, name, "rules: ") for name in rules},
        tuple(_known(entry, f"stack {place}: ") for place, entry in enumerate(stacks, start=1)),
        where,
    )


def _known(entry: object, at: str) -> Known:
    stack = _object(entry, at.removesuffix(": "))
    rules = stack.get("rules", [])
    if not isinstance(rules, list) or not all(isinstance(rule, str) for rule in rules):
        raise _WrongError(f"{at}'rules' must be a list of strings, but is {_shown(rules)}")
    wait_reason, place, created_by = (_text(stack, key, at) for key in ("wait_reason", "at", "created_by"))
    signature = _text(stack, "signature", at)
    if signature is None:
        raise _WrongError(f"{at}'signature' is missing")
    return Known(place, created_by, wait_reason, _count(stack, "count", at), tuple(rules), signature)


def _object(value: object, what: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _WrongError(f"{what} must be an object ({{…}}), but is {_shown(value)}")
    return value


def _count(values: Mapping[str, object], key: str, at: str = "") -> int:
    value = values.get(key)
    if type(value) is not int or not 0 <= value <= LARGEST:
        raise _WrongError(f"{at}{key!r} must be a whole number from 0 to {LARGEST:,}, but is {_shown(value)}")
    return value


def _text(values: Mapping[str, object], key: str, at: str) -> str | None:
    value = values.get(key)
    if value is not None and not isinstance(value, str):
        raise _WrongError(f"{at}{key!r} must be a string, but is {_shown(value)}")
    return value


def _shown(value: object) -> str:
    """A value as it stands in the file, cut; of lists and objects what they are."""
    if value is None:
        return "missing or null"
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and abs(value) > LARGEST:
        return "a larger or smaller number"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:39] + "…"
