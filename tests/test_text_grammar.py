"""The text grammar, line by line: what each kind of line means in every dialect of Go 1.4 to 1.27."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stackscan.formats.goroutine_text import grammar, known_frames, trees
from stackscan.formats.goroutine_text.grammar import Header
from stackscan.formats.goroutine_text.header import read_tail
from stackscan.formats.goroutine_text.label_columns import split_labels
from stackscan.formats.grammars import subtrees_of, tokens_of
from stackscan.formats.labels import read_labels

if TYPE_CHECKING:
    from lark import Token, Tree

HEADERS = {
    "goroutine 1 [running]:": Header("running"),
    "goroutine 18446744073709551615 [idle]:": Header("idle"),
    "goroutine 7 [select, 3 minutes]:": Header("select", 3),
    "goroutine 1 [chan receive, 2 minutes, locked to thread]:": Header("chan receive", 2, locked=True),
    "goroutine 5 [select (no cases)]:": Header("select (no cases)"),
    "goroutine 5 [chan receive (nil chan) (leaked)]:": Header("chan receive (nil chan)", leaked=True),
    "goroutine 5 [force gc (idle)]:": Header("force gc (idle)"),
    "goroutine 5 [GC worker (idle) (scan)]:": Header("GC worker (idle)", attributes="(scan)"),
    "goroutine 6 [chan receive (durable), locked to thread, synctest bubble 1]:": Header(
        "chan receive", locked=True, attributes="(durable), synctest bubble 1"
    ),
    "goroutine 6 [chan receive (synctest), synctest group 5]:": Header(
        "chan receive (synctest)", attributes="synctest group 5"
    ),
    "goroutine 2 gp=0xc000002380 m=nil [sleep]:": Header("sleep", thread="gp=0xc000002380 m=nil"),
    "goroutine 0 gp=0x58b760 m=0 mp=0x58c760 [idle]:": Header("idle", thread="gp=0x58b760 m=0 mp=0x58c760"),
    "goroutine 7 [select] {job: 7}:": Header("select", labels="{job: 7}"),
    'goroutine 7 [select (leaked)] {"a b": "x]:y", empty: }:': Header(
        "select", leaked=True, labels='{"a b": "x]:y", empty: }'
    ),
    'goroutine 7 [chan receive labels:{"x": "]:"}]:': Header("chan receive", labels='{"x": "]:"}'),
    'goroutine 7 [chan receive, 4 minutes labels:{"k": "v"}]:': Header("chan receive", 4, labels='{"k": "v"}'),
    'goroutine 7 [select labels:{"a": "b"}] {c: d}:': Header("select", labels='{"a": "b"}'),
    "goroutine 9 [select, frozen solid, 2 minutes]:": Header("select", 2, attributes="frozen solid"),
    "goroutine 9 []:": Header(None),
}


@pytest.mark.parametrize(("line", "expected"), HEADERS.items())
def test_a_header_is_read_in_every_dialect(line: str, expected: Header) -> None:
    """Status, minutes, flags, thread and labels; attributes that no Go version prints yet are kept."""
    parsed = grammar.read_header(line)
    assert parsed is not None
    assert expected == parsed[1]
    assert int(line.split()[1]) == parsed[0]


@pytest.mark.parametrize("line", HEADERS)
def test_reading_a_header_by_parts_changes_nothing(line: str) -> None:
    """The shortcut that keeps labels and addresses away from the grammar gives what the grammar gives."""
    assert HEADERS[line] == read_tail(line.split(" ", 2)[2])


def test_reading_labels_many_at_once_changes_nothing() -> None:
    """Headers with labels are split a column at a time: what is split gives what the grammar gives, and most are."""
    tails = [line.split(" ", 2)[2] for line in HEADERS]
    split = 0
    for tail, bracket, labels in zip(tails, *split_labels(pl.Series(tails)), strict=True):
        if bracket is not None:
            split += 1
            plain = read_tail(bracket)
            assert plain is not None
            assert read_tail(tail) == replace(plain, labels=labels)
    assert split >= sum("{" in tail for tail in tails) / 2


_LABEL_TEXT = st.text(alphabet='ab }{]:,"\\\n', max_size=6)


@given(
    st.lists(st.tuples(_LABEL_TEXT, _LABEL_TEXT), min_size=1, max_size=3),
    st.sampled_from(
        ["[select{}]:", "[select{}, 3 minutes]:", "[select, 3 minutes{}]:", "[{}]:", "[select]{}:", "[a]b{}]:"]
    ),
    st.sampled_from([None, '"', "}", "{", "]", ", ", ": "]),
    st.integers(0, 60),
)
def test_labels_cut_out_by_their_literals_are_those_of_the_grammar(
    pairs: list[tuple[str, str]], form: str, dropped: str | None, place: int
) -> None:
    """Whatever stands in the quotes, and whatever is missing: what is split off is what the grammar would read."""
    inner = ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in pairs)
    tail = form.format(f" labels:{{{inner}}}" if "]{" not in form else f" {{{inner}}}")
    if dropped and dropped in tail[place:]:
        at = tail.index(dropped, place)
        tail = tail[:at] + tail[at + len(dropped) :]
    for bracket, labels in zip(*split_labels(pl.Series([tail])), strict=True):
        plain = read_tail(bracket) if bracket is not None else None
        if plain is not None and plain.labels is None and plain.attributes is None:
            assert read_tail(tail) == replace(plain, labels=labels)


def test_every_label_that_go_quotes_is_split_off_at_once() -> None:
    """The usual ones never take the slow way."""
    labels = ['{"job": "7"}', '{"a": "b", "c": "x]:y"}', '{"path": "C:\\x", "empty": ""}', '{"a": "{b"}']
    split = split_labels(pl.Series([f"[select labels:{text}, 3 minutes]:" for text in labels]))
    assert labels == split["labels"].to_list()
    assert {"[select, 3 minutes]:"} == set(split["bracket"])


@pytest.mark.parametrize(
    "line", ["goroutine 7 [select", "goroutine 7 [select]", "goroutine x [select]:", "goroutine 7 [select] {a: b:"]
)
def test_a_torn_header_is_refused(line: str) -> None:
    """The grammar says no; the careful reader then keeps the goroutine and reports the header."""
    assert grammar.read_header(line) is None


def test_labels_come_with_their_quotes_undone() -> None:
    """Go syntax, as strconv.Quote writes it; the empty string is printed bare."""
    text = r'{"a b": "x\ty\"", bad: "\xff", empty: , u: "gr\u00f6\u00dfe \U0001f600", : nokey}'
    expected = [("a b", 'x\ty"'), ("bad", "\udcff"), ("empty", ""), ("u", "größe 😀"), ("", "nokey")]
    assert expected == read_labels(text)


def test_words_that_are_no_labels_are_one_of_their_own() -> None:
    """Half a pair is no label, and is not lost."""
    assert [("labels", "{a b}")] == read_labels("{a b}")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("main.main()", "main.main"),
        ("net/http.(*conn).serve(0xc0001a2000, {0x9b3c40, 0xc00013c8a0?})", "net/http.(*conn).serve"),
        ("main.f(0x1, 0x2, ...)", "main.f"),
        ("main.(*Pair[...]).Wait.func1(...)", "main.(*Pair[...]).Wait.func1"),
        ("main.(*Box[...]).Map[...]({0x1?, {...}})", "main.(*Box[...]).Map[...]"),
        ("gopkg.in/yaml%2ev3.(*Decoder).Decode(0x1)", "gopkg.in/yaml.v3.(*Decoder).Decode"),
        ("example.com/gr%c3%b6%c3%9fe.F()", "example.com/größe.F"),
        ("main.func·007()", "main.func·007"),
        ("main.*T.Ptr·fm(0x1)", "main.*T.Ptr·fm"),
        ("main.F.gowrap1()", "main.F.gowrap1"),
        ("main.F.deferwrap2()", "main.F.deferwrap2"),
        ("main.F-range1(0x1)", "main.F-range1"),
        ("main.Ñandú.等待.func1()", "main.Ñandú.等待.func1"),
        ("panic({0x5722e8?, 0x5861a0?})", "panic"),
        ("checkdead()", "checkdead"),
        ("runtime.goexit({})", "runtime.goexit"),
        (
            'type..eq.struct { A interface {} "k:\\"v\\""; B [...]string }(0xc000093970)',
            'type..eq.struct { A interface {} "k:\\"v\\""; B [...]string }',
        ),
        ('go.struct { *main.T "json:\\"q: {}()\\"" }.Block(0x1)', 'go.struct { *main.T "json:\\"q: {}()\\"" }.Block'),
        ("main.main", "main.main"),  # gccgo
        ("main..go..func35", "main..go..func35"),
        ("ffi_call_unix64", "ffi_call_unix64"),
        ("non-Go function", "non-Go function"),
    ],
)
def test_a_call_gives_the_function_as_go_names_it(line: str, expected: str) -> None:
    """Arguments off, escapes of import paths undone; the arguments begin at the last parenthesis."""
    assert expected == grammar.read_call(line)


@pytest.mark.parametrize("line", ["", " main.main()", "[originating from goroutine 5]:", "(0x1)"])
def test_what_is_no_call_is_refused(line: str) -> None:
    """Indented lines, markers and lone argument lists name no function."""
    assert grammar.read_call(line) is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("\t/src/x.go:12 +0x1a", ("/src/x.go", 12, 26)),
        ("\t/src/x.go:12", ("/src/x.go", 12, None)),
        ("\t/src/x.go:12 +0x1a fp=0xc00009ffe0 sp=0xc00009ffd8 pc=0x4b2c25", ("/src/x.go", 12, 26)),
        ("\t/src/x.go:12 fp=0xc00009ffe0 sp=0xc00009ffd8", ("/src/x.go", 12, None)),
        ("\tC:/Program Files (x86)/Go/proc.go:460 +0xce", ("C:/Program Files (x86)/Go/proc.go", 460, 206)),
        ("\tgithub.com/ipfs/boxo@v0.38.0/server.go:278 +0x1", ("github.com/ipfs/boxo@v0.38.0/server.go", 278, 1)),
        ("\t<autogenerated>:1 +0x5", ("<autogenerated>", 1, 5)),
        ("\t_cgo_gotypes.go:91 +0x3a", ("_cgo_gotypes.go", 91, 58)),
        ("\t??:0 +0x3a", ("??", 0, 58)),
        ("\t/src/a:b.go:-1 +0x3", ("/src/a:b.go", -1, 3)),
        ("\t/src/work.c:17 pc=0x4b2c25", ("/src/work.c", 17, None)),
        ("\tpc=0x4b2c25", ("", 0, None)),
    ],
)  # fmt: skip
def test_a_location_is_read_in_every_spelling(line: str, expected: grammar.Location) -> None:
    """The line number is the last `:digits` before the offset: paths may hold colons, blanks and parentheses."""
    assert expected == grammar.read_location(line)


@pytest.mark.parametrize("line", ["\t/src/x.go", "/src/x.go:12", "\t/src/x.go:12 +0x", "\t/src/x.go:12 fp=0x", "\t"])
def test_what_is_no_location_is_refused(line: str) -> None:
    """A path without a line, a torn offset."""
    assert grammar.read_location(line) is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("created by main.main in goroutine 1", ("main.main", 1)),
        ("created by main.main", ("main.main", None)),
        ("created by net/http.(*Server).Serve in goroutine 21", ("net/http.(*Server).Serve", 21)),
        ("created by gopkg.in/yaml%2ev3.Go", ("gopkg.in/yaml.v3.Go", None)),
        ("created by github.com/x/y.(*T[...]).Write.func1 in goroutine 9", ("github.com/x/y.(*T[...]).Write.func1", 9)),
    ],
)
def test_a_creator_is_read_with_and_without_its_goroutine(line: str, expected: tuple[str, int | None]) -> None:
    """Go 1.21 and later name the goroutine that ran the `go` statement."""
    assert expected == grammar.read_creator(line)


def test_markers_are_read() -> None:
    """Both elided markers, ancestors, unavailable stacks, C frames without a symbol."""
    assert (True, 51) == grammar.read_elided("...51 frames elided...")
    assert (True, None) == grammar.read_elided("...additional frames elided...")
    assert (False, None) == grammar.read_elided("... and so on")
    assert grammar.read_ancestor("[originating from goroutine 5]:") == 5
    assert grammar.read_ancestor("[originating from") is None
    assert grammar.is_unavailable("\tgoroutine running on other thread; stack unavailable")
    assert grammar.is_unavailable("\tgoroutine in C code; stack unavailable")
    assert not grammar.is_unavailable("\tstack unavailable")
    assert grammar.is_non_go("non-Go function at pc=0x4b2c25")
    assert not grammar.is_non_go("non-Go function")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("()", ()),
        ("(...)", ("...",)),
        ("({})", ((),)),
        ("(0x1, 0x2?, _)", ("0x1", "0x2?", "_")),
        ("({0x5526e3, 0x5}, {{0x1?, ...}}, ...)", (("0x5526e3", "0x5"), (("0x1?", "..."),), "...")),
    ],
)
def test_arguments_are_read_in_every_spelling(text: str, expected: tuple[grammar.Argument, ...]) -> None:
    """Raw words (up to 1.16), aggregates (1.17), `?` for stale registers (1.18)."""
    assert expected == grammar.read_arguments(text)


@pytest.mark.parametrize("text", ["(1)", "(0x1,)", "(0x1", "{0x1}", "(0xG)"])
def test_torn_arguments_are_refused(text: str) -> None:
    """Arguments hold hexadecimal words and nothing else."""
    assert grammar.read_arguments(text) is None


def test_no_lark_type_leaves_the_grammar() -> None:
    """lark.Token is a str and would slip into dataclasses, JSON and polars unseen."""
    header = grammar.read_header("goroutine 7 gp=0x1 m=nil [select, odd, 3 minutes] {a: b}:")
    assert header is not None
    values = [header[1].wait_reason, header[1].attributes, header[1].thread, header[1].labels]
    values += [grammar.read_call("main.f(0x1)"), *(grammar.read_location("\t/x.go:1 +0x1") or ())]
    values += [
        *(grammar.read_creator("created by main.f in goroutine 1") or ()),
        *(grammar.read_arguments("(0x1)") or ()),
    ]
    assert {str, int} == {type(value) for value in values}


_PIECES: Final = (
    *" \t()[]{}.,:/*_?-+\\\"'", "a", "T", "é", "\xa0", "\x0b", "\x85", "0", "7", "12", "99999999999999999999999",
    "goroutine ", "goroutine 7 ", "[select", "]:", ", 3 minutes", ", locked to thread", " (leaked)", " (scan)",
    ", synctest bubble 4", " labels:{", "{job: 7}", " gp=0x1 m=nil ", "main.f", "main.(*T).g", "%2e", "(0x1, ...)",
    "()", "(...)", "\t/x.go", "/a b/(c)/x.go", ":12", ":-1", " +0x1a", " fp=0x1 sp=0x2", " pc=0x3", "\tpc=0x3",
    "created by ", " in goroutine 1", " in goroutine ", "...12 frames elided...", "...additional frames elided...",
    "[originating from goroutine 5]:", "\tgoroutine running on other thread; stack unavailable",
    "non-Go function at pc=0x7f", "runtime stack:",
)  # fmt: skip
_lines = st.lists(st.sampled_from(_PIECES), min_size=1, max_size=6).map("".join)


@settings(max_examples=400, deadline=None)
@given(_lines)
@example("goroutine 7 [select (leaked) (scan), 3 minutes, locked to thread, synctest bubble 4]:")
@example("goroutine 7 []:")
@example("\tpc=0x3:12")
@example("\t/x.go:12 +0x1a pc=0x3")
@example("\t/x.go:12 pc=0x3")
@example("created by main.f in goroutine 1 in goroutine 12")
@example("non-Go function at pc=0x7f()")
def test_an_expression_reads_what_the_grammar_reads(line: str) -> None:
    """The expressions are put together by hand from the grammar's terminals: its own trees say the same of any line."""

    def tree(rule: str, text: str = line) -> Tree[Token] | None:
        return grammar.parse(text, rule)

    def of(read: Callable[[Tree[Token]], object], rule: str) -> object:
        found = tree(rule)
        return None if found is None else read(found)

    assert of(trees.header_of, "header") == grammar.read_header(line)
    assert of(trees.call_of, "call") == grammar.read_call(line)
    if not (line.startswith("\tpc=") and " fp=" in line):  # addresses behind a lone pc are no harm
        assert of(trees.location_of, "location") == grammar.read_location(line)
    assert of(trees.creator_of, "creator") == grammar.read_creator(line)
    elided = tree("elided")
    marked = (False, None) if elided is None else (True, trees.elided_of(elided))
    assert marked == grammar.read_elided(line)
    assert of(lambda found: int(tokens_of(found)["ID"]), "ancestor") == grammar.read_ancestor(line)
    unavailable = tree("unavailable", "\t" + line.lstrip()) if line.endswith("; stack unavailable") else None
    assert (unavailable is not None) is grammar.is_unavailable(line)
    assert (tree("non_go") is not None) is grammar.is_non_go(line)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(_lines, _lines), min_size=1, max_size=4, unique=True))
