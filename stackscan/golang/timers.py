"""Timers and tickers in the source: those that send nothing more."""

from __future__ import annotations

from typing import Final

from stackscan.golang.program import Program
from stackscan.golang.tree import Node, field, text
from stackscan.golang.unit import Site, Unit
from stackscan.golang.values import FOREIGN, Key

_LOOP: Final = "for_statement"


def timer_of(channel: Node, program: Program, unit: Unit) -> Key | None:
    """The timer or ticker whose channel an expression is (``t`` of ``t.C``), where the package makes it and keeps it;
    None for any other channel."""
    if channel.type != "selector_expression" or text(field(channel, "field")) != "C":
        return None
    operand = field(channel, "operand")
    key = None if operand is None else program.values(unit)(operand)
    if key is None or key == FOREIGN or program.escapes(key) or not _makers(key, program):
        return None
    return key


def why_silent(node: Node, channel: Node, key: Key, program: Program) -> str:
    """Why a timer sends nothing more, in words; empty where it may."""
    if is_stopped_here(node, channel):
        return "a stopped timer sends nothing"
    makers = _makers(key, program)
    once = all(text(field(maker, "function")) == "time.NewTimer" for maker in makers)
    loop = _loop_around(node)
    again = loop is None or any(_is_inside(maker, loop) for maker in makers)
    if once and not again and not _sites(key, "reset", program):
        return "a Timer fires once, and nothing resets this one"
    return ""


def stops_of(key: Key, program: Program) -> list[Site]:
    """Where a timer is stopped for good; none where something may start it again."""
    return [] if _sites(key, "reset", program) else _sites(key, "stop", program)


def is_stopped_here(node: Node, channel: Node) -> bool:
    """``if !t.Stop() { <-t.C }``: where this waits, the value was received before, and the timer sends no other one."""
    timer, _, name = text(channel).rpartition(".")
    above = node.parent
    while above is not None and above.type in ("expression_statement", "statement_list", "block"):
        above = above.parent
    if above is None or above.type != "if_statement" or name != "C":
        return False
    return text(field(above, "condition")) == f"!{timer}.Stop()"


def _makers(key: Key, program: Program) -> list[Node]:
    made = program.classes.facts(key).made
    return [origin.node for origin in made if text(field(origin.node, "function")).startswith("time.New")]


def _sites(key: Key, deed: str, program: Program) -> list[Site]:
    find = program.classes.find
    root = find(key)
    every = (site for unit in program.units.values() for site in unit.sites)
    return [site for site in every if site.deed == deed and find(site.key) == root]


def _loop_around(node: Node) -> Node | None:
    """The outermost loop around a node, or the loop that ranges over it."""
    found = None
    at: Node | None = node
    while at is not None and at.type not in ("func_literal", "function_declaration", "method_declaration"):
        found = at if at.type == _LOOP else found
        at = at.parent
    return found


def _is_inside(node: Node, outer: Node) -> bool:
    return outer.start_byte <= node.start_byte < outer.end_byte
