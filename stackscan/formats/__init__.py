"""The formats of goroutine dumps, detected by content; file names are ignored.

To add one: a grammar in ``grammars/``, a package here with NAME, ``claims`` and ``read``, a line in :data:`FORMATS`,
and fixtures.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final, Protocol, cast

from stackscan.errors import LimitError, UnrecognisedFormatError
from stackscan.formats import refusals
from stackscan.model.snapshot import Snapshot
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
    refusals.refuse_programs(data, where=where)
    claimed = next((found for found in map(_load, FORMATS) if found.claims(data)), None)
    if claimed is None:
        refusals.refuse_unknown(data, where=where)
    try:
        snapshots = claimed.read(data, progress)
    except (UnrecognisedFormatError, LimitError) as error:
        raise type(error)(f"{where}: {error}", hint=error.hint) from error
    if claimed.NAME != "goroutine-pprof" and all(snapshot.rows.is_empty() for snapshot in snapshots):
        refusals.refuse_wrapped(data, where=where)
    for snapshot in snapshots:
        snapshot.check_valid()
    return snapshots
