"""Protobuf profiles (debug=0): real ones, ones built field by field, damaged ones, and ones that count other things."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import CORPUS, FIXTURES, index, json_of
from stackscan import formats
from stackscan.analysis.classify import classify
from stackscan.errors import UnrecognisedFormatError, UnsupportedFormatError
from stackscan.formats import counted, goroutine_pprof
from stackscan.formats.goroutine_pprof import claim, schema
from stackscan.formats.goroutine_pprof.symbols import shorten_type_arguments
from stackscan.knowledge import rule
from stackscan.model.snapshot import Frame, Snapshot

#: A call: function, file, line.
Call = tuple[str, str, int]


class Builder:
    """Writes a profile field by field, as Go does."""

    def __init__(self, *types: str) -> None:
        self.profile: Any = schema.new_profile()
        self._strings: dict[bytes, int] = {}
        self.string("")
        for each in types or ("goroutine/count",):
            kind, _, unit = each.partition("/")
            self.profile.sample_type.add(type=self.string(kind), unit=self.string(unit))

    def string(self, text: str | bytes) -> int:
        """The index of a string."""
        raw = text if isinstance(text, bytes) else text.encode()
        found = self._strings.setdefault(raw, len(self._strings))
        if found == len(self.profile.string_table):
            self.profile.string_table.append(raw)
        return found

    def location(self, *calls: Call, address: int = 0x401000) -> int:
        """The id of a new location with these calls, innermost (inlined) first."""
        location = self.profile.location.add(id=len(self.profile.location) + 1, address=address)
        for name, file, line in calls:
            number = len(self.profile.function) + 1
            self.profile.function.add(id=number, name=self.string(name), filename=self.string(file), start_line=1)
            location.line.add(function_id=number, line=line)
        return int(location.id)

    def sample(
        self, locations: Sequence[int], *values: int, labels: Iterable[tuple[str | bytes, str | bytes | int]] = ()
    ) -> None:
        """A sample."""
        sample = self.profile.sample.add(location_id=locations, value=values)
        for key, value in labels:
            if isinstance(value, int):
                sample.label.add(key=self.string(key), num=value)
            else:
                sample.label.add(key=self.string(key), str=self.string(value))

    def bytes(self) -> bytes:
        """The profile on the wire."""
        return bytes(self.profile.SerializeToString())


def read(data: bytes) -> Snapshot:
    """The only snapshot of some bytes."""
    (snapshot,) = formats.read(data, where="test")
    return snapshot


def read_or_error(data: bytes) -> tuple[Snapshot | None, str]:
    """The first snapshot of some bytes, or what the error says."""
    try:
        return formats.read(data, where="test")[0], ""
    except UnrecognisedFormatError as error:
        return None, str(error)


def content(path: Path) -> bytes:
    """The bytes of a fixture, decompressed."""
    data = path.read_bytes()
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


def two_stacks(*values: int) -> Builder:
    """A profile of two stacks with these values."""
    builder = Builder()
    park = builder.location(("runtime.gopark", "runtime/proc.go", 460))
    work = builder.location(("main.wait", "/src/main.go", 7), ("main.work", "/src/main.go", 12))
    serve = builder.location(("main.serve", "/src/serve.go", 30))
    for locations, value in zip(([park, work], [park, serve]), values, strict=True):
        builder.sample(locations, value)
    return builder


def reasons(snapshot: Snapshot) -> list[str]:
    """The reasons of a snapshot's problems."""
    return [problem.reason for problem in snapshot.problems]


# -- what a profile says ---------------------------------------------------------------------------------------------


def test_a_sample_becomes_as_many_rows_as_it_counts() -> None:
    """Five goroutines in two stacks; inlined calls are frames of their own, innermost first."""
    snapshot = read(two_stacks(3, 2).bytes())
    assert ("goroutine-pprof", 5, True) == (snapshot.format, snapshot.header_lines, snapshot.complete)
    assert [0, 0, 0, 1, 1] == snapshot.goroutines["stack_id"].to_list()
    assert (
        Frame("runtime.gopark", "runtime/proc.go", 460),
        Frame("main.wait", "/src/main.go", 7),
        Frame("main.work", "/src/main.go", 12),
    ) == snapshot.stacks[0].frames


