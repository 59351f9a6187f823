"""What Python programs call: ``stackscan.scan`` and ``stackscan.read`` (docs/python.md)."""

from __future__ import annotations

import os
from collections.abc import Iterable

from stackscan import pipeline, sources
from stackscan.report import Report
from stackscan.snapshot import Snapshot

Source = str | os.PathLike[str]


def scan(source: Source | Iterable[Source], *, top: int | None = None, timeout_seconds: float | None = None) -> Report:
    """The report of a source or of several: what ``stackscan report`` shows, as frozen data.

    A source is the path of a dump, a bundle or a directory, ``-`` for standard input, or an http(s) address. ``top``
    limits the buckets of each snapshot (None: all); ``timeout_seconds`` is how long each address may take in all (None:
    the limits in docs/sources.md). Raises :class:`stackscan.errors.StackscanError` when a source cannot be read or
    holds no goroutine dump; its ``hint`` says what to do.
    """
    given = (source,) if isinstance(source, str | os.PathLike) else source
    return pipeline.scan((sources.Source(os.fspath(each), timeout_seconds=timeout_seconds) for each in given), top=top)


def read(source: Source, *, timeout_seconds: float | None = None) -> tuple[Snapshot, ...]:
    """The snapshots of one source, in the order of its members: a polars table of goroutines and their stacks each.

    Raises :class:`stackscan.errors.StackscanError` as :func:`scan` does; damage inside a dump is in
    :attr:`Snapshot.problems`.
    """
    chosen = sources.Source(os.fspath(source), timeout_seconds=timeout_seconds)
    return tuple(snapshot for _, snapshots in pipeline.read(chosen) for snapshot in snapshots)
