"""What must be true of whatever a reader makes of any bytes at all: held by the property tests and by the fuzzer."""

from __future__ import annotations

import re
from typing import Final

from stackscan.formats import contention, goroutine_counts, goroutine_pprof, goroutine_text
from stackscan.formats.goroutine_text import chunked, reader
from stackscan.formats.goroutine_text.normalise import normalise
from stackscan.formats.goroutine_text.reference import Block, read_block
from stackscan.formats.regions import Tool
from stackscan.model.snapshot import Snapshot

#: A line that a reader of the dump would take for the header of a goroutine.
HEADER: Final = re.compile(rb"(?m)^goroutine \d+ [^\n]*\[")
_STR_HEADER: Final = re.compile(r"goroutine [0-9]+ .*\[")


def check_text(data: bytes) -> list[Snapshot]:
    """Read a full text and check all that can be checked: raises AssertionError with what is wrong."""
    snapshots = goroutine_text.read(data)
    check_snapshots(snapshots)
    as_columns = read_as_columns(data)
    assert described(snapshots) == described(as_columns), "a small text and a large one are read alike"
    check_headers_accounted(data, snapshots)
    check_against_grammar(data, snapshots)
    return snapshots


def read_as_columns(data: bytes, *, chunk: int = chunked._CHUNK) -> list[Snapshot]:
    """Read a full text as if it were large, in chunks of some bytes."""
    kept = reader._LARGE, reader._VERY_LARGE, chunked._CHUNK
    reader._LARGE, reader._VERY_LARGE, chunked._CHUNK = 0, 0, chunk
    try:
        return goroutine_text.read(data)
    finally:
        reader._LARGE, reader._VERY_LARGE, chunked._CHUNK = kept


def described(snapshots: list[Snapshot]) -> list[object]:
    """All that snapshots say, as values that compare."""
    return [
        (
            snapshot.format,
            snapshot.goroutines.rows(),
            snapshot.ancestors.rows(),
            snapshot.stacks,
            snapshot.problems,
            snapshot.complete,
            snapshot.header_lines,
            snapshot.cause,
            snapshot.message,
            snapshot.dialect,
            arguments.rows() if (arguments := snapshot.arguments()) is not None else None,
        )
        for snapshot in snapshots
    ]


def check_counts(data: bytes) -> list[Snapshot]:
    """The same of counted text."""
    snapshots = goroutine_counts.read(data)
    check_snapshots(snapshots)
    return snapshots


def check_pprof(data: bytes) -> list[Snapshot]:
    """The same of a protobuf profile."""
    snapshots = goroutine_pprof.read(data)
    check_snapshots(snapshots)
    return snapshots


def check_tool(tool: Tool, data: bytes) -> list[Snapshot]:
    """The reports of a tool in any text: spans of whole lines, in order, and what is read of each holds together."""
    spans = tool.spans(data)
    found: list[Snapshot] = []
    last = 0
    for begin, end in spans:
        assert last <= begin < end <= len(data), spans
        assert begin == 0 or data[begin - 1 : begin] == b"\n", "a report begins with a line"
        assert end == len(data) or data[end - 1 : end] == b"\n", "and ends with one"
        last = end
        snapshots = tool.read(data[begin:end])
        check_snapshots(snapshots)
        assert {tool.NAME} == {snapshot.format for snapshot in snapshots}
        found += snapshots
    check_snapshots(tool.read(data))
    return found


def check_contention(data: bytes) -> contention.ContentionProfile:
    """A contention profile can say each of its delays, and what is wrong with which line."""
    profile = contention.read(data)
    for record in profile.records:
        profile.delay_seconds(record)
        assert all(type(frame.function) is str for frame in record.frames)
    assert all(problem.line >= 1 for problem in profile.problems)
    return profile


def check_snapshots(snapshots: list[Snapshot]) -> None:
    """Tables fit their schemas, texts are plain texts, lines are numbers of lines, what is lost is said."""
    assert snapshots
    for snapshot in snapshots:
        assert len(snapshot.rows) == len(snapshot.table), "its columns hold what polars takes for their types"
        snapshot.check_valid()
        assert all(problem.line >= 1 for problem in snapshot.problems), snapshot.problems
        assert all("\n" not in problem.excerpt for problem in snapshot.problems), snapshot.problems
        for stack in snapshot.stacks:
            for frame in (*stack.frames, *((stack.created_by,) if stack.created_by else ())):
                assert type(frame.function) is str
                assert type(frame.file) is str
                assert type(frame.line) is int
        if not snapshot.complete:
            assert snapshot.problems, "a snapshot that is not complete says why"