def test_what_the_format_cannot_know_is_null() -> None:
    """No id, wait reason, wait time, creator, line: none is guessed."""
    table = read(two_stacks(3, 2).bytes()).goroutines
    unknown = ["goroutine_id", "wait_reason", "wait_minutes", "creator_id", "locked", "leaked", "labels", "line"]
    assert [5] * len(unknown) == [table[name].null_count() for name in unknown]


def test_labels_are_sorted_and_spelt_as_in_a_goroutine_header() -> None:
    """Texts of any bytes, empty ones, and numbers of other writers."""
    builder = two_stacks(1, 1)
    builder.sample([1], 1, labels=[("z", "/api"), ("a b", "é\n"), (b"bad", b"\xff"), ("", "k"), ("n", 42), ("e", "")])
    assert (
        '{: k, "a b": "\\u00e9\\n", bad: "\\xff", e: , n: 42, z: /api}' == read(builder.bytes()).goroutines["labels"][2]
    )


def test_a_leak_profile_lists_leaked_goroutines() -> None:
    """Every goroutine of a goroutineleak profile is marked as leaked."""
    builder = Builder("goroutineleak/count")
    builder.sample([builder.location(("main.leak", "/x.go", 1))], 3)
    assert [True] * 3 == read(builder.bytes()).goroutines["leaked"].to_list()


@pytest.mark.parametrize(
    ("full", "short"),
    [
        ("main.F[go.shape.int].func1", "main.F[...].func1"),
        ("main.(*Pair[go.shape.string,go.shape.int]).Wait", "main.(*Pair[...]).Wait"),
        ("slices.Values[go.shape.[]int,go.shape.int].func1", "slices.Values[...].func1"),
        ("main.(*Box[go.shape.int]).Map[go.shape.string]", "main.(*Box[...]).Map[...]"),
        ("main.F[...]", "main.F[...]"),
        ("main.F", "main.F"),
        ("main.F[oops", "main.F[oops"),
        ("main.F]oops", "main.F]oops"),
    ],
)
def test_type_arguments_are_left_out_as_the_text_formats_do(full: str, short: str) -> None:
    """So that the same function has the same name in all three formats."""
    builder = Builder()
    builder.sample([builder.location((full, "/x.go", 1))], 1)
    assert (short,) == read(builder.bytes()).stacks[0].functions == (shorten_type_arguments(full),)


def test_addresses_without_functions_are_told() -> None:
    """Go 1.8 wrote no names: places stay apart by their address, and a problem says what would name them."""
    builder = Builder()
    for address in (0x401000, 0x402000):
        builder.sample([builder.location(address=address)], 2)
    snapshot = read(builder.bytes())
    assert [("0x401000",), ("0x402000",)] == [stack.functions for stack in snapshot.stacks]
    assert ["4 goroutines without function names; names need the program's binary"] == reasons(snapshot)
    assert ("Go 1.8", True) == (snapshot.dialect, snapshot.complete)


@pytest.mark.parametrize(
    ("depth", "root", "elided"),
    [
        (32, "main.deep", None),
        (128, "main.deep", None),
        (32, "main.root", 0),
        (31, "main.deep", 0),
        (40, "main.deep", 0),
    ],
)
def test_a_stack_cut_by_the_runtime_is_marked(depth: int, root: str, elided: int | None) -> None:
    """As deep as the runtime keeps stacks, and its outermost function is no other stack's: outer frames are missing."""
    builder = Builder()
    builder.sample([builder.location(("main.root", "/x.go", 1))], 1)
    inner = [builder.location((f"main.f{k}", "/x.go", k)) for k in range(depth - 1)]
    builder.sample([*inner, builder.location((root, "/x.go", 9))], 1)
    assert [0, elided] == [stack.elided for stack in read(builder.bytes()).stacks]


def test_a_recursion_from_the_root_is_cut_too() -> None:
    """``go recurse()``: the outermost function of the cut stack is a known root, but it stands there many times."""
    builder = Builder()
    again = builder.location(("main.recurse", "/x.go", 5))
    builder.sample([again], 1)
    builder.sample([again] * 128, 1)
    assert [0, None] == [stack.elided for stack in read(builder.bytes()).stacks]


# -- one sample a goroutine ------------------------------------------------------------------------------------------


