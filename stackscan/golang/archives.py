"""Archives of a tag (zip, tar, tar.gz, tar.zst) as folders of source. Nothing is unpacked to disk.

The folder that such an archive puts around its files (``repo-1.2.3/``, ``example.com/m@v1.2.3/``) is left out.
"""

from __future__ import annotations

import gzip
import io
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import IO, Final

from stackscan.errors import LimitError, SourceError
from stackscan.golang.trees import MAX_FILE_BYTES, Contents, UnreadableError, bounded, is_inner, is_source, listed
from stackscan.sources import compressed, limits
from stackscan.sources.archive_marks import is_archive

#: Bytes of an archive as it is on disk. The one of kubernetes has 50 MB.
MAX_ARCHIVE_BYTES: Final = 256 << 20
#: Bytes that a tar archive unpacks to, and those of its source, which is held.
MAX_UNPACKED_BYTES: Final = 2 << 30
MAX_HELD_BYTES: Final = 512 << 20
MAX_MEMBERS: Final = 200_000
_HINT: Final = "Give a folder with Go source, or a zip or tar.gz of it: --source-root DIR"
_UNPACK: Final = "Unpack it and give the folder: --source-root DIR"
_HEAD: Final = 64 << 10
_ENCRYPTED: Final = 0x1
#: What the standard library raises for damaged archives (RecursionError: a tar of headers about headers).
_DAMAGE: Final = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, struct.error, RecursionError,
    EOFError, NotImplementedError, OSError, ValueError, OverflowError,
)  # fmt: skip

Read = Callable[[], bytes]


class Archive:
    """The Go source in an archive, by path; each file is read when asked for."""

    def __init__(self, name: str, members: Mapping[str, Read]) -> None:
        self.name = name
        around = _around(members)
        self._members = {path[len(around) :]: read for path, read in members.items()}
        file = Path(name).name
        self.label = around.rstrip("/").rpartition("/")[2] or file.removesuffix(".gz").rpartition(".")[0]

    @cached_property
    def contents(self) -> Contents:
        """The names in it."""
        return listed(self._members)

    def has(self, path: str) -> bool:
        """Whether a file is there."""
        return path in self._members

    def read(self, path: str) -> bytes | None:
        """A file's bytes, None if it is not there. Raises UnreadableError."""
        read = self._members.get(path)
        try:
            return None if read is None else bounded(read())
        except _DAMAGE as error:
            raise UnreadableError(f"cannot be read: {error}") from None

    def files(self, folder: str) -> list[str]:
        """The names of the Go files right in a folder of it, sorted."""
        return self._folders.get(folder, [])

    def on_disk(self, path: str) -> None:
        """Nowhere on this machine."""
        del path

    @cached_property
    def _folders(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in sorted(self._members):
            folder, _, name = path.rpartition("/")
            if name.endswith(".go") and not name.startswith((".", "_")):
                found.setdefault(folder, []).append(name)
        return found


def open_archive(path: Path) -> Archive:
    """The source in an archive that the user named. Raises SourceError or LimitError."""
    name = str(path)
    try:
        if path.stat().st_size > MAX_ARCHIVE_BYTES:
            raise LimitError(f"{name} is larger than {MAX_ARCHIVE_BYTES >> 20} MiB", hint=_UNPACK)
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{name} cannot be read: {error.strerror or error}", hint=_HINT) from None
    if not is_archive(data[:_HEAD]):
        raise SourceError(f"{name} is neither a folder nor a zip or tar archive", hint=_HINT)
    try:
        members = dict(_zip_members(data, name) if data.startswith(b"PK") else _tar_members(data, name))
    except (*_DAMAGE, compressed.zstd().ZstdError) as error:
        raise SourceError(f"{name} is a damaged archive: {error}", hint="Fetch or copy it again.") from None
    if not any(member.endswith(".go") for member in members):
        raise SourceError(f"{name} contains no Go source", hint=_HINT)
    return Archive(name, members)


def _zip_members(data: bytes, name: str) -> Iterator[tuple[str, Read]]:
    opened = zipfile.ZipFile(io.BytesIO(data))
    _check_members(len(opened.filelist), name)
    for member in opened.filelist:
        is_link = stat.S_ISLNK(member.external_attr >> 16)  # its content is the path that it leads to
        if is_source(member.filename) and is_inner(member.filename) and not is_link:
            yield member.filename, partial(_zip_content, opened, member)


def _zip_content(opened: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """A member's bytes, one more than the bound at most. The size that it states is not trusted."""
    if member.flag_bits & _ENCRYPTED:
        raise UnreadableError("is encrypted; it was not read")
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:  # others unpack without a bound
        raise UnreadableError(f"is packed with method {member.compress_type}; it was not read")
    with opened.open(member) as file:
        return file.read(MAX_FILE_BYTES + 1)


def _tar_members(data: bytes, name: str) -> Iterator[tuple[str, Read]]:
    held = 0
    with tarfile.open(fileobj=_Counted(_unpacked(data), len(data), name), mode="r|") as opened:
        for count, member in enumerate(opened, 1):
            _check_members(count, name)
            path = member.name.removeprefix("./")
            if not member.isreg() or not is_source(path) or not is_inner(path):
                continue
            content = _tar_content(opened, member)
            held += len(content)
            if held > MAX_HELD_BYTES:
                raise LimitError(f"{name} contains more than {MAX_HELD_BYTES >> 20} MiB of Go source", hint=_UNPACK)
            yield path, partial(bytes, content)


def _tar_content(opened: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = opened.extractfile(member)
    content = b"" if file is None else file.read(MAX_FILE_BYTES + 1)
    if len(content) < min(member.size, MAX_FILE_BYTES + 1):
        raise EOFError("it ends early")
    return content


def _unpacked(data: bytes) -> IO[bytes]:
    if compressed.is_zstd(data):
        return compressed.zstd_stream(data)
    packed = io.BytesIO(data)
    return gzip.GzipFile(fileobj=packed) if data.startswith(b"\x1f\x8b") else packed  # type: ignore[return-value]


class _Counted(io.RawIOBase):
    """A stream that ends with LimitError when it unpacks to more than any source does."""

    def __init__(self, file: IO[bytes], packed: int, name: str) -> None:
        self._file, self._packed, self._name = file, packed, name
        self._count = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes; tarfile asks for small pieces."""
        piece = self._file.read(size)
        self._count += len(piece)
        limits.check_ratio(self._count, self._packed, where=self._name)
        if self._count > MAX_UNPACKED_BYTES:
            raise LimitError(f"{self._name} unpacks to more than {MAX_UNPACKED_BYTES >> 30} GiB", hint=_UNPACK)
        return piece


def _check_members(count: int, name: str) -> None:
    if count > MAX_MEMBERS:
        raise LimitError(f"{name} contains more than {MAX_MEMBERS:,} members", hint=_UNPACK)


def _around(paths: Mapping[str, Read]) -> str:
    """The folder around all files, with its slash: ``example.com/m@v1.2.3/`` or one first element; "" for none."""
    first = next(iter(paths)).split("/")[:-1]
    versioned = next((n for n, element in enumerate(first, 1) if "@v" in element), 1)
    around = "".join(element + "/" for element in first[:versioned])
    return around if all(path.startswith(around) for path in paths) else ""
