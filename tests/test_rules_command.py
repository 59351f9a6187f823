"""What the rule language does on the command line: --where, --all, the list of rules, and pools that are proposed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers import DUMP, FIXTURES, assert_refused, goroutine, run, snapshot_of
from stackscan.analysis.proposals import propose
from stackscan.analysis.selection import SelectedRows
from stackscan.errors import ExpressionError
from stackscan.knowledge.configuration import Configuration, shipped
from stackscan.knowledge.descriptions import read_text
from stackscan.knowledge.language import parse
from stackscan.knowledge.pool import read_pool
from stackscan.knowledge.rule import Rule, read_rule
from stackscan.model.arguments import Words
from stackscan.model.schemas import ARGUMENT_SCHEMA
from stackscan.pipeline import Options, scan
from stackscan.render import renderer
from stackscan.report import as_json

_POOL_DUMP = FIXTURES / "go" / "go1.25" / "pool.txt"
_MANUAL = FIXTURES.parent / "docs" / "rules.md"

# -- expressions that are wrong ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("", 1, ["expected a condition"]),
        ("stack", 6, ["expected a string in quotes or @, found the end"]),
        ("stack A", 7, ["found 'A'"]),
        ('stack "A', 7, ['closing "']),
        ('stack "A" .. ', 13, ["found the end"]),
        ('stack "A" AND minutes > 3', 11, ["'and' or 'or'", "did you mean 'and'?"]),
        ('stack "A" stack "B"', 11, ["found 'stack'"]),
        ('(stack "A"', 11, ["expected )", "found the end"]),
        ('stack "A" ))', 11, ["found ')'"]),
        ('stack @"A" .. @"B"', 1, ["one @"]),
        ('stack ""', 7, ["found an empty one"]),
        ("minuts >= 5", 1, ["did you mean 'minutes'?"]),
        ("minutes >= 5.5", 12, ["a whole number"]),
        ("minutes 5", 9, ["a comparison"]),
        ("count >= 100 by frog", 17, ["creator, stack, place, instance, root or parent"]),
        ('waiting "mutex"', 9, ["'mutex' is not a wait reason of any Go version"]),
        ('waiting "chan recieve"', 9, ["did you mean 'chan receive'?"]),
        ("stack $bitswap-wroker", 7, ["did you mean '$bitswap-worker'?"]),
        ("$nothing-like-it", 1, ["unknown shared name"]),
        ('label "k" > "v"', 11, ["expected = or !="]),
        ('module "x" >= y', 15, ["a version"]),
        ('created "x"', 9, ["expected 'by'"]),
        ("stack \x1b[31m", 7, ["found"]),
        ("(" * 3_000, 3_001, ["found the end"]),
    ],
)
def test_a_wrong_expression_is_pointed_at(text: str, column: int, words: list[str]) -> None:
    """The error tells the column, what was expected there and what was found, and shows the place."""
    with pytest.raises(ExpressionError) as caught:
        parse(text, where="--where")
    assert column == caught.value.column
    for word in words:
        assert word in str(caught.value)
    line, caret = caught.value.excerpt or ("", "^")  # of nothing, nothing is shown
    assert caret.endswith("^")
    assert line.isprintable()


def test_the_caret_stands_under_the_place_whatever_stands_before() -> None:
    """Escapes and wide letters before the place move the caret as they move the text."""
    for before, width in (("main.f", 6), ("主.f", 4), ("a\x07b", 6)):
        with pytest.raises(ExpressionError) as caught:
            parse(f'stack "{before}" oops', where="x")
        assert len('stack "" ') + width == caught.value.excerpt[1].index("^")


def test_a_long_line_is_shown_in_part() -> None:
    """Only what stands around the place is shown of a line that no terminal holds."""
    with pytest.raises(ExpressionError) as caught:
        parse("leaked or " * 100 + "oops" + " or leaked" * 100, where="x")
    line, caret = caught.value.excerpt
    assert line[caret.index("^") :].startswith("oops or leaked")
    assert len(line) < 130


def test_the_line_is_told_where_there_are_several() -> None:
    """In an expression of several lines the error names the line, and the column in it."""
    with pytest.raises(ExpressionError, match=r"^x: line 3, column 5: "):
        parse('stack "A"\n  # a comment\nand oops\n', where="x")


def test_every_expression_of_the_manual_is_one() -> None:
    """What docs/rules.md shows in its table can be written."""
    table = _MANUAL.read_text(encoding="utf-8").split("## The language")[1].split("### Patterns")[0]
    shown = [
        text.replace(r"\|", "|").replace("…", "leaked")
        for line in table.splitlines()
        if line.startswith("| `")
        for text in line.split(" | ")[0].strip("| ").strip("`").split("`, `")
    ]
    assert len(shown) > 20
    for text in shown:
        if text not in ("$name", "not leaked", "leaked and leaked", "leaked or leaked", "( leaked )"):
            parse(text, where="docs/rules.md")


# -- report --where and --all ------------------------------------------------------------------------------------------


def test_where_reports_on_what_matches() -> None:
    """Everything in the report is about the goroutines that were asked for; how many there were is told."""
    done = run("report", _POOL_DUMP, "--where", 'waiting "sync.Mutex.Lock"', "--format", "json")
    (snapshot,) = json.loads(done.stdout)["snapshots"]
    assert 3 == snapshot["goroutines"]
    assert {"sync.Mutex.Lock": 3} == snapshot["wait_reasons"]
    assert {"expression": 'waiting "sync.Mutex.Lock"', "goroutines_in_dump": 14} == snapshot["where"]
    text = run("report", _POOL_DUMP, "-w", 'waiting "sync.Mutex.Lock"').stdout
    assert "3 of 14 goroutines match" in text


def test_where_may_match_nothing() -> None:
    """No match is an answer: it is told, and the exit code is 0."""
    done = run("report", "-", "--where", 'stack "main.nowhere"', stdin=DUMP.encode())
    assert done.returncode == 0
    assert "no goroutine matches" in done.stdout


def test_a_wrong_where_ends_the_program_before_it_reads() -> None:
    """Exit code 2 and a caret under the column, though the source is not even there."""
    done = run("report", "no-such-file", "--where", 'waiting "sync.Mutex.lock"')
    assert_refused(done, "--where: column 9: ", "did you mean 'sync.Mutex.Lock'?")
    assert ['  waiting "sync.Mutex.lock"', "          ^"] == done.stderr.splitlines()[1:3]


def test_findings_and_pools_are_of_the_whole_dump() -> None:
    """Of a stalled pool only some workers may be asked for: they are so many of all, with their own companions."""
    where = 'stack "go-yamux/v*.(*Stream).Read" .. $bitswap-worker and count >= 8'
    source = FIXTURES / "kubo" / "v0.41.0-boxo-v0.38.0-stalled-tcp" / "ipfs-profile-02.zip"
    done = run("report", source, "--where", where, "--format", "json")
    snapshot = json.loads(done.stdout)["snapshots"][0]
    (finding,) = snapshot["findings"]
    assert 11 == snapshot["goroutines"] == finding["count"] == finding["evidence"]["companions"]
    assert [("bitswap-task-workers", 12)] == [(pool["pool"], pool["workers"]) for pool in snapshot["pools"]]
    assert snapshot["verdicts"][0]["text"].startswith("11 of 12 bitswap task workers")
    assert [["bitswap-close-stall"]] == [bucket["rules"] for bucket in snapshot["buckets"]]


def test_arguments_follow_their_goroutines() -> None:
    """A dump of which only some goroutines are left has the arguments of those."""
    base = snapshot_of("\n".join(goroutine(n, ["main.a" if n < 3 else "main.b"]) for n in range(1, 6)))
    words = Words.of([(0, 0, 0, 7, True), (3, 0, 0, 8, True)])
    whole = replace(base, read_arguments=lambda *_, **__: words)
    left = SelectedRows(np.array([2, 3, 4]), np.array([False, False, True, True, True])).only(whole)
    assert [3, 4, 5] == left.goroutines["goroutine_id"].to_list()
    arguments = left.arguments()
    assert arguments is not None
    assert [(1, 8)] == arguments.select("goroutine", "word").rows()
    assert ARGUMENT_SCHEMA == dict(arguments.schema)


def _healthy() -> Rule:
    text = """
