"""Measures a process that scans for long: memory and open files as scans add up, and threads that scan at once.

    .venv/bin/python benchmarks/lasting.py [--scans 2000] [--threads 8]

The inputs, in turn: full texts, counts and protobuf, a support bundle, texts that are cut or have other text in their
middle, and bytes that are no dump. Memory is the process's resident memory after a collection of garbage. Then as many
threads as asked for share 200 scans; each answer must equal that of one thread.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import os
import resource
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import stackscan
from stackscan.errors import StackscanError
from stackscan.report import as_json

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
AT_ONCE = 200


def inputs(folder: Path) -> Iterator[str]:
    """The paths of the inputs."""
    go = FIXTURES / "go" / "go1.27"
    texts = [*sorted(go.glob("*.txt"))[:12], *sorted(go.glob("*.pb.gz"))[:4]]
    yield from map(str, texts)
    yield str(min((FIXTURES / "kubo" / "v0.40.1-mixed").glob("ipfs-profile-*.zip")))
    for number, path in enumerate(texts):
        data = path.read_bytes()
        middle = len(data) // 2
        damaged = folder / f"{number}-{path.name}"
        damaged.write_bytes(data[:middle] if number % 2 else data[:middle] + b"\n\xff\x00 {]\n" * 5 + data[middle:])
        yield str(damaged)
    (folder / "noise").write_bytes(bytes(range(256)) * 100)
    yield str(folder / "noise")


def answer(path: str) -> str:
    """What a scan says, as JSON; for one that fails, the error."""
    try:
        report = stackscan.scan(path)
    except StackscanError as error:
        return str(error)
    return json.dumps(as_json(report))


def memory_mb() -> float:
    """The resident memory of this process."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def open_files() -> int:
    """How many files this process has open."""
    return len(os.listdir("/proc/self/fd")) - 1  # noqa: PTH208 - but the listing's


def main() -> None:
    """Scan in turn, then at once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=int, default=2_000)
    parser.add_argument("--threads", type=int, default=8)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = list(inputs(Path(folder)))
        first: dict[str, str] = {}
        differ = 0
        print("| scans | MB | open files |\n| --: | --: | --: |")
        for number, path in enumerate(itertools.islice(itertools.cycle(paths), chosen.scans), 1):
            found = answer(path)
            differ += first.setdefault(path, found) != found
            if number in {len(paths), chosen.scans} or number * 10 % chosen.scans == 0:
                print(f"| {number:,} | {memory_mb():.1f} | {open_files()} |", flush=True)
        with ThreadPoolExecutor(chosen.threads) as threads:
            shared = list(itertools.islice(itertools.cycle(paths), AT_ONCE))
            unequal = sum(first[path] != found for path, found in zip(shared, threads.map(answer, shared), strict=True))
        print(f"\n{len(paths)} inputs, each scanned again and again: {differ} answers differ")
        print(f"{chosen.threads} threads, {AT_ONCE} scans: {unequal} answers differ; {memory_mb():.1f} MB", end="")
        print(f", {open_files()} open files")
    sys.exit(bool(differ or unequal))


if __name__ == "__main__":
    main()
