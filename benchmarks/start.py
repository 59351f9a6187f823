"""How long starts take, beside what Python itself takes: ratios of one run.

    python benchmarks/start.py [--runs 15] [--base FOLDER] [--markdown]

Each row is a command and an anchor beside which it is measured: ``python -c pass`` for what only speaks of stackscan,
``python -c "import polars"`` for a report of a small dump. All commands take turns, and the median of their processor
time counts, user and system together: other work on the machine disturbs it less than the clock. A ``first start``
keeps nothing; all others find what an earlier one kept: the compiled rules and grammars, and Python's compiled modules.
``--base`` names another checkout of stackscan to measure as well (with the dependencies of this Python).
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
_GO: Final = ROOT / "fixtures" / "go"
NOTHING: Final = "python -c pass"
POLARS: Final = "python -c 'import polars'"
#: The anchors, and the code that each runs.
ANCHORS: Final = {NOTHING: "pass", POLARS: "import polars"}


@dataclass(frozen=True)
class Row:
    """A command, its anchor, and how many times the anchor it may take (None: no promise)."""

    name: str
    arguments: tuple[str, ...]
    anchor: str
    most: float | None = None
    first: bool = False


_LOCKED: Final = str(_GO / "go1.25" / "hang_http-locked.txt")
_DEADLOCK: Final = str(_GO / "go1.21" / "locks_deadlock.txt")
ROWS: Final = (
    Row("--version", ("--version",), NOTHING, 6),
    Row("--help", ("--help",), NOTHING, 6),
    Row("report --help", ("report", "--help"), NOTHING, 6),
    Row("report --bogus (wrong usage)", ("report", "--bogus"), NOTHING, 6),
    Row("report, 2 KB, a lock", ("report", _DEADLOCK), POLARS, 1.6),
    Row("report, 5 KB, a lock", ("report", _LOCKED), POLARS, 1.6),
    Row("report --format json, 5 KB", ("report", "--format", "json", _LOCKED), POLARS, 1.6),
    Row("report, a panic", ("report", str(_GO / "go1.25" / "panic_nilderef.txt")), POLARS, 1.6),
    Row("report, all states", ("report", str(_GO / "go1.25" / "states.txt")), POLARS, 1.6),
    Row("check, 5 KB", ("check", _LOCKED), POLARS),
    Row("show 1, 5 KB", ("show", "1", _LOCKED), POLARS),
    Row("rules", ("rules",), POLARS),
    Row("report, 5 KB, first start", ("report", _LOCKED), POLARS, first=True),
)


def seconds(command: list[str], *, package: Path, kept: str) -> float:
    """The processor time of a command, its output thrown away; ``kept`` is the folder of what stackscan keeps ("":
    nothing)."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "STACKSCAN"))}
    env |= {"PYTHONPATH": str(package), "STACKSCAN_CACHE_DIR": kept, "NO_COLOR": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=env, cwd=tempfile.gettempdir(), capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def measure(rows: tuple[Row, ...], *, runs: int, base: Path | None) -> dict[str, float]:
    """The median of each anchor and row, and of each row of the base (``base NAME``), in seconds."""
    with tempfile.TemporaryDirectory() as kept:
        commands = {name: ([sys.executable, "-c", code], ROOT, kept) for name, code in ANCHORS.items()}
        for row in rows:
            command = [sys.executable, "-m", "stackscan", *row.arguments]
            commands[row.name] = (command, ROOT, "" if row.first else kept)
            if base is not None:
                commands[f"base {row.name}"] = (command, base, "")
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for turn in range(runs + 1):
            for name, (command, package, place) in commands.items():
                lasted = seconds(command, package=package, kept=place)
                if turn:  # the first turn is for what is kept
                    taken[name].append(lasted)
    return {name: statistics.median(each) for name, each in taken.items()}


def table(rows: tuple[Row, ...], medians: dict[str, float]) -> list[list[str]]:
    """The rows of the table with its heading."""
    has_base = any(name.startswith("base ") for name in medians)
    out = [["command", "ms", "× anchor", "goal", "anchor", *(["before"] if has_base else [])]]
    for row in rows:
        lasted = medians[row.name]
        line = [f"`{row.name}`" if row.name.startswith("-") else row.name, f"{lasted * 1e3:.0f}"]
        line += [f"{lasted / medians[row.anchor]:.2f}", "" if row.most is None else f"{row.most:g}", f"`{row.anchor}`"]
        if has_base:
            line.append(f"{medians[f'base {row.name}'] / medians[row.anchor]:.2f}")
        out.append(line)
    return out


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--base", type=Path)
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    lines = table(ROWS, measure(ROWS, runs=given.runs, base=given.base))
    if given.markdown:
        lines.insert(1, ["---", *["--:"] * 3, "---", *(["--:"] if given.base else [])])
        print("\n".join(f"| {' | '.join(line)} |" for line in lines))
        return
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main()
