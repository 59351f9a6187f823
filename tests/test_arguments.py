"""Words of argument lists: the columnar reading against the grammar, in whole dumps and in damaged ones."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from itertools import accumulate, islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_differential import TEXTS, blocks, content

from helpers import CORPUS, DUMP, FIXTURES, goroutine, snapshot_of
from stackscan import formats
from stackscan.formats import goroutine_text
from stackscan.formats.goroutine_text import arguments, grammar, late_calls
from stackscan.formats.goroutine_text import plain as plain_reader
from stackscan.formats.goroutine_text.grammar import Argument
from stackscan.formats.goroutine_text.normalise import normalise
from stackscan.formats.goroutine_text.reference import read_block
from stackscan.formats.goroutine_text.words import MARGIN, words
from stackscan.model.arguments import COLUMNS, Words
from stackscan.model.schemas import ARGUMENT_SCHEMA
from stackscan.model.snapshot import Snapshot

Word = tuple[int, int, int, bool]  # frame, position, word, reliable


def words_of(snapshot: Snapshot) -> dict[int, list[Word]]:
    """The words of each goroutine, by the line of its header."""
    table = snapshot.arguments()
    assert table is not None
    assert dict(table.schema) == ARGUMENT_SCHEMA
    lines = snapshot.goroutines["line"].to_list()
    found: dict[int, list[Word]] = {line: [] for line in lines}
    for row, *word in table.iter_rows():
        found[lines[row]].append(tuple(word))
    return found


def flat(arguments: tuple[Argument, ...]) -> list[str]:
    """The words of a list that the grammar read, aggregates undone."""
    return [word for part in arguments for word in ([part] if isinstance(part, str) else flat(part))]


def pointers(frame: int, words: list[str]) -> list[Word]:
    """Those words that may be pointers."""
    numbered = [(place, word) for place, word in enumerate(words) if word.startswith("0x")]
    parsed = [(place, int(word.rstrip("?"), 16), not word.endswith("?")) for place, word in numbered]
    return [(frame, place, value, reliable) for place, value, reliable in parsed if value >= 0x1000]


def compare(data: bytes, *, most: int | None = None) -> int:
    """Compare every goroutine that the grammar accepts as a whole; returns how many words that were."""
    found: dict[int, list[Word]] = {}
    for snapshot in goroutine_text.read(data):
        found |= words_of(snapshot)
    compared = 0
    for line, text in islice(blocks(normalise(data)[0].decode()), most):
        block = read_block(text)
        if block is None or line not in found:
            continue
        lists = enumerate(block.arguments)
        expected = [word for frame, words in lists if words is not None for word in pointers(frame, flat(words))]
        assert expected == found[line], text
        compared += len(expected)
    return compared


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_the_words_equal_the_grammar(path: Path) -> None:
    """Braces, missing words, doubtful ones: each pointer is where the grammar finds it, and none is missing."""
    words = compare(content(path), most=40)
    if path.name == "pool.txt":
        assert words > 20


@pytest.mark.skipif(CORPUS is None, reason="the corpus of third-party dumps is not on this machine")
@pytest.mark.parametrize(
    "name",
    [
        "go/go1.4/oldstates.debug2.txt",
        "go/go1.8/oldstates.debug2.txt",
        "go/go1.12/oldstates.debug2.txt",
        "go/go1.17/frames.debug2.txt",
        "go/go1.18/big1000.debug2.txt",
        "go/go1.27/big10000.debug2.txt.gz",
        "third-party/crazycs520+tidb/goroutine",
    ],
)
def test_the_words_equal_the_grammar_on_the_corpus(name: str) -> None:
    """The same over versions that the fixtures do not hold, over production dumps, and across chunks."""
    assert CORPUS is not None
    path = CORPUS / name
    if not path.exists():
        pytest.skip("not in this corpus")
    assert compare(content(path), most=700)


def test_every_word_of_a_list_is_read_once() -> None:
    """The table says which goroutine, frame and position a word comes from; small numbers are left out."""
    snapshot = snapshot_of(
        "goroutine 1 [select]:\nmain.f(0xc000010000?, {}, {{}, 0x5, 0xc000020000}, _, 0xfff, 0x1000, ...)\n"
        "\t/x.go:1 +0x1\n"
        "main.(*T).g(...)\n\t/x.go:2\nmain.h({0xc000030000?, 0x7f0000000000}, 0xffffffffffffffff)\n\t/x.go:3 +0x1\n\n"
        + DUMP.partition("\n\n")[2]
    )
    table = snapshot.arguments()
    assert table is not None
    assert [
        (0, 0, 0, 0xC000010000, False),
        (0, 0, 2, 0xC000020000, True),
        (0, 0, 5, 0x1000, True),
        (0, 2, 0, 0xC000030000, False),
        (0, 2, 1, 0x7F0000000000, True),
        (0, 2, 2, 0xFFFFFFFFFFFFFFFF, True),
        (1, 0, 0, 0xC0001A2000, True),
        (1, 0, 1, 0x9B3C40, True),
        (1, 0, 2, 0xC00013C8A0, True),
    ] == table.rows()


def test_words_are_read_once_and_only_when_asked() -> None:
    """Reading a dump costs no arguments; who asks twice gets the same table."""
    snapshot = snapshot_of(DUMP)
    assert snapshot.arguments() is snapshot.arguments()


def test_words_of_some_frames_are_those_of_the_table() -> None:
    """Who asks for some frames gets their rows and no others, in regular goroutines and in damaged ones."""
    snapshot = snapshot_of(
        DUMP + "\n" + goroutine(8, ["a.F", "a.G", "a.F"]) + "noise\n" + goroutine(9, ["a.G", "a.F"], line=11)
    )
    everything = snapshot.arguments()
    assert everything is not None
    stacks = snapshot.goroutines["stack_id"].to_list()
    for wanted in {frame for stack in snapshot.stacks for frame in stack.frames}:
        some = snapshot.arguments({wanted})
        assert some is not None
        kept = [snapshot.stacks[stacks[row]].frames[frame] == wanted for row, frame, *_ in everything.iter_rows()]
        assert everything.filter(kept).rows() == some.rows()


def test_formats_without_arguments_say_so() -> None:
    """Counted text and profiles print none: that is None, not an empty table."""
    for name in ("go/go1.26/leak.debug1.txt", "go/go1.26/leak.pb.gz"):
        (snapshot,) = formats.read(content(FIXTURES / name), where=name)
        assert snapshot.arguments() is None


def test_a_text_without_goroutines_has_no_words() -> None:
    """An empty dump has an empty table with all its columns."""
    (snapshot,) = goroutine_text.read(b"panic: out of luck\n")
    table = snapshot.arguments()
    assert table is not None
    assert (dict(table.schema), table.height) == (ARGUMENT_SCHEMA, 0)


# -- damaged, framed, several in one file ----------------------------------------------------------------------------

_INDEX = tomllib.loads((FIXTURES / "derived" / "index.toml").read_text(encoding="utf-8"))
#: Copies whose lines lost something: lists are torn there, or the lines are not read as a dump's.
_TORN = ("interleaved", "wrapped80")
DERIVED = [
    name
    for name, entry in sorted(_INDEX.items())
    if entry["headers"] and not any(word in name for word in (*_TORN, "reversed"))
]


def by_id(snapshots: list[Snapshot]) -> dict[tuple[int, object], list[Word]]:
    """The words of each goroutine by its id and its stack."""
    return {
        (goroutine_id, snapshot.stacks[stack_id]): words_of(snapshot)[line]
        for snapshot in snapshots
        for goroutine_id, stack_id, line in snapshot.goroutines.select("goroutine_id", "stack_id", "line").iter_rows()
    }


@pytest.mark.parametrize("name", DERIVED)
def test_damage_leaves_the_words_of_whole_stacks_alone(name: str) -> None:
    """A copy that a log, a terminal or a full disk damaged has the original's words wherever a stack is whole."""
    damaged = by_id(goroutine_text.read(content(FIXTURES / "derived" / name)))
    original = by_id(goroutine_text.read(content(FIXTURES / "go" / _INDEX[name]["base"].removeprefix("go/"))))
    shared = set(damaged) & set(original)
    assert shared or "windows" in name
    assert {key: original[key] for key in shared} == {key: damaged[key] for key in shared}


