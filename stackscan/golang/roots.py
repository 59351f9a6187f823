"""The source files of frames: in folders and archives that the user names, then where the go command keeps them.

Without being named: the module of the current directory, its vendor folder, the module cache, GOROOT. A dump comes
from strangers: below these folders only ``.go`` files are read for it, and a bounded number of bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stackscan.golang.installed import Settings
from stackscan.golang.lookup import Lookup, open_root
from stackscan.golang.places import Place, capitals_restored, read_place
from stackscan.golang.trees import Tree, UnreadableError, join
from stackscan.model.snapshot import Frame

#: Files, and their bytes, that are read in one run.
MAX_FILES: Final = 4_000
MAX_BYTES: Final = 64 << 20
#: Files of one package. The largest of the standard library (runtime) has some 450.
MAX_PACKAGE_FILES: Final = 800
_MAX_NOTES: Final = 20


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of Go source.

    ``key`` names it to people: ``example.com/m@v1.2.3/pkg/f.go``, or the path below the folder that was searched.
    ``package_key`` names its folder: the same for all files of one package.
    """

    key: str
    content: bytes
    package_key: str


class Sources:
    """Finds the source files of frames.

    ``roots`` are folders or archives (zip, tar.gz) that come first. ``go_version`` (``go1.26.8``) is the release that
    the program was built with, if it is known: of several installations of Go, the one that fits best comes first.
    ``environment`` and ``cwd`` are those of this process unless given. Raises SourceError or LimitError for a root
    that does not exist or cannot be read.
    """

    def __init__(
        self,
        roots: Sequence[Path] = (),
        *,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        go_version: str | None = None,
    ) -> None:
        self._made_of = (tuple(roots), environment, cwd, go_version)
        settings = Settings(os.environ if environment is None else environment)
        self._lookup = Lookup([open_root(Path(root)) for root in roots], settings, cwd, go_version)
        self._notes: dict[str, None] = {}
        self._found: dict[tuple[str, str], SourceFile | None] = {}
        self._files: dict[tuple[str, str], SourceFile | None] = {}
        self._folders: dict[str, tuple[Tree, str]] = {}
        self._packages: dict[tuple[str, bool], tuple[SourceFile, ...]] = {}
        self._bytes = 0

    def __reduce__(self) -> tuple[object, ...]:
        """As pickle takes it: one that has read nothing yet."""
        return _sources, self._made_of

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be read, and why: each once, at most 20."""
        return tuple(self._notes)

    def find(self, frame: Frame) -> SourceFile | None:
        """The source file of a frame, None if it is not here. It may be of another version: whether the frame's
        function is at its line is for the caller to check."""
        place = read_place(frame)
        if place is None:
            return None
        asked = (frame.file, place.package)  # the package decides, too: main is searched for in another way
        if asked not in self._found:
            self._found[asked] = next(self._candidates(place), None)
        return self._found[asked]

    def candidates(self, frame: Frame) -> Iterator[SourceFile]:
        """Each file that may be the frame's, the likeliest first. The next one is read when it is asked for."""
        place = read_place(frame)
        if place is not None:
            yield from self._candidates(place)

    def path(self, frame: Frame) -> Path | None:
        """The path on disk of the likeliest file of a frame, which is not read; None where there is none of its
        version, and for files in archives."""
        place = read_place(frame)
        spots = () if place is None else self._lookup.spots(place, [], exact=True)
        return next((found for tree, path in spots if (found := tree.on_disk(path)) is not None), None)

    def siblings(self, file: SourceFile) -> tuple[SourceFile, ...]:
        """The other Go files of the same folder, by name; test files only if the file is one itself."""
        asked = (file.package_key, file.key.endswith("_test.go"))
        if asked not in self._packages:
            self._packages[asked] = tuple(self._package(*asked))
        return tuple(each for each in self._packages[asked] if each.key != file.key)

    def _candidates(self, place: Place) -> Iterator[SourceFile]:
        seen: set[tuple[str, str]] = set()
        doubts: list[str] = []
        for tree, path in self._lookup.spots(place, doubts):
            if (tree.name, path) in seen:
                continue
            seen.add((tree.name, path))
            if (file := self._read(tree, path)) is not None:
                yield file
        if not seen:
            for doubt in doubts:
                self._note(doubt)

    def _package(self, package_key: str, tests: bool) -> Iterator[SourceFile]:
        tree, folder = self._folders[package_key]
        names = [name for name in tree.files(folder) if tests or not name.endswith("_test.go")]
        if len(names) > MAX_PACKAGE_FILES:
            self._note(f"{package_key} contains more than {MAX_PACKAGE_FILES} Go files; the others were not read")
        for name in names[:MAX_PACKAGE_FILES]:
            if (file := self._read(tree, join(folder, name))) is not None:
                yield file

    def _read(self, tree: Tree, path: str) -> SourceFile | None:
        """A file, read once."""
        asked = (tree.name, path)
        if asked not in self._files:
            self._files[asked] = self._read_new(tree, path)
        return self._files[asked]

    def _read_new(self, tree: Tree, path: str) -> SourceFile | None:
        if len(self._files) >= MAX_FILES or self._bytes >= MAX_BYTES:
            self._note(f"more than {MAX_FILES:,} source files or {MAX_BYTES >> 20} MiB of them: the rest was not read")
            return None
        try:
            content = tree.read(path)
        except UnreadableError as error:
            self._note(f"{tree.name}/{path} {error}")
            return None
        if content is None or not path.endswith(".go"):
            return None
        self._bytes += len(content)
        folder = path.rpartition("/")[0]
        package_key = join(tree.name, folder)
        self._folders[package_key] = (tree, folder)
        return SourceFile(_key(path), content, package_key)

    def _note(self, text: str) -> None:
        if len(self._notes) < _MAX_NOTES:
            self._notes[text] = None


def _sources(
    roots: Sequence[Path], environment: Mapping[str, str] | None, cwd: Path | None, go_version: str | None
) -> Sources:
    return Sources(roots, environment=environment, cwd=cwd, go_version=go_version)


def _key(path: str) -> str:
    """How people name a file: with the capitals that a module cache writes as ``!x``."""
    module, at, rest = path.partition("@")
    version, slash, inside = rest.partition("/")
    return capitals_restored(module + at + version) + slash + inside if at else path
