"""The tools ``goroutine``, ``stacks`` and ``waits_for``: where goroutines are, and for whom they wait."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from stackscan.analysis.analyse import analyse
from stackscan.analysis.selection import check_expression
from stackscan.errors import SourceError, UsageError
from stackscan.integrations.mcp.claims import Claim, Evidence, place
from stackscan.integrations.mcp.paging import Found
from stackscan.integrations.mcp.quoting import listed, quoted
from stackscan.integrations.mcp.tools.findings import evidence_of
from stackscan.pipeline import Options
from stackscan.render.words import base_symbol, count, short_location, wait
from stackscan.report import cycle_text
from stackscan.report.capture import report_capture
from stackscan.report.goroutine import build_goroutine

if TYPE_CHECKING:
    from stackscan.analysis.locks import Lock
    from stackscan.integrations.mcp.captures import Captures, Shown
    from stackscan.integrations.mcp.stopping import Stop
    from stackscan.model.snapshot import Frame
    from stackscan.report import StackReport
    from stackscan.report.goroutine import Goroutine, GoroutineReport

#: Frames in one claim.
_FRAMES: Final = 8
#: Characters of a function in a list of frames.
_SYMBOL: Final = 120


def goroutine(captures: Captures, stop: Stop, source: str, number: int, snapshot: str | None) -> Found:
    """All that a source says of one goroutine: state, stack, creators, children, waits, findings."""
    loaded = captures.load(source, stop)
    found = list(_of_id(captures, loaded.chosen(snapshot), number, stop))
    claims = [claim for shown, one in found for claim in _described(shown, one)]
    rules = ", ".join(dict.fromkeys(finding.rule.name for _, one in found for finding in one.findings)) or "no finding"
    return Found(f"goroutine {number}: part of {rules}.", claims, (loaded,))


def _of_id(
    captures: Captures, chosen: Sequence[Shown], number: int, stop: Stop
) -> Iterator[tuple[Shown, GoroutineReport]]:
    """What each snapshot says of a goroutine; SourceError when none has it."""
    ids: list[int] = []
    any_found = False
    for shown in chosen:
        stop.check()
        column = shown.capture.capture.snapshot.column("goroutine_id")
        ids += [one for one in column if one is not None]
        if number in ids[-len(column) :]:
            one = build_goroutine(analyse(shown.capture.capture, captures.configuration), number)
            if one is not None:
                any_found = True
                yield shown, one
    if any_found:
        return
    hint = (
        f"There are {count(len(ids), 'goroutines')} with ids from {min(ids)} to {max(ids)}."
        if ids
        else "This format has no ids: it only counts goroutines. The tool `stacks` shows them."
    )
    raise SourceError(f"no snapshot of the source has a goroutine {number}", hint=hint)


def _state(one: Goroutine) -> str:
    """``goroutine 330 is in "select" for 3 min at "main.serve"``."""
    if not one.alive:
        return f"goroutine {one.number} has ended"
    long = wait(one.wait_minutes, one.wait_minutes)
    where = "" if one.frame is None else f" at {quoted(one.frame.function, _SYMBOL)}"
    reason = "" if one.wait_reason is None else f" is in {quoted(one.wait_reason, 60)}"
    return f"goroutine {one.number}{reason}{f' for {long}' if long else ''}{where}"


def _described(shown: Shown, one: GoroutineReport) -> Iterator[Claim]:
    number = one.goroutine.number
    more = {"attributes": list(one.attributes), "line_in_dump": one.line}
    yield Claim("state", _state(one.goroutine), Evidence(shown.id, (number,), 1, line=place(one.goroutine.frame)), more)
    for finding in one.findings:
        evidence = Evidence(shown.id, (number,), 1, rule=finding.rule.name)
        yield Claim("finding", f"part of {finding.severity}: {quoted(finding.title)}", evidence)
    yield _waiting(shown, one)
    for lock, score in one.may_hold:
        text = f"may hold (score {score}) {_lock(lock)}, wanted by {listed(lock.goroutine_ids, lock.waiters)}"
        yield Claim("may-hold", text, Evidence(shown.id, lock.goroutine_ids, lock.waiters))
    yield from _frames(one.stack.frames, Evidence(shown.id, (number,), 1))
    if one.stack.created_by is not None:
        text = f"created by {quoted(one.stack.created_by.function)}"
        yield Claim("creator", text, Evidence(shown.id, (number,), 1, line=place(one.stack.created_by)))
    for creator in one.creators:
        evidence = Evidence(shown.id, (creator.number,), 1, line=place(creator.frame))
        yield Claim("creator", f"started by {_state(creator)}", evidence)
    for group in one.children:
        text = f"started {count(group.count, 'goroutines')}, for example {_state(group.example)}"
        yield Claim("child", text, Evidence(shown.id, group.ids, group.count, line=place(group.example.frame)))


def _frames(frames: Sequence[Frame], evidence: Evidence, *, whole: bool = False) -> Iterator[Claim]:
    """The frames of a stack, a few in each claim, innermost first; as values with whole paths, or as in the text."""
    for first in range(0, len(frames), _FRAMES):
        some = frames[first : first + _FRAMES]
        short = tuple(f"{base_symbol(frame.function)} {short_location(frame)}" for frame in some)
        spelt = [f"{frame.function} {place(frame) or ''}" for frame in some] if whole else list(short)
        text = f"frames {first + 1} to {first + len(some)} of {len(frames)}, innermost first"
        yield Claim("stack", text, evidence, {"frames": spelt}, short)


def _lock(lock: Lock) -> str:
    """``the sync.Mutex at 0xc000012345``."""
    address = "" if lock.address is None else f" at {lock.address:#x}"
    owner = "" if lock.owner_type is None else f" of a {quoted(lock.owner_type, _SYMBOL)}"
    return f"the {lock.kind}{address}{owner}"


def _waiting(shown: Shown, one: GoroutineReport) -> Claim:
    """What a goroutine waits for, and who may hold or serve it."""
    number, lock = one.goroutine.number, one.waits_for
    if lock is not None:
        return _waited(shown, lock, first=number)
    reason = one.goroutine.wait_reason
    text = "waits for no known lock"
    if reason is not None:
        text += f": in {quoted(reason, 60)}; the dump does not show what will wake it"
    innermost = one.stack.frames[0] if one.stack.frames else None
    return Claim("waits-for", text, Evidence(shown.id, (number,), 1, line=place(innermost)))


def _waited(shown: Shown, lock: Lock, *, first: int | None = None) -> Claim:
    """A lock, who waits for it, and who may hold it."""
    ids = lock.goroutine_ids if first is None else (first, *(one for one in lock.goroutine_ids if one != first))
    long = wait(lock.max_wait_minutes, lock.max_wait_minutes)
    who = [f"{listed(one.goroutine_ids, one.count)} (score {one.score}, {one.evidence})" for one in lock.candidates[:5]]
    holders = f"may be held by {', '.join(who)}" if who else "the dump does not show who may hold it"
    verb = "waits" if lock.waiters == 1 else "wait"
    idle = " These waits are idle, as expected." if lock.aside else ""
    text = f"{listed(ids, lock.waiters)} {verb}{f' up to {long}' if long else ''} for {_lock(lock)}: {holders}.{idle}"
    line = next((place(one.stack.frames[one.frame]) for one in lock.candidates if one.stack.frames), None)
    holding = [{"goroutine_ids": list(one.goroutine_ids), "score": one.score} for one in lock.candidates[:5]]
    return Claim("waits-for", text, Evidence(shown.id, ids, lock.waiters, line=line), {"may_be_held_by": holding})


def waits_for(captures: Captures, stop: Stop, source: str, number: int | None, snapshot: str | None) -> Found:
    """Who waits for which lock or channel, and who may hold it: of one goroutine, or of all."""
    loaded = captures.load(source, stop)
    chosen = loaded.chosen(snapshot)
    if number is not None:
        found = list(_of_id(captures, chosen, number, stop))
        claims = [claim for shown, one in found for claim in _of_one(shown, one)]
        return Found(_state(found[0][1].goroutine) + ".", claims, (loaded,))
    claims = [claim for shown in chosen for claim in _of_all(shown)]
    locks = [shown.capture.report.locks for shown in chosen]
    circles = sum(len(one.cycles) for one in locks)
    waiting, unknown = sum(one.waiters for one in locks), sum(one.unknown for one in locks)
    summary = f"{count(waiting, 'goroutines')} in a lock's or channel's queue; of {unknown:,} it is unknown which; "
    return Found(summary + f"{count(circles, 'circles')} (possible deadlocks).", claims, (loaded,))


def _of_one(shown: Shown, one: GoroutineReport) -> Iterator[Claim]:
    yield _waiting(shown, one)
    for finding in one.findings:
        evidence = Evidence(shown.id, (one.goroutine.number,), 1, rule=finding.rule.name)
        yield Claim("why", f"{quoted(finding.title)}: {' '.join(finding.rule.why.split())}", evidence)
    for lock, score in one.may_hold:
        text = f"may itself hold (score {score}) {_lock(lock)}"
        yield Claim("may-hold", text, Evidence(shown.id, lock.goroutine_ids, lock.waiters))


def _of_all(shown: Shown) -> Iterator[Claim]:
    report = shown.capture.report
    for cycle in report.locks.cycles:
        ids = tuple(step.goroutine_id for step in cycle.steps)
        yield Claim("circle", quoted(cycle_text(cycle, report.locks)), Evidence(shown.id, ids, len(ids)))
    for finding in report.findings:
        yield Claim("finding", f"{finding.severity}: {quoted(finding.title)}", evidence_of(finding, shown))
    for lock in sorted(report.locks.locks, key=lambda one: (one.aside, -one.waiters)):
        yield _waited(shown, lock)


def stacks(
    captures: Captures, stop: Stop, source: str, where: str | None, signature: str | None, snapshot: str | None
) -> Found:
    """The distinct stacks of a source, the most frequent first; with a signature, that stack with all frames."""
    check_expression(where)
    loaded = captures.load(source, stop)
    pairs = [(shown, one) for shown in loaded.chosen(snapshot) for one in _buckets(captures, shown, where, stop)]
    if signature is None:
        goroutines = sum(one.bucket.count for _, one in pairs)
        summary = f"{count(goroutines, 'goroutines')} in {count(len(pairs), 'stacks')}."
        return Found(summary, [_stack(shown, one) for shown, one in pairs], (loaded,))
    wanted = [(shown, one) for shown, one in pairs if one.bucket.signature == signature]
    if not wanted:
        raise UsageError(f"no stack has the signature {quoted(signature, 40)}", hint="The tool `stacks` lists them.")
    claims: list[Claim] = []
    for shown, one in wanted:
        first = _stack(shown, one)
        claims += [first, *_frames(one.bucket.stack.frames, Evidence(shown.id, signature=signature), whole=True)]
    return Found(f"{count(sum(one.bucket.count for _, one in wanted), 'goroutines')}.", claims, (loaded,))


def _buckets(captures: Captures, shown: Shown, where: str | None, stop: Stop) -> Sequence[StackReport]:
    stop.check()
    if where is None:
        return shown.capture.report.buckets
    options = Options(captures.configuration, where, projected=False)
    return report_capture(shown.capture.capture, options, shown=shown.capture.capture).report.buckets


def _stack(shown: Shown, one: StackReport) -> Claim:
    bucket = one.bucket
    long = wait(bucket.min_wait_minutes, bucket.max_wait_minutes)
    at = one.deciding_frame
    text = f"{count(bucket.count, 'goroutines')} in {quoted(one.state, 60)}{f' for {long}' if long else ''}"
    text += "" if at is None else f" at {quoted(at.function, _SYMBOL)}"
    creator = bucket.stack.created_by
    more: dict[str, object] = {} if creator is None else {"created_by": f"{creator.function} {place(creator)}"}
    more |= {"rules": list(one.rules)} if one.rules else {}
    evidence = Evidence(shown.id, bucket.goroutine_ids, bucket.count, bucket.signature, line=place(at))
    return Claim("stack", text + (" (idle, as expected)" if one.aside else ""), evidence, more)
