"""Tables of go tool pprof: the stacks that are put together have the sums of the profile, and say what is not known."""

from __future__ import annotations

import gzip
import io
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mangling import mangled

from helpers import FIXTURES, run
from invariants import check_snapshots
from stackscan import formats
from stackscan.formats import pprof_text
from stackscan.formats.pprof_text import flow, grammar
from stackscan.formats.pprof_text.flow import paths
from stackscan.formats.pprof_text.loops import loops_of
from stackscan.formats.pprof_text.tree import LOOPED, MIXED
from stackscan.model.snapshot import Snapshot
from stackscan.pipeline import scan
from stackscan.redaction.redact import Redaction
from stackscan.render import renderer
from stackscan.sources import limits

FOLDER: Final = FIXTURES / "tools" / "pprof-text"
TRUTH: Final[dict[str, Any]] = tomllib.loads((FOLDER / "truth.toml").read_text(encoding="utf-8"))
TABLES: Final = sorted(TRUTH["table"])
COLUMNS: Final = "      flat  flat%   sum%        cum   cum%"
TREE_COLUMNS: Final = COLUMNS + "   calls calls% + context \t \t "
SEPARATOR: Final = "-" * 58 + "+" + "-" * 13

#: Functions, outermost first, with how many goroutines are on this stack.
Stacks = Counter[tuple[str, ...]]


def text(name: str) -> str:
    """A fixture."""
    return (FOLDER / name).read_text(encoding="utf-8")


def read(content: str) -> Snapshot:
    """The one snapshot of a text."""
    (snapshot,) = formats.read(content.encode("utf-8", "surrogateescape"), where="test")
    return snapshot


def stacks_of(snapshot: Snapshot) -> Stacks:
    """The stacks, outermost first."""
    found: Stacks = Counter()
    for row in snapshot.counted_rows.iter_rows(named=True):
        found[snapshot.stacks[row["stack_id"]].functions[::-1]] += row["count"]
    return found


def sums_of(stacks: Stacks) -> tuple[Counter[str], Counter[str], Counter[tuple[str, str]]]:
    """What pprof sums up: goroutines in a function now, with it on their stacks, and with a call; each once a stack."""
    flat: Counter[str] = Counter()
    cum: Counter[str] = Counter()
    calls: Counter[tuple[str, str]] = Counter()
    for stack, count in stacks.items():
        flat[stack[-1]] += count
        for function in set(stack):
            cum[function] += count
        for call in {pair for pair in pairwise(stack) if pair[0] != pair[1]}:
            calls[call] += count
    return flat, cum, calls


def printed(stacks: Stacks) -> str:
    """A table as pprof -tree prints it (internal/report/report.go, printTree)."""
    flat, cum, calls = sums_of(stacks)
    total = stacks.total()
    lines = ["Type: goroutine", f"Showing nodes accounting for {total}, 100% of {total} total"]
    lines += [SEPARATOR, TREE_COLUMNS]
    for function in sorted(cum, key=lambda name: (-flat[name], name)):
        lines.append(SEPARATOR)
        callers = [(count, pair[0]) for pair, count in calls.items() if pair[1] == function]
        callees = [(count, pair[1]) for pair, count in calls.items() if pair[0] == function]
        lines += [f"{count:50d}   100% |   {name}" for count, name in sorted(callers, reverse=True)]
        lines.append(f"{flat[function]:10d}   100%   100% {cum[function]:10d}   100%                | {function}")
        lines += [f"{count:50d}   100% |   {name}" for count, name in sorted(callees, reverse=True)]
    return "\n".join([*lines, SEPARATOR, ""])


# -- the fixtures, counted by hand -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
def test_the_fixtures_hold_what_was_counted(name: str) -> None:
    """Goroutines, stacks with their frames, sums, and which doubts there are."""
    truth, snapshot = TRUTH["table"][name], read(text(name))
    assert ("pprof-text", truth["complete"]) == (snapshot.format, snapshot.complete)
    assert (truth["read"], truth["goroutines"]) == (snapshot.total, snapshot.header_lines)
    assert truth["stacks"] == [
        [row["count"], len(snapshot.stacks[row["stack_id"]].frames), snapshot.stacks[row["stack_id"]].elided == 0]
        for row in snapshot.counted_rows.iter_rows(named=True)
    ]
    assert truth.get("sums", []) == [list(each) for each in snapshot.sums]
    assert len(truth["problems"]) == len(snapshot.problems)
    for words, problem in zip(truth["problems"], snapshot.problems, strict=True):
        assert words in problem.reason


