"""All goroutines of one text, from the fast path and from the careful reader, as one set of columns in line order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from stackscan.formats.goroutine_text import grammar, header
from stackscan.formats.goroutine_text.columns import ChunkColumns, Interner
from stackscan.formats.goroutine_text.grammar import Header
from stackscan.formats.goroutine_text.segments import Goroutine
from stackscan.snapshot import Frame, Stack

_UNREADABLE: Final = -1
_UNSEEN: Final = -2


@dataclass(frozen=True, slots=True)
class Rows:
    """One entry a goroutine: its header line (1-based), id, header and stack (indices), and its creator's id."""

    line: npt.NDArray[np.int64]
    goroutine_id: npt.NDArray[np.uint64]
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
    """The distinct headers and stacks of one text, in the order in which they were first needed."""

    headers: list[Header] = field(default_factory=list)
    stacks: list[Stack] = field(default_factory=list)
    _header_ids: dict[Header, int] = field(default_factory=dict)
    _stack_ids: dict[Stack, int] = field(default_factory=dict)

    def header_id(self, value: Header) -> int:
        """The index of a header."""
        found = self._header_ids.setdefault(value, len(self.headers))
        if found == len(self.headers):
            self.headers.append(value)
        return found

    def stack_id(self, value: Stack) -> int:
        """The index of a stack."""
        found = self._stack_ids.setdefault(value, len(self.stacks))
        if found == len(self.stacks):
            self.stacks.append(value)
        return found


class Resolver:
    """Turns the codes of the fast path into headers and stacks; each distinct line passes the grammar once."""

    def __init__(self, interner: Interner, interned: Interned) -> None:
        self._interner = interner
        self._texts: list[str] = []
        self._interned = interned
        self._frames: dict[int, Frame | None] = {}
        self._stacks: dict[bytes, int] = {}
        self._headers = np.empty(0, dtype=np.int64)

    def refresh(self) -> None:
        """Learn the texts that were interned since: call it once a chunk is read, before asking for its codes."""
        new = self._interner.texts(len(self._texts))
        self._texts += new
        self._headers = np.append(self._headers, np.full(len(new), _UNSEEN, dtype=np.int64))

    def headers(self, codes: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
        """The header indices of tail codes; -1 where the grammar refuses the header."""
        found = self._headers[codes]
        for code in np.unique(codes[found == _UNSEEN]).tolist():
            value = header.read_tail(self._texts[code])
            self._headers[code] = _UNREADABLE if value is None else self._interned.header_id(value)
        return self._headers[codes]

    def stack(self, key: bytes) -> int:
        """The stack index of a key of the fast path; -1 when the grammar refuses one of its lines."""
        found = self._stacks.get(key)
        if found is None:
            found = self._stacks[key] = self._read_stack(key)
        return found

    def _read_stack(self, key: bytes) -> int:
        *pairs, creator = np.frombuffer(key, dtype=np.uint64).tolist()
        frames: list[Frame] = []
        elided: int | None = 0
        for pair in pairs:
            if pair & 0xFFFFFFFF == 0:  # no location: an elided-frames marker
                is_elided, elided = grammar.read_elided(self._texts[pair >> 32])
                if not is_elided:
                    return _UNREADABLE
                continue
            frame = self._frame(pair, creator=False)
            if frame is None:
                return _UNREADABLE
            frames.append(frame)
        created_by = self._frame(creator, creator=True) if creator else None
        if creator and created_by is None:
            return _UNREADABLE
        return self._interned.stack_id(Stack(tuple(frames), created_by, elided))

    def _frame(self, pair: int, *, creator: bool) -> Frame | None:
        key = -pair if creator else pair
        if key not in self._frames:
            self._frames[key] = self._read_frame(pair, creator=creator)
        return self._frames[key]

    def _read_frame(self, pair: int, *, creator: bool) -> Frame | None:
        name = self._texts[pair >> 32]
        location = grammar.read_location("\t" + self._texts[pair & 0xFFFFFFFF])
        if creator:
            parsed = grammar.read_creator(f"created by {name}")
            function = parsed[0] if parsed else None
        else:
            function = grammar.read_call(f"{name}()")
        return Frame(function, *location) if function is not None and location is not None else None


def from_chunk(chunk: ChunkColumns, first_line: int, resolver: Resolver) -> Rows:
    """The rows of one chunk; unreadable headers and stacks are -1 (the careful reader must take them)."""
    resolver.refresh()
    stacks = np.array([resolver.stack(key) for key in chunk.stack_keys], dtype=np.int64)
    return Rows(
        line=chunk.line + first_line,
        goroutine_id=chunk.goroutine_id,
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
        goroutine_id=np.array([g.goroutine_id for g, _ in found], dtype=np.uint64),
        header=np.array([interned.header_id(g.header) for g, _ in found], dtype=np.int64),
        stack=np.array([interned.stack_id(g.stack) for g, _ in found], dtype=np.int64),
        creator_id=np.array([g.creator_id or 0 for g, _ in found], dtype=np.uint64),
        has_creator_id=np.array([g.creator_id is not None for g, _ in found], dtype=np.bool_),
        after_blank=np.array([blank for _, blank in found], dtype=np.bool_),
    )


def merge(parts: list[Rows]) -> Rows:
    """All rows in line order."""
    joined = Rows(*(np.concatenate([getattr(part, name) for part in parts]) for name in Rows.__dataclass_fields__))
    if np.all(joined.line[:-1] <= joined.line[1:]):
        return joined
    return joined.take(np.argsort(joined.line, kind="stable"))
