"""The files that a watcher keeps, in a folder for each process, and which of them go first.

An index beside the folders, ``.stackscan-kept-HOST-RANDOM``, names the files that this watcher wrote: no other file is
ever removed. The watcher holds a lock on its index, so several watchers may keep captures in one place; the index of
one that was killed is taken over by the next. A file is in the index before it has its name.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from stackscan.export.atomic import new_file, remove_abandoned
from stackscan.export.parts import abandoned, locked_file, part_name, parts
from stackscan.sources.names import read_name

_KIND: Final = "kept"
#: Seconds by which a file system may round the time of a change.
_ROUNDING: Final = 2.0
#: Lines of an index about files that are gone, before it is written anew.
_MOST_GONE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept of a process: files, their bytes in all, and their age."""

    count: int = 500
    size_bytes: int = 64 << 20
    age: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Kept:
    """A file: its folder and name, its bytes, the times of its last change and of its capture (seconds since 1970), and
    the ids of the findings that it shows."""

    folder: str
    name: str
    size: int
    changed: float
    at: float
    shows: tuple[str, ...] = ()


class Store:
    """Where one watcher keeps captures. Every method may raise OSError."""

    def __init__(self, root: Path, bounds: Bounds) -> None:
        """Make the folder where there is none, and take over what killed watchers kept in it."""
        self.root = root
        self.bounds = bounds
        self.files: dict[str, list[Kept]] = {}
        self._opened: set[str] = set()
        root.mkdir(parents=True, exist_ok=True)
        self._index = _Index(root)
        try:
            for one in self._index.inherit():
                self.files.setdefault(one.folder, []).append(one)
        except OSError:
            self._index.close(remove=True)
            raise

    @property
    def is_gone(self) -> bool:
        """Whether somebody removed the folder, or its index."""
        return self._index.is_gone

    def add(
        self,
        folder: str,
        name: Callable[[datetime], str],
        at: datetime,
        data: bytes,
        shows: tuple[str, ...],
        *,
        synced: bool,
    ) -> None:
        """Keep a capture under the name of its time, or of a millisecond later where a file has that."""
        place = self._open(folder)
        while True:
            path = place / name(at)
            try:
                with new_file(path, synced=synced) as out:
                    out.write(data)
                    out.flush()
                    status = os.fstat(out.fileno())
                    one = Kept(folder, path.name, len(data), status.st_mtime, at.timestamp(), shows)
                    self._index.note(one)
            except FileExistsError:
                at += timedelta(milliseconds=1)
            else:
                self.files.setdefault(folder, []).append(one)
                return

    def _open(self, folder: str) -> Path:
        """The folder of a process, without what killed watchers left half-written in it."""
        place = self.root / folder
        if folder not in self._opened or not place.is_dir():
            place.mkdir(exist_ok=True)
            remove_abandoned(place)
            self._opened.add(folder)
        return place

    def rotate(self, folder: str, now: datetime, standing: Collection[str]) -> None:
        """Remove what is too old or too much of a process; ``standing`` are the findings that stand now."""
        self._remove(folder, victims(self.files.get(folder, ()), standing, self.bounds, now.timestamp()))

    def sweep(self, now: datetime) -> None:
        """Remove what is too old of processes that are watched no more."""
        oldest = now.timestamp() - self.bounds.age.total_seconds()
        for folder in [name for name in self.files if name not in self._opened]:
            self._remove(folder, [one for one in self.files[folder] if one.at < oldest])
            if not self.files[folder]:
                del self.files[folder]
                with suppress(OSError):  # something else is in it
                    (self.root / folder).rmdir()

    def _remove(self, folder: str, going: Sequence[Kept]) -> None:
        if not going:
            return
        for one in going:
            if _is_unchanged(self.root, one):
                (self.root / one.folder / one.name).unlink(missing_ok=True)
        names = {one.name for one in going}
        self.files[folder] = [one for one in self.files[folder] if one.name not in names]
        if self._index.lines > 2 * sum(map(len, self.files.values())) + _MOST_GONE:
            self._renew()

    def _renew(self) -> None:
        """Write the index anew, without the files that are gone."""
        before, index = self._index, _Index(self.root)
        try:
            for files in self.files.values():
                for one in files:
                    index.note(one)
        except OSError:
            index.close(remove=True)
            raise
        self._index = index
        before.close(remove=True)

    def close(self) -> None:
        """Leave the files to the next watcher."""
        self._index.close()


