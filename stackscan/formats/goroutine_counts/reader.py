"""Reads counted text line by line: profiles, their records, and whatever stands between.

Blank lines mean nothing here: logs drop them and double them. A record ends where the next count line begins.
"""

from __future__ import annotations

import re
from typing import Final

from stackscan.formats import bounds
from stackscan.formats.goroutine_counts import claim, grammar, snapshots
from stackscan.formats.goroutine_counts.records import Profile, Raw
from stackscan.formats.goroutine_counts.repair import repaired
from stackscan.formats.goroutine_text.normalise import dedented, normalise
from stackscan.formats.problems import EXCERPT
from stackscan.model.snapshot import Problem, Snapshot
from stackscan.sources import Progress

_HEAD_LIKE: Final = re.compile(r"(\d+) @(?: |\Z)")
_FRAME_LIKE: Final = re.compile(r"#[ \t]+0x")
#: The first line of some profile, of whatever kind.
_PROFILE: Final = re.compile(r"(?:[^\s:]+ profile: total \d+\Z|heap profile: |--- (?:mutex|contention):)")
_STEP: Final = 1 << 16  # lines between two reports of progress


def read(data: bytes, progress: Progress | None = None) -> list[Snapshot]:
    """The snapshots of a text, one for each profile in it, at least one. Damage is reported in them."""
    data, problems = normalise(data)
    data = repaired(dedented(data, claim.indents(data)))
    lines = _lines(data)
    unterminated = bool(lines[-1])
    known = grammar.read_frames(filter(_FRAME_LIKE.match, lines))
    if unterminated and lines[-1] in known and not ((last := known[lines[-1]]) and last.named):
        lines[-1] = ""  # half a line: without it the record is short, and so known to be cut
    reader = _Reader(known)
    for number, line in enumerate(lines, start=1):
        found = known.get(line)
        if found is not None and reader.current is not None and not reader.between:  # nine lines of ten
            reader.current.frames.append(found)
            reader.current.numbers.append(number)
        elif line:
            reader.take(line, number)
        if progress is not None and not number % _STEP:
            progress(len(data) * number // len(lines), len(data))
    profiles = reader.finish(unterminated=unterminated)
    full_text = _full_text_problem(data)
    profiles[0].problems[:0] = [*problems, *full_text, *_long_names(lines)]
    profiles[0].partial = bool(full_text)
    if progress is not None:
        progress(len(data), len(data))
    return snapshots.build_all(profiles)


def _lines(data: bytes) -> list[str]:
    """The lines without trailing blanks, columns one tab apart: how many text/tabwriter puts differs by record."""
    while b"\t\t" in data:
        data = data.replace(b"\t\t", b"\t")
    lines = data.decode().replace("\0", "").split("\n")
    has_trailing = any(blank + b"\n" in data for blank in (b" ", b"\t", b"\r", b"\0"))
    return [line.rstrip(" \t\r") for line in lines] if has_trailing or lines[-1] else lines


def _long_names(lines: list[str]) -> list[Problem]:
    """The problems of frame lines with shortened names."""
    long = ((number, line) for number, line in enumerate(lines, start=1) if bounds.is_long(line))
    return [
        Problem(number, bounds.long_name(len(line)), line[:EXCERPT])
        for number, line in long
        if _FRAME_LIKE.match(line) and grammar.shortened(line) != line
    ]


def _full_text_problem(data: bytes) -> list[Problem]:
    """A note on goroutines of the full text in the same file: they are another format's."""
    found = claim.FULL_TEXT.search(data) if b"\ngoroutine " in data else None
    if found is None:
        return []
    line = data.count(b"\n", 0, found.start()) + 1
    reason = "a full-text dump begins here and is not read; put it in a separate file"
    return [Problem(line, reason, found[0].split(b"\n")[0].decode()[:EXCERPT])]


class _Reader:
    def __init__(self, known: dict[str, grammar.FrameLine | None]) -> None:
        self.known = known
        self.profiles: list[Profile] = []
        self.current: Raw | None = None
        self.elsewhere = False  # inside a profile of another kind
        self.between: list[tuple[int, str]] = []  # other text, not yet known to be inside the profile

    def take(self, line: str, number: int) -> None:
        """Take the next line that is not blank."""
        if line[0] == "#" and not self.elsewhere and self._hash(line, number):
            return
        head = _HEAD_LIKE.match(line) if not self.elsewhere else None
        if head is not None:
            self._head(line, number, head[1])
        elif _PROFILE.match(line):
            self._header(line, number)
        elif self.profiles:
            self.between.append((number, line))

    def finish(self, *, unterminated: bool) -> list[Profile]:
        """The profiles, when all lines were taken."""
        if not self.profiles:  # only damage where the header was expected
            self._begin("goroutine", None, 1)
        self.profiles[-1].unterminated = unterminated and not self.between and not self.elsewhere
        return self.profiles

    def _begin(self, kind: str, total: int | None, number: int) -> None:
        self.profiles.append(Profile(kind, total, number))
        self.current = None

    def _header(self, line: str, number: int) -> None:
        parsed = grammar.read_header(line)
        self.between.clear()
        self.elsewhere = parsed is None
        self.current = None
        if parsed is not None:
            self._begin(*parsed, number)

    def _profile(self, number: int) -> Profile:
        """The profile that a line belongs to; one without a header, if need be. Text before the line was inside it."""
        if not self.profiles:
            self._begin("goroutine", None, number)
        profile = self.profiles[-1]
        if self.between:
            first, text = self.between[0]
            more = f" ({len(self.between)} lines)" if len(self.between) > 1 else ""
            profile.problems.append(Problem(first, f"other text inside the profile{more}", text[:EXCERPT]))
            self.between.clear()
        return profile

    def _head(self, line: str, number: int, digits: str) -> None:
        profile = self._profile(number)
        parsed = grammar.read_head(line)
        if parsed is None:
            reason = "count line is damaged; its addresses are skipped"
            profile.problems.append(Problem(number, reason, line[:EXCERPT]))
            self.current = Raw(number, int(digits) if len(digits) <= 20 else 10**20)
        else:
            self.current = Raw(number, *parsed)
        profile.records.append(self.current)

    def _hash(self, line: str, number: int) -> bool:
        """Take a line that begins with #; False when it is none of a profile's."""
        if line in self.known:
            profile, current = self._profile(number), self._record(number, line)
            found = self.known[line]
            if found is None:
                current.damaged = True
                profile.problems.append(Problem(number, "frame line is damaged; frame skipped", line[:EXCERPT]))
            else:
                current.frames.append(found)
                current.numbers.append(number)
            return True
        if not line.startswith("# labels"):
            return False
        profile = self._profile(number)
        if self.current is not None and (self.current.frames or self.current.labels is not None):
            self.current = None  # these labels are another record's, whose count line is lost
        current, labels = self._record(number, line), grammar.read_labels(line)
        current.labels = labels or None
        if bounds.are_long(labels):
            current.labels = None
            profile.problems.append(Problem(number, bounds.long_labels(len(labels or "")), line[:EXCERPT]))
        if labels is None:
            profile.problems.append(Problem(number, "label line is damaged; labels skipped", line[:EXCERPT]))
        return True

    def _record(self, number: int, line: str) -> Raw:
        """The record that a line belongs to; one of unknown count when its count line is lost."""
        if self.current is None:
            self.current = Raw(number, None)
            self.profiles[-1].problems.append(Problem(number, snapshots.ORPHAN, line[:EXCERPT]))
        return self.current
