"""How expressions pick stacks: symbol patterns, order, adjacency, places, owners, modules."""

from __future__ import annotations

import os
import re
import string
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import decided, selected, snapshot_with, stack_of
from stackscan.knowledge.language.leaves import Leaves, owned
from stackscan.knowledge.language.symbols import matches, path_glob, symbol_glob
from stackscan.knowledge.language.syntax import Module, Owner
from stackscan.knowledge.language.texts import text_matches
from stackscan.model.snapshot import Frame, Stack

_NAME = st.text(alphabet=string.ascii_letters + string.digits + "_-", min_size=1, max_size=8)
_SYMBOL = st.builds(
    lambda path, receiver, name: f"{'/'.join(path)}.{receiver}{name}",
    st.lists(_NAME, min_size=1, max_size=4),
    st.one_of(st.just(""), _NAME.map(lambda name: f"(*{name})."), _NAME.map(lambda name: f"{name}.")),
    _NAME,
)
_ANY_TEXT = st.text(max_size=60)


def _matching(functions: Sequence[str], patterns: tuple[str, ...]) -> list[bool]:
    """For each function, whether one of the patterns matches it, found in the quick way."""
    leaves = Leaves()
    bit = leaves.bit(patterns)
    return [bool(leaves.of(function) & bit) for function in functions]


@pytest.mark.parametrize(
    ("pattern", "function", "expected"),
    [
        ("main.run", "main.run", True),
        ("run", "main.run", True),
        ("(*Server).taskWorker", "github.com/ipfs/boxo/bitswap/server.(*Server).taskWorker", True),
        ("server.(*Server).taskWorker", "github.com/ipfs/boxo/bitswap/server.(*Server).taskWorker", True),
        ("bitswap/server.(*Server).taskWorker", "github.com/ipfs/boxo/bitswap/server.(*Server).taskWorker", True),
        ("erver.(*Server).taskWorker", "github.com/ipfs/boxo/bitswap/server.(*Server).taskWorker", False),
        ("un", "main.run", False),
        ("main.run", "main.run.func1", False),
        ("main.run", "main.runner", False),
        ("main.run", "othermain.run", False),
        ("main.run", "example.com/main.run", True),
        ("Server).taskWorker", "server.(*Server).taskWorker", False),
        ("Server.taskWorker", "server.(*Server).taskWorker", True),
        ("server.Server.taskWorker", "server.(*Server).taskWorker", True),
        ("Server.taskWorker", "server.Server.taskWorker", True),
        ("(*Server).taskWorker", "server.(Server).taskWorker", False),
        ("(*Server).taskWorker", "server.Server.taskWorker", False),
        ("(*T).Close", "main.(*Tee).Close", False),
        ("main.(*T).*", "main.(*T).Close.func1", True),
        ("main.T.*", "main.(*T).Close.func1", True),
        ("main.*", "main.run", True),
        ("main.*", "main/sub.run", False),
        ("main*run", "main/sub.run", False),
        ("main**run", "main/sub.run", True),
        ("quic-go.**.OpenStreamSync", "quic-go.(*Conn).OpenStreamSync", True),
        ("webtransport-go.**", "github.com/quic-go/webtransport-go.(*stream).Read", True),
        ("go-yamux/v*.(*Stream).Read", "github.com/libp2p/go-yamux/v5.(*Stream).Read", True),
        ("go-yamux.(*Stream).Read", "github.com/libp2p/go-yamux/v5.(*Stream).Read", False),
        ("ms.(*lazy).Close", "ms.(*lazy[...]).Close", True),
        ("ms.(*lazy).Close", "ms.(*lazy[go.shape.int,go.shape.[]string]).Close", True),
        ("ms.(*lazy[...]).Close", "ms.(*lazy).Close", True),
        ("lazy[...].Close", "ms.(*lazy[...]).Close", True),
        ("a.b", "a+b", False),
        ("a.b", "axb", False),
        ("a+b.c", "aab.c", False),
        ("main.run", "", False),
    ],
)
def test_a_symbol_pattern_matches_from_a_slash_or_dot_to_the_end(pattern: str, function: str, expected: bool) -> None:
    """A pattern is the end of a symbol, beginning at a ``/`` or ``.``; ``*`` stays within a path element."""
    assert expected is matches(pattern, function)
    assert [expected] == _matching([function], (pattern,))


