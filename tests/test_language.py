"""What expressions ask of goroutines: reasons, minutes, labels, marks, counting, relations, and what is unknown."""

from __future__ import annotations

import operator
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import goroutine, selected, snapshot_of, snapshot_with, stack_of
from stackscan.errors import ExpressionError
from stackscan.formats.labels import label_text, read_labels
from stackscan.knowledge.language import index_of, parse, select
from stackscan.knowledge.language.reasons import KNOWN, names, unknown
from stackscan.knowledge.language.syntax import (
    And,
    Chain,
    Count,
    Creator,
    Expression,
    Flag,
    Label,
    Minutes,
    Not,
    Or,
    Place,
    Waiting,
)
from stackscan.model.arguments import Words
from stackscan.model.snapshot import Snapshot
from stackscan.model.versions import read_version

_LOCK = ("sync.runtime_SemacquireMutex", "sync.(*Mutex).lockSlow", "sync.(*Mutex).Lock")

# -- wait reasons ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "functions", "expected"),
    [
        ("sync.Mutex.Lock", (*_LOCK, "main.f"), {"sync.Mutex.Lock"}),
        ("semacquire", (*_LOCK, "main.f"), {"semacquire", "sync.Mutex.Lock"}),
        ("semacquire", ("sync.runtime_Semacquire", "sync.(*WaitGroup).Wait", "main.f"),
         {"semacquire", "sync.WaitGroup.Wait"}),
        ("semacquire", ("sync.runtime_notifyListWait", "sync.(*Cond).Wait"), {"semacquire", "sync.Cond.Wait"}),
        ("semacquire", ("sync.runtime_SemacquireMutex", "sync.(*RWMutex).RLock", "main.f"),
         {"semacquire", "sync.RWMutex.RLock"}),
        ("semacquire", ("sync.runtime_SemacquireMutex", "sync.(*RWMutex).Lock", "main.f"),
         {"semacquire", "sync.RWMutex.Lock"}),
        ("semacquire", ("runtime.gopark", "runtime.semacquire1", *_LOCK), {"semacquire", "sync.Mutex.Lock"}),
        ("semacquire", ("runtime.stopTheWorld", "runtime.ReadMemStats", "main.f"), {"semacquire"}),
        # A second writer waits for the writers' mutex; Go says so, and people mean the RWMutex.
        ("sync.Mutex.Lock", (*_LOCK, "sync.(*RWMutex).Lock", "main.f"), {"sync.Mutex.Lock", "sync.RWMutex.Lock"}),
        ("sync.Mutex.Lock", (*_LOCK, "sync.(*Once).doSlow", "sync.(*RWMutex).Lock"), {"sync.Mutex.Lock"}),
        ("chan receive (durable)", (), {"chan receive", "chan receive (durable)"}),
        ("select (synctest)", (), {"select", "select (synctest)"}),
        ("chan receive (nil chan)", (), {"chan receive (nil chan)"}),
        # Counted formats print no reason: debug=1 hides the runtime's frames, protobuf profiles have them.
        (None, ("sync.runtime_SemacquireMutex", "internal/sync.(*Mutex).lockSlow", "sync.(*Mutex).Lock", "main.f"),
         {"sync.Mutex.Lock"}),
        (None, ("internal/sync.runtime_SemacquireMutex", "internal/sync.(*Mutex).lockSlow"), {"sync.Mutex.Lock"}),
        (None, ("sync.runtime_SemacquireWaitGroup", "sync.(*WaitGroup).Wait"), {"sync.WaitGroup.Wait"}),
        (None, ("sync.runtime_notifyListWait", "sync.(*Cond).Wait"), {"sync.Cond.Wait"}),
        (None, ("sync.runtime_SemacquireRWMutexR", "sync.(*RWMutex).RLock"), {"sync.RWMutex.RLock"}),
        (None, ("internal/poll.runtime_pollWait", "net.(*netFD).Read"), {"IO wait"}),
        (None, ("time.Sleep", "main.f"), {"sleep"}),
        (None, ("syscall.Syscall6", "os.(*Process).blockUntilWaitable"), {"syscall"}),
        (None, ("runtime.gopark", "runtime.selectgo", "main.f"), {"select"}),
        (None, ("runtime.gopark", "runtime.chanrecv", "runtime.chanrecv1", "main.f"), {"chan receive"}),
        (None, ("runtime.gopark", "runtime.semacquire1", "sync.runtime_SemacquireMutex", "sync.(*Mutex).Lock"),
         {"sync.Mutex.Lock"}),
        (None, ("main.f", "main.main"), None),
        (None, (), None),
    ],
)  # fmt: skip
def test_reasons_mean_the_same_whatever_the_version(
    reason: str | None, functions: tuple[str, ...], expected: set[str] | None
) -> None:
    """What a goroutine waits for is one name under all spellings; where nothing tells, nothing is told."""
    assert expected == names(reason, functions)


