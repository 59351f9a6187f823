"""Rule files: descriptions of patterns that are stuck, or idle as expected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, get_args

from stackscan.errors import CatalogueError
from stackscan.knowledge.compiled import compiled
from stackscan.knowledge.examples import Example, examples_reader
from stackscan.knowledge.language import Expression, Kind, read_expression, read_kinds
from stackscan.model.versions import Version, satisfies

if TYPE_CHECKING:
    from stackscan.knowledge.descriptions import Table

Severity = Literal["error", "warning", "info"]
Nature = Literal["stuck", "healthy"]
EvidenceLevel = Literal["reproduced", "issue", "source", "heuristic"]
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
_NATURES: Final[tuple[Nature, ...]] = get_args(Nature)
_LEVELS: Final[tuple[EvidenceLevel, ...]] = get_args(EvidenceLevel)
_FOLDER: Final = Path(__file__).resolve().parent / "rules"


@dataclass(frozen=True, slots=True)
class Affected:
    """Versions of a module (``go``: of Go itself) that have the defect: ``>=0.25.0 <0.39.0-0``."""

    module: str
    constraint: str

    def __str__(self) -> str:
        return f"{self.module} {self.constraint}"


@dataclass(frozen=True, slots=True)
class Minor:
    """Severity, title and verdict of a finding below this share of the pool's workers (0 to 1)."""

    below_share: float
    severity: Severity
    title: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A named pattern of goroutines that are stuck, or idle as expected (``kind``).

    It catches goroutines of which ``when`` is true (``expression`` is its text). ``noun`` is what it counts
    ("workers"); ``shapes`` sort them; ``companion`` describes goroutines that a caught one created and that belong
    to it (they are counted apart, never in it); ``transports`` sort by the caught goroutine or, where that tells
    nothing, its companion. A rule about a ``pool`` may be ``minor``: below some shares of its workers, the smallest
    first, the finding has another severity. It may ``extend`` another rule: what it catches, that one catches too,
    and says less of it; and it may yield to others (:mod:`stackscan.knowledge.precedence`). ``evidence_level`` says how
    the pattern is known, ``affected`` and ``fixed`` in which versions the defect is. ``verdict`` is the first line
    of a report: ``$count``, ``$workers`` (of ``pool``) and ``$minutes`` are filled in; ``verdict_one`` is the same
    for a single goroutine, where the words must change. A ``symptom`` describes a pile-up, whatever made it: where its
    root cause is found, it is evidence for that. A rule that repeats what the runtime proved may name the ``cause``
    of what nothing else explains.
    """

    name: str
    kind: Nature
    severity: Severity
    title: str
    verdict: str
    verdict_one: str
    why: str
    fix: str
    references: tuple[str, ...]
    when: Expression
    expression: str
    evidence_level: EvidenceLevel
    affected: tuple[Affected, ...]
    fixed: str
    noun: str
    pool: str | None
    minor: tuple[Minor, ...]
    extends: str | None
    yields_to: tuple[str, ...]
    shapes: tuple[Kind, ...]
    companion: Expression | None
    transports: tuple[Kind, ...]
    read_examples: Callable[[], tuple[Example, ...]] = field(repr=False, compare=False)
    symptom: bool = False
    cause: str | None = None

    @property
    def examples(self) -> tuple[Example, ...]:
        """Dumps that it must flag and dumps that it must not. Raises CatalogueError when one kind is missing."""
        return self.read_examples()


#: What a rule consists of, beside expressions.
CLASSES: Final = (Rule, Kind, Minor, Affected)


@cache
def catalogue() -> tuple[Rule, ...]:
    """All rules that ship with stackscan, by name. Raises CatalogueError or ExpressionError for a wrong file."""
    return compiled("rules", _FOLDER, _read_all, CLASSES)


def _read_all() -> tuple[Rule, ...]:
    from stackscan.knowledge.descriptions import read_catalogue

    return read_catalogue(_FOLDER, read_rule)


def read_rule(table: Table, *, examples_needed: bool = True) -> Rule:
    """One rule from its table."""
    title = table.text("title")
    nature = table.choice("kind", _NATURES, "stuck")
    companion = None if table.raw("companion") is None else read_expression(table, "companion")
    rule = Rule(
        name=table.name(),
        kind=nature,
        severity=table.choice("severity", SEVERITIES, "info" if nature == "healthy" else None),
        title=title,
        verdict=table.text("verdict", title),
        verdict_one=table.text("verdict_one", ""),
        why=table.text("why"),
        fix=table.text("fix"),
        references=table.texts("references"),
        when=read_expression(table),
        expression=table.text("when"),
        evidence_level=table.choice("evidence_level", _LEVELS, "heuristic"),
        affected=read_affected(table),
        fixed=table.text("fixed", ""),
        noun=table.text("noun", "goroutines"),
        pool=table.text("pool", "") or None,
        minor=_minor(table, title, table.text("verdict", title)),
        extends=table.text("extends", "") or None,
        yields_to=table.texts("yields_to"),
        shapes=read_kinds(table, "shape"),
        companion=companion,
        transports=read_kinds(table, "transport"),
        read_examples=examples_reader(table, needed=examples_needed),
        symptom=table.flag("symptom"),
        cause=table.text("cause", "") or None,
    )
    table.finish()
    if rule.kind == "healthy" and rule.severity != "info":
        raise CatalogueError(f"{table.where}: a healthy rule has the severity 'info', not {rule.severity!r}")
    return rule


def _minor(table: Table, title: str, verdict: str) -> tuple[Minor, ...]:
    entries = table.tables("minor") if isinstance(table.raw("minor"), list) else (table.table("minor"),)
    minor = sorted(
        (_read_minor(entry, title, verdict) for entry in entries if entry is not None),
        key=lambda step: step.below_share,
    )
    if minor and table.raw("pool") is None:
        raise CatalogueError(f"{table.where}: 'minor' is a share of a pool's workers: 'pool' is missing")
    if len({step.below_share for step in minor}) < len(minor):
        raise CatalogueError(f"{table.where}: two 'minor' tables have the same 'below_share'")
    return tuple(minor)


def _read_minor(entry: Table, title: str, verdict: str) -> Minor:
    own = entry.text("title", title)
    minor = Minor(
        below_share=entry.share("below_share"),
        severity=entry.choice("severity", SEVERITIES),
        title=own,
        verdict=entry.text("verdict", verdict if own == title else own),
    )
    entry.finish()
    return minor


def read_affected(table: Table) -> tuple[Affected, ...]:
    """``affected = ["github.com/ipfs/boxo >=0.25.0 <0.39.0-0"]``. Raises CatalogueError for what is no constraint."""
    found = []
    for text in table.texts("affected"):
        module, _, constraint = text.strip().partition(" ")
        try:
            satisfies(Version((0, 0, 0)), constraint)
        except ValueError:
            raise CatalogueError(
                f"{table.where}: 'affected' must name a module (or go) and versions, as in "
                f"'github.com/ipfs/boxo >=0.25.0 <0.39.0-0', not {text!r}"
            ) from None
        found.append(Affected(module, constraint.strip()))
    return tuple(found)
