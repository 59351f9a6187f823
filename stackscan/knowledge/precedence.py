"""Which rule a goroutine belongs to when several would claim it."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Final

from stackscan.errors import CatalogueError
from stackscan.knowledge.rule import Rule

_ALL: Final = "*"


def in_order(rules: Sequence[Rule]) -> tuple[tuple[Rule, frozenset[str]], ...]:
    """The rules, each behind those that it yields to, and the names of those.

    A rule yields to what ``yields_to`` names and to all that those yield to; one that names ``*``, to every rule that
    does not. What extends a rule yields as that does. Neither holds for rules that name this one. A healthy
    rule yields to every stuck one that does not yield to it. Raises CatalogueError for a circle.
    """
    by_name = {rule.name: rule for rule in rules}
    named = {rule.name: _matching(rule, rule.yields_to, rules) for rule in rules}
    direct = {rule.name: named[rule.name] | _in_general(rule, by_name, named) for rule in rules}
    order = _sorted(direct)
    every: dict[str, set[str]] = {}
    for name in order:
        every[name] = direct[name].union(*(every[winner] for winner in direct[name]))
    stuck = {rule.name for rule in rules if rule.kind == "stuck"}
    for rule in rules:
        if rule.kind == "healthy":
            direct[rule.name] = every[rule.name] | {name for name in stuck if rule.name not in every[name]}
    return tuple((by_name[name], frozenset(every[name] | direct[name])) for name in _sorted(direct))


def _matching(rule: Rule, patterns: Iterable[str], rules: Iterable[Rule]) -> set[str]:
    """The other rules that patterns name."""
    names = [other.name for other in rules]
    found = {name for pattern in set(patterns) - {_ALL} for name in fnmatch.filter(names, pattern)}
    return found - {rule.name, rule.extends}


def _in_general(rule: Rule, by_name: Mapping[str, Rule], named: Mapping[str, set[str]]) -> set[str]:
    """What a rule yields to by ``*`` and by what it extends, except rules that name this one."""
    found = set(named.get(rule.extends or "", ()))
    if _ALL in rule.yields_to:
        found |= {other.name for other in by_name.values() if _ALL not in other.yields_to}
    return {name for name in found - {rule.name, rule.extends} if rule.name not in named[name]}


def _sorted(direct: dict[str, set[str]]) -> list[str]:
    try:
        return list(TopologicalSorter({name: sorted(winners) for name, winners in direct.items()}).static_order())
    except CycleError as error:
        circle = " → ".join(reversed(error.args[1]))
        raise CatalogueError(f"rules yield to each other in a circle: {circle}") from None
