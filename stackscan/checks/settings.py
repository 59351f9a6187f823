"""Finds the policy: the file that was named, or the ``[check]`` table of stackscan.toml."""

from __future__ import annotations

from pathlib import Path

from stackscan.checks.leaks import LEAK
from stackscan.checks.policy import Policy, read_policy
from stackscan.errors import CatalogueError, PolicyError
from stackscan.knowledge.configuration import Configuration
from stackscan.knowledge.descriptions import Table, read_text, toml_trouble


def find_policy(named: Path | None, configuration: Configuration) -> Policy:
    """The policy of a named file, else of the ``[check]`` table of stackscan.toml, else the defaults.

    A named file is a stackscan.toml, or holds the keys of ``[check]`` by themselves. Raises PolicyError.
    """
    table = configuration.top if named is None else _read(named)
    if table is None:
        return Policy()
    check = table.table("check") if named is None or table.raw("check") is not None else table
    if check is None:
        return Policy()
    try:
        return read_policy(
            check,
            rules=(*configuration.rule_names, LEAK),
            pools=[pool.name for pool in configuration.pools],
        )
    except CatalogueError as error:
        raise PolicyError(str(error)) from error


def _read(path: Path) -> Table:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise PolicyError(f"{path} does not exist", hint="Give the path of a policy file.") from None
    except OSError as error:
        raise PolicyError(
            f"{path} cannot be read: {error.strerror or error}", hint="Give the path of a policy file."
        ) from error
    except UnicodeDecodeError as error:
        raise PolicyError(f"{path}: {toml_trouble(error)}", hint="A policy is a TOML file in UTF-8.") from error
    try:
        return read_text(text, where=str(path))
    except CatalogueError as error:
        raise PolicyError(str(error), hint="The file is not valid TOML.") from error
