"""How many hangs the prototype of root causes names: everyday ones, and published bugs.

    python benchmarks/causes.py [GOKER]

Runs each hang of fixtures/programs/hangs (needs Go) and says which cause comes first, with its culprit. GOKER is a
folder with dumps of the GoKer kernels (NAME.leak.txt.gz, NAME.plain.txt.gz) and their truth.json: a kernel counts when
one of its accepted causes is among the first three. Source: https://github.com/timmyyuan/gobench.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from stackscan.analysis.analyse import analyse
from stackscan.analysis.finding import Finding
from stackscan.formats.contents import read_source
from stackscan.knowledge.configuration import shipped

PROGRAMS = Path(__file__).resolve().parent.parent / "fixtures" / "programs"
#: Each hang, and the cause that is right.
HANGS = {
    "self-deadlock": "self-deadlock",
    "read-again": "rwmutex-recursive-read",
    "publish-locked": "blocked-while-holding-lock",
    "http-locked": "blocked-while-holding-lock",
    "wait-locked": "blocked-while-holding-lock",
    "once-in-once": "self-deadlock",
    "early-return": "channel-never-served",
    "own-results": "waitgroup-never-done",
    "missing-unlock": "missing-unlock",
}


def main() -> None:
    """Print the everyday hangs, then the published ones."""
    named = 0
    for name, cause in HANGS.items():
        (first, *_) = causes_of(dump_of(name)) or [None]
        named += first is not None and first.cause == cause
        print(f"{name:<16} {'-' if first is None else f'{first.cause} ({first.confidence}): {first.title}'}")
    print(f"everyday hangs: {named} of {len(HANGS)}")
    for folder in map(Path, sys.argv[1:]):
        for form in ("leak", "plain"):
            right = list(kernels(folder, form))
            print(f"GoKer, {form}: {sum(right)} of {len(right)}")


def causes_of(path: Path) -> list[Finding]:
    """The findings of a dump that name a root cause, the most severe first."""
    capture = read_source(str(path)).captures[0]
    return [finding for finding in analyse(capture, shipped()).stuck if finding.cause is not None]


def dump_of(name: str) -> Path:
    """The dump of one hang."""
    done = subprocess.run(["go", "run", "-trimpath", "./hangs", name], cwd=PROGRAMS, capture_output=True, check=True)
    path = Path(tempfile.mkdtemp(prefix="hang-")) / "dump"
    path.write_bytes(done.stdout)
    return path


def kernels(folder: Path, form: str) -> Iterator[bool]:
    """Whether each kernel is named; without leak marks only those whose fault is in locks."""
    for kernel in json.loads((folder / "truth.json").read_text()):
        if form == "leak" or kernel["type"] != "Communication Deadlock":
            found = causes_of(folder / f"{kernel['kernel']}.{form}.txt.gz")[:3]
            yield any(cause.cause in kernel["accept"] for cause in found)


if __name__ == "__main__":
    main()
