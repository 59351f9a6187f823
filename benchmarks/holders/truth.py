"""What a watched program printed: goroutine dumps, each with the table of the locks that were held at that moment."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

_BEGIN: Final = "\n\n=== locks held ===\n"
_END: Final = "=== end ===\n"
_INNER: Final = re.compile(r"(?:internal/)?sync\.|runtime\.")
_PLAIN: Final = re.compile(
    r"sync\.\(\*(?:RW)?Mutex\)\.|sync\.\(\*rlocker\)\.|sync\.\(\*Cond\)\.Wait|sync\.holders|runtime\."
)


@dataclass(frozen=True)
class Site:
    """A line of code that was being run: function, file as a dump prints it, line."""

    function: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Lock:
    """A lock that a goroutine holds: its address, whether for writing, and the frames in which it was taken, the
    innermost outside package sync first. ``through`` is what of package sync took it for itself, such as a Once."""

    goroutine: int
    address: int
    writing: bool
    frames: tuple[Site, ...]
    through: str = ""


@dataclass(frozen=True)
class Moment:
    """A dump and the locks of its moment. ``lost`` locks found no room in the table."""

    dump: str
    locks: tuple[Lock, ...]
    lost: int

    def save(self, folder: Path, name: str) -> Path:
        """Write NAME.txt, the dump, and NAME.json, the table; the path of the dump."""
        path = folder / f"{name}.txt"
        path.write_text(self.dump, "utf-8")
        table = {"lost": self.lost, "locks": [asdict(lock) for lock in self.locks]}
        path.with_suffix(".json").write_text(json.dumps(table, indent=1), "utf-8")
        return path


def moments(printed: str) -> Iterator[Moment]:
    """The dumps in what a program printed."""
    while (begin := printed.find(_BEGIN)) >= 0:
        end = printed.index(_END, begin)
        dump, table = printed[: begin + 1], printed[begin + len(_BEGIN) : end]
        printed = printed[end + len(_END) :]
        lost, *rows = table.splitlines()
        yield Moment(dump.lstrip("\n"), tuple(_locks(rows)), int(lost.removeprefix("lost ")))


def _locks(rows: list[str]) -> Iterator[Lock]:
    at = 0
    while at < len(rows):
        _, goroutine, address, kind = rows[at].split("\t")
        at += 1
        frames = []
        while at < len(rows) and rows[at].startswith("\t"):
            function, file, line = rows[at][1:].split("\t")
            frames.append(Site(function, file, int(line)))
            at += 1
        outside = next((n for n, frame in enumerate(frames) if not _INNER.match(frame.function)), len(frames))
        through = next((f.function for f in frames[:outside] if not _PLAIN.match(f.function)), "")
        yield Lock(int(goroutine), int(address, 16), kind == "w", tuple(frames[outside:]), through)
