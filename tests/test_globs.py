"""Patterns of paths that no shell expanded, and of keys in object storage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from helpers import DUMP, assert_refused, run
from stackscan.sources.globs import literal_folder, matches


@pytest.fixture
def dumps(tmp_path: Path) -> Path:
    for name in ("a/1.txt", "a/2.txt", "b/1.txt", "b/deep/er/3.txt", "b/[x].txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(DUMP)
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("a/*.txt", ["a/1.txt", "a/2.txt"]),
        ("*/1.txt", ["a/1.txt", "b/1.txt"]),
        ("**/3.txt", ["b/deep/er/3.txt"]),
        ("*/[x].t*", ["b/[x].txt"]),
        ("./a/1.*", ["./a/1.txt"]),
    ],
)
@pytest.mark.parametrize("command", ["report", "check"])
def test_a_pattern_in_quotes_is_what_a_shell_makes_of_it(
    dumps: Path, command: str, pattern: str, found: list[str]
) -> None:
    quoted = run(command, "--format", "json", pattern, cwd=dumps)
    assert quoted.returncode == 0, quoted.stderr
    assert json.loads(quoted.stdout) == json.loads(run(command, "--format", "json", *found, cwd=dumps).stdout)


def test_an_absolute_pattern_matches(dumps: Path) -> None:
    done = run("fleet", "--format", "json", "--pattern", "{service}/{host}.txt", f"{dumps}/*/1.txt")
    assert (2, 1) == (len(json.loads(done.stdout)["services"]), json.loads(done.stdout)["hosts"] - 1)


def test_a_pattern_that_matches_nothing_is_said(dumps: Path) -> None:
    for command in "report", "fleet", "export":
        output = ("--output", "out") if command == "export" else ()
        assert_refused(run(command, "a/*.pb.gz", *output, cwd=dumps), "nothing matches a/*.pb.gz", "**")
    assert not (dumps / "out").exists()


def test_a_command_that_reads_one_file_refuses_several(dumps: Path) -> None:
    refused = run("show", "7", "a/*.txt", cwd=dumps)
    assert_refused(refused, "a/*.txt matches 2 files", "a/1.txt")
    assert run("show", "7", "a/1.*", cwd=dumps).returncode == 0


def test_a_file_whose_name_is_a_pattern_is_that_file(dumps: Path) -> None:
    (dumps / "a" / "*.txt").write_text(DUMP.replace("goroutine 7", "goroutine 99"))
    assert run("show", "99", "a/*.txt", cwd=dumps).returncode == 0


@pytest.mark.parametrize(
    ("pattern", "path", "is_match"),
    [
        ("a/*/c", "a/b/c", True),
        ("a/*/c", "a/b/b/c", False),
        ("a/**/c", "a/c", True),
        ("a/**/c", "a/b/b/c", True),
        ("a/**/c", "a//c", True),  # a part may be empty, as keys in object storage have it
        ("a/**", "a/b/c", True),
        ("a/**.gz", "a/b/c.gz", False),  # not a whole part: as two single stars
        ("a/**.gz", "a/c.gz", True),
        ("a.*", "aXb", False),
        ("*", "line\nbreak", True),
    ],
)
def test_stars_mean_what_they_do_in_a_pattern(pattern: str, path: str, is_match: bool) -> None:
    assert is_match == matches(pattern, path)


@pytest.mark.parametrize("pattern", ["*a" * 40 + "*b", "**/*a/" * 20 + "**/b", "*a*/**/" * 20 + "*a" * 40 + "b"])
@pytest.mark.parametrize("path", ["a" * 2_000, "a/" * 1_000, "aaaa/" * 400])
def test_many_stars_end(pattern: str, path: str) -> None:
    """As many ways to divide a path among stars as there are, none is tried twice."""
    assert not matches(pattern, path)
    assert matches(pattern, ("a" * 50 + "/") * 50 + "a" * 50 + "b") == pattern.startswith("*a*/")
    assert matches(pattern, "a" * 50 + "b") == pattern.startswith("*a*a")


def test_only_the_folder_before_the_first_star_is_listed() -> None:
    assert ["a/b", "a", "", ""] == [literal_folder(each) for each in ("a/b/c*/d", "a/*", "*", "prod*/x")]
