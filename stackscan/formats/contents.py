"""Reads an input: its captures and, of a bundle, the list of its members."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Final

from stackscan import sources
from stackscan.errors import UnrecognisedFormatError
from stackscan.formats.members import read_member
from stackscan.formats.plain import is_contention
from stackscan.model.capture import Capture, Entry, Place, Taken
from stackscan.model.snapshot import Problem, Snapshot
from stackscan.sources import Member, Source, limits
from stackscan.sources.names import first_known, read_name

if TYPE_CHECKING:
    from stackscan.formats.contended import ContentionProfile

#: Called with what is being read, how many bytes of it, and of how many.
Progress = Callable[[str, int, int], None]
_TEXT: Final = "goroutine-text"


@dataclass(frozen=True, slots=True)
class Contents:
    """The content of one input. ``version`` is a bundle's version.json, ``contention`` its mutex and block profiles by
    member."""

    source: str
    is_bundle: bool
    captures: tuple[Capture, ...]
    entries: tuple[Entry, ...]
    version: dict[str, str] | None
    contention: tuple[tuple[str, ContentionProfile], ...]

    @property
    def views(self) -> Iterator[tuple[Capture, Capture]]:
        """Pairs of captures that show one process: a text, and a profile of the same folder."""
        first = [capture for capture in self.captures if capture.place.position == 1]
        texts = {capture.place.folder: capture for capture in first if capture.snapshot.format == _TEXT}
        yield from ((texts[second.place.folder], second) for second in first if second.second_view)


def read_source(source: str, progress: Progress | None = None, *, keep_content: bool = True) -> Contents:
    """Open an input and read it; ``keep_content`` keeps the bytes of its files for fingerprints.

    Raises StackscanError when it cannot be read or holds no dump.
    """
    masked = Source(source)
    reading = _Reading(progress, keep_content)
    return _read(masked, sources.open_source(masked, reading.progress_of(str(masked))), reading)


def read_bytes(source: str, raw: bytes, broken: str | None = None) -> Contents:
    """Read bytes that were fetched from a source; ``broken`` says why their end is missing (None: it is not).

    Raises StackscanError when they hold no dump.
    """
    masked = Source(source)
    return _read(masked, sources.open_bytes(str(masked), raw, broken), _Reading(None, keep_content=False))


def read_members(source: str, members: Iterable[Member], progress: Progress | None = None) -> Contents:
    """Read some members of a source, which are opened already, as if there were no others.

    Raises UnrecognisedFormatError when none of them holds a dump.
    """
    return _read(Source(source), members, _Reading(progress, keep_content=True))


def _read(masked: Source, members: Iterable[Member], reading: _Reading) -> Contents:
    try:
        for member in members:
            reading.take(member)
    except UnrecognisedFormatError as error:  # its message may quote a server that repeats secrets of the address
        raise type(error)(masked.hide(str(error)), hint=error.hint) from None
    if not reading.members:
        listed = ", ".join(f"{entry.name} ({entry.note or entry.kind})" for entry in reading.entries[:10])
        raise UnrecognisedFormatError(f"{masked}: no goroutine dump found; it contains {listed or 'nothing'}")
    return Contents(
        str(masked),
        reading.is_bundle,
        tuple(_captures(reading)),
        tuple(reading.entries),
        reading.version,
        tuple(reading.contention),
    )


@dataclass(slots=True)
class _Dumps:
    """A member that holds dumps: its snapshots and, if kept, its bytes."""

    member: Member
    snapshots: Sequence[Snapshot]
    content: bytes

    @property
    def is_text(self) -> bool:
        return self.snapshots[0].format == _TEXT


@dataclass(slots=True)
class _Reading:
    """The state while an input is read."""

    progress: Progress | None
    keep_content: bool
    is_bundle: bool = False
    dumps: int = 0
    members: list[_Dumps] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    version: dict[str, str] | None = None
    contention: list[tuple[str, ContentionProfile]] = field(default_factory=list)

    def progress_of(self, where: str) -> Callable[[int, int], None] | None:
        progress = self.progress
        return None if progress is None else lambda done, total: progress(where, done, total)

    def take(self, member: Member) -> None:
        """Read one member. Only an input that is one file must be a dump; a bundle may hold anything."""
        self.is_bundle |= member.name is not None
        member = self._distinct(member)
        if member.data is None:
            self._list(member, "not read")
            return
        if member.name is not None and is_contention(member.data):
            self._take_other(member, member.data)
            return
        try:
            found = read_member(member, self.progress_of(member.where))
        except UnrecognisedFormatError as error:
            if member.name is None:
                raise _cut_short(member, error) from error
            self._take_other(member, member.data, error)
            return
        if member.cut:
            snapshots = found[-1][1]
            snapshots[-1] = _cut(snapshots[-1], member.note if member.name is None else None)
        content = member.data if self.keep_content else b""
        if member.name is not None:
            self.dumps += 1
            limits.check_dumps(self.dumps, where=member.source)
        self.members += [_Dumps(part, snapshots, content) for part, snapshots in found]
        wrapped = found[0][0]
        goroutines = sum(snapshot.total for _, snapshots in found for snapshot in snapshots)
        self._list(wrapped, found[0][1][0].format, goroutines, _note(wrapped))

    def _distinct(self, member: Member) -> Member:
        """The member under a name that none before it has: an archive may hold several of one name."""
        known = {entry.name for entry in self.entries}
        if member.name is None or member.data is None or member.name not in known:
            return member
        return replace(member, name=next(n for k in count(2) if (n := f"{member.name} ({k})") not in known))

    def _take_other(self, member: Member, data: bytes, error: UnrecognisedFormatError | None = None) -> None:
        """A member of a bundle that holds no goroutines; ``error``: what reading it as such said."""
        from stackscan.formats import contention, kinds

        kind = kinds.kind_of(data)
        if kind == "version":
            self.version = self.version or kinds.read_version(data)
        if contention.claims(data):
            profile = contention.read(data)
            kind = f"{profile.kind} profile"
            self.contention.append((member.name or "", profile))
        unread = str(error) if error and kind in ("text", "binary") and b"goroutine" in data else None
        unread = kinds.UNREAD.get(kind, unread)
        self._list(member, kind, note=_note(member) or unread)

    def _list(self, member: Member, kind: str, goroutines: int | None = None, note: str | None = None) -> None:
        note = note or member.note
        self.entries.append(Entry(member.name or "", kind, member.size, goroutines, note, cut=member.cut))


def _captures(reading: _Reading) -> Iterator[Capture]:
    version = reading.version or {}
    release, go_version = version.get("Version"), version.get("Golang")
    processes = _processes(reading.members)
    for read in reading.members:
        member, process = read.member, processes.get(_folder(read.member))
        last = len(read.snapshots)
        for position, snapshot in enumerate(read.snapshots, start=1):
            cut = member.cut and position == last
            place = Place(member.source, member.name, position, last, member.wrapper, member.stream, cut=cut)
            taken = _taken(member, snapshot)
            if process and member.name:
                taken = first_known((taken, process))
            second = process is not None and not read.is_text and not snapshot.leak_profile
            yield Capture(snapshot, place, taken, release, second, read.content, go_version=go_version)


def _processes(members: Sequence[_Dumps]) -> dict[str, Taken]:
    """The folders that show one process (one text with one dump), each with the time and host of its members.

    Bundles are written within seconds. A folder with several texts is a collection, whose members may be hours apart.
    """
    by_folder: defaultdict[str, list[_Dumps]] = defaultdict(list)
    for read in members:
        by_folder[_folder(read.member)].append(read)
    processes = {}
    for name, reads in by_folder.items():
        if [1] == [len(read.snapshots) for read in reads if read.is_text]:
            processes[name] = first_known(
                _taken(read.member, snapshot) for read in reads for snapshot in read.snapshots
            )
    return processes


def _folder(member: Member) -> str:
    return (member.name or "").rpartition("/")[0]


def _taken(member: Member, snapshot: Snapshot) -> Taken:
    return first_known((Taken(snapshot.captured_at), read_name(f"{member.source}/{member.name or ''}".rstrip("/"))))


def _note(member: Member) -> str | None:
    wrapper = f"in {', '.join(member.wrapper)}" if member.wrapper else None
    return member.note or ("cut" if member.cut else wrapper)


def _cut_short(member: Member, error: UnrecognisedFormatError) -> UnrecognisedFormatError:
    """The error for an input without a dump; the note on a missing end comes first."""
    if member.note is None:
        return error
    return UnrecognisedFormatError(f"{member.where}: {member.note}; the received part contains no dump")


def _cut(snapshot: Snapshot, note: str | None) -> Snapshot:
    """The snapshot of a file that ends too early, by its archive or server: incomplete, with a problem."""
    line = max((n for n in snapshot.column("line") if n is not None), default=1)
    reason = note or "the compressed file is cut: what follows this goroutine is lost"
    problem = Problem(line, reason)
    return replace(snapshot, complete=False, problems=(*snapshot.problems, problem))