def test_each_dump_of_a_file_has_its_own_words() -> None:
    """Two dumps in one file: rows count within each snapshot."""
    first = goroutine(1, ["main.f"], state="running", argument="0xc000000001") + "\n" + goroutine(2, ["main.g"])
    second = goroutine(1, ["main.f"], state="running", argument="0xc000000002") + "\n" + goroutine(3, ["main.h"])
    one, two = goroutine_text.read(f"{first}\n{second}".encode())
    assert [[0, 1], [0, 1]] == [snapshot.arguments()["goroutine"].to_list() for snapshot in (one, two)]  # type: ignore[index]
    assert [[0xC000000001, 0xC000012345], [0xC000000002, 0xC000012345]] == [
        snapshot.arguments()["word"].to_list()  # type: ignore[index]
        for snapshot in (one, two)
    ]


def test_ancestors_add_no_words_and_shift_none() -> None:
    """Frames of ancestor sections are not the goroutine's: its own words stay at its own frames."""
    path = FIXTURES / "go" / "go1.26" / "ancestors.txt"
    (snapshot,) = goroutine_text.read(path.read_bytes())
    assert snapshot.ancestors.height
    depth = [len(stack.frames) for stack in snapshot.stacks]
    table = snapshot.arguments()
    assert table is not None
    assert table.height
    stacks = snapshot.goroutines["stack_id"].to_list()
    assert all(frame < depth[stacks[row]] for row, frame in table.select("goroutine", "frame").iter_rows())


