"""What a rule file says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal, get_args

from stackscan.catalogue import Example, Table, read_examples, read_files
from stackscan.errors import CatalogueError
from stackscan.match import AnyOf, read_when

Severity = Literal["error", "warning", "info"]
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
_FOLDER: Final = Path(__file__).resolve().parent / "catalogue"


@dataclass(frozen=True, slots=True)
class Kind:
    """A named pattern that sorts what a rule caught: a shape of the stall, a transport."""

    name: str
    when: AnyOf


@dataclass(frozen=True, slots=True)
class Minor:
    """Below which share of the pool's workers (0 to 1) a finding has which severity."""

    below_share: float
    severity: Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """A named stuck pattern.

    It catches goroutines whose stack matches ``when`` and that wait for ``min_wait_minutes`` or more. ``noun`` is what
    it counts ("workers"); ``shapes`` sort them by their own stack; ``companion`` describes goroutines that a caught one
    created and that belong to it (they are counted apart, never in it); ``transports`` sort by the caught goroutine's
    stack or, where that tells nothing, its companion's. A rule about a ``pool`` may be ``minor``: below that share of
    its workers the finding has another severity. It may ``extend`` another rule: what it catches, that one catches too,
    and says less of it. ``verdict`` is the first line of a report: ``$count``, ``$workers``
    (of ``pool``) and ``$minutes`` are filled in.
    """

    name: str
    severity: Severity
    title: str
    verdict: str
    why: str
    fix: str
    references: tuple[str, ...]
    when: AnyOf
    min_wait_minutes: int
    noun: str
    pool: str | None
    minor: Minor | None
    extends: str | None
    shapes: tuple[Kind, ...]
    companion: AnyOf | None
    transports: tuple[Kind, ...]
    examples: tuple[Example, ...]


@cache
def catalogue() -> tuple[Rule, ...]:
    """All rules that ship with stackscan, by name. Raises CatalogueError for a wrong file."""
    rules = tuple(read_rule(table) for table in read_files(_FOLDER))
    names = [rule.name for rule in rules]
    for name in names:
        if names.count(name) > 1:
            raise CatalogueError(f"two rule files are named {name!r}")
    return tuple(sorted(rules, key=lambda rule: rule.name))


def read_rule(table: Table) -> Rule:
    """One rule from its file's top table."""
    companion = table.raw("companion")
    title = table.text("title")
    rule = Rule(
        name=table.text("name"),
        severity=_severity(table),
        title=title,
        verdict=table.text("verdict", title),
        why=table.text("why"),
        fix=table.text("fix"),
        references=table.texts("references"),
        when=read_when(table.raw("when"), where=table.where),
        min_wait_minutes=table.number("min_wait_minutes", 0),
        noun=table.text("noun", "goroutines"),
        pool=table.text("pool", "-").removeprefix("-") or None,
        minor=_minor(table),
        extends=table.text("extends", "-").removeprefix("-") or None,
        shapes=_kinds(table, "shape"),
        companion=None if companion is None else read_when(companion, where=f"{table.where}, companion"),
        transports=_kinds(table, "transport"),
        examples=read_examples(table),
    )
    table.finish()
    return rule


def _severity(table: Table) -> Severity:
    text = table.text("severity")
    for severity in SEVERITIES:
        if text == severity:
            return severity
    raise CatalogueError(f"{table.where}: 'severity' must be one of {', '.join(SEVERITIES)}, not {text!r}")


def _minor(table: Table) -> Minor | None:
    entry = table.table("minor")
    if entry is None:
        return None
    minor = Minor(entry.share("below_share"), _severity(entry))
    entry.finish()
    return minor


def _kinds(table: Table, key: str) -> tuple[Kind, ...]:
    kinds = []
    for entry in table.tables(key):
        kinds.append(Kind(entry.text("name"), read_when(entry.raw("when"), where=entry.where)))
        entry.finish()
    return tuple(kinds)