@pytest.mark.parametrize(("name", "profile"), [("tree.txt", "raw.txt"), ("crowd-tree-all.txt", "crowd-raw.txt")])
def test_a_tree_has_the_sums_of_the_profile(name: str, profile: str) -> None:
    """The same total; the same goroutines in each function and each call; the same stacks where no circle is."""
    tree, raw = stacks_of(read(text(name))), stacks_of(read(text(profile)))
    assert sums_of(raw) == sums_of(tree)
    circle = {"main.folder", "net/http.HandlerFunc.ServeHTTP"}
    assert [{stack: count for stack, count in each.items() if not circle & set(stack)} for each in (tree, raw)] == [
        {stack: count for stack, count in raw.items() if not circle & set(stack)}
    ] * 2


def test_a_tree_knows_states_and_causes_as_the_profile_does() -> None:
    """The runtime's frames are in it."""
    (one,), (other,) = (scan([str(FOLDER / name)]).snapshots for name in ("tree.txt", "raw.txt"))
    assert [(found.rule.name, found.count) for found in one.findings] == [
        (found.rule.name, found.count) for found in other.findings
    ]
    (lines,), (whole,) = (scan([str(FOLDER / n)]).snapshots for n in ("crowd-tree-lines.txt", "crowd.pb.gz"))
    reasons = [sorted((b.bucket.wait_reason, b.bucket.count) for b in each.buckets) for each in (lines, whole)]
    assert reasons[0] == reasons[1]


def test_problems_name_the_function() -> None:
    """Where the callers and callees meet that may be paired wrongly."""
    snapshot = read(text("crowd-tree-all.txt"))
    lines = text("crowd-tree-all.txt").splitlines()
    assert {(MIXED, "main.retry"), (LOOPED, "net/http.HandlerFunc.ServeHTTP")} == {
        (problem.reason, problem.excerpt) for problem in snapshot.problems
    }
    assert all(lines[problem.line - 1].endswith(f"| {problem.excerpt}") for problem in snapshot.problems)


# -- the first line ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("top.txt", "13 goroutines: 6 in main.(*queue[...]).take, 4 in main.(*account).Balance, 2 in main.waitForEver"),
        ("crowd-top.txt", "2,502 goroutines: 2,400 in main.next, 1,500 in main.serveTCP, 900 in main.serveUDP"),
        ("peek.txt", "13 goroutines: 4 in main.(*account).Balance"),
    ],
)
def test_the_first_line_says_where_most_goroutines_are(name: str, line: str) -> None:
    """Never a tick; what is lost is said once; `check` passes with a warning."""
    done = run("report", "--top", "0", str(FOLDER / name))
    assert 0 == done.returncode
    assert done.stdout.replace("\n  ", " ").startswith(f"i {line}; pprof shows sums by function here, not whole stacks")
    checked = run("check", str(FOLDER / name))
    assert 0 == checked.returncode
    assert "incomplete" in checked.stdout


def test_a_selection_has_no_sums() -> None:
    """They are those of all goroutines."""
    done = run("report", "--top", "0", "--where", 'stack "runtime.gopark"', str(FOLDER / "top.txt"))
    lines = done.stdout.splitlines()
    assert ["i no known stuck pattern; 12 of 12 goroutines in runtime.gopark",
            "i pprof shows sums by function here, not whole stacks"] == lines[:2]  # fmt: skip


def test_without_functions_of_the_program_the_librarys_are_named() -> None:
    """In a table that is cut to its first rows."""
    rows = "".join(text("crowd-session.txt").splitlines(keepends=True)[:9])
    assert (("main.dial", 25),) == read(rows).sums
    fewer = "".join(line for line in rows.splitlines(keepends=True) if "main.dial" not in line)
    assert "internal/sync.(*Mutex).Lock" == read(fewer).sums[0][0]


def test_redaction_hashes_the_sums() -> None:
    """Names of the program are in them."""
    snapshot = read(text("top.txt").replace("main.waitForEver", "git.acme.io/billing.Charge"))
    assert any("acme" in name for name, _ in snapshot.sums)
    redacted = Redaction(b"key").snapshot(snapshot)
    assert [count for _, count in snapshot.sums] == [count for _, count in redacted.sums]
    assert not any("acme" in name or "waitForEver" in name or "Balance" in name for name, _ in redacted.sums)


