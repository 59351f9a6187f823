"""The grammar alone, a whole goroutine at a time, with no cache and no shortcut.

Slow on purpose (about 30 µs a frame): this is what the text format means. The differential test holds the fast path
against it over all fixtures; nothing else uses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackscan.formats.goroutine_text import trees
from stackscan.formats.goroutine_text.trees import Argument, Header
from stackscan.formats.grammars import subtrees_of, tokens_of
from stackscan.model.snapshot import Frame, Stack

if TYPE_CHECKING:
    from lark import Token, Tree


@dataclass(frozen=True, slots=True)
class Block:
    """A whole goroutine as the grammar alone reads it. ``arguments`` has one entry a frame: None where it prints no
    list, or one that the grammar refuses."""

    goroutine_id: int
    header: Header
    stack: Stack
    creator_id: int | None
    ancestors: tuple[tuple[int, Stack], ...]
    arguments: tuple[tuple[Argument, ...] | None, ...]


def read_block(text: str) -> Block | None:
    """Read the lines of one goroutine, header first; None when the grammar does not accept them as they are."""
    tree = trees.parse(text, "goroutine")
    if tree is None:
        return None
    parts = subtrees_of(tree)
    goroutine_id, header = trees.header_of(parts[0])
    sections: list[list[Tree[Token]]] = [[]]
    ids: list[int] = []
    for part in parts[1:]:
        if part.data == "ancestor":
            ids.append(int(tokens_of(part)["ID"]))
            sections.append([])
        else:
            sections[-1].append(part)
    stacks = [_stack(section) for section in sections]
    stack, creator_id = stacks[0]
    ancestors = tuple((ancestor, found) for ancestor, (found, _) in zip(ids, stacks[1:], strict=True))
    arguments = tuple(_arguments(part) for part in sections[0] if part.data == "frame")
    return Block(goroutine_id, header, stack, creator_id, ancestors, arguments)


def _arguments(frame: Tree[Token]) -> tuple[Argument, ...] | None:
    text = tokens_of(subtrees_of(frame)[0]).get("ARGUMENTS")
    return None if text is None else trees.read_arguments(text)


def _stack(parts: list[Tree[Token]]) -> tuple[Stack, int | None]:
    frames: list[Frame] = []
    creator: tuple[str, int | None] | None = None
    created_by: Frame | None = None
    elided: int | None = 0
    unavailable = False
    for part in parts:
        if part.data == "frame":
            frames.append(trees.frame_of(part))
        elif part.data == "elided":
            elided = trees.elided_of(part)
        elif part.data == "unavailable":
            unavailable = True
        elif part.data == "creator":
            creator = trees.creator_of(part)
        elif creator is not None:
            created_by = Frame(creator[0], *trees.location_of(part))
    return Stack(tuple(frames), created_by, elided, unavailable), creator[1] if creator else None
