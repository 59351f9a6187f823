"""The members of an address in object storage: of one object, or of all below a prefix."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import replace

from stackscan.errors import SourceError
from stackscan.sources import Member, Progress, Source, limits, members_of, open_bytes, read_whole
from stackscan.sources.archive import Entry, stream_entry
from stackscan.sources.objects.address import ObjectAddress
from stackscan.sources.objects.download import Download
from stackscan.sources.objects.failures import missing
from stackscan.sources.objects.listing import objects_below

_GONE = "is not there any more: it was removed after it was listed"


def members(source: Source, progress: Progress | None = None) -> Iterator[Member]:
    """The members of an object; where there is none with this key, of all objects below it, or that match it.

    Raises SourceError or LimitError.
    """
    address = ObjectAddress.parse(source)
    if not address.is_folder:
        try:
            file = Download(address, progress)
        except FileNotFoundError:
            pass
        else:
            yield from _of_object(address, file)
            return
    found = (one.key for one in objects_below(address))
    some = False
    for member in members_of(str(source), _entries(address, address.folder, found)):
        some = True
        yield member
    if not some:
        raise missing(address)


def listed_members(source: Source, names: Iterable[str]) -> Iterator[Member]:
    """The members of an object that was listed, or of some objects (``names``) of a prefix. Nothing is a pattern here.

    Raises SourceError or LimitError.
    """
    address = ObjectAddress.exact(source)
    if names:
        folder = f"{address.key}/" if address.key else ""
        yield from members_of(str(source), _entries(address, folder, (folder + name for name in names)))
        return
    try:
        file = Download(address)
    except FileNotFoundError:
        raise SourceError(f"{address} {_GONE}", hint="") from None
    yield from _of_object(address, file)


def _of_object(address: ObjectAddress, file: Download) -> Iterator[Member]:
    with io.BufferedReader(file) as buffered:
        raw = read_whole(buffered, str(address))
    for member in open_bytes(str(address), raw):
        yield replace(member, metadata=file.metadata)


def _entries(address: ObjectAddress, folder: str, keys: Iterable[str]) -> Iterator[Entry]:
    """The objects with these keys, one after the other, named by what follows the folder."""
    for count, key in enumerate(keys, 1):
        limits.check_members(count, where=str(address))
        yield _entry(address.of(key), key.removeprefix(folder), where=str(address))


def _entry(address: ObjectAddress, name: str, *, where: str) -> Entry:
    try:
        with Download(address) as file, io.BufferedReader(file) as buffered:
            return replace(stream_entry(name, file.size, buffered, where), metadata=file.metadata)
    except FileNotFoundError:
        return Entry(name, None, None, _GONE)
    except SourceError as error:
        return Entry(name, None, None, str(error).removeprefix(f"{address} "))
