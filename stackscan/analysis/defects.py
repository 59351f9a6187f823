"""Finds the phase of each defect that a program is in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from stackscan.knowledge.defect import Defect, Phase
from stackscan.model.versions import read_version, satisfies


@dataclass(frozen=True, slots=True)
class Judgement:
    """The phase of one defect, its evidence (``github.com/ipfs/boxo v0.37.0``), and what contradicts it.

    ``contradicted_by`` are the rules whose findings do: then the build is not what its versions say. ``claim`` is the
    version that the program reports (``kubo 0.41.0``) and ``claimed`` the phase of that release, where it is another
    one: then this program was built with other modules.
    """

    defect: Defect
    phase: Phase
    basis: str
    contradicted_by: tuple[str, ...] = ()
    claim: str = ""
    claimed: Phase | None = None


def judge(
    defects: Iterable[Defect],
    *,
    modules: Mapping[str, str],
    kubo: str | None,
    pools: Iterable[str],
    caught: Iterable[str] = (),
) -> tuple[Judgement, ...]:
    """The phases by versions, of the defects whose pool the program has.

    ``modules`` come from frame paths; ``kubo`` is the version that the program reports, used only where no frame
    names a module that matters. ``caught`` are the rules that found something.
    """
    present, found = set(pools), set(caught)
    judgements = (_judge(defect, modules, kubo) for defect in defects if defect.pool in present)
    return tuple(
        replace(judgement, contradicted_by=tuple(rule for rule in judgement.phase.contradicted_by if rule in found))
        for judgement in judgements
        if judgement is not None
    )


def _judge(defect: Defect, modules: Mapping[str, str], kubo: str | None) -> Judgement | None:
    released = next((phase for phase in defect.phases if _meets(kubo, phase.kubo)), None)
    for phase in defect.phases:
        for alternative in phase.modules:
            if all(_meets(modules.get(module), constraint) for module, constraint in alternative.items()):
                basis = ", ".join(f"{module} {modules[module]}" for module in alternative)
                found = Judgement(defect, phase, basis)
                return found if released in (None, phase) else replace(found, claim=f"kubo {kubo}", claimed=released)
    return Judgement(defect, released, f"kubo {kubo}") if released else None


def _meets(text: str | None, constraint: str) -> bool:
    version = read_version(text) if text else None
    return version is not None and satisfies(version, constraint)
