"""Reads a goroutine profile: its samples become records, one for each stack and set of labels."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from typing import Final

from stackscan.errors import UnrecognisedFormatError, UnsupportedFormatError
from stackscan.formats import bounds, counted, profile_kinds
from stackscan.formats.counted import Record, Stacks
from stackscan.formats.goroutine_pprof import NAME, schema
from stackscan.formats.goroutine_pprof.individual import IDENTITY, OWN, creator_of, with_identity
from stackscan.formats.goroutine_pprof.schema import Label, Profile, Sample
from stackscan.formats.goroutine_pprof.symbols import Symbols
from stackscan.formats.labels import label_text
from stackscan.formats.problems import bounded
from stackscan.formats.symbol import unescape_path
from stackscan.model.snapshot import Frame, Problem, Snapshot
from stackscan.sources import Progress, limits

#: Names of the sample types that count goroutines (runtime/pprof: goroutine, goroutineleak since Go 1.26).
_LEAKS: Final = "goroutineleak"
_KINDS: Final = frozenset({"goroutine", "goroutines", _LEAKS})
_TEXT_HINT: Final = "Take the goroutines instead: curl -o goroutine.pb.gz 'http://HOST:PORT/debug/pprof/goroutine'"
_LINE: Final = 1  # of problems of the whole profile
_LATEST_NANOSECONDS: Final = 4_102_444_800_000_000_000  # the year 2100


def read(data: bytes, progress: Progress | None = None) -> list[Snapshot]:
    """The one snapshot of a profile.

    Raises UnrecognisedFormatError when the bytes are cut or damaged, UnsupportedFormatError when they count something
    else than goroutines, or changes between two moments.
    """
    snapshot = snapshot_of(schema.parse(data))
    if progress is not None:
        progress(len(data), len(data))
    return [snapshot]


def snapshot_of(
    profile: Profile, *, name: str = NAME, lines: Sequence[int] = (), partial: Collection[tuple[int, ...]] = ()
) -> Snapshot:
    """The snapshot of a profile that is taken apart; ``lines`` are those of its samples where it was a text, and
    ``partial`` the locations of those that lack frames.

    Raises as :func:`read` does.
    """
    symbols = Symbols(profile)
    place, kind = _sample_type(profile, symbols)
    return _Reading(profile, symbols, place, kind, lines, partial).snapshot(name)


def _sample_type(profile: Profile, symbols: Symbols) -> tuple[int, str]:
    """The index of the value that counts goroutines, and its name. Raises UnsupportedFormatError when none does."""
    types = [(symbols.text(each.type), symbols.text(each.unit)) for each in profile.sample_type]
    if not profile.string_table or not types or symbols.dangling["names are not in the string table"]:
        raise UnrecognisedFormatError(
            "this pprof profile is damaged: the names of its sample types are missing",
            hint="It may be cut; take or copy it again.",
        )
    for place, (kind, _) in enumerate(types):
        if kind in _KINDS:
            return place, kind
    other = profile_kinds.kind_of({kind for kind, _ in types})
    raise UnsupportedFormatError(
        f"a {other} ({profile_kinds.named(types)}), not goroutines", hint=profile_kinds.hint_of(other)
    )


def _value(sample: Sample, place: int, types: int) -> int:
    """How many goroutines a sample counts."""
    if len(sample.value) not in (0, types):
        raise UnrecognisedFormatError(
            f"this pprof profile is damaged: a sample has {len(sample.value)} values for {types} sample types "
            "(two profiles in one file?)",
            hint="Put each profile in a separate file.",
        )
    return sample.value[place] if sample.value else 0


@dataclass(slots=True)
class _Group:
    """Samples with equal locations and labels: the index of the first (1-based), and their total count."""

    place: int
    locations: tuple[int, ...]
    labels: Sequence[Label]
    count: int = 0
    depth: int = 0


class _Reading:
    def __init__(
        self,
        profile: Profile,
        symbols: Symbols,
        value: int,
        kind: str,
        lines: Sequence[int],
        partial: Collection[tuple[int, ...]],
    ) -> None:
        self.profile, self.symbols, self.kind, self.lines, self.partial = profile, symbols, kind, lines, partial
        self.stacks = Stacks()
        self.problems: list[Problem] = []
        self.lost = 0
        self.nameless = 0
        self.groups = self._grouped(value)
        for group in self.groups:
            group.depth = sum(len(symbols.frames(location)) for location in group.locations)
        self.limit = counted.depth_limit(group.depth for group in self.groups)
        self.roots = {self._root(group.locations) for group in self.groups if group.depth != self.limit}

    def snapshot(self, name: str) -> Snapshot:
        """The snapshot, with what is doubtful about it."""
        records = [self._record(group) for group in self.groups]
        stacks = self.stacks.all()
        read = sum(record.count for record in records)
        self._note_whole(records)
        table, counts = counted.rows(records)
        return Snapshot(
            format=name,
            table=table,
            counts=counts,
            stacks=stacks,
            problems=bounded(self.problems),
            complete=not self.lost and not self.symbols.dangling.total(),
            header_lines=read + self.lost,
            dialect=self._dialect(records),
            captured_at=_moment(self.profile.time_nanos),
            leak_profile=self.kind == _LEAKS,
            build_id=self.symbols.build_id,
            addresses=frozenset(location.address for location in self.profile.location if location.address),
        )

    def _grouped(self, value: int) -> list[_Group]:
        """The samples, grouped by locations and labels. Raises UnsupportedFormatError for a delta profile."""
        groups: list[_Group] = []
        known: dict[tuple[object, ...], _Group] = {}
        types, read, most = len(self.profile.sample_type), 0, limits.MAX_FRAMES
        for place, sample in enumerate(self.profile.sample, start=1):
            count = _value(sample, value, types)
            if not 0 < count <= counted.MOST_GOROUTINES - read:
                self._refuse(place, count)
                continue
            read += count
            # One that is longer than any stack is cut here, before its frames take memory.
            locations = tuple(sample.location_id if len(sample.location_id) <= most else sample.location_id[: most + 1])
            labels = sample.label or ()
            key = (locations, *((label.key, label.str, label.num) for label in labels)) if labels else locations
            group = known.get(key)
            if group is None or (labels and self._is_individual(labels)):
                group = known[key] = _Group(place, locations, labels)
                groups.append(group)
            group.count += count
        return groups

    def _is_individual(self, labels: Sequence[Label]) -> bool:
        """Whether labels name one goroutine: two of one id are reported, not added up."""
        return any(self.symbols.raw(label.key) == IDENTITY.encode() for label in labels)

    def _refuse(self, place: int, count: int) -> None:
        if count < 0:
            raise UnsupportedFormatError(
                "a delta profile (taken with ?seconds=N): it has changes over a time, not goroutines",
                hint="Take it without seconds=N. " + _TEXT_HINT,
            )
        self.lost += count
        why = "more goroutines than a process can have; not read" if count else "no goroutine"
        self._problem(f"sample {place} counts {why}", f"{count:,}" if count else "", place)

    def _record(self, group: _Group) -> Record:
        leaked = True if self.kind == _LEAKS else None
        texts, numbers = self._labels(group)
        line = self._line(group.place) if self.lines else None
        if IDENTITY not in numbers and not any(key == IDENTITY for key, _ in texts):
            text = label_text([*texts, *((key, str(number)) for key, number in numbers.items())])
            return Record(group.count, self._stack(group), self._short(text), line, leaked=leaked)
        stack_id = self._stack(group, creator=creator_of(texts))
        record, problem = with_identity(Record(group.count, stack_id, line=line, leaked=leaked), texts, numbers)
        if problem is not None:
            self._problem(problem, f"sample {group.place}", group.place)
        return replace(record, labels=self._short(record.labels))

    def _labels(self, group: _Group) -> tuple[list[tuple[str, str]], dict[str, int]]:
        """The labels of a sample: texts as pairs, numbers by key. Beyond the limit, only those of its identity."""
        texts: list[tuple[str, str]] = []
        numbers: dict[str, int] = {}
        if not group.labels:
            return texts, numbers
        size = sum(len(self.symbols.raw(label.key)) + len(self.symbols.raw(label.str)) for label in group.labels)
        fits = size <= limits.MAX_LABEL_BYTES
        if not fits:
            self._problem(bounds.long_labels(size), f"sample {group.place}", group.place)
        for label in group.labels:
            key = self.symbols.raw(label.key)
            value = self.symbols.raw(label.str)
            if not fits and (key not in OWN or len(value) > limits.MAX_LABEL_BYTES):
                continue
            name = key.decode("utf-8", "surrogateescape")
            if label.str or not label.num:  # an empty text is index 0
                texts.append((name, value.decode("utf-8", "surrogateescape")))
            else:
                numbers[name] = label.num
        return texts, numbers

    def _short(self, labels: str | None) -> str | None:
        """Labels whose spelling is no longer than the limit."""
        if not bounds.are_long(labels):
            return labels
        self._problem(bounds.long_labels(len(labels or "")))
        return None

    def _stack(self, group: _Group, creator: str | None = None) -> int:
        parts = [self.symbols.frames(location) for location in group.locations]
        if parts and self.symbols.unnamed.issuperset(group.locations):
            self.nameless += group.count
        created_by = None if creator is None else self.symbols.intern(Frame(unescape_path(creator), "", 0))
        frames = list(islice(chain.from_iterable(parts), limits.MAX_FRAMES + 1))
        cut = group.depth == self.limit and self._is_cut(frames)
        if len(frames) > limits.MAX_FRAMES:
            self._problem(bounds.too_deep(), f"sample {group.place}", group.place)
            frames, cut = frames[: limits.MAX_FRAMES], True
        partial = cut or not all(parts) or group.locations in self.partial
        return self.stacks.id_of(frames, partial=partial, created_by=created_by)

    def _is_cut(self, frames: Sequence[Frame]) -> bool:
        """Whether a stack of the greatest depth was cut: its root is no whole stack's, or it ends in a recursion.

        The profile leaves runtime.goexit out, which ends every whole stack, so the functions decide.
        """
        root = frames[-1].function
        return root not in self.roots or sum(frame.function == root for frame in frames) > 1

    def _root(self, locations: tuple[int, ...]) -> str | None:
        """The outermost function of a sample."""
        frames = self.symbols.frames(locations[-1]) if locations else ()
        return frames[-1].function if frames else None

    def _note_whole(self, records: list[Record]) -> None:
        if self.nameless:
            names = "names need the program's binary"
            self._problem(f"{self.nameless:,} goroutines without function names; {names}", "go tool pprof BINARY FILE")
        for length in self.symbols.long_names:
            self._problem(bounds.long_name(length))
        for what, count in self.symbols.dangling.items():
            self._problem(f"damaged: {count:,} {what}")
        ids = [record.goroutine_id for record in records if record.goroutine_id is not None]
        if len(set(ids)) < len(ids):
            self._problem(f"damaged: {len(ids) - len(set(ids)):,} goroutines have the id of another one")
        if self.profile.duration_nanos > 0:
            seconds = self.profile.duration_nanos / 1e9
            self._problem(f"covers {seconds:g} s: the counts may be sums or changes over that time")

    def _dialect(self, records: list[Record]) -> str | None:
        """The Go versions that write such a profile."""
        if records and all(record.goroutine_id is not None for record in records):
            return "one sample a goroutine, as CockroachDB's Go writes at debug=3"
        if not self.profile.function:
            return "Go 1.8" if self.profile.sample else None
        return counted.dialect(self._evidence(records))

    def _evidence(self, records: list[Record]) -> Iterator[str]:
        yield "1.9"
        if any(record.labels for record in records):
            yield "1.15"
        if any(function.start_line for function in self.profile.function):
            yield "1.20"
        if any(b"[go.shape." in text for text in self.profile.string_table):
            yield "1.21"
        if max((group.depth for group in self.groups), default=0) > min(counted.DEPTH_LIMITS):
            yield "1.23"
        if self.kind == _LEAKS:
            yield "1.26"

    def _line(self, place: int) -> int:
        """The line of a sample (its 1-based place) in a text; 1 in a binary profile, which has no lines."""
        return self.lines[place - 1] if self.lines else _LINE

    def _problem(self, reason: str, excerpt: str = "", place: int | None = None) -> None:
        line = _LINE if place is None else self._line(place)
        self.problems.append(Problem(line, reason, excerpt))


def _moment(nanoseconds: int) -> datetime | None:
    """The time of a profile, in UTC; None for none, or one after 2100."""
    if not 0 < nanoseconds < _LATEST_NANOSECONDS:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds // 1000)
