"""Splits sources into parts that several processes read: a file, an object, or some members of a folder or an archive.

What belongs to one process stays together: the files of a folder that is a bundle (kubo's, or a node of a debug zip).
All else is split, so that nobody reads a folder of ten thousand captures alone. A compressed tar can only be read from
its beginning: it is one part, of which one folder at a time is in memory.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stackscan import sources
from stackscan.errors import SourceError
from stackscan.sources import Member, Source
from stackscan.sources.archive_marks import ZIP
from stackscan.sources.marks import file_mark, folder_mark, joined_mark
from stackscan.sources.sent import Sent

if TYPE_CHECKING:
    from stackscan.sources.objects.address import ObjectAddress
    from stackscan.sources.objects.listing import Folder

#: Files that only a bundle of one process has: kubo's, and a node's of a cockroach debug zip.
MARKS: Final = frozenset({"version.json", "goroutines.stacks", "stacks.txt"})
#: A folder of more files, or more bytes, is a collection: its files are read one by one.
_MOST_MEMBERS: Final = 512
_MOST_BYTES: Final = 256 << 20
#: Members of a zip in one part, and the most parts: each part reads the zip's directory again.
_SPAN: Final = 32
_MOST_SPANS: Final = 256


@dataclass(frozen=True, slots=True)
class Part:
    """What one process reads at a time; it may be pickled.

    ``sent`` is the file, folder or address; ``below`` is its path below the source that the user gave. ``names`` are
    files of that folder (or objects of that prefix), ``span`` the places of members in the zip's order (None: all of
    it). ``broken`` says why it cannot be read. ``mark`` changes with the content: of the file, of the whole archive, of
    the files of a folder together (None: not known before it is read). ``groups``: of the groups that it is read in,
    only those from the first number to before the second (None: to the last), in steps of the third.
    """

    sent: Sent
    below: str
    names: tuple[str, ...] = ()
    span: tuple[int, int] | None = None
    broken: str = ""
    mark: str | None = None
    groups: tuple[int, int | None, int] = (0, None, 1)

    def __str__(self) -> str:
        return str(self.sent)

    @property
    def stays(self) -> bool:
        """Whether only this process can read it."""
        return self.sent.stays

    def piece(self, first: int, end: int | None) -> Part:
        """Of its groups, counted from 0, those from ``first`` to before ``end`` (None: to the last)."""
        start, stop, step = self.groups
        return replace(self, groups=(start + first * step, stop if end is None else start + end * step, step))


@dataclass(frozen=True, slots=True)
class Group:
    """Members that are read together: those of one bundle, or one file. ``below`` is the path, below the source that
    the user gave, of what holds them."""

    source: str
    below: str
    members: tuple[Member, ...]


def split(source: str) -> Iterator[Part]:
    """The parts of a source, in order. What is wrong with one of them, reading it says."""
    given = Source(source)
    if given == sources.STDIN or given.is_url:
        yield Part(Sent.of(given), "")
        return
    if given.is_object:
        yield from _of_objects(given)
        return
    path = Path(given.with_secrets())
    if not _is_folder(path):
        yield from _of_file(given, path, "")
        return
    broken: list[OSError] = []
    for folder, names in _listed(path, broken.append):
        below = _below(folder, path)
        if _is_bundle(names) and _fits(folder, names):
            yield Part(Sent.of(str(folder)), below, names=tuple(names), mark=folder_mark(folder, names))
            continue
        for name in names:
            if (folder / name).is_symlink():
                yield Part(Sent.of(str(folder)), below, names=(name,), mark=folder_mark(folder, (name,)))
                continue
            yield from _of_file(Source(str(folder / name)), folder / name, f"{below}/{name}" if below else name)
    for error in broken:
        where = Path(error.filename)
        yield Part(Sent.of(str(where)), _below(where, path), broken=f"it cannot be listed: {error.strerror}")


def _of_objects(given: Source) -> Iterator[Part]:
    """The parts of an address in object storage: one for each object, and one for each bundle.

    Raises SourceError when there is nothing, or nothing of it can be listed.
    """
    from stackscan.sources.objects.address import ObjectAddress
    from stackscan.sources.objects.failures import missing
    from stackscan.sources.objects.listing import folders_below, object_at

    address = ObjectAddress.parse(given)
    found = None if address.is_folder else object_at(address)
    if found is not None:
        yield Part(Sent.of(given), "", mark=found.mark)
        return
    some = False
    try:
        for folder in folders_below(address):
            some = True
            yield from _of_folder(address, folder)
    except SourceError as error:
        if not some:
            raise
        yield Part(Sent.of(given), "", broken=f"the list broke off: {error}")
    if not some:
        raise missing(address)


def _of_folder(address: ObjectAddress, folder: Folder) -> Iterator[Part]:
    """The parts of a folder in object storage. Matches of a pattern have no path below it, as if a shell had found
    them."""
    objects = folder.objects
    names = tuple(one.name for one in objects)
    if folder.whole and _is_bundle(names) and sum(one.size for one in objects) <= _MOST_BYTES:
        where = objects[0].folder.rstrip("/")
        below = "" if address.is_glob else where.removeprefix(address.folder.rstrip("/")).lstrip("/")
        mark = joined_mark((one.name, one.mark) for one in objects)
        yield Part(Sent.of(address.of(where).source), below, names=names, mark=mark)
        return
    for one in objects:
        below = "" if address.is_glob else one.key.removeprefix(address.folder)
        yield Part(Sent.of(address.of(one.key).source), below, mark=one.mark)


def _below(inner: Path, folder: Path) -> str:
    found = inner.relative_to(folder).as_posix()
    return "" if found == "." else found


def groups(part: Part) -> Iterator[Group]:
    """What is read together of a part, one after the other. Raises what opening a source raises."""
    source = part.sent.source
    for members in islice(_together(_opened(part)), *part.groups):
        yield Group(str(source), part.below, members)


def groups_of_bytes(name: str, data: bytes) -> Iterator[Group]:
    """The same of the bytes of one file, an archive or not, which is named so. Raises what opening it raises."""
    masked = str(Source(name))
    for members in _together(sources.open_bytes(masked, data)):
        yield Group(masked, "", members)


def _opened(part: Part) -> Iterator[Member]:
    source, path = part.sent.source, Path(part.sent.given)
    if part.broken:
        raise SourceError(part.broken)
    if source.is_object:
        from stackscan.sources.objects.members import listed_members

        return listed_members(source, part.names)
    if part.names:
        from stackscan.sources.archive import file_entries

        return sources.members_of(str(source), file_entries(path, part.names))
    if part.span is not None:
        from stackscan.sources.archive import zip_entries

        return sources.members_of(str(source), zip_entries(path, *part.span))
    return sources.open_source(source)


def _together(members: Iterable[Member]) -> Iterator[tuple[Member, ...]]:
    """Members of one folder that follow each other: together if they are a bundle, else one by one."""
    waiting: list[Member] = []
    size = 0
    for member in members:
        if member.name is None:
            yield (member,)
            continue
        full = len(waiting) >= _MOST_MEMBERS or size > _MOST_BYTES
        if waiting and (full or _folder(member) != _folder(waiting[0])):
            yield from _divided(waiting)
            waiting, size = [], 0
        waiting.append(member)
        size += len(member.data or b"")
    yield from _divided(waiting)


def _divided(members: list[Member]) -> Iterator[tuple[Member, ...]]:
    if _is_bundle([(member.name or "").rpartition("/")[2] for member in members]):
        yield tuple(members)
    else:
        yield from ((member,) for member in members)


def _folder(member: Member) -> str:
    return (member.name or "").rpartition("/")[0]


def _is_bundle(names: Iterable[str]) -> bool:
    return not MARKS.isdisjoint(names)


def _fits(folder: Path, names: list[str]) -> bool:
    """Whether a bundle is small enough to be read at once."""
    try:
        return len(names) <= _MOST_MEMBERS and sum((folder / n).lstat().st_size for n in names) <= _MOST_BYTES
    except OSError:
        return True  # reading it says what is wrong


def _listed(path: Path, fail: Callable[[OSError], None]) -> Iterator[tuple[Path, list[str]]]:
    """The folders below a path, itself included, that have files, with their names, all sorted. Links to folders are
    files here: nobody follows them. ``fail`` is called for a folder that cannot be listed."""
    for folder, inner, names in os.walk(path, onerror=fail):
        here = Path(folder)
        names += [name for name in inner if (here / name).is_symlink()]
        inner.sort()
        if names:
            yield here, sorted(names)


def _of_file(source: Source, path: Path, below: str) -> Iterator[Part]:
    """The parts of a file: one, unless it is a zip of many members."""
    sent, mark = Sent.of(source), file_mark(path)
    members = _zip_folders(path)
    if not members:
        yield Part(sent, below, mark=mark)
        return
    most = max(_SPAN, len(members) // _MOST_SPANS)
    first = 0
    for place in range(1, len(members) + 1):
        ends_folder = place == len(members) or members[place] != members[place - 1]
        if place == len(members) or (place - first >= most and ends_folder) or place - first >= most + _MOST_MEMBERS:
            yield Part(sent, below, span=(first, place), mark=mark)
            first = place


def _zip_folders(path: Path) -> list[str]:
    """The folder of each member of a zip, in its order; nothing for any other file."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return []
        with path.open("rb") as file:
            if file.read(len(ZIP)) != ZIP:
                return []
    except (OSError, ValueError):
        return []  # opening it says what is wrong
    from stackscan.sources.archive import zip_order

    return [member.filename.rpartition("/")[0] for member in zip_order(path)]


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False