@pytest.mark.parametrize("tail", ["0xc0002024-05-01 INFO tick", "2024-05-01 INFO saw (0xc000020000)"])
def test_a_torn_list_gives_no_words(tail: str) -> None:
    """Where another writer broke a function line, its last word may be half a word, or not its own: none is taken."""
    text = f"goroutine 1 [select]:\nmain.f(0xc000010000, {tail}\n\t/x.go:1 +0x1\n"
    text += "main.g(0xc000030000)\n\t/x.go:2 +0x1\n"
    assert {1: [(1, 0, 0xC000030000, True)]} == words_of(snapshot_of(text))


def test_only_the_stack_remembers_deep_frames() -> None:
    """A frame number that no column can hold costs that frame's words and nothing else."""
    deep = goroutine(1, ["main.f"] * 66_000)
    table = snapshot_of(deep + "\n" + goroutine(2, ["main.g"])).arguments()
    assert table is not None
    assert Counter({0: 65_536, 1: 1}) == Counter(table["goroutine"].to_list())


# -- any list ---------------------------------------------------------------------------------------------------------

numbers = st.integers(0, (1 << 64) - 1) | st.integers(0, 0x2000) | st.sampled_from([0xC000012345, 0xFFF, 0x1000])
plain = numbers.map(hex) | numbers.map(lambda n: f"{n:#x}?") | st.sampled_from(["_", "..."])
nested = st.recursive(plain, lambda inner: st.lists(inner, max_size=4).map(lambda parts: "{" + ", ".join(parts) + "}"))
lists = st.lists(nested, max_size=8).map(lambda parts: "(" + ", ".join(parts) + ")")


