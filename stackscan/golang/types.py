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
    inner = next((child for child in node.children if child.is_named), None)
    if node.type in _ELEMENT:
        return Type("list", elem=read_type(field(node, "element")))
    return {
        "generic_type": lambda: read_type(field(node, "type")),
        "parenthesized_type": lambda: read_type(inner),
        "pointer_type": lambda: Type("pointer", elem=read_type(inner)),
        "map_type": lambda: Type("map", elem=read_type(field(node, "value"))),
        "channel_type": lambda: Type("chan", elem=read_type(field(node, "value"))),
        "function_type": lambda: Type("func", elem=read_result(field(node, "result"))),
        "struct_type": lambda: Type("struct"),
    }.get(node.type, lambda: OTHER)()


def read_result(node: Node | None) -> Type:
    """The type of a function's first result."""
    if node is not None and node.type == "parameter_list":
        first = next((child for child in node.children if child.type == "parameter_declaration"), None)
        return read_type(field(first, "type"))
    return read_type(node)
