"""The finding of a crash: what happened, which goroutine did it and where, in the words of its kind."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import Template
from typing import Final

from stackscan.analysis.crashes import overflow, timeouts
from stackscan.analysis.crashes.died import Dead, called_in_c, find_dead, is_own
from stackscan.analysis.crashes.ending import Ending, of_message, read_ending
from stackscan.analysis.finding import Evidence, Finding, Step
from stackscan.knowledge.crash import CrashKind
from stackscan.knowledge.rule import Severity
from stackscan.model.conclusion import LOGGED_ERROR
from stackscan.model.snapshot import Snapshot

_ASLEEP: Final = "fatal error: all goroutines are asleep"
#: Kinds that no goroutine of the dump is to blame for: the one listed first only noticed.
_NO_CULPRIT: Final = frozenset({"thread-exhaustion", "main-goexit", "morestack-on-g0", "bad-pointer"})
_DOES: Final = {
    "panic": "panicked",
    "handler": "panicked while it served a request",
    "fatal": "was running when the runtime stopped the program",
    "signal": "was running when the signal came",
    "request": "was running",
}
_SIZES: Final = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
#: Groups of patterns that are numbers of bytes.
_BYTES: Final = frozenset({"bytes", "used"})
_MOST_VALUE: Final = 160
_IDS: Final = 20
_MOST_STEPS: Final = 5


@dataclass(frozen=True, slots=True)
class _Told:
    """What is said of a crash: its kind, the sentence with its places, and what stands in them."""

    kind: CrashKind
    says: str
    groups: Mapping[str, str]


def find_crash(
    snapshot: Snapshot, shown: Snapshot, kinds: Sequence[CrashKind], among: Collection[int] | None = None
) -> Finding | None:
    """The finding about how the process of a dump died, or what it reported; None where it did not, or a rule says it.

    ``shown`` is the snapshot as it may be shown; ``among`` are the goroutines that findings are about (None: all).
    """
    if any(conclusion.kind == LOGGED_ERROR for conclusion in snapshot.conclusions):
        from stackscan.analysis.crashes.reported import find_reported

        if (reported := find_reported(snapshot, shown, kinds)) is not None:
            return _selected(reported, among)
    ending = read_ending(snapshot)
    public = of_message(shown.message)
    if ending is None or public is None or ending.nature == "request":
        return None
    if ending.lines[0].startswith(_ASLEEP) and snapshot.total:  # its rule counts them
        return None
    told = _told(ending, public, kinds)
    if told is None:
        return None
    if told.kind.cause == "test-timeout":
        return _selected(_of_timeout(told, snapshot, shown), among)
    return _selected(_of_crash(told, ending, public, snapshot, shown), among)


def _told(ending: Ending, public: Ending, kinds: Iterable[CrashKind]) -> _Told | None:
    """The first kind that knows one of the message's lines. What is said of it comes from the line as it may be
    shown."""
    for kind in kinds:
        for line, shown in zip(ending.lines, public.lines, strict=False):
            if kind.says(line) is not None:
                says, groups = kind.says(shown) or (f"$who died$where: {kind.rule.title}", {})
                return _Told(kind, says, groups)
    return None


def _selected(finding: Finding, among: Collection[int] | None) -> Finding | None:
    """The finding, if it is about one of the selected goroutines."""
    if among is None:
        return finding
    return finding if any(row in among for row in finding.rows) else None


# -- a crash -----------------------------------------------------------------------------------------------------------


def _of_crash(told: _Told, ending: Ending, public: Ending, snapshot: Snapshot, shown: Snapshot) -> Finding:
    dead = None if told.kind.name in _NO_CULPRIT else find_dead(snapshot, shown, ending.nature)
    title = _title(told, ending, public, dead)
    steps = [] if dead is None else [_first_step(ending, dead)]
    others = _others(told, dead, snapshot)
    steps += _steps_of_others(told, dead, others, snapshot, shown)
    rows = sorted(([] if dead is None else [dead.row]) + others)
    stack_ids = tuple(dict.fromkeys(snapshot.column("stack_id")[row] for row in rows))
    severity: Severity = "warning" if ending.nature == "handler" else "error"
    return Finding(
        rule=told.kind.rule,
        severity=severity,
        title=title,
        verdict=title,
        count=snapshot.count(rows),
        goroutine_ids=tuple(number for step in steps for number in step.ids)[:_IDS],
        evidence=_evidence(ending, public, shown),
        stack_ids=stack_ids,
        deciding={n: (dead.place or 0) if dead is not None and n == dead.stack_id else 0 for n in stack_ids},
        rows=rows,
        cause=told.kind.cause,
        confidence="proved",
        steps=tuple(steps),
    )


def _title(told: _Told, ending: Ending, public: Ending, dead: Dead | None) -> str:
    signal = public.signal
    words = {name: _number(name, text) for name, text in told.groups.items()}
    words |= {
        "who": "a goroutine" if dead is None else dead.who,
        "where": "" if dead is None else dead.where,
        "callee": "C code",
        "signal": "a signal" if signal is None else signal.title,
        "sent": " ended the process" if signal is None else signal.sent,
    }
    if dead is not None and (name := called_in_c(dead.shown)) is not None:
        words["callee"] = f"the C function {name}"
    if told.kind.name == "fatal-signal" and dead is not None and dead.where:
        words["where"] = f" while {dead.who} was{dead.where}"
    text = Template(told.says).safe_substitute(words)
    if told.kind.name == "stack-overflow" and dead is not None and (calls := overflow.describe(dead.stack, dead.shown)):
        text += f": {calls}, {overflow.depth(dead.stack)}"
    return text + _afterwards(public, dead) + _of_handler(ending)


def _afterwards(public: Ending, dead: Dead | None) -> str:
    """What happened after the first panic of several. Package testing throws every panic of a test again."""
    if not public.panics:
        return ""
    first = public.panics[0]
    later = [panic for panic in public.panics[1:] if panic.value != first.value]
    if not later:
        of_testing = dead is not None and "testing.tRunner.func1" in dead.stack.functions
        return "; a deferred call recovered it and threw it again" if first.recovered and not of_testing else ""
    values = " and then ".join(f"“{_cut(panic.value)}”" for panic in later[:2])
    more = f" and {len(later) - 2} more times" if len(later) > 2 else ""
    verb = "a deferred call recovered it and panicked" if first.recovered else "a deferred call then panicked"
    return f"; {verb} with {values}{more}"


def _of_handler(ending: Ending) -> str:
    return "; net/http recovered it and the server went on" if ending.nature == "handler" else ""


def _first_step(ending: Ending, dead: Dead) -> Step:
    ids = () if dead.goroutine_id is None else (dead.goroutine_id,)
    return Step(ids, 1, _DOES[ending.nature], dead.frame)


def _others(told: _Told, dead: Dead | None, snapshot: Snapshot) -> list[int]:
    """Goroutines that belong to the crash: who else may have used the map, or the bubble's blocked ones."""
    if told.kind.name == "synctest-deadlock":
        attributes = snapshot.column("attributes")
        rows = [row for row, text in enumerate(attributes) if text and "synctest" in text and "durable" in text]
        return [row for row in rows if dead is None or row != dead.row]
    if told.kind.name != "concurrent-map-access" or dead is None or dead.place is None:
        return []
    function = dead.stack.frames[dead.place].function
    own = {n: next((f.function for f in stack.frames if is_own(f)), None) for n, stack in enumerate(snapshot.stacks)}
    states = snapshot.column("wait_reason")
    return [
        row
        for row, stack_id in enumerate(snapshot.column("stack_id"))
        if row != dead.row and own[stack_id] == function and states[row] in ("running", "runnable")
    ]