def test_waiting_is_asked_by_meaning_and_state_by_letter() -> None:
    """``waiting`` finds a lock of Go 1.19 that prints ``semacquire``; ``state`` only what is printed."""
    old = snapshot_with(stack_of(*_LOCK, "main.f"), stack_of("main.g"), reasons=["semacquire", "runnable"])
    assert [0] == selected('waiting "sync.Mutex.Lock"', old)
    assert [0] == selected('waiting "semacquire"', old)
    assert [] == selected('state "sync.Mutex.Lock"', old)
    assert [1] == selected('state ("runnable" | "running")', old)
    assert [0, 1] == selected('waiting "*"', old)


@pytest.mark.parametrize("text", ["select", "select (durable)", "chan *", "sync.*", "leaked", *KNOWN])
def test_reasons_of_any_version_can_be_asked_for(text: str) -> None:
    """Every reason and status of Go 1.4 to 1.27 is known, and parts of them with ``*``."""
    assert unknown(text) is None


@pytest.mark.parametrize(("text", "near"), [("sync.mutex.Lock", "sync.Mutex.Lock"), ("chan recieve", "chan receive")])
def test_reasons_that_no_version_prints_are_refused(text: str, near: str) -> None:
    """A reason that cannot be found is a typo, and said with what was meant."""
    assert f"did you mean '{near}'?" in (unknown(text) or "")
    assert unknown("frob*") is not None


def test_what_a_cut_stack_does_not_show_is_unknown() -> None:
    """A frame that is not seen may be among those left out; where the outer end is cut off, so is the root."""
    whole, middle, outer = (replace(stack_of("main.a", "main.b"), elided=elided) for elided in (0, 40, None))
    snapshot = snapshot_with(whole, middle, outer)
    assert [0, 1, 2] == selected('stack "main.a"', snapshot)
    assert [0] == selected('not stack "main.c"', snapshot)
    assert [0, 1] == selected('root "main.b"', snapshot)
    assert [0, 1] == selected('not root "main.c"', snapshot)
    assert [0, 1, 2] == selected('not innermost "main.c"', snapshot)


# -- minutes, marks, labels --------------------------------------------------------------------------------------------


def test_minutes_that_are_not_printed_are_less_than_one() -> None:
    """Full text leaves out less than a minute; counted formats tell nothing, and then nothing matches."""
    stacks = [stack_of(f"main.f{n}") for n in range(3)]
    text = snapshot_with(*stacks, wait_minutes=[None, 1, 7])
    assert [1, 2] == selected("minutes >= 1", text)
    assert [0] == selected("not minutes >= 1", text)
    assert [0, 1] == selected("minutes < 7", text)
    assert [2] == selected("minutes = 7", text)
    assert [0, 1] == selected("minutes != 7", text)
    counted = snapshot_with(*stacks, dump_format="goroutine-counts")
    assert [] == selected("minutes < 7", counted)
    assert [] == selected("not minutes < 7", counted)


def test_a_leaked_goroutine_shows_no_minutes() -> None:
    """The runtime prints none for those (Go 1.26): how long it waits is unknown, not nothing."""
    snapshot = snapshot_with(stack_of("main.f"), leaked=[True])
    assert [] == selected("minutes < 1", snapshot)
    assert [0] == selected("leaked", snapshot)


