"""Kills writers at random moments of their writing, alone and two at once to one place, and reads what is left.

    .venv/bin/python benchmarks/kills_at_random.py [--kills 50] [--seed 1]

A writer writes one output after the other until a SIGKILL ends it, at a moment drawn within the first few of them; of
two writers each is killed at its moment. After each kill what stands there must be one of the outputs, whole, or (an
export between two renames) be refused in words. Then one more writing must leave its output and no part of a killed
run; parts in the cache are made an hour old before, since it removes only those. Prints a table of kills, of those that
hit a writing, and of outputs that were broken. benchmarks/kills.py kills an export before each of its renames.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from ctypes import c_int
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from stackscan import cache
from stackscan.checks.baseline import Baseline, build_baseline, read_baseline
from stackscan.checks.baseline import write_baseline as write_text
from stackscan.cli.terminal.output import written
from stackscan.errors import BaselineError, SourceError
from stackscan.export.tables.build import build
from stackscan.export.tables.load import exported
from stackscan.export.tables.schema import TABLES
from stackscan.export.tables.write import export
from stackscan.pipeline import examine, scan

DUMPS = Path(__file__).resolve().parent.parent / "fixtures" / "go" / "go1.27"
INPUTS = [path for path in sorted(DUMPS.glob("panic_*.txt")) if path.stat().st_size > 250][:8]
_BETWEEN, _WRITING = 1, 2
_TWO_HOURS_SECONDS = 7_200


# -- what is written, and what may be left ---------------------------------------------------------------------------


#: How a folder is refused whose export was killed between two of its files, until the next export.
_REFUSAL = "stopped before all its tables"


@lru_cache(maxsize=64)
def tables_of(number: int) -> list[dict[str, pl.DataFrame]]:
    """The tables of an input."""
    return [build(each) for each in examine(str(INPUTS[number]))[0]]


def rows_in(folder: Path) -> dict[str, dict[str, int]] | None:
    """Of each capture in a folder its rows in each table; None where the folder is refused in words."""
    found: dict[str, dict[str, int]] = {}
    try:
        with exported(folder) as tables:
            for name in TABLES:
                if "snapshot_id" in TABLES[name].schema:
                    counted = tables[name].group_by("snapshot_id").len().collect()
                    for capture, rows in counted.iter_rows():
                        found.setdefault(capture, {})[name] = rows
    except SourceError as error:
        if _REFUSAL in str(error):
            return None
        raise
    return found


def write_export(place: Path, number: int) -> None:
    """Replace the tables of a folder by those of an input."""
    with export(place, "parquet") as under_way:
        for tables in tables_of(number):
            under_way.add(tables)
        under_way.finish()


def write_partitions(place: Path, number: int) -> None:
    """Add the tables of an input to a folder; one that is there already stays."""
    with export(place, "parquet") as under_way:
        for tables in tables_of(number):
            under_way.add(tables)
        under_way.finish_partitioned()


@lru_cache(maxsize=64)
def rows_of(number: int) -> dict[str, dict[str, int]]:
    """What rows_in says of a folder with one input."""
    with tempfile.TemporaryDirectory() as folder:
        write_export(Path(folder), number)
        return rows_in(Path(folder)) or {}


def export_left(place: Path) -> str:
    """Of an export: one input and nothing else."""
    found = rows_in(place)
    if found is None:
        return "refused"
    return "whole" if any(found == rows_of(number) for number in range(len(INPUTS))) else "BROKEN"


def partitions_left(place: Path) -> str:
    """Of a partitioned export: each capture that is there, with all its rows."""
    found = rows_in(place)
    if found is None:
        return "refused"
    known = {capture: rows for number in range(len(INPUTS)) for capture, rows in rows_of(number).items()}
    return "whole" if all(known.get(capture) == rows for capture, rows in found.items()) else "BROKEN"


@lru_cache(maxsize=64)
def baseline_of(number: int) -> Baseline:
    """The baseline of an input."""
    return build_baseline(scan([str(INPUTS[number])]).snapshots)


def write_baseline(place: Path, number: int) -> None:
    """As `check --write-baseline` does."""
    with written(place / "baseline.json") as out:
        write_text(baseline_of(number), out)


def baseline_left(place: Path) -> str:
    """The baseline of one input, as a check reads it."""
    try:
        found = read_baseline(place / "baseline.json")
    except BaselineError as error:
        return "refused" if "does not exist" in str(error) else "BROKEN"
    return "whole" if any(found.stacks == baseline_of(number).stacks for number in range(len(INPUTS))) else "BROKEN"


def _kept_value(number: int) -> list[int]:
    return [number] * 100_000


def write_cache(place: Path, number: int) -> None:
    """Make an entry anew: the one that is there is taken for one of another version."""
    os.environ[cache.FOLDER_VARIABLE] = str(place)
    cache.kept("entry", f"{number} {time.monotonic_ns()}", lambda: _kept_value(number))
    cache.kept("entry", f"{number}", lambda: _kept_value(number))
    for path in place.glob("entry-*.kept"):
        if random.random() < 0.2:  # noqa: S311 - so that the second is written again, too
            path.unlink(missing_ok=True)


def cache_left(place: Path) -> str:
    """Every entry that has its name is whole: its checksum and its key are right."""
    for path in place.glob("*.kept"):
        head, sizes, rest = path.read_bytes().split(b"\n", 2)
        length = int(sizes.split()[0], 16)
        if cache._framed(rest[:length], rest[length:]) != head + b"\n" + sizes + b"\n" + rest:  # noqa: SLF001
            return "BROKEN"
    for part in place.glob("*.part"):
        os.utime(part, (time.time() - _TWO_HOURS_SECONDS,) * 2)
    return "whole"


@dataclass(frozen=True, slots=True)
class Output:
    """A kind of output: how it is written, and what is left of it in a word."""

    write: Callable[[Path, int], None]
    left: Callable[[Path], str]


OUTPUTS = {
    "export": Output(write_export, export_left),
    "export --partition": Output(write_partitions, partitions_left),
    "check --write-baseline": Output(write_baseline, baseline_left),
    "cache": Output(write_cache, cache_left),
}


# -- writers, and their end ------------------------------------------------------------------------------------------


def keep_writing(kind: str, place: Path, first: int, state: Any) -> None:
    """Write until the end comes; ``state`` says whether a writing is under way."""
    write = OUTPUTS[kind].write
    numbers = [*range(first, len(INPUTS)), *range(first)]
    for number in numbers:  # what is only read is read before
        _ = tables_of(number) if kind.startswith("export") else baseline_of(number)
    while True:
        for number in numbers:
            state.value = _WRITING
            write(place, number)
            state.value = _BETWEEN


def killed(context: Any, kind: str, place: Path, writers: int, draw: random.Random) -> int:
    """How many writers were killed as they wrote. Each is killed a little after all have begun."""
    states = [context.RawValue(c_int, 0) for _ in range(writers)]
    processes = [
        context.Process(target=keep_writing, args=(kind, place, draw.randrange(len(INPUTS)), state), daemon=True)
        for state in states
    ]
    for process in processes:
        process.start()
    while not all(state.value for state in states):
        if not all(process.is_alive() for process in processes):
            sys.exit(f"a writer of {kind} ended early")
        time.sleep(0.001)
    hit = 0
    for process, state in zip(processes, states, strict=True):
        time.sleep(draw.uniform(0, 0.1))
        if not process.is_alive():
            sys.exit(f"a writer of {kind} failed")
        process.kill()
        process.join()
        hit += state.value == _WRITING
    return hit


def row(context: Any, kind: str, writers: int, kills: int, draw: random.Random) -> tuple[int, int, int, int]:
    """Kills, those that hit a writing, outputs that were refused until the next one, and broken ones."""
    output = OUTPUTS[kind]
    done = hits = refused = broken = 0
    while done < kills:
        with tempfile.TemporaryDirectory() as home:
            place = Path(home)
            output.write(place, 0)
            hits += killed(context, kind, place, writers, draw)
            done += writers
            left = output.left(place)
            refused += left == "refused"
            output.write(place, 1)
            parts = [path for path in place.rglob("*") if path.name.startswith(".stackscan") or path.suffix == ".part"]
            broken += left == "BROKEN" or output.left(place) != "whole" or bool(parts)
    return done, hits, refused, broken


def main() -> None:
    """All kinds, with one writer and with two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50, help="of each kind (default: 50)")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    draw = random.Random(chosen.seed)  # noqa: S311
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["kills_at_random"])
    print(f"| {'output':<22} | writers | kills | while writing | refused until the next | broken |")
    print("| --- | --: | --: | --: | --: | --: |")
    wrong = 0
    for kind in OUTPUTS:
        for writers in (1, 2):
            found = row(context, kind, writers, chosen.kills, draw)
            wrong += found[-1]
            print(f"| {kind:<22} | {writers:>7} | {' | '.join(map(str, found))} |", flush=True)
    sys.exit(wrong > 0)


if __name__ == "__main__":
    import kills_at_random  # so that a writer's functions are those that the server of forks has loaded

    kills_at_random.main()
