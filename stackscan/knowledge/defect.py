"""Defect files: the phases of a defect by version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stackscan.errors import CatalogueError
from stackscan.knowledge.compiled import compiled
from stackscan.model.versions import Version, satisfies

if TYPE_CHECKING:
    from stackscan.knowledge.descriptions import Table

_FOLDER: Final = Path(__file__).resolve().parent / "defects"


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase: ``modules`` are alternatives, each a constraint on every module it names; ``kubo`` is one on the
    program's own version, for when no frame shows a module's. ``contradicted_by``: rules that cannot catch anything in
    this phase."""

    name: str
    says: str
    fixed: bool
    modules: tuple[Mapping[str, str], ...]
    kubo: str
    contradicted_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Defect:
    """A defect with phases, tried in order. It concerns programs that have workers of ``pool``."""

    name: str
    title: str
    pool: str
    fixed_in: str
    phases: tuple[Phase, ...]


@cache
def catalogue() -> tuple[Defect, ...]:
    """All that ship with stackscan. Raises CatalogueError for a wrong file."""
    return compiled("defects", _FOLDER, _read_all, (Defect, Phase))


def _read_all() -> tuple[Defect, ...]:
    from stackscan.knowledge.descriptions import read_files

    return tuple(_read(table) for table in read_files(_FOLDER))


def _read(table: Table) -> Defect:
    phases = tuple(_read_phase(entry) for entry in table.tables("phase"))
    defect = Defect(table.text("name"), table.text("title"), table.text("pool"), table.text("fixed_in"), phases)
    table.finish()
    return defect


def _read_phase(table: Table) -> Phase:
    alternatives = table.raw("modules")
    if not isinstance(alternatives, list) or not all(isinstance(entry, dict) for entry in alternatives):
        raise CatalogueError(f"{table.where}: 'modules' must be a list of tables")
    phase = Phase(
        table.text("name"),
        table.text("says"),
        table.flag("fixed"),
        tuple(alternatives),
        table.text("kubo"),
        table.texts("contradicted_by"),
    )
    table.finish()
    for constraint in (phase.kubo, *(text for entry in alternatives for text in entry.values())):
        _check(str(constraint), table.where)
    return phase


def _check(constraint: str, where: str) -> None:
    try:
        satisfies(Version((0, 0, 0)), constraint)
    except ValueError as error:
        raise CatalogueError(
            f"{where}: {constraint!r} is not a version constraint (such as '>=0.36.0 <0.39.0')"
        ) from error
