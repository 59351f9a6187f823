"""Builds frames from the tables of a profile: strings, functions, locations; counts dangling indices."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import Final

from stackscan.formats import bounds
from stackscan.formats.goroutine_pprof.schema import Location, Profile
from stackscan.formats.symbol import unescape_path
from stackscan.model.snapshot import Frame

_BRACKETS: Final = re.compile(r"[\[\]]")
_LARGEST_LINE: Final = (1 << 31) - 1


def shorten_type_arguments(name: str) -> str:
    """``main.F[go.shape.[]int].func1`` → ``main.F[...].func1``, as the text formats print it.

    The runtime does so in runtime/traceback.go funcNamePiecesForPrint: from the first bracket to the last, up to Go
    1.26; since 1.27, which has generic methods, each group for itself. Here each group, which loses no name.
    """
    depth, kept, begin = 0, [], 0
    for match in _BRACKETS.finditer(name):
        if match[0] == "[":
            if not depth:
                kept.append(name[begin : match.start()] + "[...]")
            depth += 1
        elif depth:
            depth -= 1
            begin = match.end() if not depth else begin
    return name if depth else "".join(kept) + name[begin:]


class Symbols:
    """The frames of a profile by location; dangling indices are counted and left out."""

    def __init__(self, profile: Profile) -> None:
        self._strings = profile.string_table
        self._functions = {function.id: function for function in profile.function}
        self._locations = {location.id: location for location in profile.location}
        self._read: dict[int, tuple[Frame, ...]] = {}
        self._texts: dict[int, str] = {}
        self._interned: dict[Frame, Frame] = {}
        self.dangling: Counter[str] = Counter()
        self.long_names: list[int] = []  # bytes of names that were shortened
        self.unnamed: set[int] = set()  # locations without a function name
        repeated = len(profile.location) - len(self._locations) + len(profile.function) - len(self._functions)
        ids = []
        for mapping in profile.mapping:  # the last names of Go's table: they show whether its end is cut
            self.text(mapping.filename)
            ids.append(self.text(mapping.build_id))
        self.build_id = (ids[0] if ids else "") or None  # the binary's mapping comes first
        if repeated:
            self.dangling["locations or functions have the id of another one"] += repeated

    def text(self, index: int) -> str:
        """A string of the table; "" where the index points nowhere. Bytes that are no UTF-8 become U+FFFD."""
        found = self._texts.get(index)
        if found is None:
            raw = self.raw(index)
            if bounds.is_long(raw):
                self.long_names.append(len(raw))
                found = bounds.shortened(raw)
            else:
                found = raw.decode("utf-8", "replace")
            self._texts[index] = found
        return found

    def raw(self, index: int) -> bytes:
        """A string of the table as it was written."""
        if 0 <= index < len(self._strings):
            return self._strings[index]
        self.dangling["names are not in the string table"] += 1
        return b""

    def frames(self, location_id: int) -> tuple[Frame, ...]:
        """The frames of a location, innermost first; none where the id points nowhere. Equal frames are one object."""
        found = self._read.get(location_id)
        if found is None:
            location = self._locations.get(location_id)
            if location is None:
                self.dangling["locations are not in the profile"] += 1
            found = self._read[location_id] = self._frames_of(location) if location is not None else ()
        return found

    def intern(self, frame: Frame) -> Frame:
        """The one object that stands for frames equal to this one."""
        return self._interned.setdefault(frame, frame)

    def _frames_of(self, location: Location) -> tuple[Frame, ...]:
        if not location.line:  # Go 1.8 writes addresses only
            self.unnamed.add(location.id)
            return (self.intern(Frame(f"{location.address:#x}", "", 0)),)
        return tuple(self.intern(self._frame(line.function_id, line.line, location)) for line in location.line)

    def _frame(self, function_id: int, line: int, location: Location) -> Frame:
        function = self._functions.get(function_id)
        if function is None:
            self.dangling["functions are not in the profile"] += 1
        name = "" if function is None else self.text(function.name)
        if not name or function is None:
            self.unnamed.add(location.id)
            return Frame(f"{location.address:#x}", "", 0)
        if abs(line) > _LARGEST_LINE:
            self.dangling["line numbers are too large"] += 1
            line = 0
        return _frame_of(name, self.text(function.filename), line)


@lru_cache(maxsize=1 << 14)
def _frame_of(name: str, file: str, line: int) -> Frame:
    """A frame with a name: profiles of one program share it, so that their stacks are compared fast."""
    return Frame(unescape_path(shorten_type_arguments(name)), file, line)
