"""The commands of the program, each loaded when it is asked for: loading all took longer than most answers."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup
from typer.main import get_command

#: What all commands have in common.
SETTINGS: dict[str, Any] = {
    "add_completion": False,
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}


class Commands(MutableMapping[str, Any]):  # of typer's commands, whose class is hidden
    """The commands by name: ``NAME`` is the module ``stackscan.cli.NAME``, with a function ``command`` or, for a group
    of commands, an ``app``. To look at a name loads its module; to list the names loads none."""

    def __init__(self, about: dict[str, str]) -> None:
        """``about``: each name with one line of help."""
        self._about = about
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = _load(name, self._about[name])
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._about[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._about)

    def __len__(self) -> int:
        return len(self._about)

    def __contains__(self, name: object) -> bool:
        return name in self._about


@dataclass(frozen=True, slots=True)
class Completion:
    """A word that a shell may complete, with its line of help: what typer asks of such items."""

    value: str
    help: str


class Group(TyperGroup):
    """A group of commands that are loaded when they are asked for."""

    #: Each command with one line of help, in the order of the list.
    about: ClassVar[dict[str, str]]

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = Commands(self.about)

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # typer's own class of contexts
        """The names, in order."""
        del ctx
        return list(self.about)

    def shell_complete(self, ctx: typer.Context, incomplete: str) -> list[Any]:  # type: ignore[override]  # the same
        """The commands and options that begin like this. Typer's own function would load each command for its help."""
        named = [Completion(name, told) for name, told in self.about.items() if name.startswith(incomplete)]
        return [*named, *super(TyperGroup, self).shell_complete(ctx, incomplete)]

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]  # the same
        """Write what the commands do."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(self.about.items()))


def _load(name: str, about: str) -> Any:
    module = import_module(f"stackscan.cli.{name}")
    group: typer.Typer | None = getattr(module, "app", None)
    if group is None:
        group = typer.Typer(**SETTINGS)
        group.command(name, short_help=about)(module.command)
    loaded = get_command(group)
    loaded.short_help = about
    return loaded
