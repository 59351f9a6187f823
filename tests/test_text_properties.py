"""Dumps built from fragments in all orders, whole and damaged: what must be true of whatever is read."""

from __future__ import annotations

import re
from typing import Final

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import invariants
from invariants import described
from stackscan.formats import goroutine_text
from stackscan.formats.goroutine_text import known_frames, signatures
from stackscan.formats.goroutine_text.reading import Text
from stackscan.model.snapshot import Snapshot

#: Lines as Go 1.4 to 1.27, gccgo and C frames print them, and what other writers put between them.
HEADERS: Final = (
    "goroutine 1 [running]:",
    "goroutine 7 [select, 3 minutes]:",
    "goroutine 7 [chan receive (leaked), 2 minutes, locked to thread]:",
    "goroutine 12 gp=0xc000182540 m=nil [IO wait]:",
    "goroutine 0 gp=0x5e7d00 m=3 mp=0xc000180008 [idle]:",
    'goroutine 9 [select] {job: 7, "a b": "]: {"}:',
    'goroutine 9 [select labels:{"job": "7"}, 1 minutes]:',
    "goroutine 33 [chan receive (durable), synctest bubble 2]:",
    "goroutine 18446744073709551615 [semacquire]:",
    "goroutine 99999999999999999999999 [select]:",
    "goroutine 5 [sele",
    "goroutine 5 foo [select]:",
    "goroutine 6 [select]: trailing",
    "goroutine 6",
    "goroutine x [select]:",
)
FRAMES: Final = (
    "main.main()\n\t/src/app/main.go:10 +0x1d",
    "net/http.(*conn).serve(0xc0001a2000, {0x9b3c40, 0xc00013c8a0?})\n\t/go/src/net/http/server.go:2092 +0x5d0",
    "gopkg.in/yaml%2ev3.(*T[...]).Do(...)\n\t/src/a b/(c)/x.go:-1",
    "main.f({0x1, ...}, _)\n\t/src/f.go:1 +0x1 fp=0x1 sp=0x2 pc=0x3",
    "main..go..func1\n\tpanics/main.go:134 +0xb6",
    "non-Go function at pc=0x7f",
    "goroutine running on other thread; stack unavailable",
    "\tgoroutine running on other thread; stack unavailable",
    "...12 frames elided...",
    "...additional frames elided...",
    "main.torn(0xc0",
    "main.alone()",
    "\t/src/alone.go:7 +0x9",
    "runtime stack:\nruntime.throw({0x1, 0x2})\n\t/go/panic.go:1 +0x2",
)
CREATORS: Final = (
    "created by main.main\n\t/src/app/main.go:5 +0x2d",
    "created by net/http.(*Server).Serve in goroutine 1\n\t/usr/local/go/src/net/http/server.go:3360 +0x485",
    "created by main.main in goroutine",
    "created by main.main in goroutine 18446744073709551615\n\t/src/app/main.go:5 +0x2d",
    "created by ",
)
ANCESTORS: Final = ("[originating from goroutine 1]:", "[originating from goroutine 99999999999999999999999]:")
NOISE: Final = (
    "",
    "\t",
    "2026/01/02 03:04:05 http: TLS handshake error from 10.0.0.1:5: EOF",
    "panic: boom [recovered]",
    "fatal error: all goroutines are asleep - deadlock!",
    "SIGQUIT: quit",
    "-----",
    "rax    0x1",
    "exit status 2",
    'level=error msg="x" stack="goroutine 3 [running]:\\nmain.main()\\n"',
    "text goroutine 4 [select]:",
    "naïve \ufffd \u2028 \x0b \x85 line",
    "goroutine profile: total 3",
)
fragments = st.sampled_from((*HEADERS, *FRAMES, *CREATORS, *ANCESTORS, *NOISE))
#: A goroutine that most often is one: header, frames, perhaps a creator and an ancestor, a blank line.
goroutines = st.builds(
    lambda header, frames, tail: "\n".join([header, *frames, *tail, ""]),
    st.sampled_from(HEADERS),
    st.lists(st.sampled_from(FRAMES), min_size=1, max_size=4),
    st.lists(st.sampled_from((*CREATORS, *ANCESTORS, *NOISE)), max_size=3),
)
texts = st.lists(st.one_of(goroutines, fragments), max_size=14).map("\n".join)
regular = st.lists(
    st.builds(
        lambda header, frames, creator: "\n".join([header, *frames, *creator]) + "\n",
        st.sampled_from(HEADERS[:8]),
        st.lists(st.sampled_from(FRAMES[:4]), min_size=1, max_size=5),
        st.sampled_from(((), CREATORS[:1], CREATORS[1:2])),
    ),
    min_size=1,
    max_size=12,
).map("\n".join)

