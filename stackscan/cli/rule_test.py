"""``stackscan rules test FILE``."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from stackscan.cli.output import written
from stackscan.reporters.words import plain, plain_json, shortened
from stackscan.rules.trial import Miss, Trial, try_file


def test(file: Path, *, as_json: bool) -> None:
    """Try a rule file on its examples and say what misses. Raises typer.Exit with 1 when one does."""
    found = try_file(file)
    with written(None) as out:
        if as_json:
            out.write(plain_json(json.dumps(_values(found), indent=2, ensure_ascii=False)) + "\n")
        else:
            out.write("\n".join(_lines(found)) + "\n")
    if found.misses:
        raise typer.Exit(1)


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
