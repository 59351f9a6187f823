"""``stackscan rules test FILE``: a rule file tried on its examples, with a reason for each that misses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from helpers import ROOT, run
from stackscan.knowledge.language import parse
from stackscan.knowledge.language.spelling import spelt
from stackscan.knowledge.rule import catalogue

RULES = ROOT / "stackscan" / "knowledge" / "rules"
HEAD = """\
name = "{name}"
severity = "warning"
title = "waits for the cache"
why = "It is a test."
fix = "Nothing."
references = ["https://example.com"]
when = 'stack "sync.(*Mutex).Lock" > "main.(*Cache).Get" and minutes >= 3 and count >= 2'
"""
DUMP = """
goroutine 1 [sync.Mutex.Lock, {minutes} minutes]:
sync.(*Mutex).Lock(...)
\t/usr/local/go/src/sync/mutex.go:46
{caller}(0xc000010000)
\t/src/main.go:10 +0x10
main.(*Cache).Get(0xc000010000)
\t/src/main.go:20 +0x10
"""
GET = "main.(*Cache).Get"


def example(flagged: bool, *, caller: str = GET, minutes: int = 5, times: int = 3) -> str:
    """One ``[[example]]``."""
    text = DUMP.format(caller=caller, minutes=minutes)
    return f'\n[[example]]\nflagged = {str(flagged).lower()}\ntimes = {times}\ntext = """{text}"""\n'


def rule(folder: Path, *examples: str, name: str = "cache-convoy") -> Path:
    """A rule file."""
    path = folder / "any name.toml"
    path.write_text(HEAD.format(name=name) + "".join(examples))
    return path


def test_a_rule_that_does_what_its_examples_say_passes(tmp_path: Path) -> None:
    """Exit code 0 and one line, wherever the file lies and whatever built-in rule has its name."""
    path = rule(tmp_path, example(flagged=True), example(flagged=False, minutes=2), name="mutex-pile-up")
    done = run("rules", "test", str(path))
    assert (0, "✓ mutex-pile-up: 2 examples pass\n", "") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        (
            example(flagged=True, caller="main.put"),
            ['"sync.(*Mutex).Lock" is there', "not called directly by", f'"{GET}"'],
        ),
        (example(flagged=True, minutes=2), ["goroutine 1 does not meet: minutes >= 3"]),
        (example(flagged=True, times=1), ["1 goroutine meets everything else", "count >= 2"]),
        (example(flagged=False), ["should not be flagged but is", "its innermost frame is sync.(*Mutex).Lock"]),
    ],
)
def test_a_miss_says_which_condition_decided_it(missing: str, words: list[str], tmp_path: Path) -> None:
    """Exit code 1; the part of ``when``, and the frame."""
    done = run("rules", "test", str(rule(tmp_path, example(flagged=True), example(flagged=False, minutes=2), missing)))
    assert 1 == done.returncode
    assert "✗ cache-convoy: 1 of 3 examples misses" in done.stdout
    assert "example 3" in done.stdout
    for word in words:
        assert word in done.stdout


def test_a_miss_is_data(tmp_path: Path) -> None:
    """The same as JSON."""
    done = run(
        "rules",
        "test",
        str(rule(tmp_path, example(flagged=True, minutes=1), example(flagged=False, minutes=2))),
        "--format",
        "json",
    )
    found = json.loads(done.stdout)
    assert (1, "cache-convoy", 2, 1) == (
        done.returncode,
        found["rule"],
        found["examples"],
        found["misses"][0]["example"],
    )
    assert ["goroutine 1 does not meet: minutes >= 3"] == found["misses"][0]["reasons"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["test"], ["rules test my-rule.toml"]),
        (["mutex-pile-up", "other"], ["one NAME"]),
        (["test", "missing.toml"], ["missing.toml", "No such file"]),
        (["test", "."], ["directory"]),
    ],
)
def test_what_cannot_be_tried_is_said(arguments: list[str], words: list[str], tmp_path: Path) -> None:
    """Exit code 2: what, where, what to do."""
    done = run("rules", *arguments, cwd=tmp_path)
    assert 2 == done.returncode
    for word in words:
        assert word in done.stderr


def test_a_file_that_is_no_rule_is_refused(tmp_path: Path) -> None:
    """Broken TOML, no examples, bytes that are no text."""
    for content in (b"name = ", HEAD.format(name="x-y").encode(), b"\xff\xfe"):
        (tmp_path / "r.toml").write_bytes(content)
        done = run("rules", "test", "r.toml", cwd=tmp_path)
        assert (2, "") == (done.returncode, done.stdout)
        assert "r.toml" in done.stderr


@pytest.mark.parametrize("name", [rule.name for rule in catalogue()][::12])
def test_built_in_rules_pass(name: str) -> None:
    """A sample; test_rules.py tries all."""
    assert 0 == run("rules", "test", str(RULES / f"{name}.toml")).returncode


@pytest.mark.parametrize("rule", catalogue(), ids=lambda rule: rule.name)
def test_what_is_spelt_is_what_was_read(rule: object) -> None:
    """An expression, spelt and read again, is the same."""
    when = rule.when  # type: ignore[attr-defined]
    assert when == parse(spelt(when), where="spelt")
