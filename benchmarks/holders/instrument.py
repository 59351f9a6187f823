"""The overlay for ``go build``: mutexes that report who takes them, made from the toolchain's own sources."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TABLE = Path(__file__).resolve().parent / "overlay" / "holders.go.txt"
#: The Go release that the edits are written for.
RELEASE = "go1.26"


class InstrumentError(RuntimeError):
    """The toolchain's sources are not those that the edits are written for, or a program could not be built."""


@dataclass(frozen=True)
class Edit:
    """Text that is replaced in a file of GOROOT/src, and how often it must be there."""

    old: str
    new: str
    times: int = 1


def _taken(name: str, writing: str) -> str:
    return f"holdersTaken(unsafe.Pointer({name}), {writing})"


def _given(name: str, writing: str) -> str:
    return f"holdersGiven(unsafe.Pointer({name}), {writing})"


_HOOKS = """
// Of package runtime; see benchmarks/holders.
func holdersTaken(p unsafe.Pointer, writing bool)
func holdersGiven(p unsafe.Pointer, writing bool)
func holdersParked(p unsafe.Pointer, back bool)

// lockOf is what a Locker points to.
func lockOf(l *Locker) unsafe.Pointer { return (*[2]unsafe.Pointer)(unsafe.Pointer(l))[1] }
"""

_END_OF_READ = """\tif race.Enabled {
\t\trace.Enable()
\t\trace.Acquire(unsafe.Pointer(&rw.readerSem))
\t}
}
"""
_END_OF_WRITE = """\tif race.Enabled {
\t\trace.Enable()
\t\trace.Acquire(unsafe.Pointer(&rw.readerSem))
\t\trace.Acquire(unsafe.Pointer(&rw.writerSem))
\t}
}
"""
_END_OF_TRY = _END_OF_WRITE.replace("\t}\n}\n", "\t}\n\treturn true\n}\n")
_END_OF_TRY_READ = """\t\t\t\trace.Acquire(unsafe.Pointer(&rw.readerSem))
\t\t\t}
\t\t\treturn true
"""


def _before(end: str, call: str, last: str = "}\n") -> str:
    return end.removesuffix(last) + call + "\n" + last


#: By file below GOROOT/src. What is taken is noted after, what is given back before: who is between the two is moving.
EDITS: dict[str, tuple[Edit, ...]] = {
    "sync/mutex.go": (
        Edit('import (\n\tisync "internal/sync"\n)\n', 'import (\n\tisync "internal/sync"\n\t"unsafe"\n)\n' + _HOOKS),
        Edit("\tm.mu.Lock()\n", f"\tm.mu.Lock()\n\t{_taken('m', 'true')}\n"),
        Edit(
            "\treturn m.mu.TryLock()\n",
            f"\tif !m.mu.TryLock() {{\n\t\treturn false\n\t}}\n\t{_taken('m', 'true')}\n\treturn true\n",
        ),
        Edit("\tm.mu.Unlock()\n", f"\t{_given('m', 'true')}\n\tm.mu.Unlock()\n"),
    ),
    "sync/rwmutex.go": (
        Edit("rw.w.Lock()", "rw.w.mu.Lock()"),
        Edit("rw.w.TryLock()", "rw.w.mu.TryLock()"),
        Edit("rw.w.Unlock()", "rw.w.mu.Unlock()", 2),
        Edit(_END_OF_READ, _before(_END_OF_READ, "\t" + _taken("rw", "false"))),
        Edit(_END_OF_WRITE, _before(_END_OF_WRITE, "\t" + _taken("rw", "true"))),
        Edit(_END_OF_TRY, _before(_END_OF_TRY, "\t" + _taken("rw", "true"), "\treturn true\n}\n")),
        Edit(_END_OF_TRY_READ, _before(_END_OF_TRY_READ, "\t\t\t" + _taken("rw", "false"), "\t\t\treturn true\n")),
        Edit(
            "func (rw *RWMutex) RUnlock() {\n",
            f"func (rw *RWMutex) RUnlock() {{\n\t{_given('rw', 'false')}\n",
        ),
        Edit("func (rw *RWMutex) Unlock() {\n", f"func (rw *RWMutex) Unlock() {{\n\t{_given('rw', 'true')}\n"),
    ),
    "sync/cond.go": (
        Edit(
            "\tt := runtime_notifyListAdd(&c.notify)\n",
            "\tt := runtime_notifyListAdd(&c.notify)\n\tholdersParked(lockOf(&c.L), false)\n",
        ),
        Edit("\tc.L.Lock()\n}\n", "\tc.L.Lock()\n\tholdersParked(lockOf(&c.L), true)\n}\n"),
    ),
    "runtime/traceback.go": (
        Edit(
            "func tracebackothers(me *g) {\n\ttracebacksomeothers(me, func(*g) bool { return true })\n}\n",
            "func tracebackothers(me *g) {\n\ttracebacksomeothers(me, func(*g) bool { return true })\n"
            "\tholdersPrint()\n}\n",
        ),
    ),
}


def edited(text: str, edits: Sequence[Edit], name: str) -> str:
    """The text with all edits. Raises InstrumentError where one does not find what it replaces."""
    for edit in edits:
        if text.count(edit.old) != edit.times:
            raise InstrumentError(f"{name}: {edit.old.strip()!r} is there {text.count(edit.old)} times")
        text = text.replace(edit.old, edit.new)
    return text


def go(arguments: Sequence[str], folder: Path, env: Mapping[str, str] | None = None) -> str:
    """Run the go command, gently; its output. Raises InstrumentError."""
    done = subprocess.run(
        ["nice", "-n", "10", "go", *arguments],
        cwd=folder,
        env={**os.environ, "GOWORK": "off", "CGO_ENABLED": "0", **(env or {})},
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise InstrumentError(f"go {' '.join(arguments)}:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def write_overlay(folder: Path) -> Path:
    """Write the edited files and overlay.json into a folder; the path of the latter. Needs Go 1.26."""
    version = go(["env", "GOVERSION"], folder).strip()
    if not version.startswith(RELEASE):
        raise InstrumentError(f"{version}: the edits are for {RELEASE}")
    source = Path(go(["env", "GOROOT"], folder).strip()) / "src"
    replaced = {str(source / "runtime" / "holders.go"): str(_TABLE)}
    for name, edits in EDITS.items():
        target = folder / name.replace("/", "_")
        target.write_text(edited((source / name).read_text("utf-8"), edits, name), "utf-8")
        replaced[str(source / name)] = str(target)
    overlay = folder / "overlay.json"
    overlay.write_text(json.dumps({"Replace": replaced}, indent=1), "utf-8")
    return overlay


def build(package: str, module: Path, program: Path, overlay: Path, env: Mapping[str, str] | None = None) -> Path:
    """Build a program with the watched mutexes."""
    flags = ("-trimpath", "-buildvcs=false", f"-overlay={overlay}")
    go(["build", *flags, "-o", str(program), package], module, env)
    return program
