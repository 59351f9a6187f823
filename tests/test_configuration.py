"""stackscan.toml: where it is found, what it may hold, and what is said of a wrong one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from helpers import DUMP, assert_refused, run
from stackscan.errors import StackscanError
from stackscan.knowledge.configuration import find, load, shipped

_RULE = """
[[rule]]
name = "slow-serve"
severity = "warning"
title = "connections wait"
why = "because"
fix = "do"
when = 'root "(*conn).serve" and minutes >= 1'
"""
_POOL = """
[[pool]]
name = "my-conns"
title = "connections"
worker = 'root "(*conn).serve"'
idle = 'innermost "(*conn).serve"'
"""


def test_the_nearest_file_is_found(tmp_path: Path) -> None:
    """The file in the folder itself, else the nearest above it."""
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "stackscan.toml").write_text("")
    assert tmp_path / "stackscan.toml" == find(deep)
    (tmp_path / "a" / "stackscan.toml").write_text("")
    assert tmp_path / "a" / "stackscan.toml" == find(deep)


def test_own_rules_and_pools_stand_beside_those_that_ship(tmp_path: Path) -> None:
    """A file adds; what it disables goes, by name or pattern."""
    path = tmp_path / "stackscan.toml"
    path.write_text('disable = ["bitswap-close-*", "pond-workers"]\n' + _RULE + _POOL)
    loaded = load(path)
    names = {rule.name for rule in loaded.rules}
    assert "slow-serve" in names
    assert not {name for name in names if name.startswith("bitswap-close-")}
    assert {rule.name for rule in shipped().rules} - names == {
        rule.name for rule in shipped().rules if rule.name.startswith("bitswap-close-")
    }
    pools = {pool.name for pool in loaded.pools}
    assert "my-conns" in pools
    assert "pond-workers" not in pools
    assert frozenset({"slow-serve", "my-conns"}) == loaded.own


def test_what_a_command_reads_itself_is_left_to_it(tmp_path: Path) -> None:
    """The table of another command is no mistake here."""
    path = tmp_path / "stackscan.toml"
    path.write_text('[check]\nfail_on = "error"\n')
    assert shipped().rules == load(path).rules


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("disabel = []", ["'disabel'", "'disable'"]),
        ("[[rules]]", ["'rules'", "'rule'"]),
        ("[frob]", ["'frob'", "disable, rule, pool, check"]),
        ('disable = ["bitswap-close-stal"]', ["'disable'", "'bitswap-close-stal'", "'bitswap-close-stall'"]),
        ("disable = 7", ["'disable'"]),
        (_RULE.replace("severity", "severty"), ["rule 1", "'severity'", "'severty'"]),
        (_RULE + "nuon = 'x'", ["rule 1", "'nuon'", "'noun'"]),
        (_RULE.replace("slow-serve", "bitswap-close-stall"), ["rule 1", "'bitswap-close-stall'", "already"]),
        (_RULE + _RULE, ["rule 2", "'slow-serve'", "already"]),
        (_RULE.replace("minutes", "minuts"), ["rule 1", "'when'", "column 26", "'minutes'"]),
        (_POOL.replace("idle", "idel"), ["pool 1", "'idel'", "'idle'"]),
        (_RULE + "yields_to = ['me']" + _RULE.replace("slow-serve", "me") + "yields_to = ['slow-serve']", ["circle"]),
        (_RULE.replace("slow-serve", "Slow serve"), ["rule 1", "'name'", "'Slow serve'"]),
        ("a = = b", ["line 1"]),
        ("\x00", ["stackscan.toml"]),
        ("x = " + "[" * 5_000, ["stackscan.toml"]),
    ],
)
def test_a_wrong_file_says_where_and_what(text: str, words: list[str], tmp_path: Path) -> None:
    """The error names the file, the table and the key, and what was probably meant."""
    path = tmp_path / "stackscan.toml"
    path.write_text(text)
    with pytest.raises(StackscanError) as caught:
        load(path)
    said = str(caught.value)
    for word in words:
        assert word in said
    assert caught.value.hint


def test_a_rule_about_an_unknown_pool_is_refused(tmp_path: Path) -> None:
    """A share of workers that nobody counts would never be small."""
    path = tmp_path / "stackscan.toml"
    path.write_text(_RULE + 'pool = "my-con"\n' + _POOL)
    with pytest.raises(StackscanError, match=r"rule 'slow-serve': no pool is named 'my-con'; did you mean 'my-conns'"):
        load(path)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    """``--config`` names a file that must be there."""
    with pytest.raises(StackscanError, match="cannot be read"):
        load(tmp_path / "none.toml")


def test_the_program_uses_the_file_of_the_folder(tmp_path: Path) -> None:
    """Run in a folder with a stackscan.toml, the program knows what stands there; with --config, another one."""
    (tmp_path / "stackscan.toml").write_text(_RULE)
    found = json.loads(run("report", "-", "--format", "json", stdin=DUMP.encode(), cwd=tmp_path).stdout)
    assert ["slow-serve"] == [finding["rule"] for finding in found["snapshots"][0]["findings"]]
    (tmp_path / "other.toml").write_text(_POOL)
    other = run("report", "-", "--format", "json", "--config", "other.toml", stdin=DUMP.encode(), cwd=tmp_path)
    (snapshot,) = json.loads(other.stdout)["snapshots"]
    assert [] == snapshot["findings"]
    assert {"idle": 1, "other": 0} == {p["pool"]: p["states"] for p in snapshot["pools"]}["my-conns"]
    listed = run("rules", cwd=tmp_path)
    assert "connections wait (yours)" in listed.stdout


def test_a_typo_ends_the_program_before_it_reads(tmp_path: Path) -> None:
    """Exit code 2, the key and the nearest valid one, nothing on standard output."""
    (tmp_path / "stackscan.toml").write_text("disabel = []\n")
    done = run("report", "-", stdin=DUMP.encode(), cwd=tmp_path)
    assert_refused(done, "unknown key 'disabel'; did you mean 'disable'?", "docs/rules.md")
