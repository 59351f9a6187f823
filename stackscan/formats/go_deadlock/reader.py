"""Reads go-deadlock's reports line by line: places where locks were taken, and the goroutines that it quotes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from stackscan.formats import bounds, goroutine_text, pasted
from stackscan.formats.go_deadlock import grammar, snapshots
from stackscan.formats.go_deadlock.snapshots import NAME, Report, Site
from stackscan.formats.go_deadlock.spans import MARKS
from stackscan.formats.problems import EXCERPT
from stackscan.model.snapshot import Frame, Problem, Snapshot
from stackscan.sources import Progress, limits

__all__ = ["NAME", "read"]

_MARK: Final = MARKS[0].decode()
#: The parts of a report by how their first line begins.
_PARTS: Final = (
    ("in another goroutine: happened before", "second before"),
    ("happened before", "first before"),
    ("Previous place where the lock was grabbed (same goroutine)", "taken"),
    ("Previous place where the lock was grabbed", "holder"),
    ("Have been trying to lock it again for more than ", "waiter"),
    ("Other goroutines holding locks:", "other"),
    ("all callers to this lock in the goroutine", "taken"),
)
_AFTER: Final = ("happened after", "happend after")  # the second up to v0.2.0
_QUOTES: Final = ("Here is what goroutine ", "All current goroutines:")


def read(data: bytes, progress: Progress | None = None) -> list[Snapshot]:
    """The snapshot of a text of reports: the goroutines that they name, and a conclusion for each report."""
    lines, problems = pasted.lines_of(data)
    reader = _Reader(problems, len(lines))
    for number, line in enumerate(lines, start=1):
        reader.take(line, number)
    quoted = []
    if any(reader.quoted):
        quoted = goroutine_text.read("\n".join(reader.quoted).encode(), progress)
    return [snapshots.build(reader.reports, quoted, reader.problems, complete=not reader.lossy)]


@dataclass
class _Reader:
    problems: list[Problem]
    last: int  # the number of the last line
    reports: list[Report] = field(default_factory=list)
    quoted: list[str] = field(default_factory=list)  # a line for each of the text: those of quoted goroutines, or empty
    lossy: bool = False
    part: str = ""
    site: Site | None = None
    quoting: bool = False
    frames: dict[Frame, Frame] = field(default_factory=dict)

    def take(self, line: str, number: int) -> None:
        """Take the next line, without what stands before it."""
        self.quoted.append("")
        if _MARK in line:
            self._begin(line, number)
        elif not self.reports:
            return
        elif not self._part(line, number):
            if self.quoting:
                self.quoted[-1] = pasted.as_dumped(line)
            elif not line:
                self._blank()
            else:
                self._site(line, number)

    def _begin(self, line: str, number: int) -> None:
        self.reports.append(Report(number))
        self.part, self.site, self.quoting = "", None, False
        if "Recursive locking" in line or "Duplicate locking" in line:
            self._open("again" if "Recursive" in line else "", number)

    def _open(self, part: str, number: int) -> None:
        self.part, self.quoting, self.site = part, False, None
        if part and part != "other":
            self.site = Site(part, number)
            self.reports[-1].sites.append(self.site)

    def _part(self, line: str, number: int) -> bool:
        """Take a line that begins a part of the report, or says whose lock it is."""
        if line.startswith(_QUOTES):
            self.part, self.site, self.quoting = "", None, True
            return True
        part = next((part for begins, part in _PARTS if line.startswith(begins)), None)
        if part is not None or line in _AFTER:
            self._open(part or f"{self.part.partition(' ')[0] or 'first'} after", number)
            if (waited := grammar.read_waited(line)) is not None:
                self.reports[-1].waited = waited
            return True
        goroutine_id = None if self.quoting else grammar.read_holder(line)
        if goroutine_id is None:
            return False
        if self.part == "other":
            self.site = Site("other", number)
            self.reports[-1].sites.append(self.site)
        if self.site is not None:
            self.site.goroutine_id = goroutine_id
        self.reports[-1].goroutine_id = self.reports[-1].goroutine_id or goroutine_id
        return True

    def _blank(self) -> None:
        """A stack ends here. Of two calls that lock twice, old versions print both stacks below one line."""
        if self.site is not None and self.site.frames:
            taken = self.site.part == "taken" and not any(one.part == "again" for one in self.reports[-1].sites)
            following = "again" if taken else ""
            self.site = None
            if following:
                self._open(following, self.reports[-1].line)

    def _site(self, line: str, number: int) -> None:
        found = grammar.read_site(line)
        if found is None:
            cut = number == self.last and pasted.is_torn(line.encode("utf-8", "surrogateescape"))
            torn = cut or (":" in line and (".go" in line or "<<<<<" in line))
            reason = "line of a go-deadlock report is damaged; skipped" if torn else "other text inside the report"
            self._problem(number, reason, line, lossy=torn)
        elif self.site is None:
            self._problem(number, "a frame outside of any part of the report; skipped", line, lossy=True)
        else:
            self._add(self.site, found, number, line)

    def _add(self, site: Site, found: grammar.SiteLine, number: int, line: str) -> None:
        frame, source, _ = found
        if not site.frames:
            site.source, site.line = source, number
        if len(site.frames) < limits.MAX_FRAMES:
            site.frames.append(self.frames.setdefault(frame, frame))
        elif not site.partial:
            site.partial = True
            self._problem(number, bounds.too_deep(), line, lossy=True)

    def _problem(self, number: int, reason: str, line: str, *, lossy: bool) -> None:
        self.problems.append(Problem(number, reason, line[:EXCERPT]))
        self.lossy |= lossy
