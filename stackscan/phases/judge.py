"""Finds the phase of a program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from stackscan.phases.description import Defect, Phase
from stackscan.phases.version import read_version, satisfies


@dataclass(frozen=True, slots=True)
class Judgement:
    """The phase of one defect, what tells it (``github.com/ipfs/boxo v0.37.0``), and the rules whose findings
    contradict it: then the build is not what its versions say."""

    defect: Defect
    phase: Phase
    basis: str
    contradicted_by: tuple[str, ...] = ()


def judge(
    defects: Iterable[Defect],
    *,
    modules: Mapping[str, str],
    kubo: str | None,
    pools: Iterable[str],
    caught: Iterable[str] = (),
) -> tuple[Judgement, ...]:
    """The phases that the versions tell, for the defects whose pool is there.

    ``modules`` come from frame paths and are the truth; ``kubo`` is the program's word for itself, asked only when no
    frame names a module that matters. ``caught`` are the rules that found something.
    """
    present, found = set(pools), set(caught)
    judged = (_judge(defect, modules, kubo) for defect in defects if defect.pool in present)
    return tuple(
        replace(judgement, contradicted_by=tuple(rule for rule in judgement.phase.contradicted_by if rule in found))
        for judgement in judged
        if judgement is not None
    )


def _judge(defect: Defect, modules: Mapping[str, str], kubo: str | None) -> Judgement | None:
    for phase in defect.phases:
        for alternative in phase.modules:
            if all(_meets(modules.get(module), constraint) for module, constraint in alternative.items()):
                basis = ", ".join(f"{module} {modules[module]}" for module in alternative)
                return Judgement(defect, phase, basis)
    matching = (phase for phase in defect.phases if _meets(kubo, phase.kubo))
    return next((Judgement(defect, phase, f"kubo {kubo}") for phase in matching), None)


def _meets(text: str | None, constraint: str) -> bool:
    version = read_version(text) if text else None
    return version is not None and satisfies(version, constraint)
