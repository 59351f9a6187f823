"""From a snapshot to its report: which goroutines it is about, what rules and pools say of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from stackscan import pools
from stackscan.analysis import analyse
from stackscan.configuration import Configuration
from stackscan.language import index_of, mask, parse, select
from stackscan.language.index import Numbers
from stackscan.language.symbols import Mask
from stackscan.report import Place, Selection, SnapshotReport, View, build_snapshot
from stackscan.snapshot import Frame, Snapshot


@dataclass(frozen=True, slots=True)
class Judging:
    """How to judge: with which rules and pools, which goroutines (``where``: an expression; None: all), how many
    buckets to keep (None: all), whether to show idle goroutines and all details, and whether findings say why."""

    configuration: Configuration
    where: str | None = None
    top: int | None = None
    everything: bool = False
    explained: bool = False

    def check(self) -> None:
        """Raise ExpressionError if ``where`` is no expression, before anything is read."""
        if self.where is not None:
            parse(self.where, where="--where")


def judge(
    snapshot: Snapshot, place: Place, how: Judging, *, kubo: str | None = None, shown: Snapshot | None = None
) -> SnapshotReport:
    """The report of one snapshot. ``kubo``: the version that the bundle it lies in tells; ``shown``: the same snapshot
    as it is to be shown (redacted), where that is another one.

    The whole dump is judged, also where only some goroutines are asked for: a worker is one of all its pool's, and
    whoever belongs to a finding may not have been asked for. Findings then count those that were.
    """
    chosen = _chosen(snapshot, how)
    found = analyse(snapshot, how.configuration, kubo=kubo, among=None if chosen is None else chosen.mask)
    samples, findings = found.samples, found.findings
    redacted = shown is not None and shown is not snapshot
    proposals: tuple[pools.Proposal, ...] = ()  # they are of all goroutines, and name functions
    if chosen is None and not redacted:
        proposals = pools.propose(snapshot, how.configuration.pools, (f.rows for f in findings))
    selection = None
    if chosen is not None:
        selection = Selection("(redacted)" if redacted else how.where or "", snapshot.total)
        samples = tuple(s for s in samples if (mask(s.pool.worker, index_of(snapshot)) & chosen.mask).any())
        findings = tuple(replace(f, rows=np.searchsorted(chosen.rows, f.rows)) for f in findings)
        shown = chosen.only(shown or snapshot)
    return build_snapshot(
        shown or snapshot,
        place,
        findings=findings,
        pools=samples,
        phases=found.defects,
        proposals=proposals,
        view=View(how.top, how.everything, selection, how.explained),
    )


@dataclass(frozen=True, slots=True)
class Chosen:
    """The goroutines that were asked for: their rows, in order, and the same as a mask."""

    rows: Numbers
    mask: Mask

    def only(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with only these goroutines."""
        read = snapshot.read_arguments

        def read_arguments(of: Collection[Frame] | None) -> pl.DataFrame:
            table = pl.DataFrame() if read is None else read(of)
            places = {"goroutine": self.rows, "place": range(len(self.rows))}
            kept = pl.DataFrame(places, schema={"goroutine": pl.UInt32, "place": pl.UInt32})
            return table.join(kept, on="goroutine").with_columns(goroutine="place").select(table.columns)

        return replace(
            snapshot,
            rows=snapshot.rows[self.rows],
            counts=None if snapshot.counts is None else snapshot.counts[self.rows],
            read_arguments=None if read is None else read_arguments,
        )


def _chosen(snapshot: Snapshot, how: Judging) -> Chosen | None:
    """The goroutines that ``--where`` asks for; None where it is not given."""
    if how.where is None:
        return None
    wanted = parse(how.where, where="--where")
    return Chosen(select(wanted, index_of(snapshot)), mask(wanted, index_of(snapshot)))
