"""What is seen of stacks once a run: new questions, many expressions at once, and memory that has a bound."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import FIXTURES, selected, snapshot_of, snapshot_with, stack_of
from stackscan import formats
from stackscan.formats.contents import read_source
from stackscan.knowledge.configuration import shipped
from stackscan.knowledge.language import Catalogue, index_of, parse, prepare, select, select_in
from stackscan.knowledge.language.goroutines import is_ruled_out
from stackscan.knowledge.language.leaves import LEAVES
from stackscan.knowledge.language.outcomes import begin_epoch, compiled
from stackscan.knowledge.language.sights import SIGHTS, sights_of
from stackscan.knowledge.language.syntax import Chain
from stackscan.model.snapshot import Frame, Snapshot, Stack


def test_a_snapshot_that_was_looked_at_answers_what_nobody_asked_before() -> None:
    """Patterns, packages and versions that come later are looked for in stacks that were seen already."""
    module = Frame("example.com/pool.(*P).run", "/go/pkg/mod/example.com/pool@v1.4.0/p.go", 3)
    snapshot = snapshot_with(stack_of("main.first", "main.second"), Stack((module,)))
    assert [0] == selected('stack "main.first"', snapshot)
    assert [0] == selected('stack "main.sec*d"', snapshot)
    assert [1] == selected('package "example.com/pool"', snapshot)
    assert [1] == selected('module "example.com/pool" >= 1.3', snapshot)
    assert [] == selected('module "example.com/pool" >= 1.5', snapshot)


def test_a_new_epoch_forgets_all_and_answers_the_same() -> None:
    """What was compiled before is void and says so; what is compiled then is right."""
    snapshot = snapshot_with(stack_of("main.first"), stack_of("main.second"))
    wanted = parse('stack "main.second"', where="test")
    catalogue = Catalogue.of([wanted])
    assert not catalogue.is_void
    assert {0: [1]} == catalogue.possible(index_of(snapshot))
    begin_epoch()
    assert catalogue.is_void
    assert [1] == select(wanted, index_of(snapshot))
    assert {0: [1]} == Catalogue.of([wanted]).possible(index_of(snapshot))


def test_a_program_that_is_asked_ever_new_things_stays_small() -> None:
    """After some thousand patterns all are forgotten, when the next analysis begins, and looked for anew."""
    begin_epoch()
    owner, own = object(), [Chain((("main.own",),), (), 0)]
    snapshot = snapshot_with(stack_of("main.f4500"), stack_of("main.own"))
    epoch = LEAVES.epoch
    for number in range(10_000):
        prepare(owner, lambda: own)
        compiled(Chain(((f"main.f{number}",),), (), 0))
    assert LEAVES.epoch - epoch in range(2, 8)
    assert LEAVES.size < 4_500
    assert [0] == selected('stack "main.f4500"', snapshot)
    assert [1] == select(own[0], index_of(snapshot))


def test_a_large_catalogue_is_never_void_on_the_way() -> None:
    """However many patterns a user's file has: nothing is forgotten between two questions of one analysis."""
    begin_epoch()
    wanted = [Chain(((f"main.g{number}",),), (), 0) for number in range(9_000)]
    prepare(wanted, lambda: wanted)
    catalogue = Catalogue.of(wanted)
    index = index_of(snapshot_with(stack_of("main.g3"), stack_of("main.g8150")))
    assert {3: [0], 8150: [1]} == catalogue.possible(index)
    assert [1] == selected('stack "main.g81*0"', snapshot_with(stack_of("main.f"), stack_of("main.g8150")))
    assert not catalogue.is_void


def test_stacks_of_which_nothing_is_known_share_a_sight() -> None:
    """A hundred thousand functions that no pattern matches cost as much as one."""
    compiled(parse('stack "main.known"', where="test"))
    one, other = (SIGHTS.seen(stack_of(f"a.f{n}", f"b.g{n}", f"c.h{n}")) for n in (1, 2))
    assert one.sight is other.sight
    cells = [(seen.stack, seen.sight, "select") for seen in (one, other)]
    sights = sights_of(cells, creators_known=True, cause=None)
    assert sights[0] is sights[1]
    assert SIGHTS.seen(stack_of("a.f1", "main.known")).sight is not one.sight


@pytest.mark.parametrize(
    "name",
    ["kubo/v0.40.1-stalled-tcp/stack-02.txt.gz", "kubo/v0.39.0-unbounded-quic/stack-01.txt.gz", "go/go1.26/frames.txt"],
)
def test_many_expressions_at_once_find_what_each_finds_by_itself(name: str) -> None:
    """The catalogue asks of a sight only what it may meet; nothing is lost by that."""
    path = FIXTURES / name
    if not path.exists():
        pytest.skip("no such dump")
    for capture in read_source(str(path)).captures:
        _check_catalogue(capture.snapshot)


