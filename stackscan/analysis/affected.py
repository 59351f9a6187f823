"""Which versions a dump names, and whether they have a defect."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, Literal

from stackscan.formats.symbol import origin
from stackscan.knowledge.rule import Affected
from stackscan.model.snapshot import Stack
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


def go_version(stacks: Sequence[Stack]) -> str | None:
    """The Go version in file paths of the standard library; None where there is none."""
    if len(stacks) > _MANY and not _GO_MARK.search(_paths(stacks)):
        return None
    return next((version for version in map(_go_of, stacks) if version is not None), None)


@lru_cache(maxsize=_STACKS)
def _go_of(stack: Stack) -> str | None:
    for frame in stack.frames:
        found = _GO.search(frame.file.replace("\\", "/"))
        if found is not None:
            return found[1]
    return None


def modules(stacks: Sequence[Stack]) -> tuple[tuple[str, str], ...]:
    """The module versions in frame paths, which builds with -trimpath or from the module cache have."""
    if len(stacks) > _MANY and "@v" not in _paths(stacks):
        return ()
    found: set[tuple[str, str]] = set()
    found.update(*map(_modules_of, stacks))
    return tuple(sorted(found))


def _paths(stacks: Sequence[Stack]) -> str:
    """The distinct files of all frames."""
    return "\n".join({frame.file for stack in stacks for frame in stack.frames})


@lru_cache(maxsize=_STACKS)
def _modules_of(stack: Stack) -> tuple[tuple[str, str], ...]:
    origins = (origin(frame) for frame in stack.frames if "@v" in frame.file)
    return tuple((o.module, o.version) for o in origins if o.module is not None and o.version is not None)
