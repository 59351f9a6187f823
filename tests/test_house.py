"""The house keeps its own rules: layers, sizes, documentation that is true, resources that are found."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest

import packages
from helpers import ROOT, golden, run
from stackscan import __version__
from stackscan.export.convert import CONVERTERS
from stackscan.formats import FORMATS, quoted_stacks
from stackscan.formats import grammars as resources
from stackscan.formats.grammars import grammar_text
from stackscan.formats.regions import TOOLS, load
from stackscan.knowledge.configuration import shipped
from stackscan.render import OUTPUTS

PACKAGE = ROOT / "stackscan"
MODULES = sorted(path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*.py"))


def test_the_layers_are_kept() -> None:
    """Data flows one way: the contracts of pyproject.toml hold, and every module has its room."""
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(tool), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _is_command(module: str) -> bool:
    """Whether a module is a command's: its options and its help."""
    return "/cli/" in module and "/cli/terminal/" not in module


@pytest.mark.parametrize("module", MODULES)
def test_no_module_outgrows_its_room(module: str) -> None:
    """About 300 lines a module, 100 a command."""
    lines = len((ROOT / module).read_text(encoding="utf-8").splitlines())
    assert lines <= (100 if _is_command(module) else 340)


@pytest.mark.generated
def test_the_diagram_of_the_rooms_is_true() -> None:
    """docs/packages.md shows the rooms as the imports have them."""
    golden(packages.PAGE, packages.page())


def test_the_house_stays_small() -> None:
    """At most 20 packages on at most 14 floors; beside them only the doors, the errors, and what serves all."""
    folders = {room for room in packages.rooms() if (PACKAGE / room).is_dir()}
    assert len(folders) <= 20
    assert {"api", "cache", "errors", "pipeline"} == set(packages.rooms()) - folders
    assert len(packages.floors()) <= 14


@pytest.mark.parametrize("module", MODULES)
def test_a_module_says_what_it_is(module: str) -> None:
    """The diagram shows the first line of each module's docstring."""
    assert packages.first_line(ROOT / module) or not (ROOT / module).read_text(encoding="utf-8")


def test_contributing_names_every_room() -> None:
    """And no room that is not there."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text.split("| room | what is in it |")[1].split("\n\n")[0]
    named = set(re.findall(r"`(\w+)(?:/|\.py)`", "".join(line.split("|")[1] for line in table.splitlines()[2:])))
    assert set(packages.rooms()) == named


def test_the_page_on_development_names_every_room() -> None:
    """And no room that is not there."""
    text = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
    table = text.split("| room | contains |")[1].split("\n\n")[0]
    named = set(re.findall(r"`(\w+)(?:/|\.py)`", "".join(line.split("|")[1] for line in table.splitlines()[2:])))
    assert set(packages.rooms()) == named


@pytest.mark.parametrize(
    ("command", "known"), [("convert", CONVERTERS), *((n, OUTPUTS[n]) for n in ("report", "check"))]
)
def test_a_command_offers_every_output(command: str, known: Collection[str]) -> None:
    """What can be rendered can be asked for."""
    done = subprocess.run(
        [sys.executable, "-m", "stackscan", command, "-h"], capture_output=True, text=True, check=True
    )
    offered = re.search(r"--format\s+<([a-z|\s]+)>", done.stdout)
    assert offered is not None
    assert set(known) == set("".join(offered[1].split()).split("|"))


def test_the_readme_counts_the_known_problems_right() -> None:
    """As `stackscan rules` lists them: what is stuck, without what is healthy."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    promised = re.search(r"more than (\d+) known problems", readme)
    assert promised is not None
    stuck = sum(rule.kind == "stuck" for rule in shipped().rules)
    assert int(promised[1]) < stuck <= int(promised[1]) + 10


def section(text: str, marker: str) -> str:
    """The first fenced block after an HTML comment of the README."""
    return text.split(f"<!-- {marker} -->")[1].split("```")[1].split("\n", 1)[1].strip()


def test_ci_runs_the_test_command_of_the_readme() -> None:
    """What the README tells a contributor is what CI runs, to the letter."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert section(readme, "test") in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_readme_is_short() -> None:
    """A newcomer reads it in two minutes; everything else is in docs/."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


@pytest.mark.parametrize(
    ("page", "marker"),
    [("README.md", "run"), ("README.md", "test"), ("README.md", "output"), ("docs/development.md", "speed")],
)
def test_the_pages_leave_nothing_open(page: str, marker: str) -> None:
    """What the README and the page on speed announce, they show."""
    text = (ROOT / page).read_text(encoding="utf-8").split(f"<!-- {marker} -->")[1]
    assert len(text.strip().split("\n## ")[0]) > 20


def test_the_changelog_has_this_version() -> None:
    """A release is described before it is made."""
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted((ROOT / "grammars").glob("*.lark")), ids=lambda path: path.stem)
def test_a_grammar_says_where_its_format_is_defined(path: Path) -> None:
    """Its first lines name the source, and the package finds it."""
    head = path.read_text(encoding="utf-8")[:400]
    assert "Defined by" in head
    assert grammar_text(path.stem) == path.read_text(encoding="utf-8")


def test_a_missing_grammar_is_said_to_be_missing() -> None:
    """A broken installation gets a message, not a parser error."""
    with pytest.raises(FileNotFoundError, match="reinstall"):
        grammar_text("no_such_grammar")


def test_the_tables_of_a_grammar_are_kept_like_compiled_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Python keeps its own, and only where it may; a damaged file or another grammar costs time, not truth."""
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path)
    monkeypatch.setattr(resources, "grammar_text", lambda name: f'start: "{name}"')
    monkeypatch.setattr(sys, "pycache_prefix", None)

    def reads(name: str) -> bool:
        return bool(resources.parser("toy", start="start").parse(name))

    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    assert reads("toy")  # no folder to write in
    (tmp_path / "__pycache__").mkdir()
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert reads("toy")
    assert [] == list((tmp_path / "__pycache__").iterdir())
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    assert reads("toy")
    (kept,) = (tmp_path / "__pycache__").iterdir()
    whole, written = kept.read_bytes(), kept.stat().st_mtime_ns
    assert reads("toy")
    assert written == kept.stat().st_mtime_ns  # it was read: tables made anew would have been written
    for damaged in (b"", whole[: len(whole) // 2], b"no pickle at all"):
        kept.write_bytes(damaged)
        assert reads("toy")
    kept.write_bytes(whole)
    monkeypatch.setattr(resources, "grammar_text", lambda name: f'start: "{name}" "s"')
    assert reads("toys")


def test_the_help_of_report_lists_every_format() -> None:
    """A user sees what can be read without a page of the book."""
    names = [load(package).NAME for package in (*FORMATS, *TOOLS)]
    shown = " ".join(run("report", "--help").stdout.split())
    listed = (ROOT / "docs/sources.md").read_text(encoding="utf-8")
    for name in (*names, quoted_stacks.NAME):
        assert name in shown
        assert f"| `{name}` |" in listed
