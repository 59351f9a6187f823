"""Crash files: the ways in which a Go program dies, recognised by its last message, each with why and what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final, Literal

from stackscan.errors import CatalogueError
from stackscan.knowledge.cause import read_argued
from stackscan.knowledge.compiled import compiled
from stackscan.knowledge.rule import CLASSES, Rule

if TYPE_CHECKING:
    from stackscan.knowledge.descriptions import Table

CrashCause = Literal["crash", "test-timeout"]
_CAUSES: Final[tuple[CrashCause, ...]] = ("crash", "test-timeout")
_FOLDER: Final = Path(__file__).resolve().parent / "crashes"
#: What a sentence may say beside the groups of its pattern.
PLACEHOLDERS: Final = frozenset({"who", "where", "signal", "sent", "callee"})


@dataclass(frozen=True, slots=True)
class Form:
    """One spelling of a message: the ``pattern`` of one of its lines (a regular expression, matched from the line's
    beginning), and the sentence that ``says`` it. ``$who`` and ``$where`` are the goroutine that died and its place."""

    pattern: str
    says: str

    def match(self, line: str) -> re.Match[str] | None:
        """The match of the pattern at the beginning of a line. Few processes died: it is compiled when it is tried."""
        return _compiled(self.pattern).match(line)


@dataclass(frozen=True, slots=True)
class CrashKind:
    """One way to die. A ``generic`` one is tried after all others: it knows only how the message begins."""

    rule: Rule
    cause: CrashCause
    forms: tuple[Form, ...]
    generic: bool

    @property
    def name(self) -> str:
        """The name of its rule."""
        return self.rule.name

    def says(self, line: str) -> tuple[str, dict[str, str]] | None:
        """The sentence for a line of a message and the groups of its pattern; None where none matches."""
        for form in self.forms:
            if match := form.match(line):
                return form.says, {name: text for name, text in match.groupdict().items() if text is not None}
        return None


@cache
def catalogue() -> tuple[CrashKind, ...]:
    """All ways to die in the order in which they are tried; `crash` fits every message and is last.

    Raises CatalogueError for a wrong file.
    """
    return compiled("crashes", _FOLDER, _read_all, (*CLASSES, CrashKind, Form))


def _read_all() -> tuple[CrashKind, ...]:
    from stackscan.knowledge.descriptions import read_files

    kinds = (_read(table) for table in read_files(_FOLDER))
    return tuple(sorted(kinds, key=lambda kind: (kind.generic, kind.name == "crash", kind.name)))


def _read(table: Table) -> CrashKind:
    kind = CrashKind(
        rule=read_argued(table, "error"),
        cause=table.choice("cause", _CAUSES, "crash"),
        forms=tuple(_read_form(form) for form in table.tables("form")),
        generic=table.flag("generic"),
    )
    table.finish()
    if table.where != f"{kind.name}.toml":
        raise CatalogueError(f"{table.where}: the file of {kind.name!r} must be named {kind.name}.toml")
    if not kind.forms:
        table.missing("form")
    return kind


_compiled: Final = cache(re.compile)


def _read_form(table: Table) -> Form:
    try:
        pattern = re.compile(table.text("pattern"))
    except re.error as error:
        raise CatalogueError(f"{table.where}: 'pattern' is no regular expression: {error}") from error
    form = Form(pattern.pattern, table.text("says"))
    table.finish()
    unknown = set(Template(form.says).get_identifiers()) - PLACEHOLDERS - set(pattern.groupindex)
    if unknown:
        raise CatalogueError(f"{table.where}: 'says' has ${min(unknown)}, which is no group of 'pattern'")
    return form
