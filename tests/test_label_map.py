"""``goroutines.label_map``: labels as keys and values, in every kind of table."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Final

import duckdb
import pytest

from helpers import FIXTURES, goroutine, run
from stackscan.export.tables import rows
from stackscan.export.tables.build import build
from stackscan.pipeline import examine

_LABELS: Final = FIXTURES / "go" / "go1.27" / "labels.txt"


def _pairs(text: str | None) -> list[dict[str, str]] | None:
    """What the column holds of a text with plain labels."""
    if text is None:
        return None
    return [dict(zip(("key", "value"), pair.split(": "), strict=True)) for pair in text.strip("{}").split(", ")]


def test_labels_are_keys_and_values() -> None:
    """Quotes are undone, what is unprintable is escaped as in all tables, and null stays null."""
    (capture,), _ = examine(str(_LABELS))
    table = build(capture)["goroutines"]
    found = dict(zip(table["labels"], table["label_map"].to_list(), strict=True))
    assert found[None] is None
    assert [{"key": "key with space", "value": "value with space"}] == found['{"key with space": "value with space"}']
    values = {pair["key"]: pair["value"] for pairs in found.values() for pair in pairs or ()}
    expected = {
        "quote": 'he said "hi"',
        "newline": r"a\nb",
        "bad": r"\xff\xfe",
        "utf8": "größe 世界 😀",
        "user_id": "42",
    }
    assert expected == {key: values[key] for key in expected}


def test_large_dumps_have_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that polars keeps are those of Python's lists."""
    (capture,), _ = examine(str(_LABELS))
    small = build(capture)["goroutines"]
    monkeypatch.setattr(rows, "_LARGE", 1)
    assert small.equals(build(capture)["goroutines"])
    dump = tmp_path / "dump.txt"
    dump.write_text(goroutine(1, ["main.main"]))
    (bare,), _ = examine(str(dump))
    assert [None] == build(bare)["goroutines"]["label_map"].to_list()


@pytest.mark.parametrize("option", [(), ("--csv-raw",)])
def test_csv_has_json(tmp_path: Path, option: tuple[str, ...]) -> None:
    """CSV has no lists: a cell holds JSON, an empty one no labels."""
    done = run("export", str(_LABELS), "--output", str(tmp_path), "--format", "csv", *option)
    assert 0 == done.returncode, done.stderr
    with (tmp_path / "goroutines.csv").open(encoding="utf-8", newline="") as file:
        cells = [(row["labels"], row["label_map"]) for row in csv.DictReader(file)]
    assert any(labels for labels, _ in cells)
    for labels, pairs in cells:
        assert bool(labels) == bool(pairs)
        if labels and '"' not in labels:
            assert _pairs(labels) == json.loads(pairs)


def test_duckdb_counts_by_a_label(tmp_path: Path) -> None:
    """The pairs are a map after one function."""
    run("export", str(_LABELS), "--output", str(tmp_path))
    found = duckdb.sql(
        "SELECT map_from_entries(label_map)['user_id'] AS user_id, count(*) AS n "
        f"FROM '{tmp_path}/goroutines.parquet' WHERE label_map IS NOT NULL GROUP BY 1 HAVING user_id IS NOT NULL"
    ).fetchall()
    assert [("42", 2)] == found


def test_query_shows_pairs() -> None:
    """As JSON, in text and in JSON."""
    sql = "SELECT label_map FROM goroutines WHERE labels = '{handler: /api/v1/users}'"
    done = run("query", "--format", "json", sql, str(_LABELS))
    pair = {"key": "handler", "value": "/api/v1/users"}
    assert {"label_map": [pair]} == json.loads(done.stdout)[0]
