"""Finds the policy: the file that was named, or the ``[check]`` table of the nearest stackscan.toml."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

from stackscan.catalogue import Table, read_text
from stackscan.check.policy import Policy, read_policy
from stackscan.errors import CatalogueError, PolicyError

SETTINGS: Final = "stackscan.toml"


def find_policy(named: Path | None, *, rules: Collection[str], pools: Collection[str]) -> Policy:
    """The policy of a named file, else of the nearest stackscan.toml from here upwards, else the defaults.

    A named file is a stackscan.toml, or holds the keys of ``[check]`` by themselves. Raises PolicyError.
    """
    path = named or _nearest(Path.cwd())
    if path is None:
        return Policy()
    table = _read(path)
    check = table.table("check") if named is None or table.raw("check") is not None else table
    if check is None:
        return Policy()
    try:
        return read_policy(check, rules=rules, pools=pools)
    except CatalogueError as error:
        raise PolicyError(str(error)) from error


def _nearest(folder: Path) -> Path | None:
    """A stackscan.toml here or above, not above the repository's root."""
    for place in (folder, *folder.parents):
        if (place / SETTINGS).is_file():
            return place / SETTINGS
        if (place / ".git").exists():
            return None
    return None


def _read(path: Path) -> Table:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise PolicyError(f"{path} does not exist", hint="Give the path of a policy file.") from None
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise PolicyError(f"{path} cannot be read: {error}", hint="A policy is a TOML file in UTF-8.") from error
    try:
        return read_text(text, where=str(path))
    except CatalogueError as error:
        raise PolicyError(str(error), hint="The file is no valid TOML.") from error
