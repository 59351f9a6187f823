"""From a snapshot to its report: which goroutines it is about, what rules and pools say of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from stackscan import phases, pools, rules
from stackscan.configuration import Configuration
from stackscan.language import index_of, parse, select
from stackscan.report import Place, Selection, SnapshotReport, View, build_snapshot, modules
from stackscan.rules.affected import go_version
from stackscan.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Judging:
    """How to judge: with which rules and pools, which goroutines (``where``: an expression; None: all), how many
    buckets to keep (None: all), and whether to show also what waits as it should."""

    configuration: Configuration
    where: str | None = None
    top: int | None = None
    everything: bool = False

    def check(self) -> None:
        """Raise ExpressionError if ``where`` is no expression, before anything is read."""
        if self.where is not None:
            parse(self.where, where="--where")


def judge(snapshot: Snapshot, place: Place, how: Judging, *, kubo: str | None = None) -> SnapshotReport:
    """The report of one snapshot. ``kubo``: the version that the bundle it lies in tells."""
    selection = None
    if how.where is not None:
        selection = Selection(how.where, len(snapshot.goroutines))
        snapshot = narrowed(snapshot, how.where)
    samples = pools.sample(snapshot, how.configuration.pools)
    sizes = {sample.pool.name: sample.workers for sample in samples}
    versions = dict(modules(snapshot.stacks))
    go = go_version(snapshot.stacks)
    findings = rules.classify(snapshot, how.configuration.rules, sizes, versions | ({"go": go} if go else {}))
    return build_snapshot(
        snapshot,
        place,
        findings=findings,
        pools=samples,
        phases=phases.judge(
            phases.catalogue(),
            modules=versions,
            kubo=kubo,
            pools=sizes,
            caught=(finding.rule.name for finding in findings),
        ),
        proposals=pools.propose(snapshot, how.configuration.pools, (finding.rows for finding in findings)),
        view=View(how.top, how.everything, selection),
    )


def narrowed(snapshot: Snapshot, where: str) -> Snapshot:
    """The snapshot with only those goroutines of which an expression is true. Raises ExpressionError."""
    rows = select(parse(where, where="--where"), index_of(snapshot))
    read = snapshot.read_arguments

    def read_arguments() -> pl.DataFrame:
        kept = pl.DataFrame({"goroutine": rows, "row": range(len(rows))}, schema_overrides={"goroutine": pl.UInt32})
        table = pl.DataFrame() if read is None else read()
        found = table.join(kept, on="goroutine", how="inner")
        return found.with_columns(pl.col("row").cast(pl.UInt32).alias("goroutine")).select(table.columns)

    return replace(
        snapshot, goroutines=snapshot.goroutines[rows], read_arguments=None if read is None else read_arguments
    )
