"""Measures stackscan on the worst texts there are: is everything linear, in time and in memory?

    python benchmarks/worst.py [CASE ...] [--full] [--keep FOLDER]

Each case is made in two sizes, from real text (goroutines of a real dump, with what must differ changed), and read by
a process of its own: the whole `stackscan report --format json`, so that memory is what a user sees. What is linear
shows the same MB/s in both sizes. MB/s are of processor seconds, all threads together, without what a report on next
to nothing takes: other work on the machine disturbs them less than the clock. `parser` is the same of reading the text
alone. Peak is the process's memory. `--full` adds the sizes of a gigabyte and of a million goroutines (0.2 GB of one
frame each, 0.4 GB of up to four). `plain`, `labels27` and `labels26` are one dump without labels and with labels that
are all distinct, as Go 1.27 and as Go 1.26 spell them.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
REAL: Final = ROOT / "fixtures" / "go" / "go1.27" / "bigserver.txt.gz"


def real_goroutines() -> list[str]:
    """The goroutines of a real dump, with a frame and a creator each."""
    found = [
        block for block in gzip.decompress(REAL.read_bytes()).decode().split("\n\n") if block.startswith("goroutine ")
    ]
    return [block.rstrip("\n") + "\n" for block in found if "created by " in block]


def many(count: int, frames: int = 1) -> Iterator[str]:
    """A million goroutines of one frame: the top frame and the creator of real ones."""
    blocks = []
    for block in real_goroutines():
        lines = block.split("\n")
        at = next(k for k, line in enumerate(lines) if line.startswith("created by "))
        top = lines[1 : min(1 + 2 * frames, at)]
        blocks.append(("\n".join([*top, *lines[at : at + 2]]), lines[0].partition(" [")[2]))
    for n in range(count):
        body, state = blocks[n % len(blocks)]
        yield f"goroutine {n + 1} [{state}\n{body}\n\n"


def million(count: int) -> Iterator[str]:
    """The same with up to four frames."""
    yield from many(count, frames=4)


def plain(count: int) -> Iterator[str]:
    """Real goroutines as they are: what the two with labels are measured against."""
    yield from labelled(count, "[{0}]:")


def labels27(count: int) -> Iterator[str]:
    """Every label distinct, behind the bracket."""
    yield from labelled(count, "[{0}] {{job: {1}, tenant: t{2}}}:")


def labels26(count: int) -> Iterator[str]:
    """Every label distinct, inside the bracket."""
    yield from labelled(count, '[{0} labels:{{"job": "{1}", "tenant": "t{2}"}}]:')


def labelled(count: int, form: str) -> Iterator[str]:
    """Real goroutines whose headers get labels: a form of the status, the goroutine's number and its tenant's."""
    blocks = real_goroutines()
    for n in range(count):
        header, _, body = blocks[n % len(blocks)].partition("\n")
        status = header.partition(" [")[2].partition("]")[0].partition(" labels:")[0]
        yield f"goroutine {n + 1} {form.format(status, n, n % 97)}\n{body}\n"


def stacks(count: int) -> Iterator[str]:
    """Every stack distinct: a line number that no other goroutine has, in one frame of ten."""
    blocks = real_goroutines()
    for n in range(count):
        header, _, body = blocks[n % len(blocks)].partition("\n")
        body = re.sub(r"\.go:\d+", f".go:{n + 10}", body, count=1)
        yield f"goroutine {n + 1} [{header.partition(' [')[2]}\n{body}\n"


def names(count: int) -> Iterator[str]:
    """Every function distinct: no frame is ever seen again."""
    for n in range(count):
        yield f"goroutine {n + 1} [select]:\nmain.f{n}(0xc000012345)\n\t/src/f{n}.go:{n + 1} +0x1d\n\n"


def frames(count: int) -> Iterator[str]:
    """One goroutine of so many frames: a recursion that a writer without Go's limit of 100 printed."""
    yield "goroutine 1 [running]:\n"
    for n in range(count):
        yield f"main.descend(0x{n:x})\n\t/src/main.go:{10 + n % 7} +0x1d\n"
    yield "main.main()\n\t/src/main.go:9 +0x1d\n\ngoroutine 2 [select]:\nmain.wait()\n\t/src/main.go:3 +0x1d\n"


def line(size: int) -> Iterator[str]:
    """One line of so many bytes between two goroutines: a panic message, a log line without end."""
    yield "goroutine 1 [select]:\nmain.wait()\n\t/src/main.go:3 +0x1d\n\n"
    for _ in range(size >> 20):
        yield "x" * (1 << 20)
    yield "\ngoroutine 2 [select]:\nmain.wait()\n\t/src/main.go:3 +0x1d\n"


def one_line(size: int) -> Iterator[str]:
    """Nothing but one line of so many bytes, behind a header."""
    yield "goroutine 1 [select]:\nmain.wait("
    for _ in range(size >> 20):
        yield "0" * (1 << 20)


def damaged(count: int) -> Iterator[str]:
    """A log line inside every third goroutine: the careful reader's work."""
    blocks = real_goroutines()
    for n in range(count):
        header, _, body = blocks[n % len(blocks)].partition("\n")
        if n % 3 == 0:
            body = body.replace("\n\t", "\n2026/01/02 03:04:05 http: TLS handshake error\n\t", 1)
        yield f"goroutine {n + 1} [{header.partition(' [')[2]}\n{body}\n"


def headers(count: int) -> Iterator[str]:
    """Headers with nothing below them."""
    for n in range(count):
        yield f"goroutine {n + 1} [select]:\n"


