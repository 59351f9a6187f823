"""Cause files: what a root cause is called, why it hangs a program, and how to fix it. The argument is code."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stackscan.knowledge.compiled import compiled
from stackscan.knowledge.examples import ExamplesIn
from stackscan.knowledge.language.syntax import And, Minutes
from stackscan.knowledge.rule import CLASSES, Rule, Severity

if TYPE_CHECKING:
    from stackscan.knowledge.descriptions import Table

_FOLDER: Final = Path(__file__).resolve().parent / "causes"
#: Matches no goroutine: a cause is argued from many goroutines at once (stackscan/analysis/causes).
_NOTHING: Final = And((Minutes(">", 1), Minutes("<", 1)))


@cache
def catalogue() -> tuple[Rule, ...]:
    """All root causes that are named, by name. Raises CatalogueError for a wrong file."""
    return compiled("causes", _FOLDER, _read_all, CLASSES)


def _read_all() -> tuple[Rule, ...]:
    from stackscan.knowledge.descriptions import read_files

    return tuple(sorted((_read(table) for table in read_files(_FOLDER)), key=lambda cause: cause.name))


def named(name: str) -> Rule:
    """The root cause of this name. Raises KeyError for one that has no file."""
    return {cause.name: cause for cause in catalogue()}[name]


def fix_of(name: str) -> str:
    """What to do about a root cause, in one line. Raises KeyError for one that has no file."""
    return " ".join(named(name).fix.split())


def _read(table: Table) -> Rule:
    cause = read_argued(table, "warning")
    table.finish()
    return cause


def read_argued(table: Table, severity: Severity) -> Rule:
    """The rule of a fault that code finds, not an expression: its name, title, why, fix and references."""
    title = table.text("title")
    return Rule(
        name=table.name(),
        kind="stuck",
        severity=severity,
        title=title,
        verdict=title,
        verdict_one="",
        why=table.text("why"),
        fix=table.text("fix"),
        references=table.texts("references"),
        when=_NOTHING,
        expression="",
        evidence_level="reproduced",
        affected=(),
        fixed="",
        noun="goroutines",
        pool=None,
        minor=(),
        extends=None,
        yields_to=(),
        shapes=(),
        companion=None,
        transports=(),
        read_examples=ExamplesIn(None),
    )
