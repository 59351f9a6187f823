"""The links of a report's frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stackscan.formats.symbol import is_std, origin
from stackscan.golang.places import Place, read_place
from stackscan.model.snapshot import Frame
from stackscan.report.links.editors import address
from stackscan.report.links.forges import FORGES, encoded, is_module, is_version, repository
from stackscan.report.links.releases import folder_release, release_tag

if TYPE_CHECKING:
    from stackscan.report.goroutine import GoroutineReport
    from stackscan.report.model import SnapshotReport

#: Hosts that links lead to.
HOSTS: Final = FORGES | {"pkg.go.dev"}
#: Source that frames are in: Go, and assembly.
_SOURCE: Final = (".go", ".s")
_LONGEST: Final = 2_000
_MOST_LINE: Final = 10_000_000
_KEPT: Final = 1 << 14
#: Last parts of domains that are in no public place (RFC 2606, RFC 6761, RFC 8375 and common use), and what
#: redaction writes.
_PRIVATE: Final = frozenset(
    "arpa corp example home internal intra intranet invalid lan local localdomain localhost private "
    "redacted test".split()
)


class Links:
    """Links from frames to their source.

    ``modules`` are module paths with the versions that other frames name: for vendored code, whose paths have none.
    ``go_version`` (``go1.26.8``) is the release that built the program, for frames of the standard library whose paths
    do not say it (None: not known). ``editor`` is a template with ``{path}`` and ``{line}``
    (:func:`~stackscan.report.links.editors.read_editor`; None: no editor). ``find`` finds a frame's file on this
    machine.
    """

    def __init__(
        self,
        modules: Iterable[tuple[str, str]] = (),
        go_version: str | None = None,
        editor: str | None = None,
        *,
        find: Callable[[Frame], Path | None] | None = None,
    ) -> None:
        self._modules = _single(modules)
        self._go_tag = release_tag(go_version)
        self._editor = editor
        self._find = find
        self._urls = lru_cache(maxsize=_KEPT)(self._url)
        self._local = lru_cache(maxsize=_KEPT)(self._found)

    def url(self, frame: Frame) -> str | None:
        """The https address of a frame's line in exactly the version that ran; None where it is not known, as for the
        program's own code.

        A module whose repository its path does not say has its page on pkg.go.dev, without the line.
        """
        return self._urls(frame)

    def _url(self, frame: Frame) -> str | None:
        place = read_place(frame, _SOURCE)
        if place is None or not 0 < frame.line <= _MOST_LINE:
            return None
        if place.standard is not None:
            return _short(self._standard(place, place.standard, frame.line))
        named = self._named(place)
        return None if named is None else _short(_of_module(*named, frame.line))

    def editor_url(self, frame: Frame) -> str | None:
        """The address that opens a frame's line in the editor: in the file on this machine, else in the file that an
        absolute path names. None without an editor, and where neither is known to be of the frame's version."""
        path = self._local(frame) or _printed(frame)
        if self._editor is None or path is None or not 0 < frame.line <= _MOST_LINE:
            return None
        return _short(address(self._editor, path, frame.line))

    def target(self, frame: Frame) -> str | None:
        """What a click on a frame opens: the editor for the program's own code and for files that are on this machine,
        else the source on the web. Without an editor: the web."""
        if self._editor is not None and (self._local(frame) is not None or not self.module(frame)):
            return self.editor_url(frame)
        return self.url(frame)

    def module(self, frame: Frame) -> str:
        """Whose code a frame is: ``std``, ``github.com/ipfs/boxo@v0.38.0``, or "" for the program's own."""
        place = read_place(frame, _SOURCE)
        named = None if place is None else self._named(place)
        if named is not None:
            return f"{named[0]}@{named[1]}"
        return "std" if origin(frame).kind == "std" else ""

    def _standard(self, place: Place, inside: str, line: int) -> str | None:
        """A file of the standard library, in the release that its folders name, or the program's."""
        tag = release_tag(folder_release(place.parts)) if place.absolute else None
        tag = tag or self._go_tag
        if tag is None or not is_std(inside):
            return None
        return f"https://github.com/golang/go/blob/{tag}/src/{encoded(inside)}#L{line}"

    def _named(self, place: Place) -> tuple[str, str, str] | None:
        """The module of a file, its version, and the file's path in it."""
        if place.version is None:
            return self._vendored(place)
        module = _module(place) if is_version(place.version) and place.inside else None
        return None if module is None else (module, place.version, place.inside)

    def _vendored(self, place: Place) -> tuple[str, str, str] | None:
        """The same for a file in a vendor folder, of a module whose version other frames name."""
        if "vendor" not in place.parts[:-1] or place.standard is not None:
            return None
        inner = place.parts[len(place.parts) - place.parts[::-1].index("vendor") :]
        for length in range(len(inner) - 1, 0, -1):
            module = "/".join(inner[:length])
            if module in self._modules and is_public(module):
                return module, self._modules[module], "/".join(inner[length:])
        return None

    def _found(self, frame: Frame) -> str | None:
        """The path of a frame's file on this machine."""
        found = None if self._find is None else self._find(frame)
        return None if found is None else str(found)


def links_of(report: SnapshotReport | GoroutineReport, editor: str | None = None) -> Links:
    """The links of a report's frames; ``editor`` is a template (None: no editor)."""
    return Links(report.modules, report.go_version, editor, find=report.find_source)


def is_public(module: str) -> bool:
    """Whether a module's path may name something that others can see."""
    first = module.partition("/")[0]
    return is_module(module) and first.rpartition(".")[2] not in _PRIVATE


def _single(modules: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The versions of modules that have one only."""
    found: dict[str, str] = {}
    for module, version in modules:
        found[module] = version if found.get(module, version) == version else ""
    return {module: version for module, version in found.items() if is_version(version)}


def _module(place: Place) -> str | None:
    """The path of a file's module: where its beginning is not certain, one whose repository is known."""
    names = [name for name in place.modules if is_public(name)]
    known = next((name for name in names if repository(name) is not None), None)
    return known if known is not None or len(place.modules) != 1 else next(iter(names), None)


def _of_module(module: str, version: str, inside: str, line: int) -> str:
    found = repository(module)
    if found is not None:
        return found.line(version, inside, line)
    package = inside.rpartition("/")[0]
    return f"https://pkg.go.dev/{encoded(module)}@{encoded(version)}" + (f"/{encoded(package)}" if package else "")


def _printed(frame: Frame) -> str | None:
    """The path as printed, if it is absolute and names a file of source. A folder of Go that does not name its release
    may hold another one on this machine; two slashes begin a path on another machine, which a stranger may have named.
    """
    place = read_place(frame, _SOURCE)
    if place is None or not place.absolute or frame.file.replace("\\", "/").startswith("//"):
        return None
    return None if place.standard is not None and release_tag(folder_release(place.parts)) is None else frame.file


def _short(link: str | None) -> str | None:
    """The link, unless it is longer than programs take."""
    return link if link is not None and len(link) <= _LONGEST else None
