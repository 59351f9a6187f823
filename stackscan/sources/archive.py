"""Members of archives and directories: zip (also without its central directory), tar, tar.gz, tar.zst, folders.

Nothing is written: names inside an archive are only shown. Members come one at a time and within limits; programs
(a kubo bundle holds the `ipfs` binary) are detected by their first bytes and not unpacked.
"""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from stackscan.errors import SourceError
from stackscan.sources import binaries, compressed, limits
from stackscan.sources.archive_marks import EMPTY_ZIP, ZIP, is_archive

_PEEK: Final = binaries.PEEK
_ENCRYPTED: Final = 0x1
#: What the standard library raises for damaged archives (ValueError: offsets before the beginning, names).
_DAMAGE: Final = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, struct.error,
    EOFError, NotImplementedError, OSError, ValueError, OverflowError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One member of an archive: its name, size (None: not known), and its bytes, or why there are none. ``metadata`` is
    what object storage says of its capture."""

    name: str
    size: int | None
    data: bytes | None
    note: str | None = None
    cut: bool = False
    metadata: tuple[tuple[str, str], ...] = ()


def entries(data: bytes, *, where: str) -> Iterator[Entry]:
    """The members of an archive, in its order. Raises SourceError or LimitError."""
    if data.startswith((ZIP, EMPTY_ZIP)):
        yield from _zip_entries(data, where)
    else:
        yield from _tar_entries(data, where)


def folder_entries(folder: Path) -> Iterator[Entry]:
    """The files below a directory, by name; links are not followed."""
    paths = sorted(path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    limits.check_members(len(paths), where=str(folder))
    yield from file_entries(folder, (path.relative_to(folder).as_posix() for path in paths))


def file_entries(folder: Path, names: Iterable[str]) -> Iterator[Entry]:
    """Some files below a directory; links are not followed."""
    for name in names:
        path = folder / name
        if path.is_symlink() or not path.is_file():
            yield Entry(name, None, None, "not a regular file; not read")
            continue
        try:
            with path.open("rb") as file:
                head = file.read(_PEEK)
                if kind := _skipped(head):
                    yield Entry(name, path.stat().st_size, None, f"{kind}; not read")
                    continue
                data = limits.read_bounded(file, where=str(path), head=head)
        except OSError as error:
            yield Entry(name, None, None, f"cannot be read: {error.strerror or error}")
            continue
        yield _unpacked(name, data, where=str(path))


def zip_order(path: Path) -> list[zipfile.ZipInfo]:
    """The members of a zip on disk, those of one folder together, in the archive's order; none where it has no
    directory (it was cut) or is no zip."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _by_folder(archive, str(path))
    except _DAMAGE:
        return []


def zip_entries(path: Path, first: int, last: int) -> Iterator[Entry]:
    """The members from ``first`` up to ``last`` of :func:`zip_order`, of which no others are read."""
    with zipfile.ZipFile(path) as archive:
        yield from _zip_members(archive, _by_folder(archive, str(path))[first:last], path.stat().st_size, str(path))


def _by_folder(archive: zipfile.ZipFile, where: str) -> list[zipfile.ZipInfo]:
    members = [member for member in archive.infolist() if not member.filename.endswith("/")]
    limits.check_members(len(members), where=where)
    return sorted(members, key=lambda member: member.filename.rpartition("/")[0])


def _unpacked(name: str, data: bytes, *, where: str) -> Entry:
    """The entry of some bytes, gzip and zstandard taken off unless a tar is inside."""
    if is_archive(data):
        return Entry(name, len(data), data)
    try:
        plain, cut = compressed.decompress(data, where=where)
    except SourceError as error:
        return Entry(name, len(data), None, str(error))
    return Entry(name, len(data), plain, cut=cut)


def _skipped(head: bytes) -> str | None:
    """What a member is that no dump can be in, by its first bytes: a program, a core file."""
    found = binaries.large(head)
    return found.note or None if found is not None else None


def _tar_entries(data: bytes, where: str) -> Iterator[Entry]:
    total = count = 0
    try:
        packed = compressed.zstd_stream(data) if compressed.is_zstd(data) else io.BytesIO(data)
        with tarfile.open(fileobj=packed, mode="r|*") as archive:
            for member in archive:
                count += 1
                limits.check_members(count, where=where)
                total += member.size
                limits.check_ratio(total, len(data), where=where)
                yield _tar_entry(archive, member, where)
    except (*_DAMAGE, compressed.zstd().ZstdError) as error:
        if not count:
            raise SourceError(f"{where} is a damaged tar archive: {error}", hint="Fetch or copy it again.") from error
        yield Entry("(end)", None, None, f"the archive is cut or damaged here: {error}", cut=True)


def _tar_entry(archive: tarfile.TarFile, member: tarfile.TarInfo, where: str) -> Entry:
    name = member.name.removeprefix("./")
    if not member.isreg():
        return Entry(name, None, None, "not a regular file; not read")
    file = archive.extractfile(member)
    if file is None:
        return Entry(name, member.size, None, "has no content")
    return stream_entry(name, member.size, file, where)


