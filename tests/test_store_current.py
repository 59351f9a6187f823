"""Which rows of a store count, and that it is the same however few of them are in memory at a time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from test_fleet import dump, put

pl = pytest.importorskip("polars")
pytest.importorskip("deltalake")
duckdb = pytest.importorskip("duckdb")

from stackscan import api  # noqa: E402
from stackscan.fleet.store.current import COLUMNS, superseded  # noqa: E402
from stackscan.fleet.store.delta import Table  # noqa: E402
from stackscan.fleet.store.keeping import StoreOptions  # noqa: E402
from stackscan.fleet.store.slices import ROWS, slices  # noqa: E402

_START = datetime(2026, 4, 22, 10, tzinfo=UTC)
Record = dict[str, Any]


def records(chance: random.Random) -> Iterator[Record]:
    """Rows of a few objects that were read a few times, in parts, with and without times."""
    for batch in range(chance.randrange(1, 9)):
        read = chance.randrange(3)
        named = chance.choice("ab"), chance.choice(("", "0-32")), chance.choice(("1", "2", "content:3"))
        for row in range(chance.randrange(1, 3)):
            status = chance.choice(("capture", "capture", "capture", "unreadable", "expired"))
            taken = chance.choice((None, _START, _START + timedelta(hours=1)))
            values = (*named, f"b{batch}", row, _START + timedelta(days=read), status, taken)
            yield dict(zip(COLUMNS, values, strict=True))


def expected(rows: list[Record]) -> set[tuple[str, int]]:
    """The rows that count no more, as docs/store.md says it."""
    rows = [row for row in rows if row["status"] != "expired"]

    def newest(*names: str, of: list[Record], by: tuple[str, ...]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
        found: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        for row in of:
            key = tuple(row[name] for name in names)
            found[key] = max(found.get(key, ()), tuple(row[name] for name in by))
        return found

    def of(row: Record, *names: str) -> tuple[Any, ...]:
        return tuple(row[name] for name in names)

    latest = newest("object", "part", "mark", of=rows, by=("read_at", "batch"))
    reading = [row for row in rows if latest[of(row, "object", "part", "mark")] == of(row, "read_at", "batch")]
    marked = newest("object", "mark", of=reading, by=("read_at",))
    for row in reading:
        row["marked_at"] = marked[of(row, "object", "mark")]
    of_object = newest("object", of=reading, by=("marked_at",))
    of_time = newest("object", "captured_at", of=reading, by=("marked_at",))
    counting = {
        of(row, "batch", "row")
        for row in reading
        if of_object[of(row, "object")] == of(row, "marked_at")
        or (
            row["status"] == "capture"
            and row["captured_at"] is not None
            and of_time[of(row, "object", "captured_at")] == of(row, "marked_at")
        )
        or row["mark"].startswith("content:")
    }
    return {(row["batch"], row["row"]) for row in rows} - counting


@pytest.mark.parametrize("size", [1, 3, ROWS])
def test_what_was_read_again_counts_once(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects that were read twice, changed, or were read by two writers, in slices of any size."""
    monkeypatch.setattr("stackscan.fleet.store.slices.ROWS", size)
    schema = dict.fromkeys(COLUMNS, pl.String()) | {"row": pl.Int64()}
    schema |= dict.fromkeys(("read_at", "captured_at"), pl.Datetime("us", "UTC"))
    some = 0
    for seed in range(60):
        rows = [*records(random.Random(seed))]  # noqa: S311 - no secret
        found = superseded(pl.DataFrame(rows, schema=schema).lazy())
        assert expected(rows) == set(found.rows())
        some += not found.is_empty()
    assert 20 < some < 60


def test_slices_have_each_row_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of a table without rows."""
    monkeypatch.setattr("stackscan.fleet.store.slices.ROWS", 4)
    rows = pl.DataFrame({"n": range(9)})
    assert [[0, 1, 2, 3], [4, 5, 6, 7], [8]] == [each.collect()["n"].to_list() for each in slices(rows.lazy())]
    assert [] == [*slices(rows.clear().lazy())]


def test_a_store_is_read_in_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known, what counts, and the answer do not depend on their size; files have groups of as many rows."""
    monkeypatch.setattr("stackscan.fleet.store.slices.ROWS", 2)
    monkeypatch.setattr("stackscan.fleet.store.delta.ROWS", 2)
    source, store = tmp_path / "captures", StoreOptions(str(tmp_path / "store"))
    for number in range(7):
        put(source, "shop", f"h{number}", 0, dump((9 + number, "store.flush", "IO wait"), salt=number))
    told: list[str] = []
    filled = api.fleet([str(source)], store=store, tell=told.append)
    put(source, "shop", "h1", 0, dump((99, "store.flush", "IO wait"), salt=1))
    again = api.fleet([str(source)], store=store, tell=told.append)
    assert ["objects: 7 read, 0", "objects: 1 read, 6"] == [each.partition(" known")[0] for each in told]
    assert (7, 7, 99 - 10) == (filled.captures, again.captures, again.goroutines - filled.goroutines)
    files = Table(f"{store.url}/captures").open().file_uris()
    metadata = duckdb.sql(f"SELECT max(row_group_num_rows), count(DISTINCT file_name) FROM parquet_metadata({files!r})")
    assert [(2, 2)] == metadata.fetchall()