def individual(**labels: str | int) -> Snapshot:
    """A profile of one goroutine with labels ``go::goroutine…`` and others."""
    names = {
        "id": "go::goroutine",
        "by": "go::goroutine_created_by",
        "state": "go::goroutine_state",
        "minutes": "go::goroutine_wait_minutes",
    }
    builder = Builder()
    builder.sample(
        [builder.location(("main.f", "/x.go", 1))], 1, labels=[(names.get(k, k), v) for k, v in labels.items()]
    )
    return read(builder.bytes())


def test_cockroachs_goroutines_have_ids_and_states() -> None:
    """Numbers for the ids and minutes, the runtime's text for the state; other labels stay labels."""
    (row,) = individual(id=123, by=7, state="select", minutes=12, tenant="a-b").goroutines.rows(named=True)
    assert (123, 7, "select", 12) == (row["goroutine_id"], row["creator_id"], row["wait_reason"], row["wait_minutes"])
    assert '{tenant: "a-b"}' == row["labels"]


def test_the_same_as_texts() -> None:
    """Writers that know no numeric labels; a creator may be the function of the ``go`` statement."""
    snapshot = individual(id="123", by="main.start", state="chan receive (durable), locked to thread", minutes="3")
    (row,) = snapshot.goroutines.rows(named=True)
    assert (123, None, "chan receive", 3) == (
        row["goroutine_id"],
        row["creator_id"],
        row["wait_reason"],
        row["wait_minutes"],
    )
    assert (True, "(durable)") == (row["locked"], row["attributes"])
    assert Frame("main.start", "", 0) == snapshot.stacks[0].created_by


def test_goroutine_0_is_written_as_a_text() -> None:
    """A thread's own stack: as a number, 0 could not be told from no number."""
    assert [0] == individual(id="0", state="idle").goroutines["goroutine_id"].to_list()


@pytest.mark.parametrize("goroutine_id", [-1, 1 << 62, "-", "x", "9" * 30])
def test_absurd_ids_are_null_or_64_bit(goroutine_id: str | int) -> None:
    """Ids above 2⁶³ come as negative numbers; what is no id is a problem."""
    snapshot = individual(id=goroutine_id, state="select")
    kept = snapshot.goroutines["goroutine_id"][0]
    expected = goroutine_id % (1 << 64) if isinstance(goroutine_id, int) else None
    assert expected == kept
    assert ([] if expected else ["goroutine id is not a 64-bit number"]) == reasons(snapshot)


def test_companions_are_known_when_creators_are() -> None:
    """In CockroachDB's profiles a goroutine names its creator's id, so that rules can tell whose companion it is."""
    snapshot = individual(id=5, by=4, state="select")
    assert 0 == snapshot.goroutines["creator_id"].null_count()


# -- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "types"),
    [
        ("CPU profile", ("samples/count", "cpu/nanoseconds")),
        ("heap profile", ("alloc_objects/count", "alloc_space/bytes", "inuse_objects/count", "inuse_space/bytes")),
        ("mutex or block profile", ("contentions/count", "delay/nanoseconds")),
        ("threadcreate profile", ("threadcreate/count",)),
        ("profile of another kind", ("sessions/count",)),
    ],
)
def test_profiles_of_other_things_are_refused_by_name(kind: str, types: tuple[str, ...]) -> None:
    """CPU, heap, mutex, block, threads: the error names what the profile counts."""
    builder = Builder(*types)
    builder.sample([builder.location(("main.f", "/x.go", 1))], *range(len(types)))
    with pytest.raises(UnsupportedFormatError) as caught:
        read(builder.bytes())
    assert f"test: a {kind} ({', '.join(types)}), not goroutines" == str(caught.value)
    assert "debug/pprof/goroutine" in caught.value.hint


def test_a_real_heap_profile_is_refused() -> None:
    """heap.pprof of a kubo bundle."""
    with zipfile.ZipFile(FIXTURES / "kubo/v0.40.1-quiet/ipfs-profile-01.zip") as bundle:
        data = bundle.read("heap.pprof")
    with pytest.raises(UnsupportedFormatError, match=r"a heap profile \(alloc_objects/count"):
        read(gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data)


def test_a_delta_profile_is_refused() -> None:
    """?seconds=N writes changes, of which some are negative."""
    with pytest.raises(UnsupportedFormatError, match="a delta profile"):
        read(two_stacks(3, -2).bytes())


