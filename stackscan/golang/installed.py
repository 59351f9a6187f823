"""Where the go command keeps source on this machine: module caches, and installations of Go.

Known from the environment and from go's own settings file; go itself is not run.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: Where packages and installers put Go, besides $HOME/sdk/go*.
_USUAL: Final = ("/usr/local/go", "/usr/lib/go", "/usr/lib/go-*", "/opt/homebrew/opt/go/libexec", "C:/Program Files/Go")
_MAX_SETTINGS_BYTES: Final = 64 << 10
_MAX_INSTALLATIONS: Final = 50
_RELEASE: Final = re.compile(r"go(\d+\.\d+\S*)")


@dataclass(frozen=True, slots=True)
class Installation:
    """The folder with the standard library's source, and its release (``1.26.8``; "" if it is not known)."""

    source: Path
    release: str


class Settings:
    """What ``go env`` would print."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.home = environment.get("HOME") or environment.get("USERPROFILE") or None
        self._kept = self._kept_settings()

    def get(self, name: str) -> str:
        """A setting, "" for none."""
        return self._environment.get(name) or self._kept.get(name, "")

    def module_caches(self) -> tuple[Path, ...]:
        """The module caches that exist; go uses the first."""
        paths = self.get("GOPATH").split(os.pathsep) if self.get("GOPATH") else []
        if not paths and self.home:
            paths = [f"{self.home}/go"]
        caches = [self.get("GOMODCACHE"), *(f"{path}/pkg/mod" for path in paths if path)]
        return tuple(Path(cache) for cache in caches if cache and _is_folder(Path(cache)))

    def installations(self) -> tuple[Installation, ...]:
        """The installations of Go, the one that runs here first."""
        found: dict[Path, Installation] = {}
        for root in self._roots():
            source = root / "src"
            if len(found) < _MAX_INSTALLATIONS and _is_folder(source / "runtime"):
                found.setdefault(source.resolve(), Installation(source, _release(root)))
        return tuple(found.values())

    def _roots(self) -> Iterator[Path]:
        if goroot := self.get("GOROOT"):
            yield Path(goroot)
        if go := shutil.which("go", path=self._environment.get("PATH", "")):
            with suppress(OSError, RuntimeError):
                yield Path(go).resolve().parent.parent
        for pattern in (*_USUAL, *([f"{self.home}/sdk/go*"] if self.home else [])):
            folder, name = os.path.split(pattern)
            yield from _matching(Path(folder), name)
        for cache in self.module_caches():
            yield from _matching(cache / "golang.org", "toolchain@*")

    def _kept_settings(self) -> dict[str, str]:
        """What ``go env -w`` wrote."""
        settings = self._environment.get("XDG_CONFIG_HOME") or (f"{self.home}/.config" if self.home else "")
        path = self._environment.get("GOENV") or (f"{settings}/go/env" if settings else "off")
        with suppress(OSError, ValueError):
            if path != "off" and Path(path).is_file():
                with Path(path).open(encoding="utf-8", errors="replace") as file:
                    pairs = [line.partition("=") for line in file.read(_MAX_SETTINGS_BYTES).splitlines()]
                return {name.strip(): value.strip() for name, _, value in pairs}
        return {}


def fitting(installations: tuple[Installation, ...], release: str | None) -> list[Installation]:
    """The installations, those of this release first, then those of its minor release (``1.26``)."""
    wanted = (release or "").removeprefix("go").split(" ")[0]
    minor = ".".join(wanted.split(".")[:2])

    def distance(installation: Installation) -> int:
        if not wanted or installation.release == wanted:
            return 0
        return 1 if ".".join(installation.release.split(".")[:2]) == minor else 2

    return sorted(installations, key=distance)


def _matching(folder: Path, name: str) -> list[Path]:
    with suppress(OSError, ValueError):
        return sorted(folder.glob(name), reverse=True)
    return []


def _release(root: Path) -> str:
    with suppress(OSError, ValueError), (root / "VERSION").open("rb") as file:
        match = _RELEASE.match(file.read(100).decode("utf-8", "replace"))
        return match[1] if match else ""
    return ""


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False