_LOCATION: Final = re.compile(r":-?\d+(?: \+0x[0-9a-f]+)?(?: fp=\w+ sp=\w+(?: pc=\w+)?)?\Z")

few = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@few
@given(texts)
@example(
    "goroutine 99999999999999999999999 [select]:\nmain.main()\n\t/a.go:10 +0x1d\ncreated by main.f\n\t/a.go:5 +0x2d\n"
)
def test_nothing_is_lost_silently_and_the_grammar_is_right(text: str) -> None:
    """Fragments in any order: no crash; each header line is a goroutine or a problem; what the grammar accepts, with no
    cache and no shortcut, is what was read."""
    invariants.check_text(text.encode())


@few
@given(texts, st.data())
def test_damage_is_survived(text: str, data: st.DataObject) -> None:
    """The same with bytes changed, taken out and put in, cut at both ends."""
    damaged = bytearray(text.encode())
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, max(len(damaged), 1) - 1))
        length = data.draw(st.integers(0, 12))
        damaged[at : at + length] = data.draw(st.binary(max_size=6))
    begin = data.draw(st.integers(0, len(damaged)))
    invariants.check_text(bytes(damaged[begin:]))


@few
@given(texts)
def test_reading_twice_gives_the_same(text: str) -> None:
    """Threads, caches and what was read before do not show: frames that are known are read on another way."""
    known_frames.forget()
    assert described(goroutine_text.read(text.encode())) == described(goroutine_text.read(text.encode()))


@few
@given(texts, st.sampled_from([1, 64, 700]))
def test_chunks_do_not_show(text: str, size: int) -> None:
    """However a text is cut into chunks for the threads, the same is read; and as it is read whole, without columns."""
    whole = described(goroutine_text.read(text.encode()))
    assert whole == described(invariants.read_as_columns(text.encode(), chunk=size))


