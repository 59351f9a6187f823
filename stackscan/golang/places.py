"""What the path in a frame says about where its source file is: module, version, standard library, or a plain path.

Paths come from strangers: one that could mean anything but a file below some folder (``..``, a drive inside, control
characters) says nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from stackscan.formats.symbol import origin, read_symbol
from stackscan.model.snapshot import Frame

_MAX_CHARACTERS: Final = 4096
_MAX_ELEMENTS: Final = 64
_DRIVE: Final = re.compile(r"[A-Za-z]:/")
#: Files that the go command makes while it builds: they are nowhere afterwards.
_GENERATED: Final = re.compile(r"_cgo_.*|_testmain\.go")
#: The release in a folder's name: ``go1.26.8``, ``go-1.19``, ``toolchain@v0.0.1-go1.26.8.linux-amd64``.
_RELEASE: Final = re.compile(r"(?:\A|-)go-?(1\.\d+(?:\.\d+|rc\d+|beta\d+)?)")
_TOOLCHAIN: Final = "toolchain"


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of a file.

    ``parts`` are the elements of its path, ``package`` is the function's import path (``main`` for programs). With a
    ``version`` (``v1.2.3``), ``modules`` are the names that its module may have, longest first (an absolute path does
    not tell where the name begins), and ``inside`` is the path below the module's folder. ``standard``: its path below
    GOROOT/src, or None; ``release`` is Go's, where the path says it (``1.26.8``).
    """

    parts: tuple[str, ...]
    absolute: bool
    package: str
    modules: tuple[str, ...] = ()
    version: str | None = None
    inside: str = ""
    standard: str | None = None
    release: str | None = None

    @property
    def path(self) -> str:
        """The whole path, without a drive or a first slash."""
        return "/".join(self.parts)

    @property
    def name(self) -> str:
        """The file's name."""
        return self.parts[-1]


def read_place(frame: Frame, endings: tuple[str, ...] = (".go",)) -> Place | None:
    """What a frame says about its file; None for names that do not end like source (``endings``), and for paths that
    are not to be trusted."""
    split = _split(frame.file, endings)
    if split is None:
        return None
    parts, absolute = split
    package = read_symbol(frame.function).package
    if parts[-1].endswith("_test.go"):
        package = package.removesuffix("_test")  # the external tests of a package lie beside it
    at = next((n for n in range(len(parts) - 2, -1, -1) if "@v" in parts[n]), None)
    is_go = at is not None and parts[at].startswith(_TOOLCHAIN + "@")
    if at is not None and not is_go:
        return _versioned(parts, absolute, package, at)
    standard = _standard(parts, absolute) if origin(frame).kind == "std" else None
    release = next(filter(None, map(_RELEASE.search, parts[:-1])), None) if absolute else None
    return Place(parts, absolute, package, standard=standard, release=release[1] if release else None)


@lru_cache(maxsize=4096)
def _split(file: str, endings: tuple[str, ...]) -> tuple[tuple[str, ...], bool] | None:
    """The elements of a path, and whether it was absolute."""
    if len(file) > _MAX_CHARACTERS or not file.endswith(endings):
        return None
    path = file.replace("\\", "/")
    absolute = path.startswith("/") or _DRIVE.match(path) is not None
    parts = tuple(_DRIVE.sub("", path, count=1).lstrip("/").split("/"))
    if len(parts) > _MAX_ELEMENTS or not all(map(is_harmless, parts)) or _GENERATED.fullmatch(parts[-1]):
        return None
    return parts, absolute


def is_harmless(element: str) -> bool:
    """Whether an element of a path names a file or folder just there, on any system."""
    return element not in {"", ".", ".."} and element.isprintable() and not set(element) & set('/\\:<>"|?*')


def _versioned(parts: tuple[str, ...], absolute: bool, package: str, at: int) -> Place:
    """A file of ``module@version``; a module cache writes ``!x`` for a capital X."""
    last, _, version = parts[at].partition("@")
    name = [*map(capitals_restored, parts[:at]), capitals_restored(last)]
    modules = _names(name, package) if absolute else ["/".join(name)]
    return Place(parts, absolute, package, tuple(modules), capitals_restored(version), "/".join(parts[at + 1 :]))


def _names(elements: list[str], package: str) -> list[str]:
    """The paths that a module may have whose folder in a module cache has these elements."""
    for start in range(len(elements) - 2, 0, -1):
        if elements[start - 1 : start + 1] == ["pkg", "mod"]:
            return ["/".join(elements[start + 1 :])]
    names = ["/".join(elements[start:]) for start in range(len(elements))]
    return [name for name in names if (package + "/").startswith(name + "/")] or names


def _standard(parts: tuple[str, ...], absolute: bool) -> str | None:
    """The path below GOROOT/src: -trimpath prints just that."""
    if not absolute:
        return "/".join(parts)
    if "src" not in parts:
        return None
    return "/".join(parts[len(parts) - parts[::-1].index("src") :])


def capitals_restored(text: str) -> str:
    """A name as it was before the module cache wrote ``!x`` for its capitals."""
    return re.sub(r"!([a-z])", lambda match: match[1].upper(), text)


def capitals_escaped(text: str) -> str:
    """A name as the module cache writes it: ``!x`` for X, as some file systems do not tell them apart."""
    return re.sub(r"[A-Z]", lambda match: "!" + match[0].lower(), text)
