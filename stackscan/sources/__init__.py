"""Where dumps come from: files, ``-`` for standard input, http(s) addresses, object storage, directories; compressed,
in archives.

A source yields members: named bytes, decompressed and bounded. Every limit on what is read lives in limits.py.
To add a kind of source, add a module here and a branch in :func:`open_source`.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from stackscan.errors import SourceError
from stackscan.sources import binaries, compressed, limits
from stackscan.sources.address import Source, masked
from stackscan.sources.archive_marks import is_archive

if TYPE_CHECKING:
    from stackscan.sources.archive import Entry

__all__ = ["STDIN", "Member", "Progress", "Source", "members_of", "open_bytes", "open_source", "read_whole"]

STDIN = "-"
#: What people type for an address: ``localhost:6060``.
_HOST_AND_PORT: Final = re.compile(r"[\w.-]+:\d+(?:/|\Z)")
_ADDRESS: Final = "To ask a running process, give its address: http://{}/debug/pprof/goroutine?debug=2."

#: Called with the bytes that were read, and how many there are (0: not known).
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Member:
    """One file: the source it came from as the user named it, its name inside (None: the source itself), its bytes.

    ``source`` is masked. ``data`` is None for a member that is not read; ``note`` says why, or what is wrong. ``size``
    is in bytes, as in its archive (None: not known). ``cut``: the end of its bytes is missing. Of a log: ``wrapper``
    names what was removed, outermost first, and ``stream`` the process or container. ``metadata``: what object storage
    says of its capture (service, host, version, time).
    """

    source: str
    name: str | None
    data: bytes | None
    size: int | None = None
    note: str | None = None
    cut: bool = False
    wrapper: tuple[str, ...] = ()
    stream: str = ""
    metadata: tuple[tuple[str, str], ...] = ()

    @property
    def where(self) -> str:
        """How errors name it."""
        source = "standard input" if self.source == STDIN else self.source
        return f"{source}, {self.name}" if self.name else source


def open_source(source: str, progress: Progress | None = None) -> Iterator[Member]:
    """The members of a source, in order: one without a name, or those of a bundle (archive or directory).

    ``progress`` is called for downloads. Raises SourceError or LimitError; UnrecognisedFormatError for a core file or a
    program, by its first bytes.
    """
    if not source:
        raise SourceError("the name of an input is empty")
    if "://" in source:
        from stackscan.sources import network

        network.check(source)
    given = Source(source)
    source = str(given)  # masked
    if given.is_object:
        from stackscan.sources.objects.members import members

        yield from members(given, progress)
        return
    if source != STDIN and not given.is_url and _is_folder(folder := Path(given.with_secrets())):
        from stackscan.sources.archive import folder_entries

        yield from members_of(source, folder_entries(folder), "", 0)
        return
    raw, broken = _read(given, progress)
    yield from open_bytes(source, raw, broken)


def open_bytes(source: str, raw: bytes, broken: str | None = None) -> Iterator[Member]:
    """The members of bytes that came from a source, which errors and members are named after (masked); ``broken`` says
    why their end is missing (None: it is not). Raises as :func:`open_source` does."""
    where = "standard input" if source == STDIN else source
    if is_archive(raw):
        from stackscan.sources.archive import entries

        yield from members_of(source, entries(raw, where=where), "", 0)
        if broken:
            yield Member(source, "(end)", None, note=broken, cut=True)
        return
    binaries.refuse_large(compressed.head(raw, binaries.PEEK), where=where)
    data, cut = compressed.decompress(raw, where=where)
    yield Member(source, None, data, len(data), broken, cut or broken is not None)


def _read(source: Source, progress: Progress | None) -> tuple[bytes, str | None]:
    """All bytes of a source, and why their end is missing, if something broke."""
    if source.is_url:
        from stackscan.sources import http

        fetched = http.fetch(source, progress=progress)
        return fetched.data, fetched.cut
    return (_read_stdin() if source == STDIN else _read_path(source)), None


def members_of(source: str, entries: Iterable[Entry], prefix: str = "", depth: int = 0) -> Iterator[Member]:
    """The members of an archive; an archive inside is opened too, its name before its members'."""
    for entry in entries:
        name = prefix + masked(entry.name)  # a file may be named after an address, as wget names it
        if entry.data is None or not is_archive(entry.data):
            yield Member(source, name, entry.data, entry.size, entry.note, entry.cut, metadata=entry.metadata)
        elif depth + 1 >= limits.MAX_NESTING:
            yield Member(source, name, None, entry.size, "archives nested too deeply; not read")
        else:
            from stackscan.sources.archive import entries as entries_of

            inside = entries_of(entry.data, where=f"{source}, {name}")
            found = members_of(source, inside, f"{name}/", depth + 1)
            yield from (replace(member, metadata=entry.metadata) for member in found) if entry.metadata else found


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False  # opening it will say what is wrong


def _read_stdin() -> bytes:
    if sys.stdin is None:
        raise SourceError("standard input is closed", hint="Pipe a dump into it, or give the path of one.")
    if sys.stdin.isatty():
        raise SourceError("standard input is a terminal", hint="Pipe a dump into it: curl -s URL | stackscan report -")
    return read_whole(sys.stdin.buffer, "standard input")


def read_whole(file: IO[bytes], where: str) -> bytes:
    """All bytes of a file, unless its first ones show that it can hold no dump: a core file may have many GB."""
    if isinstance(file, io.BufferedReader):
        head = file.peek(binaries.PEEK)  # without a copy
        binaries.refuse_large(compressed.head(head, binaries.PEEK) or head, where=where)
        return limits.read_bounded(file, where=where)
    head = file.read(binaries.PEEK)
    binaries.refuse_large(compressed.head(head, binaries.PEEK) or head, where=where)
    return limits.read_bounded(file, where=where, head=head)


def _read_path(source: Source) -> bytes:
    path = Path(source.with_secrets())
    name = str(source) if "://" in source else masked(str(path))  # a path has no two slashes
    try:
        with path.open("rb") as file:
            return read_whole(file, name)
    except FileNotFoundError:
        if source.is_other_url:
            raise SourceError(
                f"{source} is not an address that is read",
                hint="Addresses begin with http://, https://, s3://, gs://, az:// or abfs://.",
            ) from None
        if _HOST_AND_PORT.match(name):
            raise SourceError(f"{name} does not exist", hint=_ADDRESS.format(name.partition("/")[0])) from None
        raise SourceError(f"{name} does not exist") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SourceError(f"{name} cannot be read: {reason}", hint="") from None  # it holds the name as it was given
    except ValueError as error:  # a NUL byte in the name
        raise SourceError(f"{name!r} is not a file name: {error}") from error
