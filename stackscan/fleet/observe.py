"""A capture as a row of the fleet: small, made by the process that reads the capture.

It is one function without state, from the members of a capture to rows that pickle takes: any engine may run it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, Protocol

from stackscan.analysis.finding import told_by
from stackscan.analysis.proposals import Crew, crews
from stackscan.errors import LimitError, StackscanError, UnrecognisedFormatError, WorkerError
from stackscan.fleet.origin import node_of, of_capture, of_metadata, of_path
from stackscan.fleet.pattern import Origin, Pattern
from stackscan.fleet.stacks import packages_on, printed
from stackscan.formats.kinds import kind_of
from stackscan.knowledge.rule import Severity
from stackscan.model.capture import Capture
from stackscan.model.snapshot import Frame, Stack
from stackscan.report import SnapshotReport, StackReport
from stackscan.report.places import CodePlace, place_of
from stackscan.sources import Member
from stackscan.sources.parts import Group, Part

#: Kinds of bytes that are no other file of a bundle, so that a capture may be lost in them.
_LOST: Final = frozenset({"text", "binary", "empty"})
#: How the note on a member ends that holds no dump: a program, a core file, a link.
_NO_DUMP: Final = ("; not read", "; not unpacked")
#: What may be said of an error where its message may not be shown.
_REASONS: Final[tuple[tuple[type[StackscanError], str], ...]] = (
    (UnrecognisedFormatError, "it holds no goroutine dump"),
    (LimitError, "it is larger than the limits"),
    (StackscanError, "it cannot be opened, or it is damaged"),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """One rule's or cause's finding in one capture: where most of its goroutines are, and how many it has; the
    ``packages`` there, outside the standard library, innermost first, then that of the creator."""

    rule: str
    cause: str | None
    severity: Severity
    title: str
    fix: str
    place: str | None
    location: str
    count: int
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spot:
    """One place in the code in one capture: goroutines, minutes that the oldest waits, whether all of them are idle as
    expected, whether a rule says that they are stuck (above info), and the ``packages`` as in :class:`Seen`; ``stack``
    is that of most of them, as Go prints it, where it was asked for."""

    place: CodePlace
    location: str
    count: int
    minutes: int
    idle: bool
    caught: bool
    packages: tuple[str, ...] = ()
    stack: str = field(compare=False, default="")


@dataclass(frozen=True, slots=True)
class Workers:
    """One pool in one capture; ``known``: somebody described it. For one that nobody did, its creator and where its
    idle workers wait."""

    pool: str
    workers: int
    busy: int
    known: bool = True
    creator: str = ""
    idle_at: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One capture. ``where`` names it, ``digest`` is of its content, ``seconds`` is what reading it took."""

    origin: Origin
    where: str
    digest: bytes
    format: str
    goroutines: int
    complete: bool
    leak_profile: bool
    seen: tuple[Seen, ...]
    spots: tuple[Spot, ...]
    crowds: tuple[Spot, ...]
    pools: tuple[Workers, ...]
    crews: tuple[Crew, ...] = ()
    seconds: float = field(compare=False, default=0.0)


@dataclass(frozen=True, slots=True)
class Unread:
    """A capture that could not be read, and why; ``other``: it is none, but another file of a bundle."""

    origin: Origin
    where: str
    reason: str
    other: bool = False


class Hide(Protocol):
    """What hides private names: of a capture, and of its path."""

    def capture(self, capture: Capture) -> Capture:
        """A capture without them."""
        ...

    def source(self, name: str) -> str:
        """The name of a file."""
        ...

    def member(self, name: str | None) -> str | None:
        """The name of a member of an archive."""
        ...

    def stream(self, name: str) -> str:
        """The name of a host or a service."""
        ...

    def version(self, name: str) -> str:
        """A version, where it is no release that everybody knows."""
        ...


#: Reads a group: each capture with its report, in which names are hidden already.
Read = Callable[[Group], Sequence[tuple[Capture, SnapshotReport]]]


