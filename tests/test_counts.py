"""Counted text (debug=1): what Go prints, what is left when it is damaged, and how it agrees with the other formats."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from helpers import CORPUS, DUMP, FIXTURES, index
from stackscan import formats
from stackscan.analysis.classify import classify
from stackscan.analysis.occupancy import sample
from stackscan.errors import UnsupportedFormatError
from stackscan.formats import counted, goroutine_counts, labels
from stackscan.formats.goroutine_counts import grammar
from stackscan.formats.grammars import subtrees_of, tokens_of
from stackscan.knowledge import pool, rule
from stackscan.model.snapshot import Frame, Snapshot

TEXT = """\
goroutine profile: total 6
3 @ 0x47db8a 0x4151ee 0x4e797c 0x483be1
# labels: {"handler":"/api", "key with space":"a\\nb"}
#\t0x4e797b\tmain.wait+0x1b\t\t/src/app/main.go:15

2 @ 0x47db8a 0x47dc8a 0x4e7a7d 0x4dd88c 0x483be1
#\t0x4e7a7c\tmain.(*Pool[...]).run+0x1c\t/src/app/pool.go:41
#\t0x4dd88b\tmain.serve+0x8b\t\t\t/src/app/main.go:57

1 @ 0x441000 0x442000 0x483be1
#\t0x440fff\tgopkg.in/yaml%2ev3.load+0x10a\tC:/Program Files/x.go:7
#\t0x441fff

"""


def by_grammar(text: str) -> tuple[int, list[tuple[int, str | None]]]:
    """The total of a profile, and the count and labels of each record, read by the grammar with no shortcut."""
    tree = grammar.parse(text, "profile")
    assert tree is not None
    header, *records = subtrees_of(tree)
    found = []
    for head, *below in map(subtrees_of, records):
        sets = [part for part in below if part.data == "labels"]
        pairs = ([labels.unquote(str(token)) for token in pair.children] for each in sets for pair in subtrees_of(each))
        found.append((int(tokens_of(head)["COUNT"]), labels.label_text((key, value) for key, value in pairs)))
    return int(tokens_of(header)["TOTAL"]), found


def read(data: bytes | str, where: str = "test") -> Snapshot:
    """The only snapshot of some bytes."""
    (snapshot,) = formats.read(data.encode() if isinstance(data, str) else data, where=where)
    return snapshot


def content(path: Path) -> bytes:
    """The bytes of a fixture, decompressed."""
    data = path.read_bytes()
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


def counts(snapshot: Snapshot) -> dict[tuple[str, ...], int]:
    """Goroutines by the functions of their stack."""
    found: Counter[tuple[str, ...]] = Counter()
    for stack_id, count in snapshot.goroutines.group_by("stack_id").len().iter_rows():
        found[snapshot.stacks[stack_id].functions] += count
    return dict(found)


def reasons(snapshot: Snapshot) -> list[tuple[int, str]]:
    """The lines and reasons of a snapshot's problems."""
    return [(problem.line, problem.reason) for problem in snapshot.problems]


# -- what Go prints --------------------------------------------------------------------------------------------------


def test_a_record_becomes_as_many_rows_as_it_counts() -> None:
    """Six goroutines in three stacks; the lines are those of their records."""
    snapshot = read(TEXT)
    assert "goroutine-counts" == snapshot.format
    assert [0, 0, 0, 1, 1, 2] == snapshot.goroutines["stack_id"].to_list()
    assert [2, 2, 2, 6, 6, 10] == snapshot.goroutines["line"].to_list()
    assert (6, True, ()) == (snapshot.header_lines, snapshot.complete, snapshot.problems)


def test_frames_are_taken_apart() -> None:
    """Function, file, line and offset; a path's escapes are undone; an address without a symbol is its own name."""
    stacks = read(TEXT).stacks
    assert (Frame("main.wait", "/src/app/main.go", 15, 0x1B),) == stacks[0].frames
    assert ("main.(*Pool[...]).run", "main.serve") == stacks[1].functions
    assert (Frame("gopkg.in/yaml.v3.load", "C:/Program Files/x.go", 7, 0x10A), Frame("0x441fff", "", 0)) == stacks[
        2
    ].frames


