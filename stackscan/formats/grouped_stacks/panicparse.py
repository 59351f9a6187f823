"""Reads what panicparse (``pp``) prints: buckets of equal goroutines, in columns."""

from __future__ import annotations

import re
from typing import Final

from stackscan.formats import bounds, counted
from stackscan.formats.counted import Record, Stacks
from stackscan.formats.goroutine_text.normalise import normalise
from stackscan.formats.goroutine_text.surroundings import mark
from stackscan.formats.grouped_stacks.find import BEFORE, NAME
from stackscan.formats.grouped_stacks.grammar import Bucket, read_bucket, read_call
from stackscan.formats.problems import EXCERPT, bounded
from stackscan.model.snapshot import Frame, Problem, Snapshot
from stackscan.sources import limits

_ESCAPES: Final = re.compile(r"\x1b\[[0-9;]{0,20}m")
_BEFORE: Final = re.compile("^" + BEFORE)
_HEADER: Final = re.compile(r"\d{1,20}: [a-zA-Z?]")
_CALL: Final = re.compile(r"[^\s]+[ \t]+[^\s][^\n]*:\d{1,10}[ \t]+[^\n]*\(")
_SHORT_NAMES: Final = (
    "panicparse prints the last element of each import path: rules that name packages may not apply; "
    "`pp -full-path` prints whole ones"
)


def read(data: bytes) -> list[Snapshot]:
    """The snapshot of one list."""
    content, problems = normalise(data)
    reader = _Reader(problems)
    for number, line in enumerate(content.decode().split("\n"), start=1):
        bare = _ESCAPES.sub("", line) if "\x1b" in line else line
        bare = _BEFORE.sub("", bare).strip()
        if bare:
            reader.take(bare, number)
    return [reader.finish()]


class _Reader:
    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        self.cause: str | None = None
        self.message: list[str] = []
        self.lost = False
        self.heads: list[tuple[int, Bucket]] = []
        self.frames: list[list[Frame]] = []
        self.partial: list[bool] = []
        self.interned: dict[Frame, Frame] = {}
        self.inside = False  # below a header that was read

    def take(self, line: str, number: int) -> None:
        """Take the next line that is not blank."""
        if _HEADER.match(line):
            self._head(line, number)
        elif line == "(...)" and self.inside:
            self.partial[-1] = True
        elif _CALL.match(line):
            self._call(line, number)
        elif not self.heads:
            self._above(line, number)
        else:
            self._problem(number, "not a line of panicparse; skipped", line)
            if self.inside:
                self.partial[-1] = True

    def finish(self) -> Snapshot:
        """The snapshot, when all lines were taken."""
        stacks = Stacks()
        records: list[Record] = []
        most = counted.MOST_GOROUTINES
        has_ids = any(bucket.is_id for _, bucket in self.heads)
        for (line, _), frames, partial in zip(self.heads, self.frames, self.partial, strict=True):
            if not frames and not partial:
                self._problem(line, "no frames below the header", "")
        for (line, bucket), frames, partial in zip(self.heads, self.frames, self.partial, strict=True):
            count = 1 if has_ids else bucket.count
            if not 0 < count <= most:
                self._problem(line, "a bucket of no goroutines, or of more than a process can have; not read", "")
                continue
            most -= count
            creator = self._intern(bucket.created_by) if bucket.created_by is not None else None
            stack_id = stacks.id_of(frames, partial=partial, created_by=creator)
            records.append(
                Record(
                    count,
                    stack_id,
                    line=line,
                    goroutine_id=bucket.count if has_ids else None,
                    wait_reason=bucket.state,
                    wait_minutes=bucket.minutes,
                    locked=bucket.locked,
                )
            )
        if any("/" not in frame.file for frames in self.frames for frame in frames):
            self.problems.append(Problem(self.heads[0][0], _SHORT_NAMES))
        rows, counts = counted.rows(records)
        return Snapshot(
            format=NAME,
            table=rows,
            counts=counts,
            stacks=stacks.all(),
            problems=bounded(self.problems),
            complete=not self.lost,
            header_lines=sum(record.count for record in records),
            cause=self.cause,
            message=tuple(self.message),
        )

    def _above(self, line: str, number: int) -> None:
        """A line above the first bucket: why the process died."""
        found = mark(line, number)
        if found is not None and found.kind == "cause" and self.cause is None:
            self.cause = found.text
        if self.cause is not None and len(self.message) < 64:
            self.message.append(line[:200])

    def _head(self, line: str, number: int) -> None:
        bucket = read_bucket(line)
        self.inside = bucket is not None
        if bucket is None:
            self._problem(number, "the header of this bucket is damaged; skipped", line)
            return
        self.heads.append((number, bucket))
        self.frames.append([])
        self.partial.append(False)

    def _call(self, line: str, number: int) -> None:
        frame = read_call(line)
        if frame is None or not self.inside:
            reason = "frame line is damaged; frame skipped" if self.inside else "a frame without its bucket; skipped"
            self._problem(number, reason, line)
            if self.inside:
                self.partial[-1] = True
        elif len(self.frames[-1]) < limits.MAX_FRAMES:
            self.frames[-1].append(self._intern(frame))
        else:
            self._problem(number, bounds.too_deep(), "")
            self.partial[-1] = True

    def _intern(self, frame: Frame) -> Frame:
        return self.interned.setdefault(frame, frame)

    def _problem(self, number: int, reason: str, line: str) -> None:
        self.problems.append(Problem(number, reason, line[:EXCERPT]))
        self.lost = True
