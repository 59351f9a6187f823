"""Every command says the same of a capture: its goroutines, its pool's occupancy and load, the defect and its version.

Redacted or not, alone or in a bundle, with and without module versions in the paths of frames.
"""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from helpers import FIXTURES, json_of
from stackscan import read
from stackscan.api import compare
from stackscan.cli.options.redaction import chosen as redaction_of
from stackscan.export.tables.build import build
from stackscan.load.gather import gather
from stackscan.load.projections import project_held
from stackscan.pipeline import examine
from stackscan.queueing.values import projection_values

KUBO = FIXTURES / "kubo"
TASK = "bitswap-task-workers"
BUNDLES = sorted(KUBO.glob("*/ipfs-profile-01.zip"))


def vendored(bundle: Path, folder: Path) -> Path:
    """The same bundle of a build with vendored modules, whose paths name no versions; without its profiles, whose
    strings have lengths."""
    made = folder / bundle.name
    with zipfile.ZipFile(bundle) as given, zipfile.ZipFile(made, "w") as out:
        for name in given.namelist():
            if name.endswith((".stacks", ".json")):
                out.writestr(name, re.sub(rb"@v[0-9][^/ \n]*", b"", given.read(name)))
    return made


def text_of(bundle: Path, folder: Path) -> Path:
    """The text of a bundle by itself."""
    made = folder / "goroutines.stacks"
    with zipfile.ZipFile(bundle) as given:
        made.write_bytes(given.read(next(name for name in given.namelist() if name.endswith("goroutines.stacks"))))
    return made


def reported(source: Path) -> dict[str, Any]:
    """The text snapshot of a JSON report, and of it what all must agree on."""
    (snapshot,) = (one for one in json_of(source)["snapshots"] if one["format"] == "goroutine-text")
    return snapshot


def same(source: Path) -> None:
    """Hold every way to a number against the JSON report."""
    snapshot = reported(source)
    pools = {pool["pool"]: pool for pool in snapshot["pools"]}
    (text,) = (one for one in examine(str(source))[0] if one.report.format == "goroutine-text")
    tables = build(text)
    assert snapshot["goroutines"] == tables["goroutines"].height
    rows = {row["pool"]: row for row in tables["pools"].iter_rows(named=True)}
    assert {name: (pool["workers"], pool["occupancy"]) for name, pool in pools.items()} == {
        name: (row["workers"], round(row["occupancy"], 4)) for name, row in rows.items()
    }
    found = sorted((f["rule"], f["count"]) for f in snapshot["findings"])
    assert found == sorted((row["rule"], row["count"]) for row in tables["findings"].iter_rows(named=True))
    compared = compare([str(source), str(source)])
    assert [snapshot["goroutines"]] * 2 == [one.goroutines for one in compared.captures]
    assert found == sorted((change.rule, change.change.counts[0]) for change in compared.findings)
    assert {name: (pool["workers"],) * 2 for name, pool in pools.items()} == {
        change.pool: change.workers for change in compared.pools
    }
    if TASK in pools and pools[TASK]["projection"] is not None:
        _, chosen = gather([str(source)], pool=TASK)
        projected = projection_values(
            project_held([capture.shown for capture in chosen.captures], gathered=chosen.gathered)
        )
        shown = {**pools[TASK]["projection"], "captures": None}
        assert shown == json.loads(json.dumps(projected)) | {"captures": None}


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.parent.name)
@pytest.mark.parametrize("shape", ["bundle", "vendored", "text", "vendored text"])
def test_every_command_says_the_same_of_a_capture(bundle: Path, shape: str, tmp_path: Path) -> None:
    """Report, tables, comparison and projection."""
    source = vendored(bundle, tmp_path) if "vendored" in shape else bundle
    same(text_of(source, tmp_path) if "text" in shape else source)


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.parent.name)
def test_a_redaction_changes_no_number(bundle: Path) -> None:
    """Counts, findings, occupancy and projections are those of the dump as it is."""

    def numbers(*, redact: bool) -> list[Any]:
        found, _ = examine(str(bundle), redaction=redaction_of(redact, None, None))
        return [
            (
                one.report.goroutines,
                [(f.rule, f.severity, f.count) for f in one.report.findings],
                [(p.pool, p.workers, p.occupancy, p.states) for p in one.report.pools],
            )
            for one in found
        ]

    assert numbers(redact=False) == numbers(redact=True)


def test_a_vendored_build_that_reports_its_version_is_unbounded_everywhere(tmp_path: Path) -> None:
    """Kubo 0.39 without module versions in its paths: only version.json says that holds have no end. ``pool project``
    did not read it and said that each worker is free after 10 s."""
    source = vendored(KUBO / "v0.39.0-unbounded-tcp" / "ipfs-profile-01.zip", tmp_path)
    (pool,) = (pool for pool in reported(source)["pools"] if pool["pool"] == TASK)
    assert pool["projection"]["holds_without_end"]
    _, chosen = gather([str(source)], pool=TASK)
    assert project_held([capture.shown for capture in chosen.captures]).endless


def test_captures_of_a_comparison_are_those_of_the_report() -> None:
    """The sum of a comparison's buckets is what each report counts."""
    sources = [str(path) for path in sorted((KUBO / "v0.40.1-mixed").glob("stack-0[12].txt.gz"))]
    totals = [one.goroutines for one in compare(sources).captures]
    assert totals == [snapshot.total for source in sources for snapshot in read(source)]
