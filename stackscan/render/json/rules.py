"""Rules and pools as one JSON object."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TextIO

from stackscan.knowledge.configuration import Configuration
from stackscan.knowledge.descriptions import Example
from stackscan.knowledge.pool import Pool
from stackscan.knowledge.rule import Rule
from stackscan.render.json.write import write


def render(
    rules: Iterable[Rule], pools: Iterable[Pool], out: TextIO, *, knowledge: Configuration, explained: bool
) -> None:
    """Write rules and pools, with their examples if they are to be explained."""
    del knowledge  # what is not asked for is not told
    values = {
        "schema": "stackscan.rules",
        "schema_version": 1,
        "rules": [_rule(rule, with_examples=explained) for rule in rules],
        "pools": [_pool(pool, with_examples=explained) for pool in pools],
    }
    write(values, out)


def _rule(rule: Rule, *, with_examples: bool) -> dict[str, Any]:
    values: dict[str, Any] = {
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
    }
    return values | ({"examples": [_example(example) for example in rule.examples]} if with_examples else {})


def _pool(pool: Pool, *, with_examples: bool) -> dict[str, Any]:
    values: dict[str, Any] = {
        "pool": pool.name,
        "title": pool.title,
        "worker": pool.expression,
        "states": [{"state": state.name, "idle": state.idle} for state in pool.states],
    }
    return values | ({"examples": [_example(example) for example in pool.examples]} if with_examples else {})


def _example(example: Example) -> dict[str, Any]:
    return {
        "flagged": example.flagged,
        "note": example.note,
        "source": example.source or None,
        "times": example.times,
        "text": example.text,
    }
