"""Marks of files and objects: short texts that change with the content, so that what is known need not be read again.

A mark is taken before its file is read. So a file that is written meanwhile has another mark the next time, and is read
again. Marks say nothing between two places: an equal file elsewhere has another one.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path


def file_mark(path: Path) -> str | None:
    """The mark of a file, by its size, modification time and inode; None for a pipe, a device, or no file.

    Links are followed, as reading a file does.
    """
    try:
        return _mark(path.stat())
    except (OSError, ValueError):
        return None


def folder_mark(folder: Path, names: Iterable[str]) -> str | None:
    """The mark of some files of a folder together, links not followed; None where one of them has none."""
    marks: list[tuple[str, str]] = []
    for name in names:
        try:
            mark = _mark((folder / name).lstat())
        except (OSError, ValueError):
            return None
        if mark is None:
            return None
        marks.append((name, mark))
    return joined_mark(marks)


def joined_mark(marks: Iterable[tuple[str, str]]) -> str:
    """The mark of several files or objects together, by their names and marks."""
    hashed = blake2b(digest_size=16)
    for name, mark in marks:
        written = os.fsencode(name)
        hashed.update(f"{len(written)} {mark} ".encode() + written)
    return hashed.hexdigest()


def _mark(status: os.stat_result) -> str | None:
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
        return None
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ino}"
