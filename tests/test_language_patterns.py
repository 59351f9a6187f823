"""How rule and pool descriptions pick stacks: symbol patterns, order, top and root."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import stack_of, when
from stackscan.errors import CatalogueError
from stackscan.match import StackPattern, read_when, symbol_pattern
from stackscan.snapshot import Stack

_NAME = st.text(alphabet=string.ascii_letters + string.digits + "_-", min_size=1, max_size=8)
_SYMBOL = st.builds(
    lambda path, receiver, name: f"{'/'.join(path)}.{receiver}{name}",
    st.lists(_NAME, min_size=1, max_size=4),
    st.one_of(st.just(""), _NAME.map(lambda name: f"(*{name})."), _NAME.map(lambda name: f"{name}.")),
    _NAME,
)
_ANY_TEXT = st.text(max_size=60)


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
        ("(*Server).taskWorker", "server.(Server).taskWorker", False),
        ("(*T).Close", "main.(*Tee).Close", False),
        ("main.(*T).*", "main.(*T).Close.func1", True),
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
        ("a.b", "a+b", False),
        ("a.b", "axb", False),
        ("a+b.c", "aab.c", False),
        ("main.run", "", False),
    ],
)
def test_a_symbol_pattern_matches_from_a_slash_or_dot_to_the_end(pattern: str, function: str, expected: bool) -> None:
    """A pattern is the end of a symbol, beginning at a ``/`` or ``.``; ``*`` stays within a path element."""
    assert expected is symbol_pattern(pattern).matches(function)


def test_alternatives_match_when_one_does() -> None:
    """A list of patterns in the place of one means any of them, each anchored like a single one."""
    either = symbol_pattern(["main.a", "main.b"])
    assert [True, True, False, False] == [either.matches(f) for f in ("main.a", "x/main.b", "main.c", "main.ab")]


@given(_SYMBOL)
def test_every_symbol_matches_itself_and_its_ends(symbol: str) -> None:
    """A symbol copied from a dump is a pattern for that symbol, with or without the beginning of its path."""
    assert symbol_pattern(symbol).matches(symbol)
    assert symbol_pattern(symbol).matches(f"example.com/x/{symbol}")
    for place in (match.end() for match in re.finditer(r"[/.]", symbol)):
        assert symbol_pattern(symbol[place:]).matches(symbol)


@given(_SYMBOL, st.characters(categories=["L", "N"]))
def test_a_symbol_does_not_match_within_a_word(symbol: str, letter: str) -> None:
    """A letter before the beginning or behind the end makes another name of it."""
    assert not symbol_pattern(symbol).matches(letter + symbol)
    assert not symbol_pattern(symbol).matches(symbol + letter)


@given(_ANY_TEXT, _ANY_TEXT)
def test_any_two_texts_can_be_matched(pattern: str, function: str) -> None:
    """Whatever stands in a pattern is text but for the stars: it compiles, and matching never raises."""
    assert symbol_pattern(pattern).matches(function) in (True, False)


@given(st.text(alphabet="ab/.()[]+?{}|^$\\", max_size=12))
def test_only_stars_are_special(text: str) -> None:
    """Other characters of regular expressions stand for themselves."""
    plain = re.sub(r"\[[^\[\]]*\]", "", text)
    while plain != (shorter := re.sub(r"\[[^\[\]]*\]", "", plain)):
        plain = shorter
    assert symbol_pattern(text).matches(text)
    assert not symbol_pattern(text).matches(plain + "Z")


def test_frames_are_found_in_order_with_others_between() -> None:
    """``frames`` names frames from the innermost outwards; others may stand between, before and after."""
    pattern = when(frames=["main.inner", "main.outer"])
    assert pattern.decide(stack_of("a.x", "main.inner", "b.y", "c.z", "main.outer", "d.w")) == 1
    assert pattern.decide(stack_of("main.inner", "main.outer")) == 0
    assert pattern.decide(stack_of("main.outer", "main.inner")) is None
    assert pattern.decide(stack_of("main.inner")) is None


def test_one_frame_does_not_count_twice() -> None:
    """Two patterns need two frames, even where both match the same one."""
    pattern = when(frames=["main.walk", "main.walk"])
    assert pattern.decide(stack_of("main.walk")) is None
    assert pattern.decide(stack_of("main.walk", "main.walk")) == 0


def test_a_later_first_match_is_found_after_an_earlier_false_start() -> None:
    """The first frame that fits is taken; what has to follow may come any number of frames later."""
    assert when(frames=["main.a", "main.b"]).decide(stack_of("main.a", "main.a", "main.b")) == 0


@given(st.lists(st.sampled_from("abcd"), max_size=8), st.lists(st.sampled_from("abcd"), min_size=1, max_size=4))
def test_frames_match_exactly_the_subsequences(frames: list[str], wanted: list[str]) -> None:
    """``frames`` matches a stack if and only if the names are a subsequence of its functions."""
    rest = iter(frames)
    expected = all(name in rest for name in wanted)
    found = when(frames=[f"main.{name}" for name in wanted]).decide(stack_of(*(f"main.{name}" for name in frames)))
    assert expected is (found is not None)
    assert found is None or frames.index(wanted[0]) == found


def test_top_skips_the_runtime() -> None:
    """``top`` is the innermost frame outside the runtime: parking functions above it do not count."""
    stack = stack_of(
        "runtime.gopark", "internal/runtime/sys.x", "runtime.selectgo", "main.loop", "main.main", "runtime.main"
    )
    assert when(top="main.loop").decide(stack) == 3
    assert when(top="main.main").decide(stack) is None
    assert when(top="runtime.gopark").decide(stack) is None


def test_root_skips_the_runtime_and_wrappers() -> None:
    """``root`` is the outermost frame outside the runtime, compiler-made ``gowrap`` functions left aside."""
    stack = stack_of("main.work", "main.loop", "main.start.gowrap1", "runtime.goexit")
    assert when(root="main.loop").decide(stack) == 1
    assert when(root="main.start.gowrap1").decide(stack) is None
    assert when(root="main.work").decide(stack) is None


def test_packages_named_like_the_runtime_are_not_it() -> None:
    """``runtime/pprof`` and ``runtimex`` are code like any other."""
    assert when(top="runtime/pprof.writeGoroutine").decide(stack_of("runtime/pprof.writeGoroutine", "main.main")) == 0
    assert when(top="runtimex.f").decide(stack_of("runtimex.f")) == 0


@pytest.mark.parametrize("functions", [(), ("runtime.gopark",), ("runtime.gopark", "runtime.goexit")])
def test_a_stack_of_the_runtime_alone_has_neither_top_nor_root(functions: tuple[str, ...]) -> None:
    """Without a frame outside the runtime nothing can match ``top`` or ``root``, and nothing raises."""
    assert when(top="runtime.gopark").decide(stack_of(*functions)) is None
    assert when(root="**").decide(stack_of(*functions)) is None


def test_a_lone_wrapper_is_its_own_root() -> None:
    """A stack that holds nothing but a wrapper still has a root."""
    assert when(root="main.start.gowrap1").decide(stack_of("main.start.gowrap1")) == 0


def test_created_by_needs_a_creator() -> None:
    """``created_by`` matches the function of the ``go`` statement, and never a stack without one."""
    pattern = when(created_by="main.start")
    assert pattern.decide(stack_of("main.x", created_by="main.start")) == 0
    assert pattern.decide(stack_of("main.start")) is None


def test_without_excludes_a_frame_anywhere() -> None:
    """``without`` rejects a stack that holds the frame, wherever it stands."""
    pattern = when(frames=["main.a"], without="main.idle")
    assert pattern.decide(stack_of("main.a", "main.b")) == 0
    assert pattern.decide(stack_of("main.idle", "main.a")) is None
    assert pattern.decide(stack_of("main.a", "main.idle")) is None


def test_every_part_that_is_given_must_hold() -> None:
    """Parts of one table are joined by and."""
    pattern = when(frames=["main.b"], top="main.a", root="main.c", created_by="main.go")
    assert pattern.decide(stack_of("main.a", "main.b", "main.c", created_by="main.go")) == 1
    assert pattern.decide(stack_of("main.a", "main.b", "main.c", created_by="main.other")) is None
    assert pattern.decide(stack_of("main.b", "main.c", created_by="main.go")) is None
    assert pattern.decide(stack_of("main.a", "main.b", created_by="main.go")) is None


def test_tables_of_a_list_are_alternatives() -> None:
    """Tables of one ``when`` list are joined by or; the first that matches decides which frame is shown."""
    either = read_when([{"frames": ["main.x"]}, {"top": "main.a"}], where="test")
    assert either.decide(stack_of("main.a", "main.x")) == 1
    assert either.decide(stack_of("main.a", "main.b")) == 0
    assert either.decide(stack_of("main.b")) is None


@given(st.lists(_ANY_TEXT, max_size=5), _ANY_TEXT)
def test_deciding_never_raises(functions: list[str], pattern: str) -> None:
    """Any names of functions can be asked about; the answer is an index into the stack, or None."""
    stack = stack_of(*functions, created_by="main.start")
    for part in ("top", "root", "created_by", "without"):
        found = StackPattern(**{part: symbol_pattern(pattern)}).decide(stack)  # type: ignore[arg-type]
        assert found is None or 0 <= found < max(len(functions), 1)


def test_a_stack_without_frames_matches_no_frames() -> None:
    """A goroutine whose stack was unavailable is caught by no pattern on frames."""
    assert when(frames=["**"]).decide(Stack((), unavailable=True)) is None


@pytest.mark.parametrize(
    ("tables", "key"),
    [
        (None, "when"),
        ([], "when"),
        ("main.x", "when"),
        ([{}], "when"),
        (["main.x"], "when"),
        ([{"frame": ["main.x"]}], "frame"),
        ([{"frames": "main.x"}], "frames"),
        ([{"frames": [7]}], "frames"),
        ([{"frames": [[]]}], "frames"),
        ([{"top": []}], "top"),
        ([{"top": ""}], "top"),
        ([{"root": 7}], "root"),
        ([{"created_by": [""]}], "created_by"),
    ],
)
def test_a_wrong_pattern_is_named(tables: object, key: str) -> None:
    """A pattern table with a wrong or empty part is refused, with the place and the key."""
    with pytest.raises(CatalogueError, match=rf"^place: .*{key}"):
        read_when(tables, where="place")


def test_an_empty_list_of_frames_is_no_pattern() -> None:
    """``frames = []`` says nothing, and is refused rather than taken to mean everything."""
    with pytest.raises(CatalogueError, match="frames"):
        read_when([{"frames": []}], where="place")