@settings(deadline=None)  # a busy machine is no defect
@given(st.lists(lists, min_size=1, max_size=6))
def test_any_list_that_the_grammar_accepts(texts: list[str]) -> None:
    """Whatever the nesting, words and positions are the grammar's."""
    lines = "".join(f"main.f{text}\n\t/x.go:1 +0x1\n" for text in texts)
    dump = f"goroutine 2 [select]:\n{lines}\n{DUMP}"
    read = [grammar.read_arguments(text) for text in texts]
    expected = [word for frame, words in enumerate(read) for word in pointers(frame, flat(words or ()))]
    assert expected == words_of(snapshot_of(dump))[1]


#: A whole word between separators, as the module's docstring means it.
WHOLE = re.compile(r"(?<=[({ ])0x([0-9a-f]{1,16})(\??)(?=\}*(?:,|\)\Z))")


PIECES = (
    "0x1000",
    "0xc000012345",
    "0x",
    "0xg000",
    "0xo0000",
    "{}",
    "?",
    "x",
    "0xC00001",
    "24",
    " ",
    ", ",
    "}",
    "{",
    "é",
)


@settings(deadline=None)  # a busy machine is no defect
@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_any_list_at_all(pieces: list[str]) -> None:
    """Of a list that other output spoilt, the words that are whole remain."""
    text = "(" + "".join(pieces) + ")"
    dump = f"goroutine 2 [select]:\nmain.f{text}\n\t/x.go:1 +0x1\nmain.g()\n\t/x.go:2 +0x1\n\n{DUMP}"
    found = words_of(snapshot_of(dump))[1]
    whole = [(int(m[1], 16), not m[2]) for m in WHOLE.finditer(text)]
    assert [word for word in whole if word[0] >= 0x1000] == [(word, reliable) for _, _, word, reliable in found]


@settings(deadline=None)  # a busy machine is no defect
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=12), min_size=1, max_size=4))
def test_lists_read_one_by_one_have_the_words_of_lists_read_at_once(lists_of_pieces: list[list[str]]) -> None:
    """Small dumps are read without numpy, large ones with it: the same words, positions and doubts."""
    texts = [("(" + "".join(pieces) + ")").encode() for pieces in lists_of_pieces]
    ends = list(accumulate(map(len, texts), initial=len(MARGIN)))
    at_once = words(MARGIN + b"".join(texts), np.array(ends[:-1]), np.array(ends[1:]))
    text = b"".join(texts)
    one_by_one = [
        (place, *word)
        for place, (begin, end) in enumerate(pairwise(accumulate(map(len, texts), initial=0)))
        for word in arguments.words_in(text, begin, end)
    ]
    assert one_by_one == list(zip(*(column.tolist() for column in at_once), strict=True))