def test_alternatives_match_when_one_does() -> None:
    """Several patterns in the place of one mean any of them, each anchored like a single one."""
    functions = ["main.a", "x/main.b", "main.c", "main.ab"]
    assert [True, True, False, False] == _matching(functions, ("main.a", "main.b"))


@given(_SYMBOL)
def test_every_symbol_matches_itself_and_its_ends(symbol: str) -> None:
    """A symbol copied from a dump is a pattern for that symbol, with or without the beginning of its path."""
    functions = [symbol, f"example.com/x/{symbol}"]
    assert all(_matching(functions, (symbol,)))
    for place in (match.end() for match in re.finditer(r"[/.]", symbol)):
        assert all(_matching(functions, (symbol[place:],)))


@given(_SYMBOL, st.characters(categories=["L", "N"]))
def test_a_symbol_does_not_match_within_a_word(symbol: str, letter: str) -> None:
    """A letter before the beginning or behind the end makes another name of it."""
    assert not any(_matching([letter + symbol, symbol + letter], (symbol,)))


@given(_ANY_TEXT.filter(bool), st.lists(_ANY_TEXT, max_size=4))
def test_the_quick_way_is_the_regular_expression(pattern: str, functions: list[str]) -> None:
    """Looking an end up in the dictionary finds what the pattern's definition, a regular expression, finds."""
    assert [matches(pattern, f) for f in functions] == _matching(functions, (pattern,))


@given(st.text(alphabet="ab/.()[]+?{}|^$\\*", min_size=1, max_size=9), st.text(alphabet="ab/.()[]*", max_size=9))
def test_the_quick_way_is_the_regular_expression_for_what_looks_like_symbols(pattern: str, function: str) -> None:
    """The same with texts of the characters that mean something in symbols."""
    assert [matches(pattern, function)] == _matching([function], (pattern,))


def test_very_long_symbols_are_matched_too() -> None:
    """A dump may hold a symbol of any length: it costs no more than a look, and is matched as a whole."""
    long = "/quic-go.x" * 50_000
    assert all(_matching([long], (long,)))
    assert not any(_matching([long], ("y" * 3_000,)))
    assert not any(_matching([long], ("quic-go.**.OpenStreamSync", "**a**b**c**d", "x")))


# -- frames in order ---------------------------------------------------------------------------------------------------


def test_frames_are_found_in_order_with_others_between() -> None:
    """``..`` names frames from the innermost outwards; others may stand between, before and after."""
    pattern = 'stack "main.inner" .. "main.outer"'
    assert 1 == decided(pattern, stack_of("a.x", "main.inner", "b.y", "c.z", "main.outer", "d.w"))
    assert 0 == decided(pattern, stack_of("main.inner", "main.outer"))
    assert decided(pattern, stack_of("main.outer", "main.inner")) is None
    assert decided(pattern, stack_of("main.inner")) is None


def test_adjacent_frames_have_nothing_between() -> None:
    """``>`` is a call without a frame between."""
    pattern = 'stack "main.inner" > "main.outer"'
    assert 1 == decided(pattern, stack_of("a.x", "main.inner", "main.outer"))
    assert decided(pattern, stack_of("main.inner", "b.y", "main.outer")) is None
    assert decided(pattern, stack_of("main.outer", "main.inner")) is None


def test_a_run_of_adjacent_frames_is_found_behind_a_false_start() -> None:
    """A first frame that is not followed as asked does not hide a later one that is."""
    pattern = 'stack "main.a" > "main.b" .. "main.c"'
    assert 2 == decided(pattern, stack_of("main.a", "x.y", "main.a", "main.b", "x.z", "main.c"))
    assert decided(pattern, stack_of("main.a", "x.y", "main.a", "x.y", "main.b", "main.c")) is None


def test_the_mark_says_which_frame_decides() -> None:
    """``@`` marks a frame; without it the first one named decides."""
    stack = stack_of("main.a", "main.b", "main.c")
    assert [0, 1, 2] == [
        decided(text, stack)
        for text in ('stack "main.a" .. "main.c"', 'stack "a" > @"b" .. "c"', 'stack "a" .. @("c" | "d")')
    ]
    assert 2 == decided('stack "main.a" and stack @"main.c"', stack)


