"""The finding about errors that a program reported with their stacks: no crash, and nothing hangs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Final

from stackscan.analysis.crashes.died import is_own, short
from stackscan.analysis.finding import Finding, Step
from stackscan.knowledge.crash import CrashKind
from stackscan.model.conclusion import LOGGED_ERROR
from stackscan.model.snapshot import Frame, Snapshot, Stack

#: What a recovery handler says before the value.
PANIC: Final = "panic "
_LONGEST: Final = 160
#: Where the standard library's files are when their functions have no names.
_PANICS: Final = ("panic", "runtime.gopanic")
#: Packages that write errors down: the error was made by who called them.
_REPORTERS: Final = (
    "go.opentelemetry.io/otel", "go.uber.org/zap", "github.com/rs/zerolog", "github.com/sirupsen/logrus",
    "github.com/getsentry/sentry-go", "github.com/pkg/errors", "github.com/gin-gonic/gin", "github.com/go-chi/chi",
)  # fmt: skip
_STD_FILES: Final = ("runtime/", "net/http/", "reflect/", "testing/", "/usr/local/go/src/", "/usr/lib/go")


@dataclass(slots=True)
class _Group:
    """Errors of one type in one place: their rows, how many there are, and how often each is worded how."""

    stack_id: int
    place: int | None
    rows: list[int] = field(default_factory=list)
    count: int = 0
    words: Counter[str] = field(default_factory=Counter)
    panicked: bool = False


def find_reported(snapshot: Snapshot, shown: Snapshot, kinds: Sequence[CrashKind]) -> Finding | None:
    """The finding about the errors of a snapshot; None where it has none, or where the rule is switched off.

    ``shown`` is the snapshot as it may be shown: without the program's own words where they are private.
    """
    kind = next((kind for kind in kinds if kind.name == LOGGED_ERROR), None)
    if kind is None or not any(conclusion.kind == LOGGED_ERROR for conclusion in snapshot.conclusions):
        return None
    groups = _groups(snapshot, shown)
    rows = sorted(row for group in groups for row in group.rows)
    total = sum(group.count for group in groups)
    steps = tuple(_step(group, shown.stacks[group.stack_id]) for group in groups)
    title = _title(groups, total, shown)
    stack_ids = tuple(dict.fromkeys(snapshot.column("stack_id")[row] for row in rows))
    deciding = {number: _place(snapshot.stacks[number]) or 0 for number in stack_ids}
    return Finding(
        rule=replace(kind.rule, noun="errors"),
        severity="warning",
        title=title,
        verdict=title.replace("$", "$$"),
        count=total,
        goroutine_ids=(),
        evidence={"errors": total},
        stack_ids=stack_ids,
        deciding=deciding,
        rows=rows,
        steps=steps,
    )


def _groups(snapshot: Snapshot, shown: Snapshot) -> list[_Group]:
    """The errors by stack's own place and type, most first."""
    counts = snapshot.counts or [1] * len(snapshot.table)
    stack_ids = snapshot.column("stack_id")
    found: dict[tuple[str, object], _Group] = {}
    public = len(shown.conclusions) == len(snapshot.conclusions)
    for number, conclusion in enumerate(snapshot.conclusions):
        if conclusion.kind != LOGGED_ERROR:
            continue
        row = conclusion.roles[0].row
        stack = snapshot.stacks[stack_ids[row]]
        place = _place(stack)
        kind = conclusion.says.partition('"')[0]
        group = found.setdefault((kind, None if place is None else stack.frames[place]), _Group(stack_ids[row], place))
        group.rows.append(row)
        group.count += counts[row]
        group.panicked |= kind == PANIC
        says = shown.conclusions[number].says if public else ""
        group.words[says.removeprefix(PANIC)] += counts[row]
    return sorted(found.values(), key=lambda group: -group.count)


def _title(groups: Sequence[_Group], total: int, shown: Snapshot) -> str:
    """``3 errors: *errors.errorString "no such cart" in cart.Load (load.go:12)``."""
    first = groups[0]
    panics = all(group.panicked for group in groups)
    text = ("1 panic was recovered" if total == 1 else f"{total:,} panics were recovered") if panics else ""
    text = text or f"{total:,} {'error' if total == 1 else 'errors'}"
    says, where = _cut(_says(first)), _where(first, shown.stacks[first.stack_id])
    if not any(first.words):  # they are private, or there are none
        says, where = "", where.removeprefix(" ")
    lead = f"; {first.count:,} of them " if len(groups) > 1 else ": " if says else " "
    return f"{text}{lead}{says}{where}"


def _says(group: _Group) -> str:
    """What most errors of a group say."""
    words = group.words.most_common(1)[0][0]
    more = len(group.words) - 1
    if not words:
        return "a panic" if group.panicked else "an error"
    return words if not more else f"{words} and {more:,} other {'message' if more == 1 else 'messages'}"


def _step(group: _Group, shown: Stack) -> Step:
    frame = None if group.place is None else shown.frames[group.place]
    words = _cut(_says(group))
    return Step((), group.count, f"{'panicked with' if group.panicked else 'reported'} {words}", frame)


def _where(group: _Group, shown: Stack) -> str:
    if group.place is None:
        return ""
    frame = shown.frames[group.place]
    file = PurePosixPath(frame.file.replace("\\", "/")).name
    place = f"{file}:{frame.line}" if file else ""
    name = "" if _is_nameless(frame) else short(frame)
    return f" in {name} ({place})" if name and place else f" in {name or place}"


def _place(stack: Stack) -> int | None:
    """The first frame that is not the standard library's, by its name or, where it has no package, by its file."""
    frames = stack.frames
    start = max((at + 1 for at, frame in enumerate(frames) if frame.function in _PANICS), default=0)
    own = [at for at, frame in enumerate(frames) if is_own(frame) or _is_own_file(frame)]
    callers = [at for at in own if not frames[at].function.startswith(_REPORTERS)]
    below = [at for at in callers if at >= start]
    return next(iter(below or callers or own), 0 if frames else None)


def _is_own_file(frame: Frame) -> bool:
    return "." not in frame.function and not frame.file.startswith(_STD_FILES)


def _is_nameless(frame: Frame) -> bool:
    return frame.function.startswith("0x") or frame.function == "?"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