def test_marks_are_true_false_or_unknown() -> None:
    """``locked`` and ``leaked`` come from the header; a format without headers knows neither."""
    snapshot = snapshot_with(*(stack_of(f"main.f{n}") for n in range(3)), locked=[True, False, None])
    assert [0] == selected("locked", snapshot)
    assert [1] == selected("not locked", snapshot)


def test_labels_are_compared_whole() -> None:
    """A label's key and value are whole texts, quotes undone; ``*`` is anything."""
    labels = ['{"a b": "x, y: z", job: 7}', "{job: 71}", "{other: 7}", None]
    snapshot = snapshot_with(*(stack_of(f"main.f{n}") for n in range(4)), labels=labels)
    assert [0, 1] == selected('label "job"', snapshot)
    assert [0] == selected('label "job" = "7"', snapshot)
    assert [1] == selected('label "job" != "7"', snapshot)
    assert [0, 1] == selected('label "job" = "7*"', snapshot)
    assert [0] == selected('label "a b" = "x, y: z"', snapshot)
    assert [2, 3] == selected('not label "job"', snapshot)


@given(st.dictionaries(st.text(max_size=6), st.text(max_size=6), min_size=1, max_size=4))
def test_labels_are_read_back_as_written(labels: dict[str, str]) -> None:
    """Whatever keys and values are, what was printed is read back, in Go's spelling."""
    text = label_text(labels.items())
    assert text is not None
    clean = {k.encode("utf-8", "replace").decode(): v for k, v in labels.items()}
    if clean.keys() == labels.keys():
        assert labels == dict(read_labels(text))


# -- counting ----------------------------------------------------------------------------------------------------------


def _workers() -> Snapshot:
    """Six goroutines: four in main.work (three made by main.a, one by main.b), two in main.rest made by main.a."""
    stacks = [stack_of("main.work", created_by="main.a")] * 3 + [stack_of("main.work", created_by="main.b")]
    stacks += [stack_of("main.rest", created_by="main.a")] * 2
    return snapshot_with(*stacks, wait_minutes=[9, 9, 0, 9, 0, 0], creator_id=[1, 1, 2, 2, 2, None])


@pytest.mark.parametrize(
    ("expression", "rows"),
    [
        ("count >= 6", [0, 1, 2, 3, 4, 5]),
        ("count > 6", []),
        ('stack "main.work" and count >= 4', [0, 1, 2, 3]),
        ('stack "main.work" and count >= 5', []),
        ('stack "main.work" and minutes >= 5 and count >= 3', [0, 1, 3]),
        ('stack "main.work" and minutes >= 5 and count >= 4', []),
        ('count >= 3 and stack "main.work"', [0, 1, 2, 3]),
        ('stack "main.work" and count >= 3 by creator', [0, 1, 2]),
        ("count >= 5 by creator", [0, 1, 2, 4, 5]),
        ("count < 2 by creator", [3]),
        ("not count >= 2 by creator", [3]),
        ('stack "main.work" and minutes >= 5 and count >= 2 by creator', [0, 1]),
        ("count >= 3 by root", [0, 1, 2, 3]),
        ("count >= 3 by parent", [2, 3, 4]),
        ("count >= 50%", [0, 1, 2, 3, 4, 5]),
        ('stack "main.work" and count >= 67%', []),
        ('stack "main.work" and count >= 66%', [0, 1, 2, 3]),
        ('stack "main.work" and (count >= 5 or minutes >= 5)', [0, 1, 3]),
        ('stack "main.work" and count >= 4 or stack "main.rest" and count >= 3', [0, 1, 2, 3]),
        ('(stack "main.work" or stack "main.rest") and count >= 6', [0, 1, 2, 3, 4, 5]),
    ],
)
def test_count_counts_what_passes_everything_else(expression: str, rows: list[int]) -> None:
    """``count`` looks at the goroutines for which all else is true that the ``and``s around it ask for."""
    assert rows == selected(expression, _workers())


