"""The one door to tree-sitter: Go source becomes a tree of nodes with a type, fields and lines."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tree_sitter import Node, Parser
else:
    Node = Any  # the library is loaded when there is source to read

__all__ = ["Node", "field", "last_line_of", "line_of", "parse", "text", "walk"]


@cache
def _parser() -> Parser:
    import tree_sitter_go  # loaded when there is source to read
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_go.language()))


def parse(content: bytes) -> Node:
    """The tree of a file. Broken source gives nodes of type ERROR, never an exception."""
    return _parser().parse(content).root_node


def text(node: Node | None) -> str:
    """The source of a node; empty for none."""
    return "" if node is None or node.text is None else node.text.decode("utf-8", "replace")


def field(node: Node | None, name: str) -> Node | None:
    """A child by its name in the grammar."""
    return None if node is None else node.child_by_field_name(name)


def line_of(node: Node) -> int:
    """The first line of a node, 1-based."""
    return node.start_point[0] + 1


def last_line_of(node: Node) -> int:
    """The last line of a node, 1-based."""
    return node.end_point[0] + 1


def walk(node: Node, *, into_literals: bool = True) -> Iterator[Node]:
    """A node and all below it, in the order of the source; function literals are left out on demand."""
    stack = [node]
    while stack:
        found = stack.pop()
        yield found
        if into_literals or found.type != "func_literal" or found is node:
            stack.extend(reversed(found.children))