name = "serving"
kind = "healthy"
title = "connections wait for requests"
why = "w"
fix = "f"
when = 'root "(*conn).serve"'
"""
    return read_rule(read_text(text, where="serving.toml"), examples_needed=False)


def test_healthy_goroutines_are_set_aside_with_a_count(tmp_path: Path) -> None:
    """They are in no finding and not among the stacks shown, but counted; --all shows them."""
    path = tmp_path / "dump"
    path.write_text(DUMP)
    shown = {}
    for everything in (False, True):
        report = scan([str(path)], options=Options(Configuration((_healthy(),), ()), everything=everything))
        (snapshot,) = as_json(report)["snapshots"]
        assert [] == snapshot["findings"]
        assert [("serving", 1, [7])] == [(f["rule"], f["count"], f["goroutine_ids"]) for f in snapshot["set_aside"]]
        assert [False, True] == sorted(bucket["set_aside"] for bucket in snapshot["buckets"])
        shown[everything] = [stack.rules for stack in report.snapshots[0].shown]
    assert [()] == shown[False]
    assert {(), ("serving",)} == set(shown[True])


@pytest.mark.parametrize(("everything", "seen"), [(False, False), (True, True)])
def test_what_is_set_aside_is_told(everything: bool, seen: bool, tmp_path: Path) -> None:
    """The text says how many and by which rule; with everything, also what that rule means."""
    path = tmp_path / "dump"
    path.write_text(DUMP)
    out = tmp_path / "report"
    with out.open("w") as stream:
        how = Options(Configuration((_healthy(),), ()), everything=everything)
        renderer("report", "text")(scan([str(path)], options=how), stream)
    text = out.read_text()
    assert ("1 goroutine is idle (expected)" if everything else "1 idle as expected") in text
    assert ("connections wait for requests" in text) is seen


def test_what_a_rule_knows_of_itself_is_told(tmp_path: Path) -> None:
    """Versions that have the defect, and doubt about a heuristic, stand with the finding; nothing in it acts on a
    terminal, though the rule is the user's."""
    config = tmp_path / "stackscan.toml"
    config.write_text(
        """
[[rule]]
name = "mine"
severity = "warning"
title = "\\u001b[31mred"
noun = "\\u001b[32mthings"
why = "w"
fix = "f"
when = 'stack "boxo/**"'
affected = ["github.com/ipfs/boxo >=0.30.0 <0.39.0-0"]
fixed = "boxo v0.39.0"
"""
    )
    source = FIXTURES / "kubo" / "v0.41.0-boxo-v0.38.0-stalled-tcp" / "ipfs-profile-02.zip"
    for output in ("text", "markdown"):
        done = run("report", source, "--config", config, "--where", 'stack "boxo/**"', "--format", output)
        assert "github.com/ipfs/boxo v0.38.0 has this defect; fixed in boxo v0.39.0" in " ".join(done.stdout.split())
        assert "\x1b" not in done.stdout
    assert "doubt" in run("report", source, "--config", config).stdout


