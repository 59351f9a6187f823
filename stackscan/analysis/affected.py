"""Which versions a dump names, and whether they have a defect."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, Literal

from stackscan.formats.symbol import origin
from stackscan.knowledge.rule import Affected
from stackscan.model.snapshot import Snapshot, Stack
from stackscan.model.versions import read_version, satisfies

Verdict = Literal["affected", "not affected"]

#: Paths of the standard library show the Go version: /usr/lib/go-1.19/src/, /opt/go1.21.5/src/,
#: …/golang.org/toolchain@v0.0.1-go1.21.5.linux-amd64/src/.
_GO: Final = re.compile(r"(?:/go-?|-go)(1\.\d+(?:\.\d+)?)[^/]*/src/")

#: What each of these holds, whichever slashes it has.
_GO_MARK: Final = re.compile(r"[-/\\]go-?1\.")
#: Stacks of which is kept what they tell.
_STACKS: Final = 1 << 18
#: Of more stacks most are new, and all their paths are searched at once before each is asked.
_MANY: Final = 4096


def affected_by(affected: Iterable[Affected], versions: Mapping[str, str]) -> tuple[Verdict, str] | None:
    """Whether a program with these module versions has the defect, with the evidence; None where none is known."""
    known = [(entry, versions[entry.module]) for entry in affected if read_version(versions.get(entry.module, ""))]
    for entry, text in known:
        version = read_version(text)
        if version is not None and satisfies(version, entry.constraint):
            return "affected", f"{entry.module} {text}"
    return ("not affected", ", ".join(f"{entry.module} {text}" for entry, text in known)) if known else None


def go_version(snapshot: Snapshot) -> str | None:
    """The Go version in file paths of the standard library; None where there is none."""
    if len(snapshot.stacks) > _MANY and not _GO_MARK.search(snapshot.files):
        return None
    return next((version for version in map(_go_of, snapshot.stacks) if version is not None), None)


@lru_cache(maxsize=_STACKS)
def _go_of(stack: Stack) -> str | None:
    for frame in stack.frames:
        found = _GO.search(frame.file.replace("\\", "/"))
        if found is not None:
            return found[1]
    return None


def modules(snapshot: Snapshot) -> tuple[tuple[str, str], ...]:
    """The module versions in frame paths, which builds with -trimpath or from the module cache have."""
    if len(snapshot.stacks) > _MANY and "@v" not in snapshot.files:
        return ()
    found: set[tuple[str, str]] = set()
    found.update(*map(_modules_of, snapshot.stacks))
    return tuple(sorted(found))


@lru_cache(maxsize=_STACKS)
def _modules_of(stack: Stack) -> tuple[tuple[str, str], ...]:
    origins = (origin(frame) for frame in stack.frames if "@v" in frame.file)
    return tuple((o.module, o.version) for o in origins if o.module is not None and o.version is not None)
