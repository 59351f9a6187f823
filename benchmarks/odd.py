"""Measures `stackscan report` on odd texts: many dumps in one log, equal ids, names and frames without end, damage.

    python benchmarks/odd.py [ROW ...] [--runs 3] [--before FOLDER]

Each text is made of real goroutines. The first two are measured beside the same goroutines in one dump; all, with
`--before`, beside the code in another folder, in turn. Seconds are of the processor, all threads and processes
together, the least of the runs; only ratios within one run mean anything.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import os
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
REAL: Final = ROOT / "fixtures" / "go" / "go1.27" / "bigserver.txt.gz"
_ID: Final = re.compile(r"^goroutine \d+")


def blocks() -> list[str]:
    """The goroutines of a real dump."""
    found = gzip.decompress(REAL.read_bytes()).decode().split("\n\n")
    return [block.rstrip("\n") + "\n" for block in found if block.startswith("goroutine ") and "created by " in block]


def numbered(count: int, numbers: Iterator[int], *, distinct: int = 40) -> Iterator[str]:
    """So many goroutines on the stacks of the first ``distinct`` ones, with these ids."""
    real = blocks()[:distinct]
    for n, number in zip(range(count), numbers, strict=False):
        yield _ID.sub(f"goroutine {number}", real[n % len(real)])


def small(count: int) -> Iterator[str]:
    """So many goroutines of one frame and a creator, in five states and places."""
    states = "select, 3 minutes", "chan receive", "IO wait", "sleep", "semacquire, 12 minutes"
    for n in range(count):
        yield (
            f"goroutine {n + 1} [{states[n % 5]}]:\nmain.work(0xc000{n:06x})\n\t/src/x.go:{10 + n % 5} +0x1d\n"
            "created by main.main\n\t/src/x.go:5 +0x2d\n"
        )


def small_dumps() -> str:
    """A log with 1,000 dumps of a small goroutine each."""
    return "\n".join(f"dump {n}\n{_ID.sub('goroutine 7', block)}" for n, block in enumerate(small(1_000)))


def small_in_one() -> str:
    """The same goroutines in one dump."""
    return "\n".join(small(1_000))


def dumps() -> str:
    """A log with 1,000 dumps of a real goroutine each."""
    return "\n".join(f"dump {n}\n{block}" for n, block in enumerate(numbered(1_000, itertools.repeat(7))))


def dumps_in_one() -> str:
    """The same goroutines in one dump."""
    return "\n".join(numbered(1_000, itertools.count(1)))


def equal() -> str:
    """2,000 goroutines with one id: each is a dump by itself."""
    return "\n".join(numbered(2_000, itertools.repeat(7)))


def equal_in_one() -> str:
    """The same goroutines in one dump."""
    return "\n".join(numbered(2_000, itertools.count(1)))


def names() -> str:
    """100,000 functions, none of them twice."""
    return "\n".join(
        f"goroutine {n + 1} [select]:\nmain.f{n}(0xc000012345)\n\t/src/f{n}.go:{n + 1} +0x1d\n" for n in range(100_000)
    )


def frames() -> str:
    """One goroutine of 100,000 frames."""
    deep = "".join(f"main.f{n}(0x{n:x})\n\t/src/f{n}.go:{n + 1} +0x1d\n" for n in range(100_000))
    return f"goroutine 1 [running]:\n{deep}main.main()\n\t/src/main.go:9 +0x1d\n"


def damaged() -> str:
    """A log line inside every third of 20,000 goroutines."""
    found = []
    for n, block in enumerate(numbered(20_000, itertools.count(1), distinct=1_000_000)):
        cut = block.replace("\n\t", f"\n2026/01/02 03:04:05 http: TLS handshake error {n}\n\t", 1)
        found.append(block if n % 3 else cut)
    return "\n".join(found)


#: Of each row the text, and what it is measured beside.
ROWS: Final[dict[str, tuple[Callable[[], str], Callable[[], str] | None]]] = {
    "1,000 small dumps in one log": (small_dumps, small_in_one),
    "1,000 dumps of real goroutines": (dumps, dumps_in_one),
    "2,000 goroutines with one id": (equal, equal_in_one),
    "100,000 distinct names": (names, None),
    "100,000 distinct frames in one goroutine": (frames, None),
    "damage in every third goroutine": (damaged, None),
}


def seconds(path: Path, code: Path, runs: int) -> float:
    """Processor seconds of a report by some code, the least of several runs."""
    command = [sys.executable, "-m", "stackscan", "report", "--no-source", str(path)]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    least = float("inf")
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=code, env=environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        least = min(least, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    return least


def main() -> None:
    """Print a row a text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help="words of the rows to measure (default: all)")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--before", type=Path, help="a folder with other code, measured in turn")
    chosen = parser.parse_args()
    print("| text | MB | seconds | × the same in one dump | before | times as fast |")
    print("| --- | --: | --: | --: | --: | --: |")
    with tempfile.TemporaryDirectory() as folder:
        for name, (text, anchor) in ROWS.items():
            if chosen.rows and not any(word in name for word in chosen.rows):
                continue
            path, beside = Path(folder) / "text.txt", Path(folder) / "beside.txt"
            path.write_text(text())
            now = seconds(path, ROOT, chosen.runs)
            ratio = ""
            if anchor is not None:
                beside.write_text(anchor())
                ratio = f"{now / seconds(beside, ROOT, chosen.runs):.1f}"
            former = seconds(path, chosen.before, chosen.runs) if chosen.before else None
            compared = "| |" if former is None else f"| {former:.2f} | {former / now:.1f} |"
            print(f"| {name} | {path.stat().st_size / 1e6:.2f} | {now:.2f} | {ratio} {compared}", flush=True)


if __name__ == "__main__":
    main()