def test_labels_are_spelt_as_in_a_goroutine_header() -> None:
    """Quoted only where they must be, as Go 1.27 prints them in the full text."""
    assert '{handler: /api, "key with space": "a\\nb"}' == read(TEXT).goroutines["labels"][0]
    assert read(TEXT).goroutines["labels"][3] is None


def test_what_the_format_cannot_know_is_null() -> None:
    """No id, wait reason, wait time, creator: none is guessed."""
    table = read(TEXT).goroutines
    unknown = ["goroutine_id", "wait_reason", "wait_minutes", "creator_id", "locked", "leaked", "attributes", "thread"]
    assert [6] * len(unknown) == [table[name].null_count() for name in unknown]


def test_a_leak_profile_lists_leaked_goroutines() -> None:
    """Every goroutine of a goroutineleak profile is marked as leaked."""
    snapshot = read(TEXT.replace("goroutine profile", "goroutineleak profile"))
    assert [True] * 6 == snapshot.goroutines["leaked"].to_list()
    assert "Go 1.26 or later" == snapshot.dialect


def test_text_without_symbols_keeps_places_apart_and_says_so() -> None:
    """debug=0 of Go 1.7 and earlier: addresses only."""
    snapshot = read("goroutine profile: total 3\n2 @ 0x401000 0x402000\n1 @ 0x403000 0x402000\n")
    assert {("0x401000", "0x402000"): 2, ("0x403000", "0x402000"): 1} == counts(snapshot)
    assert [(2, "3 goroutines without function names; names need the program's binary")] == reasons(snapshot)
    assert snapshot.complete
    assert "Go 1.7 or earlier, debug=0" == snapshot.dialect


def test_gccgo_prints_counts_without_places() -> None:
    """``61 @`` with an address of zero: goroutines without frames, and a problem that says so."""
    snapshot = read(content(FIXTURES / "go/gccgo12/states.debug1.txt"))
    assert 61 == counts(snapshot)[()]
    assert [(2, "61 goroutines without function names; names need the program's binary")] == reasons(snapshot)
    assert "gccgo" == snapshot.dialect


def test_a_goroutine_that_has_not_run_has_no_frames() -> None:
    """Only runtime.goexit is in its record, and that is hidden: no damage."""
    text = TEXT.replace("total 6", "total 7") + "1 @ 0x483be1\n\n"
    snapshot = read(text)
    assert 1 == counts(snapshot)[()]
    assert (True, ()) == (snapshot.complete, snapshot.problems)


def deep(depth: int, *, goexit: bool = True) -> str:
    """One shallow record and one of ``depth`` addresses, which ends in runtime.goexit or not."""
    ends = [0x483BE1] if goexit else []
    addresses = [0x400001 + 16 * k for k in range(depth - len(ends))]
    frames = [f"#\t{address - 1:#x}\tmain.f{k}+0x1\t/x.go:{k + 1}" for k, address in enumerate(addresses)]
    head = " ".join(map(hex, addresses + ends))
    shallow = "1 @ 0x47db8a 0x483be1\n#\t0x47db89\tmain.g+0x1\t/x.go:1\n\n"
    return f"goroutine profile: total 2\n{shallow}1 @ {head}\n" + "\n".join(frames) + "\n\n"


@pytest.mark.parametrize(
    ("depth", "goexit", "elided"),
    [
        (32, False, None),
        (128, False, None),
        (32, True, 0),
        (128, True, 0),
        (31, False, 0),
        (33, False, 0),
        (127, False, 0),
    ],
)
def test_a_stack_cut_by_the_runtime_is_marked(depth: int, goexit: bool, elided: int | None) -> None:
    """Exactly 32 or 128 addresses that do not end where all stacks end: outer frames are missing."""
    snapshot = read(deep(depth, goexit=goexit))
    assert [0, elided] == [stack.elided for stack in snapshot.stacks]
    assert (True, ()) == (snapshot.complete, snapshot.problems)


def test_two_profiles_in_one_file_are_two_snapshots() -> None:
    """Each with its own goroutines and totals; one of another kind between them is left alone."""
    threads = "threadcreate profile: total 9\n9 @\n#\t0x0\n\n"
    found = formats.read((TEXT + threads + TEXT).encode(), where="test")
    assert [6, 6] == [len(snapshot.goroutines) for snapshot in found]
    assert [(), ()] == [snapshot.problems for snapshot in found]


