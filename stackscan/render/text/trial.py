"""How a rule did on its examples, for a terminal or a pipe."""

from __future__ import annotations

from typing import TextIO

from stackscan.analysis.rule_trial import Miss, Trial
from stackscan.render.words import plain, shortened


def render(found: Trial, out: TextIO) -> None:
    """Write how many examples pass, and of each miss which condition decided it and on which frame."""
    out.write("\n".join(_lines(found)) + "\n")


def _lines(found: Trial) -> list[str]:
    name, count = found.rule.name, f"{found.examples} examples" if found.examples != 1 else "1 example"
    if not found.misses:
        return [f"✓ {name}: {count} pass"]
    missed = len(found.misses)
    lines = [f"✗ {name}: {missed} of {count} {'misses' if missed == 1 else 'miss'}"]
    for miss in found.misses:
        lines.append(
            f"  example {miss.number}{f' ({plain(miss.example.note)})' if miss.example.note else ''}: {_kind(miss)}"
        )
        lines += [f"    {plain(shortened(reason))}" for reason in miss.reasons]
    return lines


def _kind(miss: Miss) -> str:
    return "should be flagged but is not" if miss.example.flagged else "should not be flagged but is"
