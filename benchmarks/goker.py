"""How many published bugs are named with their source at hand: the GoKer kernels that the Go toolchain brings along.

    python benchmarks/goker.py [NAME...]

Builds the kernels of $(go env GOROOT)/src/runtime/testdata/testgoroutineleakprofile/goker (Go 1.26 or later) in a
temporary folder, runs each until it leaks, takes the marks of the runtime off, and reports on it with and without the
source. A kernel counts when the first cause is one that its kind allows; the kinds are those of the kernels' README.
Nothing is kept. Source: T. Yuan et al., "GoBench: A Benchmark Suite of Real-World Go Concurrency Bugs", CGO 2021.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from stackscan.analysis.finding import Finding
from stackscan.golang.reader import Reader
from stackscan.golang.roots import Sources
from stackscan.knowledge.configuration import shipped
from stackscan.pipeline import Options, scan

#: What may be said of each kind. A second lock may be the one that was left locked, or a read again behind a writer.
ALLOWED = {
    "ab-ba": ("lock-order-cycle",),
    "double locking": ("self-deadlock", "missing-unlock", "rwmutex-recursive-read"),
    "missing unlock": ("missing-unlock", "self-deadlock"),
    "rwr": ("rwmutex-recursive-read", "lock-order-cycle", "blocked-while-holding-lock"),
    "channel & lock": ("blocked-while-holding-lock",),
    "channel & waitgroup": ("blocked-while-holding-lock", "waitgroup-never-done"),
    "misuse waitgroup": ("waitgroup-never-done",),
    "condition variable": ("cond-never-signalled",),
    "channel & condition variable": ("cond-never-signalled", "channel-never-served", "blocked-while-holding-lock"),
    "channel & context": ("channel-never-served",),
    "channel": ("channel-never-served",),
}
_RUNS = 12
_KIND = re.compile(r"\|\[.*\| \w+ \| (.+?) \|\s*$")
#: Where the README calls a kernel by another kind than its bug is, or by another number.
_OTHERWISE = {"cockroach18101": "channel & context", "moby25348": "misuse waitgroup"}


def main() -> int:
    """Print a line a kernel, then the sums."""
    root = subprocess.run(["go", "env", "GOROOT"], capture_output=True, text=True, check=True).stdout.strip()
    kernels = Path(root, "src/runtime/testdata/testgoroutineleakprofile/goker")
    kinds = dict(kinds_of((kernels / "README.md").read_text(encoding="utf-8")))
    sums = {"with source": [0, 0, 0], "without": [0, 0, 0]}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for path in kernels.glob("*.go"):
            shutil.copy(path, work)
        (work / "go.mod").write_text("module example.com/goker\n\ngo 1.26\n")
        environment = os.environ | {"GOEXPERIMENT": "goroutineleakprofile"}
        subprocess.run(["go", "build", "-o", "kernels", "."], cwd=work, env=environment, check=True)
        reader = Reader(Sources([work], environment={}, cwd=Path("/")))
        for name in sys.argv[1:] or names(work):
            dump = leaking(work, name)
            kind = kinds.get(name.lower(), "?")
            if dump is None:
                print(f"{name:<18} {kind:<28} did not leak")
                continue
            for how, found in (("with source", causes(dump, reader)), ("without", causes(dump, None))):
                right = bool(found) and found[0].cause in ALLOWED.get(kind, ())
                sums[how][0] += 1
                sums[how][1] += right
                sums[how][2] += right and found[0].confidence == "proved"
                said = f"{found[0].cause} ({found[0].confidence})" if found else "-"
                print(f"{name:<18} {kind:<28} {how:<12} {'right' if right else 'WRONG' if found else 'none':<6} {said}")
    for how, (every, right, proved) in sums.items():
        print(f"{how}: {right} of {every} right, {proved} of them proved")
    return 0


def names(folder: Path) -> list[str]:
    """The kernels, by the names they register under."""
    found = (re.search(r'register\("(\w+)"', path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.go")))
    return [match[1] for match in found if match]


def kinds_of(readme: str) -> Iterator[tuple[str, str]]:
    """Kernel and kind, both in small letters."""
    name = ""
    for line in readme.split("\n"):
        if heading := re.match(r"## (\w+)/(\d+)", line):
            name = (heading[1] + heading[2]).lower()
        elif (kind := _KIND.match(line)) and name:
            yield name, re.sub(r" (leak|deadlock)$", "", kind[1].lower().strip())
            name = ""
    yield from _OTHERWISE.items()


def leaking(folder: Path, name: str) -> Path | None:
    """The goroutines of a kernel that leaked, without the runtime's marks; None: it did not in some runs."""
    for _ in range(_RUNS):
        done = subprocess.run([folder / "kernels", name], capture_output=True, text=True, check=False, timeout=60)
        if "(leaked)" in done.stdout:
            path = folder / f"{name}.txt"
            path.write_text(done.stdout.replace(" (leaked)", ""), encoding="utf-8")
            return path
    return None


def causes(path: Path, reader: Reader | None) -> list[Finding]:
    """The findings that name a cause, the most severe first."""
    report = scan([str(path)], options=Options(shipped(), reader=reader))
    return [finding for finding in report.snapshots[0].findings if finding.cause is not None]


if __name__ == "__main__":
    raise SystemExit(main())
