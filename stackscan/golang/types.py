"""Types as far as locks need them: names, what they point to, what they hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stackscan.golang.tree import Node, field, text

Kind = Literal["named", "pointer", "list", "map", "chan", "func", "struct", "other"]


@dataclass(frozen=True, slots=True)
class Type:
    """A type: a ``named`` one (``Cache``, ``sync.Mutex``; its type arguments are left out), or one made of another
    (``elem``): a pointer, a slice or array, a map (its values), a channel."""

    kind: Kind
    name: str = ""
    elem: Type | None = None

    @property
    def bare(self) -> Type:
        """What it is or points to."""
        return self.elem.bare if self.kind == "pointer" and self.elem is not None else self


OTHER = Type("other")
_ELEMENT = {"slice_type": "list", "array_type": "list", "implicit_length_array_type": "list"}


def read_type(node: Node | None) -> Type:
    """The type that a node writes."""
    if node is None:
        return OTHER
    if node.type in ("type_identifier", "qualified_type"):
        return Type("named", text(node))
    if node.type == "generic_type":
        return read_type(field(node, "type"))
    if node.type in ("pointer_type", "parenthesized_type"):
        inner = next((child for child in node.children if child.is_named), None)
        return Type("pointer", elem=read_type(inner)) if node.type == "pointer_type" else read_type(inner)
    if node.type in _ELEMENT:
        return Type("list", elem=read_type(field(node, "element")))
    if node.type == "map_type":
        return Type("map", elem=read_type(field(node, "value")))
    if node.type == "channel_type":
        return Type("chan", elem=read_type(field(node, "value")))
    if node.type == "function_type":
        return Type("func", elem=read_result(field(node, "result")))
    return Type("struct") if node.type == "struct_type" else OTHER


def read_result(node: Node | None) -> Type:
    """The type of a function's first result."""
    if node is not None and node.type == "parameter_list":
        first = next((child for child in node.children if child.type == "parameter_declaration"), None)
        return read_type(field(first, "type"))
    return read_type(node)
