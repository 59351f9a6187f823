"""A cache of frames; new ones are parsed all at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from stackscan.formats.goroutine_text import grammar
from stackscan.formats.grammars import subtrees_of
from stackscan.model.snapshot import Frame

#: Frames by their (function, location) texts. Captures of one program share most of theirs.
_known_frames: Final[dict[tuple[str, str], Frame]] = {}
_MOST_KNOWN_FRAMES: Final = 65536


def read_frames(lines: Sequence[tuple[str, str]]) -> list[Frame] | None:
    """The frames of (function, location) pairs, for half the cost of one at a time; None when one is refused."""
    new = [line for line in lines if line not in _known_frames]
    if new:
        text = "".join(f"{function}()\n\t{location}\n" for function, location in new)
        read = grammar.parse_batch(text)
        if not read:  # frames of C code, and others that are rare
            tree = grammar.parse(text, "frames")
            if tree is None:
                return None
            read = list(map(grammar.frame_of, subtrees_of(tree)))
        _known_frames.update(zip(new, read, strict=True))
    frames = [_known_frames[line] for line in lines]
    if len(_known_frames) > _MOST_KNOWN_FRAMES:
        _known_frames.clear()
    return frames


def forget() -> None:
    """Empty the caches (a benchmark wants to measure without them)."""
    _known_frames.clear()
    grammar.forget()
