"""Reads what ``go tool pprof`` printed of goroutines, through the tables of the profile that it shows."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, cast

from stackscan.errors import UnrecognisedFormatError
from stackscan.formats import counted
from stackscan.formats.goroutine_pprof.reader import snapshot_of
from stackscan.formats.goroutine_pprof.schema import Profile
from stackscan.formats.goroutine_text.normalise import normalise
from stackscan.formats.pprof_text import listed, listing, raw, traces
from stackscan.formats.pprof_text.listing import Listing
from stackscan.formats.pprof_text.spans import quote_of
from stackscan.formats.pprof_text.tables import Tables
from stackscan.formats.problems import bounded
from stackscan.model.snapshot import Problem, Snapshot
from stackscan.sources import Progress

NAME: Final = "pprof-text"

#: How at least one innermost frame begins: the goroutine that took the profile is in the runtime.
_RUNTIME: Final = ("runtime.", "runtime/")
_FILES: Final = "functions are missing (-files): only files are known; print it without"
_NO_STATES: Final = "the runtime's frames are missing (-hide, -show or -focus): states cannot be told"


def read(data: bytes, progress: Progress | None = None) -> list[Snapshot]:
    """The one snapshot of a report. Damage is in its problems."""
    text, problems = normalise(data)
    quote = quote_of(text).decode()
    lines = [line.removeprefix(quote).rstrip(" \t\r") for line in text.decode().split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    snapshot = _snapshot(_parts(lines), problems)
    if progress is not None:
        progress(len(data), len(data))
    return [snapshot]


def _parts(lines: list[str]) -> Tables | Listing:
    """What the lines show: stacks, or sums by function."""
    if "Samples:" in lines:
        return raw.read(lines)
    return listing.read(lines) if any(map(listing.COLUMNS.match, lines)) else traces.read(lines)


def _snapshot(parts: Tables | Listing, problems: list[Problem]) -> Snapshot:
    tables = parts if isinstance(parts, Tables) else parts.tables
    try:
        if isinstance(parts, Listing):
            snapshot = listed.snapshot(parts, NAME)
        else:
            snapshot = snapshot_of(cast("Profile", tables), name=NAME, lines=tables.lines)
    except UnrecognisedFormatError as error:  # no type line, or one that is damaged
        table, _ = counted.rows([])
        last = Problem(1, f"{error}; nothing is read")
        return Snapshot(NAME, table, (), bounded([*problems, *tables.problems, last]), complete=False)
    doubts = [] if snapshot.sums else _states(snapshot)
    whole = snapshot.complete and not tables.damaged and not any(doubt.reason == _FILES for doubt in doubts)
    problems = [*problems, *tables.problems, *snapshot.problems, *doubts]
    return replace(snapshot, problems=bounded(problems), complete=whole)


def _states(snapshot: Snapshot) -> list[Problem]:
    """A note where no stack begins in the runtime, as every one does that is not running."""
    begins = [stack.frames[0].function for stack in snapshot.stacks if stack.frames]
    if begins and all(name.endswith(".go") for name in begins):
        return [Problem(1, _FILES)]
    return [] if not begins or any(name.startswith(_RUNTIME) for name in begins) else [Problem(1, _NO_STATES)]
