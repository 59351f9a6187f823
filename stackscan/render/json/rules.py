"""Rules and pools as one JSON object."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, TextIO

from stackscan.knowledge.configuration import Configuration
from stackscan.knowledge.pool import Pool
from stackscan.knowledge.rule import Rule
from stackscan.render.json.write import write


def render(
    rules: Iterable[Rule], pools: Iterable[Pool], out: TextIO, *, knowledge: Configuration, explained: bool
) -> None:
    """Write rules and pools, with their examples if they are to be explained."""
    del knowledge  # only the text names it
    values = {
        "schema": "stackscan.rules",
        "schema_version": 1,
        "rules": [_rule(rule, with_examples=explained) for rule in rules],
        "pools": [_pool(pool, with_examples=explained) for pool in pools],
    }
    write(values, out)


def _rule(rule: Rule, *, with_examples: bool) -> dict[str, Any]:
    return {
        "rule": rule.name,
        "kind": rule.kind,
        "severity": rule.severity,
        "title": rule.title,
        "why": rule.why,
        "fix": rule.fix,
        "when": rule.expression,
        "evidence_level": rule.evidence_level,
        "affected": [str(entry) for entry in rule.affected],
        "fixed": rule.fixed or None,
        "references": list(rule.references),
        "pool": rule.pool,
        "extends": rule.extends,
        "yields_to": list(rule.yields_to),
        **_examples(rule, with_examples),
    }


def _pool(pool: Pool, *, with_examples: bool) -> dict[str, Any]:
    return {
        "pool": pool.name,
        "title": pool.title,
        "worker": pool.expression,
        "states": [{"state": state.name, "idle": state.idle} for state in pool.states],
        **_examples(pool, with_examples),
    }


def _examples(description: Rule | Pool, wanted: bool) -> dict[str, Any]:
    """The examples under their key, where they are wanted: only then are they read."""
    if not wanted:
        return {}
    return {"examples": [asdict(example) | {"source": example.source or None} for example in description.examples]}