# -- which format it is ----------------------------------------------------------------------------------------------


def test_a_full_text_dump_that_mentions_a_profile_is_full_text() -> None:
    """A profile's first line alone is no profile, before goroutines of the full text or behind them."""
    line = "goroutine profile: total 6\n"
    assert ["goroutine-text"] == [s.format for s in formats.read((DUMP + "\n" + line).encode(), where="test")]
    assert not goroutine_counts.claims((line + DUMP).encode())


def test_dumps_of_different_formats_in_one_text_are_all_read() -> None:
    """Full text and counted text, in either order."""
    for text in (DUMP + "\n" + TEXT, TEXT + DUMP):
        found = formats.read(text.encode(), where="test")
        assert {"goroutine-counts", "goroutine-text"} == {snapshot.format for snapshot in found}
        assert [()] * 2 == [snapshot.problems for snapshot in found]


def test_a_counted_profile_with_a_header_in_its_text_is_counted() -> None:
    """A line that looks like a goroutine's header, above a profile."""
    assert "goroutine-counts" == read("goroutine 7 [select]: says the log\n" + TEXT).format


@pytest.mark.parametrize("name", ["threadcreate", "sessions", "github.com/acme/pool"])
def test_profiles_of_other_things_are_refused_by_name(name: str) -> None:
    """The same text counts threads, or whatever a program counts with it."""
    with pytest.raises(UnsupportedFormatError, match=f"is a {name} profile, not a goroutine profile"):
        read(TEXT.replace("goroutine profile", f"{name} profile"))


def test_an_empty_profile_is_read() -> None:
    """No goroutine has leaked: nothing is wrong."""
    snapshot = read("goroutineleak profile: total 0\n")
    assert (0, True, ()) == (len(snapshot.goroutines), snapshot.complete, snapshot.problems)


# -- damage ----------------------------------------------------------------------------------------------------------

HARMLESS = {
    "CRLF": TEXT.replace("\n", "\r\n"),
    "byte order mark": "\ufeff" + TEXT,
    "blank lines lost": re.sub(r"\n\n", "\n", TEXT),
    "blank lines doubled": TEXT.replace("\n", "\n\n"),
    "tabs lost": TEXT.expandtabs(8),
    "indented": re.sub(r"(?m)^", "    ", TEXT),
    "trailing blanks": TEXT.replace("\n", "  \n"),
    "text around": f"GET /debug/pprof\n{TEXT}bye: 3 @ home\n",
    "HTML": TEXT.replace("+0x", "&#43;0x"),
}


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS)
def test_what_carries_the_text_does_not_change_it(text: str) -> None:
    """Line ends, marks, blank lines, indentation, text around: the same goroutines in the same stacks."""
    snapshot = read(text)
    assert counts(read(TEXT)) == counts(snapshot)
    assert read(TEXT).stacks == snapshot.stacks
    assert (6, True) == (snapshot.header_lines, snapshot.complete)


def test_a_lost_count_line_loses_its_goroutines_and_says_how_many() -> None:
    """Frames fit no address of the record above: they are another's; the total tells how many are gone."""
    snapshot = read(TEXT.replace("2 @ 0x47db8a 0x47dc8a 0x4e7a7d 0x4dd88c 0x483be1\n", ""))
    assert (4, 6, False) == (len(snapshot.goroutines), snapshot.header_lines, snapshot.complete)
    assert [
        (1, "the header says 6 goroutines, the records add up to 4"),
        (6, "frames without a count line: their goroutines are lost"),
    ] == reasons(snapshot)
    assert ("main.wait",) in counts(snapshot)


def test_a_damaged_count_line_keeps_its_count() -> None:
    """The number of goroutines is readable; only the addresses are gone."""
    snapshot = read(TEXT.replace("2 @ 0x47db8a 0x47dc8a", "2 @ 0x47d%&8a 0x47dc8a"))
    assert counts(read(TEXT)) == counts(snapshot)
    assert [(6, "count line is damaged; its addresses are skipped")] == reasons(snapshot)
    assert snapshot.complete


