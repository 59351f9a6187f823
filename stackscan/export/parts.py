"""Temporary files and folders ("parts") of runs that write output, and which of them are abandoned.

A part is named ``.stackscan-part-HOST-RANDOM``; files of other kinds that only a living run may use have another word
in its place. Its writer holds a lock (flock) on it while it runs, so a part whose
lock is free belongs to a killed run. Locks may not reach other hosts (NFS): a part of another host is abandoned only
after a day without a change.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import secrets
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Final

if sys.platform != "win32":  # it has no locks of this kind
    import fcntl

_PART: Final = re.compile(r"\.stackscan-([a-z]+)-([0-9a-f]{8})-[0-9a-f]{16}")
#: What most such files are: output that is under way.
PART: Final = "part"
#: The file of a workspace that its writer locks.
_LOCK: Final = "lock"
_DAY_SECONDS: Final = 86_400


def parts(folder: Path, kind: str = PART) -> list[Path]:
    """The parts in a folder, of runs that live and of killed ones."""
    try:
        with os.scandir(folder) as entries:
            found = [entry.name for entry in entries if (is_one := _PART.fullmatch(entry.name)) and is_one[1] == kind]
    except OSError:
        return []
    return sorted(folder / name for name in found)


def part_name(kind: str = PART) -> str:
    """A new name for a part of this host."""
    return f".stackscan-{kind}-{_host()}-{secrets.token_hex(8)}"


@cache
def _host() -> str:
    return hashlib.blake2b(platform.node().encode("utf-8", "surrogateescape"), digest_size=4).hexdigest()


def locked_file(path: Path, mode: int) -> int:
    """A new file, open and locked."""
    while True:  # between these two steps another run may take it for abandoned and remove it
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        lock(handle)
        if _is_at(handle, path):
            return handle
        os.close(handle)


def locked_folder(place: Path) -> int:
    """A new workspace, its lock held."""
    while True:
        place.mkdir(mode=0o700)
        with suppress(FileNotFoundError):  # another run has removed it
            return locked_file(place / _LOCK, 0o600)


def lock(handle: int) -> None:
    """Lock an open file or folder, where its file system has locks."""
    if sys.platform != "win32":  # without locks no part counts as abandoned
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path, follow_symlinks=False))  # noqa: PTH116 - of the link
    except FileNotFoundError:
        return False


@contextmanager
def abandoned(part: Path, *, ending: bool = False) -> Iterator[bool]:
    """Whether a part belongs to no living run; if so, its lock is held meanwhile. ``ending``: its run is known to end,
    and where it is of this host, its end is awaited."""
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
        free = _is_free(handle, wait=ending and _is_own(part))
        yield free and _is_at(handle, lock) and (_is_own(part) or _is_old(part))
    finally:
        os.close(handle)


def _is_free(handle: int, *, wait: bool) -> bool:
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_own(part: Path) -> bool:
    match = _PART.fullmatch(part.name)
    return match is not None and match[2] == _host()


def _is_old(part: Path) -> bool:
    newest = max(path.stat().st_mtime for path in (part, *part.rglob("*")))
    return time.time() - newest > _DAY_SECONDS


def remove(part: Path) -> None:
    """Remove a part, the lock of a workspace last, for it marks the rest as abandoned."""
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