def header_lines(data: bytes) -> list[int]:
    """The 1-based lines of a full text that look like headers."""
    text = normalise(data)[0]
    numbers = []
    line, at = 1, 0
    for found in HEADER.finditer(text):
        line += text.count(b"\n", at, found.start())
        at = found.start()
        numbers.append(line)
    return numbers


def check_headers_accounted(data: bytes, snapshots: list[Snapshot]) -> None:
    """Every line that looks like a header is a goroutine, or there is a problem on it: nothing is lost silently."""
    told = {line for snapshot in snapshots for line in snapshot.goroutines["line"].to_list()}
    told |= {problem.line for snapshot in snapshots for problem in snapshot.problems}
    if any(" more: " in problem.reason for snapshot in snapshots for problem in snapshot.problems):
        return  # the list of problems was cut: those above its bound have no line
    silent = [line for line in header_lines(data) if line not in told]
    assert not silent, f"header lines without a goroutine and without a problem: {silent}"


def blocks(text: str) -> list[tuple[int, str]]:
    """The goroutines of a text, each with the number of its header line: from a header up to a blank line."""
    found = []
    lines = [line.rstrip(" \t\r") for line in text.split("\n")]  # the grammar is given lines without trailing blanks
    start: int | None = None
    for number, line in enumerate([*lines, ""]):
        header = _STR_HEADER.match(line) is not None
        if header or not line:
            if start is not None:
                found.append((start + 1, "\n".join(lines[start:number]) + "\n"))
            start = number if header else None
    return found


def check_against_grammar(data: bytes, snapshots: list[Snapshot]) -> None:
    """What the grammar alone reads of a goroutine, with no cache and no shortcut, is what the readers made of it.

    A quotation is left out: its stack may go on behind a blank line, where the grammar's ends. So may one goroutine
    of a dump that is damaged between it and the next.
    """
    goroutines = rows([snapshot for snapshot in snapshots if snapshot.format != "quoted-stacks"])
    damaged = {problem.line for snapshot in snapshots for problem in snapshot.problems}
    starts = sorted(goroutines)
    for line, text in blocks(normalise(data)[0].decode()):
        end = next((start for start in starts if start > line), None)
        if line not in goroutines or any(line <= at and (end is None or at < end) for at in damaged):
            continue
        block = read_block(text)
        if block is not None and text.count("\n") > 1:  # a header alone: its frames may follow, double-spaced
            assert values(block) == goroutines[line], text


def rows(snapshots: list[Snapshot]) -> dict[int, tuple[object, ...]]:
    """What the readers made of each goroutine, by header line."""
    found: dict[int, tuple[object, ...]] = {}
    for snapshot in snapshots:
        ancestors: dict[int, list[object]] = {}
        for row in snapshot.ancestors.iter_rows(named=True):
            ancestors.setdefault(row["goroutine_id"], []).append((row["ancestor_id"], snapshot.stacks[row["stack_id"]]))
        ids = snapshot.column("goroutine_id")
        for row in snapshot.goroutines.iter_rows(named=True):
            if row["goroutine_id"] in ancestors and ids.count(row["goroutine_id"]) > 1:
                continue  # whose ancestors they are, the table does not say
            found[row["line"]] = (
                row["goroutine_id"],
                row["wait_reason"], row["wait_minutes"], row["locked"], row["leaked"], row["attributes"],
                row["thread"], row["labels"],
                snapshot.stacks[row["stack_id"]],
                row["creator_id"],
                tuple(ancestors.get(row["goroutine_id"], ())),
            )  # fmt: skip
    return found


def values(block: Block) -> tuple[object, ...]:
    """The same of one goroutine that the grammar alone read."""
    header = block.header
    return (
        block.goroutine_id,
        header.wait_reason, header.wait_minutes, header.locked, header.leaked, header.attributes,
        header.thread, header.labels,
        block.stack,
        block.creator_id,
        block.ancestors,
    )  # fmt: skip
