"""A report of many inputs, piece by piece: each input's part is rendered when it is read, and the whole is put together
at the end, so that memory holds one input at a time and nothing is written before all are read.

A module that renders reports so has ``piece(report, screen)``, which may run in another process, and
``assemble(pieces, out)``.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import IO, Final, TextIO

from stackscan.errors import OutputError
from stackscan.render import rendering
from stackscan.report import BundleReport, CaptureReport, Report

#: Characters that are kept in memory.
_IN_MEMORY: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class Screen:
    """What text is written to: whether it is a terminal, its encoding, and how many columns it has (None: as many as
    this process finds). ``editor`` is the template of addresses that open source in an editor (None: no editor), and
    ``links``: the terminal shows links."""

    is_terminal: bool
    encoding: str = "utf-8"
    columns: int | None = None
    editor: str | None = None
    links: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """What one input adds to a report: the text of its captures, and of its bundle ("" for none). ``labels`` are those
    of its goroutines where none has the label to count by (None: one has it, or no label was asked for)."""

    captures: str
    bundle: str
    labels: tuple[str, ...] | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Pieces:
    """Makes the piece of each input for one output of ``report``."""

    output: str
    screen: Screen

    def __call__(self, _: str, captures: list[CaptureReport], bundle: BundleReport | None) -> Piece:
        """The piece of an input."""
        bundles = () if bundle is None else (bundle,)
        report = Report(tuple(one.report for one in captures), bundles)
        made: Piece = rendering("report", self.output).piece(report, self.screen)
        return replace(made, labels=_labels(report)) if any(one.breakdown for one in report.snapshots) else made


def _labels(report: Report) -> tuple[str, ...] | None:
    """The labels of all dumps of a report where none has the asked one; None where one has it."""
    found = [one.breakdown.labels for one in report.snapshots if one.breakdown is not None]
    missing = [labels for labels in found if labels is not None]
    return tuple(sorted(set().union(*missing))) if len(missing) == len(found) else None


class OffScreen(io.StringIO):
    """A text that is written as if to a screen."""

    def __init__(self, screen: Screen) -> None:
        super().__init__(newline="")
        self.screen = screen

    def isatty(self) -> bool:
        """Whether the screen is a terminal."""
        return self.screen.is_terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]  # io's own is None
        """The encoding of the screen."""
        return self.screen.encoding


class Spool:
    """Pieces in the order in which they came: in memory while they are few, then in a temporary file."""

    def __init__(self) -> None:
        self._sizes: list[tuple[int, int]] = []
        self._kept: IO[bytes] = io.BytesIO()
        self._size = 0
        self._on_disk = False

    def take(self, pieces: Iterable[Piece]) -> None:
        """Keep pieces as they come. Raises OutputError when there is no room for them."""
        for piece in pieces:
            self._add(piece)

    def _add(self, piece: Piece) -> None:
        texts = [text.encode("utf-8", "surrogatepass") for text in (piece.captures, piece.bundle)]
        try:
            self._make_room(sum(map(len, texts)))
            self._kept.writelines(texts)
        except OSError as error:
            import tempfile

            where = tempfile.gettempdir()
            raise OutputError(f"{where} cannot be written: {error.strerror or error}", hint=_HINT) from error
        self._sizes.append((len(texts[0]), len(texts[1])))

    def _make_room(self, size: int) -> None:
        self._size += size
        if self._size > _IN_MEMORY and not self._on_disk:
            import tempfile

            held, self._kept, self._on_disk = self._kept, tempfile.TemporaryFile(), True  # noqa: SIM115 - closed with this
            held.seek(0)
            self._kept.write(held.read())

    def captures(self) -> Iterator[str]:
        """The text of each input's captures."""
        at = 0
        for first, second in self._sizes:
            yield self._text(at, first)
            at += first + second

    def bundles(self) -> Iterator[str]:
        """The text of each input's bundle, of those that are one."""
        at = 0
        for first, second in self._sizes:
            if second:
                yield self._text(at + first, second)
            at += first + second

    def _text(self, at: int, size: int) -> str:
        self._kept.seek(at)
        return self._kept.read(size).decode("utf-8", "surrogatepass")

    def close(self) -> None:
        """Forget all."""
        self._kept.close()


_HINT: Final = "The report of many inputs is kept there until all are read; TMPDIR names another folder."


@contextmanager
def spool() -> Iterator[Spool]:
    """A spool that is gone at the end."""
    kept = Spool()
    try:
        yield kept
    finally:
        kept.close()


def assemble(output: str, kept: Spool, out: TextIO) -> None:
    """Write the whole report."""
    rendering("report", output).assemble(kept, out)
