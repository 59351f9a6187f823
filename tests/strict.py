"""The shipped JSON schemas without their room for what is new: no other fields, no other values of open lists."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from stackscan.render.json.schemas import schema


@cache
def strict(name: str) -> Any:
    """A validator that takes only fields that the schema names, and of an open list only the values that it names."""
    return Draft202012Validator(_closed(json.loads(schema(name))), format_checker=Draft202012Validator.FORMAT_CHECKER)


def misses(name: str, values: Any) -> list[str]:
    """The first five places where an output is not as its schema says."""
    return [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:300]}" for e in strict(name).iter_errors(values)][:5]


def _closed(node: Any) -> Any:
    if isinstance(node, list):
        return [_closed(each) for each in node]
    if not isinstance(node, dict):
        return node
    closed = {field: each if field in ("if", "then") else _closed(each) for field, each in node.items()}
    if isinstance(closed.get("properties"), dict) and closed.get("type") == "object":
        closed["additionalProperties"] = False
    if isinstance(closed.get("examples"), list):
        closed["enum"] = [*closed["examples"], None]  # null: as "type" says
    return closed