def test_a_damaged_frame_line_costs_one_frame() -> None:
    """The record stays, marked as lacking frames."""
    snapshot = read(TEXT.replace("main.serve+0x8b", "main.se 2026 INFO log"))
    assert 2 == counts(snapshot)[("main.(*Pool[...]).run",)]
    assert None is snapshot.stacks[1].elided
    assert (8, "frame line is damaged; frame skipped") in reasons(snapshot)


def test_a_lost_frame_line_is_noticed() -> None:
    """An address between two printed ones has no line."""
    text = TEXT.replace("0x4e7a7d 0x4dd88c 0x483be1", "0x4e7a7d 0x4e8000 0x4dd88c 0x483be1")
    snapshot = read(text)
    assert [(6, "frames of this record are missing")] == reasons(snapshot)
    assert [0, None, 0] == [stack.elided for stack in snapshot.stacks]


def test_damaged_labels_are_left_out() -> None:
    """The record stays without them."""
    snapshot = read(TEXT.replace('"handler":"/api"', '"handler":"/ap'))
    assert (6, 6) == (len(snapshot.goroutines), snapshot.goroutines["labels"].null_count())
    assert [(3, "label line is damaged; labels skipped")] == reasons(snapshot)


def test_other_text_inside_is_reported_and_left_out() -> None:
    """A log line between frames costs nothing; the same after the profile is no problem at all."""
    snapshot = read(TEXT.replace("#\t0x4dd88b", "2026-11-23 INFO tick\n#\t0x4dd88b"))
    assert counts(read(TEXT)) == counts(snapshot)
    assert [(8, "other text inside the profile")] == reasons(snapshot)


def test_a_count_that_no_process_has_is_not_believed() -> None:
    """A damaged count does not fill the memory; the record is lost and named."""
    snapshot = read(TEXT.replace("\n2 @", "\n22222222222 @"))
    assert (4, False) == (len(snapshot.goroutines), snapshot.complete)
    assert (6, "more goroutines than a process can have; not read") in reasons(snapshot)


def test_the_tail_of_a_profile_is_read_and_said_to_be_one() -> None:
    """The first lines are gone, with them the total."""
    snapshot = read(TEXT.split("\n", 4)[4])
    assert (3, False) == (len(snapshot.goroutines), snapshot.complete)
    assert (
        "the text begins inside a profile: its total and its first records are lost" in dict(reasons(snapshot)).values()
    )


@pytest.mark.parametrize("place", range(30, len(TEXT) - 1))
def test_a_profile_cut_anywhere_is_not_complete(place: int) -> None:
    """Cut at any byte: no goroutine that is not there, no traceback, and never called complete."""
    snapshot = read(TEXT[:place])
    whole_at_a_line_end = TEXT[:place].endswith("\n") and TEXT[place:].strip() == ""
    assert whole_at_a_line_end == snapshot.complete
    assert len(snapshot.goroutines) <= 6
    assert whole_at_a_line_end or snapshot.problems


def test_many_problems_of_a_kind_are_counted() -> None:
    """A hundred are listed, one more says how many others there are."""
    snapshot = read("goroutine profile: total 150\n" + "1 @ 0x1 0x&\n" * 150)
    assert (6, "50 more: count line is damaged; its addresses are skipped") not in reasons(snapshot)
    assert "50 more: count line is damaged; its addresses are skipped" in dict(reasons(snapshot)).values()


@pytest.mark.parametrize(
    "line",
    [
        "#\t0x1\t" + "main.f+0x1 " * 100_000,
        "#\t0x1\tmain.f+0x1\t/x" + ":1x" * 100_000,
        "1 @" + " 0x1" * 300_000 + " &",
        '# labels: {"a":"' + "\\\\" * 300_000,
        "9" * 100_000 + " @ 0x1",
    ],
    ids=["function", "file", "addresses", "labels", "count"],
)
def test_an_endless_line_costs_its_record(line: str) -> None:
    """One absurd line is refused or read, in no more time than its length asks for."""
    snapshot = read(TEXT + line + "\n")
    assert 6 <= len(snapshot.goroutines) <= 7


