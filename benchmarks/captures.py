"""Measures runs over many captures: captures a second, processor time, and memory, of this code and of another.

    python benchmarks/captures.py [COMMAND ...] [--few 30] [--many 300] [--before FOLDER] [--keep FOLDER]

The captures are distinct kubo bundles, made from those in fixtures/kubo: other goroutine ids, other counts (some
goroutines are left out, some occur again under new ids), in the text and in the profile, and other sizes of the heap
profile's place. Each command (`export`, `report`, `check`) reads the few, then the many: by the code in this
repository and, with `--before`, by the code in another folder, in turn. Peak is the memory of the command and all its
processes together at the same time (proportional where pages are shared; Linux), and must not grow with the number of
captures; what programs have in common is kept, so it grows until all of the real bundles were seen (42). Only ratios
within one run mean anything: other work on the machine slows all rows.
"""

from __future__ import annotations

import argparse
import gzip
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

ROOT: Final = Path(__file__).resolve().parent.parent
REAL: Final = sorted((ROOT / "fixtures" / "kubo").glob("*/ipfs-profile-*.zip"))
COMMANDS: Final = ("export", "report", "check")
_ID: Final = re.compile(rb"(?m)(?<=^goroutine )\d+|(?<= in goroutine )\d+(?=$)")
_LEFT_OUT, _AGAIN = 0.03, 0.03  # parts of the goroutines


def make(folder: Path, count: int) -> list[Path]:
    """So many distinct bundles."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number in range(count):
        path = folder / f"ipfs-profile-{number:04}.zip"
        made.append(path)
        if not path.exists():
            _bundle(REAL[number % len(REAL)], path, number)
    return made


def _bundle(real: Path, path: Path, number: int) -> None:
    """One bundle: the members of a real one, those with goroutines changed."""
    chance = random.Random(number)  # noqa: S311 - the same bundles every time
    with zipfile.ZipFile(real) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            data = old.read(member)
            if member.filename.endswith("goroutines.stacks"):
                data = _text(data, chance)
            elif member.filename.endswith("goroutines.pprof"):
                data = _profile(data, chance)
            new.writestr(zipfile.ZipInfo(member.filename, member.date_time), data, zipfile.ZIP_DEFLATED)


def _text(text: bytes, chance: random.Random) -> bytes:
    """A dump with other ids and counts: what one goroutine started keeps its starter."""
    shift = chance.randrange(1, 1 << 20)
    blocks = []
    for block in text.rstrip(b"\n").split(b"\n\n"):
        drawn = chance.random()
        if blocks and drawn < _LEFT_OUT:
            continue
        blocks.append(_ID.sub(lambda found: b"%d" % (int(found[0]) + shift), block))
        if drawn > 1 - _AGAIN:
            header, _, body = blocks[-1].partition(b" [")
            blocks.append(b"goroutine %d [%s" % (int(header.split()[1]) + (1 << 21), body))
    return b"\n\n".join(blocks) + b"\n"


def _profile(packed: bytes, chance: random.Random) -> bytes:
    """A goroutine profile with other counts."""
    from stackscan.formats.goroutine_pprof import schema

    profile = cast("Any", schema.new_profile())
    profile.ParseFromString(gzip.decompress(packed))
    for sample in profile.sample:
        sample.value[0] = max(1, sample.value[0] + chance.randrange(-2, 3))
    return gzip.compress(profile.SerializeToString(deterministic=True), mtime=0)


@dataclass(frozen=True)
class Run:
    """One run of a command: seconds by the clock, of all processors, and its peak memory in MiB."""

    seconds: float
    processor_seconds: float
    peak_mib: float


def run(code: Path, command: str, captures: list[Path], scratch: Path, more: list[str]) -> Run:
    """Run a command of some code over captures, with some more options."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    options = {
        "export": ["export", "--output", str(scratch / "tables")],
        "report": ["report", "--format", "json", "--no-source", "--output", str(scratch / "report.json")],
        "check": ["check", "--format", "json", "--no-source"],
    }[command] + more
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    with (scratch / "out").open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "stackscan", *options, *map(str, captures)],
            stdout=out,
            cwd=scratch,
            env={"PYTHONPATH": str(code), "PATH": "/usr/bin:/bin", "HOME": str(scratch.parent)},
        )
        peak = _Peak(process)
        code_of_exit = process.wait()
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if code_of_exit not in (0, 1):
        sys.exit(f"{command} ended with {code_of_exit}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(seconds, used, peak.mib)


class _Peak(threading.Thread):
    """Looks at the memory of a process and of all below it, until it ends."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        super().__init__(daemon=True)
        self.mib = 0.0
        self._process = process
        self.start()

    def run(self) -> None:
        """Look every 50 ms."""
        while self._process.poll() is None:
            self.mib = max(self.mib, sum(map(_mib, _tree(self._process.pid))))
            time.sleep(0.05)


def _tree(pid: int) -> Iterator[int]:
    yield pid
    try:
        found = [child for task in Path(f"/proc/{pid}/task").iterdir() for child in _children(task)]
    except OSError:
        return  # it has ended
    for child in found:
        yield from _tree(child)


def _children(task: Path) -> list[int]:
    try:
        return [int(child) for child in (task / "children").read_text().split()]
    except OSError:
        return []  # it has ended


def _mib(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0  # it has ended
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("command", nargs="*", choices=COMMANDS, help="default: all")
    parser.add_argument("--few", type=int, default=30)
    parser.add_argument("--many", type=int, default=300)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="processes of the code here")
    parser.add_argument("--before", type=Path, help="a folder with other code, measured in turn")
    parser.add_argument("--keep", type=Path, help="make the captures here, and leave them")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        captures = make(given.keep or Path(made) / "bundles", given.many)
        print(f"{'':8} {'code':7} {'bundles':>7} {'a second':>9} {'CPU ms each':>12} {'peak MiB':>9}")
        for command in given.command or COMMANDS:
            _compare(command, captures, given, Path(made) / "scratch")


def _compare(command: str, captures: list[Path], given: argparse.Namespace, scratch: Path) -> None:
    """The rows of one command, and its ratios."""
    few, before = given.few, given.before
    rows: dict[tuple[str, int], Run] = {}
    for size in (few, len(captures)):
        for name, code in (("before", before), ("now", ROOT)):
            if code is None:
                continue
            more = ["--jobs", str(given.jobs)] if code is ROOT else []
            one = rows[name, size] = run(code, command, captures[:size], scratch, more)
            each = 1000 * one.processor_seconds / size
            print(
                f"{command:8} {name:7} {size:7} {size / one.seconds:9.1f} {each:12.0f} {one.peak_mib:9.0f}", flush=True
            )
    now = rows["now", len(captures)]
    memory = now.peak_mib / rows["now", few].peak_mib
    faster = "" if before is None else f"{rows['before', len(captures)].seconds / now.seconds:.1f} x as fast, "
    print(f"{command:8} {faster}peak of the many: {memory:.2f} x that of the few")


if __name__ == "__main__":
    main()
