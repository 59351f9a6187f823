"""A store in object storage: a real S3 server, which captures come from and the store is in."""

from __future__ import annotations

import random
import time
from datetime import timedelta
from pathlib import Path

import pytest
from test_fleet import dump, put
from test_store import answered, counted, fleet_process, said

from s3server import S3Server, s3
from stackscan.errors import StoreError
from stackscan.fleet.store.delta import Table
from stackscan.fleet.store.store import open_store
from stackscan.fleet.store.summary import summary
from stackscan.fleet.store.upkeep import compact, expire

__all__ = ["s3"]


@pytest.fixture
def bucket(s3: S3Server, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """The address of a new bucket, which the environment names the server of."""
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    name = f"b{abs(hash(request.node.name)):x}"[:40]
    s3.bucket(name)
    return f"s3://{name}"


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("captures")
    for number in range(12):
        for step in range(25):
            text = dump((3 + step if number < 2 else 4, "store.flush", "IO wait"), salt=number * 100 + step)
            put(folder, f"s{number % 3}", f"h{number}", step, text)
    put(folder, "s0", "h0", 99, b"<html>")
    return folder


def is_there(store: str) -> bool:
    return Table(f"{store}/captures").exists()


def uploaded(s3: S3Server, bucket: str, folder: Path) -> str:
    store = s3.bucket(bucket.removeprefix("s3://"))
    for path in folder.rglob("*.txt"):
        store.put(f"in/{path.relative_to(folder)}", path.read_bytes())
    return f"{bucket}/in/"


def test_captures_and_store_in_one_bucket(s3: S3Server, bucket: str, captures: Path) -> None:
    """Only new objects are read; the answer is that over all of them."""
    source, store = uploaded(s3, bucket, captures), f"{bucket}/store"
    truth = answered(source)
    assert (300, 1) == (truth["captures"], len(truth["unreadable"]))
    assert (301, 0) == counted(source, store=store)
    assert truth == answered(store=store)
    s3.bucket(bucket.removeprefix("s3://")).put(
        "in/s1/h99/20260422T100000.txt", dump((7, "store.flush", "IO wait"), salt=5000).encode()
    )
    assert (1, 301) == counted(source, store=store)
    truth = answered(source)
    assert truth == answered(store=store)
    compact(open_store(store), keep=timedelta(0))
    assert truth == answered(store=store)
    assert (301, 2) == (summary(open_store(store)).captures, summary(open_store(store)).files)
    assert 301 == expire(open_store(store), older_than=timedelta(0), keep=timedelta(0)).captures


def test_writers_at_once_lose_nothing(bucket: str, captures: Path) -> None:
    """Four of them make the store and read the same captures, and one compacts meanwhile."""
    store = f"{bucket}/store"
    writers = [fleet_process(store, captures) for _ in range(4)]
    compacted = 0
    while any(writer.poll() is None for writer in writers):
        time.sleep(0.2)
        if is_there(store):
            compact(open_store(store), keep=timedelta(hours=1))
            compacted += 1
    assert [(0, b"")] * 4 == [(one.returncode, said(one)) for one in writers]
    assert compacted
    compact(open_store(store), keep=timedelta(0))
    assert answered(captures) == answered(store=store)
    assert 301 == open_store(store).captures.open().count()


def test_a_killed_writer_leaves_a_whole_store(bucket: str, captures: Path) -> None:
    store = f"{bucket}/store"
    chance = random.Random(3)  # noqa: S311
    for _ in range(3):
        writer = fleet_process(store, captures)
        time.sleep(chance.uniform(0.7, 2.5))
        writer.kill()
        said(writer)
        writer.wait()
        if is_there(store):
            found = [row.where for row in open_store(store).rows()]
            assert len(found) == len(set(found)) <= 301
    answered(captures, store=store)
    assert answered(captures) == answered(store=store)


def test_a_server_that_is_not_there_is_said(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, without colours and without the secret."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wr0ng-secret-of-a-test")
    with pytest.raises(StoreError) as raised:
        open_store(f"{bucket}/store")
    assert "\x1b" not in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "wr0ng" not in str(raised.value)
