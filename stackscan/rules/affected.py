"""Which versions have a defect, checked against the versions that a dump tells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from stackscan.catalogue import Table
from stackscan.errors import CatalogueError
from stackscan.snapshot import Stack
from stackscan.versions import Version, read_version, satisfies

Verdict = Literal["affected", "not affected"]

#: Where the library's files lie tells the Go that built the program: /usr/lib/go-1.19/src/, /opt/go1.21.5/src/,
#: …/golang.org/toolchain@v0.0.1-go1.21.5.linux-amd64/src/.
_GO: Final = re.compile(r"(?:/go-?|-go)(1\.\d+(?:\.\d+)?)[^/]*/src/")


@dataclass(frozen=True, slots=True)
class Affected:
    """Versions of a module (``go``: of Go itself) that have the defect: ``>=0.25.0 <0.39.0-0``."""

    module: str
    constraint: str

    def __str__(self) -> str:
        return f"{self.module} {self.constraint}"


def read_affected(table: Table) -> tuple[Affected, ...]:
    """``affected = ["github.com/ipfs/boxo >=0.25.0 <0.39.0-0"]``. Raises CatalogueError for what is no constraint."""
    found = []
    for text in table.texts("affected"):
        module, _, constraint = text.strip().partition(" ")
        try:
            satisfies(Version((0, 0, 0)), constraint)
        except ValueError:
            raise CatalogueError(
                f"{table.where}: 'affected' must name a module (or go) and versions, as in "
                f"'github.com/ipfs/boxo >=0.25.0 <0.39.0-0', not {text!r}"
            ) from None
        found.append(Affected(module, constraint.strip()))
    return tuple(found)


def judge(affected: Iterable[Affected], versions: Mapping[str, str]) -> tuple[Verdict, str] | None:
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
