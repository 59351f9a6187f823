"""Builds the snapshot of a counted profile from its records; finds frames that are lost or cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from stackscan.formats import bounds, counted
from stackscan.formats.counted import Record, Stacks
from stackscan.formats.goroutine_counts import NAME, grammar
from stackscan.formats.goroutine_counts.records import Fit, Raw, fit
from stackscan.formats.problems import EXCERPT, bounded
from stackscan.model.snapshot import Frame, Problem, Snapshot, Stack
from stackscan.sources import limits

if TYPE_CHECKING:
    from stackscan.formats.goroutine_counts.records import Profile

#: The profile that lists leaked goroutines only (runtime/pprof, Go 1.26 and later).
LEAKS: Final = "goroutineleak"
ORPHAN: Final = "frames without a count line: their goroutines are lost"


def build_all(profiles: Iterable[Profile]) -> list[Snapshot]:
    """The snapshots of the profiles of one text, of MOST_GOROUTINES together."""
    built: list[Snapshot] = []
    left = counted.MOST_GOROUTINES
    for profile in profiles:
        built.append(build(profile, most=left))
        left -= built[-1].total
    return built


def build(profile: Profile, *, most: int = counted.MOST_GOROUTINES) -> Snapshot:
    """The snapshot of a profile; its problems say what is missing and where."""
    builder = _Builder(profile, most)
    records = list(builder.records())
    read = sum(record.count for record in records)
    stacks = builder.stacks.all()
    lost = max((profile.total or read) - read, 0)
    cut = builder.note_end(read)
    table, counts = counted.rows(records)
    return Snapshot(
        format=NAME,
        table=table,
        counts=counts,
        stacks=stacks,
        problems=bounded([*profile.problems, *builder.problems]),
        complete=not (lost or cut or builder.refused or builder.frames_lost or profile.partial)
        and profile.total is not None,
        header_lines=read + lost,
        dialect=_dialect(profile, stacks),
        leak_profile=profile.kind == LEAKS,
        # Return addresses; a protobuf profile has those of the calls, one less.
        addresses=frozenset(address - 1 for raw in profile.records for address in raw.addresses or ()),
    )


class _Builder:
    def __init__(self, profile: Profile, most: int) -> None:
        self.profile = profile
        self.most = most
        self.stacks = Stacks()
        self.nameless: dict[int, Frame] = {}  # interned, as Stacks wants frames
        self.problems: list[Problem] = []
        self.refused = False  # a count that no process has
        self.frames_lost = False
        self.last: tuple[Raw, Fit] | None = None
        depths = [len(raw.addresses or ()) for raw in profile.records]
        self.limit = counted.depth_limit(depths)
        # Every whole stack ends in runtime.goexit, at one address; one that was cut at the limit ends elsewhere.
        self.ends = {raw.addresses[-1] for raw in profile.records if raw.frames and raw.addresses}
        self.roots = {
            raw.addresses[-1] for raw in profile.records if raw.addresses and len(raw.addresses) != self.limit
        }

    def records(self) -> Iterator[Record]:
        """The records that can be counted, in the order of the text."""
        leaked = True if self.profile.kind == LEAKS else None
        nameless, first_nameless, read = 0, 0, 0
        for raw in self.profile.records:
            count = raw.count or 0
            if not 0 < count <= self.most - read:
                reason = (
                    "a record of no goroutines" if not count else "more goroutines than a process can have; not read"
                )
                self._problem(raw.line, reason, f"{raw.count} @ …")
                self.refused |= bool(count)
                continue
            read += count
            stack_id = self._stack(raw)
            if not any(line.named for line in raw.frames) and not self._is_root_only(raw):
                nameless += count
                first_nameless = first_nameless or raw.line
            yield Record(count, stack_id, raw.labels, raw.line, leaked)
        if nameless:
            reason = f"{nameless:,} goroutines without function names; names need the program's binary"
            self._problem(first_nameless, reason, "go tool pprof BINARY FILE")

    def note_end(self, read: int) -> bool:
        """Compare totals, report a missing end; returns whether the text was cut."""
        profile = self.profile
        last_line = profile.records[-1].line if profile.records else profile.line
        if profile.total is None:
            self._problem(profile.line, "the text begins inside a profile: its total and its first records are lost")
        elif profile.total != read:
            self._problem(profile.line, f"the header says {profile.total:,} goroutines, the records add up to {read:,}")
        unfinished = self.last is not None and self.last[1].short and self.last[0] is profile.records[-1]
        if profile.unterminated:
            self._problem(last_line, "the text ends in the middle of a line of this record: the profile was cut")
        elif unfinished and any(raw.frames for raw in profile.records):
            self._problem(last_line, "the text ends in the middle of this record: the profile was cut")
        else:
            return False
        return True

    def _stack(self, raw: Raw) -> int:
        if self._is_root_only(raw):
            self.last = raw, Fit(0)
            return self.stacks.id_of(())
        found = fit(raw.addresses, raw.frames)
        self.last = raw, found
        self.frames_lost |= raw.damaged
        if not raw.frames:  # debug=0 of Go 1.7 and earlier, or all its lines are lost
            addresses = raw.addresses or ()
            frames = [self.nameless.setdefault(address, grammar.nameless(address)) for address in addresses]
            return self.stacks.id_of(frames, partial=self._is_cut(raw))
        if found.own < len(raw.frames):
            self._problem(raw.numbers[found.own], ORPHAN, raw.frames[found.own].frame.function)
        if found.gaps or (found.short and raw is not self.profile.records[-1]):
            self._problem(raw.line, "frames of this record are missing")
        partial = raw.damaged or found.gaps or found.short or self._is_cut(raw)
        self.frames_lost |= raw.damaged or found.gaps or found.short or found.own < len(raw.frames)
        own = raw.frames[: min(found.own, limits.MAX_FRAMES)]
        if found.own > len(own):
            self._problem(raw.numbers[len(own)], bounds.too_deep())
            partial = True
        return self.stacks.id_of(
            [line.frame for line in own if line.address],
            partial=partial,  # gccgo prints 0x0 for none
        )

    def _is_root_only(self, raw: Raw) -> bool:
        """Whether all that there is of the stack is runtime.goexit, which is hidden: it was created and has not run."""
        return (
            not raw.frames and raw.addresses is not None and len(raw.addresses) == 1 and raw.addresses[0] in self.ends
        )

    def _is_cut(self, raw: Raw) -> bool:
        """Whether the runtime kept only the innermost frames: as many as it ever keeps, and no known root."""
        addresses = raw.addresses or ()
        return bool(addresses) and len(addresses) == self.limit and addresses[-1] not in self.roots

    def _problem(self, line: int, reason: str, excerpt: str = "") -> None:
        self.problems.append(Problem(line, reason, excerpt[:EXCERPT]))


def _dialect(profile: Profile, stacks: tuple[Stack, ...]) -> str | None:
    """The Go versions that print like this."""
    records = profile.records
    if not records:
        return None
    if any(raw.addresses == () for raw in records):
        return "gccgo"
    if not any(raw.frames for raw in records):
        return "Go 1.7 or earlier, debug=0"
    printed = next(raw for raw in records if raw.frames)
    if printed.frames[0].address in (printed.addresses or ()):
        return "Go 1.6 or earlier"
    return counted.dialect(_evidence(profile, stacks))


def _evidence(profile: Profile, stacks: tuple[Stack, ...]) -> Iterator[str]:
    if profile.kind == "goroutineleak":
        yield "1.26"
    if any(len(raw.addresses or ()) > min(counted.DEPTH_LIMITS) for raw in profile.records):
        yield "1.23"
    if any(raw.labels for raw in profile.records):
        yield "1.15"
    functions = {function for stack in stacks for function in stack.functions}
    if any(function.startswith("internal/sync.") for function in functions):
        yield "1.24"
    if any("[...]" in function for function in functions):
        yield "1.18"
