"""Reads lists of leaked goroutines: with headers in the runtime's words they are a text that is read already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from stackscan.formats import goroutine_text, pasted
from stackscan.formats.goleak import grammar
from stackscan.formats.problems import EXCERPT, bounded
from stackscan.model.conclusion import Conclusion, Role
from stackscan.model.snapshot import Problem, Snapshot
from stackscan.sources import Progress

NAME: Final = "goleak"
#: Lines of the lists that say nothing of a goroutine.
_FRAMING: Final = ("found unexpected goroutines:", "leaktest: timed out checking goroutines")
_ALL_TESTS: Final = "goleak: Errors on successful test run: "


def read(data: bytes, progress: Progress | None = None) -> list[Snapshot]:
    """The snapshots of a list, all of whose goroutines leaked."""
    lines, problems = pasted.lines_of(data)
    text, test = _as_dump(lines)
    found = goroutine_text.read("\n".join(text).encode(), progress)
    tool = _tool(lines)
    if found and sum(line.startswith("[Goroutine ") for line in lines) > lines.count("]"):
        cut = Problem(len(lines), "the list is cut: the bracket that ends it is missing")
        found[-1] = replace(found[-1], complete=False, problems=bounded((*found[-1].problems, cut)))
    return [
        replace(
            snapshot,
            format=NAME,
            cause=None,
            message=(),
            problems=bounded((*(problems if place == 0 else ()), *_with_excerpts(snapshot.problems, lines))),
            conclusions=_conclusions(snapshot, tool, test),
        )
        for place, snapshot in enumerate(found)
    ]


def _as_dump(lines: Sequence[str]) -> tuple[list[str], str]:
    """The lines as the runtime would have printed them, as many as there are, and the test that printed them."""
    text: list[str] = []
    tests = [name for line in lines if (name := grammar.read_test(line)) is not None]
    test = tests[-1] if tests else ""
    first = next((place for place, line in enumerate(lines) if _header(line) is not None), 0)
    for place, line in enumerate(lines):
        header = _header(line)
        if header is not None and place + 1 < len(lines) and lines[place + 1].startswith("goroutine "):
            text.append("")  # goleak before 1.3 repeats the header as the runtime printed it
        elif header is not None:
            text.append(header)
        elif place < first or line == "]" or grammar.read_test(line) is not None or line.endswith(_FRAMING):
            text.append("")
        else:
            text.append(pasted.as_dumped(line))
    if any(_ALL_TESTS in line for line in lines):
        test = ""
    return text, test


def _header(line: str) -> str | None:
    """The header of a leaked goroutine in the runtime's words."""
    return grammar.read_listed(line) or grammar.read_checked(line)


def _with_excerpts(problems: Sequence[Problem], lines: Sequence[str]) -> list[Problem]:
    """The problems with what stands in the text, not with what was made of it."""
    return [
        replace(one, excerpt=lines[one.line - 1][:EXCERPT]) if one.excerpt and one.line <= len(lines) else one
        for one in problems
    ]


def _tool(lines: Sequence[str]) -> str:
    if any("leaktest: " in line for line in lines):
        return "leaktest"
    return "goleak" if any(grammar.read_listed(line) for line in lines) else "the leak check"


def _conclusions(snapshot: Snapshot, tool: str, test: str) -> tuple[Conclusion, ...]:
    if not len(snapshot.table):
        return ()
    stack_ids = snapshot.column("stack_id")
    roles = tuple(
        Role(row, "leaked", 0 if snapshot.stacks[stack_id].frames else None) for row, stack_id in enumerate(stack_ids)
    )
    line = snapshot.column("line")[0]
    return (Conclusion("leak", tool, line, roles, test=test),)
