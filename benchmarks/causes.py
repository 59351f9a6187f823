"""How many hangs are named: everyday ones, and published bugs.

    python benchmarks/causes.py [GOKER]

Says of each everyday hang among the fixtures (fixtures/programs/hangs, Go 1.26) which cause comes first, with its
culprit. GOKER is a folder with dumps of the GoKer kernels (NAME.leak.txt.gz, NAME.plain.txt.gz) and their truth.json: a
kernel counts when one of its accepted causes is among the first three. Source: https://github.com/timmyyuan/gobench.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from stackscan.analysis.analyse import analyse
from stackscan.analysis.finding import Finding
from stackscan.formats.contents import read_source
from stackscan.knowledge.configuration import shipped

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "go"


def main() -> None:
    """Print the everyday hangs, then the published ones."""
    named = 0
    hangs = everyday()
    for path, cause in hangs.items():
        (first, *_) = causes_of(path) or [None]
        named += (None if first is None else first.cause) == cause
        print(f"{path.stem:<24} {'-' if first is None else f'{first.cause} ({first.confidence}): {first.title}'}")
    print(f"everyday hangs and healthy programs: {named} of {len(hangs)}")
    for folder in map(Path, sys.argv[1:]):
        for form in ("leak", "plain"):
            right = list(kernels(folder, form))
            print(f"GoKer, {form}: {sum(right)} of {len(right)}")


def causes_of(path: Path) -> list[Finding]:
    """The findings of a dump that name a root cause, the most severe first."""
    capture = read_source(str(path)).captures[0]
    return [finding for finding in analyse(capture, shipped()).stuck if finding.cause is not None]


def everyday() -> dict[Path, str | None]:
    """The dumps of everyday hangs with the cause that is right for each; None for healthy programs."""
    index = tomllib.loads((FIXTURES / "index.toml").read_text())
    named = {name: entry["note"] for name, entry in index.items() if name.startswith("go1.26/hang_")}
    return {
        FIXTURES / name: None if note.startswith("healthy") else note
        for name, note in named.items()
        if index[name]["format"] == "goroutine-text"
    }


def kernels(folder: Path, form: str) -> Iterator[bool]:
    """Whether each kernel is named; without leak marks only those whose fault is in locks."""
    for kernel in json.loads((folder / "truth.json").read_text()):
        if form == "leak" or kernel["type"] != "Communication Deadlock":
            found = causes_of(folder / f"{kernel['kernel']}.{form}.txt.gz")[:3]
            yield any(cause.cause in kernel["accept"] for cause in found)


if __name__ == "__main__":
    main()
