"""A cache of frames; new ones are read all at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Final

from stackscan.formats import bounds
from stackscan.formats.goroutine_text import grammar
from stackscan.formats.symbol import unescape_path
from stackscan.model.snapshot import Frame
from stackscan.sources import limits

#: A function, and its location without the tab.
Line = tuple[str, str]

#: Frames by their texts. Captures of one program share most of theirs.
_known_frames: Final[dict[Line, Frame]] = {}
_MOST_KNOWN_FRAMES: Final = 65536

#: Find the frame of two texts that was read before.
known = _known_frames.get


def read_frames(lines: Sequence[Line]) -> list[Frame | None]:
    """The frames of distinct pairs; None for what the grammar refuses, and for names that are too long."""
    if lines and max(map(len, chain.from_iterable(lines))) > limits.MAX_NAME:
        return [None if _is_long(line) else read_frames([line])[0] for line in lines]
    frames = list(map(known, lines))
    places = [place for place, frame in enumerate(frames) if frame is None]
    new = [lines[place] for place in places]
    for place, frame in zip(places, _read_new(new) if new else (), strict=True):
        frames[place] = frame
    if len(_known_frames) + len(new) > _MOST_KNOWN_FRAMES:
        _known_frames.clear()
    if len(new) <= _MOST_KNOWN_FRAMES:
        _known_frames.update((lines[place], frame) for place in places if (frame := frames[place]) is not None)
    return frames


def forget() -> None:
    """Empty the caches (a benchmark wants to measure without them)."""
    _known_frames.clear()
    grammar.forget()


@cache
def _usual() -> re.Pattern[str]:
    """Two lines as nearly all frames have them: FUNCTION, then FILE, LINE, OFFSET and FRAME_ADDRESSES of the grammar.

    Written anew, since thousands of frames pass here at once: the expression goes to the end of each line and a few
    characters back, where the grammar's terminals would look ahead at each character of a path.
    """
    addresses = "(?: fp=0x[0-9a-f]+ sp=0x[0-9a-f]+(?: pc=0x[0-9a-f]+)?)?"
    return re.compile(
        rf"(?m)^([^\s\[][^\n]*)(?<! )\n\t([^\s][^\n]*):(-?[0-9]{{1,10}})(?: \+0x([0-9a-f]+))?{addresses}\n"
    )


def _read_new(lines: Sequence[Line]) -> list[Frame | None]:
    text = "".join([f"{function}\n\t{location}\n" for function, location in lines])
    found = _usual().findall(text)
    if len(found) != len(lines):
        return list(map(_read_one, lines))
    return [
        Frame(unescape_path(function), file, int(line), int(offset, 16) if offset else None)
        for function, file, line, offset in found
    ]


def _is_long(line: Line) -> bool:
    return bounds.is_long(line[0]) or bounds.is_long(line[1])


def _read_one(line: Line) -> Frame | None:
    """Any frame that the grammar knows: of C code, too."""
    function, location = line
    found = _usual().fullmatch(f"{function}\n\t{location}\n")
    if found:
        return Frame(unescape_path(found[1]), found[2], int(found[3]), int(found[4], 16) if found[4] else None)
    name, place = grammar.read_call(f"{function}()"), grammar.read_location(f"\t{location}")
    return None if name is None or place is None or grammar.begins_non_go(function) else Frame(name, *place)
