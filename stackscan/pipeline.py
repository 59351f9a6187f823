"""The pipeline: sources → formats → classify and count → Report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from stackscan import crosscheck, phases, pools, rules, sources, unwrapping
from stackscan.errors import UnrecognisedFormatError
from stackscan.formats import contention, kinds
from stackscan.report import (
    BundleReport,
    ContentionReport,
    MemberReport,
    Place,
    Report,
    SnapshotReport,
    ViewsReport,
    build_snapshot,
    contention_report,
    modules,
)
from stackscan.snapshot import Problem, Snapshot
from stackscan.sources import Member

#: Told what is being read, how many bytes of it, and of how many.
Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class _Bundle:
    """What has been read of an archive or directory so far."""

    members: list[MemberReport] = field(default_factory=list)
    read: list[tuple[Member, list[Snapshot]]] = field(default_factory=list)
    version: dict[str, str] | None = None
    contention: list[ContentionReport] = field(default_factory=list)


def scan(chosen: Iterable[str], *, top: int | None = None, progress: Progress | None = None) -> Report:
    """Read all sources and judge what they hold; ``top`` limits the buckets (None: all are kept).

    Raises StackscanError for a source that cannot be read or holds no dump.
    """
    found: list[SnapshotReport] = []
    bundles: list[BundleReport] = []
    for source in chosen:
        bundle = _Bundle()
        is_bundle = False
        for member in sources.open_source(source):
            is_bundle |= member.name is not None
            _take(member, bundle, progress)
        kubo = bundle.version.get("Version") if bundle.version else None
        for member, snapshots in bundle.read:
            found += [_judge(member, snapshots, place, top, kubo) for place in range(len(snapshots))]
        if is_bundle or not bundle.read:
            bundles.append(_bundle_report(source, bundle))
    return Report(tuple(found), tuple(bundles))


def read(source: str, progress: Progress | None = None) -> Iterator[tuple[Member, list[Snapshot]]]:
    """The snapshots of each member of a source that holds any. Raises StackscanError when one cannot be read."""
    bundle = _Bundle()
    for member in sources.open_source(source):
        _take(member, bundle, progress)
    yield from bundle.read


def _take(member: Member, bundle: _Bundle, progress: Progress | None) -> None:
    """Read one member. Only a source that is one file must be a dump; a bundle may hold anything."""
    if member.data is None:
        bundle.members.append(MemberReport(member.name or "", "not read", member.size, note=member.note))
        return
    told = None if progress is None else _told(progress, member.where)
    try:
        found = unwrapping.read_member(member, told)
    except UnrecognisedFormatError as error:
        if member.name is None:
            raise
        _list(member, bundle, error)
        return
    if member.cut:
        snapshots = found[-1][1]
        snapshots[-1] = _cut(snapshots[-1])
    goroutines = sum(len(snapshot.goroutines) for _, snapshots in found for snapshot in snapshots)
    bundle.read += found
    kind = found[0][1][0].format
    bundle.members.append(MemberReport(member.name or "", kind, member.size, goroutines, _note(found[0][0])))


def _list(member: Member, bundle: _Bundle, error: UnrecognisedFormatError) -> None:
    """A member of a bundle that holds no goroutines."""
    data = member.data or b""
    kind = kinds.kind_of(data)
    if kind == "version":
        bundle.version = bundle.version or kinds.read_version(data)
    if contention.claims(data):
        profile = contention.read(data)
        kind = f"{profile.kind} profile"
        bundle.contention.append(contention_report(member.name or "", profile))
    unread = str(error) if kind in ("text", "binary") and b"goroutine" in data else None
    bundle.members.append(MemberReport(member.name or "", kind, member.size, note=_note(member) or unread))


def _note(member: Member) -> str | None:
    wrapper = f"in {', '.join(member.wrapper)}" if member.wrapper else None
    return member.note or ("cut" if member.cut else wrapper)


def _judge(member: Member, snapshots: list[Snapshot], place: int, top: int | None, kubo: str | None) -> SnapshotReport:
    snapshot = snapshots[place]
    samples = pools.sample(snapshot, pools.catalogue())
    sizes = {sample.pool.name: sample.workers for sample in samples}
    findings = rules.classify(snapshot, rules.catalogue(), sizes)
    versions = dict(modules(snapshot.stacks))
    return build_snapshot(
        snapshot,
        Place(member.source, member.name, place + 1, len(snapshots), member.wrapper, member.stream),
        findings=findings,
        pools=samples,
        phases=phases.judge(
            phases.catalogue(),
            modules=versions,
            kubo=kubo,
            pools=sizes,
            caught=(finding.rule.name for finding in findings),
        ),
        top=top,
    )


def _bundle_report(source: str, bundle: _Bundle) -> BundleReport:
    if not bundle.read:
        listed = ", ".join(f"{member.name} ({member.note or member.kind})" for member in bundle.members[:10])
        raise UnrecognisedFormatError(f"{source}: no goroutine dump in it; it holds {listed or 'nothing'}")
    views = [
        ViewsReport(first.name or "", second.name or "", crosscheck.compare(text[0], other[0]))
        for (first, text), (second, other) in _views(bundle.read)
    ]
    return BundleReport(source, bundle.version, tuple(bundle.members), tuple(views), tuple(bundle.contention))


def _views(
    members: list[tuple[Member, list[Snapshot]]],
) -> Iterator[tuple[tuple[Member, list[Snapshot]], tuple[Member, list[Snapshot]]]]:
    """Pairs of members of one folder that hold one dump each, the text first: two views of one process."""
    texts = [entry for entry in members if entry[1][0].format == "goroutine-text" and len(entry[1]) == 1]
    for text in texts:
        folder = (text[0].name or "").rpartition("/")[0]
        siblings = [entry for entry in members if (entry[0].name or "").rpartition("/")[0] == folder]
        others = [entry for entry in siblings if entry[1][0].format != "goroutine-text"]
        if len(siblings) - len(others) == 1:  # several texts: nobody says which belongs to which
            for other in others:
                yield text, other


def _told(progress: Progress, where: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(where, done, total)


def _cut(snapshot: Snapshot) -> Snapshot:
    """A snapshot whose file ends before its archive says so."""
    line = snapshot.goroutines["line"].max()
    reason = "the compressed file is cut: what follows this goroutine is lost"
    problem = Problem(line if isinstance(line, int) else 1, reason)
    return replace(snapshot, complete=False, problems=(*snapshot.problems, problem))
