"""The formats of goroutine dumps, detected by content; file names are ignored.

To add one: a grammar in ``grammars/``, a package here, a line in :data:`FORMATS` (NAME, ``claims`` and ``read``: the
whole text is of it) or in ``regions.TOOLS`` (NAME, MARKS, ``spans`` and ``read``: it may stand anywhere in a text), and
fixtures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module
from typing import Final, NoReturn, Protocol, cast

from stackscan.errors import LimitError, UnrecognisedFormatError
from stackscan.formats import regions
from stackscan.formats.refusals.programs import refuse_programs
from stackscan.model.counting import EVENTS, TEXT
from stackscan.model.snapshot import Problem, Snapshot
from stackscan.sources import Progress

#: The packages of the formats, in the order in which they are tried. Each loads numpy, polars and lark on first use.
FORMATS: Final = ("goroutine_pprof", "goroutine_counts", "goroutine_text")


class Format(Protocol):
    """One format: its name in reports, a test whether bytes are of it, and its reader."""

    NAME: str

    def claims(self, data: bytes) -> bool:
        """Whether the bytes are of this format."""

    def read(self, data: bytes, progress: Progress | None = None) -> list[Snapshot]:
        """The snapshots in the bytes."""


@dataclass(frozen=True, slots=True)
class Part:
    """The snapshots of one part of a text, which begins at ``first_line`` (0-based) and has so many lines (None: the
    part is the whole text)."""

    first_line: int
    lines: int | None
    snapshots: list[Snapshot]


def _load(package: str) -> Format:
    return cast("Format", import_module(f"stackscan.formats.{package}"))


def is_binary(data: bytes) -> bool:
    """Whether the bytes are a protobuf profile, in which no text may be looked for."""
    return _load("goroutine_pprof").claims(data)


def read(data: bytes, *, where: str, progress: Progress | None = None) -> list[Snapshot]:
    """The snapshots in bytes of any format; ``where`` names the bytes in errors.

    Raises UnrecognisedFormatError (UnsupportedFormatError for a known kind that is not read) with what to do instead.
    Damage inside a dump raises nothing: it is in the snapshots' problems.
    """
    return [snapshot for part in read_parts(data, where=where, progress=progress) for snapshot in part.snapshots]


def read_parts(data: bytes, *, where: str, progress: Progress | None = None) -> list[Part]:
    """The same by the parts of a text that are of one format each."""
    refuse_programs(data, where=where)
    if is_binary(data):
        return [Part(0, None, _read_dump(data, where, progress))]
    found: list[Part] = []
    unread: UnrecognisedFormatError | None = None
    parts = regions.regions(data)
    has_reports = any(part.tool is not None for part in parts)
    for part in parts:
        lines = part.data.count(b"\n") + 1 if len(parts) > 1 else None
        if part.tool is not None:
            found.append(Part(part.first_line, lines, _valid(part.tool.read(part.data, progress))))
        elif not has_reports or _claimed(part.data) is not None:
            try:
                found.append(Part(part.first_line, lines, _read_dump(part.data, where, progress)))
            except UnrecognisedFormatError as error:  # words about goroutines between the reports of tools
                unread = error
    if not found and unread is not None:
        try:
            raise unread
        finally:
            unread = None  # the error holds this frame: in a circle they would keep all that was read of the input
    return [_noted(part) if any(map(_is_dump, found)) else part for part in found]


def _is_dump(part: Part) -> bool:
    return any(snapshot.format == TEXT and snapshot.total for snapshot in part.snapshots)


def _noted(part: Part) -> Part:
    """The part; stacks of log records beside a dump are said to be no goroutines of it: a handler that recovers prints
    its own stack."""
    return replace(part, snapshots=[_as_events(snapshot) for snapshot in part.snapshots])


def _as_events(snapshot: Snapshot) -> Snapshot:
    lines = [n for n in snapshot.column("line") if n is not None] if snapshot.format == EVENTS else []
    if not lines:
        return snapshot
    problem = Problem(
        min(lines), "stacks inside log records: read as events, not as goroutines of the dump beside them"
    )
    return replace(snapshot, problems=(*snapshot.problems, problem))


def _claimed(data: bytes) -> Format | None:
    """The format of a whole text; None where it holds no dump."""
    return next((found for found in map(_load, FORMATS) if found.claims(data)), None)


def _read_dump(data: bytes, where: str, progress: Progress | None) -> list[Snapshot]:
    claimed = _claimed(data)
    if claimed is None:
        _refuse(data, where)
    try:
        snapshots = claimed.read(data, progress)
    except (UnrecognisedFormatError, LimitError) as error:
        raise type(error)(f"{where}: {error}", hint=error.hint) from error
    if claimed.NAME != "goroutine-pprof" and not any(len(snapshot.table) for snapshot in snapshots):
        _refuse_wrapped(data, where)
    return _valid(snapshots)


def _refuse(data: bytes, where: str) -> NoReturn:
    """Say why a text is no dump. Hundreds of patterns do, which take longer to load than a dump to read."""
    from stackscan.formats.refusals.refuse import refuse_unknown

    refuse_unknown(data, where=where)


def _refuse_wrapped(data: bytes, where: str) -> None:
    from stackscan.formats.refusals.refuse import refuse_wrapped

    refuse_wrapped(data, where=where)


def _valid(snapshots: list[Snapshot]) -> list[Snapshot]:
    for snapshot in snapshots:
        snapshot.check_valid()
    return snapshots
