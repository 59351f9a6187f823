"""Folders that source files are read from: only regular files below them, and never more than a bound.

What a dump names is looked up below a tree's folder and nowhere else: a symbolic link may lead to another place
inside, not out of it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol

from stackscan.golang.places import is_harmless

#: Bytes of one file; the largest in the standard library has 3 MiB (tables of Unicode and of instructions).
MAX_FILE_BYTES: Final = 4 << 20
#: Paths that are looked at to learn whether a file's name occurs once, or where modules are.
_MAX_PATHS: Final = 50_000
#: Names in one folder that are looked at.
_MAX_NAMES: Final = 5_000
#: Folders without source of the project itself.
_SKIPPED: Final = frozenset({"vendor", "node_modules"})
#: Files beside Go source that tell where it is.
DESCRIPTIONS: Final = frozenset({"go.mod", "go.work", "modules.txt"})


class UnreadableError(Exception):
    """A file is there and cannot be read; the text says why."""


@dataclass(slots=True)
class Contents:
    """Where the names in a tree are: each name's paths, and the folders with a go.mod. ``whole`` is false when there
    were too many to look at."""

    paths: dict[str, list[str]] = field(default_factory=dict)
    modules: list[str] = field(default_factory=list)
    whole: bool = True

    def alike(self, parts: Sequence[str]) -> tuple[str | None, int]:
        """The path with the longest common ending with these elements, and how many that has; None where two have as
        long a one, or not all is known."""
        common = {path: _common_ending(path.split("/"), parts) for path in self.paths.get(parts[-1], [])}
        longest = max(common.values(), default=0)
        best = [path for path, count in common.items() if count == longest]
        return (best[0], longest) if self.whole and len(best) == 1 else (None, longest)

    def count(self, name: str) -> int:
        """How many files have this name."""
        return len(self.paths.get(name, []))


def _common_ending(some: Sequence[str], others: Sequence[str]) -> int:
    pairs = zip(reversed(some), reversed(others), strict=False)
    return next((n for n, (one, other) in enumerate(pairs) if one != other), min(len(some), len(others)))


class Tree(Protocol):
    """A folder, or what stands for one. Paths in it have slashes and no first one."""

    name: str  # how notes call it
    label: str  # its folder's own name, which may tell the version: boxo-0.38.0, boxo@v0.38.0

    @property
    def contents(self) -> Contents:
        """The names in it."""

    def has(self, path: str) -> bool:
        """Whether something is there."""

    def read(self, path: str) -> bytes | None:
        """A file's bytes, None if it is not there. Raises UnreadableError."""

    def files(self, folder: str) -> list[str]:
        """The names of the Go files right in a folder of it, sorted."""

    def on_disk(self, path: str) -> Path | None:
        """Where a file is on this machine; None for none, and for one in an archive."""


class Folder:
    """A folder on disk. It may be a symbolic link itself."""

    def __init__(self, root: Path) -> None:
        self.name = str(root)
        self.root = root.resolve()
        self.label = self.root.name

    @cached_property
    def contents(self) -> Contents:
        """The names in it; links to folders are not followed."""
        return listed(self._paths())

    def has(self, path: str) -> bool:
        """Whether something is there, a link that leaves the folder included."""
        return is_inner(path) and os.path.lexists(self.root / path)

    def read(self, path: str) -> bytes | None:
        """A file's bytes, None if it is not there. Raises UnreadableError."""
        if not is_inner(path) or not is_source(path):
            return None
        try:
            return self._read((self.root / path).resolve(strict=True))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: a circle of links, before Python 3.13
            raise UnreadableError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None

    def files(self, folder: str) -> list[str]:
        """The names of the Go files right in a folder of it, sorted; none if it is a link that leaves."""
        with suppress(OSError, ValueError, RuntimeError):
            found = (self.root / folder).resolve(strict=True)
            if found.is_relative_to(self.root) and (not folder or is_inner(folder)):
                with os.scandir(found) as entries:
                    return sorted(e.name for _, e in zip(range(_MAX_NAMES), entries, strict=False) if _is_go(e.name))
        return []

    def on_disk(self, path: str) -> Path | None:
        """Where a file is on this machine; None for none, and for a link that leaves the folder."""
        with suppress(OSError, ValueError, RuntimeError):
            found = (self.root / path).resolve(strict=True)
            if is_inner(path) and found.is_relative_to(self.root) and found.is_file():
                return self.root / path
        return None

    def _read(self, path: Path) -> bytes:
        """The bytes of a path without links."""
        if not path.is_relative_to(self.root):
            raise UnreadableError(f"is a symbolic link that leaves {self.name}; it was not read")
        if not is_source(path.name):
            raise UnreadableError("is a symbolic link to a file that is no Go source; it was not read")
        # A link put there meanwhile is not followed, and a pipe is not waited for.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UnreadableError("is not a regular file; it was not read")
            return bounded(file.read(MAX_FILE_BYTES + 1))

    def _paths(self) -> Iterable[str]:
        for folder, folders, files in os.walk(self.root):
            folders[:] = sorted(each for each in folders if not each.startswith(".") and each not in _SKIPPED)
            inner = Path(folder).relative_to(self.root)
            yield from ((inner / name).as_posix() for name in files)


def listed(paths: Iterable[str]) -> Contents:
    """The names in these paths, up to a bound."""
    contents = Contents()
    for count, path in enumerate(paths):
        if count >= _MAX_PATHS:
            contents.whole = False
            break
        folder, _, name = path.rpartition("/")
        if name == "go.mod":
            contents.modules.append(folder)
        elif _is_go(name):
            contents.paths.setdefault(name, []).append(path)
    return contents


def bounded(content: bytes) -> bytes:
    """A file's bytes. Raises UnreadableError beyond the bound."""
    if len(content) > MAX_FILE_BYTES:
        raise UnreadableError(f"is larger than {MAX_FILE_BYTES >> 20} MiB; it was not read")
    return content


def is_inner(path: str) -> bool:
    """Whether a path leads to something inside a folder."""
    return all(map(is_harmless, path.split("/")))


def is_source(path: str) -> bool:
    """Whether a file is of Go source, or one of those that tell where it is."""
    name = path.rpartition("/")[2]
    return name.endswith(".go") or name in DESCRIPTIONS


def _is_go(name: str) -> bool:
    """Whether the go command would read a file: it leaves out hidden ones."""
    return name.endswith(".go") and not name.startswith((".", "_")) and is_harmless(name)


def join(*parts: str) -> str:
    """A path in a tree from parts that may be empty."""
    return "/".join(part for part in parts if part)
