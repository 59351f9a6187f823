"""Draws docs/packages.md from the imports: the rooms of the package, their order, every module with its first line."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Final

import grimp

from helpers import ROOT

PACKAGE: Final = ROOT / "stackscan"
PAGE: Final = ROOT / "docs" / "packages.md"
#: Where the program and its Python interface begin: no rooms.
_DOORS: Final = frozenset({"__main__"})

Edges = frozenset[tuple[str, str]]


@cache
def rooms() -> tuple[str, ...]:
    """What lies at the top level of the package, each once."""
    names = {path.stem if path.suffix == ".py" else path.name for path in PACKAGE.iterdir() if not _is_hidden(path)}
    return tuple(sorted(names - {"__init__", *_DOORS}))


def _is_hidden(path: Path) -> bool:
    return path.name == "__pycache__" or (path.is_file() and path.suffix != ".py")


@cache
def imports() -> Edges:
    """Which room imports which."""
    graph = grimp.build_graph("stackscan")
    found = set()
    for room in rooms():
        below = graph.find_descendants(f"stackscan.{room}") | {f"stackscan.{room}"}
        for module in below:
            for imported in graph.find_modules_directly_imported_by(module):
                other = imported.split(".")[1] if "." in imported else ""
                if other in rooms() and other != room:
                    found.add((room, other))
    return frozenset(found)


def floors() -> list[list[str]]:
    """The rooms by floor: each on the lowest on which all that it imports lies below it. Raises ValueError for a
    circle."""
    left, done = set(rooms()), set[str]()
    found = []
    while left:
        floor = sorted(room for room in left if all(b in done for a, b in imports() if a == room))
        if not floor:
            raise ValueError(f"rooms import each other in a circle: {sorted(left)}")
        found.append(floor)
        done |= set(floor)
        left -= set(floor)
    return found


def needed() -> Edges:
    """The imports without those that follow from others: A → C where A → B → C."""
    edges = imports()
    reach = {room: _reach(room, edges) for room in rooms()}
    return frozenset((a, b) for a, b in edges if not any(c != b and b in reach[c] for other, c in edges if other == a))


def _reach(room: str, edges: Edges) -> frozenset[str]:
    found: set[str] = set()
    ahead = {room}
    while ahead:
        ahead = {b for a, b in edges if a in ahead} - found
        found |= ahead
    return frozenset(found)


def first_line(path: Path) -> str:
    """The first sentence of a module's docstring."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    paragraph = " ".join(text.split("\n\n")[0].split())
    return paragraph.replace("|", "\\|")


def page() -> str:
    """The page."""
    lines = [
        "# The rooms of the package",
        "",
        "Generated from the imports and the docstrings. An arrow reads “imports”; an import that follows from",
        "others is left out. Everything points down, and nothing in a circle.",
        "",
        "```mermaid",
        "flowchart TD",
        *(f"    {a} --> {b}" for a, b in sorted(needed())),
        "```",
        "",
        f"{len(rooms())} rooms on {len(floors())} floors:",
        "",
        "| floor | rooms |",
        "|--:|---|",
        *(f"| {n} | {', '.join(f'`{room}`' for room in floor)} |" for n, floor in reversed([*enumerate(floors(), 1)])),
        "",
    ]
    for floor in reversed(floors()):
        for room in floor:
            lines += _room(room)
    return "\n".join(lines).rstrip() + "\n"


def _room(room: str) -> list[str]:
    path = PACKAGE / room
    if not path.is_dir():
        path = path.with_suffix(".py")
        return [f"## {room}.py", "", first_line(path), ""]
    lines = [f"## {room}", "", first_line(path / "__init__.py"), "", "| module | is |", "|---|---|"]
    for module in sorted(path.rglob("*.py")):
        if module != path / "__init__.py" and (text := first_line(module)):
            name = module.relative_to(path).as_posix().removesuffix("/__init__.py")
            lines.append(f"| `{name}` | {text} |")
    return [*lines, ""]
