"""Completion in shells, and what the wheel puts into share/: the shells' scripts, and man pages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from typer.main import get_command

from helpers import ROOT, environment, golden, run
from stackscan.analysis.breakdown import KEYS
from stackscan.cli.app import app
from stackscan.report.links.editors import EDITORS

SHARE: Final = ROOT / "share"
#: The scripts ask the program of this name on the PATH.
_PATH: Final = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
#: What each shell is told to show the completions of $LINE, whose last word is the one to complete.
_SHOWS: Final = {
    "bash": """
        source "$SHARE/bash-completion/completions/stackscan"
        IFS=" " read -ra COMP_WORDS <<<"${LINE//=/ = }"; [[ $LINE != *" " ]] || COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _stackscan_completion stackscan
        printf "%s\\n" "${COMPREPLY[@]}"
    """,
    # In zsh's own _arguments the list of words goes through eval, too.
    "zsh": """
        compdef() { : }; _files() { : }
        _arguments() { eval "all=( ${${1#*\\(\\(}%\\)\\)} )"; print -l -- "${(@)all%%:*}" }
        fpath=($SHARE/zsh/site-functions $fpath); autoload -Uz _stackscan
        words=("${(@s: :)LINE}"); CURRENT=$#words
        _stackscan
    """,
    "fish": """
        source "$SHARE/fish/vendor_completions.d/stackscan.fish"
        complete -C "$LINE" | string replace -r "\\t.*" ""
    """,
}


def _completed(shell: str, line: str, folder: Path) -> set[str]:
    """What a real shell offers for the last word of a line; with files of ``folder`` where it offers files."""
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    arguments = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    done = subprocess.run(
        [shell, *arguments, "-c", _SHOWS[shell]], cwd=folder, capture_output=True, text=True, check=False,
        env=environment(LINE=line, SHARE=str(SHARE), PATH=_PATH, HOME=str(folder)),
    )  # fmt: skip
    assert "" == done.stderr
    return {line for line in done.stdout.splitlines() if line}


@pytest.mark.parametrize("shell", _SHOWS)
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("stackscan com", {"compare"}),
        ("stackscan pool pl", {"plan"}),
        ("stackscan report --exp", {"--explain"}),
        ("stackscan export x.txt --format ", {"parquet", "arrow", "csv", "ndjson"}),
        ("stackscan check -f ju", {"junit"}),
        ("stackscan rules bitswap-close-", {"bitswap-close-stall", "bitswap-close-unbounded"}),
        ("stackscan rules tes", {"test", "test-goexit", "test-timeout"}),
        ("stackscan schema reproduce-", {"reproduce-close", "reproduce-pool"}),
        ("stackscan report --by h", {"host"}),
        ("stackscan report --editor id", {"idea"}),
    ],
)
def test_a_shell_completes(shell: str, line: str, expected: set[str], tmp_path: Path) -> None:
    """Commands, options, the values of options, names of rules and of schemas."""
    assert expected == _completed(shell, line, tmp_path)


@pytest.mark.parametrize(
    ("line", "expected"), [("--format=j", {"json"}), ("--by=", {"created_at", "host", "label:", "module"})]
)
def test_bash_completes_behind_an_equals_sign(line: str, expected: set[str], tmp_path: Path) -> None:
    """It breaks the word there, and offers what is behind."""
    assert expected == _completed("bash", f"stackscan report {line}", tmp_path)


def test_an_input_is_a_file(tmp_path: Path) -> None:
    """Where nothing is known, a shell completes files: bash and zsh by themselves, fish shows them."""
    (tmp_path / "goroutines.stacks").touch()
    assert set() == _completed("bash", "stackscan report --format json gor", tmp_path)
    assert "complete -o default " in (SHARE / "bash-completion" / "completions" / "stackscan").read_text()
    assert {"goroutines.stacks"} == _completed("fish", "stackscan report --format json gor", tmp_path)


_RULE: Final = """\
[[rule]]
name = "my-rule"
severity = "error"
title = '\\$(touch ran) \\`touch ran\\` it"s'
verdict = "$count goroutines"
why = "w"
fix = "f"
when = 'waiting "select"'
"""


@pytest.mark.parametrize("shell", _SHOWS)
def test_a_rule_of_stackscan_toml_is_completed_and_its_title_never_evaluated(shell: str, tmp_path: Path) -> None:
    """Zsh evaluates what it gets, and the file may come with a stranger's repository."""
    (tmp_path / "stackscan.toml").write_text(_RULE)
    assert {"my-rule"} == _completed(shell, "stackscan rules my-", tmp_path)
    assert ["stackscan.toml"] == [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")]


def test_a_wrong_stackscan_toml_leaves_the_prompt_alone(tmp_path: Path) -> None:
    """The rules that ship are completed, and no error is printed."""
    (tmp_path / "stackscan.toml").write_text("[[rule]")
    assert {"bitswap-close-stall"} == _completed("bash", "stackscan rules bitswap-close-s", tmp_path)


def _answer(shell: str, line: str) -> str:
    done = subprocess.run(
        ["stackscan"], capture_output=True, text=True, check=True,
        env=environment(
            PATH=_PATH, _STACKSCAN_COMPLETE=f"complete_{shell}", _TYPER_COMPLETE_ARGS=line,
            _TYPER_COMPLETE_FISH_ACTION="get-args", _TYPER_COMPLETE_WORD_TO_COMPLETE=line.rsplit(" ", 1)[-1],
        ),
    )  # fmt: skip
    assert "" == done.stderr
    return done.stdout


def test_the_help_beside_a_completion_is_whole_and_on_one_line() -> None:
    """Its brackets are no markup, and it is not broken at the width of the terminal."""
    assert (
        "--top\tStacks to show [default: 3; --all, markdown: 10; json: all].\n"
        "--timeout\tTime limit for each address or object, like 10s or 500ms; what http(s) has sent by then is read "
        "[default: 10s to connect, 60s of silence, 10m in all].\n"
    ) == _answer("fish", "stackscan report --t")


def test_powershell_gets_each_completion_with_its_help() -> None:
    """In the form that its script takes apart."""
    assert "compare:::Compare captures in time order: what grew, what is gone, what stayed.\n" == _answer(
        "powershell", "stackscan com"
    )
    assert (SHARE / "stackscan" / "stackscan.ps1").read_text() == run("--show-completion", "powershell").stdout


_LOADED: Final = """
import sys
from stackscan.__main__ import main
sys.argv = ["stackscan"]
try:
    main()
finally:
    print(*(name for name in sys.modules if name.startswith(("stackscan.cli.", "rich", "polars"))), file=sys.stderr)
"""


def test_completing_a_command_loads_none() -> None:
    """A shell waits for it at each press of the key."""
    env = environment(_STACKSCAN_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS="stackscan ")
    code = _LOADED.replace('["stackscan"]', '["/bin/stackscan"]')
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False)
    assert '"watch":"Watch running processes: what is stuck, since when, what changed."' in done.stdout.replace(
        "\\\\", ""
    )
    loaded = set(done.stderr.split())
    assert {"stackscan.cli.app", "stackscan.cli.lazily", "stackscan.cli.terminal.completion"} <= loaded
    assert set() == {name for name in loaded if name.removeprefix("stackscan.cli.") in get_command(app).commands}
    assert set() == {name for name in loaded if name.startswith(("rich", "polars"))}


