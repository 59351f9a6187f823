"""The goroutines of one text as columns in line order, from the fast path and the careful reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from stackscan.formats import bounds
from stackscan.formats.goroutine_text import grammar, header, known_frames
from stackscan.formats.goroutine_text.columns import ChunkColumns, Interner
from stackscan.formats.goroutine_text.grammar import Header
from stackscan.formats.goroutine_text.segments import Goroutine
from stackscan.model.snapshot import Frame, Stack
from stackscan.sources import limits

_UNREADABLE: Final = -1
_UNSEEN: Final = -2
#: The half of a frame's code that is its location's.
_LOCATION: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Rows:
    """One entry a goroutine: its header line (1-based), id (``has_id``: it is not withheld), header and stack
    (indices), and its creator's id."""

    line: npt.NDArray[np.int64]
    goroutine_id: npt.NDArray[np.uint64]
    has_id: npt.NDArray[np.bool_]
    header: npt.NDArray[np.int64]
    stack: npt.NDArray[np.int64]
    creator_id: npt.NDArray[np.uint64]
    has_creator_id: npt.NDArray[np.bool_]
    after_blank: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.line)

    def take(self, index: npt.NDArray[np.int64]) -> Rows:
        """The rows at the given places."""
        return Rows(*(getattr(self, name)[index] for name in self.__dataclass_fields__))


@dataclass(slots=True)
class Interned:
    """The distinct headers and stacks of one text, in the order of first use.

    An entry is one header of the text: ``plain`` indexes the few ``headers`` without labels; its labels, which may
    differ from goroutine to goroutine, stay a column.
    """

    headers: list[Header] = field(default_factory=list)
    plain: list[int] = field(default_factory=list)
    stacks: list[Stack] = field(default_factory=list)
    _plain_ids: dict[Header, int] = field(default_factory=dict)
    _entries: dict[Header, int] = field(default_factory=dict)
    _stack_ids: dict[Stack, int] = field(default_factory=dict)
    _labels: list[pl.Series] = field(default_factory=list)  # of the entries, in pieces
    _last_labels: list[str | None] = field(default_factory=list)  # of those behind the last piece

    def header_id(self, value: Header) -> int:
        """The entry of a header. One with labels always gets a new entry, since they hardly ever repeat."""
        if value.labels is not None:
            return self._add_one(self.plain_id(replace(value, labels=None)), value.labels)
        found = self._entries.get(value)
        if found is None:
            found = self._entries[value] = self._add_one(self.plain_id(value), None)
        return found

    def plain_id(self, value: Header) -> int:
        """The index of a header without labels."""
        found = self._plain_ids.setdefault(value, len(self.headers))
        if found == len(self.headers):
            self.headers.append(value)
        return found

    def add(self, plain: Sequence[int], labels: pl.Series) -> int:
        """Add entries; returns the index of the first."""
        self._labels = [self.labels(), labels]
        self._last_labels = []
        self.plain.extend(plain)
        return len(self.plain) - len(plain)

    def _add_one(self, plain: int, labels: str | None) -> int:
        self.plain.append(plain)
        self._last_labels.append(labels)
        return len(self.plain) - 1

    def labels(self) -> pl.Series:
        """The labels of all entries; null for none."""
        return pl.concat([*self._labels, pl.Series(self._last_labels, dtype=pl.String)])

    def header(self, entry: int) -> Header:
        """The header of an entry, without its labels."""
        return self.headers[self.plain[entry]]

    def stack_id(self, value: Stack) -> int:
        """The index of a stack."""
        found = self._stack_ids.setdefault(value, len(self.stacks))
        if found == len(self.stacks):
            self.stacks.append(value)
        return found


