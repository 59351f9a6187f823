"""Sources that were read and analysed, kept for the next question about them."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stackscan import pipeline
from stackscan.errors import SourceError
from stackscan.formats.contents import read_source
from stackscan.integrations.mcp.quoting import escaped, quoted
from stackscan.integrations.mcp.stopping import Stop
from stackscan.pipeline import Options

if TYPE_CHECKING:
    from stackscan.integrations.mcp.roots import Roots
    from stackscan.knowledge.configuration import Configuration
    from stackscan.report import BundleReport, CaptureReport

#: Sources that are kept, and the bytes of their files in all: an analysis takes a few times as much memory.
_MOST_KEPT: Final = 8
_MOST_BYTES: Final = 256 << 20
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Identity:
    """What a source is at this moment: its path, time of change, size in bytes, and the hash of its content."""

    path: str
    changed: int
    size: int
    content: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One capture of a source and the id by which answers name it."""

    id: str
    capture: CaptureReport


@dataclass(frozen=True, slots=True)
class Loaded:
    """A source that was read: as the client named it, where it is, a hash of its content, its captures, its bundle."""

    name: str
    path: str
    version: str
    shown: tuple[Shown, ...]
    bundle: BundleReport | None
    size: int

    def chosen(self, snapshot: str | None) -> tuple[Shown, ...]:
        """The captures to answer about: the one with an id, or all but second views of the same process.

        Raises SourceError for an id that the source has not.
        """
        if snapshot is None:
            first = tuple(one for one in self.shown if not one.capture.capture.second_view)
            return first or self.shown
        found = tuple(one for one in self.shown if one.id == snapshot)
        if not found:
            few = ", ".join(one.id for one in self.shown[:5])
            raise SourceError(
                f"no snapshot of {quoted(self.name)} has the id {quoted(snapshot, 40)}", hint=f"Ids: {few}"
            )
        return found


class Captures:
    """Reads sources and keeps the last few; one at a time, however many calls there are."""

    def __init__(self, roots: Roots, configuration: Configuration) -> None:
        self.roots = roots
        self.configuration = configuration
        self._kept: OrderedDict[Identity, Loaded] = OrderedDict()
        self._reading = threading.Lock()

    def load(self, source: str, stop: Stop) -> Loaded:
        """A source by name, from memory where its file has not changed.

        Raises StackscanError when it may not or cannot be read, holds no dump, or takes longer than ``stop`` allows.
        """
        path = self.roots.find(source)
        if not self._reading.acquire(timeout=stop.left):
            raise stop.error()
        try:
            return self._load(source, path, stop)
        finally:
            self._reading.release()

    def _load(self, source: str, path: str, stop: Stop) -> Loaded:
        if "://" in path:  # what an address answers is another thing each time
            return self._read(source, path, None, stop)
        identity = identify(path, stop)
        kept = self._kept.pop(identity, None)
        if kept is None:
            kept = self._read(source, path, identity, stop)
            if identify(path, stop) != identity:
                raise SourceError(f"{quoted(source)} changed while it was read", hint="Ask again.")
        self._kept[identity] = kept
        while len(self._kept) > 1 and (
            len(self._kept) > _MOST_KEPT or sum(one.size for one in self._kept.values()) > _MOST_BYTES
        ):
            self._kept.popitem(last=False)
        return kept

    def _read(self, source: str, path: str, identity: Identity | None, stop: Stop) -> Loaded:
        contents = read_source(path, stop.check)
        stop.check()
        found, bundle = pipeline.examine_contents(contents, options=Options(self.configuration))
        stop.check()
        prints = [one.capture.fingerprint() for one in found]
        version = identity.content if identity else hashlib.sha256("".join(prints).encode()).hexdigest()
        shown = tuple(
            Shown(f"{each[:8]}-{at}", one) for at, (each, one) in enumerate(zip(prints, found, strict=True), 1)
        )
        return Loaded(escaped(source), path, version, shown, bundle, identity.size if identity else 0)


def identify(path: str, stop: Stop) -> Identity:
    """What a file or folder is now. A folder is known by the names, sizes and times of its files.

    Raises SourceError when it cannot be read.
    """
    place, digest = Path(path), hashlib.sha256()
    try:
        status = place.stat()
        size = status.st_size
        if place.is_dir():
            for name, bytes_of, changed in _files(place):
                stop.check()
                digest.update(f"{name}\0{bytes_of}\0{changed}\0".encode("utf-8", "surrogateescape"))
                size += bytes_of
        else:
            with place.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    stop.check()
                    digest.update(chunk)
    except OSError as error:
        raise SourceError(f"{quoted(path)} cannot be read: {error.strerror}") from None
    return Identity(path, status.st_mtime_ns, size, digest.hexdigest())


def _files(folder: Path) -> Iterator[tuple[str, int, int]]:
    """The files below a folder: name, size, time of change. Links are not followed."""
    for each in sorted(folder.rglob("*")):
        status = each.lstat()
        yield str(each.relative_to(folder)), status.st_size, status.st_mtime_ns
