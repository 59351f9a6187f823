"""Which rule a goroutine belongs to when several would claim it."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from typing import Final

from stackscan.errors import CatalogueError
from stackscan.rules.description import Rule

_ALL: Final = "*"


def in_order(rules: Sequence[Rule]) -> tuple[tuple[Rule, frozenset[str]], ...]:
    """The rules, each behind those that it yields to, and the names of those.

    A rule yields to what ``yields_to`` names and to all that those yield to; one that names ``*``, to every rule that
    does not. What extends a rule yields as that does. A healthy rule yields to every stuck one that does not yield to
    it. Raises CatalogueError for a circle.
    """
    by_name = {rule.name: rule for rule in rules}
    direct = {rule.name: _named(rule, by_name) for rule in rules}
    order = _sorted(direct)
    every: dict[str, set[str]] = {}
    for name in order:
        every[name] = direct[name].union(*(every[winner] for winner in direct[name]))
    stuck = {rule.name for rule in rules if rule.kind == "stuck"}
    for rule in rules:
        if rule.kind == "healthy":
            direct[rule.name] = every[rule.name] | {name for name in stuck if rule.name not in every[name]}
    return tuple((by_name[name], frozenset(every[name] | direct[name])) for name in _sorted(direct))


def _named(rule: Rule, by_name: dict[str, Rule]) -> set[str]:
    patterns = set(rule.yields_to)
    if rule.extends in by_name:
        patterns |= set(by_name[rule.extends].yields_to)
    others = [other for other in by_name.values() if other.name not in (rule.name, rule.extends)]
    found = {other.name for other in others for p in patterns - {_ALL} if fnmatchcase(other.name, p)}
    if _ALL in patterns:
        found |= {other.name for other in others if _ALL not in other.yields_to}
    return found


def _sorted(direct: dict[str, set[str]]) -> list[str]:
    try:
        return list(TopologicalSorter({name: sorted(winners) for name, winners in direct.items()}).static_order())
    except CycleError as error:
        circle = " → ".join(reversed(error.args[1]))
        raise CatalogueError(f"rules yield to each other in a circle: {circle}") from None