# -- properties ------------------------------------------------------------------------------------------------------

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Z"]), min_size=1).filter(
    lambda s: "+0x" not in s
)
FRAMES = st.lists(st.tuples(NAMES, NAMES, st.integers(0, 10**6), st.integers(0, 1 << 32)), min_size=1, max_size=6)
RECORDS = st.lists(st.tuples(st.integers(1, 50), FRAMES, st.dictionaries(st.text(), st.text(), max_size=3)), max_size=6)


def go_quoted(text: str) -> str:
    """A string as %q writes it, every character but plain letters escaped."""
    return '"' + "".join(c if c.isascii() and c.isalnum() else f"\\U{ord(c):08x}" for c in text) + '"'


def printed(records: list[Any]) -> str:
    """Records as printStackRecord writes them."""
    lines = [f"goroutine profile: total {sum(count for count, _, _ in records)}"]
    for number, (count, frames, pairs) in enumerate(records):
        first = 0x400000 + 0x1000 * number
        lines.append(f"{count} @ " + " ".join(f"{first + 16 * k + 1:#x}" for k in range(len(frames))) + " 0x9")
        if pairs:
            lines.append(
                "# labels: {" + ", ".join(f"{go_quoted(k)}:{go_quoted(v)}" for k, v in sorted(pairs.items())) + "}"
            )
        lines += [f"#\t{first + 16 * k:#x}\t{f}+{o:#x}\t\t{p}:{n}" for k, (f, p, n, o) in enumerate(frames)]
        lines.append("")
    return "\n".join(lines) + "\n"


@given(RECORDS)
@example([(1, [("0", "0", 0, 0)], {"Locations": "", "userCurrentLoc": "[", "Goroutines": "{"})])
def test_whatever_is_printed_is_read_back(records: list[Any]) -> None:
    """Counts, frames and labels of any text survive; nothing is reported."""
    snapshot = read(printed(records))
    expected = [frames for count, frames, _ in records for _ in range(count)]
    rows = [snapshot.stacks[stack_id].frames for stack_id in snapshot.goroutines["stack_id"]]
    assert [[(grammar.unescape_path(f), p, n, o) for f, p, n, o in frames] for frames in expected] == [
        [(f.function, f.file, f.line, f.pc_offset) for f in frames] for frames in rows
    ]
    assert [
        labels.label_text(pairs.items()) for count, _, pairs in records for _ in range(count)
    ] == snapshot.goroutines["labels"].to_list()
    assert (True, ()) == (snapshot.complete, snapshot.problems)


@given(RECORDS)
def test_the_reader_agrees_with_the_grammar(records: list[Any]) -> None:
    """The whole text under the grammar alone gives the same counts, labels and frames."""
    text = printed(records)
    _, records_read = by_grammar(text)
    snapshot = read(text)
    assert records_read == [
        (len(rows), rows["labels"][0]) for _, rows in snapshot.goroutines.group_by("line", maintain_order=True)
    ]


@settings(max_examples=300)
@given(
    st.lists(
        st.sampled_from([*TEXT.split("\n"), "3 @", "# labels: {", "#", "goroutine profile: total 2", "\x00", "x"]),
        max_size=30,
    )
)
def test_lines_in_any_order_never_raise(lines: list[str]) -> None:
    """Whatever the order of a profile's lines, the rows agree with the stacks and the losses are accounted for."""
    data = ("goroutine profile: total 6\n1 @ 0x1 0x2\n" + "\n".join(lines)).encode()
    for snapshot in formats.read(data, where="test"):
        snapshot.check_valid()
        assert len(snapshot.goroutines) <= snapshot.header_lines
        assert snapshot.complete or snapshot.problems


@given(st.text())
def test_a_label_survives_quoting(text: str) -> None:
    """Quoted as Go 1.27 prints it and unquoted again, any text is itself; the quoted form is plain ASCII."""
    quoted = labels.quote(text)
    assert quoted.isascii()
    assert text == (labels.unquote(quoted) if quoted.startswith('"') else quoted)


# -- the fixtures and the corpus -------------------------------------------------------------------------------------

GO = {name: entry for name, entry in index("go").items() if entry["format"] == "goroutine-counts"}
KUBO = sorted(FIXTURES.glob("kubo/*/goroutine.debug1-*.txt.gz"))


