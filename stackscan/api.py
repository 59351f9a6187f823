"""What Python programs call: ``stackscan.scan`` and ``stackscan.read`` (docs/python.md)."""

from __future__ import annotations

import os
from collections.abc import Iterable

from stackscan import pipeline
from stackscan.report import Report
from stackscan.snapshot import Snapshot

Source = str | os.PathLike[str]


def scan(source: Source | Iterable[Source], *, top: int | None = None) -> Report:
    """The report of a source or of several: what ``stackscan report`` shows, as frozen data.

    A source is the path of a dump, a bundle or a directory, or ``-`` for standard input. ``top`` limits the buckets of
    each snapshot (None: all). Raises :class:`stackscan.errors.StackscanError` when a source cannot be read or holds no
    goroutine dump; its ``hint`` says what to do.
    """
    sources = (source,) if isinstance(source, str | os.PathLike) else source
    return pipeline.scan((os.fspath(each) for each in sources), top=top)


def read(source: Source) -> tuple[Snapshot, ...]:
    """The snapshots of one source, in the order of its members: a polars table of goroutines and their stacks each.

    Raises :class:`stackscan.errors.StackscanError` as :func:`scan` does; damage inside a dump is in
    :attr:`Snapshot.problems`.
    """
    return tuple(snapshot for _, snapshots in pipeline.read(os.fspath(source)) for snapshot in snapshots)
