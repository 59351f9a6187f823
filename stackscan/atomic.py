"""Files that appear whole or not at all, whatever ends the program; parts that killed runs left are removed.

All that stackscan writes to a disk is first written to a part beside it, named ``.stackscan-part-HOST-RANDOM``: a file
that a rename puts in place, or a workspace (a folder). A writer holds a lock (flock) on its part for as long as it
lives, so a part whose lock is free belongs to a run that was killed. Whoever writes to a folder removes those first.
Locks may not reach other hosts (NFS): a part of another host is removed only after a day without a change.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import secrets
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Final, TextIO, TypeVar

from stackscan.errors import OutputError

if sys.platform != "win32":  # it has no locks of this kind
    import fcntl

T = TypeVar("T")

_PART: Final = re.compile(r"\.stackscan-part-([0-9a-f]{8})-[0-9a-f]{16}")
#: Files of a workspace: the one that its writer locks, and the one that says that all of its files are whole.
_LOCK: Final = "lock"
_SEAL: Final = "sealed"
_DAY_SECONDS: Final = 86_400
_WRITE_BITS: Final = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """A text stream (UTF-8) to a file that takes the place of ``path`` when all is written, and not before.

    A link stays a link: what it points to is replaced. A file that is replaced keeps its mode, and its owner where the
    user may give files away. Raises OutputError when it cannot be written; what was there then stays as it was.
    """
    target = _target(path)
    with named(path):
        before = _replaceable(target, path)
        remove_abandoned(target.parent)
        part = target.with_name(_part_name())
        try:
            handle = _locked_file(part, 0o666 if before is None else 0o600)
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


def _target(path: Path) -> Path:
    """What a path leads to in the end."""
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:  # Python 3.13 raises the former
        raise OutputError(
            f"{path} cannot be written: it is a link that leads to itself", hint="Remove it, or name another file."
        ) from error


def _replaceable(target: Path, path: Path) -> os.stat_result | None:
    """What is known of the file to be replaced (None: there is none). Raises OutputError where a program that writes
    in place could not write either; also of a file that nobody may write, for the one user who could (root)."""
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
    place = folder / _part_name()
    handle = -1
    try:
        handle = _locked_folder(place)
        yield place
        _unseal(place)
    finally:
        surely(lambda: None if is_sealed(place) else _remove(place))
        if handle >= 0:
            os.close(handle)


def surely(act: Callable[[], T]) -> T:
    """Do what must not be left half done, such as clearing up: when a signal ends it, it is done once more, whole."""
    try:
        return act()
    except (KeyboardInterrupt, SystemExit):
        act()
        raise


def seal(place: Path, files: Iterable[Path]) -> None:
    """Say that these files of a workspace are all, and whole: from now on they will appear, whatever comes."""
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


def check_replaceable(path: Path) -> None:
    """Raise OutputError, or OSError, unless a file can be put there."""
    _replaceable(path, path)


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
    it stays. Raises what ``finish`` raises; a part that cannot be removed stays.
    """
    for part in parts(folder):
        with _abandoned(part) as dead:
            if dead and is_sealed(part):
                if finish is not None:
                    finish(part)
                    _unseal(part)
                    _remove(part)
            elif dead:
                _remove(part)


def parts(folder: Path) -> list[Path]:
    """The parts in a folder, of runs that live and of killed ones."""
    try:
        with os.scandir(folder) as entries:
            return sorted(folder / entry.name for entry in entries if _PART.fullmatch(entry.name))
    except OSError:
        return []


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other runs from putting files into their places in this folder meanwhile. Raises OSError.

    On a file system that locks no folders (NFS) it keeps nobody away.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        _lock(handle)
        yield
    finally:
        os.close(handle)


def _sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    with suppress(OSError):  # some file systems cannot, and there is nothing to do about it
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# -- locks -----------------------------------------------------------------------------------------------------------


def _part_name() -> str:
    return f".stackscan-part-{_host()}-{secrets.token_hex(8)}"


@cache
def _host() -> str:
    return hashlib.blake2b(platform.node().encode("utf-8", "surrogateescape"), digest_size=4).hexdigest()


def _locked_file(path: Path, mode: int) -> int:
    """A new file, open and locked. Between these two steps another run may take it for abandoned and remove it."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        _lock(handle)
        if _is_at(handle, path):
            return handle
        os.close(handle)


def _locked_folder(place: Path) -> int:
    """A new workspace, its lock held; likewise."""
    while True:
        place.mkdir(mode=0o700)
        with suppress(FileNotFoundError):
            handle = os.open(place / _LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            _lock(handle)
            if _is_at(handle, place / _LOCK):
                return handle
            os.close(handle)


def _lock(handle: int) -> None:
    if sys.platform != "win32":  # without locks nobody can take a part for abandoned either
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path, follow_symlinks=False))  # noqa: PTH116 - of the link
    except FileNotFoundError:
        return False


@contextmanager
def _abandoned(part: Path) -> Iterator[bool]:
    """Whether a part belongs to no living run; if so, its lock is held meanwhile."""
    lock = part / _LOCK if part.is_dir() and not part.is_symlink() else part
    try:
        handle = os.open(lock, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:  # killed as it made the folder, or as it removed it
        with suppress(OSError):
            part.rmdir()
        yield False
        return
    except OSError:
        yield False
        return
    try:
        yield _is_free(handle) and _is_at(handle, lock) and (_is_own(part) or _is_old(part))
    finally:
        os.close(handle)


def _is_free(handle: int) -> bool:
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_own(part: Path) -> bool:
    match = _PART.fullmatch(part.name)
    return match is not None and match[1] == _host()


def _is_old(part: Path) -> bool:
    newest = max(path.stat().st_mtime for path in (part, *part.rglob("*")))
    return time.time() - newest > _DAY_SECONDS


def _remove(part: Path) -> None:
    """Remove a part, the lock of a workspace last: without it nobody could tell that the rest is abandoned."""
    with suppress(OSError):
        if not part.is_dir() or part.is_symlink():
            part.unlink()
            return
        for inside in part.iterdir():
            if inside.is_dir():
                shutil.rmtree(inside, ignore_errors=True)
            elif inside.name != _LOCK:
                inside.unlink()
        (part / _LOCK).unlink(missing_ok=True)
        part.rmdir()


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Turn failures to write a path into OutputError."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error