@example([("main.f", "/x.go:12 pc=0x3"), ("main.g", "/x.go:1 +0x1")])
@example([(" main.f", "/x.go:12"), ("main.g", "/x.go:1 +0x1")])
@example([("main.f", "/x.go:12"), ("[main.g", "/x.go:1 +0x1")])
def test_frames_read_at_once_are_those_of_the_grammar(lines: list[tuple[str, str]]) -> None:
    """However odd the frames beside it, each is what the grammar reads of its two lines alone."""
    known_frames.forget()
    for (function, location), frame in zip(lines, known_frames.read_frames(lines), strict=True):
        if function.startswith("non-Go function at "):
            continue  # a call by this name, which no line of a dump is
        tree = grammar.parse(f"{function}()\n\t{location}\n", "frames")
        assert (None if tree is None else trees.frame_of(subtrees_of(tree)[0])) == frame


def test_a_terminal_is_found_by_name() -> None:
    """The fast path borrows the grammar's own expressions."""
    assert grammar.terminal("THREAD").fullmatch(" gp=0x1 m=nil")
    with pytest.raises(KeyError):
        grammar.terminal("NO_SUCH_TERMINAL")


@pytest.mark.parametrize(
    ("tail", "labels"),
    [
        ('[select labels:{"job": "7"}]:', '{"job": "7"}'),
        ('[select (leaked) labels:{"job": "7"}, 3 minutes, locked to thread]:', '{"job": "7"}'),
        ('[select, 3 minutes labels:{"a": "b, \\"]: x", "c": ""}]:', '{"a": "b, \\"]: x", "c": ""}'),
        ("[select] {job: 7}:", "{job: 7}"),
        ("[select (leaked), 3 minutes] {}:", "{}"),
    ],
)
def test_labels_taken_by_parts_are_those_of_the_grammar(tail: str, labels: str) -> None:
    """Labels differ from goroutine to goroutine and brackets do not: both are read alone, with the grammar's result."""
    whole = grammar.read_header(f"goroutine 7 {tail}")
    assert whole is not None
    assert labels == whole[1].labels
    assert whole[1] == read_tail(tail)