def test_by_stack_counts_equal_stacks() -> None:
    """Goroutines of one stack are one group, whatever their reasons."""
    text = "\n".join(goroutine(n, ["main.a" if n < 4 else "main.b"]) for n in range(1, 6))
    assert [0, 1, 2] == selected("count >= 3 by stack", snapshot_of(text))


def test_only_those_among_whom_are_asked_are_counted() -> None:
    """A rule that leaves goroutines to others does not count them."""
    snapshot = _workers()
    expression = And((Chain((("main.work",),), (), 0), Count(">=", 4)))
    assert [] == select(expression, index_of(snapshot), without={2})
    expression = And((Chain((("main.work",),), (), 0), Count(">=", 3)))
    assert [0, 1, 3] == select(expression, index_of(snapshot), without={2})


# -- relations ---------------------------------------------------------------------------------------------------------


def test_the_creator_is_asked() -> None:
    """``creator ( … )`` is true of goroutines whose creator is still there and is what is asked for."""
    text = "\n".join((
        goroutine(5, ["main.worker"]),
        goroutine(6, ["main.other"]),
        goroutine(7, ["main.helper"], creator="main.worker", creator_id=5),
        goroutine(8, ["main.helper"], creator="main.other", creator_id=6),
        goroutine(9, ["main.helper"], creator="main.gone", creator_id=99),
    ))  # fmt: skip
    snapshot = snapshot_of(text)
    assert [2] == selected('creator (stack "main.worker")', snapshot)
    assert [3] == selected('stack "main.helper" and not creator (stack "main.worker")', snapshot)
    assert [2, 3] == selected('creator (count >= 5 or stack "main.x" or not stack "main.x")', snapshot)


def test_creators_are_unknown_before_go_1_21() -> None:
    """Where goroutines do not name their creator, nothing is true of it, nor false."""
    snapshot = snapshot_of(goroutine(5, ["main.worker"]) + "\n" + goroutine(7, ["main.helper"], creator="main.worker"))
    assert [] == selected('creator (stack "main.worker")', snapshot)
    assert [] == selected('not creator (stack "main.worker")', snapshot)


def _with_arguments(words: list[tuple[int, int, int, int, bool]], count: int) -> Snapshot:
    base = snapshot_with(*(stack_of("main.holder" if n == 0 else "main.waiter") for n in range(count)))
    return Snapshot(base.format, base.table, base.stacks, read_arguments=lambda *_, **__: Words.of(words))


_HEAP = 0xC000184000


def test_goroutines_share_pointers_that_are_reliable_and_on_the_heap() -> None:
    """A pointer in common relates two goroutines; a stale word, a small one, or one of the program's own data does
    not."""
    snapshot = _with_arguments(
        [
            (0, 0, 0, _HEAP, True), (1, 0, 0, _HEAP, True), (2, 0, 0, _HEAP, False),
            (0, 0, 1, 0x4D2F00, True), (3, 0, 1, 0x4D2F00, True),
        ],
        4,
    )  # fmt: skip
    assert [1] == selected('shares pointer with (stack "main.holder")', snapshot)
    assert [0] == selected('shares pointer with (stack "main.waiter")', snapshot)
    assert [2, 3] == selected('stack "main.waiter" and not shares pointer with (stack "main.holder")', snapshot)


def test_a_goroutine_does_not_share_with_itself() -> None:
    """The relation is to another goroutine."""
    assert [] == selected('shares pointer with (stack "main.holder")', _with_arguments([(0, 0, 0, _HEAP, True)], 2))


def test_formats_without_arguments_tell_nothing_of_pointers() -> None:
    """Where no arguments are printed the relation is unknown, and so is its opposite."""
    snapshot = snapshot_with(stack_of("main.f"), dump_format="goroutine-counts")
    assert [] == selected("shares pointer with (leaked)", snapshot)
    assert [] == selected("not shares pointer with (leaked)", snapshot)
    assert [] == selected("count >= 1 by instance", snapshot)


