"""Redacts snapshots, bundles and names of files: the result is built from what is kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Final

from stackscan.model.capture import Capture, Entry, Taken
from stackscan.model.conclusion import Conclusion
from stackscan.model.snapshot import Frame, Problem, Snapshot, Stack
from stackscan.model.table import GOROUTINE_COLUMNS, Table
from stackscan.redaction import vocabulary
from stackscan.redaction.key import hashed
from stackscan.redaction.symbols import Names
from stackscan.report import BundleReport, ContentionReport, ViewsReport

_STDIN: Final = "-"
#: Columns of numbers, flags and the runtime's own texts.
_KEPT: Final = frozenset(
    "goroutine_id stack_id wait_reason wait_minutes creator_id locked leaked attributes line".split()
)


@dataclass(frozen=True)
class Redaction:
    """One way to redact: equal names get equal hashes wherever this object is used.

    Kept: standard library, well-known public modules and those below ``kept_prefixes``, wait reasons, minutes, ids,
    line numbers, counts. Hashed: all other names. Dropped: labels, thread addresses, excerpts, messages.
    """

    key: bytes
    kept_prefixes: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[object, ...]:
        """As pickle takes it: without the hashes that it knows."""
        return Redaction, (self.key, self.kept_prefixes)

    @cached_property
    def _names(self) -> Names:
        return Names(lru_cache(maxsize=None)(lambda text: hashed(self.key, text)), self.kept_prefixes)

    @property
    def identity(self) -> str:
        """What is equal for two redactions that give equal names equal hashes, and says nothing about the key."""
        return hashed(self.key, f"identity {sorted(self.kept_prefixes)}")

    def snapshot(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with the same goroutines, stack ids and counts."""
        frames: dict[Frame, Frame] = {}
        return Snapshot(  # named one by one: what a snapshot may hold some day is private until someone thinks of it
            format=snapshot.format,
            table=_goroutines(snapshot),
            counts=snapshot.counts,
            stacks=tuple(self._stack(stack, frames) for stack in snapshot.stacks),
            problems=tuple(Problem(problem.line, problem.reason) for problem in snapshot.problems),
            complete=snapshot.complete,
            header_lines=snapshot.header_lines,
            cause=vocabulary.cause(snapshot.cause),
            message=vocabulary.message(snapshot.message, self._test),
            dialect=snapshot.dialect,
            ancestor_table=snapshot.ancestor_table,
            captured_at=snapshot.captured_at,
            leak_profile=snapshot.leak_profile,
            sums=tuple((self._names.function(name), count) for name, count in snapshot.sums),
            conclusions=tuple(map(self._conclusion, snapshot.conclusions)),
        )

    def _test(self, name: str) -> str:
        """The name of a test, hashed as its function's is, so that both can be found together."""
        return "/".join(hashed(self.key, part) for part in name.split("/"))

    def _conclusion(self, conclusion: Conclusion) -> Conclusion:
        """What the tool concludes, without its own sentence; the variable's name keeps what is public in it."""
        variable = self._names.function(conclusion.variable) if conclusion.variable else ""
        test = self._test(conclusion.test) if conclusion.test else ""
        return replace(conclusion, says="", variable=variable, test=test)

    def _stack(self, stack: Stack, frames: dict[Frame, Frame]) -> Stack:
        created_by = stack.created_by
        return Stack(
            frames=tuple(self._frame(frame, frames) for frame in stack.frames),
            created_by=None if created_by is None else self._frame(created_by, frames),
            elided=stack.elided,
            unavailable=stack.unavailable,
        )

    def _frame(self, frame: Frame, frames: dict[Frame, Frame]) -> Frame:
        if frame not in frames:
            frames[frame] = self._names.frame(frame)
        return frames[frame]

    def source(self, name: str) -> str:
        """The name of a source: the folders are gone and the file's name is hashed."""
        return name if name == _STDIN else hashed(self.key, name)

    def member(self, name: str | None) -> str | None:
        """The name of a member of a bundle: names that every bundle has stay."""
        if name is None:
            return None
        parts = name.split("/")
        return "/".join(part if vocabulary.member(part) else hashed(self.key, part) for part in parts)

    def stream(self, name: str) -> str:
        """Whose lines of a log these are."""
        return hashed(self.key, name) if name else ""

    def version(self, name: str) -> str:
        """A version: what looks like a release stays."""
        return name if vocabulary.version(name) else hashed(self.key, name)

    def capture(self, capture: Capture) -> Capture:
        """The capture without private names; of the bytes of its file only a keyed hash is published."""
        place = capture.place
        return replace(
            capture,
            snapshot=self.snapshot(capture.snapshot),
            place=replace(
                place,
                source=self.source(place.source),
                member=self.member(place.member),
                stream=self.stream(place.stream),
            ),
            taken=self.taken(capture.taken),
            release=None if capture.release is None else vocabulary.release(capture.release),
            key=self.key,
            go_version=capture.go_version if vocabulary.version(capture.go_version or "") else None,
        )

    def taken(self, taken: Taken) -> Taken:
        """When and where: the time stays, the host's name is hashed."""
        return replace(taken, host=None if taken.host is None else hashed(self.key, taken.host))

    def bundle(self, bundle: BundleReport) -> BundleReport:
        """The list of a bundle's members and what was made of them."""
        version = bundle.version
        return BundleReport(
            source=self.source(bundle.source),
            version=None if version is None else _version(version),
            members=tuple(self._member(member) for member in bundle.members),
            views=tuple(self._views(views) for views in bundle.views),
            contention=tuple(self._contention(profile) for profile in bundle.contention),
        )

    def _member(self, member: Entry) -> Entry:
        note = None if member.note is None else "cut" if member.note == "cut" else "(redacted)"
        return Entry(self.member(member.name) or "", member.kind, member.size, member.goroutines, note)

    def _views(self, views: ViewsReport) -> ViewsReport:
        widest = views.agreement.widest
        agreement = replace(
            views.agreement, widest=None if widest is None else (self._names.function(widest[0]), widest[1])
        )
        return ViewsReport(self.member(views.first) or "", self.member(views.second) or "", agreement)

    def _contention(self, profile: ContentionReport) -> ContentionReport:
        stacks = tuple(
            replace(stack, frame=self._names.frame(stack.frame), root=self._names.function(stack.root))
            for stack in profile.stacks
        )
        return replace(profile, member=self.member(profile.member) or "", stacks=stacks)


def _goroutines(snapshot: Snapshot) -> Table:
    """The table with all its columns; those that may hold the program's own words are null."""
    kept = {name: snapshot.column(name) for name in GOROUTINE_COLUMNS if name in _KEPT}
    for name, change in (("wait_reason", vocabulary.wait_reason), ("attributes", vocabulary.attributes)):
        changed = {text: change(text) for text in set(kept[name])}  # each distinct text once
        kept[name] = [changed[text] for text in kept[name]]
    return Table.of_lists(kept)


def _version(version: dict[str, str]) -> dict[str, str]:
    """The releases in version.json, without the commit, which may be a private fork's."""
    kept = {key: version[key] for key in ("Version", "Golang", "System", "Repo") if key in version}
    return {key: value if vocabulary.version(value) else "other" for key, value in kept.items()}