@few
@given(st.lists(st.sampled_from(["", "x", "goroutine 1 [select]:", "y" * 5000]), max_size=40), st.integers(-1, 45))
def test_a_line_is_found_in_any_text(lines: list[str], number: int) -> None:
    """Whatever was looked for before: where it begins, and the end of the text for one that it has not."""
    data = "\n".join(lines).encode()
    text = Text(data)
    begins = {line: len("".join(f"{each}\n" for each in lines[: line - 1])) for line in range(1, len(lines) + 1)}
    for line in (number, len(lines) // 2, number):
        assert begins.get(line, 0 if line < 1 else len(data)) == text.offset(line)


@few
@given(texts.filter(lambda text: "\r" not in text))
def test_line_ends_do_not_show(text: str) -> None:
    """Windows line ends and a byte order mark change nothing."""
    unix = described(goroutine_text.read(text.encode()))
    windows = described(goroutine_text.read(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()))
    assert unix == windows


@few
@given(regular)
def test_whole_dumps_are_read_whole(text: str) -> None:
    """Without damage every goroutine is read, nothing is a problem, and each stack is the one that stands there. Two
    stacks under one id are both counted, and in doubt."""
    snapshots = invariants.check_text(text.encode())
    read = sum(len(snapshot.goroutines) for snapshot in snapshots)
    told = sum("counted once" in problem.reason for snapshot in snapshots for problem in snapshot.problems)
    doubted = any("both are counted" in problem.reason for snapshot in snapshots for problem in snapshot.problems)
    assert text.count("goroutine ") - text.count(" in goroutine ") == read + told
    problems = {problem.reason for snapshot in snapshots for problem in snapshot.problems}
    assert {reason for reason in problems if "listed twice" not in reason} == set()
    assert doubted is not all(snapshot.complete for snapshot in snapshots)


@few
@given(regular, regular)
def test_two_dumps_in_one_file_are_both_read(first: str, second: str) -> None:
    """A dump below another, a log line between them: what each holds is what it holds alone."""
    between = "\nSIGQUIT: quit\nPC=0x1 m=0 sigcode=0\n\n"
    alone = [stacks_of(goroutine_text.read(text.encode())) for text in (first, second)]
    both = goroutine_text.read((first + between + second).encode())
    assert sorted(alone[0] + alone[1]) == sorted(stacks_of(both))


@few
@given(regular, st.data())
def test_a_cut_dump_keeps_what_stands_before_the_cut(text: str, data: st.DataObject) -> None:
    """Every goroutine but the last is as it was, and a cut in the middle of one is told."""
    cut = text[: data.draw(st.integers(1, len(text)))]
    snapshots = invariants.check_text(cut.encode())
    whole = invariants.rows(goroutine_text.read(text.encode()))
    found = invariants.rows(snapshots)
    for line in sorted(found)[:-1]:
        assert whole.get(line) == found[line]
    in_the_middle = text[len(cut) :].strip("\n") and not cut.endswith("\n")
    if in_the_middle and not _LOCATION.search(cut):  # a location may be whole: somebody stripped the newline
        assert not all(snapshot.complete for snapshot in snapshots)


def stacks_of(snapshots: list[Snapshot]) -> list[str]:
    """The goroutines of some snapshots, as texts without their lines."""
    return [
        repr((row["goroutine_id"], row["wait_reason"], row["labels"], snapshot.stacks[row["stack_id"]]))
        for snapshot in snapshots
        for row in snapshot.goroutines.iter_rows(named=True)
    ]


_LINES = st.sampled_from(
    [
        "main.f(0x1)", "main.g(...)", "\t/src/f.go:7 +0x1d", "\t/src/g.go:9", "created by main.main in goroutine 1",
        "created by main.f", "created by x(\tfoo", "\t/src/\tf.go:1", "main.f(\tfoo(0x1)", "words", ".x(0x1)",
        "[x](0x1)", "", "goroutine x(0x2)", "created by y(0x3)", "created by ",
    ]
)  # fmt: skip


@given(st.lists(st.lists(_LINES, min_size=2, max_size=8), min_size=1, max_size=4))
def test_lines_of_all_stacks_at_once_are_those_of_each(bodies: list[list[str]]) -> None:
    """New stacks are taken apart together; where one has another form, each is by itself."""
    known = signatures.Signatures()
    for lines in bodies:
        known.of("".join(f"{line}\n" for line in lines).encode(), len(lines))
    keys = list(known._keys)
    together = signatures._all_lines(keys)
    assert together in (None, signatures._lines_one_by_one(keys))


def test_usual_stacks_are_taken_apart_together() -> None:
    """With and without a creator: nothing of them needs a look by itself."""
    known = signatures.Signatures()
    creator = b"created by main.main in goroutine 1\n\t/src/main.go:3 +0x5\n"
    for body, lines in (
        (b"main.f(0x1)\n\t/src/f.go:7 +0x1d\nmain.g()\n\t/src/g.go:9\n", 4),
        (b"main.h()\n\t/h.go:1\n", 2),
    ):
        known.of(body, lines)
        known.of(body + creator, lines + 2)
    _, counts = signatures._all_lines(list(known._keys)) or ((), [])
    assert [2, 3, 1, 2] == counts
