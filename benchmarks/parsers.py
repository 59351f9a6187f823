"""Times stackscan beside the two Go parsers of goroutine dumps, on the same files in the same run.

    python benchmarks/parsers.py [FILE ...] [--rounds N] [--runs N]

Needs Go (the other parsers are built from benchmarks/goparsers). Without FILE it makes two dumps with the fixture
program `bigserver`. Each parser runs in a process of its own, in turn, round after round, so that a noisy machine
disturbs all alike; ratios are of medians. Seconds are of parsing alone, with the file in memory. stackscan's caches of
frames are emptied before every run; "again" keeps them, as when several captures of one program are read. The last line
is of whole processes: `stackscan report` and `pp`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GO_MODULE = ROOT / "benchmarks" / "goparsers"


@dataclass
class Timing:
    """What one parser did with one file."""

    goroutines: int = 0
    seconds: list[float] = field(default_factory=list)
    peak_bytes: int = 0
    base_bytes: int = 0

    @property
    def median(self) -> float:
        """Seconds of the middle run."""
        return statistics.median(self.seconds)


# -- the worker: stackscan in a process of its own --------------------------------------------------------------------


def worker(path: str, runs: int, *, warm: bool) -> None:
    """Time stackscan on one file and print a JSON line like the Go program's."""
    import polars as pl  # noqa: F401  # part of the start, as are the modules that the first large text loads

    from stackscan.formats import goroutine_text
    from stackscan.formats.goroutine_text import known_frames

    first = (f"goroutine {n} [select]:\nmain.main()\n\t/x.go:1 +0x1\n\n" for n in range(30_000))
    goroutine_text.read("".join(first).encode())
    base = peak_bytes(resource.RUSAGE_SELF)
    data = Path(path).read_bytes()
    seconds = []
    for _ in range(runs):
        if not warm:
            known_frames.forget()
        start = time.perf_counter()
        snapshots = goroutine_text.read(data)
        seconds.append(time.perf_counter() - start)
    found = sum(len(snapshot.goroutines) for snapshot in snapshots)
    print(json.dumps({"goroutines": found, "seconds": seconds, "base": base}))


def peak_bytes(who: int) -> int:
    """The largest resident size so far, in bytes."""
    return resource.getrusage(who).ru_maxrss * 1024


# -- running all of them ----------------------------------------------------------------------------------------------


def measure(command: Sequence[str], timing: Timing) -> None:
    """Run one parser once (a process of several runs) and add what it says."""
    out, peak, _ = run(command)
    said = json.loads(out)
    timing.goroutines = said["goroutines"]
    timing.seconds += said["seconds"][1:]  # the first run pays for fresh memory
    timing.peak_bytes = max(timing.peak_bytes, peak)
    timing.base_bytes = said.get("base", 0)


def run(command: Sequence[str]) -> tuple[str, int, float]:
    """Run a process: its output, its peak resident bytes, its wall seconds."""
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, cwd=ROOT, env=_environment())
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{command[0]} failed with {process.returncode}")
        out.seek(0)
        return out.read().decode(errors="replace"), usage.ru_maxrss * 1024, wall


def _environment() -> dict[str, str]:
    """As an installed program runs: with its modules compiled once."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def build(folder: Path) -> tuple[Path, Path]:
    """Build the Go side: the parsers' timer and panicparse's command."""
    timer, pp = folder / "goparsers", folder / "pp"
    subprocess.run(["go", "build", "-o", timer, "."], cwd=GO_MODULE, check=True)
    subprocess.run(["go", "build", "-o", pp, "github.com/maruel/panicparse/v2/cmd/pp"], cwd=GO_MODULE, check=True)
    return timer, pp


def make_dumps(folder: Path) -> list[Path]:
    """Two dumps of the fixture program: about 14 and 60 MB."""
    made = []
    for goroutines in (19_000, 80_000):
        path = folder / f"bigserver-{goroutines}.txt"
        with path.open("wb") as out:
            command = ["go", "run", "./bigserver", str(goroutines)]
            subprocess.run(command, cwd=ROOT / "fixtures" / "programs", stdout=out, check=True)
        made.append(path)
    return made


def unpacked(path: Path, folder: Path) -> Path:
    """The file itself, or its content without gzip: all parsers get the same bytes."""
    if path.suffix != ".gz":
        return path.resolve()
    plain = folder / path.stem
    # In pieces: a child's peak memory starts at what its parent held when it was started.
    with gzip.open(path) as packed, plain.open("wb") as out:
        shutil.copyfileobj(packed, out)
    return plain


def header_lines(path: Path) -> int:
    """Goroutines that the file announces: what a parser returns less, it lost."""
    with path.open("rb") as lines:
        return sum(line.startswith(b"goroutine ") and line.endswith(b":\n") for line in lines)


def compare(path: Path, timer: Path, *, rounds: int, runs: int) -> None:
    """One table of parsers for one file."""
    timings = {name: Timing() for name in ("stackscan", "stackscan again", "gostackparse", "panicparse")}
    ours = [sys.executable, __file__, "--worker", str(path), "--runs", str(runs)]
    for _ in range(rounds):
        measure(ours, timings["stackscan"])
        measure([*ours, "--warm"], timings["stackscan again"])
        measure([str(timer), "gostackparse", str(path), str(runs)], timings["gostackparse"])
    measure([str(timer), "panicparse", str(path), "3"], timings["panicparse"])
    size = path.stat().st_size
    print(f"\n{path.name}: {size / 1e6:.1f} MB")
    print(f"{'parser':16}{'goroutines':>11}{'lost':>7}{'ms':>9}{'MB/s':>8}{'peak MB':>9}{'× file':>8}{'speed':>8}")
    headers = header_lines(path)
    reference = timings["gostackparse"].median
    for name, timing in timings.items():
        peak = timing.peak_bytes
        print(
            f"{name:16}{timing.goroutines:>11,}{headers - timing.goroutines:>7,}{timing.median * 1e3:>9.1f}"
            f"{size / 1e6 / timing.median:>8.0f}{peak / 1e6:>9.0f}{peak / size:>8.1f}{reference / timing.median:>7.2f}×"
        )
    base = timings["stackscan"].base_bytes
    own = (timings["stackscan"].peak_bytes - base) / size
    print(f"stackscan without what Python and its libraries take ({base / 1e6:.0f} MB): {own:.1f} × the file")


def whole_processes(path: Path, pp: Path, rounds: int) -> None:
    """`stackscan report` and `pp`, from start to end."""
    ours: list[float] = []
    theirs: list[float] = []
    run([sys.executable, "-m", "stackscan", "report", str(path)])  # compiles
    for _ in range(rounds):
        ours.append(run([sys.executable, "-m", "stackscan", "report", str(path)])[2])
        theirs.append(run([str(pp), str(path)])[2])
    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"\nwhole process on {path.name}: stackscan report {a:.2f} s, pp {b:.2f} s, ratio {a / b:.2f}")


def main() -> None:
    """Parse the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="a full-text dump, also .gz")
    parser.add_argument("--rounds", type=int, default=3, help="times that each parser gets its turn [3]")
    parser.add_argument("--runs", type=int, default=6, help="runs a turn, the first not counted [6]")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--warm", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        worker(args.worker, args.runs, warm=args.warm)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        timer, pp = build(folder)
        files = [unpacked(path, folder) for path in args.files] or make_dumps(folder)
        for path in files:
            compare(path, timer, rounds=args.rounds, runs=args.runs)
        for path in files[:1]:
            whole_processes(path, pp, args.rounds)


if __name__ == "__main__":
    main()
