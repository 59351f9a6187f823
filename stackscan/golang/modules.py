"""Modules in a folder of source: go.mod, go.work, vendor/modules.txt, and which file of them a frame means.

The formats: https://go.dev/ref/mod#go-mod-file, https://go.dev/ref/mod#go-work-file.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from stackscan.golang.places import Place
from stackscan.golang.trees import Tree, UnreadableError, is_inner, join

#: A module's path, and its version (None: all of them).
Version = tuple[str, str | None]

_TOKEN: Final = re.compile(r"\"[^\"\n]*\"|`[^`\n]*`|=>|[^\s()\"`]+|[()]")
_MAX_MODULES: Final = 1000
#: What a folder's name may hold behind its module's: boxo-0.38.0, boxo@v0.38.0-rc1.
_RELEASE: Final = re.compile(r"[@-]v?(\d+\.\d+\.\d+(?:-[\w.+-]+)?)\Z")
#: The end of a module's path that its folder need not have.
_MAJOR: Final = re.compile(r"(?:/v\d+|\.v\d+)\Z")


@dataclass(frozen=True, slots=True)
class Module:
    """A module in a tree: its path and its folder ("" for the tree's own). ``replaced``: a go.mod or go.work puts this
    folder in the place of the module, or of one ``version`` of it."""

    path: str
    folder: str
    replaced: bool = False
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """What go.mod or go.work says: the module's path, folders of other modules, and replacements.

    ``folders`` are those of ``use``. What is replaced is a path and a version (None: all), by a folder (``local``) or
    by another path and version (``other``).
    """

    module: str | None
    folders: tuple[str, ...]
    local: dict[Version, str]
    other: dict[Version, tuple[str, str]]


def read_description(text: str) -> Description:
    """What a go.mod or a go.work says. What is not understood is passed over."""
    found = Description(None, (), {}, {})
    module, folders = None, list[str]()
    for verb, *words in _directives(text):
        if verb == "module" and words:
            module = module or words[0]
        elif verb == "use" and words:
            folders.append(words[0])
        elif verb == "replace" and "=>" in words[1:3]:
            at = words.index("=>")
            _replacement(found, (words[0], words[1] if at == 2 else None), words[at + 1 :])
    return Description(module, tuple(folders), found.local, found.other)


def _replacement(found: Description, replaced: Version, by: list[str]) -> None:
    if len(by) == 1:
        found.local[replaced] = by[0]
    elif len(by) == 2:
        found.other[replaced] = (by[0], by[1])


def _directives(text: str) -> Iterator[list[str]]:
    """The lines, each with its verb, which stands once before a block."""
    block: str | None = None
    for line in text.splitlines():
        words = [word.strip('"`') for word in _TOKEN.findall(line.partition("//")[0])]
        if not words:
            continue
        if words[0] == ")":
            block = None
        elif words[-1] == "(":
            block = words[0]
        else:
            yield words if block is None else [block, *words]


class Project:
    """The modules of a tree.

    ``searches``: modules below it that no go.mod or go.work names are looked for, too.
    """

    def __init__(self, tree: Tree, *, searches: bool = False) -> None:
        self.tree = tree
        self.replacements: dict[Version, tuple[str, str]] = {}
        found: dict[Version, Module] = {}
        folders = tree.contents.modules[:_MAX_MODULES] if searches else []
        for module in [*self._workspace(), *self._module(""), *(m for folder in folders for m in self._module(folder))]:
            found.setdefault((module.path, module.version), module)
        self.modules = sorted(found.values(), key=lambda module: -len(module.path))
        self._vendored = {folder: self._versions(folder) for folder in {m.folder for m in self.modules} | {""}}

    def owned(self, place: Place, *, replaced: bool | None = None) -> str | None:
        """The path in the tree of a file whose place names one of the modules; of ``replaced`` ones, others, or all."""
        for module in self.modules:
            if replaced not in {None, module.replaced} or module.version not in {None, place.version}:
                continue
            inside = _inside(module.path, place)
            if inside is not None and self.tree.has(path := join(module.folder, inside)):
                return path
        return None

    def owns(self, package: str) -> bool:
        """Whether a package is of one of the modules, by its import path."""
        return any((package + "/").startswith(module.path + "/") for module in self.modules)

    def vendored(self, place: Place) -> tuple[str | None, str | None]:
        """The path of a file in a vendor folder; if that holds another version than the frame's: which instead."""
        other = None
        for folder, versions in self._vendored.items():
            for path in _vendor_paths(place):
                if not self.tree.has(found := join(folder, "vendor", path)):
                    continue
                known = next((versions[name] for name in place.modules if name in versions), None)
                if place.version is None or known == place.version:
                    return found, None
                other = known or "an unknown version"
        return None, other

    def other_release(self, place: Place) -> str | None:
        """The release that the tree's name says, if it is not the frame's."""
        match = _RELEASE.search(self.tree.label)
        owner = next((module for module in self.modules if _inside(module.path, place) is not None), None)
        if match is None or place.version is None or (owner is not None and (owner.folder or owner.replaced)):
            return None  # a module further down has releases of its own
        return match[1] if match[1] != place.version.removeprefix("v").removesuffix("+incompatible") else None

    def names(self, module: str) -> bool:
        """Whether the tree's folder is named like a module, or one of its modules is."""
        last = _base(module)
        label = self.tree.label.partition("@")[0]
        return label == last or label.startswith(f"{last}-") or any(_base(each.path) == last for each in self.modules)

    def _workspace(self) -> Iterator[Module]:
        work = self._description("go.work")
        for folder in work.folders[:_MAX_MODULES]:
            yield from self._module(_below("", folder))
        yield from self._replaced("", work)

    def _module(self, folder: str | None) -> Iterator[Module]:
        """The module of a folder, and those that replace others."""
        if folder is None:
            return
        described = self._description(join(folder, "go.mod"))
        if described.module:
            yield Module(described.module, folder)
            yield from self._replaced(folder, described)

    def _replaced(self, folder: str, described: Description) -> Iterator[Module]:
        for replaced, other in described.other.items():
            self.replacements.setdefault(replaced, other)
        for (path, version), local in described.local.items():
            below = _below(folder, local)
            if below is not None:
                yield Module(path, below, replaced=True, version=version)

    def _description(self, path: str) -> Description:
        return read_description(self._text(path))

    def _text(self, path: str) -> str:
        with suppress(UnreadableError):
            return (self.tree.read(path) or b"").decode("utf-8", "replace")
        return ""

    def _versions(self, folder: str) -> dict[str, str]:
        """The modules in a vendor folder: ``# example.com/m v1.2.3``."""
        lines = map(str.split, self._text(join(folder, "vendor", "modules.txt")).splitlines())
        return {words[1]: words[2] for words in lines if len(words) > 2 and words[0] == "#"}


def _below(folder: str, local: str) -> str | None:
    """A folder that go.mod names, from the tree's; None for one that is not in the tree."""
    path = posixpath.normpath(posixpath.join(folder, local.replace("\\", "/")))
    if path == ".":
        return ""
    return path if is_inner(path) else None


def _inside(module: str, place: Place) -> str | None:
    """The path below a module's folder of a file that its place puts into that module."""
    if place.version is not None:
        for name in place.modules:
            if (name + "/").startswith(module + "/"):
                return join(name[len(module) + 1 :], place.inside)
        return None
    if not place.absolute:
        return place.path[len(module) + 1 :] if place.path.startswith(module + "/") else None
    if not (place.package + "/").startswith(module + "/"):
        return None
    folder = place.package[len(module) + 1 :]
    return join(folder, place.name) if f"/{place.path}".endswith("/" + join(folder, place.name)) else None


def _vendor_paths(place: Place) -> Iterator[str]:
    """Where a file may be below a vendor folder."""
    if place.version is not None:
        yield from (join(name, place.inside) for name in place.modules)
    elif "vendor" in place.parts:
        yield "/".join(place.parts[len(place.parts) - place.parts[::-1].index("vendor") :])
    elif not place.absolute:
        yield place.path


def by_ending(project: Project, place: Place) -> str | None:
    """The path in a tree with the longest common ending: of two elements, or of a name that occurs once.

    Of a relative path the whole has to be there.
    """
    elements = len(place.parts)
    shortest = 2 if place.absolute else elements
    for count in range(
        elements, shortest - 1, -1
    ):  # right below the tree's folder, without a look at all that is in it
        if project.tree.has(path := "/".join(place.parts[elements - count :])):
            return path
    before = place.parts[-2].partition("@")[0] if elements > 1 else ""
    if before and project.names(before) and project.tree.has(place.name):
        return place.name
    found, common = project.tree.contents.alike(place.parts)
    is_alone = project.tree.contents.count(place.name) == 1 and (place.absolute or before == "command-line-arguments")
    return found if common >= shortest or is_alone else None


def _base(module: str) -> str:
    """A module's last element, without its major version."""
    return _MAJOR.sub("", module).rpartition("/")[2]
