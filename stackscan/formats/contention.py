"""Mutex and block profiles, in text (debug=1) or protobuf: where goroutines waited, and for how long.

kubo's ``ipfs diag profile`` writes them as mutex.pprof and block.pprof. They count past waits, not goroutines, so they
are no snapshots.
"""

from __future__ import annotations

import re
from typing import Final

from stackscan.formats import contention_pprof
from stackscan.formats.contended import ContentionProfile, ContentionRecord, Kind
from stackscan.formats.goroutine_counts import grammar as counts
from stackscan.formats.goroutine_text.normalise import normalise
from stackscan.formats.grammars import Grammar, tokens_of
from stackscan.formats.problems import EXCERPT, bounded
from stackscan.model.snapshot import Frame, Problem

__all__ = ["ContentionProfile", "ContentionRecord", "Kind", "claims", "read"]

_GRAMMAR: Final = Grammar("contention", "kind rate period head")
_FIRST: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*--- (?:mutex|contention):[ \t]*\r?\n")
_MOST_DIGITS: Final = 20
_HEAD_LIKE: Final = re.compile(r"\d+ \d+ @(?: |\Z)")
_FRAME_LIKE: Final = re.compile(r"#[ \t]+0x")


def claims(data: bytes) -> bool:
    """Whether the bytes begin like such a profile, in text or in protobuf."""
    return _FIRST.match(data, 0, 4096) is not None or contention_pprof.claims(data)


def read(data: bytes) -> ContentionProfile:
    """The profile. Damage costs the line or the record that it touches, and is in ``problems``."""
    if contention_pprof.claims(data):
        return contention_pprof.read(data)
    return _read_text(data)


def _read_text(data: bytes) -> ContentionProfile:
    unterminated = bool(data) and not data.endswith(b"\n")
    data, problems = normalise(data)
    lines = [re.sub(r"\t+", "\t", line.rstrip()) for line in data.decode().split("\n")]
    reader = _Reader(counts.read_frames(filter(_FRAME_LIKE.match, lines)), problems)
    for number, line in enumerate(lines, start=1):
        if line:
            reader.take(line, number)
    return reader.finish(len(lines) if unterminated else None)


def _number(digits: str) -> int | None:
    """A number of 64 bits at most; None for one that no Go program prints, and that Python may not read."""
    return int(digits) if len(digits) <= _MOST_DIGITS else None


def _tokens(text: str, start: str) -> dict[str, str] | None:
    """The tokens of one line under a start rule; None when the grammar refuses it."""
    tree = _GRAMMAR.parse(text, start)
    return None if tree is None else tokens_of(tree)


class _Reader:
    def __init__(self, known: dict[str, counts.FrameLine | None], problems: list[Problem]) -> None:
        self.known = known
        self.problems = problems
        self.kind: Kind = "block"
        self.rate = 0
        self.period: int | None = None
        self.heads: list[tuple[int, int]] = []
        self.frames: list[list[Frame]] = []
        self.inside = False  # below a count line that was read

    def take(self, line: str, number: int) -> None:
        """Take the next line that is not blank."""
        if line.startswith("#"):
            self._frame(line, number)
        elif _HEAD_LIKE.match(line):
            self._head(line, number)
        elif not self._about(line):
            self._problem(number, "not a line of a contention profile; skipped", line)

    def finish(self, unterminated: int | None) -> ContentionProfile:
        """The profile, when all lines were taken; ``unterminated`` is the number of a last line without its end."""
        if unterminated is not None:
            self._problem(unterminated, "the text ends in the middle of a line: the profile was cut", "")
        if not self.rate:
            self._problem(1, "cycles/second is unknown: waits have no unit", "")
        pairs = zip(self.heads, self.frames, strict=True)
        records = tuple(ContentionRecord(cycles, count, tuple(frames)) for (cycles, count), frames in pairs)
        return ContentionProfile(self.kind, self.rate, self.period, records, bounded(self.problems))

    def _about(self, line: str) -> bool:
        """Take a line that speaks of the whole profile."""
        kind, rate, period = (_tokens(line, start) for start in ("kind", "rate", "period"))
        if kind is not None:
            self.kind = "mutex" if kind["KIND"] == "mutex" else "block"
        elif rate is not None:
            self.rate = max(_number(rate["NUMBER"]) or 0, 0)
        elif period is not None:
            self.period = _number(period["NUMBER"])
        return (kind or rate or period) is not None

    def _head(self, line: str, number: int) -> None:
        tokens = _tokens(line, "head")
        cycles, count = (None, None) if tokens is None else (_number(tokens["CYCLES"]), _number(tokens["COUNT"]))
        self.inside = cycles is not None and count is not None
        if cycles is None or count is None:
            self._problem(number, "count line is damaged; its record is skipped", line)
            return
        self.heads.append((cycles, count))
        self.frames.append([])

    def _frame(self, line: str, number: int) -> None:
        found = self.known.get(line)
        if found is None:
            self._problem(number, "frame line is damaged; frame skipped", line)
        elif self.inside:
            self.frames[-1].append(found.frame)
        elif not self.heads:
            self._problem(number, "frame without a count line; skipped", line)

    def _problem(self, number: int, reason: str, line: str) -> None:
        self.problems.append(Problem(number, reason, line[:EXCERPT]))