def stream_entry(name: str, size: int, file: IO[bytes], where: str) -> Entry:
    """The entry of a file of ``size`` bytes that is read now, in ``where``; a program or core file is not read."""
    head = file.read(_PEEK)
    if kind := _skipped(head):
        return Entry(name, size, None, f"{kind}; not unpacked")
    data = limits.read_bounded(file, where=f"{where}, {name}", head=head)
    entry = _unpacked(name, data, where=f"{where}, {name}")
    return entry if len(data) == size else Entry(name, size, entry.data, entry.note, cut=True)


def _zip_entries(data: bytes, where: str) -> Iterator[Entry]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except _DAMAGE:
        yield from _salvaged(data, where)
        return
    with archive:
        members = [
            member for member in archive.infolist() if not member.filename.endswith("/")
        ]  # is_dir fails on an empty name
        limits.check_members(len(members), where=where)
        yield from _zip_members(archive, members, len(data), where)


def _zip_members(
    archive: zipfile.ZipFile, members: Iterable[zipfile.ZipInfo], size: int, where: str
) -> Iterator[Entry]:
    """Some members of an archive of ``size`` bytes. Members may share their bytes, so that all are limited together."""
    total = 0
    for member in members:
        entry = _zip_entry(archive, member, where)
        total += len(entry.data or b"")
        limits.check_ratio(total, size, where=where)
        yield entry


def _zip_entry(archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str) -> Entry:
    if member.flag_bits & _ENCRYPTED:
        return Entry(member.filename, member.file_size, None, "encrypted; not read")
    packed = min(member.compress_size, archive.start_dir)  # it may claim more than the archive holds
    limits.check_unpacking(member.file_size, max(packed, 1), where=f"{where}, {member.filename}")
    try:
        with archive.open(member) as file:
            return stream_entry(member.filename, member.file_size, file, where)
    except _DAMAGE as error:
        return _salvaged_member(archive, member, str(error))


def _salvaged_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, reason: str) -> Entry:
    """The content before the damage, of a member that fails its checksum or ends early."""
    kept = bytearray()
    try:
        with archive.open(member) as file:
            file._expected_crc = None  # type: ignore[attr-defined]  # noqa: SLF001  # zipfile has no public way
            while piece := file.read(1 << 12):
                kept += piece
    except _DAMAGE:
        pass
    if not kept:
        return Entry(member.filename, member.file_size, None, f"damaged: {reason}")
    return Entry(member.filename, member.file_size, bytes(kept), f"damaged: {reason}", cut=True)


_LOCAL_HEADER: Final = struct.Struct("<4s5H3I2H")


def _salvaged(data: bytes, where: str) -> Iterator[Entry]:
    """The members of a zip whose central directory is missing (a cut upload), from their local headers."""
    count = total = 0
    at = data.find(ZIP)
    while 0 <= at <= len(data) - _LOCAL_HEADER.size:
        entry, after = _salvage_one(data, at, where)
        if entry is not None:
            count += 1
            limits.check_members(count, where=where)
            total += entry.size or 0
            limits.check_ratio(total, len(data), where=where)
            yield entry
        at = data.find(ZIP, max(after, at + 4))
    if not count:
        raise SourceError(f"{where} is a damaged zip archive: no member found", hint="Fetch or copy it again.")
    yield Entry("(end)", None, None, "the archive has no central directory: it was cut", cut=True)


def _salvage_one(data: bytes, at: int, where: str) -> tuple[Entry | None, int]:
    """The member at a local header, and where the search goes on."""
    fields = _LOCAL_HEADER.unpack_from(data, at)
    flags, method, packed_size, name_length, extra_length = fields[2], fields[3], fields[7], fields[9], fields[10]
    start = at + _LOCAL_HEADER.size + name_length + extra_length
    name = data[at + _LOCAL_HEADER.size : at + _LOCAL_HEADER.size + name_length].decode("utf-8", "replace")
    if start > len(data) or name.endswith("/") or not name:
        return None, at + 4
    if flags & _ENCRYPTED:
        return Entry(name, None, None, "encrypted; not read"), start
    if method == zipfile.ZIP_STORED:
        content = data[start : start + packed_size]
        return _unpacked(name, content, where=f"{where}, {name}"), start + len(content)
    if method != zipfile.ZIP_DEFLATED:
        return Entry(name, None, None, f"packed with method {method}; not read"), start
    return _inflate(data, start, name, where)


def _inflate(data: bytes, start: int, name: str, where: str) -> tuple[Entry, int]:
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    kept = io.BytesIO()
    at = start
    while at < len(data) and not unpacker.eof:
        packed = data[at : at + (64 << 10)]
        try:
            piece = unpacker.decompress(packed, 4 << 20)
        except zlib.error as error:
            note = f"damaged: {error}"
            return Entry(name, kept.tell(), kept.getvalue() or None, note, cut=True), at
        if not kept.tell() and (kind := _skipped(piece[:_PEEK])):
            return Entry(name, None, None, f"{kind}; not unpacked"), start
        kept.write(piece)
        at += len(packed) - len(unpacker.unconsumed_tail) - len(unpacker.unused_data)
        limits.check_unpacking(kept.tell(), at - start, where=f"{where}, {name}")
    entry = _unpacked(name, kept.getvalue(), where=f"{where}, {name}")
    return Entry(entry.name, entry.size, entry.data, entry.note, cut=entry.cut or not unpacker.eof), at