@pytest.mark.parametrize("name", ["pool.txt", "locks_deadlock.txt", "cgo_crash.txt", "ancestors.txt"])
@pytest.mark.parametrize("part", [1, 1 << 20])
@pytest.mark.parametrize("few", [0, 1_000])
def test_lists_that_are_looked_for_late_have_the_same_words(
    name: str, part: int, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text of some megabytes that is read goroutine by goroutine: numpy finds its lists when they are asked for, or
    those of a dump with few goroutines are read one by one, between damaged goroutines and in two dumps of one file,
    too."""
    text = (FIXTURES / "go" / "go1.26" / name).read_text()
    data = f"{text}\n{goroutine(7777, ['a.F', 'a.G'])}noise\n{goroutine(8, ['a.G', 'a.F'])}\n{text}".encode()
    one_by_one = goroutine_text.read(data)
    monkeypatch.setattr(plain_reader, "_MANY_CALLS", 0)
    monkeypatch.setattr(late_calls, "_PART", part)
    monkeypatch.setattr(arguments, "_FEW_GOROUTINES", few)
    monkeypatch.setattr("stackscan.model.arguments._BLOCK", 3)
    at_once = goroutine_text.read(data)
    assert 2 <= len(one_by_one)
    for expected, found in zip(one_by_one, at_once, strict=True):
        frames = {frame for stack in found.stacks[::2] for frame in stack.frames}
        for of, first in ((None, False), (frames, False), (frames, True)):
            assert list(expected.words(of, first=first) or ()) == list(found.words(of, first=first) or ())


def test_the_small_dumps_of_a_large_log_need_no_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of dumps of a goroutine each would wait longer for numpy than for their words."""
    text = "noise\n\n".join(goroutine(7, ["a.F", "a.G"]) for _ in range(3)).encode()
    expected = [list(snapshot.words() or ()) for snapshot in goroutine_text.read(text)]
    monkeypatch.setattr(plain_reader, "_MANY_CALLS", 0)
    monkeypatch.setattr(late_calls.LateCalls, "_known", None)
    assert expected == [list(snapshot.words() or ()) for snapshot in goroutine_text.read(text)]
    assert 3 == len(expected)
    assert all(expected)


def test_many_words_are_no_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    """The words of a large text are a few bytes each until somebody looks at them."""
    text = goroutine(7, ["a.F", "a.G"]).encode()
    expected = list(goroutine_text.read(text)[0].words() or ())
    monkeypatch.setattr(plain_reader, "_MANY_CALLS", 0)
    monkeypatch.setattr(arguments, "_FEW_GOROUTINES", 0)
    words = goroutine_text.read(text)[0].words()
    assert words is not None
    assert 17 == sum(memoryview(getattr(words, name)).itemsize for name in COLUMNS)
    assert expected == list(words) == words.table.rows()


def test_only_the_wanted_words_are_read() -> None:
    """Of some frames, of these the first of each list, of these those among some: however the goroutine was read."""
    damaged = goroutine(8, ["a.F", "a.G"], argument="0xc000012345, 0xc000012346") + "noise\n"
    snapshot = snapshot_of(DUMP + "\n" + damaged + goroutine(9, ["a.G", "a.F"], argument="0x1, 0xc000012345"))
    every = snapshot.words()
    assert every is not None
    frames = {frame for stack in snapshot.stacks for frame in stack.frames if frame.function == "a.F"}
    stacks = snapshot.column("stack_id")
    of_f = [word for word in every if snapshot.stacks[stacks[word[0]]].frames[word[1]] in frames]
    assert 3 == len(of_f)
    for among, first in ((None, True), ({0xC000012345}, False), ({0xC000012345}, True), ((), False)):
        found = snapshot.words(frames, among=among, first=first)
        assert found is not None
        assert list(found) == [word for word in of_f if not (first and word[2]) and (among is None or word[3] in among)]


@pytest.mark.parametrize("few", [0, 1000])
@pytest.mark.parametrize("name", ["locks_deadlock.txt", "ancestors.txt"])
def test_few_words_are_searched_for_in_the_text(name: str, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few words are found in the text itself, many list by list: the same words, in two dumps of one file, too."""
    monkeypatch.setattr(arguments, "_FEW", few)
    text = (FIXTURES / "go" / "go1.26" / name).read_text()
    snapshots = goroutine_text.read(f"{text}\n{text}noise\n\n{goroutine(7777, ['a.F', 'a.G'])}".encode())
    assert 2 <= len(snapshots)
    for snapshot in snapshots:
        every = snapshot.words()
        assert every is not None
        distinct = sorted(set(every.word))
        for among in (distinct[::7], distinct[:1], [0x123456], distinct):
            found = snapshot.words(among=frozenset(among))
            assert found is not None
            assert [word for word in every if word[3] in among] == list(found)


def test_words_of_some_goroutines_have_their_new_rows() -> None:
    """Who keeps some goroutines of a dump keeps their words, under their new rows."""
    words_of_all = Words.of([(0, 0, 0, 7, True), (3, 1, 0, 8, False), (3, 1, 2, 9, True)])
    assert [(1, 1, 0, 8, False), (1, 1, 2, 9, True)] == list(words_of_all.of_rows({2: 0, 3: 1}))
