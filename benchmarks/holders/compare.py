"""What the source reading says of a dump's goroutines beside the locks that they held."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from benchmarks.holders.truth import Lock, Moment
from stackscan.analysis.causes.code import Code, Held
from stackscan.analysis.causes.scene import Scene
from stackscan.analysis.causes.waiting import Waiting
from stackscan.analysis.finding import Finding
from stackscan.analysis.locks import find_locks
from stackscan.formats.contents import read_source
from stackscan.formats.symbol import origin, read_symbol
from stackscan.golang.reader import Reader
from stackscan.golang.reading import Reading
from stackscan.golang.roots import Sources
from stackscan.golang.tree import field as part
from stackscan.golang.tree import text
from stackscan.knowledge.configuration import shipped
from stackscan.model.snapshot import Frame
from stackscan.pipeline import Options, scan

#: The calls of package sync between which and the table a goroutine may be caught.
_CALL: Final = re.compile(r"sync\.\(\*(?:RWMutex|Mutex|rlocker)\)\.(?:Try)?R?(?:Lock|Unlock)$|sync\.holders")
_INNER: Final = re.compile(r"(?:internal/)?sync\.|runtime\.|internal/runtime/")
_SINCE: Final = re.compile(r"\bholds? .*?since ((?:[^\s:()]+:\d+(?: or )?)+)")
_HOLDS: Final = re.compile(r"\bholds? ")
_MOVING: Final = frozenset({"running", "runnable", "preempted", "copystack"})

RIGHT, WRONG, MOVING = "right", "wrong", "moving"


@dataclass
class Outcome:
    """How one or more dumps came out. ``counts`` are by what is counted; ``wrong``, ``missed`` and ``said`` are the
    wrong claims that a lock must be held, the locks that no claim names, and the wrong statements in findings;
    ``maybe`` the wrong claims that a lock may be held."""

    dumps: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    maybe: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    causes: Counter[str] = field(default_factory=Counter)

    def add(self, other: Outcome) -> None:
        """Count another one to this."""
        self.dumps += other.dumps
        for name in ("counts", "classes", "causes"):
            getattr(self, name).update(getattr(other, name))
        for name in ("wrong", "missed", "maybe", "said"):
            getattr(self, name).extend(getattr(other, name))


@dataclass(frozen=True)
class Claim:
    """That a goroutine holds a lock: which of its frames took it, in which line of the frame's file."""

    goroutine: int
    frame: Frame
    held: Held

    @property
    def where(self) -> set[tuple[str, int]]:
        """The file and the lines in one of which it was taken, or in which a helper was called that took it."""
        return {(self.frame.file, line) for line in self.held.hold.lines}

    def fits(self, lock: Lock) -> bool:
        """Whether a lock was taken there."""
        frames = lock.frames if self.held.hold.by_callee else lock.frames[:1]
        return any((frame.file, frame.line) in self.where for frame in frames)

    def __str__(self) -> str:
        hold = self.held.hold
        how = "either" if hold.either else "write" if hold.writing else "read"
        how += ", by a callee" if hold.by_callee else ""
        lines = " or ".join(map(str, hold.lines))
        return f"goroutine {self.goroutine}: {self.held.key[1]} since {self.frame.file}:{lines} ({how})"


def compare(moment: Moment, path: Path, roots: list[Path]) -> Outcome:
    """Compare one dump, which is in a file, with its table."""
    found = Outcome(dumps=1)
    snapshot = read_source(str(path)).captures[0].snapshot
    code = Code(Scene(snapshot, find_locks(snapshot), (), snapshot.stacks), Reader(Sources(roots)))
    ids = snapshot.rows["goroutine_id"].to_list()
    locks: dict[int, list[Lock]] = defaultdict(list)
    for lock in moment.locks:
        locks[lock.goroutine].append(lock)
    waits = {ids[row]: wait for wait in code.scene.waits for row in wait.rows.tolist()}
    for goroutine, wait in waits.items():
        try:
            claims = [
                Claim(goroutine, wait.frames[held.frame], held)
                for first in code.held(wait).values()
                for held in (first, *first.more)
            ]
        except RecursionError:
            found.counts["must wrong"] += 1
            found.wrong.append(f"goroutine {goroutine}: the reading does not end; {_at(wait)}")
            continue
        for claim in claims:
            _judge(claim, wait, locks[goroutine], found)
        for lock in locks[goroutine]:
            _recall(lock, wait, claims, code, found)
    found.counts["ended"] += sum(len(locks[goroutine]) for goroutine in locks if goroutine not in waits)
    found.counts["lost"] += moment.lost
    for finding in _findings(path, roots, found):
        _statements(finding, locks, found)
        if finding.cause == "missing-unlock":
            _left(finding, moment, code.scene, found)
    return found


