"""Which release of Go a frame of the standard library is of, and the release's tag in Go's repository."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

#: What a folder above ``src`` is called that holds exactly one release: ``go1.26.8``, ``go-1.22.5`` (also with a hash
#: before it, as Nix has it), ``toolchain@v0.0.1-go1.26.8.linux-amd64``; ``1.22.5``, as installers of several releases
#: have it. Debian's ``go-1.19`` may be any release of 1.19.
_FOLDER: Final = re.compile(
    r"(?:.*-)?go-?(?P<go>1\.\d+(?:\.\d+|rc\d+|beta\d+))(?:\.[a-z0-9]+-[a-z0-9]+)?|(?P<bare>1\.\d+\.\d+)(?:_\d+)?"
)
#: Folders of the go command's downloads and of gvm: what is in them is called exactly like the release.
_EXACT: Final = re.compile(r"go(1\.\d+)")
_OF_RELEASES: Final = frozenset({"sdk", "gos"})
_RELEASE: Final = re.compile(r"(?:go)?1\.(?P<minor>\d{1,3})(?:\.(?P<patch>\d{1,3})|(?P<test>(?:rc|beta)\d{1,2}))?")
#: From Go 1.21 on, the first release of a minor version has three parts: go1.21.0.
_THREE_PARTS: Final = 21


def folder_release(parts: Sequence[str]) -> str | None:
    """The release that the folders of a file name, the nearest to ``src`` first: ``1.26.8``; None where none does."""
    above = parts[: len(parts) - parts[::-1].index("src") - 1] if "src" in parts else ()
    for place in range(len(above) - 1, -1, -1):
        if (found := _FOLDER.fullmatch(above[place])) is not None:
            return found["go"] or found["bare"]
        exact = _EXACT.fullmatch(above[place])
        if exact is not None:
            return exact[1] if place and above[place - 1] in _OF_RELEASES else None
    return None


def release_tag(release: str | None) -> str | None:
    """The tag of a release (``1.26.8``, ``go1.20``); None where the text names none exactly. What stands behind a blank
    are settings of the build (``go1.26.8 X:jsonv2``)."""
    found = _RELEASE.fullmatch((release or "").partition(" ")[0])
    if found is None:
        return None
    minor, patch, test = int(found["minor"]), found["patch"], found["test"] or ""
    if minor < _THREE_PARTS:
        return f"go1.{minor}{test}" if patch is None or int(patch) == 0 else f"go1.{minor}.{int(patch)}"
    if patch is None and not test:
        return None  # 1.26 is no release
    return f"go1.{minor}{test}" if patch is None else f"go1.{minor}.{int(patch)}"
