"""What the commands of the pool model print."""

from __future__ import annotations

from enum import StrEnum


class Output(StrEnum):
    """The outputs of ``pool``."""

    text = "text"
    json = "json"


def printed(values: object) -> str:
    """JSON values as one text. NaN and Infinity cannot occur; were one there, it would be an error, not output."""
    import json

    from stackscan.reporters.words import plain_json

    return plain_json(json.dumps(values, ensure_ascii=False, allow_nan=False, indent=1)) + "\n"