def test_instances_are_told_by_the_innermost_first_argument() -> None:
    """``by instance`` groups by the first pointer of the innermost frame that prints one."""
    words = [(n, 1, 0, _HEAP if n < 3 else _HEAP + 8, True) for n in range(4)]
    snapshot = _with_arguments([*words, (0, 5, 0, _HEAP + 64, True)], 5)
    assert [0, 1, 2] == selected("count >= 2 by instance", snapshot)


# -- the whole, against a plain reading of the manual ------------------------------------------------------------------

_COMPARE: dict[str, Any] = {
    ">=": operator.ge, "<=": operator.le, "!=": operator.ne, "=": operator.eq, "<": operator.lt, ">": operator.gt,
}  # fmt: skip
_FUNCTIONS = [("main.a",), ("main.b",), ("main.a", "main.b"), ("main.b", "main.a")]
_REASONS = ["select", "chan send", None]


@st.composite
def _snapshots(draw: st.DrawFn) -> Snapshot:
    count = draw(st.integers(1, 6))
    rows = [
        (
            draw(st.sampled_from(_FUNCTIONS)),
            draw(st.sampled_from([None, "main.x", "main.y"])),
            draw(st.sampled_from(_REASONS)),
            draw(st.sampled_from([None, 0, 3, 9])),
            draw(st.sampled_from([None, 1, 2])),
            draw(st.sampled_from([None, True, False])),
        )
        for _ in range(count)
    ]
    functions, creators, reasons, minutes, parents, locked = zip(*rows, strict=True)
    stacks = [stack_of(*names_, created_by=creator) for names_, creator in zip(functions, creators, strict=True)]
    dump_format = draw(st.sampled_from(["goroutine-text", "goroutine-counts"]))
    return snapshot_with(
        *stacks, reasons=reasons, dump_format=dump_format, wait_minutes=minutes, creator_id=parents, locked=locked
    )


_LEAVES: st.SearchStrategy[Expression] = st.one_of(
    st.sampled_from([Chain((("main.a",),), (), 0), Chain((("main.a",), ("main.b",)), (False,), 0)]),
    st.sampled_from([Place("innermost", ("main.a",)), Place("root", ("main.b",))]),
    st.sampled_from([Waiting(("select",), exact=True), Flag("locked"), Label("k")]),
    st.builds(Minutes, st.sampled_from([">=", "<", "="]), st.sampled_from([1, 5])),
    st.builds(
        Count, st.sampled_from([">=", "<"]), st.integers(0, 4), st.just(value=False),
        st.sampled_from([None, "creator", "parent"])
    ),
)  # fmt: skip
_SEVERAL = st.deferred(lambda: st.lists(_EXPRESSIONS, min_size=2, max_size=3).map(tuple))
_EXPRESSIONS: st.SearchStrategy[Expression] = st.deferred(
    lambda: (
        _LEAVES
        | st.builds(And, _SEVERAL)
        | st.builds(Or, _SEVERAL)
        | st.builds(Not, _EXPRESSIONS)
        | st.builds(Creator, _EXPRESSIONS)
    )
)


