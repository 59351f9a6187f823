"""Times what the analysis, locks, families and argument lists add to a report, in one run, on the same file.

    python benchmarks/waiting.py FILE [--rounds N]

FILE is a full text dump, plain or gzipped. Rounds take all measurements in turn, so that a noisy machine disturbs them
alike; shown are the fastest and the middle round in milliseconds, and ratios of the fastest. "report" is reading,
judging and writing text inside this process, with warm caches and without locks and families; "process" is the whole
command `stackscan report`; "read" opens and reads a file that was never seen, "causes" finds locks and root causes,
"analyse" is the whole analysis, with all rules and pools.
"""

from __future__ import annotations

import argparse
import gzip
import io
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest import mock

from stackscan import formats
from stackscan.analysis.analyse import analyse
from stackscan.analysis.causes import Scene, find_causes
from stackscan.analysis.creation_sites import creation_sites
from stackscan.analysis.locks import Locks, find_locks
from stackscan.formats.contents import read_source
from stackscan.knowledge.configuration import shipped
from stackscan.model.capture import Capture
from stackscan.pipeline import scan
from stackscan.render import renderer


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rounds", type=int, default=9, metavar="N", help="default 9")
    options = parser.parse_args(arguments)
    data = options.file.read_bytes()
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "dump.txt"
        plain.write_bytes(data)
        for round_number in range(options.rounds + 1):
            for name, seconds in measure(data, str(plain)).items():
                if round_number:  # the first fills caches
                    times.setdefault(name, []).append(seconds)
    fastest = {name: min(found) for name, found in times.items()}
    for name, found in times.items():
        print(f"{name:<12} {fastest[name] * 1e3:8.1f} ms  {statistics.median(found) * 1e3:8.1f} ms")
    added = fastest["locks"] + fastest["families"]
    middle = {name: statistics.median(found) for name, found in times.items()}
    print(f"causes / read (medians)            {middle['causes'] / middle['read']:.2f}")
    print(f"analyse / read (medians)           {middle['analyse'] / middle['read']:.2f}")
    print(f"arguments / parse                  {fastest['arguments'] / fastest['parse']:.2f}")
    print(f"(locks + families) / report        {added / fastest['report']:.2f}")
    print(f"(locks + families) / the rest of process  {added / (fastest['process'] - added):.2f}")


def measure(data: bytes, path: str) -> dict[str, float]:
    """One round: seconds of each step."""
    snapshot = formats.read(data, where=path)[0]
    captures: list[Capture] = []
    return {
        "read": seconds(lambda: captures.extend(read_source(path).captures)),
        "causes": seconds(lambda: [causes_of(capture) for capture in captures]),
        "analyse": seconds(lambda: [analyse(capture, shipped()) for capture in captures]),
        "parse": seconds(lambda: formats.read(data, where=path)),
        "arguments": seconds(snapshot.words),
        "locks": seconds(lambda: find_locks(snapshot)),
        "families": seconds(lambda: creation_sites(snapshot)),
        "report": seconds(lambda: report_without(path)),
        "process": seconds(lambda: report_process(path)),
    }


def causes_of(capture: Capture) -> None:
    """Who waits for which lock, and the root causes."""
    snapshot = capture.snapshot
    find_causes(Scene(snapshot, find_locks(snapshot), (), snapshot.stacks))


def report_process(path: str) -> None:
    """The whole command."""
    command = [sys.executable, "-m", "stackscan", "report", path]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def report_without(path: str) -> None:
    """What the command does inside, without locks and families."""
    with (
        mock.patch("stackscan.analysis.analyse.find_locks", return_value=Locks()),
        mock.patch("stackscan.analysis.creation_sites.creation_sites", return_value=()),
        mock.patch("stackscan.analysis.creation_sites.families_of", side_effect=lambda _, found: [()] * len(found)),
    ):
        renderer("report", "text")(scan([path]), io.StringIO())


def seconds(work: Callable[[], object]) -> float:
    """How long some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
