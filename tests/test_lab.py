"""What stackscan reads off a real node against what the lab knows that it did to that node.

The peers of the lab count by themselves, without any dump, the streams that kubo holds open to those of them that
never answer (``silent_streams_in_flight`` in capture.json). A dump must show as many sends held: stalled workers before
the fix, detached closers after it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from math import sqrt
from pathlib import Path
from typing import Any

import pytest

from helpers import FIXTURES, golden, json_of, rendered, report_of

#: Seconds that a close to a silent peer lasts with go-libp2p v0.47 and later (streamWrapper.Close).
DEADLINE_SECONDS = 10.0


#: Every kind of run that the lab makes.
SHAPES = ("quiet", "busy", "stalled", "mixed", "fixed", "unbounded")


def runs(*shapes: str) -> list[Path]:
    """The folders of the runs whose settings have one of these shapes."""
    found = sorted(path.parent for path in (FIXTURES / "kubo").glob("*/capture.json"))
    return [folder for folder in found if truth(folder)["settings"]["shape"] in shapes]


def truth(folder: Path) -> dict[str, Any]:
    """What the lab wrote down of a run."""
    return json.loads((folder / "capture.json").read_text(encoding="utf-8"))


def sends_held(path: Path) -> int:
    """Sends that the full-text snapshot of a file or bundle shows held: stalled workers and detached closers."""
    (text,) = (snapshot for snapshot in json_of(path)["snapshots"] if snapshot["format"] == "goroutine-text")
    (pool,) = (pool for pool in text["pools"] if pool["pool"] == "bitswap-task-workers")
    closers = sum(f["count"] for f in text["findings"] if f["rule"] == "bitswap-detached-closers")
    return pool["states"]["stalled-close"] + closers


def occupancies(folder: Path) -> Iterator[tuple[dict[str, Any], str, int]]:
    """Of each capture of a run: what was true, the file, and the sends that it shows held."""
    for capture in truth(folder)["captures"]:
        for name in ("goroutine.debug2-{:02}.txt.gz", "stack-{:02}.txt.gz", "ipfs-profile-{:02}.zip"):
            file = name.format(capture["number"])
            if (folder / file).is_file():
                yield capture, file, sends_held(folder / file)


@pytest.mark.parametrize("folder", runs("stalled", "mixed", "fixed", "unbounded"), ids=lambda folder: folder.name)
def test_a_dump_shows_as_many_sends_held_as_the_peers_hold(folder: Path) -> None:
    """Every dump of every run with silent peers lies within what the peers counted before, between and after; but for
    one send that is between its stream's opening and its close, or one that ended between count and dump."""
    seen = list(occupancies(folder))
    assert seen
    for capture, file, held in seen:
        counted = [sum(streams.values()) for streams in capture["silent_streams_in_flight"].values()]
        assert min(counted) - 1 <= held <= max(counted) + 1, (file, held, counted)


@pytest.mark.generated
@pytest.mark.parametrize(
    "folder", runs("quiet", "busy", "stalled", "mixed", "fixed", "unbounded"), ids=lambda f: f.name
)
def test_the_report_of_a_bundle_is_the_one_beside_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last bundle of each run, as a person reads it."""
    monkeypatch.chdir(FIXTURES)
    bundle = max(folder.glob("ipfs-profile-*.zip"))
    shown = rendered(report_of(bundle.relative_to(FIXTURES), top=3), "text")
    golden(bundle.with_suffix(".report.txt"), shown)


def moment(capture: dict[str, Any]) -> datetime:
    """When the peers counted before a capture."""
    return datetime.fromisoformat(capture["swarm"]["before"]["time"][:26] + "+00:00")


def opened(capture: dict[str, Any]) -> int:
    """Streams that kubo had opened to silent peers by then."""
    return sum(group.get("silent_streams_opened", 0) for group in capture["swarm"]["before"]["groups"])


@pytest.mark.parametrize("folder", runs("mixed", "fixed"), ids=lambda folder: folder.name)
def test_the_mean_over_a_run_is_the_load_that_the_lab_produced(folder: Path) -> None:
    """Little's law: sends held = silent sends a second × seconds each is held, as far as few samples can tell.

    The number held is about Poisson, so the mean of n captures strays by sqrt(load / n); three times that is allowed.
    """
    captures = truth(folder)["captures"]
    seconds = (moment(captures[-1]) - moment(captures[0])).total_seconds()
    load = (opened(captures[-1]) - opened(captures[0])) / seconds * DEADLINE_SECONDS
    held = [count for _, file, count in occupancies(folder) if file.startswith("goroutine.debug2")]
    mean = sum(held) / len(held)
    assert len(captures) == len(held)
    assert mean == pytest.approx(load, abs=3 * sqrt(load / len(held)))
