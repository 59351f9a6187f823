"""The pipeline: sources → formats → classify and count → Report."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count

from stackscan import crosscheck, sources, unwrapping
from stackscan.configuration import shipped
from stackscan.errors import StackscanError, UnrecognisedFormatError
from stackscan.formats import contention, kinds
from stackscan.judging import Judging, judge
from stackscan.redaction import Redaction
from stackscan.report import (
    BundleReport,
    ContentionReport,
    MemberReport,
    Place,
    Report,
    SnapshotReport,
    ViewsReport,
    contention_report,
)
from stackscan.snapshot import Problem, Snapshot
from stackscan.sources import Member, Source
from stackscan.sources.names import Taken, first_known, read_name

#: Told what is being read, how many bytes of it, and of how many.
Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class _Bundle:
    """What has been read of an archive or directory so far."""

    members: list[MemberReport] = field(default_factory=list)
    read: list[tuple[Member, list[Snapshot]]] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)  # of the file of each entry that was read
    version: dict[str, str] | None = None
    contention: list[ContentionReport] = field(default_factory=list)

    @property
    def kubo(self) -> str | None:
        """The version that its version.json reports."""
        return self.version.get("Version") if self.version else None


@dataclass(frozen=True, slots=True)
class Examined:
    """One snapshot, its report, and when and where it was taken; after a redaction, nothing else than that let pass.

    ``second_view`` marks a profile of the process that a text of the same bundle shows: its goroutines are the same.
    ``fingerprint`` makes out of the bytes of its file, decompressed, what stays the same however the file is called
    (after a redaction: wherever the redaction's key is the same).
    """

    snapshot: Snapshot
    report: SnapshotReport
    taken: Taken
    second_view: bool = False
    fingerprint: Callable[[], str] = str


def scan(
    chosen: Iterable[str],
    *,
    top: int | None = None,
    how: Judging | None = None,
    progress: Progress | None = None,
    redaction: Redaction | None = None,
) -> Report:
    """Read all sources and judge what they hold: with what ships, unless ``how`` says otherwise (and how many buckets
    to keep).

    Raises StackscanError for a source that cannot be read or holds no dump.
    """
    how = how or Judging(shipped(), top=top)
    how.check()
    found: list[SnapshotReport] = []
    bundles: list[BundleReport] = []
    for source in chosen:
        examined, bundle = examine(source, how=how, progress=progress, redaction=redaction)
        found += [each.report for each in examined]
        bundles += [] if bundle is None else [bundle]
    return Report(tuple(found), tuple(bundles))


def examine(
    source: str,
    *,
    top: int | None = None,
    how: Judging | None = None,
    progress: Progress | None = None,
    redaction: Redaction | None = None,
) -> tuple[list[Examined], BundleReport | None]:
    """The snapshots of one source with their reports, and its list of members if it is a bundle.

    Findings, pools and phases are told by the dump as it is; a redaction only decides what is said of them.
    Raises StackscanError when the source cannot be read or holds no dump.
    """
    how = how or Judging(shipped(), top=top)
    source = Source(source)
    bundle, is_bundle = _opened(source, progress)
    report = _bundle_report(str(source), bundle) if is_bundle or not bundle.read else None
    if report is not None and redaction is not None:
        report = redaction.bundle(report)
    kubo = bundle.kubo
    if redaction is not None:
        kubo = redaction.release(kubo)
    seconds = {second.name for _, (second, _) in _views(bundle.read)}
    found = []
    key = b"" if redaction is None else redaction.key
    for (member, snapshots), content in zip(bundle.read, bundle.contents, strict=True):
        fingerprint = partial(_fingerprint, content, key)
        for place, snapshot in enumerate(snapshots):
            shown = snapshot if redaction is None else redaction.snapshot(snapshot)
            where = _place(member, place, len(snapshots), redaction)
            judged = judge(snapshot, where, how, kubo=kubo, shown=shown)
            own = first_known((_taken(member, snapshot), _beside(member, bundle.read)))
            own = own if redaction is None else redaction.taken(own)
            found.append(Examined(shown, judged, own, member.name in seconds, fingerprint))
    return found, report


def _fingerprint(content: bytes, key: bytes) -> str:
    return hmac.new(key, content, hashlib.sha256).hexdigest()


def _place(member: Member, place: int, snapshots: int, redaction: Redaction | None) -> Place:
    source, name, stream = member.source, member.name, member.stream
    if redaction is not None:
        source, name, stream = redaction.source(source), redaction.member(name), redaction.stream(stream)
    cut = member.cut and place == snapshots - 1
    return Place(source, name, place + 1, snapshots, member.wrapper, stream, cut=cut)


def _taken(member: Member, snapshot: Snapshot) -> Taken:
    return first_known((Taken(snapshot.captured_at), read_name(f"{member.source}/{member.name or ''}".rstrip("/"))))


def _beside(member: Member, read: list[tuple[Member, list[Snapshot]]]) -> Taken:
    """What the other members of a bundle say: those who write bundles take all within seconds.

    A folder with several texts is a collection, whose members may be hours apart.
    """
    siblings = [entry for entry in read if _folder(entry[0]) == _folder(member)]
    dumps = [snapshots for _, snapshots in siblings if snapshots[0].format == "goroutine-text"]
    if member.name is None or len(dumps) != 1 or len(dumps[0]) != 1:
        return Taken()
    return first_known(_taken(sibling, snapshot) for sibling, snapshots in siblings for snapshot in snapshots)


def _folder(member: Member) -> str:
    return (member.name or "").rpartition("/")[0]


def attempt(
    chosen: Iterable[str], *, how: Judging | None = None, progress: Progress | None = None
) -> Iterator[tuple[str, Report | StackscanError]]:
    """Each source with its report (all buckets kept), or with the error that kept it from being read."""
    for source in map(Source, chosen):
        try:
            yield str(source), scan([source], how=how, progress=progress)
        except StackscanError as error:
            yield str(source), error


def captures(
    source: str, *, how: Judging | None = None, progress: Progress | None = None
) -> Iterator[tuple[SnapshotReport, Snapshot]]:
    """The snapshots of a source, each with its report. Raises StackscanError as :func:`scan` does."""
    found, _ = examine(source, how=how, progress=progress)
    yield from ((one.report, one.snapshot) for one in found)


@dataclass(frozen=True, slots=True)
class Opened:
    """What a source holds before anything is made of it: its members with their snapshots, and the version that a
    bundle of kubo reports."""

    members: tuple[tuple[Member, list[Snapshot]], ...]
    kubo: str | None


def opened(source: str, progress: Progress | None = None) -> Opened:
    """Open and read a source. Raises StackscanError when it cannot be read."""
    bundle, _ = _opened(Source(source), progress, keep_contents=False)
    return Opened(tuple(bundle.read), bundle.kubo)


def read(source: str, progress: Progress | None = None) -> Iterator[tuple[Member, list[Snapshot]]]:
    """The snapshots of each member of a source that holds any. Raises StackscanError when one cannot be read."""
    yield from opened(source, progress).members


def _opened(source: Source, progress: Progress | None, *, keep_contents: bool = True) -> tuple[_Bundle, bool]:
    """What a source holds, and whether it is a bundle; with the bytes of its files where somebody asks for them."""
    bundle = _Bundle()
    is_bundle = False
    told = None if progress is None else _told(progress, str(source))
    try:
        for member in sources.open_source(source, told):
            is_bundle |= member.name is not None
            _take(member, bundle, progress)
            if not keep_contents:
                bundle.contents.clear()
    except UnrecognisedFormatError as error:  # its message may quote a server that repeats what it was asked
        raise type(error)(source.hide(str(error)), hint=error.hint) from None
    return bundle, is_bundle


def _take(member: Member, bundle: _Bundle, progress: Progress | None) -> None:
    """Read one member. Only a source that is one file must be a dump; a bundle may hold anything."""
    member = _distinct(member, bundle)
    if member.data is None:
        bundle.members.append(
            MemberReport(member.name or "", "not read", member.size, note=member.note, cut=member.cut)
        )
        return
    told = None if progress is None else _told(progress, member.where)
    try:
        found = unwrapping.read_member(member, told)
    except UnrecognisedFormatError as error:
        if member.name is None:
            raise _cut_short(member, error) from error
        _list(member, bundle, error)
        return
    if member.cut:
        snapshots = found[-1][1]
        snapshots[-1] = _cut(snapshots[-1], member.note if member.name is None else None)
    goroutines = sum(snapshot.total for _, snapshots in found for snapshot in snapshots)
    bundle.read += found
    bundle.contents += [member.data or b""] * len(found)
    kind = found[0][1][0].format
    note = _note(found[0][0])
    bundle.members.append(MemberReport(member.name or "", kind, member.size, goroutines, note, cut=member.cut))


def _distinct(member: Member, bundle: _Bundle) -> Member:
    """The member under a name that none before it has: an archive may hold several of one name, and which is which is
    told by names."""
    known = {listed.name for listed in bundle.members}
    if member.name is None or member.data is None or member.name not in known:
        return member
    return replace(member, name=next(n for k in count(2) if (n := f"{member.name} ({k})") not in known))


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
    bundle.members.append(
        MemberReport(member.name or "", kind, member.size, note=_note(member) or unread, cut=member.cut)
    )


def _note(member: Member) -> str | None:
    wrapper = f"in {', '.join(member.wrapper)}" if member.wrapper else None
    return member.note or ("cut" if member.cut else wrapper)


def _bundle_report(source: str, bundle: _Bundle) -> BundleReport:
    if not bundle.read:
        listed = ", ".join(f"{member.name} ({member.note or member.kind})" for member in bundle.members[:10])
        raise UnrecognisedFormatError(f"{source}: no goroutine dump found; it contains {listed or 'nothing'}")
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
        siblings = [entry for entry in members if _folder(entry[0]) == _folder(text[0])]
        others = [entry for entry in siblings if entry[1][0].format != "goroutine-text"]
        if len(siblings) - len(others) == 1:  # several texts: nobody says which belongs to which
            for other in others:
                yield text, other


def _told(progress: Progress, where: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(where, done, total)


def _cut_short(member: Member, error: UnrecognisedFormatError) -> UnrecognisedFormatError:
    """What to say of a source that holds no dump: of one whose end is missing, this first."""
    if member.note is None:
        return error
    return UnrecognisedFormatError(f"{member.where}: {member.note}; the received part contains no dump")


def _cut(snapshot: Snapshot, note: str | None) -> Snapshot:
    """A snapshot whose file ends before its archive, or the server that sent it, says so."""
    line = snapshot.rows["line"].max()
    reason = note or "the compressed file is cut: what follows this goroutine is lost"
    problem = Problem(line if isinstance(line, int) else 1, reason)
    return replace(snapshot, complete=False, problems=(*snapshot.problems, problem))