def text(count: int) -> Iterator[str]:
    """Hardly a goroutine, and much text: a log of a day."""
    yield "goroutine 1 [select]:\nmain.wait()\n\t/src/main.go:3 +0x1d\n\n"
    for n in range(count):
        yield f"2026/01/02 03:04:05 http: TLS handshake error from 10.0.0.1:{n}: EOF\n"


def wrapped(count: int) -> Iterator[str]:
    """The same goroutines in a container's JSON log."""
    for block in many(count):
        for printed in block.split("\n")[:-1]:
            yield json.dumps({"log": printed + "\n", "stream": "stderr", "time": "2026-01-02T03:04:05.6Z"}) + "\n"


#: Case: how to make it, in a small size and a large one (and in the size of --full).
CASES: Final[dict[str, tuple[Callable[[int], Iterator[str]], int, int, int]]] = {
    "many": (many, 30_000, 120_000, 1_000_000),
    "million": (million, 30_000, 120_000, 1_000_000),
    "plain": (plain, 15_000, 60_000, 60_000),
    "labels27": (labels27, 15_000, 60_000, 60_000),
    "labels26": (labels26, 15_000, 60_000, 60_000),
    "stacks": (stacks, 5_000, 20_000, 100_000),
    "names": (names, 10_000, 40_000, 200_000),
    "frames": (frames, 25_000, 100_000, 1_000_000),
    "line": (line, 16 << 20, 64 << 20, 1 << 30),
    "one_line": (one_line, 16 << 20, 64 << 20, 1 << 30),
    "damaged": (damaged, 5_000, 20_000, 100_000),
    "headers": (headers, 10_000, 40_000, 400_000),
    "text": (text, 100_000, 400_000, 4_000_000),
    "wrapped": (wrapped, 5_000, 20_000, 200_000),
}


def measure(path: Path) -> None:
    """Report on a file in a process of its own, and print a line of the table."""
    size = path.stat().st_size
    command = [sys.executable, "-m", "stackscan", "report", str(path), "--format", "json", "--top", "1"]
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = json.load(out)["snapshots"] if process.returncode == 0 else []
    goroutines = sum(snapshot["goroutines"] for snapshot in said)
    distinct = sum(snapshot["distinct_stacks"] for snapshot in said)
    problems = sum(len(snapshot["problems"]) for snapshot in said)
    cpu = usage.ru_utime + usage.ru_stime
    worker = [sys.executable, __file__, "--parse", str(path)]
    alone = float(subprocess.run(worker, stdout=subprocess.PIPE, cwd=ROOT, check=True).stdout)
    net = max(cpu - STARTUP, 0.05)
    print(
        f"{path.stem:20}{size / 1e6:>9.1f}{goroutines:>11,}{distinct:>9,}{problems:>9,}{seconds:>8.2f}{cpu:>8.2f}"
        f"{size / 1e6 / net:>8.1f}{alone:>8.1f}{usage.ru_maxrss * 1024 / 1e6:>9.0f}"
    )


def make(folder: Path, case: str, size: int) -> Path:
    """Write a case in one size."""
    path = folder / f"{case}-{size}.txt"
    if not path.exists():
        with path.open("w", encoding="utf-8") as out:
            out.writelines(CASES[case][0](size))
    return path


def parse(path: Path) -> None:
    """Print the MB a processor second that the text reader alone takes: the best of some runs, caches kept."""
    from stackscan.formats import goroutine_text

    data = path.read_bytes()
    best = float("inf")
    for _ in range(5 if len(data) < 100e6 else 2):
        start = time.process_time()
        goroutine_text.read(data)
        best = min(best, time.process_time() - start)
    print(len(data) / 1e6 / best)


def startup() -> float:
    """Processor seconds that a report on next to nothing takes."""
    with tempfile.TemporaryDirectory() as name:
        path = make(Path(name), "headers", 2)
        command = [sys.executable, "-m", "stackscan", "report", str(path), "--format", "json"]
        best = []
        for _ in range(3):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT)
            usage = os.wait4(process.pid, 0)[2]
            process.returncode = 0
            best.append(usage.ru_utime + usage.ru_stime)
    return min(best)


STARTUP = 0.0


def main() -> None:
    """Parse the command line and print the table."""
    global STARTUP  # noqa: PLW0603  # a script
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"some of: {' '.join(CASES)}")
    parser.add_argument("--full", action="store_true", help="also the largest size, up to a gigabyte a case")
    parser.add_argument("--parse", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--keep", type=Path, help="make the files there and keep them")
    args = parser.parse_args()
    if unknown := set(args.cases) - set(CASES):
        parser.error(f"no such case: {' '.join(sorted(unknown))}")
    if args.parse:
        parse(args.parse)
        return
    folder = args.keep or Path(tempfile.mkdtemp(prefix="stackscan-worst-"))
    folder.mkdir(parents=True, exist_ok=True)
    STARTUP = startup()
    print(f"start-up {STARTUP:.2f} CPU s, taken off before MB/s is told")
    names = ("goroutines", "stacks", "problems", "s", "CPU s", "MB/s", "parser", "peak MB")
    widths = (11, 9, 9, 8, 8, 8, 8, 9)
    print(f"{'case-size':20}{'MB':>9}" + "".join(f"{name:>{width}}" for name, width in zip(names, widths, strict=True)))
    try:
        for case in args.cases or CASES:
            for size in sorted(set(CASES[case][1 : 4 if args.full else 3])):
                path = make(folder, case, size)
                measure(path)
                if not args.keep:
                    path.unlink()
    finally:
        if not args.keep:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