def test_the_usual_values_are_those_that_there_are() -> None:
    """The options' modules do not load the lists; this holds their copies true."""
    options = {name: parameter for parameter in get_command(app).commands["report"].params for name in parameter.opts}
    editor, by = (options[name]._custom_shell_complete for name in ("--editor", "--by"))
    assert set(EDITORS) == {item.value for item in editor(None, None, "")}
    assert {*KEYS, "label:"} == {item.value for item in by(None, None, "")}


# -- share/ ------------------------------------------------------------------------------------------------------------


@pytest.mark.generated
def test_share_is_fresh(tmp_path: Path) -> None:
    """Man pages and scripts are those of the commands that there are."""
    subprocess.run([sys.executable, ROOT / "docs" / "generate" / "share.py", tmp_path], env=environment(), check=True)
    made = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    kept = {path.relative_to(SHARE) for path in SHARE.rglob("*") if path.is_file()}
    for path, text in made.items():
        (SHARE / path).parent.mkdir(parents=True, exist_ok=True)
        golden(SHARE / path, text)
    assert set() == kept - set(made)


def test_each_command_has_a_man_page() -> None:
    """Also commands of groups: stackscan-pool-plan.1."""
    pages = {path.stem for path in (SHARE / "man" / "man1").iterdir()}
    names = {"stackscan"}
    for name, command in get_command(app).commands.items():
        names |= {f"stackscan-{name}"} | {f"stackscan-{name}-{child}" for child in getattr(command, "commands", {})}
    assert names == pages


def test_mandoc_finds_no_fault_in_the_man_pages() -> None:
    """But that they have no date: they are generated."""
    if shutil.which("mandoc") is None:
        pytest.skip("needs mandoc")
    pages = sorted((SHARE / "man" / "man1").iterdir())
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *pages], capture_output=True, text=True, check=False)
    found = (done.stdout + done.stderr).splitlines()
    assert [] == [line for line in found if "missing date" not in line]