def test_one_frame_does_not_count_twice() -> None:
    """Two patterns need two frames, even where both match the same one."""
    assert decided('stack "main.walk" .. "main.walk"', stack_of("main.walk")) is None
    assert 0 == decided('stack "main.walk" .. "main.walk"', stack_of("main.walk", "main.walk"))


_LETTER = st.sampled_from("abc")


@given(st.lists(_LETTER, max_size=8), st.lists(_LETTER, min_size=1, max_size=4), st.lists(st.booleans(), min_size=3))
def test_a_chain_matches_exactly_what_a_regular_expression_would(
    frames: list[str], wanted: list[str], adjacent: list[bool]
) -> None:
    """``..`` is any number of frames, ``>`` is none: over letters that is a regular expression."""
    links = ["" if near else ".*" for near in adjacent][: len(wanted) - 1]
    regex = wanted[0] + "".join(link + name for link, name in zip(links, wanted[1:], strict=True))
    pattern = f'stack "main.{wanted[0]}"' + "".join(
        f' {".." if link else ">"} "main.{name}"' for link, name in zip(links, wanted[1:], strict=True)
    )
    found = re.search(regex, "".join(frames))
    got = decided(pattern, stack_of(*(f"main.{name}" for name in frames)))
    assert (found is not None) is (got is not None)


# -- places ------------------------------------------------------------------------------------------------------------


def test_innermost_skips_the_runtime() -> None:
    """``innermost`` is the first frame outside the runtime: parking functions above it do not count."""
    stack = stack_of("runtime.gopark", "internal/runtime/sys.x", "runtime.selectgo", "main.loop", "main.main")
    assert 3 == decided('innermost "main.loop"', stack)
    assert decided('innermost "main.main"', stack) is None
    assert decided('innermost "runtime.gopark"', stack) is None


def test_root_skips_the_runtime_and_wrappers() -> None:
    """``root`` is the outermost frame outside the runtime, compiler-made ``gowrap`` functions left aside."""
    stack = stack_of("main.work", "main.loop", "main.start.gowrap1", "runtime.goexit")
    assert 1 == decided('root "main.loop"', stack)
    assert decided('root "main.start.gowrap1"', stack) is None
    assert decided('root "main.work"', stack) is None


def test_packages_named_like_the_runtime_are_not_it() -> None:
    """``runtime/pprof`` and ``runtimex`` are code like any other."""
    assert 0 == decided('innermost "writeGoroutine"', stack_of("runtime/pprof.writeGoroutine", "main.main"))
    assert 0 == decided('innermost "runtimex.f"', stack_of("runtimex.f"))


@pytest.mark.parametrize("functions", [(), ("runtime.gopark",), ("runtime.gopark", "runtime.goexit")])
def test_a_stack_of_the_runtime_alone_has_neither_innermost_nor_root(functions: tuple[str, ...]) -> None:
    """Without a frame outside the runtime nothing can be innermost or root, and nothing raises."""
    assert decided('innermost "runtime.gopark"', stack_of(*functions)) is None
    assert decided('root "**"', stack_of(*functions)) is None


def test_a_lone_wrapper_is_its_own_root() -> None:
    """A stack that holds nothing but a wrapper still has a root."""
    assert 0 == decided('root "main.start.gowrap1"', stack_of("main.start.gowrap1"))


def test_created_by_needs_a_creator() -> None:
    """``created by`` matches the function of the ``go`` statement, and never a stack without one."""
    assert 0 == decided('created by "main.start"', stack_of("main.x", created_by="main.start"))
    assert decided('created by "main.start"', stack_of("main.start")) is None


def test_not_excludes_a_frame_anywhere() -> None:
    """``not stack`` rejects a stack that holds the frame, wherever it stands."""
    pattern = 'stack "main.a" and not stack "main.idle"'
    assert 0 == decided(pattern, stack_of("main.a", "main.b"))
    assert decided(pattern, stack_of("main.idle", "main.a")) is None
    assert decided(pattern, stack_of("main.a", "main.idle")) is None


def test_of_alternatives_the_first_that_is_true_decides() -> None:
    """What ``or`` joins is tried in order for the frame to show."""
    either = 'stack "main.x" or innermost "main.a"'
    assert 1 == decided(either, stack_of("main.a", "main.x"))
    assert 0 == decided(either, stack_of("main.a", "main.b"))
    assert decided(either, stack_of("main.b")) is None


