"""Rules and pools in words: all in a list, or one explained with its examples."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import Final, TextIO

from stackscan.knowledge.configuration import Configuration
from stackscan.knowledge.examples import Example
from stackscan.knowledge.pool import Pool
from stackscan.knowledge.rule import Rule
from stackscan.render import words

_WIDTH: Final = 100
_WIDEST: Final = 140
_LEVELS: Final = {
    "reproduced": "seen in dumps of the real program",
    "issue": "quoted in a public issue, frame by frame",
    "source": "read in the program's source",
    "heuristic": "a heuristic: it may match something else",
}


def render(
    rules: Sequence[Rule], pools: Sequence[Pool], out: TextIO, *, knowledge: Configuration, explained: bool
) -> None:
    """Write rules and pools out of all that are known: in a list, or each explained with its examples."""
    width = min(shutil.get_terminal_size().columns, _WIDEST) if sys.stdout.isatty() else _WIDTH
    if not explained:
        list_text(rules, pools, knowledge.own, out, width)
        return
    for rule in rules:
        rule_text(rule, knowledge.rules, out, width)
    for pool in pools:
        pool_text(pool, out, width)


def list_text(rules: Sequence[Rule], pools: Sequence[Pool], own: frozenset[str], out: TextIO, width: int) -> None:
    """A line for each rule: stuck ones by severity, then healthy ones, then the pools."""
    for title, chosen in (
        ("error", [rule for rule in rules if rule.kind == "stuck" and rule.severity == "error"]),
        ("warning", [rule for rule in rules if rule.kind == "stuck" and rule.severity == "warning"]),
        ("info", [rule for rule in rules if rule.kind == "stuck" and rule.severity == "info"]),
        ("healthy: idle as expected", [rule for rule in rules if rule.kind == "healthy"]),
        ("pools", list(pools)),
    ):
        if chosen:
            out.write(f"{title}\n")
            names = max(len(entry.name) for entry in chosen)
            for entry in chosen:
                mark = " (yours)" if entry.name in own else ""
                lead = f"  {words.plain(entry.name):<{names}}  "
                out.write(_hanging(lead, words.plain(entry.title) + mark, width) + "\n")
    out.write("\nstackscan rules NAME explains one.\n")


def _hanging(lead: str, text: str, width: int) -> str:
    room = max(width - len(lead), 30)
    return textwrap.fill(text, len(lead) + room, initial_indent=lead, subsequent_indent=" " * len(lead))


def rule_text(rule: Rule, rules: Iterable[Rule], out: TextIO, width: int) -> None:
    """One rule as prose, with its examples."""
    healthy = rule.kind == "healthy"
    nature = "healthy: such goroutines are idle as expected" if healthy else rule.severity
    out.write(f"{words.plain(rule.name)}  ({nature})\n{words.plain(rule.title)}\n\n")
    _paragraph(out, "why", rule.why, width)
    _paragraph(out, "but" if healthy else "fix", rule.fix, width)
    _paragraph(out, "known", _LEVELS[rule.evidence_level], width)
    if rule.affected or rule.fixed:
        affected = ", ".join(map(str, rule.affected))
        fixed = f"fixed in {rule.fixed}" if rule.fixed else ""
        _paragraph(out, "versions", "; ".join(part for part in (affected, fixed) if part), width)
    if rule.minor:
        steps = [f"below {minor.below_share:.0%} of {rule.pool} it is {minor.severity}" for minor in rule.minor]
        _paragraph(out, "severity", "; ".join([rule.severity, *reversed(steps)]), width)
    _paragraph(out, "order", _precedence(rule, rules), width)
    _lines(out, "when", rule.expression)
    out.writelines(
        f"{'see' if place == 0 else '':<9} {words.plain(reference)}\n"
        for place, reference in enumerate(rule.references)
    )
    _examples(out, rule.examples, rule.name)


def pool_text(pool: Pool, out: TextIO, width: int) -> None:
    """One pool, with its examples."""
    out.write(f"{words.plain(pool.name)}  (pool)\n{words.plain(pool.title)}\n\n")
    states = [state.name + (" (free)" if state.idle else "") for state in pool.states]
    _paragraph(out, "states", ", ".join([*states, "other"]), width)
    _lines(out, "worker", pool.expression)
    _examples(out, pool.examples, pool.name)


def _precedence(rule: Rule, rules: Iterable[Rule]) -> str:
    parts = []
    if rule.extends:
        parts.append(f"adds detail to {rule.extends}")
    if rule.yields_to:
        named = ["all more specific rules" if name == "*" else name for name in rule.yields_to]
        parts.append(f"applies after {', '.join(named)}")
    by = [other.name for other in rules if rule.name in other.yields_to]
    if by:
        parts.append(f"applies before {', '.join(by)}")
    return "; ".join(parts)


def _paragraph(out: TextIO, label: str, text: str, width: int) -> None:
    if text:
        out.write(_hanging(f"{label:<9} ", words.plain(" ".join(text.split())), width) + "\n")


def _lines(out: TextIO, label: str, text: str) -> None:
    out.writelines(
        f"{label if place == 0 else '':<9} {words.plain(line)}\n"
        for place, line in enumerate(textwrap.dedent(text).strip().splitlines())
    )


def _examples(out: TextIO, examples: Iterable[Example], name: str) -> None:
    for example in examples:
        title = f"Flagged as {name}" if example.flagged else f"Not {name}"
        times = f", {example.times} of these" if example.times > 1 else ""
        source = f" [{example.source}]" if example.source else ""
        note = f": {example.note}" if example.note else ""
        out.write(f"\n{words.plain(title + times + note + source)}\n\n")
        out.writelines(
            ("    " + words.plain(line.replace("\t", "    "))).rstrip() + "\n" for line in example.text.splitlines()
        )