def victims(files: Sequence[Kept], standing: Collection[str], bounds: Bounds, now: float) -> list[Kept]:
    """The files to remove, of those given in time order: beyond the bounds, oldest first.

    The first and the last capture that show a finding go after all others, and where the finding stands, only when
    nothing else is left; those of past findings are at most half of the count. The newest capture stays.
    """
    ranks = _ranks(files, standing)
    past = [one for one in files if ranks.get(one.name) == 1]
    for one in past[: max(0, len(past) - bounds.count // 2)]:
        del ranks[one.name]
    left, size = len(files), sum(one.size for one in files)
    oldest = now - bounds.age.total_seconds()
    going = []
    for one in sorted(files[:-1], key=lambda each: (ranks.get(each.name, 0), each.at)):
        is_old = one.at < oldest and ranks.get(one.name, 0) < 2
        if is_old or left > bounds.count or size > bounds.size_bytes:
            going.append(one)
            left, size = left - 1, size - one.size
    return going


def _ranks(files: Sequence[Kept], standing: Collection[str]) -> dict[str, int]:
    """The files that are the first or the last to show a finding: 2 where it stands, 1 where it is past."""
    ends: dict[str, tuple[Kept, Kept]] = {}
    for one in files:
        for finding in one.shows:
            ends[finding] = (ends[finding][0] if finding in ends else one, one)
    ranks: dict[str, int] = {}
    for finding, both in ends.items():
        for one in both:
            ranks[one.name] = max(ranks.get(one.name, 0), 2 if finding in standing else 1)
    return ranks


class _Index:
    """The index of one watcher: a line of JSON for each file, locked while it is open."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._path = root / part_name(_KIND)
        self._handle = locked_file(self._path, 0o644)
        self.lines = 0

    @property
    def is_gone(self) -> bool:
        return os.fstat(self._handle).st_nlink == 0

    def note(self, one: Kept) -> None:
        """Add a file; behind what a full disk left of a line."""
        line = b"\n" + json.dumps(asdict(one)).encode()
        if os.write(self._handle, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.lines += 1

    def inherit(self) -> list[Kept]:
        """The files of watchers that were killed or have ended, in time order; their indexes are gone then."""
        found: dict[str, Kept] = {}
        with ExitStack() as locks:
            every = parts(self._root, _KIND)
            dead = [part for part in every if part != self._path and locks.enter_context(abandoned(part))]
            for part in dead:
                found |= {f"{one.folder}/{one.name}": one for one in _read(part) if _is_unchanged(self._root, one)}
            for one in found.values():
                self.note(one)
            for part in dead:  # only now: what they named is in this one
                part.unlink(missing_ok=True)
        return sorted(found.values(), key=lambda one: one.at)

    def close(self, *, remove: bool = False) -> None:
        if remove:
            with suppress(OSError):
                self._path.unlink()
        os.close(self._handle)


def _read(index: Path) -> Iterable[Kept]:
    """The files that an index names; whatever its content, only what has the name of a capture."""
    for line in index.read_bytes().splitlines():
        with suppress(ValueError, TypeError, KeyError):
            values = json.loads(line)
            folder, name, shows = values["folder"], values["name"], tuple(map(str, values["shows"]))
            if (
                read_name(name).captured_at is not None
                and not re.search(r"[/\\\0]|\A\.*\Z", folder)
                and "/" not in name
            ):
                yield Kept(folder, name, int(values["size"]), float(values["changed"]), float(values["at"]), shows)


def _is_unchanged(root: Path, one: Kept) -> bool:
    """Whether a file is there, as it was written."""
    try:
        status = (root / one.folder / one.name).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return status.st_size == one.size and abs(status.st_mtime - one.changed) <= _ROUNDING
