"""The objects below a prefix, a page at a time, in the order of their keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stackscan.sources import limits
from stackscan.sources.globs import matches
from stackscan.sources.objects.address import ObjectAddress
from stackscan.sources.objects.store import asked, open_store

if TYPE_CHECKING:
    from obstore import ObjectMeta

_PAGE: Final = 1000
#: Objects of one folder that are kept until the folder ends; with more they are given at once.
MOST_TOGETHER: Final = 512


@dataclass(frozen=True, slots=True)
class Listed:
    """An object in a list: its key, its size in bytes, and a mark that changes with its content."""

    key: str
    size: int
    mark: str

    @property
    def folder(self) -> str:
        """The part of the key up to the last ``/``, with it."""
        return self.key[: self.key.rfind("/") + 1]

    @property
    def name(self) -> str:
        """The part of the key behind the last ``/``."""
        return self.key[self.key.rfind("/") + 1 :]


def objects_below(address: ObjectAddress) -> Iterator[Listed]:
    """The objects below an address, or that match it. Only the part before its first ``*`` is listed.

    Raises SourceError when they cannot be listed.
    """
    store = open_store(address)
    pages = iter(store.list(address.folder or None, chunk_size=_PAGE))
    while True:
        page: Sequence[ObjectMeta] = asked(address, _seconds(address), lambda: next(pages, ()))
        if not page:
            return
        for each in page:
            key = each["path"]
            if address.is_glob and not matches(address.key, key):
                continue
            if each["size"] or not _is_marker(address, key):
                yield Listed(key, each["size"], _mark(each))


def object_at(address: ObjectAddress) -> Listed | None:
    """The object with exactly this key; None where there is none. Raises SourceError.

    Its body is not read, but asked for: an error has no words where only the head is.
    """
    store = open_store(address)
    try:
        meta = asked(address, _seconds(address), lambda: store.get(address.key).meta)
    except FileNotFoundError:
        return None
    return Listed(address.key, meta["size"], _mark(meta))


def _is_marker(address: ObjectAddress, key: str) -> bool:
    """Whether an empty object stands for a folder: its key ends in a ``/``, which the library leaves out."""
    return object_at(address.of(key)) is None


def _seconds(address: ObjectAddress) -> float:
    """The time for one request."""
    return limits.TOTAL_SECONDS if address.timeout_seconds is None else address.timeout_seconds


def _mark(meta: ObjectMeta) -> str:
    tag = (meta["e_tag"] or "").strip('"') or f"{meta['last_modified'].timestamp():.6f}"
    return f"{meta['size']}-{tag}"


@dataclass(frozen=True, slots=True)
class Folder:
    """Objects of one folder; ``whole``: all that it has, of those that were asked for."""

    objects: tuple[Listed, ...]
    whole: bool


def folders_below(address: ObjectAddress) -> Iterator[Folder]:
    """The same, those of one folder together, unless there are more than MOST_TOGETHER of them.

    What is kept are the folders that the last key is in: keys come in order.
    """
    inside: list[list[Listed]] = []  # each folder is below the one before
    large: set[str] = set()
    for each in objects_below(address):
        while inside and not each.folder.startswith(inside[-1][0].folder):
            yield _folder(inside.pop(), large)
        if inside and inside[-1][0].folder == each.folder:
            inside[-1].append(each)
        else:
            inside.append([each])
        if len(inside[-1]) > MOST_TOGETHER:
            large.add(each.folder)
            yield _folder(inside.pop(), large)
    for left in reversed(inside):
        yield _folder(left, large)


def _folder(objects: list[Listed], large: set[str]) -> Folder:
    return Folder(tuple(objects), objects[0].folder not in large)