@pytest.mark.parametrize("name", sorted(GO))
def test_a_profile_of_a_go_runtime_is_read_whole(name: str) -> None:
    """As many goroutines as the program had; nothing is missing and the grammar alone says the same."""
    data = content(FIXTURES / "go" / name)
    snapshot = read(data)
    assert (GO[name]["goroutines"], GO[name]["complete"]) == (len(snapshot.goroutines), snapshot.complete)
    total, records_read = by_grammar(data.decode())
    assert ("gccgo" in name) == bool(snapshot.problems)
    assert sum(count for count, _ in records_read) == len(snapshot.goroutines) == total


@pytest.mark.parametrize("path", KUBO, ids=lambda path: f"{path.parent.name}-{path.name[17:19]}")
def test_workers_of_a_kubo_node_are_counted_as_by_hand(path: Path) -> None:
    """Goroutines, task workers and the stalled among them agree with what was counted in the text by hand."""
    hand = json.loads((path.parent / "capture.json").read_text())["captures"]
    (expected,) = [taken["hand_counts"][path.name] for taken in hand if path.name in taken["hand_counts"]]
    snapshot = read(content(path))
    samples = {one.pool.name: one for one in sample(snapshot, pool.catalogue())}
    workers = samples["bitswap-task-workers"]
    assert (expected["goroutines"], True, ()) == (len(snapshot.goroutines), snapshot.complete, snapshot.problems)
    assert (expected["workers"], expected["workers_stalled"]) == (workers.workers, workers.states["stalled-close"])
    found = {finding.rule.name: finding for finding in classify(snapshot, rule.catalogue())}
    stall = found.get("bitswap-close-stall")
    assert expected["workers_stalled"] == (stall.count if stall else 0)
    if stall is not None:
        assert (expected["workers_stalled_reading"], None) == (stall.evidence["reading"], stall.evidence["companions"])
        assert () == stall.goroutine_ids


#: What differs between two dumps of one process by itself: the goroutine that takes the dump, and those of the HTTP
#: server and client that carry it.
_TAKING = ("runtime/pprof.", "runtime_1pprof.", "net/http.")
_RUNTIME = ("runtime.", "internal/runtime/", "runtime/internal/")


def own_stacks(snapshot: Snapshot) -> dict[tuple[str, ...], int]:
    """Goroutines by their functions, as far as all three formats can agree.

    The runtime's frames are left aside: debug=0 shows all of them, debug=1 those that are not innermost, debug=2 none
    (there a panic in flight is ``panic``). So are goroutines that have not run and those that take the dump.
    """
    found: Counter[tuple[str, ...]] = Counter()
    for functions, count in counts(snapshot).items():
        own = tuple(f for f in functions if not f.startswith(_RUNTIME) and f != "panic")
        if own and not any(f.startswith(_TAKING) for f in own):
            found[own] += count
    return dict(found)


#: Programs whose dumps are kept in all three formats (the stuck ones mostly are in one or two).
ALL_THREE = [
    name
    for name in sorted(GO)
    if "gccgo" not in name and (FIXTURES / "go" / name.replace(".debug1.txt", ".pb.gz")).exists()
]


@pytest.mark.parametrize("name", ALL_THREE)
def test_a_program_has_the_same_stacks_in_debug_0_and_1(name: str) -> None:
    """Cut or not, frame by frame, type arguments left out in both."""
    binary = read(content(FIXTURES / "go" / name.replace(".debug1.txt", ".pb.gz")))
    text = read(content(FIXTURES / "go" / name))
    assert len(text.goroutines) == len(binary.goroutines)
    assert own_stacks(text) == own_stacks(binary)
    assert sorted(str(label) for label in text.goroutines["labels"]) == sorted(
        str(label) for label in binary.goroutines["labels"]
    )


@pytest.mark.parametrize("name", [name for name in ALL_THREE if "deep" not in name and "leak" not in name])
def test_a_program_has_the_same_stacks_in_debug_1_and_2(name: str) -> None:
    """Deep stacks are cut elsewhere in each, and debug=2 of a leak profile lists all goroutines; all others agree."""
    assert own_stacks(read(content(FIXTURES / "go" / name))) == own_stacks(
        read(content(FIXTURES / "go" / name.replace(".debug1", "")))
    )


