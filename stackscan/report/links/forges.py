"""In which repository a module is, in which folder of it, and how its forge names a line.

The rules are those of the go command (https://go.dev/ref/mod#vcs-version) and of pkg.go.dev
(golang.org/x/pkgsite/internal/source), without asking the module's own site.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from stackscan.report.links.known import MAJOR_FOLDER_REPOSITORIES, MAJOR_FOLDERS, REPOSITORIES

#: By the forge's host: the address of a line at a tag, and where it differs at a commit.
_GITHUB: Final = "{repository}/blob/{revision}/{file}#L{line}"
_GITEA: Final = "{repository}/src/tag/{revision}/{file}#L{line}"
_FORGES: Final = {
    "github.com": _GITHUB,
    "gitee.com": _GITHUB,
    "gitlab.com": "{repository}/-/blob/{revision}/{file}#L{line}",
    "bitbucket.org": "{repository}/src/{revision}/{file}#lines-{line}",
    "codeberg.org": _GITEA,
    "gitea.com": _GITEA,
    "git.sr.ht": "{repository}/tree/{revision}/item/{file}#L{line}",
}
_AT_COMMIT: Final = {_GITEA: "{repository}/src/commit/{revision}/{file}#L{line}"}
FORGES: Final = frozenset(_FORGES)

#: ``v1.2.3``, with what may stand behind it.
_VERSION: Final = re.compile(r"v\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
#: A version that names a commit: ``v0.0.0-20220721030215-126854af5e6d`` (https://go.dev/ref/mod#pseudo-versions).
_PSEUDO: Final = re.compile(r"v\d+\.(?:0\.0-|\d+\.\d+-(?:[^+]*\.)?0\.)\d{14}-(?P<commit>[0-9a-f]{12})(?:\+.*)?")
_MAJOR: Final = re.compile(r"(?:\A|/)v(?:[2-9]|[1-9]\d+)\Z")
#: ``gopkg.in/yaml.v3`` and ``gopkg.in/natefinch/lumberjack.v2``, and a folder below.
_GOPKG: Final = re.compile(r"gopkg\.in/(?:([\w.-]+)/)?([\w.-]+?)\.v\d+(?:-unstable)?(?:/(.+))?")
_ELEMENT: Final = re.compile(r"[A-Za-z0-9~_-][A-Za-z0-9._~-]*")


@dataclass(frozen=True, slots=True)
class Repository:
    """A module's repository (``github.com/owner/name``), the folder in it (``""``: its root), and what stands before
    the version in its tags (``""``, or the folder without ``/v2``)."""

    path: str
    folder: str
    tags: str

    @property
    def host(self) -> str:
        """The forge."""
        return self.path.partition("/")[0]

    def line(self, version: str, inside: str, line: int) -> str:
        """The address of a line, in a file whose path in the module is ``inside``."""
        pseudo = _PSEUDO.fullmatch(version)
        template = _FORGES[self.host]
        if pseudo is not None:
            template, revision = _AT_COMMIT.get(template, template), pseudo["commit"]
        else:
            revision = _joined(self.tags, version.removesuffix("+incompatible"))
        return "https://" + template.format(
            repository=encoded(self.path),
            revision=encoded(revision),
            file=encoded(_joined(self.folder, inside)),
            line=line,
        )


def is_version(text: str) -> bool:
    """Whether a text is a version as modules have it."""
    return _VERSION.fullmatch(text) is not None


def is_module(path: str) -> bool:
    """Whether a text may be the path of a module that others can get: its first element is a domain."""
    first, *_ = elements = path.split("/")
    return "." in first and first == first.lower() and all(map(_ELEMENT.fullmatch, elements))


@lru_cache(maxsize=4096)
def repository(module: str) -> Repository | None:
    """The repository of a module; None where its path alone does not say it."""
    found = _on_forge(module) or _on_gopkg(module) or _known(module)
    if found is None:
        return None
    path, folder = found
    bare = _MAJOR.sub("", folder)
    is_folder = module in MAJOR_FOLDERS or path in MAJOR_FOLDER_REPOSITORIES
    return Repository(path, folder if is_folder else bare, bare)


def _on_forge(module: str) -> tuple[str, str] | None:
    """Of a module that is named after its repository. GitLab has groups within groups: of a longer path nobody knows
    where the repository ends."""
    host, *rest = module.split("/")
    if host not in _FORGES or len(rest) < 2 or (host == "git.sr.ht") != rest[0].startswith("~"):
        return None
    folder = "/".join(rest[2:])
    if host == "gitlab.com" and _MAJOR.sub("", folder):
        return None
    return f"{host}/{rest[0]}/{rest[1].removesuffix('.git')}", folder


def _on_gopkg(module: str) -> tuple[str, str] | None:
    """Of ``gopkg.in``: ``pkg.v3`` is github.com/go-pkg/pkg, ``user/pkg.v3`` is github.com/user/pkg."""
    found = _GOPKG.fullmatch(module)
    if found is None:
        return None
    user, name, folder = found.groups()
    return f"github.com/{user or f'go-{name}'}/{name}", folder or ""


def _known(module: str) -> tuple[str, str] | None:
    """Of a module below a well-known path."""
    elements = module.split("/")
    for length in range(len(elements), 0, -1):
        rest = "/".join(elements[length:])
        if (path := REPOSITORIES.get("/".join(elements[:length]))) is not None:
            return path, rest
        if (path := REPOSITORIES.get("/".join([*elements[: length - 1], "*"]))) is not None:
            return path.replace("*", elements[length - 1]), rest
    return None


def encoded(text: str) -> str:
    """A path for an address."""
    return quote(text, safe="/~", errors="replace")


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