@dataclass(frozen=True, slots=True)
class Observe:
    """Makes the rows of a group of members. ``threshold``: a place with so many goroutines at one line is worth a row
    by itself; ``hide`` hides private names of paths (None: nothing is hidden); ``stacks``: spots have their stack."""

    pattern: Pattern | None
    threshold: int
    hide: Hide | None = None
    stacks: bool = False

    def __call__(self, group: Group, read: Read) -> Iterator[Row | Unread]:
        """The rows of a group, which ``read`` reads; of one that cannot be read, why."""
        began = time.perf_counter()
        try:
            captures = read(group)
        except StackscanError as error:
            yield self._unread(group, error)
            return
        seconds = (time.perf_counter() - began) / max(len(captures), 1)
        nodes = {node for member in group.members if (node := node_of(_path(group, member)))}
        node = nodes.pop() if len(nodes) == 1 else None
        for capture, report in captures:
            if not capture.second_view:
                yield self._row(capture, report, group, node, seconds)

    def lost(self, part: Part, error: StackscanError, member: str | None = None) -> Unread:
        """A part that cannot be opened, or not read to its end; or the member of it whose reading kills a process."""
        source = str(part)
        path = "/".join(filter(None, (part.below, member)))
        origin = (of_path(self.pattern, part.below, member, source) or Origin()).completed(Origin(host=node_of(path)))
        return Unread(self._hidden(origin), self._where(source, member), self._reason(error, source))

    def _row(self, capture: Capture, report: SnapshotReport, group: Group, node: str | None, seconds: float) -> Row:
        place = capture.place
        given = of_path(self.pattern, group.below, place.member, place.source)
        spots, crowds = _spots(report, stacks=self.stacks), _crowds(report, self.threshold, stacks=self.stacks)
        return Row(
            origin=self._hidden(of_capture(capture, given, of_metadata(_metadata(group, place.member)), node)),
            where=self._where(place.source, place.member, place.position if place.snapshots_in_member > 1 else 0),
            digest=_digest(capture),
            format=report.format,
            goroutines=report.goroutines,
            complete=report.complete,
            leak_profile=report.leak_profile,
            seen=tuple(_seen(report)),
            spots=tuple(spots),
            crowds=tuple(crowds),
            pools=tuple(_pools(report)),
            crews=() if self.hide is not None else crews(capture.snapshot),  # crews name functions
            seconds=seconds,
        )

    def _unread(self, group: Group, error: StackscanError) -> Unread:
        """Why a group cannot be read. What has the name of a capture is one; else other files of a bundle are none."""
        first = group.members[0]
        given = of_path(self.pattern, group.below, first.name, group.source)
        origin = (given or Origin()).completed(of_metadata(first.metadata))
        origin = origin.completed(Origin(host=node_of(_path(group, first))))
        if first.data is None:
            reason = first.note or "it has no content"
            other = reason.endswith(_NO_DUMP)
        else:
            reason = self._reason(error, first.where)
            other = given is None and kind_of(first.data) not in _LOST
        return Unread(self._hidden(origin), self._where(group.source, first.name), reason, other)

    def _reason(self, error: StackscanError, where: str) -> str:
        """Why something cannot be read, without its name."""
        if isinstance(error, WorkerError):
            return f"its reading {error.verb} twice" + (f" ({error.detail})" if error.detail else "")
        if self.hide is not None:  # a message may quote anything
            return next(text for kind, text in _REASONS if isinstance(error, kind))
        return str(error).removeprefix(where).lstrip(":, ")

    def _where(self, source: str, member: str | None, position: int = 0) -> str:
        if self.hide is not None:
            source, member = self.hide.source(source), self.hide.member(member)
        found = f"{source}, {member}" if member else source
        return f"{found}, snapshot {position}" if position else found

    def _hidden(self, origin: Origin) -> Origin:
        if self.hide is None:
            return origin
        service, host = (None if name is None else self.hide.stream(name) for name in (origin.service, origin.host))
        version = None if origin.version is None else self.hide.version(origin.version)
        return Origin(service, host, version, origin.time)


