"""The pipeline: sources → formats → classify and count → Report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from stackscan import formats, pools, rules, sources
from stackscan.report import Report, SnapshotReport, build_snapshot
from stackscan.snapshot import Problem, Snapshot
from stackscan.sources import Member

#: Told what is being read, how many bytes of it, and of how many.
Progress = Callable[[str, int, int], None]


def read(source: str, progress: Progress | None = None) -> Iterator[tuple[Member, list[Snapshot]]]:
    """The snapshots of each member of a source. Raises StackscanError when one cannot be read."""
    for member in sources.open_source(source):
        told = None if progress is None else _told(progress, member.where)
        found = formats.read(member.data, where=member.where, progress=told)
        if member.cut:
            found[-1] = _cut(found[-1])
        yield member, found


def scan(chosen: Iterable[str], *, top: int | None = None, progress: Progress | None = None) -> Report:
    """Read all sources and judge what they hold; ``top`` limits the buckets (None: all are kept)."""
    found: list[SnapshotReport] = []
    for source in chosen:
        for member, snapshots in read(source, progress):
            found += [_judge(member, snapshots, place, top) for place in range(len(snapshots))]
    return Report(tuple(found))


def _judge(member: Member, snapshots: list[Snapshot], place: int, top: int | None) -> SnapshotReport:
    snapshot = snapshots[place]
    samples = pools.sample(snapshot, pools.catalogue())
    sizes = {sample.pool.name: sample.workers for sample in samples}
    return build_snapshot(
        snapshot,
        source=member.source,
        member=member.name,
        position=place + 1,
        snapshots_in_member=len(snapshots),
        findings=rules.classify(snapshot, rules.catalogue(), sizes),
        pools=samples,
        top=top,
    )


def _told(progress: Progress, where: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(where, done, total)


def _cut(snapshot: Snapshot) -> Snapshot:
    """A snapshot whose file ends before its archive says so."""
    line = snapshot.goroutines["line"].max()
    reason = "the compressed file is cut: what follows this goroutine is lost"
    problem = Problem(line if isinstance(line, int) else 1, reason)
    return replace(snapshot, complete=False, problems=(*snapshot.problems, problem))
