"""How a rule did on its examples, as one JSON object."""

from __future__ import annotations

from typing import TextIO

from stackscan.analysis.rule_trial import Trial
from stackscan.render.json.write import write


def render(found: Trial, out: TextIO) -> None:
    """Write it."""
    write(_values(found), out)


def _values(found: Trial) -> dict[str, object]:
    return {
        "rule": found.rule.name,
        "examples": found.examples,
        "misses": [
            {
                "example": miss.number,
                "note": miss.example.note or None,
                "flagged": miss.example.flagged,
                "reasons": [reason.strip() for reason in miss.reasons],
            }
            for miss in found.misses
        ],
    }