def test_a_stack_without_frames_matches_no_frames() -> None:
    """A goroutine whose stack was unavailable is caught by no pattern on frames."""
    assert decided('stack "**"', Stack((), unavailable=True)) is None
    assert 0 == decided('not stack "**"', Stack((), unavailable=True))


# -- owners and modules ------------------------------------------------------------------------------------------------

_SERVE = "net/http.(*Server).Serve"
_YAML = "gopkg.in/yaml.v3.(*Decoder).Decode"


@pytest.mark.parametrize(
    ("expression", "function", "expected"),
    [
        ('package "net/http"', _SERVE, True),
        ('package "http"', _SERVE, False),
        ('package "net/http"', "example.com/net/http.Serve", False),
        ('package "net/..."', _SERVE, True),
        ('package "net/..."', "net.(*conn).Read", True),
        ('package "net/..."', "network.(*conn).Read", False),
        ('package "net/*"', _SERVE, True),
        ('package "gopkg.in/yaml.v3"', _YAML, True),
        ('package ("os" | "gopkg.in/**")', _YAML, True),
        ('receiver "*Server"', _SERVE, True),
        ('receiver "Server"', _SERVE, True),
        ('receiver "*Serve"', _SERVE, False),
        ('receiver "*lazy"', "ms.(*lazy[...]).Close", True),
        ('receiver "*Handler*"', "net/http.HandlerFunc.ServeHTTP", False),
        ('receiver "Handler*"', "net/http.HandlerFunc.ServeHTTP", True),
        ('package "net/http" receiver "*Server"', _SERVE, True),
        ('package "net" receiver "*Server"', _SERVE, False),
    ],
)
def test_owners_are_whole_names(expression: str, function: str, expected: bool) -> None:
    """Packages are whole import paths, receivers whole names; a receiver without its star means both kinds."""
    assert expected is (decided(expression, stack_of("main.x", function)) is not None)


def test_package_and_receiver_are_one_frame() -> None:
    """Written side by side, both must hold of one frame; joined by ``and``, each of any."""
    stack = stack_of("net/http.Get", "main.(*Server).Run")
    assert decided('package "net/http" receiver "*Server"', stack) is None
    assert 0 == decided('package "net/http" and receiver "*Server"', stack)


def _of_version(version: str) -> Stack:
    file = f"/go/pkg/mod/github.com/ipfs/boxo{version}/bitswap/server/server.go"
    return Stack((Frame("main.x", "/x.go", 1), Frame("github.com/ipfs/boxo/bitswap/server.(*Server).run", file, 3)))


@pytest.mark.parametrize(
    ("constraint", "version", "expected"),
    [
        ("", "@v0.37.0", True),
        ("", "", True),
        (">= 0.36 < 0.39", "@v0.37.0", True),
        (">= 0.36 < 0.39", "@v0.36.0", True),
        (">= 0.36 < 0.39", "@v0.39.0", False),
        (">= 0.36 < 0.39", "@v0.39.0-rc1", True),
        (">= 0.36 < 0.39.0-0", "@v0.39.0-rc1", False),
        ("= v0.37.0", "@v0.37.0", True),
        ("!= 0.37.0", "@v0.37.0", False),
        (">= 0.1", "", False),
    ],
)
def test_versions_are_read_from_paths(constraint: str, version: str, expected: bool) -> None:
    """A module's version stands in the path of its files; a path without one meets no constraint."""
    expression = f'module "github.com/ipfs/boxo" {constraint}'
    assert (1 if expected else None) == decided(expression, _of_version(version))


def test_a_module_is_not_its_namesake() -> None:
    """A module is its whole path: what begins like it is another one."""
    stack = stack_of("github.com/ipfs/boxo-extra/x.Run")
    assert decided('module "github.com/ipfs/boxo"', stack) is None
    assert 0 == decided('module "github.com/ipfs/*"', stack)


def test_equal_questions_are_asked_once_and_of_every_stack() -> None:
    """A snapshot with many stacks gives each its own answer."""
    snapshot = snapshot_with(*(stack_of(f"main.f{n}", "main.main") for n in range(30)))
    assert [7, 12] == selected('stack ("main.f7" | "main.f12") > "main.main"', snapshot)


# -- stars, in bounded time ------------------------------------------------------------------------------------------

_STARS = re.compile(r"\(\*|\*\*|\*|[^*(]+|\(")
_MEANING = {"(*": r"\(\*", "**": r".*", "*": r"[^/]*"}
_SMALL = st.text(alphabet="ab*/.(", max_size=8)