@pytest.mark.parametrize("name", [name for name in ALL_THREE if "labels" in name and "1.27" in name])
def test_labels_are_spelt_alike_in_all_formats(name: str) -> None:
    """The full text of Go 1.27, counted text and protobuf give the same label texts, character by character."""
    texts = [
        sorted(str(label) for label in read(content(FIXTURES / "go" / other)).goroutines["labels"])
        for other in (name, name.replace(".debug1", ""), name.replace(".debug1.txt", ".pb.gz"))
    ]
    assert texts[0] == texts[1] == texts[2]


@pytest.mark.parametrize("path", KUBO, ids=lambda path: f"{path.parent.name}-{path.name[17:19]}")
def test_a_kubo_node_has_the_same_stacks_in_debug_0_and_1(path: Path) -> None:
    """Two dumps taken milliseconds apart differ at most in the few goroutines that were just sending a message."""
    binary = own_stacks(read(content(path.with_name(path.name.replace("debug1", "debug0").replace(".txt", ".pb")))))
    text = own_stacks(read(content(path)))
    moved = sum(abs(text.get(stack, 0) - binary.get(stack, 0)) for stack in {*text, *binary})
    assert moved <= 0.02 * (sum(text.values()) + sum(binary.values()))


needs_corpus = pytest.mark.skipif(CORPUS is None, reason="the corpus of other dumps is not on this machine")


def go_corpus(kind: str) -> list[tuple[str, dict[str, Any]]]:
    """The corpus' own programs at one debug level, with what their index says."""
    if CORPUS is None:
        return []
    return [
        (f"{listed.parent.name}/{entry['file']}", entry)
        for listed in sorted((CORPUS / "go").glob("*/index.json"))
        for entry in json.loads(listed.read_text())
        if f".{kind}." in entry["file"] and "derived" not in str(listed)
    ]


def third_party(kind: str) -> list[tuple[str, int]]:
    """Profiles of one kind found in public repositories, with the goroutines in them."""
    if CORPUS is None:
        return []
    rows = [
        line.split("|") for line in (CORPUS / "INDEX.md").read_text().splitlines() if line.startswith("| third-party")
    ]
    return [(row[1].strip(), int(row[4].split()[0])) for row in rows if row[3].strip() == kind]


@needs_corpus
@pytest.mark.parametrize(("name", "entry"), go_corpus("debug1"), ids=[name for name, _ in go_corpus("debug1")])
def test_a_corpus_profile_is_read_whole(name: str, entry: dict[str, Any]) -> None:
    """Sixteen Go versions: as many goroutines as the profile's total, at most a few more than the program said."""
    assert CORPUS is not None
    data = content(CORPUS / "go" / name)
    total = int(data.split(b"\n")[0].split()[-1])
    snapshot = read(data)
    assert (total, True) == (len(snapshot.goroutines), snapshot.complete)
    assert not entry["goroutines"] or "leak" in name or 0 <= total - entry["goroutines"] <= 6
    assert ("gccgo" in name) == bool(snapshot.problems)


@needs_corpus
@pytest.mark.parametrize(("name", "goroutines"), third_party("debug1"), ids=[name for name, _ in third_party("debug1")])
def test_a_third_party_profile_is_read_whole(name: str, goroutines: int) -> None:
    """Profiles from production and from other tools."""
    assert CORPUS is not None
    snapshot = read(content(CORPUS / name))
    assert (goroutines, True, ()) == (len(snapshot.goroutines), snapshot.complete, snapshot.problems)


@needs_corpus
def test_text_without_symbols_of_go_1_4_is_read() -> None:
    """debug=0 was text then."""
    assert CORPUS is not None
    snapshot = read(content(CORPUS / "go/go1.4/oldstates.debug0.txt"))
    assert (65, True) == (len(snapshot.goroutines), snapshot.complete)


def test_the_cap_on_goroutines_leaves_room_for_the_largest_dumps() -> None:
    """Ten times the million that the largest known processes have."""
    assert 10_000_000 == counted.MOST_GOROUTINES
