"""What has been read of a text, before it becomes snapshots."""

from __future__ import annotations

from dataclasses import dataclass, field

from stackscan.formats.goroutine_text import rows
from stackscan.formats.goroutine_text.arguments import Calls, ScatteredCalls
from stackscan.formats.goroutine_text.surroundings import Mark
from stackscan.model.snapshot import Problem


@dataclass(slots=True)
class Reading:
    """What has been read of one text so far, in line order."""

    interned: rows.Interned = field(default_factory=rows.Interned)
    parts: list[rows.Rows] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    ancestors: list[tuple[int, int, int, int, int]] = field(default_factory=list)  # line, id, depth, ancestor, stack
    lost_lines: list[int] = field(default_factory=list)
    hidden_lines: list[int] = field(default_factory=list)
    skipped_lines: list[int] = field(default_factory=list)  # perhaps frames
    quoted_lines: list[int] = field(default_factory=list)  # headers of stacks that a person wrote
    calls: list[Calls] = field(default_factory=list)
    scattered_calls: list[ScatteredCalls] = field(default_factory=list)
    cut: bool = False
