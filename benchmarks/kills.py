"""Kills stackscan as it writes, again and again, and says what is left: whole, refused, or mixed (which must be 0).

    .venv/bin/python benchmarks/kills.py [--kills 100] [--seed 1]

Each kill is a SIGKILL, in turn just before each rename and link of an export, and at random times during its
writing. After each, `stackscan query --tables` is asked; then the next export must leave a whole folder and no part.
`kills.py run --at N -- ARGUMENTS` runs `stackscan ARGUMENTS` and kills it before its N-th rename or link; `--after S`
kills it S seconds after it began to write. It prints how many renames and links it came to when it is not killed.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stackscan.errors import StackscanError
from stackscan.export import atomic
from stackscan.export.tables.build import build
from stackscan.export.tables.write import export
from stackscan.pipeline import examine

ROOT = Path(__file__).resolve().parent.parent
CAPTURES = sorted((ROOT / "fixtures" / "kubo" / "v0.40.1-mixed").glob("ipfs-profile-*.zip"))[:3]
COUNTS = " UNION ALL ".join(
    f"SELECT '{name}' AS name, count(*) AS n FROM {name}"  # noqa: S608 - our own names
    for name in ("goroutines", "stacks", "frames", "buckets", "findings", "pools", "snapshots")
)


# -- a run that is killed --------------------------------------------------------------------------------------------


def run_and_die(arguments: list[str], at: int | None, after: float | None) -> None:
    """Run stackscan in this process, and kill it."""
    from stackscan.cli.app import main

    steps = 0

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def stopping(act: Any) -> Any:
        def step(*given: Any, **named: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps == at:
                die()
            return act(*given, **named)

        return step

    def starting(act: Any) -> Any:
        def begin(*given: Any, **named: Any) -> Any:
            if after is not None:
                threading.Timer(after, die).start()
            begin.since = time.monotonic()  # type: ignore[attr-defined]
            return act(*given, **named)

        return begin

    os.replace, os.link = stopping(os.replace), stopping(os.link)
    atomic.workspace = starting(atomic.workspace)
    sys.argv = ["stackscan", *arguments]
    try:
        main()
    except SystemExit as left:
        if left.code:
            raise
    seconds = time.monotonic() - getattr(atomic.workspace, "since", time.monotonic())
    print(f"{steps} steps, {seconds:.3f} s", file=sys.stderr)
    os._exit(0)  # the timer of a run that ended sooner


def run(*arguments: str | Path, **how: float) -> subprocess.CompletedProcess[str]:
    """The same in a process of its own."""
    options = [f"--{name}={value}" for name, value in how.items()]
    words = [sys.executable, __file__, "run", *options, "--", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


# -- what is left ----------------------------------------------------------------------------------------------------


def asked(folder: Path) -> tuple[Any, ...] | str:
    """The rows of each table as `query --tables` counts them; what it says when it refuses."""
    from stackscan.export.sql.query import run as ask
    from stackscan.export.tables.load import exported

    try:
        with exported(folder) as tables:
            rows = dict(ask(COUNTS, tables).rows())
            alone = ask("SELECT count(*) FROM goroutines ANTI JOIN snapshots USING (snapshot_id)", tables)
    except StackscanError as error:
        return str(error)
    return (*sorted(rows.items()), alone.item())


def judged(found: tuple[Any, ...] | str, whole: list[tuple[Any, ...]]) -> str:
    """In a word."""
    if isinstance(found, str):
        return "refused" if "stopped before all its tables" in found or "holds no table" in found else found
    return "whole" if found in whole else "MIXED"


def kills(layout: list[str], count: int, draw: random.Random, home: Path) -> Iterator[tuple[str, str, str]]:
    """Of each kill: of which kind it was, what was left, and whether the next export mended it."""
    old, new, folder = home / "old", home / "new", home / "killed"
    first, both = ["export", *layout, CAPTURES[0]], ["export", *layout, *CAPTURES[1:]]
    run(*first, "--output", old)
    shutil.copytree(old, new)
    told = run(*both, "--output", new).stderr
    steps, seconds = re.findall(r"(\d+) steps, ([\d.]+) s", told)[0]
    whole = [each for each in map(asked, (old, new)) if not isinstance(each, str)]
    if layout:  # captures appear one by one
        for capture in CAPTURES[1:]:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(old, folder)
            run("export", *layout, capture, "--output", folder)
            whole += [each for each in [asked(folder)] if not isinstance(each, str)]
    before = examine(str(CAPTURES[0]))[0]
    for number in range(count):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(old, folder)
        at_a_step = number % 2 == 0
        how: dict[str, float] = (
            {"at": 1 + number // 2 % int(steps)} if at_a_step else {"after": draw.uniform(0, float(seconds))}
        )
        done = run(*both, "--output", folder, **how)
        kind = ("before a step" if at_a_step else "at random") if done.returncode else "not killed"
        left = judged(asked(folder), whole)
        with export(folder, "parquet") as next_one:  # of something else
            for examined in before:
                next_one.add(build(examined))
            _ = next_one.finish_partitioned() if layout else next_one.finish()
        again = judged(asked(folder), whole)
        strays = [path.name for path in folder.iterdir() if path.name.startswith(".")]
        yield kind, left, "mended" if again == "whole" and not strays else f"{again}, {len(strays)} parts left"


def main() -> None:
    """All kinds of kills, and a table of what they left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="in all")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    print(f"{'export':<12}{'killed':<15}{'left':<10}{'next export':<14}{'kills':>6}")
    wrong = 0
    for layout in ([], ["--partition"]):
        with tempfile.TemporaryDirectory() as home:
            seen = Counter(kills(layout, chosen.kills // 2, random.Random(chosen.seed), Path(home)))  # noqa: S311
        for (kind, left, again), count in sorted(seen.items()):
            print(f"{layout[0][2:] if layout else 'plain':<12}{kind:<15}{left:<10}{again:<14}{count:>6}")
            wrong += count * (left not in {"whole", "refused"} or again != "mended")
    print(f"mixed, or not mended: {wrong}")
    sys.exit(wrong > 0)


def _run() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--at", type=float)
    parser.add_argument("--after", type=float)
    parser.add_argument("arguments", nargs="+")
    chosen = parser.parse_args(sys.argv[2:])
    run_and_die(chosen.arguments, chosen.at, chosen.after)


if __name__ == "__main__":
    _run() if sys.argv[1:2] == ["run"] else main()
