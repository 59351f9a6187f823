"""Names of 20,000 characters: their middle is left out for people, and data has them whole."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest

from helpers import run
from stackscan.render.openmetrics.families import label
from stackscan.render.words import LONGEST_WORD

NAME = f"example.com/acme/{'x' * 10_000}.{'y' * 9_970}LastOfName"
FILE = f"/src/{'d' * 10_000}/{'e' * 9_980}.go"
#: Beside a name: quotes, brackets, a mark of Markdown.
_BESIDE = 40
_DATA = re.compile(r'<script type="application/json".*?</script>', re.DOTALL)


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Goroutines that wait for a lock: the name is in stacks, findings, locks and creation sites."""
    stack = (
        "sync.runtime_SemacquireMutex(0x1, 0x0, 0x1)\n\t/usr/local/go/src/runtime/sema.go:95 +0x25\n"
        "sync.(*Mutex).lockSlow(0xc000012345)\n\t/usr/local/go/src/sync/mutex.go:173 +0x15d\n"
        "sync.(*Mutex).Lock(...)\n\t/usr/local/go/src/sync/mutex.go:92\n"
        f"{NAME}()\n\t{FILE}:12 +0x1\ncreated by {NAME} in goroutine 1\n\t{FILE}:1 +0x1\n"
    )
    path = tmp_path_factory.mktemp("long") / "dump.txt"
    path.write_text("\n".join(f"goroutine {n} [sync.Mutex.Lock, 12 minutes]:\n{stack}" for n in range(2, 40)))
    return path


@pytest.mark.parametrize(
    "line",
    [
        "report -f text DUMP",
        "report -f text --all --explain DUMP",
        "report -f markdown DUMP",
        "report -f html DUMP",
        "report -f openmetrics DUMP",
        "show 3 DUMP",
        "check --fail-on info -f text DUMP",
        "check --fail-on info -f junit DUMP",
        "check --fail-on info -f github DUMP",
        "check --fail-on info -f html DUMP",
        "compare -f text DUMP DUMP",
        "compare -f html DUMP DUMP",
        "fleet -f text DUMP",
        "fleet -f markdown DUMP",
        "fleet -f html DUMP",
    ],
)
def test_people_see_names_shortened_in_the_middle(dump: Path, line: str) -> None:
    """Their end tells names from each other. The data inside of a page has them whole."""
    done = run(*[str(dump) if word == "DUMP" else word for word in line.split()])
    assert done.returncode in {0, 1}, done.stderr
    shown = _DATA.sub("", done.stdout)
    assert max(map(len, re.findall(r"[^\s\"<>]+", shown))) <= LONGEST_WORD + _BESIDE
    assert "LastOfName" not in shown or "…" in shown


def test_messages_of_sarif_are_for_people_and_its_locations_are_data(dump: Path) -> None:
    """Code scanning shows the one, and compares the other."""
    done = run("check", "--fail-on", "info", "-f", "sarif", dump)
    (log,) = json.loads(done.stdout)["runs"]
    assert log["results"]
    texts = re.findall(r'"text": "([^"]*)"', done.stdout)
    assert max(map(len, " ".join(texts).split())) <= LONGEST_WORD + _BESIDE
    frames = [frame["location"] for found in log["results"] for stack in found["stacks"] for frame in stack["frames"]]
    names = [frame["logicalLocations"][0]["fullyQualifiedName"] for frame in frames]
    assert NAME in names


@pytest.mark.parametrize("line", ["report -f json DUMP", "show -f json 3 DUMP", "compare -f json DUMP DUMP"])
def test_data_has_names_whole(dump: Path, line: str) -> None:
    """Programs compare them."""
    done = run(*[str(dump) if word == "DUMP" else word for word in line.split()])
    assert NAME in done.stdout


def test_tables_have_names_whole(dump: Path, tmp_path: Path) -> None:
    """So have the queries."""
    assert 0 == run("export", dump, "--output", tmp_path / "tables").returncode
    frames = pl.read_parquet(tmp_path / "tables" / "frames.parquet")
    assert {NAME} & set(frames["function"])
    assert {FILE} & set(frames["file"])
    done = run("query", "SELECT DISTINCT function FROM frames", dump, "-f", "json")
    assert NAME in [row["function"] for row in json.loads(done.stdout)]


def test_a_label_of_a_metric_keeps_both_ends() -> None:
    """Two names that begin alike stay two series."""
    assert label(NAME).startswith("example.com/acme/")
    assert label(NAME).endswith("LastOfName")
    assert 200 == len(label(NAME))
