"""The answer in a few lines, worst first: what a person at 3 a.m. reads before anything else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile
from string import Template
from typing import TYPE_CHECKING, Final

from stackscan.analysis.finding import ENDINGS, Finding, goroutines_by_stack, told_by
from stackscan.formats.symbol import deciding_frame
from stackscan.report.model import Level, Verdict

if TYPE_CHECKING:
    from stackscan.analysis.occupancy import PoolSample
    from stackscan.model.bucket import Bucket
    from stackscan.model.snapshot import Snapshot

_ORDER: Final[tuple[Level, ...]] = ("error", "warning", "info", "ok")
#: What an empty leak profile says, and what it cannot.
NO_LEAK: Final = "Go's leak detector found no leaked goroutine; it cannot see those that are still reachable"
#: Wait reasons that no one waits in for long without a cause worth a look.
_BLOCKED: Final = (
    "sync.Mutex.Lock", "sync.RWMutex.Lock", "sync.RWMutex.RLock", "semacquire", "chan send",
    "chan send (nil chan)", "chan receive (nil chan)", "select (no cases)", "sync.WaitGroup.Wait",
)  # fmt: skip

#: States of goroutines that a processor runs, or could, and how many of these are worth a word.
_READY: Final = frozenset({"running", "runnable", "preempted"})
_FEWEST_READY: Final = 2

_NO_GOROUTINE: Final = Verdict("warning", "the dump lists no goroutine (GOTRACEBACK=none, or none was left)")
_SINGULAR: Final = {"wait": "waits", "watch": "watches", "have": "has", "are": "is"}
_PLURAL: Final = re.compile(
    rf"\A1 ((?:[\w.-]+ )?[\w-]+?)s ({'|'.join(_SINGULAR)})\b(?!.*\b(?:they|them|their|each)\b)", re.DOTALL
)
#: Plurals that lose more than an s.
_ENDINGS: Final = (("ie", "y"), ("sse", "ss"), ("che", "ch"), ("she", "sh"), ("xe", "x"))


def judge(
    snapshot: Snapshot,
    buckets: Sequence[Bucket],
    findings: Sequence[Finding],
    pools: Sequence[PoolSample],
    *,
    suspicions: Sequence[Verdict] = (),
    doubts: Sequence[str] = (),
    selected: bool = False,
) -> tuple[Verdict, ...]:
    """The verdict lines of one snapshot, at least one.

    ``buckets`` are those that are not idle, the largest and longest first; ``suspicions`` are lines beside what rules
    found; ``doubts`` say why all may not be well though nothing was found; ``selected``: the snapshot holds only the
    goroutines of a selection.
    """
    if selected and not len(snapshot.table):
        return (Verdict("info", "no goroutine matches"),)
    has_sums = bool(snapshot.sums)
    if selected:  # sums are those of all goroutines
        snapshot = replace(snapshot, sums=())
    if snapshot.leak_profile and snapshot.complete and not snapshot.total:
        return (Verdict("ok", NO_LEAK),)
    endings_first = sorted(findings, key=lambda finding: finding.cause not in ENDINGS)
    lines = [_of_finding(finding, snapshot, pools) for finding in endings_first if told_by(finding, findings) is None]
    lines += _of_pools(findings, pools)
    lines += suspicions
    told = any(finding.cause in ENDINGS for finding in findings)
    if not told and (ending := of_ending(snapshot, findings)) is not None:
        lines.append(ending)
    died = snapshot.cause is not None and not snapshot.cause.startswith("SIGQUIT") and not told
    if died or all(line.level not in ("error", "warning") for line in lines):
        lines += _doubted(_of_nothing_known(snapshot, buckets, findings), doubts)
    elif not snapshot.total:
        lines.append(_NO_GOROUTINE)
    if has_sums and not any(line.text.endswith(_SUMS_ONLY) for line in lines):
        lines.append(Verdict("info", _SUMS_ONLY))
    elif not snapshot.complete and not has_sums:
        lines.append(_of_loss(snapshot))
    return tuple(sorted(lines, key=lambda line: _ORDER.index(line.level)))


def _of_finding(finding: Finding, snapshot: Snapshot, pools: Sequence[PoolSample]) -> Verdict:
    sizes = {sample.pool.name: sample.workers for sample in pools}
    place, others = _place(finding, snapshot)
    minutes = finding.evidence.get("longest_wait_minutes")
    longest = minutes if isinstance(minutes, int) else 0
    words = {
        "count": f"{finding.count:,}",
        "workers": f"{sizes.get(finding.rule.pool or '', finding.count):,}",
        "total": f"{snapshot.total:,}",
        "minutes": f"{longest:,}",
        "age": f", for up to {longest:,} min" if longest else "",
        "place": place,
    }
    one = finding.rule.verdict_one if finding.count == 1 and finding.verdict == finding.rule.verdict else ""
    text = Template(one or finding.verdict).safe_substitute(words)
    if others:
        more = f"{others:,} other place{'' if others == 1 else 's'}"
        text = text.replace(f"most in {place}", f"in {place} and {more}")
    if finding.cause is not None and finding.verdict == finding.title and (finding.steps or finding.cause in ENDINGS):
        return Verdict(finding.severity, text + (words["age"] if finding.cause not in ENDINGS else ""))
    if finding.verdict == finding.title and not finding.steps:
        text = f"{finding.count:,} {_noun(finding)}: {text}"
    return Verdict(finding.severity, _of_one(text) if finding.count == 1 else text)


def _noun(finding: Finding) -> str:
    return singular(finding.rule.noun) if finding.count == 1 else finding.rule.noun


def _of_one(text: str) -> str:
    """``1 goroutines wait for a mutex, most in main.f`` → ``1 goroutine waits for a mutex, in main.f``.

    Only where a noun and its verb are all there is to change: else a rule says it itself (``verdict_one``).
    """
    text = re.sub(r"([,;]) most in ", r"\1 in ", text)
    return _PLURAL.sub(lambda found: f"1 {singular(found[1] + 's')} {_SINGULAR[found[2]]}", text)


def singular(nouns: str) -> str:
    """``queries`` → ``query``."""
    noun = nouns.removesuffix("s")
    for plural, ending in _ENDINGS:
        if noun.endswith(plural):
            return noun.removesuffix(plural) + ending
    return noun


def _place(finding: Finding, snapshot: Snapshot) -> tuple[str, int]:
    """The function, outside the standard library, where most of the caught goroutines are; and how many more places
    there are, if less than half are there."""
    places: Counter[str] = Counter()
    for stack_id, count in sorted(goroutines_by_stack(finding, snapshot).items()):
        stack = snapshot.stacks[stack_id]
        if stack.frames:
            places[stack.frames[deciding_frame(stack)].function] += count
    if not places:
        return "an unknown place", 0
    most = max(places, key=lambda place: (places[place], place))
    return most.rpartition("/")[2], len(places) - 1 if 2 * places[most] <= places.total() else 0


def _of_pools(findings: Sequence[Finding], pools: Sequence[PoolSample]) -> list[Verdict]:
    """A pool whose workers are all blocked by an error finding serves no one."""
    held = {finding.rule.pool for finding in findings if finding.severity == "error"}
    full = [s for s in pools if s.pool.name in held and s.occupancy == 1]
    return [
        Verdict("error", f"{s.pool.name}: no worker is idle, {s.workers:,} of {s.workers:,} are blocked") for s in full
    ]


def of_ending(snapshot: Snapshot, findings: Sequence[Finding]) -> Verdict | None:
    """What the end of a process means where no finding says it: a request for its stacks, a panic that was recovered, a
    crash, or a message that does not belong to these goroutines. None: the text says nothing about an end."""
    cause = snapshot.cause
    if cause is None:
        return None
    if not snapshot.message:
        return Verdict("warning", f"the text around the dump has the message of another crash: {cause}")
    if cause.startswith("SIGQUIT"):
        return Verdict("info", f"the process printed its stacks on request and ended: {cause}")
    return _of_death(cause, snapshot, findings)


def _of_death(cause: str, snapshot: Snapshot, findings: Sequence[Finding]) -> Verdict:
    if "panic serving" in cause:  # net/http recovers a handler's panic
        return Verdict("warning", f"a handler panicked and the server went on: {cause}")
    from stackscan.analysis.crashes.ending import read_ending

    if read_ending(snapshot) is None:
        return Verdict("info", f"a panic was recovered, and its stack printed: {cause}")
    if "all goroutines are asleep" in cause and any(f.cause is not None and f.severity == "error" for f in findings):
        return Verdict("info", "the runtime ended the program: all goroutines were asleep (deadlock)")
    return Verdict("error", f"the process died: {cause}")


def _of_nothing_known(snapshot: Snapshot, buckets: Sequence[Bucket], findings: Sequence[Finding]) -> list[Verdict]:
    """Without a finding that alarms, the largest group of goroutines: of blocked ones where there are any."""
    total = snapshot.total
    if snapshot.sums:
        return [_of_sums(snapshot)]
    if not total:
        return [_NO_GOROUTINE]
    if not buckets:
        fine = Verdict("ok", "no known stuck pattern; all goroutines are idle (expected)")
        return [] if findings or snapshot.cause is not None else [fine]
    shared = takewhile(lambda found: found.count > 1, buckets)
    blocked = next((found for found in shared if _is_blocked(found)), None)
    busy = None if blocked or snapshot.cause else _busy(snapshot, buckets)
    largest = blocked or buckets[0]
    if (findings and blocked is None) or (snapshot.cause and largest.count == 1):  # the crash names its frame
        return []
    if busy is not None:
        return [busy]
    known = "" if findings or snapshot.cause else "no known stuck pattern; "
    level: Level = "info" if blocked or snapshot.cause or not snapshot.complete else "ok"
    alone = largest.count == 1 < total
    minutes = largest.max_wait_minutes  # of all, where each is alone
    longest = f"{'; longest wait' if alone else ', up to'} {minutes:,} min" if minutes else ""
    what = f"no two of {total:,} goroutines have the same stack" if alone else _share(largest, total)
    return [Verdict(level, f"{known}{what}{longest}")]


def _share(largest: Bucket, total: int) -> str:
    """``3 of 9 goroutines in main.serve [select]``, ``the only goroutine is in main.main [running]``."""
    who = f"{largest.count:,} of {total:,} goroutines" if total > 1 else "the only goroutine"
    reason = f" [{largest.wait_reason}]" if largest.wait_reason else ""
    if not largest.stack.frames:
        has = "have" if total > 1 else "has"
        return f"{who} {has} no frames{reason}"
    function = largest.stack.frames[deciding_frame(largest.stack)].function
    return f"{who}{'' if total > 1 else ' is'} in {function}{reason}"


def _is_blocked(found: Bucket) -> bool:
    """Whether goroutines wait in a way in which nobody waits for long. Those that allocate may wait for the collector,
    in the state that locks had before Go 1.20."""
    if found.wait_reason == "semacquire":
        return any("runtime_Sem" in function for function in found.stack.functions)
    return found.wait_reason in _BLOCKED


def _busy(snapshot: Snapshot, buckets: Sequence[Bucket]) -> Verdict | None:
    """What keeps the processors busy, where most of what is not idle runs, or is ready to; None elsewhere."""
    ready: Counter[str] = Counter()
    for found in buckets:
        if found.wait_reason in _READY and found.stack.frames:
            ready[found.stack.frames[deciding_frame(found.stack)].function] += found.count
    count = ready.total()
    if count < _FEWEST_READY or 2 * count <= sum(found.count for found in buckets):
        return None
    place, most = ready.most_common(1)[0]
    where = f"in {place}" if len(ready) == 1 else f"{most:,} of them in {place}"
    text = f"no known stuck pattern; {count:,} of {snapshot.total:,} goroutines run or are ready to, {where}"
    return Verdict("ok" if snapshot.complete else "info", text)


def _of_sums(snapshot: Snapshot) -> Verdict:
    """Where most goroutines are by sums, which name the caller beside the callee: of equal ones the first."""
    number = max(snapshot.header_lines, snapshot.total)
    by_count = {count: name for name, count in reversed(snapshot.sums)}
    named = sorted(by_count.items(), reverse=True)[:_SUMS]
    places = ", ".join(f"{count:,} in {name.rpartition('/')[2]}" for count, name in named)
    goroutines = "1 goroutine" if number == 1 else f"{number:,} goroutines"
    return Verdict("info", f"{goroutines}: {places}; {_SUMS_ONLY}")


def _doubted(lines: Sequence[Verdict], doubts: Sequence[str]) -> list[Verdict]:
    """The same lines; what would be a tick is information where there is a doubt."""
    if not doubts:
        return list(lines)
    return [
        Verdict("info", f"{line.text}; but {' and '.join(doubts)}") if line.level == "ok" else line for line in lines
    ]


_SUMS_ONLY: Final = "pprof shows sums by function here, not whole stacks"
#: Sums that a line names.
_SUMS: Final = 3
#: How the problem of a table begins that pprof made short, as it does by default.
_LEFT_OUT: Final = "pprof left out functions"
#: Words of a problem that costs a goroutine.
_LOST: Final = ("lost", "not read", "may be part of")


def _of_loss(snapshot: Snapshot) -> Verdict:
    if any(problem.reason.startswith(_LEFT_OUT) for problem in snapshot.problems):
        return Verdict("info", "pprof left out rare functions: frames and goroutines are missing")
    return Verdict("warning", _of_damage(snapshot))


def _of_damage(snapshot: Snapshot) -> str:
    cut = any("cut" in problem.reason for problem in snapshot.problems)
    if cut:
        return "the dump is cut: more goroutines exist than are listed"
    if snapshot.header_lines <= snapshot.total and not any(
        word in p.reason for p in snapshot.problems for word in _LOST
    ):
        return "some lines of the stacks were not understood: frames are missing"
    return "some goroutines of the dump are lost"