def test_a_profile_over_time_is_doubted() -> None:
    """A goroutine profile of one moment has no duration."""
    builder = two_stacks(3, 2)
    builder.profile.duration_nanos = 30_000_000_000
    assert ["covers 30 s: the counts may be sums or changes over that time"] == reasons(read(builder.bytes()))


def test_two_profiles_in_one_file_are_refused() -> None:
    """Protobuf would merge them, and every index would point into the wrong table."""
    with pytest.raises(UnrecognisedFormatError, match="two profiles in one file"):
        read(two_stacks(3, 2).bytes() * 2)


@pytest.mark.parametrize("name", ["go/go1.27/states.pb.gz", "go/go1.27/labels.pb.gz"])
def test_a_profile_cut_anywhere_is_damaged(name: str) -> None:
    """Go writes the names last: a cut profile is refused as damaged, or says what is missing; never a traceback."""
    data = content(FIXTURES / name)
    whole = len(read(data).goroutines)
    for place in range(1, len(data), 7):
        snapshot, error = read_or_error(data[:place])
        if snapshot is None:
            assert place < 24 or "damaged" in error
        else:
            assert (False, True) == (snapshot.complete, bool(snapshot.problems))
            assert len(snapshot.goroutines) <= whole


def test_indices_that_point_nowhere_are_problems() -> None:
    """A location that is not there, a function without a name: the goroutines stay, marked as lacking frames."""
    builder = two_stacks(3, 2)
    builder.sample([1, 99, 3], 4)
    builder.profile.location[2].line[0].function_id = 77
    builder.profile.function[0].name = 5000
    snapshot = read(builder.bytes())
    assert (9, False) == (len(snapshot.goroutines), snapshot.complete)
    assert {
        "damaged: 1 locations are not in the profile",
        "damaged: 1 functions are not in the profile",
        "damaged: 1 names are not in the string table",
    } == {reason for reason in reasons(snapshot) if reason.startswith("damaged")}
    assert None is snapshot.stacks[2].elided


def test_a_count_that_no_process_has_is_not_believed() -> None:
    """A damaged value does not fill the memory; the sample is lost and named."""
    snapshot = read(two_stacks(3, 1 << 60).bytes())
    assert (3, 3 + (1 << 60), False) == (len(snapshot.goroutines), snapshot.header_lines, snapshot.complete)
    assert ["sample 2 counts more goroutines than a process can have; not read"] == reasons(snapshot)
    assert snapshot.header_lines > counted.MOST_GOROUTINES


# -- which format it is ----------------------------------------------------------------------------------------------


def test_labels_that_hold_a_goroutine_header_do_not_make_it_text() -> None:
    """A label may hold a newline and anything behind it."""
    snapshot = read(content(FIXTURES / "go/go1.27/labels.pb.gz"))
    assert "goroutine-pprof" == snapshot.format
    assert any("goroutine 999" in str(label) for label in snapshot.goroutines["labels"])


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"\n\n\ngoroutine 1 [running]:\n", b"x" * 99, b"\x0a\x05hello", b"\0" * 99, b"Z\x04text"]
)
def test_text_and_other_bytes_are_not_claimed(data: bytes) -> None:
    """The first field must be a pair of small indices, or many fields must follow each other without a fault."""
    assert not goroutine_pprof.claims(data)