def _as_regex(pattern: str) -> str:
    """What stars mean, as a regular expression says it."""
    return "".join(_MEANING.get(token) or re.escape(token) for token in _STARS.findall(pattern))


@given(pattern=_SMALL, text=_SMALL)
def test_a_symbol_pattern_means_what_its_regular_expression_means(pattern: str, text: str) -> None:
    """From a ``/`` or ``.`` on to the end."""
    expected = re.fullmatch(rf"(?:.*[/.])?(?:{_as_regex(pattern)})", text, re.DOTALL)
    assert (expected is not None) == symbol_glob(pattern).matches(text)


@given(pattern=_SMALL, text=_SMALL, below=st.sampled_from(["", "/..."]))
def test_a_path_pattern_means_what_its_regular_expression_means(pattern: str, text: str, below: str) -> None:
    """The whole of a path, or what lies below it."""
    expected = re.fullmatch(rf"(?:{_as_regex(pattern)}){'(?:/.*)?' if below else ''}", text, re.DOTALL)
    assert (expected is not None) == path_glob(pattern + below).matches(text)


@given(pattern=_SMALL, text=_SMALL)
def test_a_text_pattern_means_what_its_regular_expression_means(pattern: str, text: str) -> None:
    """Labels and reasons: each star is anything."""
    expected = re.fullmatch(".*".join(map(re.escape, re.split(r"\*+", pattern))), text, re.DOTALL)
    assert (expected is not None) == text_matches(pattern, text)


@pytest.mark.parametrize(
    "where",
    [
        'stack "main.' + "*a" * 20 + '*b"',
        'stack "main.' + "**a" * 20 + '**b"',
        'stack "' + "**.*a" * 20 + '**b"',
        'package "' + "*a" * 20 + '*b"',
        'package "' + "**a" * 20 + '*b/..."',
        'receiver "*' + "*a" * 20 + '*b"',
        'module "' + "*a" * 20 + '*b"',
        'created by "' + "*a" * 20 + '*b"',
        'label "k" = "' + "*a" * 20 + '*b"',
    ],
)
def test_many_stars_come_to_an_end(where: str) -> None:
    """A name of 60 letters and 20 stars: as a regular expression this lasts for longer than anybody waits."""
    name = "a" * 60
    text = (
        f'goroutine 1 [select] {{"k": "{name}"}}:\n'
        f"example.com/{name}/{name}.(*{name}).{name}(0x1)\n\t/go/pkg/mod/{name}/{name}@v1.2.3/x.go:1 +0x1\n"
        f"main.{name}(0x1)\n\t/src/x.go:1 +0x1\ncreated by main.{name}\n\t/src/x.go:2 +0x1\n"
    )
    program = (
        "from helpers import selected, snapshot_of; import sys; print(selected(sys.argv[1], snapshot_of(sys.argv[2])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, where, text],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    )
    assert ("[]\n", 0) == (done.stdout, done.returncode), done.stderr


def test_a_long_text_and_a_long_pattern_come_to_an_end() -> None:
    """Both of thousands of letters."""
    assert symbol_glob("**a" * 5_000 + "b").matches("a" * 65_536) is False
    assert symbol_glob("*a" * 5_000).matches("a" * 65_536) is True


@given(st.lists(st.one_of(_SYMBOL, _ANY_TEXT), max_size=20), st.lists(_SYMBOL, max_size=5))
def test_functions_learnt_together_meet_what_each_meets(functions: list[str], patterns: list[str]) -> None:
    """What none of many functions holds is looked for in none of them; nothing is lost by that."""
    leaves, functions = Leaves(), [*functions, *patterns]
    texts = [(pattern,) for pattern in (*patterns, *(f"{pattern[:3]}*{pattern[4:]}" for pattern in patterns))]
    owners = [Owner(("a/...", "b"), ()), Owner((), ("*T",)), Module("a", ())]
    bits = {leaf: leaves.bit(leaf) for leaf in (*texts, *owners)}
    known = leaves.learn(functions)
    for function in functions:
        met = {leaf for leaf, bit in bits.items() if known[function] & bit}
        expected = {leaf for leaf in texts if matches(leaf[0], function)}
        assert expected | {leaf for leaf in owners if owned(leaf)(function)} == met
