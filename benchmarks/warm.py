"""Measures what a capture costs in a process that has seen its program: the analysis beside the reading.

    python benchmarks/warm.py [SOURCE ...] [--rounds 9]

Without SOURCE: one dump of each real kubo bundle in fixtures/kubo. Everything is read and analysed once, so that what
depends on distinct stacks is known; then each round reads and analyses again, in turn. Milliseconds are medians; the
ratio is of these medians, analysis by reading. `report` is what is made of the analysis: all that text and JSON show.
"""

from __future__ import annotations

import argparse
import statistics
import time
from itertools import pairwise
from pathlib import Path
from typing import Final

from stackscan.analysis.analyse import analyse
from stackscan.formats.contents import read_source
from stackscan.knowledge.configuration import shipped
from stackscan.load.projections import project_samples
from stackscan.report import build_snapshot

ROOT: Final = Path(__file__).resolve().parent.parent


def measure(source: Path, rounds: int) -> tuple[int, list[float]]:
    """How many goroutines a source has, and the median milliseconds of reading, analysis and report."""
    times: list[tuple[float, ...]] = []
    goroutines = 0
    for _ in range(rounds + 1):
        marks = [time.perf_counter()]
        captures = read_source(str(source)).captures
        marks.append(time.perf_counter())
        analyses = [analyse(capture, shipped()) for capture in captures]
        marks.append(time.perf_counter())
        for analysis in analyses:
            build_snapshot(analysis, projections=project_samples(analysis))
        marks.append(time.perf_counter())
        times.append(tuple(1000 * (after - before) for before, after in pairwise(marks)))
        goroutines = sum(capture.snapshot.total for capture in captures)
    return goroutines, [statistics.median(column) for column in zip(*times[1:], strict=True)]


def main() -> None:
    """Print a row a source."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    chosen = parser.parse_args()
    sources = chosen.sources or [min(folder.glob("*.zip")) for folder in sorted((ROOT / "fixtures" / "kubo").iterdir())]
    print(f"{'source':50} {'goroutines':>10} {'read ms':>8} {'analysis':>9} {'report':>7} {'analysis / read':>16}")
    for source in sources:
        goroutines, (read, analysis, report) = measure(source, chosen.rounds)
        name = str(source.relative_to(ROOT)) if source.is_relative_to(ROOT) else str(source)
        ratio = analysis / read
        print(f"{name[-50:]:50} {goroutines:>10,} {read:>8.1f} {analysis:>9.1f} {report:>7.1f} {ratio:>16.2f}")


if __name__ == "__main__":
    main()
