"""The programs that are watched: those of fixtures/programs, and the kernels of GOROOT."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.holders.instrument import InstrumentError, build, go

_NAMES: Final = re.compile(r"; of \[(.*)\]")
_REGISTERED: Final = re.compile(r'^\tregister\("(\w+)"', re.MULTILINE)
#: Of Go's own test data: programs that leak goroutines, after hangs of real projects.
_GOKER: Final = "runtime/testdata/testgoroutineleakprofile/goker"
SECONDS: Final = 60
#: The programs of fixtures/programs and how they are run; None: once for each name that the program knows.
PROGRAMS: Final[dict[str, tuple[tuple[str, ...], ...] | None]] = {
    "hangs": None,
    "deadlock": ((),),
    "convoy": ((),),
    "bigserver": (("60",), ("300",)),
    "pool": (("-workers=12", "-stalled=5", "-locked=3"),),
    "stuck": None,
    "kernels": None,
    "busy": ((),),
}


@dataclass(frozen=True)
class Case:
    """One run of a program; ``roots`` are the folders with its source."""

    name: str
    command: tuple[str, ...]
    roots: list[Path] = field(default_factory=list)

    def run(self) -> str:
        """What it printed, of one that was ended for time what came till then."""
        try:
            done = subprocess.run(self.command, capture_output=True, timeout=SECONDS, check=False, cwd="/")
        except subprocess.TimeoutExpired as error:
            return (error.stdout or b"").decode("utf-8", "replace")
        printed = done.stdout if b"=== end ===" in done.stdout else done.stderr
        return printed.decode("utf-8", "replace")


def program_cases(name: str, programs: Path, work: Path, overlay: Path) -> Iterator[Case]:
    """The runs of a program of fixtures/programs."""
    program = build(f"./{name}", programs, work / name, overlay)
    arguments = PROGRAMS[name]
    if arguments is None:
        told = subprocess.run([program, "?"], capture_output=True, text=True, check=False).stderr
        found = _NAMES.search(told)
        if found is None:
            raise InstrumentError(f"{name} does not say what it knows: {told}")
        arguments = tuple((each,) for each in found[1].split())
    for each in arguments:
        yield Case(" ".join((name, *each)), (str(program), *each), [programs])


def goker_cases(_: Path, work: Path, overlay: Path) -> Iterator[Case]:
    """The kernels of GOROOT, each after a hang of a real project. They are copied, built and read elsewhere."""
    source = Path(go(["env", "GOROOT"], work).strip()) / "src" / _GOKER
    copy = work / "goker-source" / "goker"
    if not copy.exists():
        shutil.copytree(source, copy)
    (copy / "go.mod").write_text("module goker\n\ngo 1.26\n", "utf-8")
    program = build(".", copy, work / "goker", overlay, {"GOEXPERIMENT": "goroutineleakprofile"})
    for path in sorted(copy.glob("*.go")):
        for name in _REGISTERED.findall(path.read_text("utf-8")):
            yield Case(f"goker {name}", (str(program), name), [copy])


def suites() -> dict[str, Callable[[Path, Path, Path], Iterator[Case]]]:
    """By name: what gives the runs, from the folders of programs and work, and the overlay."""
    return {"goker": goker_cases, **{name: partial(program_cases, name) for name in PROGRAMS}}