class Resolver:
    """Turns the codes of the fast path into headers and stacks; the grammar reads each distinct line once.

    To be made after all chunks are interned: the texts must not be read while threads add some.
    """

    def __init__(self, interner: Interner, interned: Interned) -> None:
        self._column = interner.texts()
        self._texts: list[str] = self._column.to_list()
        self._interned = interned
        self._frames: dict[int, Frame | None] = {}
        self._stacks: dict[bytes, int] = {}
        self._headers = np.full(len(self._texts), _UNSEEN, dtype=np.int64)

    def headers(self, codes: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
        """The header entries of tail codes; -1 where the grammar refuses the header."""
        used = np.zeros(len(self._texts), dtype=np.bool_)
        used[codes] = True
        new = np.flatnonzero(used & (self._headers == _UNSEEN))
        tails = self._column.gather(new)
        rest = self._with_labels(new, tails) if tails.str.contains("{", literal=True).any() else new
        self._headers[rest] = [self._header(self._texts[code]) for code in rest.tolist()]
        return self._headers[codes]

    def _with_labels(self, codes: npt.NDArray[np.int64], tails: pl.Series) -> npt.NDArray[np.int64]:
        """Read headers with labels as a column; returns the codes of those that are left to read one by one."""
        parts = header.split_labels(tails)
        brackets = parts["bracket"].drop_nulls().unique(maintain_order=True)
        plain = [self._plain(bracket) for bracket in brackets]
        of_row = parts["bracket"].replace_strict(brackets, plain, default=_UNREADABLE, return_dtype=pl.Int64)
        is_simple = of_row >= 0
        found = of_row.filter(is_simple).to_list()
        first = self._interned.add(found, parts["labels"].filter(is_simple))
        simple = is_simple.to_numpy()
        self._headers[codes[simple]] = np.arange(first, first + len(found))
        left: npt.NDArray[np.int64] = codes[~simple]
        return left

    def _plain(self, bracket: str) -> int:
        """The index of the header that a bracket alone makes; -1 where it has labels or attributes."""
        value = header.read_tail(bracket)
        usual = value is not None and value.labels is None and value.attributes is None
        return self._interned.plain_id(value) if value is not None and usual else _UNREADABLE

    def _header(self, tail: str) -> int:
        value = header.read_tail(tail)
        return _UNREADABLE if value is None or bounds.are_long(value.labels) else self._interned.header_id(value)

    def stacks(self, keys: list[bytes]) -> npt.NDArray[np.int64]:
        """The stack indices of keys of the fast path; -1 where the grammar refuses one of its lines."""
        new = {key: np.frombuffer(key, dtype=np.uint64).tolist() for key in keys if key not in self._stacks}
        self._learn_frames({pair for pairs in new.values() for pair in pairs})
        for key, pairs in new.items():
            self._stacks[key] = self._stack(pairs[:-1], pairs[-1])
        return np.array([self._stacks[key] for key in keys], dtype=np.int64)

    def _learn_frames(self, pairs: set[int]) -> None:
        """Read the frames that have not been seen yet, all at once if the grammar takes them all."""
        new = [pair for pair in pairs if pair not in self._frames and pair & _LOCATION]
        long = {pair for pair in new if any(map(bounds.is_long, self._line(pair)))}
        self._frames.update(dict.fromkeys(long))  # the careful reader shortens them
        new = [pair for pair in new if pair not in long] if long else new
        lines = list(map(self._line, new))
        read: Sequence[Frame | None] | None = known_frames.read_frames(lines) if lines else []
        if read is None:
            read = [found[0] if (found := known_frames.read_frames([line])) else None for line in lines]
        self._frames.update(zip(new, read, strict=True))

    def _line(self, pair: int) -> tuple[str, str]:
        """The name and the location of a frame."""
        return self._texts[pair >> 32], self._texts[pair & _LOCATION]

    def _stack(self, pairs: list[int], creator: int) -> int:
        if len(pairs) > limits.MAX_FRAMES:
            return _UNREADABLE  # the careful reader leaves out the outer frames
        frames: list[Frame] = []
        elided: int | None = 0
        for pair in pairs:
            if pair & _LOCATION == 0:  # no location: an elided-frames marker
                is_elided, elided = grammar.read_elided(self._texts[pair >> 32])
                if not is_elided:
                    return _UNREADABLE
                continue
            frame = self._frames[pair]
            if frame is None:
                return _UNREADABLE
            frames.append(frame)
        created_by = self._frames.get(creator) if creator else None  # none for one without location
        if creator and created_by is None:
            return _UNREADABLE
        return self._interned.stack_id(Stack(tuple(frames), created_by, elided))


def from_chunk(chunk: ChunkColumns, first_line: int, resolver: Resolver) -> Rows:
    """The rows of one chunk; unreadable headers and stacks are -1 (the careful reader must take them)."""
    stacks = resolver.stacks(chunk.stack_keys)
    return Rows(
        line=chunk.line + first_line,
        goroutine_id=chunk.goroutine_id,
        has_id=np.ones(len(chunk.line), dtype=np.bool_),
        header=resolver.headers(chunk.tail),
        stack=stacks[chunk.stack] if len(stacks) else np.empty(0, dtype=np.int64),
        creator_id=chunk.creator_id,
        has_creator_id=chunk.has_creator_id,
        after_blank=chunk.after_blank,
    )


def from_careful(found: list[tuple[Goroutine, bool]], interned: Interned) -> Rows:
    """The rows of the careful reader's goroutines, each with whether a blank line stood before it."""
    return Rows(
        line=np.array([g.line for g, _ in found], dtype=np.int64),
        goroutine_id=np.array([g.goroutine_id or 0 for g, _ in found], dtype=np.uint64),
        has_id=np.array([g.goroutine_id is not None for g, _ in found], dtype=np.bool_),
        header=np.array([interned.header_id(g.header) for g, _ in found], dtype=np.int64),
        stack=np.array([interned.stack_id(g.stack) for g, _ in found], dtype=np.int64),
        creator_id=np.array([g.creator_id or 0 for g, _ in found], dtype=np.uint64),
        has_creator_id=np.array([g.creator_id is not None for g, _ in found], dtype=np.bool_),
        after_blank=np.array([blank for _, blank in found], dtype=np.bool_),
    )


def merge(parts: list[Rows]) -> Rows:
    """The rows of all parts in line order."""
    joined = Rows(*(np.concatenate([getattr(part, name) for part in parts]) for name in Rows.__dataclass_fields__))
    if np.all(joined.line[:-1] <= joined.line[1:]):
        return joined
    return joined.take(np.argsort(joined.line, kind="stable"))


def in_order(codes: npt.NDArray[np.int64]) -> list[int]:
    """The distinct codes in the order in which they first occur."""
    return pl.Series(codes).unique(maintain_order=True).to_list()
