"""Writes files whole or not at all, whatever ends the program, and removes what killed runs left.

Output is first written to a part beside its place (parts.py): a file that a rename puts in place, or a workspace
(a folder). Each writer first removes the parts of killed runs.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final, TextIO, TypeVar

from stackscan.errors import OutputError
from stackscan.export.parts import abandoned, lock, locked_file, locked_folder, part_name, parts, remove

T = TypeVar("T")

#: The file of a workspace that says that all of its files are whole.
_SEAL: Final = "sealed"
_WRITE_BITS: Final = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """A text stream (UTF-8) to a file that takes the place of ``path`` when all is written, and not before.

    A link stays a link: what it points to is replaced. A file that is replaced keeps its mode, and its owner where the
    user may give files away. Raises OutputError when it cannot be written; what was there then stays as it was.
    """
    target = _target(path)
    with named(path):
        before = replaceable(target, path)
        remove_abandoned(target.parent)
        part = target.with_name(part_name())
        try:
            handle = locked_file(part, 0o666 if before is None else 0o600)
            with open(handle, "w", encoding="utf-8", errors="backslashreplace") as out:  # noqa: PTH123 - of a handle
                yield out
                out.flush()
                if before is not None:
                    _keep(handle, before)
                os.fsync(handle)
                os.replace(part, target)  # noqa: PTH105 - the lock on the open file lasts until it has its name
            _sync(target.parent)
        finally:
            surely(lambda: part.unlink(missing_ok=True))


@contextmanager
def new_file(path: Path, *, synced: bool = True) -> Iterator[BinaryIO]:
    """A binary stream to a file that appears at ``path`` when all is written; a file that is there stays.

    ``synced``: it outlasts a power failure, too, which takes the time of a disk. Raises FileExistsError when another
    file has the name, OSError when it cannot be written.
    """
    part = path.with_name(part_name())
    try:
        with open(locked_file(part, 0o666), "wb") as out:  # noqa: PTH123 - of a handle
            yield out
            out.flush()
            if synced:
                os.fsync(out.fileno())
            _name_new(part, path)
        if synced:
            _sync(path.parent)
    finally:
        surely(lambda: part.unlink(missing_ok=True))


def _name_new(part: Path, path: Path) -> None:
    """Give a part its name, unless a file has it."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links: another writer could take the name between these two steps
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        os.replace(part, path)  # noqa: PTH105 - as above


def _target(path: Path) -> Path:
    """The file behind any links."""
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:  # Python 3.13 raises the former
        raise OutputError(
            f"{path} cannot be written: it is a link to itself", hint="Remove it, or name another file."
        ) from error


def replaceable(target: Path, path: Path | None = None) -> os.stat_result | None:
    """The status of the file to be replaced, which errors call ``path`` (None: there is none).

    Raises OutputError for a directory and for a file without write permission, even if root could replace it; OSError.
    """
    path = path or target
    try:
        before = target.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(before.st_mode):
        raise OutputError(f"{path} is a directory", hint="Give the name of a file.")
    if not before.st_mode & _WRITE_BITS or not os.access(target, os.W_OK):
        raise OutputError(
            f"{path} cannot be written: the file is read-only", hint="Make it writable (chmod u+w), or name another."
        )
    return before


def _keep(handle: int, before: os.stat_result) -> None:
    """Give a new file the owner, group and mode of the one that it replaces, as far as the user may."""
    for owner, group in ((before.st_uid, -1), (-1, before.st_gid)):
        with suppress(OSError):
            os.fchown(handle, owner, group)
    os.fchmod(handle, stat.S_IMODE(before.st_mode) & 0o777)


@contextmanager
def workspace(folder: Path) -> Iterator[Path]:
    """A new folder inside ``folder`` for files on their way there; it is gone when the block ends.

    It stays when the block fails after :func:`seal`: the next run then puts its files in place
    (:func:`remove_abandoned`). Raises OSError.
    """
    place = folder / part_name()
    handle = -1
    try:
        handle = locked_folder(place)
        yield place
        _unseal(place)
    finally:
        surely(lambda: None if is_sealed(place) else remove(place))
        if handle >= 0:
            os.close(handle)


def surely(act: Callable[[], T]) -> T:
    """Do what must not stay half done, such as cleaning up: when a signal interrupts it, repeat it."""
    try:
        return act()
    except (KeyboardInterrupt, SystemExit):
        act()
        raise


def seal(place: Path, files: Iterable[Path]) -> None:
    """Mark the files of a workspace as whole: from now on they will be published, also when this run is killed."""
    for file in files:
        _sync(file)
    mark = place / f"{_SEAL}.new"
    mark.touch()
    mark.replace(place / _SEAL)
    _sync(place)


def is_sealed(place: Path) -> bool:
    """Whether a workspace's files are whole and on their way to their places."""
    return (place / _SEAL).exists()


def _unseal(place: Path) -> None:
    (place / _SEAL).unlink(missing_ok=True)


def put(whole: Path, path: Path) -> None:
    """Put a whole file in the place of ``path``, which keeps its mode and owner as with :func:`whole_file`."""
    with suppress(FileNotFoundError):
        before = path.stat()
        handle = os.open(whole, os.O_RDONLY)
        try:
            _keep(handle, before)
        finally:
            os.close(handle)
    os.replace(whole, path)  # noqa: PTH105 - one way to rename in this module: tests stop it there


def remove_abandoned(folder: Path, *, finish: Callable[[Path], object] | None = None) -> None:
    """Remove the parts that killed runs left in a folder, never one of a run that lives.

    A sealed workspace is given to ``finish``, which puts its files in place, and is then removed; without ``finish``
    it stays. Who gives one is :func:`alone` in the folder. Raises what ``finish`` raises; a part that cannot be removed
    stays.
    """
    for part in parts(folder):
        # Only who is alone puts files in place, so the run of another sealed workspace is at its end, though the kernel
        # may not have released its lock yet. To go on before its files are in place would mix two exports.
        with abandoned(part, ending=finish is not None and is_sealed(part)) as dead:
            if dead and is_sealed(part):
                if finish is not None:
                    finish(part)
                    _unseal(part)
                    remove(part)
            elif dead:
                remove(part)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other runs from putting files into their places in this folder meanwhile. Raises OSError.

    On a file system that locks no folders (NFS) it keeps nobody away.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        lock(handle)
        yield
    finally:
        os.close(handle)


def _sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    with suppress(OSError):  # some file systems cannot
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Turn failures to write a path into OutputError."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error
