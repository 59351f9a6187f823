"""In which folders a frame's file may be, and in which order they are searched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Final

from stackscan.errors import SourceError
from stackscan.golang.installed import Installation, Settings, fitting
from stackscan.golang.modules import Project, by_ending
from stackscan.golang.places import Place, capitals_escaped
from stackscan.golang.trees import Folder, Tree, join

#: Where a file is: a tree, and the path in it.
Spot = tuple[Tree, str]

_HINT: Final = "Give a folder with Go source, or a zip or tar.gz of it: --source-root DIR"
_MAX_PARENTS: Final = 64
#: A file that says where the standard library is.
_LIBRARY: Final = "runtime/proc.go"


class Lookup:
    """Finds the spots of files: in the roots that the user named, then where the go command keeps source."""

    def __init__(self, roots: Sequence[Tree], settings: Settings, cwd: Path | None, go_version: str | None) -> None:
        self._roots = [Project(root, searches=True) for root in roots]
        self._settings = settings
        self._cwd = cwd
        self._go_version = go_version
        self._library = cache(Folder)

    def spots(self, place: Place, doubts: list[str], *, exact: bool = False) -> Iterator[Spot]:
        """The files that are there, the likeliest first. What is of another version is put into ``doubts``. ``exact``:
        of modules with a version, and of the standard library, only the files of just that version; folders that the
        user named may hold any."""
        for root in self._roots:
            yield from ((root.tree, path) for path in _in_root(root, place, doubts))
        project = self._project
        if project is not None:
            yield from ((project.tree, path) for path in _in_build(project, place, doubts))
        yield from self._in_caches(place)
        if project is not None and not (exact and place.version is not None):
            # Behind the cache: that has exactly the version that a frame names, a checkout may have any.
            yield from ((project.tree, path) for path in _in_checkout(project, place))
        if place.standard is not None:
            wanted = (self._go_version or place.release or "").removeprefix("go")
            for installation in fitting(self._installations, wanted):
                if not exact or wanted == installation.release != "":
                    yield from _existing(self._library(installation.source), place.standard)

    def _in_caches(self, place: Place) -> Iterator[Spot]:
        """The file in the module caches; go.mod may have put another module in the place of a frame's."""
        replacements = self._project.replacements if self._project else {}
        for name in place.modules:
            named = (name, place.version or "")
            path, version = replacements.get(named) or replacements.get((name, None)) or named
            for each in self._caches:
                yield from _existing(each, join(capitals_escaped(f"{path}@{version}"), place.inside))

    @cached_property
    def _project(self) -> Project | None:
        """The modules of the current directory: those of the go.work above it, or that of the go.mod."""
        try:
            here = (self._cwd or Path.cwd()).resolve()
        except (OSError, RuntimeError):  # the working directory is gone
            return None
        folders = [Folder(folder) for folder in (here, *here.parents)[:_MAX_PARENTS]]
        for name in ("go.work", "go.mod"):
            for folder in folders:
                if folder.has(name) and not (name == "go.work" and self._settings.get("GOWORK") == "off"):
                    return Project(folder)
        return None

    @cached_property
    def _caches(self) -> list[Folder]:
        return [Folder(path) for path in self._settings.module_caches()]

    @cached_property
    def _installations(self) -> tuple[Installation, ...]:
        return self._settings.installations()


def open_root(path: Path) -> Tree:
    """The tree of a folder or an archive that the user named. Raises SourceError or LimitError."""
    try:
        if path.is_dir():
            return Folder(path)
        exists = path.exists()
    except (OSError, ValueError, RuntimeError) as error:
        raise SourceError(f"{str(path)!r} cannot be read: {error}", hint=_HINT) from None
    if not exists:
        raise SourceError(f"{path} does not exist", hint=_HINT)
    from stackscan.golang.archives import open_archive

    return open_archive(path)


def _in_root(root: Project, place: Place, doubts: list[str]) -> Iterator[str]:
    """The files in a root that the user named, which may be a module, several, a module cache, GOROOT or GOPATH."""
    if place.standard is not None:
        yield from _in_library(root.tree, place.standard)
    if path := root.owned(place):
        if other := root.other_release(place):
            doubts.append(f"{root.tree.name} is version {other}, the dump's code is {place.version}; it was not used")
            return
        yield path
    for name in place.modules:
        for written in (capitals_escaped(f"{name}@{place.version}"), f"{name}@{place.version}"):
            yield from _in(root.tree, join(written, place.inside))
    yield from _in_vendor(root, place, doubts)
    yield from _in_gopath(root.tree, place)
    if _may_end_alike(root, place):
        yield from _maybe(by_ending(root, place))


def _may_end_alike(root: Project, place: Place) -> bool:
    """Whether a common ending says enough: not for the code of others, below a module that is known."""
    if place.standard is not None:
        return False
    if place.version is not None:
        return not root.modules and any(map(root.names, place.modules)) and not root.other_release(place)
    return not root.modules or _is_program(place) or root.owns(place.package)


def _is_program(place: Place) -> bool:
    """Whether a file is of a package main whose module is not known."""
    return place.package == "main" and place.version is None and (place.absolute or "." not in place.parts[0])


def _in_build(project: Project, place: Place, doubts: list[str]) -> Iterator[str]:
    """The files that a build in the current directory takes instead of a module's own."""
    if place.standard is None:
        yield from _maybe(project.owned(place, replaced=True))
        yield from _in_vendor(project, place, doubts)


def _in_checkout(project: Project, place: Place) -> Iterator[str]:
    """The files of the current directory's own modules."""
    owned = project.owned(place, replaced=False)
    yield from _maybe(owned)
    if owned is None and (_is_program(place) or (place.absolute and project.owns(place.package))):
        yield from _maybe(by_ending(project, place))


def _in_vendor(project: Project, place: Place, doubts: list[str]) -> Iterator[str]:
    path, other = project.vendored(place)
    if other:
        doubts.append(
            f"{project.tree.name}/vendor has {place.modules[-1]} {other}, the dump's code is {place.version}; "
            "it was not used"
        )
    yield from _maybe(path)


def _in_library(tree: Tree, standard: str) -> Iterator[str]:
    for folder in ("src", ""):
        if tree.has(join(folder, _LIBRARY)):
            yield from _in(tree, join(folder, standard))


def _in_gopath(tree: Tree, place: Place) -> Iterator[str]:
    """The file of a package in a folder that holds modules by their import paths."""
    path = join(place.package, place.name)
    is_plain = place.standard is None and place.version is None and place.package not in {"", "main"}
    if is_plain and f"/{place.path}".endswith("/" + path):
        yield from (*_in(tree, path), *_in(tree, join("src", path)))


def _in(tree: Tree, path: str) -> Iterator[str]:
    if tree.has(path):
        yield path


def _existing(tree: Tree, path: str) -> Iterator[Spot]:
    yield from ((tree, path) for path in _in(tree, path))


def _maybe(path: str | None) -> Iterator[str]:
    if path is not None:
        yield path