def _judge(claim: Claim, wait: Waiting, locks: list[Lock], found: Outcome) -> None:
    kind = "must" if claim.held.must else "may"
    fitting = [lock for lock in locks if claim.fits(lock)]
    why = ""
    if fitting:
        verdict = RIGHT
        hold = claim.held.hold
        if not hold.by_callee and not hold.either and all(lock.writing != hold.writing for lock in fitting):
            verdict, why = WRONG, "held, but the other way (read, write)"
    elif _in_call(wait):
        verdict = MOVING
    else:
        verdict = WRONG
        near = next((lock for lock in locks if _is_of_frame(lock, claim.frame)), None)
        why = "not held" if near is None else f"held since {_line_in(near, claim.frame)}"
    found.counts[f"{kind} {verdict}"] += 1
    if verdict is WRONG:
        line = f"{claim}: {why}; it is at {claim.frame.file}:{claim.frame.line}, {', '.join(sorted(wait.reasons))}"
        (found.wrong if claim.held.must else found.maybe).append(line)


def _in_call(wait: Waiting) -> bool:
    """Whether goroutines were caught in a call that takes or releases a lock, and not because they wait."""
    if not wait.reasons & _MOVING:
        return False
    inner = []
    for frame in wait.frames:
        if not _INNER.match(frame.function):
            break
        inner.append(frame.function)
    return any(map(_CALL.match, inner))


def _is_of_frame(lock: Lock, frame: Frame) -> bool:
    return _line_in(lock, frame) is not None


def _line_in(lock: Lock, frame: Frame) -> int | None:
    """The line in which the function of a frame took a lock, itself or through what it called."""
    plain = frame.function.partition("[")[0]
    sites = (s.line for s in lock.frames if s.file == frame.file and s.function.partition("[")[0] == plain)
    return next(sites, None)


def _recall(lock: Lock, wait: Waiting, claims: list[Claim], code: Code, found: Outcome) -> None:
    """Whether the reading knows a lock that is held."""
    site = lock.frames[0] if lock.frames else None
    frame = None if site is None else Frame(site.function, site.file, site.line, None)
    if site is None or frame is None or lock.through or origin(frame).kind == "std":
        found.counts["of std"] += 1
        return
    if code.reader.frame(frame) is None:
        found.counts["without source"] += 1
        return
    if any(claim.fits(lock) for claim in claims if claim.held.must):
        found.counts["held known"] += 1
    elif any(claim.fits(lock) for claim in claims):
        found.counts["held maybe"] += 1
    elif _in_call(wait):
        found.counts["held moving"] += 1
    else:
        found.counts["held missed"] += 1
        why = _why_missed(lock, wait, claims, code)
        found.classes[why] += 1
        found.missed.append(f"goroutine {lock.goroutine}: taken in {site} by {site.function}: {why}; {_at(wait)}")


def _at(wait: Waiting) -> str:
    own = next((frame for frame in wait.frames if origin(frame).kind != "std"), None)
    return (
        "it has no frame of the program"
        if own is None
        else f"it is at {own.file}:{own.line} ({', '.join(sorted(wait.reasons))})"
    )


def _why_missed(lock: Lock, wait: Waiting, claims: list[Claim], code: Code) -> str:
    at = next((n for n, frame in enumerate(wait.frames) if _line_in(lock, frame) is not None), None)
    if at is None:
        return "no function of those that took it is on the stack"
    frame = wait.frames[at]
    package = read_symbol(frame.function).package
    if _line_in(lock, frame) != lock.frames[0].line or frame.file != lock.frames[0].file:
        other = read_symbol(lock.frames[0].function).package != package
        return f"taken by a function that came back, of {'another' if other else 'the same'} package"
    reading = code.readings(wait).get(at)
    if reading is None:
        return "the frame has no source"
    return _why_not_read(lock, reading, claims)