# -- stackscan rules ---------------------------------------------------------------------------------------------------


def test_rules_lists_all() -> None:
    """Every rule and pool is in the list, a line or two each."""
    text = run("rules").stdout
    for entry in (*shipped().rules, *shipped().pools):
        assert f"  {entry.name} " in text
    assert max(map(len, text.splitlines())) <= 140


@pytest.mark.parametrize("name", ["bitswap-close-unbounded", "bitswap-task-workers"])
def test_rules_explains_one_with_its_examples(name: str) -> None:
    """One rule or pool is explained in prose; every line of its examples is there."""
    text = run("rules", name).stdout
    (entry,) = [entry for entry in (*shipped().rules, *shipped().pools) if entry.name == name]
    assert entry.title in text
    for example in entry.examples:
        assert example.text.splitlines()[0] in text
    values = json.loads(run("rules", name, "--format", "json").stdout)
    (value,) = [*values["rules"], *values["pools"]]
    assert [example.text for example in entry.examples] == [shown["text"] for shown in value["examples"]]


def test_a_rule_that_is_not_there_is_told_with_its_neighbour() -> None:
    """A typo in the name is answered with the nearest one."""
    assert_refused(run("rules", "bitswap-close-stal"), "did you mean 'bitswap-close-stall'?", "lists them all")