def _steps_of_others(
    told: _Told, dead: Dead | None, rows: Sequence[int], snapshot: Snapshot, shown: Snapshot
) -> list[Step]:
    """What the other goroutines of a crash do, with the frame to look at: of a bubble by stack."""
    ids, stacks, states = (snapshot.column(name) for name in ("goroutine_id", "stack_id", "wait_reason"))
    if told.kind.name != "synctest-deadlock":
        does = "may be the other one: in the same function, ready to run"
        numbers = tuple(ids[row] for row in rows[:_IDS])
        return [Step(numbers, len(rows), does, None if dead is None else dead.frame)] if rows else []
    by_stack: dict[int, list[int]] = {}
    for row in rows:
        by_stack.setdefault(stacks[row], []).append(row)
    steps = []
    for stack_id, alike in list(by_stack.items())[:_MOST_STEPS]:
        own = next((at for at, frame in enumerate(snapshot.stacks[stack_id].frames) if is_own(frame)), None)
        frame = None if own is None else shown.stacks[stack_id].frames[own]
        numbers = tuple(ids[row] for row in alike[:_IDS])
        steps.append(Step(numbers, len(alike), f"is blocked in the bubble in {states[alike[0]]}", frame))
    return steps


def _evidence(ending: Ending, public: Ending, shown: Snapshot) -> Evidence:
    """The message's first line, the signal, and what else the runtime said."""
    found: Evidence = {"message": _cut(shown.message[0].strip())}
    if public.signal is not None:
        found["signal"] = public.signal.detail
    said = [line for line in public.lines[1:] if not line.startswith("runtime: sp=")]
    if said and ending.nature != "panic":
        found["runtime"] = _cut("; ".join(said))
    return found


# -- a time-out of tests -----------------------------------------------------------------------------------------------


def _of_timeout(told: _Told, snapshot: Snapshot, shown: Snapshot) -> Finding:
    found = timeouts.describe(snapshot, shown, told.groups.get("timeout"))
    rows = sorted(found.rows)
    stack_ids = tuple(dict.fromkeys(snapshot.column("stack_id")[row] for row in rows))
    frames = {n: snapshot.stacks[n].frames for n in stack_ids}
    own = {n: next((at for at, frame in enumerate(frames[n]) if is_own(frame)), 0) for n in stack_ids}
    ids = dict.fromkeys(number for step in found.steps for number in step.ids)
    return Finding(
        rule=told.kind.rule,
        severity="error",
        title=found.title,
        verdict=found.title,
        count=snapshot.count(rows),
        goroutine_ids=tuple(ids)[:_IDS],
        evidence={"message": _cut(shown.message[0].strip()), "judgement": found.judgement, **found.evidence},
        stack_ids=stack_ids,
        deciding=own,
        rows=rows,
        cause=told.kind.cause,
        confidence="proved",
        steps=found.steps,
    )


# -- words -------------------------------------------------------------------------------------------------------------


def _number(name: str, text: str) -> str:
    """A group of a pattern as a sentence says it: bytes with their unit, large numbers with separators."""
    if name in _BYTES and text.isdigit():
        return _size(int(text))
    if text.isdigit():
        return f"{int(text):,}"
    return _cut(text)


def _size(number: int) -> str:
    """``256 MiB``."""
    size, unit = float(number), 0
    while size >= 1024 and unit < len(_SIZES) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:,.0f} {_SIZES[unit]}" if size == int(size) or size >= 100 else f"{size:,.1f} {_SIZES[unit]}"


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_VALUE else f"{text[: _MOST_VALUE - 1]}…"