@pytest.mark.parametrize("name", ["tree.txt", "top.txt", "crowd-tree.txt", "peek.txt"])
def test_they_are_converted(name: str, tmp_path: Path) -> None:
    """Into a profile that is read again, with as many goroutines."""
    target = tmp_path / "out.pb.gz"
    assert 0 == run("convert", str(FOLDER / name), "--format", "pprof", "--output", str(target)).returncode
    (snapshot,) = formats.read(gzip.decompress(target.read_bytes()), where="test")
    assert read(text(name)).total == snapshot.total


# -- as people paste it ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize(
    "paste",
    [
        lambda t: "Our service hangs.\n\n```\n" + t + "```\n\nWhat now?\n",
        lambda t: "".join(f"    {line}\n" for line in t.splitlines()),
        lambda t: "".join(f"> {line}\n" for line in t.splitlines()),
        lambda t: "".join(f"1. step\n   > {line}\n"[8:] for line in t.splitlines()),
        lambda t: t.replace("\n", "\r\n"),
        lambda t: t.rstrip("\n"),
        lambda t: "\ufeff" + t,
        lambda t: "\n".join(line.rstrip() for line in t.split("\n")),
        lambda t: "\n".join(line.strip() for line in t.split("\n")),
    ],
    ids=["fence", "block", "quote", "nested", "crlf", "no newline", "bom", "trimmed", "stripped"],
)  # fmt: skip
def test_it_is_read_as_people_paste_it(name: str, paste: Any) -> None:
    """In a fence, indented, quoted, with the line ends of Windows."""
    expected, found = read(text(name)), read(paste(text(name)))
    assert stacks_of(expected) == stacks_of(found)
    assert (expected.complete, expected.header_lines, expected.sums) == (
        found.complete, found.header_lines, found.sums
    )  # fmt: skip


def test_stacks_come_before_sums() -> None:
    """Where a text has the stacks, its tables say nothing new; a tree says more than a list of sums."""
    both = text("top.txt") + text("tree.txt")
    assert (13, True) == (read(both).total, read(both).complete)
    assert ["goroutine-text"] == [s.format for s in formats.read(
        (text("top.txt") + "\n" + text("goroutine.debug2.txt")).encode(), where="test")]  # fmt: skip
    assert 13 == read(text("raw.txt") + "\n" + text("tree.txt")).total
    two = formats.read((text("top.txt") + "\nlater\n" + text("top.txt")).encode(), where="test")
    assert [13, 13] == [snapshot.total for snapshot in two]


def test_a_session_names_its_profile_once() -> None:
    """`(pprof) top` prints no line with the type: the one at the beginning of the session holds."""
    rows = "(pprof) top\n" + "".join(text("crowd-session.txt").splitlines(keepends=True)[:9])
    assert 2502 == read(rows).header_lines  # by runtime.gopark
    named = 'Type: goroutineleak\nEntering interactive mode (type "help" for commands)\n' + rows
    assert read(named).leak_profile
    assert [] == pprof_text.spans(named.replace("goroutineleak", "cpu").encode())
    assert [] == pprof_text.spans(text("cpu-top.txt").encode())


def test_old_versions_print_the_total_in_other_words() -> None:
    """Before 2017."""
    old = text("tree.txt").replace("Showing nodes accounting for 13, 100% of 13 total", "13 of 13 total (  100%)")
    assert (13, 13, True) == (read(old).total, read(old).header_lines, read(old).complete)


# -- damage ------------------------------------------------------------------------------------------------------------


def test_a_damaged_line_is_named() -> None:
    """A row, a call, a value that is no count."""
    tree = text("tree.txt")
    snapshot = read(tree.replace("         1  7.69%   100%          1", "         1  7.69%   100%          x"))
    assert (12, 13, False) == (snapshot.total, snapshot.header_lines, snapshot.complete)
    assert "row is damaged; skipped" in [problem.reason for problem in snapshot.problems]
    snapshot = read(tree.replace("6 50.00% |   runtime.chanrecv", "6ms 50.00% |   runtime.chanrecv"))
    assert "call is damaged; skipped" in [problem.reason for problem in snapshot.problems]
    snapshot = read(tree.replace("         1  7.69%   100%", "        -1  7.69%   100%"))
    assert any("-base" in problem.reason for problem in snapshot.problems)