# -- pools that nobody described ---------------------------------------------------------------------------------------


def test_a_pool_is_proposed_and_the_proposal_works() -> None:
    """Of twelve goroutines of one root and one creator three wait for work; what is proposed counts them so."""
    snapshot = snapshot_of(_POOL_DUMP.read_text())
    (proposal,) = propose(snapshot, ())
    assert ("main.(*Pool).worker", "main.NewPool", 12, 3) == (
        proposal.root, proposal.creator, proposal.workers, proposal.idle,
    )  # fmt: skip
    (table,) = read_text(proposal.toml, where="proposal").tables("pool")
    pool = read_pool(table, examples_needed=False)
    assert () == propose(snapshot, (pool,))
    assert "[[pool]]" in run("report", "--all", _POOL_DUMP).stdout


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({}, "a pool, to compare with"),
        ({"busy": 0}, "all wait alike: connections, perhaps"),
        ({"idle": 0}, "nobody waits for work"),
        ({"idle": 2, "busy": 2}, "too few"),
        ({"parents": 8}, "each was started by another goroutine"),
        ({"creator": None}, "nobody says who started them"),
        ({"state": "sleep"}, "they wait for the clock"),
        ({"root": "net/http.(*persistConn).readLoop"}, "the library's own"),
        ({"root": 'main."quoted'}, "a name that cannot be written down"),
    ],
)
def test_what_is_no_pool_is_not_proposed(changed: dict[str, object], why: str) -> None:
    """What may as well be something else is left alone."""
    given = {
        "idle": 4,
        "busy": 4,
        "parents": 1,
        "creator": "main.start",
        "state": "select",
        "root": "main.loop",
    } | changed
    texts = []
    for n in range(int(given["idle"]) + int(given["busy"])):  # type: ignore[call-overload]
        frames = [given["root"]] if n < given["idle"] else ["main.work", given["root"]]  # type: ignore[operator]
        parent = 1 + n % int(given["parents"])  # type: ignore[call-overload]
        creator = given["creator"]
        texts.append(goroutine(n + 10, frames, state=given["state"], creator=creator, creator_id=parent))  # type: ignore[arg-type]
    found = propose(snapshot_of("\n".join(texts)), ())
    assert (0 if changed else 1) == len(found), why


def test_worker_pools_of_libraries_are_counted() -> None:
    """Real pools of ants, pond, workerpool and errgroup, a server and database/sql: as the program made them."""
    found = json.loads(run("report", FIXTURES / "workerpools" / "goroutines.txt", "--format", "json").stdout)
    pools = {p["pool"]: {s: n for s, n in p["states"].items() if n} for p in found["snapshots"][0]["pools"]}
    assert {
        "ants-workers": {"working": 4, "idle": 4},
        "errgroup-tasks": {"working": 3},
        "http-server-connections": {"kept-alive": 1, "reading-request": 2, "handling": 1},
        "pond-workers": {"working": 5, "idle": 3},
        "sql-users": {"waiting-for-connection": 3, "running": 1},
        "workerpool-workers": {"working": 1, "idle": 2},
    } == pools