def _plainly(expression: Expression, snapshot: Snapshot, scope: set[int]) -> list[bool | None]:  # noqa: C901, PLR0911, PLR0912
    """The manual, read goroutine by goroutine, a case for each line of its table: True, False, or None for unknown.
    ``scope``: who may be counted."""
    rows = snapshot.goroutines.to_dicts()
    stacks = [snapshot.stacks[row["stack_id"]] for row in rows]
    everyone = set(range(len(rows)))
    match expression:
        case And():
            early = [_plainly(p, snapshot, scope) for p in expression.parts if not _counts(p)]
            passing = {row for row in scope if all(answer[row] is True for answer in early)}
            late = [_plainly(p, snapshot, passing) for p in expression.parts if _counts(p)]
            return [_all([answer[row] for answer in early + late]) for row in range(len(rows))]
        case Or():
            answers = [_plainly(p, snapshot, scope) for p in expression.parts]
            return [_not(_all([_not(answer[row]) for answer in answers])) for row in range(len(rows))]
        case Not(part=And() | Or() as inner):
            opposite = Or if isinstance(inner, And) else And
            return _plainly(opposite(tuple(Not(p) for p in inner.parts)), snapshot, scope)
        case Not(part=Not() as inner):
            return _plainly(inner.part, snapshot, scope)
        case Not():
            return [_not(answer) for answer in _plainly(expression.part, snapshot, scope)]
        case Creator():
            inner = _plainly(expression.expression, snapshot, everyone)
            at = {row["goroutine_id"]: place for place, row in enumerate(rows)}
            return [inner[at[row["creator_id"]]] if row["creator_id"] in at else None for row in rows]
        case Count():
            keys = [_group(expression.by, row, stack) for row, stack in zip(rows, stacks, strict=True)]
            counts = Counter(key for place, key in enumerate(keys) if place in scope)
            compare = _COMPARE[expression.comparison]
            return [None if key is None else compare(counts[key], expression.number) for key in keys]
        case Chain():
            wanted = [element[0] for element in expression.elements]
            return [all(name in rest for name in wanted) for rest in (iter(stack.functions) for stack in stacks)]
        case Place():
            end = 0 if expression.where == "innermost" else -1
            return [stack.functions[end] == expression.patterns[0] for stack in stacks]
        case Minutes():
            text = snapshot.format == "goroutine-text"
            values = [row["wait_minutes"] if row["wait_minutes"] is not None else 0 if text else None for row in rows]
            return [None if v is None else _COMPARE[expression.comparison](v, expression.number) for v in values]
        case Flag():
            return [row["locked"] for row in rows]
        case Label():
            return [False for _ in rows]
        case _:
            assert isinstance(expression, Waiting)
            return [None if row["wait_reason"] is None else row["wait_reason"] == "select" for row in rows]


def _counts(expression: Expression) -> bool:
    parts = expression.parts if isinstance(expression, And | Or) else (getattr(expression, "part", None),)
    return isinstance(expression, Count) or any(part is not None and _counts(part) for part in parts)


def _all(answers: list[bool | None]) -> bool | None:
    return False if False in answers else None if None in answers else True


def _not(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


def _group(by: str | None, row: dict[str, Any], stack: Any) -> object:
    return {None: 0, "creator": stack.created_by, "parent": row["creator_id"]}[by]


@settings(max_examples=250, deadline=None)
@given(_snapshots(), _EXPRESSIONS)
def test_the_engine_reads_expressions_as_the_manual_does(snapshot: Snapshot, expression: Expression) -> None:
    """Cells, columns and answers that are kept give what asking each goroutine by itself gives."""
    everyone = set(range(len(snapshot.goroutines)))
    expected = [row for row, answer in enumerate(_plainly(expression, snapshot, everyone)) if answer is True]
    assert expected == select(expression, index_of(snapshot))


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        (f"minutes >= {'9' * 5_000}", 12, "a whole number below 1,000,000,000,000"),
        (f"count >= {'9' * 5_000}", 10, "a whole number below 1,000,000,000,000"),
        (f"count >= {'9' * 20}% by stack", 10, "a whole number below 1,000,000,000,000"),
        (f'module "x" >= {"9" * 5_000}.1', 15, "a version"),
    ],
    ids=range(4),
)
def test_numbers_are_bounded(text: str, column: int, said: str) -> None:
    """Python reads no number of 5,000 digits, and a column of the table holds none of 20."""
    with pytest.raises(ExpressionError, match=said) as error:
        parse(text, where="test")
    assert column == error.value.column


def test_zeros_before_a_number_mean_nothing() -> None:
    """However many there are."""
    assert parse("minutes >= 5", where="test") == parse(f"minutes >= {'0' * 5_000}5", where="test")


@pytest.mark.parametrize("text", ["v{}.1.0", "1.{}", "v1.2.{}"])
def test_a_version_that_no_one_writes_is_none(text: str) -> None:
    """A stranger's dump may hold one of 5,000 digits; none that people write is so long."""
    assert read_version(text.format("9" * 5_000)) is None
    assert read_version(text.format("9" * 18)) is not None
    later = read_version(f"v1.2.3-rc.{'9' * 5_000}")
    assert later is not None
    assert later < read_version("v1.2.3")  # type: ignore[operator]