def _path(group: Group, member: Member) -> str:
    return "/".join(filter(None, (group.below, member.name)))


def _metadata(group: Group, name: str | None) -> tuple[tuple[str, str], ...]:
    """What object storage says of a member."""
    return next((member.metadata for member in group.members if member.name == name), ())


def _digest(capture: Capture) -> bytes:
    """A hash of the content of a capture, whatever its name."""
    place = capture.place
    hashed = blake2b(capture.content, digest_size=16)
    hashed.update(f"{place.position} {place.stream}".encode("utf-8", "surrogatepass"))
    return hashed.digest()


def _seen(report: SnapshotReport) -> Iterator[Seen]:
    frames = dict(report.finding_frames)
    for finding in report.findings:
        if told_by(finding, report.findings) is None:
            frame = frames.get(finding.key)
            yield Seen(
                rule=finding.rule.name,
                cause=finding.cause,
                severity=finding.severity,
                title=finding.title,
                fix=finding.rule.fix,
                place=None if frame is None else frame.function,
                location=_location(frame),
                count=finding.count,
                packages=_packages_of(finding.rule.name, frame, report),
            )


def _packages_of(rule: str, frame: Frame | None, report: SnapshotReport) -> tuple[str, ...]:
    """The packages of the largest stack that a rule caught and that has this frame."""
    caught = (found.bucket.stack for found in report.buckets if rule in found.rules)
    stack = next((each for each in caught if frame is None or frame in each.frames), None)
    if stack is not None:
        return packages_on(stack)
    return () if frame is None else packages_on(Stack((frame,)))


def _location(frame: Frame | None) -> str:
    """``server.go:278``; empty where it is not known."""
    return (
        f"{frame.file.replace(chr(92), '/').rpartition('/')[2]}:{frame.line}"
        if frame is not None and frame.file
        else ""
    )


def _spots(report: SnapshotReport, *, stacks: bool) -> Iterator[Spot]:
    """The places of a capture."""
    stuck = _alarming(report)
    found_at: dict[CodePlace, list[StackReport]] = {}
    for found in report.buckets:  # the largest first
        found_at.setdefault(place_of(found), []).append(found)
    for place, here in found_at.items():
        yield _spot(place, here, stuck, stacks)


def _alarming(report: SnapshotReport) -> set[str]:
    """The rules whose goroutines need no other finding: what is only information may still leak."""
    return {finding.rule.name for finding in report.findings if finding.severity != "info"}


def _spot(place: CodePlace, here: Sequence[StackReport], stuck: set[str], stacks: bool) -> Spot:
    return Spot(
        place=place,
        location=_location(here[0].deciding_frame),
        count=sum(found.bucket.count for found in here),
        minutes=max(found.bucket.max_wait_minutes for found in here),
        idle=all(found.aside for found in here),
        caught=any(not stuck.isdisjoint(found.rules) for found in here),
        packages=packages_on(here[0].bucket.stack),
        stack=printed(here[0].bucket.stack) if stacks else "",
    )


def _crowds(report: SnapshotReport, threshold: int, *, stacks: bool) -> Iterator[Spot]:
    """Lines at which very many goroutines are, of whatever state and creator."""
    if report.goroutines < threshold:
        return
    stuck = _alarming(report)
    lines: dict[tuple[str | None, str], list[StackReport]] = {}
    for found in report.buckets:
        frame = found.deciding_frame
        lines.setdefault((None if frame is None else frame.function, _location(frame)), []).append(found)
    for (function, _), here in lines.items():
        crowd = _spot((function, None, None), here, stuck, stacks)
        if crowd.count >= threshold:
            yield crowd


def _pools(report: SnapshotReport) -> Iterator[Workers]:
    for sample in report.pools:
        idle = sum(sample.states[state] for state in sample.idle_states)
        yield Workers(sample.pool.name, sample.workers, sample.workers - idle)
    for proposal in report.proposals:
        busy = proposal.workers - proposal.idle
        yield Workers(
            proposal.root, proposal.workers, busy, known=False, creator=proposal.creator, idle_at=proposal.idle_at
        )