def _check_catalogue(snapshot: Snapshot) -> None:
    wanted = [rule.when for rule in shipped().rules] + [pool.worker for pool in shipped().pools]
    index, catalogue = index_of(snapshot), Catalogue.of(wanted)
    possible = catalogue.possible(index)
    for place, expression in enumerate(wanted):
        at_once = select_in(catalogue.expressions[place], index, possible.get(place, ()))
        assert at_once == select(expression, index)


_FUNCTION = st.sampled_from(
    ("runtime.gopark", "sync.(*Mutex).Lock", "main.work", "net/http.(*conn).serve", "github.com/x/y.(*T).Do",
     "main.main", "github.com/ipfs/boxo/bitswap/server.(*Server).taskWorker", "database/sql.(*DB).conn", "time.Sleep")
)  # fmt: skip
_STATE = st.sampled_from(("select", "chan receive, 5 minutes", "semacquire", "IO wait", "running", "sleep, 70 minutes"))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(_STATE, st.lists(_FUNCTION, min_size=1, max_size=5), st.integers(1, 12)), max_size=6))
def test_the_same_of_any_dump(groups: list[tuple[str, list[str], int]]) -> None:
    """Frames of libraries that rules know, in any order and number."""
    blocks = []
    for state, functions, count in groups:
        for _ in range(count):
            frames = "".join(f"{function}(0xc000012345)\n\t/src/x.go:7 +0x1d\n" for function in functions)
            blocks.append(f"goroutine {len(blocks) + 1} [{state}]:\n{frames}created by main.main\n\t/src/m.go:1 +0x2\n")
    if blocks:
        _check_catalogue(snapshot_of("\n".join(blocks)))


def test_a_rule_is_not_tried_on_fewer_goroutines_than_it_counts() -> None:
    """``count`` says how many it takes; whatever is inside ``not`` or one of several says nothing."""
    least = {
        'stack "main.f" and count >= 8': 8,
        'stack "main.f" and count > 8 by place': 9,
        'count >= 100 or stack "main.f" and count >= 3': 3,
        "not count >= 5": 0,
        "count >= 50%": 0,
        'creator (stack "main.f" and count >= 9)': 0,
    }
    assert least == {text: compiled(parse(text, where="test")).least for text in least}


def test_formats_without_reasons_are_seen_as_they_are() -> None:
    """Counted text prints no wait reason: frames tell it, and the sight keeps what they tell."""
    text = (
        "goroutine profile: total 2\n2 @ 0x43b1 0x44c2 0x4805\n#\t0x43b1\truntime.gopark+0x1\t/go/src/runtime/p.go:1\n"
        "#\t0x44c2\tsync.(*Mutex).Lock+0x2\t/go/src/sync/mutex.go:2\n#\t0x4805\tmain.work+0x3\t/src/main.go:3\n\n"
    )
    (snapshot,) = formats.read(text.encode(), where="test")
    assert [0] == selected('stack "main.work" and count >= 2', snapshot)
    assert [] == selected('not stack "main.work"', snapshot)


def test_what_counts_of_the_whole_dump_rule_out_is_not_looked_into() -> None:
    """Groups that are too small, and marks that nobody bears, make an answer without a look at goroutines."""
    stacks = [stack_of(f"main.f{number}", created_by="main.main") for number in range(4)]
    snapshot = snapshot_with(*stacks, reasons=["select"] * 4, leaked=[False] * 4, creator_id=[1, 1, 2, None])
    index = index_of(snapshot)
    for text, expected in {
        "leaked": True,
        'waiting "select" and count >= 2 by stack': True,
        'waiting "select" and count >= 4 by creator': False,
        'waiting "select" and count > 4 by creator': True,
        'waiting "select" and count > 2 by parent': True,
        'waiting "select" and count >= 2 by parent': False,
        'waiting "select" and count >= 101% by creator': True,
        'waiting "select" and count >= 100% by creator': False,
        'waiting "select" and count < 2 by stack': False,
        'waiting "select" and count >= 9 by place': False,
        "leaked or count >= 3": False,
        "leaked or count >= 9": True,
        "not leaked": False,
    }.items():
        assert expected == is_ruled_out(parse(text, where="test"), index), text
        if expected:
            assert [] == selected(text, snapshot)


def test_a_counted_row_weighs_as_much_as_it_stands_for() -> None:
    """A format that counts has one row for many goroutines."""
    snapshot = replace(snapshot_with(stack_of("main.f"), stack_of("main.g")), counts=(5, 1))
    for number, expected in ((5, False), (6, True)):
        assert expected == is_ruled_out(parse(f"count >= {number} by stack", where="test"), index_of(snapshot))