def test_a_tree_that_is_cut_says_so() -> None:
    """Behind, and before its first lines. Each goroutine is counted once at most, by the function that it is in."""
    lines = text("tree.txt").splitlines(keepends=True)
    snapshot = read("".join(lines[:40]))
    assert (13, 13, True) != (snapshot.total, snapshot.header_lines, snapshot.complete)
    assert all(stack.elided is None for stack in snapshot.stacks)
    snapshot = read("".join(lines[6:]))
    assert (13, False) == (snapshot.total, snapshot.complete)
    assert any("is cut" in problem.reason for problem in snapshot.problems)


def test_limits_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long names, deep stacks, circles without end, more goroutines than a process can have."""
    long = "main." + "f" * (limits.MAX_NAME + 10)
    snapshot = read(text("top.txt").replace("main.waitForEver", long))
    assert max(len(name) for name, _ in snapshot.sums) <= limits.MAX_NAME
    many: Stacks = Counter({("main.f", "runtime.gopark"): 10**17})
    assert 0 == read(printed(many)).total
    monkeypatch.setattr(flow, "STEPS_EACH", 0)
    snapshot = read(text("tree.txt"))
    assert 13 == snapshot.total
    assert any(stack.elided is None for stack in snapshot.stacks)
    monkeypatch.undo()
    monkeypatch.setattr(limits, "MAX_FRAMES", 4)
    assert 13 == read(text("tree.txt")).total


# -- single lines ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("         0     0%   100%          6 46.15%                | main.f", (0, 6, "main.f")),
        ("         0     0%   100%          6 1e-05%  main.f (partial-inline)", (0, 6, "main.f")),
        ("0 0% 100% 6 46.15% main.F[struct { A int }].func1 /a b/x.go:3 (inline)",
         (0, 6, "main.F[struct { A int }].func1")),
        ("6ms 1% 1% 6ms 1% main.f", None),
        ("6 1% 1% 6 1%", None),
    ],
)  # fmt: skip
def test_rows(line: str, expected: tuple[int, int, str] | None) -> None:
    """Of -tree and -top."""
    row = grammar.read_row(line)
    assert expected == (None if row is None else (row[0], row[1], row[2].function))


# -- what holds for all trees ------------------------------------------------------------------------------------------


def layered(names: Sequence[str]) -> st.SearchStrategy[Stacks]:
    """Stacks in which no function calls itself, not through others: functions of a lower layer call higher ones."""
    stack = st.sets(st.sampled_from(sorted(names)), min_size=1, max_size=6).map(lambda chosen: tuple(sorted(chosen)))
    return st.dictionaries(stack, st.integers(1, 50), min_size=1, max_size=12).map(Counter)


@given(layered("abcdefgh"))
def test_the_sums_of_the_stacks_are_those_of_the_tree(stacks: Stacks) -> None:
    """Of every function and every call; no goroutine more or less."""
    snapshot = read(printed(named(stacks)))
    assert sums_of(named(stacks)) == sums_of(stacks_of(snapshot))
    assert (stacks.total(), True) == (snapshot.total, snapshot.complete)


@given(layered("abcdefgh"))
def test_without_a_doubt_the_stacks_are_the_originals(stacks: Stacks) -> None:
    """No problem says that functions may be paired wrongly: then they are not."""
    snapshot = read(printed(named(stacks)))
    if MIXED not in {problem.reason for problem in snapshot.problems}:
        assert named(stacks) == stacks_of(snapshot)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)), min_size=1, max_size=25))
def test_with_one_caller_each_the_stacks_are_the_originals(parents: list[tuple[int, int]]) -> None:
    """A tree in the strict sense."""
    way: list[tuple[str, ...]] = []
    for place, (parent, _) in enumerate(parents):
        above = way[parent % place] if place and parent % 4 else ()
        way.append((*above, f"main.f{place}"))
    stacks: Stacks = Counter({stack: count for stack, (_, count) in zip(way, parents, strict=True) if count})
    if stacks:
        snapshot = read(printed(stacks))
        assert stacks == stacks_of(snapshot)
        assert snapshot.complete
        assert not {MIXED, LOOPED} & {problem.reason for problem in snapshot.problems}


@given(st.dictionaries(st.lists(st.sampled_from("abcde"), min_size=1, max_size=8).map(tuple), st.integers(1, 9),
                       min_size=1, max_size=8).map(Counter))  # fmt: skip
def test_circles_end(stacks: Stacks) -> None:
    """Functions that call each other: no goroutine is lost or made up, and each is where it is."""
    snapshot = read(printed(named(stacks)))
    flat, _, calls = sums_of(named(stacks))
    found = sums_of(stacks_of(snapshot))
    assert flat == found[0]
    assert set(found[2]) <= set(calls)
    assert snapshot.complete


def test_a_circle_of_handlers_is_walked_once() -> None:
    """Those with handlers around them, and those without."""
    handler = "net/http.HandlerFunc.ServeHTTP"
    stacks: Stacks = Counter({
        ("main.serve", handler, "main.logged", handler, "main.authed", handler, "main.final"): 4,
        ("main.serve", handler, "main.final"): 6,
    })  # fmt: skip
    found = stacks_of(read(printed(stacks)))
    assert sums_of(stacks) == sums_of(found)
    assert [4, 6] == sorted(found.values())


def test_loops() -> None:
    """Two circles that meet in no function, and functions outside."""
    loops = loops_of(7, [(0, 1), (1, 2), (2, 1), (2, 3), (3, 4), (4, 5), (5, 3), (6, 6)])
    assert [None, 1, 1, 3, 3, 3, None] == loops


def test_many_functions_end() -> None:
    """A chain in which goroutines are everywhere, and a star: as long as the text, not its square."""
    size = 3000
    chain = list(paths([1] * size, list(range(size, 0, -1)), {(n, n + 1): size - n - 1 for n in range(size - 1)}))
    assert size == sum(path.count for path in chain)
    star = list(paths([0, *[1] * size], [size, *[1] * size], {(0, n): 1 for n in range(1, size + 1)}))
    assert [2] * size == [len(path.functions) for path in star]
    ring = {(n, (n + step) % size): 5 for n in range(size) for step in (1, 2)}
    assert size == sum(path.count for path in paths([1] * size, [9] * size, ring) if path.ends)


def named(stacks: Iterable[tuple[str, ...]]) -> Stacks:
    """The stacks with names of functions; each ends in the runtime, as all do."""
    assert isinstance(stacks, Counter)
    found: Stacks = Counter()
    for stack, count in stacks.items():
        found[(*(f"main.{name}" for name in stack), "runtime.gopark")] += count
    return found


# -- any text ----------------------------------------------------------------------------------------------------------


@settings(max_examples=200)
@given(st.data())
def test_a_mangled_table_is_read(data: st.DataObject) -> None:
    """Lines dropped, doubled, cut, swapped, with text between them: nothing raises, and what is lost is said."""
    damaged = data.draw(mangled(text(data.draw(st.sampled_from(TABLES)))))
    for begin, end in pprof_text.spans(damaged):
        check_snapshots(pprof_text.read(damaged[begin:end]))


@pytest.mark.parametrize(
    "line",
    [
        COLUMNS + "\n", TREE_COLUMNS + "\n", "Type: goroutine\n" + COLUMNS + "\n", SEPARATOR + "\n",
        COLUMNS + "\n         1   100%   100%          1   100%  main.f\n", "> " * 9 + COLUMNS + "\n",
        "         1   100%   100%          1   100%  main.f\n", " " * 1000 + "flat%\n", "Type: goroutine\n",
        "Showing nodes accounting for 1, 100% of 1 total\n" + COLUMNS + "\n", "flat%" * (1 << 18) + "\n",
    ],
)  # fmt: skip
def test_near_misses_by_the_hundred_thousand_end(line: str) -> None:
    """One scan: no line is looked at again and again."""
    data = (COLUMNS + "\n" + line * max(100_000 // max(len(line) // 100, 1), 20)).encode()
    assert all(low < high for low, high in pprof_text.spans(data))


def test_names_reach_no_output_raw(tmp_path: Path) -> None:
    """They come from strangers."""
    path = tmp_path / "top.txt"
    for name in ("top.txt", "tree.txt"):
        path.write_text(text(name).replace("main.waitForEver", "main.\x1b[31mwait<b>"), encoding="utf-8")
        for output in ("text", "json", "markdown"):
            out = io.StringIO()
            renderer("report", output)(scan([str(path)]), out)
            assert "\x1b" not in out.getvalue()
