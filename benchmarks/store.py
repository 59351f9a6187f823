"""Measures the store of `stackscan fleet`: its size, what a run with little new costs, and what kills and writers lose.

    python benchmarks/store.py [--captures 10000] [--new 100] [--kills 20] [--writers 4] [--url s3://BUCKET/PREFIX]

The captures are those of benchmarks/fleet.py. First a run fills a store, then one reads `--new` more, then the store is
compacted and answers alone; each answer must be equal to that over all captures. Then, with other stores, a writer is
killed at random moments until `--kills` are done, the store read after each, and `--writers` write at once: what the
store then holds is compared with what one run reads. Without --url the stores are in a temporary folder; with it (and
the credentials in the environment) they are below that address.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fleet import PATTERN, make

from stackscan.fleet.row import Row
from stackscan.fleet.store.delta import Table
from stackscan.fleet.store.store import open_store


def command(*arguments: object) -> list[str]:
    """A command line of stackscan."""
    return [sys.executable, "-m", "stackscan", *map(str, arguments)]


def fleet(*sources: Path, store: str = "") -> list[str]:
    """The command line of a fleet, with a store or without."""
    kept = ["--store", store] if store else []
    return command("fleet", "--pattern", PATTERN, "--format", "json", *kept, *sources)


def measured(line: list[str]) -> tuple[dict[str, Any], str, float, float]:
    """What a command says as JSON and on stderr, its seconds, and its peak of memory in MB."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        process = subprocess.Popen(line, stdout=out, stderr=err)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        said = err.read().decode()
        if process.returncode:
            raise SystemExit(f"{' '.join(line)} ended with {process.returncode}: {said}")
        return json.load(out), said.strip(), seconds, used.ru_maxrss / 1024


def growth(folder: Path, later: Path, store: str) -> float:
    """Fill a store, add what is new, compact it, ask it; each answer equal to that over all captures. The seconds that
    it took to fill."""
    _, said, filling, peak = measured(fleet(folder, store=store))
    print(f"filled in {filling:.1f} s, peak {peak:.0f} MB; {said}")
    shutil.copytree(later, folder, dirs_exist_ok=True)
    grown, said, seconds, peak = measured(fleet(folder, store=store))
    new = sum(path.is_file() for path in later.rglob("*"))
    print(f"a run with {new:,} new: {seconds:.1f} s, peak {peak:.0f} MB; {said}")
    truth, _, seconds, peak = measured(fleet(folder))
    print(f"without a store: {seconds:.1f} s, peak {peak:.0f} MB; answers are equal: {truth == grown}")
    _report(store, "before compaction")
    _, _, seconds, peak = measured(command("store", "compact", store, "--keep-files", "0s", "--format", "json"))
    print(f"compacted in {seconds:.1f} s, peak {peak:.0f} MB")
    _report(store, "after compaction")
    alone, _, seconds, peak = measured(fleet(store=store))
    print(f"the store alone: {seconds:.1f} s, peak {peak:.0f} MB; answers are equal: {truth == alone}")
    return filling


def _report(store: str, when: str) -> None:
    info, _, _, _ = measured(command("store", "info", store, "--format", "json"))
    print(f"{when}: {info['bytes_per_capture']:.0f} bytes a capture, {info['bytes']:,} in {info['files']} files")


def names(store: str) -> list[str]:
    """The captures that a store holds, with doubles."""
    return sorted(row.where for row in open_store(store).rows() if isinstance(row, Row))


def kills(folder: Path, store: str, truth: list[str], count: int, longest: float) -> None:
    """Kill the writer at random moments; what was read stays read, and nothing is there twice."""
    chance = random.Random(1)  # noqa: S311 - no secret
    held = broken = lost = 0
    for _ in range(count):
        writer = subprocess.Popen(fleet(folder, store=store), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.5, longest))
        writer.kill()
        writer.wait()
        if not Table(f"{store}/captures").exists():
            continue
        found = names(store)
        broken += len(found) != len(set(found)) or not set(found) <= set(truth)
        lost += len(found) < held
        held = len(found)
    print(f"{count} kills: {held:,} captures held, {broken} times wrong, {lost} times fewer than before")
    measured(fleet(folder, store=store))
    print(f"after a run that was not killed: complete and nothing twice: {names(store) == truth}")


def writers(services: list[Path], store: str, truth: list[str], count: int) -> None:
    """Several writers at once, each with half of the services, so that each capture has two or more."""
    share = max(1, len(services) // 2)
    step = max(1, len(services) // count)
    shares = [[services[(first + at) % len(services)] for at in range(share)] for first in range(0, step * count, step)]
    running = [subprocess.Popen(fleet(*each, store=store), stdout=subprocess.DEVNULL) for each in shares]
    codes = [each.wait() for each in running]
    found = names(store)
    print(f"{count} writers ended with {codes}; complete and nothing twice: {found == truth}")


def moved(paths: Iterable[Path], folder: Path, to: Path) -> None:
    """Move captures to another folder."""
    for path in paths:
        place = to / path.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.rename(place)


def report(root: Path, options: argparse.Namespace) -> None:
    """Make, measure, print."""
    base = options.url.rstrip("/") if options.url else str(root)
    folder, later = root / "captures", root / "later"
    make(folder, options.captures, 1)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    moved(paths[:: max(1, len(paths) // options.new)][: options.new], folder, later)
    filling = growth(folder, later, f"{base}/store")
    truth = names(f"{base}/store")
    print(f"{len(truth):,} captures")
    if options.kills:
        kills(folder, f"{base}/killed", truth, options.kills, max(4.0, 4 * filling / options.kills))
    if options.writers:
        writers(sorted(folder.iterdir()), f"{base}/shared", truth, options.writers)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--captures", type=int, default=10_000)
    parser.add_argument("--new", type=int, default=100)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--url", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        report(Path(root), options)


if __name__ == "__main__":
    main()