def test_writers_that_begin_with_another_field_are_claimed_too() -> None:
    """The order of fields is free: a profile with its samples first."""
    data = two_stacks(3, 2).bytes()
    first = 2 + data[1]
    padded = data[first:] + b"\x48\x01" * 30 + data[:first]
    assert claim.claims(padded)
    assert 5 == len(read(padded).goroutines)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Nothing but our own errors comes out, whatever stands behind a plausible beginning."""
    for beginning in (b"", b"\x5a\x04\x08\x01\x10\x02", two_stacks(3, 2).bytes()):
        snapshot, error = read_or_error(beginning + data)
        if snapshot is None:
            assert error
        else:
            assert len(snapshot.goroutines) <= snapshot.header_lines


CALLS = st.lists(
    st.tuples(
        st.text(st.characters(exclude_characters="[]%", codec="utf-8"), min_size=1), st.text(), st.integers(-9, 1 << 30)
    ),
    min_size=1,
    max_size=3,
)


@given(st.lists(st.tuples(st.integers(1, 40), st.lists(CALLS, min_size=1, max_size=4)), max_size=5))
def test_whatever_is_written_is_read_back(samples: list[tuple[int, list[list[Call]]]]) -> None:
    """Counts and frames of any text survive; nothing is reported."""
    builder = Builder()
    for count, locations in samples:
        builder.sample([builder.location(*calls) for calls in locations], count)
    snapshot = read(builder.bytes())
    expected = [[call for calls in locations for call in calls] for count, locations in samples for _ in range(count)]
    rows = [snapshot.stacks[stack_id].frames for stack_id in snapshot.goroutines["stack_id"]]
    assert expected == [[(frame.function, frame.file, frame.line) for frame in frames] for frames in rows]
    assert (True, ()) == (snapshot.complete, snapshot.problems)


# -- the fixtures and the corpus -------------------------------------------------------------------------------------

GO = {name: entry for name, entry in index("go").items() if entry["format"] == "goroutine-pprof"}


@pytest.mark.parametrize("name", sorted(GO))
def test_a_profile_of_a_go_runtime_is_read_whole(name: str) -> None:
    """As many goroutines as the program had, nothing doubtful; the same when it is already unpacked."""
    snapshot = read(content(FIXTURES / "go" / name))
    assert (GO[name]["goroutines"], True, ()) == (len(snapshot.goroutines), snapshot.complete, snapshot.problems)
    assert not any("go.shape" in function for stack in snapshot.stacks for function in stack.functions)


@pytest.mark.parametrize(
    "path", sorted(FIXTURES.glob("kubo/*/*.pb.gz")), ids=lambda path: f"{path.parent.name}-{path.name[17:19]}"
)
def test_a_kubo_profile_is_read_whole(path: Path) -> None:
    """Complete and without a problem; the sum of all values, counted on the wire."""
    data = content(path)
    snapshot = read(data)
    assert sum(sample.value[0] for sample in schema.parse(data).sample) == len(snapshot.goroutines)
    assert (True, ()) == (snapshot.complete, snapshot.problems)


def test_the_stall_is_found_in_a_profile() -> None:
    """Rules work on stacks alone; what needs creators is unknown, not zero."""
    snapshot = read(content(FIXTURES / "kubo/v0.40.1-stalled-tcp/goroutine.debug0-02.pb.gz"))
    (finding,) = [f for f in classify(snapshot, rule.catalogue()) if f.rule.name == "bitswap-close-stall"]
    assert (12, None, {"yamux": 12}) == (finding.count, finding.evidence["companions"], finding.evidence["transports"])


def test_a_gzipped_profile_is_reported() -> None:
    """From the file to the report: the source takes gzip off."""
    (snapshot,) = json_of(FIXTURES / "go/go1.27/states.pb.gz")["snapshots"]
    assert ("goroutine-pprof", GO["go1.27/states.pb.gz"]["goroutines"]) == (snapshot["format"], snapshot["goroutines"])


needs_corpus = pytest.mark.skipif(CORPUS is None, reason="the corpus of other dumps is not on this machine")


def corpus_profiles() -> list[tuple[str, int | None]]:
    """Profiles of the corpus: those of public repositories with their goroutines, and our own programs'."""
    if CORPUS is None:
        return []
    rows = [
        line.split("|") for line in (CORPUS / "INDEX.md").read_text().splitlines() if line.startswith("| third-party")
    ]
    listed: list[tuple[str, int | None]] = [
        (row[1].strip(), int(row[4].split()[0])) for row in rows if row[3].strip() == "pprof-proto"
    ]
    return listed + [(str(path.relative_to(CORPUS)), None) for path in sorted((CORPUS / "go").glob("*/*.debug0.pb.gz"))]


@needs_corpus
@pytest.mark.parametrize(("name", "goroutines"), corpus_profiles(), ids=[name for name, _ in corpus_profiles()])
def test_a_corpus_profile_is_read_whole(name: str, goroutines: int | None) -> None:
    """Fifteen Go versions, gccgo, and profiles from production: all goroutines, and names wherever there are any."""
    assert CORPUS is not None
    data = content(CORPUS / name)
    snapshot = read(data)
    assert (goroutines or sum(sample.value[0] for sample in schema.parse(data).sample)) == len(snapshot.goroutines)
    assert snapshot.complete
    assert ("go1.8/" in name) == bool(snapshot.problems)
