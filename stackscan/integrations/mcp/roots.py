"""Which files a client may name: those below the folders that the user allowed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from stackscan.errors import SourceError
from stackscan.integrations.mcp.quoting import quoted
from stackscan.model.masking import masked_text

#: Addresses that are read when the network is allowed. Object storage would lend the user's keys to the client.
_WEB: Final = ("http://", "https://")


class Roots:
    """The folders below which sources lie, and whether addresses are read too."""

    def __init__(self, folders: Iterable[Path], *, allow_network: bool = False) -> None:
        self.folders = tuple(_folder(folder) for folder in folders)
        self.allow_network = allow_network

    def find(self, source: str) -> str:
        """The path of a source with its links resolved, or its address.

        A relative path is looked for in each folder, in order. Raises SourceError for anything outside, and for an
        address while the network is not allowed.
        """
        if "://" in source:
            return self._address(source)
        if not source or source == "-" or "\0" in source:
            raise SourceError(f"{quoted(source)} is no file", hint=self._hint())
        given = Path(source)
        if ".." in given.parts:
            raise SourceError(f"{quoted(source)} is refused: '..' may not be in a path", hint=self._hint())
        for folder in self.folders:
            found = _resolved(folder / given)
            if found is not None and any(found.is_relative_to(each) for each in self.folders):
                if not found.is_file() and not found.is_dir():  # to open a pipe may last for ever
                    raise SourceError(f"{quoted(source)} is neither a file nor a folder", hint=self._hint())
                return str(found)
        raise SourceError(f"{quoted(source)} is not below the folders that may be read", hint=self._hint())

    def _address(self, source: str) -> str:
        if not self.allow_network:
            raise SourceError(
                f"{quoted(masked_text(source))} is not read: the network is not allowed",
                hint="Name a file, or ask the user to start `stackscan mcp --allow-network`.",
            )
        if not source.lower().startswith(_WEB):
            raise SourceError(f"{quoted(masked_text(source))} is not read: only http and https are", hint=self._hint())
        return source

    def _hint(self) -> str:
        """Which folders there are."""
        return f"Sources lie below {', '.join(quoted(str(folder)) for folder in self.folders[:5])}."


def _folder(folder: Path) -> Path:
    found = _resolved(folder)
    if found is None or not found.is_dir():
        raise SourceError(f"--root {folder} is no folder", hint="Name a folder that holds dumps.")
    return found


def _resolved(path: Path) -> Path | None:
    """The path without links; None where there is nothing, or it may not be looked at."""
    try:
        return path.resolve(strict=True)
    except (OSError, RuntimeError, ValueError):  # RuntimeError: a circle of links
        return None
