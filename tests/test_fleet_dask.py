"""Fleets read by the workers of a Dask cluster: the same answer, and the same is lost."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from test_fleet_engine import dump, hosts, unread

import jobs
from stackscan import api
from stackscan.errors import ClusterError, MissingExtraError, UsageError
from stackscan.fleet.observe import Observe
from stackscan.fleet.pattern import read_pattern
from stackscan.fleet.row import Row, Unread
from stackscan.fleet.survey import each_part
from stackscan.knowledge.configuration import shipped
from stackscan.pipeline import Options
from stackscan.sources.parts import split
from stackscan.workers import cluster as clusters

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a cluster that was there before."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=60, host="127.0.0.1"
    ) as running:
        yield running.scheduler_address


def test_the_answer_is_that_of_one_process(tmp_path: Path, scheduler: str) -> None:
    """Also with rules of the user's, which no worker has a file of, and with private names hidden."""
    for number in range(12):
        (tmp_path / f"h{number}.txt").write_text(dump(number, "main" if number % 3 else "queue"))
    one, many = (api.fleet([str(tmp_path)], pattern="{host}.txt", dask=dask) for dask in (None, scheduler))
    assert replace(one, seconds=0.0) == replace(many, seconds=0.0)
    assert 12 == many.captures


def test_a_capture_that_kills_its_worker_is_named(tmp_path: Path) -> None:
    """On workers of this machine, after two tries; the others are read, also those that went with it."""
    for number in range(40):
        (tmp_path / f"h{number:02}.txt").write_text(dump(number, "poison" if number == 1 else "main"))
    observe = Observe(read_pattern("{host}.txt"), 10_000, jobs.Poisonous())
    rows: list[Row | Unread] = []
    options = Options(shipped(), projected=False)
    with each_part([*split(str(tmp_path))], observe, options=options, dask="local:2") as found:
        for each in found:
            rows += each
    assert ["h00", *(f"h{number:02}" for number in range(2, 40))] == hosts(rows)
    assert [("h01", "its reading killed the process twice")] == unread(rows)


def test_another_version_of_the_workers_is_an_error(scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their rows may mean something else."""
    monkeypatch.setattr(clusters, "__version__", "9.9.9")
    with pytest.raises(UsageError, match=r"has stackscan \d.*and this is 9\.9\.9"), clusters.cluster(scheduler):
        pass


@pytest.mark.parametrize("address", ["host", "local:", "local:0", "localhost:8786"])
def test_a_wrong_address_says_what_is_right(address: str) -> None:
    """Before anything is started."""
    with pytest.raises(UsageError, match="--dask"), clusters.cluster(address):
        pass


def test_a_cluster_that_goes_away_ends_the_run() -> None:
    """With an error: nothing that it would have read is called unreadable."""
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=60, host="127.0.0.1"
        ) as running,
        clusters.cluster(running.scheduler_address) as cluster,
    ):
        results = cluster.in_order(range(400), jobs.resting, lost=lambda task, _: -task, here=lambda _: False)
        assert 0 == next(results)
        running.close()
        with pytest.raises(ClusterError, match="gone"):
            list(results)


def test_nobody_at_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names it."""
    monkeypatch.setattr(clusters, "_CONNECT_SECONDS", 1)
    said = r"no Dask scheduler answers at tcp://127\.0\.0\.1:1"
    with pytest.raises(ClusterError, match=said), clusters.cluster("tcp://127.0.0.1:1"):
        pass


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is optional."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError) as caught, clusters.cluster("local"):
        pass
    assert "pip install distributed" in caught.value.hint


def test_a_task_that_takes_long_is_given_to_another_worker(
    tmp_path: Path, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer of the first that is done counts."""
    monkeypatch.setattr(clusters, "_STRAGGLES_SECONDS", 1.0)
    with clusters.cluster(scheduler) as cluster:
        assert "done" == cluster.apart(tmp_path / "mark", jobs.hanging_once)
    assert 2 == len((tmp_path / "mark").read_text().split())
