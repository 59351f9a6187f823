"""What shells offer as values of options and arguments (:mod:`stackscan.cli.terminal.completion`)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from stackscan.knowledge.configuration import Configuration


def rule_names(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """The rules and pools that begin like this, with the titles of those that ship with stackscan.

    zsh evaluates what it gets, and a stackscan.toml may come with a stranger's repository: its names have letters,
    digits and hyphens only, but its titles could hold anything.
    """
    from stackscan.knowledge.configuration import shipped

    ours, used = shipped(), _configuration(ctx.params.get("config"))
    titles = {rule.name: rule.title for rule in ours.every_rule} | {pool.name: pool.title for pool in ours.pools}
    names = ["test", *used.rule_names, *(pool.name for pool in used.pools)]
    return [(name, titles.get(name, "")) for name in names if name.startswith(incomplete)]


def _configuration(path: Path | None) -> Configuration:
    from stackscan.cli.options.configuration import configuration
    from stackscan.errors import StackscanError
    from stackscan.knowledge.configuration import shipped

    try:
        return configuration(path)
    except StackscanError:  # a prompt is no place for what is wrong with a file
        return shipped()


def schema_names(incomplete: str) -> list[str]:
    """The JSON schemas that begin like this."""
    from stackscan.render.json.schemas import names

    return [name for name in names() if name.startswith(incomplete)]
