"""Which versions a dump names, and whether they have a defect."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from stackscan.formats.symbol import origin
from stackscan.knowledge.rule import Affected
from stackscan.model.snapshot import Stack
from stackscan.model.versions import read_version, satisfies

Verdict = Literal["affected", "not affected"]

#: Where the library's files lie tells the Go that built the program: /usr/lib/go-1.19/src/, /opt/go1.21.5/src/,
#: …/golang.org/toolchain@v0.0.1-go1.21.5.linux-amd64/src/.
_GO: Final = re.compile(r"(?:/go-?|-go)(1\.\d+(?:\.\d+)?)[^/]*/src/")


def affected_by(affected: Iterable[Affected], versions: Mapping[str, str]) -> tuple[Verdict, str] | None:
    """Whether a program with these module versions has the defect, and what tells it; None where nothing does."""
    told = [(entry, versions[entry.module]) for entry in affected if read_version(versions.get(entry.module, ""))]
    for entry, text in told:
        version = read_version(text)
        if version is not None and satisfies(version, entry.constraint):
            return "affected", f"{entry.module} {text}"
    return ("not affected", ", ".join(f"{entry.module} {text}" for entry, text in told)) if told else None


def go_version(stacks: Iterable[Stack]) -> str | None:
    """The Go version that file paths of the standard library tell; None where they do not."""
    for stack in stacks:
        for frame in stack.frames:
            found = _GO.search(frame.file.replace("\\", "/"))
            if found is not None:
                return found[1]
    return None


def modules(stacks: Iterable[Stack]) -> tuple[tuple[str, str], ...]:
    """The module versions that frame paths name (kubo and everything else built with -trimpath or from the cache)."""
    frames = {frame for stack in stacks for frame in stack.frames}
    origins = {origin(frame) for frame in frames}
    return tuple(sorted((o.module, o.version) for o in origins if o.module is not None and o.version is not None))
