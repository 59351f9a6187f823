"""Members of a capture → rows of the fleet, by the process that reads them.

It is one function without state, from the members of a capture to rows that pickle takes: any engine may run it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Protocol

from stackscan.analysis.proposals import crews
from stackscan.errors import LimitError, StackscanError, UnrecognisedFormatError, WorkerError
from stackscan.fleet.extract import crowds, pools, seen, spots
from stackscan.fleet.origin import node_of, of_capture, of_metadata, of_path
from stackscan.fleet.pattern import Origin, Pattern
from stackscan.fleet.row import Row, Unread
from stackscan.formats.kinds import kind_of
from stackscan.model.capture import Capture
from stackscan.report import SnapshotReport
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
        return Row(
            origin=self._hidden(of_capture(capture, given, of_metadata(_metadata(group, place.member)), node)),
            where=self._where(place.source, place.member, place.position if place.snapshots_in_member > 1 else 0),
            digest=_digest(capture),
            format=report.format,
            goroutines=report.goroutines,
            complete=report.complete,
            leak_profile=report.leak_profile,
            seen=tuple(seen(report)),
            spots=tuple(spots(report, stacks=self.stacks)),
            crowds=tuple(crowds(report, self.threshold, stacks=self.stacks)),
            pools=tuple(pools(report)),
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
