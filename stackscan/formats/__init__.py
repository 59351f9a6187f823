"""The formats that stackscan reads, and how it tells them apart: by content, never by name.

To add one: a grammar in ``grammars/``, a module here with NAME, ``claims`` and ``read``, a line in :data:`FORMATS`,
and fixtures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from stackscan.errors import LimitError, UnrecognisedFormatError
from stackscan.formats import refusals
from stackscan.model.snapshot import Snapshot

#: Told how many bytes of how many have been read.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Format:
    """One format: its name in the contract, whether some bytes are of it, and how to read them."""

    name: str
    claims: Callable[[bytes], bool]
    read: Callable[[bytes, Progress | None], list[Snapshot]]


def _goroutine_text() -> Format:
    from stackscan.formats import goroutine_text

    return Format(goroutine_text.NAME, goroutine_text.claims, goroutine_text.read)


def _goroutine_counts() -> Format:
    from stackscan.formats import goroutine_counts

    return Format(goroutine_counts.NAME, goroutine_counts.claims, goroutine_counts.read)


def _goroutine_pprof() -> Format:
    from stackscan.formats import goroutine_pprof

    return Format(goroutine_pprof.NAME, goroutine_pprof.claims, goroutine_pprof.read)


#: Tried in this order. Each entry loads its module (numpy, polars, lark) only when it is asked.
FORMATS: Final[tuple[Callable[[], Format], ...]] = (_goroutine_pprof, _goroutine_counts, _goroutine_text)


def is_binary(data: bytes) -> bool:
    """Whether the bytes are of a binary format, told by their structure: nobody may look for a text in them first."""
    return _goroutine_pprof().claims(data)


def read(data: bytes, *, where: str, progress: Progress | None = None) -> list[Snapshot]:
    """Read bytes in whichever format they are; ``where`` names them in errors.

    Raises UnrecognisedFormatError (UnsupportedFormatError for a known kind that is not read) with what to do instead.
    Damage inside a dump raises nothing: it is in the snapshots' problems.
    """
    refusals.refuse_programs(data, where=where)
    for load in FORMATS:
        candidate = load()
        if candidate.claims(data):
            try:
                snapshots = candidate.read(data, progress)
            except (UnrecognisedFormatError, LimitError) as error:
                raise type(error)(f"{where}: {error}", hint=error.hint) from error
            is_text = candidate.name != "goroutine-pprof"
            wrapped = refusals.behind_prefix(data, where=where) if is_text and _is_empty(snapshots) else None
            if wrapped is not None:
                raise wrapped
            for snapshot in snapshots:
                snapshot.check_valid()
            return snapshots
    refusals.refuse_known_kinds(data, where=where)
    raise refusals.unrecognised(data, where=where)


def _is_empty(snapshots: list[Snapshot]) -> bool:
    return all(snapshot.rows.is_empty() for snapshot in snapshots)
