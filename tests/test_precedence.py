"""Which rule a goroutine belongs to: yielding, extending, healthy rules, circles; and the catalogue on all fixtures."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from helpers import FIXTURES, goroutine, snapshot_of
from stackscan.analysis.classify import classify
from stackscan.analysis.finding import Finding
from stackscan.errors import CatalogueError, StackscanError
from stackscan.formats.contents import read_source
from stackscan.knowledge.descriptions import read_text
from stackscan.knowledge.precedence import in_order
from stackscan.knowledge.rule import Rule, catalogue, read_rule
from stackscan.model.snapshot import Snapshot


def rule(name: str, when: str = 'stack "main.f"', *, kind: str = "stuck", **keys: object) -> Rule:
    """A rule with little in it."""
    severity = "" if kind == "healthy" else 'severity = "warning"'
    more = "\n".join(f"{key} = {value!r}" for key, value in keys.items())
    text = (
        f"name = '{name}'\nkind = '{kind}'\n{severity}\ntitle = 't'\nwhy = 'w'\nfix = 'f'\n{more}\nwhen = '''{when}'''"
    )
    return read_rule(read_text(text, where=f"{name}.toml"), examples_needed=False)


def claims(*rules: Rule, text: str | None = None) -> dict[str, int]:
    """How many goroutines each rule claims of a dump with one in main.f below main.g, and one in main.f alone."""
    dump = text or goroutine(1, ["main.f", "main.g"]) + "\n" + goroutine(2, ["main.f"])
    return {finding.rule.name: finding.count for finding in classify(snapshot_of(dump), rules)}


def test_a_rule_leaves_to_others_what_they_claim() -> None:
    """What a rule yields to is served first; the rest is its own."""
    exact = rule("exact", 'stack "main.f" .. "main.g"')
    assert {"exact": 1, "loose": 2} == claims(exact, rule("loose"))
    assert {"exact": 1, "loose": 1} == claims(exact, rule("loose", yields_to=["exact"]))
    assert {"exact": 1, "loose": 1} == claims(exact, rule("loose", yields_to=["ex*"]))
    assert {"exact": 1, "loose": 1} == claims(exact, rule("loose", yields_to=["*"]))


def test_what_is_left_is_counted() -> None:
    """A number that a rule asks for is of what is left to it."""
    exact = rule("exact", 'stack "main.f" .. "main.g"')
    assert {"exact": 1} == claims(exact, rule("loose", 'stack "main.f" and count >= 2', yields_to=["exact"]))


def test_yielding_is_inherited() -> None:
    """A rule yields also to those that its winners yield to."""
    first, second = rule("first"), rule("second", yields_to=["first"])
    assert {"first": 2} == claims(rule("third", yields_to=["second"]), second, first)
    order = [
        (entry.name, sorted(winners))
        for entry, winners in in_order((rule("third", yields_to=["second"]), second, first))
    ]
    assert [("first", []), ("second", ["first"]), ("third", ["first", "second"])] == order


def test_both_count_where_one_extends_the_other() -> None:
    """A rule that says more of some goroutines takes none from the one that it extends."""
    more = rule("more", 'stack "main.f" .. "main.g"', extends="base")
    assert {"base": 2, "more": 1} == claims(rule("base"), more)
    winner = rule("winner", 'stack "main.g"')
    assert {"base": 1, "winner": 1} == claims(rule("base", yields_to=["winner"]), more, winner)


def test_who_names_a_rule_is_stronger_than_its_star() -> None:
    """A general rule does not yield to one that yields to it by name."""
    general = rule("general", yields_to=["*"])
    assert {"general": 2} == claims(general, rule("modest", yields_to=["general"]))


def test_healthy_rules_leave_to_stuck_ones() -> None:
    """What is stuck is not set aside, unless the stuck rule says that it comes last."""
    healthy = rule("healthy", kind="healthy")
    assert {"stuck": 2} == claims(healthy, rule("stuck"))
    assert {"healthy": 2} == claims(healthy, rule("stuck", yields_to=["*"]))
    assert {"healthy": 2} == claims(healthy, rule("stuck", yields_to=["healthy"]))


def test_a_circle_is_refused() -> None:
    """Rules that yield to each other say nothing, and their names are told."""
    with pytest.raises(CatalogueError, match=r"a → b → a|b → a → b"):
        in_order((rule("a", yields_to=["b"]), rule("b", yields_to=["a"])))


def test_healthy_findings_come_last() -> None:
    """What is stuck is told first, whatever the counts."""
    text = "\n".join([goroutine(1, ["main.g"]), *(goroutine(n, ["main.f"]) for n in range(2, 9))])
    found = claims(rule("fine", kind="healthy"), rule("stuck", 'stack "main.g"'), text=text)
    assert ["stuck", "fine"] == list(found)


# -- the whole catalogue -----------------------------------------------------------------------------------------------


def test_the_catalogue_has_an_order() -> None:
    """No rules of the catalogue yield to each other in a circle."""
    assert sorted(entry.name for entry in catalogue()) == sorted(entry.name for entry, _ in in_order(catalogue()))


@pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: entry.name)
def test_names_of_other_rules_are_right(entry: Rule) -> None:
    """What a rule extends or yields to is there."""
    others = [other.name for other in catalogue() if other.name != entry.name]
    assert entry.extends is None or entry.extends in others
    for pattern in entry.yields_to:
        assert any(Path(name).match(pattern) for name in others), pattern


def _snapshots(folder: Path) -> list[Snapshot]:
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".go", ".json")):
        try:
            found += [capture.snapshot for capture in read_source(str(path)).captures]
        except StackscanError:
            continue  # programs, indexes and other files that are no dump
    return found


def _disputed(findings: tuple[Finding, ...]) -> set[tuple[str, str]]:
    """Pairs of rules of one kind that claim a goroutine in common, though neither extends the other."""
    return {
        (first.rule.name, second.rule.name)
        for first, second in combinations(findings, 2)
        if first.rule.kind == second.rule.kind
        and first.rule.name != second.rule.extends
        and second.rule.name != first.rule.extends
        and not (first.rule.extends and first.rule.extends == second.rule.extends)
        and not set(first.rows).isdisjoint(second.rows)
    }


@pytest.mark.parametrize(
    "folder", sorted(path for path in FIXTURES.iterdir() if path.is_dir()), ids=lambda path: path.name
)
def test_no_two_rules_of_a_kind_claim_one_goroutine(folder: Path) -> None:
    """Over every fixture each goroutine belongs to one rule of a kind, or to rules that extend each other."""
    for snapshot in _snapshots(folder):
        assert set() == _disputed(classify(snapshot, catalogue()))


@pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: entry.name)
def test_no_two_rules_of_a_kind_claim_one_goroutine_of_an_example(entry: Rule) -> None:
    """The same over the examples of every rule."""
    for example in entry.examples:
        assert set() == _disputed(classify(snapshot_of(example.dump), catalogue()))


def test_a_dispute_is_seen() -> None:
    """The check above can fail: two rules that both claim a goroutine are named."""
    snapshot = snapshot_of(goroutine(1, ["main.f"]))
    assert {("a", "b")} == _disputed(classify(snapshot, [rule("a"), rule("b")]))
    assert set() == _disputed(classify(snapshot, [rule("a"), rule("b", extends="a")]))