def _why_not_read(lock: Lock, reading: Reading, claims: list[Claim]) -> str:
    """Why the frame that took a lock, and whose source was read, does not hold it there."""
    line = lock.frames[0].line
    taking = [
        place
        for event in reading.flow.at(line)
        if (callee := part(event.node, "function")) is not None and text(part(callee, "field")).endswith("Lock")
        for place in [reading.flow.names.lock_of(callee)]
    ]
    if not any(taking):
        return "the call of Lock is not understood"
    same = [claim for claim in claims if claim.held.key[1] in taking]
    if any(_is_of_frame(lock, claim.frame) for claim in same):
        return "known, but since another line or of another object"
    if same:
        return "several objects of one type"
    if not reading.events:
        return "no point is on the frame's line"
    return "the flow analysis says no"


def _findings(path: Path, roots: list[Path], found: Outcome) -> Iterator[Finding]:
    """The findings of a whole analysis; root causes are counted."""
    report = scan([str(path)], options=Options(shipped(), reader=Reader(Sources(roots))))
    for snapshot in report.snapshots:
        for finding in snapshot.findings:
            if finding.cause is not None and finding.severity != "info":
                found.causes[f"{finding.cause} ({finding.confidence}, {finding.severity})"] += 1
            yield finding


def _statements(finding: Finding, locks: dict[int, list[Lock]], found: Outcome) -> None:
    """Check each "holds" of a finding."""
    for does, goroutine, good in _said(finding, locks):
        unsure = "perhaps " if finding.confidence == "possible" else ""
        found.counts[f"said {unsure}{RIGHT if good else WRONG}"] += 1
        if not good:
            has = ", ".join(str(lock.frames[0]) for lock in locks[goroutine] if lock.frames) or "nothing"
            found.said.append(
                f"{finding.cause} ({finding.confidence}): goroutine {goroutine} {does}; in truth it holds {has}"
            )


def _left(finding: Finding, moment: Moment, scene: Scene, found: Outcome) -> None:
    """Check that nobody holds a lock that was left locked: its goroutine has ended, or is in no function that took it.
    A lock that is free, or held as it should be, was not left."""
    waiting = next((number for step in finding.steps for number in step.ids if number in scene.row_of_id), None)
    lock = None if waiting is None else scene.lock_of(scene.row_of_id[waiting])
    if lock is None or lock.address is None:
        found.counts["left not told"] += 1
        return
    held = [one for one in moment.locks if one.address == lock.address and one.goroutine in scene.row_of_id]
    ended = any(one.address == lock.address for one in moment.locks if one.goroutine not in scene.row_of_id)
    by = [one for one in held if _is_in(one, scene.of_row[scene.row_of_id[one.goroutine]])]
    good = bool(ended or held) and not by
    unsure = "perhaps " if finding.confidence == "possible" else ""
    found.counts[f"said {unsure}{RIGHT if good else WRONG}"] += 1
    if not good:
        truth = f"goroutine {by[0].goroutine} holds it, of {by[0].frames[0]}" if by else "it is free"
        found.said.append(f"missing-unlock ({finding.confidence}): goroutine {waiting} waits; in truth {truth}")


def _is_in(lock: Lock, wait: Waiting) -> bool:
    """Whether a goroutine is still in the function that took a lock, or in the one that called that."""
    near = replace(lock, frames=lock.frames[:2])
    return any(_is_of_frame(near, frame) for frame in wait.frames if origin(frame).kind != "std")


def _said(finding: Finding, locks: dict[int, list[Lock]]) -> Iterator[tuple[str, int, bool]]:
    for step in finding.steps:
        if not _HOLDS.search(step.does):
            continue
        since = _SINCE.search(step.does)
        for goroutine in step.ids:
            own = locks[goroutine]
            places = [] if since is None else [place.rpartition(":") for place in since[1].strip().split(" or ")]
            named = (_names(lock, file, int(line)) for lock in own for file, _, line in places)
            good = any(named) if places else bool(own)
            yield step.does, goroutine, good


def _names(lock: Lock, file: str, line: int) -> bool:
    return any(site.line == line and site.file.rpartition("/")[2] == file for site in lock.frames)
