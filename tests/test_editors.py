"""From `check` and `compare` to the code: paths that terminals open, links, problem matchers."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from helpers import FIXTURES, ROOT, environment, goroutine, run, run_on_terminal

HANG = FIXTURES / "go" / "go1.27" / "hang_missing-unlock.txt"
STALLED = FIXTURES / "kubo" / "v0.41.0-boxo-v0.38.0-stalled-tcp" / "ipfs-profile-02.zip"
PROGRAMS = FIXTURES / "programs"


def matcher() -> re.Pattern[str]:
    """The pattern that is shipped for GitHub."""
    shipped = json.loads((ROOT / "examples" / "stackscan-matcher.json").read_text(encoding="utf-8"))
    (entry,) = shipped["problemMatcher"]
    (pattern,) = entry["pattern"]
    groups = {key: value for key, value in pattern.items() if key != "regexp"}
    assert groups == {"file": 1, "line": 2, "severity": 3, "message": 4, "code": 5}
    return re.compile(pattern["regexp"])


def test_the_pattern_of_the_page_is_the_shipped_one() -> None:
    """docs/editors.md repeats it for VS Code, in JSON that is valid."""
    page = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    (task,) = json.loads(block)["tasks"]
    pattern = task["problemMatcher"]["pattern"]
    assert pattern.pop("regexp") == matcher().pattern
    assert pattern == {"file": 1, "line": 2, "severity": 3, "message": 4, "code": 5}


def test_the_pattern_takes_every_line_apart(tmp_path: Path) -> None:
    """Findings with source at hand, of a module, of a whole dump, of an input that cannot be read; hostile names."""
    (tmp_path / "evil]: error: x [y] in.stacks").write_text(
        "\n".join(goroutine(n, ["app.\x1b[31m](x)]: error: [z] in q", "app.loop"]) for n in range(1, 4))
    )
    (tmp_path / "stackscan.toml").write_text("[check]\nmax_goroutines = 2\n")
    sources = (HANG, STALLED, "evil]: error: x [y] in.stacks", "none.stacks")
    done = run("check", "--format", "lines", "--source-root", PROGRAMS, *sources, cwd=tmp_path)
    assert done.returncode == 2
    found = [matcher().search(line) for line in done.stdout.splitlines()]
    assert None not in found
    taken = {(match[1], match[2], match[3], match[5]) for match in found if match is not None}
    assert {code for *_, code in taken} >= {"missing-unlock", "bitswap-close-stall", "max-goroutines", "not-checked"}
    assert (
        "github.com/multiformats/go-multistream@v0.6.1/lazyClient.go",
        "196",
        "error",
        "bitswap-close-stall",
    ) in taken
    assert ("none.stacks", "1", "error", "not-checked") in taken
    assert "\x1b" not in done.stdout


def test_lines_name_files_that_are_there() -> None:
    """A file below the current folder is named from there, so that it opens; the message says what the source told."""
    done = run("check", "--format", "lines", "--source-root", PROGRAMS, HANG, cwd=ROOT)
    match = matcher().search(done.stdout.splitlines()[0])
    assert match is not None
    assert (ROOT / match[1]).is_file()
    assert "skips Unlock" in match[4]
    code = (ROOT / match[1]).read_text(encoding="utf-8").splitlines()[int(match[2]) - 1]
    assert "Lock()" in code


@pytest.mark.parametrize("command", ["check", "compare"])
def test_text_names_files_that_are_there(command: str) -> None:
    """``path:line`` in the text, also on a narrow terminal; elsewhere the file's name alone."""
    sources = (HANG, HANG) if command == "compare" else (HANG,)
    below = run(command, "--source-root", PROGRAMS, *sources, cwd=ROOT).stdout
    assert "fixtures/programs/hangs/main.go:313" in below
    elsewhere = run(command, "--source-root", PROGRAMS, *sources, cwd=PROGRAMS / "hangs").stdout
    assert " main.go:313" in elsewhere
    without = run(command, "--no-source", *sources, cwd=ROOT).stdout
    assert "fixtures/programs" not in without
    assert " main.go:313" in without


@pytest.mark.parametrize("command", ["check", "compare"])
@pytest.mark.parametrize("columns", [80, 140])
def test_links_open_the_editor(command: str, columns: int) -> None:
    """On a terminal; the path that is shown fits into it."""
    sources = (HANG, HANG) if command == "compare" else (HANG,)
    where = os.path.relpath(PROGRAMS)
    _, shown = run_on_terminal(
        command, "--editor", "vscode", "--source-root", where, *sources, columns=columns,
        env=environment(TERM="xterm-256color"),
    )  # fmt: skip
    assert "\x1b]8;;vscode://file" in shown
    assert "/fixtures/programs/hangs/main.go:313" in shown
    plain = re.sub(r"\x1b\]8;[^\x1b]*\x1b\\|\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert max(map(len, plain.splitlines())) <= columns


def test_a_policys_prefix_names_the_files_of_the_repository(tmp_path: Path) -> None:
    """``source_prefixes`` says how the repository's files begin in a dump: that is left off, without any source."""
    (tmp_path / "stackscan.toml").write_text('[check]\nsource_prefixes = ["example.com/acme/fixtures/"]\n')
    done = run("check", "--fail-on", "warning", "--no-source", HANG, cwd=tmp_path)
    assert " hangs/main.go:313" in done.stdout
    done = run("check", "--format", "lines", "--no-source", HANG, cwd=tmp_path)
    assert done.stdout.startswith("hangs/main.go:313: warning: ")
