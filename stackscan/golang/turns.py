"""Channels that count places: a function sends to take one, and receives to give it back."""

from __future__ import annotations

from collections.abc import Iterator

from stackscan.golang.tree import Node, field, line_of, text, walk
from stackscan.golang.unit import Site, Unit


def taken_by(site: Site, unit: Unit) -> Node | None:
    """The send that each call of a function does before it comes to this receive from the same channel; None where
    there is a way around it. A call that has not begun cannot serve who waits in that send: it waits behind them."""
    if site.deed != "receive" or site.unit != unit.number or site.node.type != "unary_expression":
        return None
    channel = text(field(site.node, "operand"))
    body = unit.function.body
    if not channel or _is_replaced(channel, body):
        return None
    sends = (
        node for node in _statements(body) if node.type == "send_statement" and node.end_byte <= site.node.start_byte
    )
    return next((node for node in sends if text(field(node, "channel")) == channel), None)


def lost_at(site: Site, unit: Unit) -> list[int]:
    """The lines of the returns behind such a send that come before its receive: there the place is not given back."""
    taken = taken_by(site, unit)
    nodes = walk(unit.function.body, into_literals=False) if taken is not None else iter(())
    first = 0 if taken is None else taken.end_byte
    return [
        line_of(node)
        for node in nodes
        if node.type == "return_statement" and first <= node.start_byte < site.node.start_byte
    ]


def _statements(body: Node) -> Iterator[Node]:
    """The statements that run on every way through a function up to the first return."""
    for child in body.named_children:
        yield from child.named_children if child.type == "statement_list" else (child,)


def _is_replaced(channel: str, body: Node) -> bool:
    """Whether the function may put another object in a part of the expression, or jumps."""
    root = channel.partition(".")[0]
    for node in walk(body):
        if node.type == "goto_statement":
            return True
        if node.type in ("assignment_statement", "short_var_declaration"):
            names = (part.strip() for part in text(field(node, "left")).split(","))
            if any(name in (root, channel) or channel.startswith(name + ".") for name in names):
                return True
    return False
