"""Parsers of the grammars, which lie beside the package in a checkout and inside it in a wheel.

Lark stays in here: other modules give a text and get a tree, a pattern or None.
"""

from __future__ import annotations

import re
import sys
from functools import cache, cached_property
from importlib.util import cache_from_source, find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackscan.cache import fingerprint, kept

if TYPE_CHECKING:
    from lark import Lark, Token, Tree
    from typing_extensions import TypeIs

_PACKAGE = Path(__file__).resolve().parents[1]


@cache
def grammar_text(name: str) -> str:
    """The text of ``grammars/NAME.lark``."""
    return grammar_file(name).read_text(encoding="utf-8")


@cache
def grammar_file(name: str) -> Path:
    """The path of ``grammars/NAME.lark``. A wheel's own copy wins; a checkout never has one."""
    for folder in (_PACKAGE / "grammars", _PACKAGE.parent / "grammars"):
        path = folder / f"{name}.lark"
        if path.is_file():
            return path
    raise FileNotFoundError(f"grammars/{name}.lark is missing from this installation; reinstall stackscan")


def parser(name: str, **options: Any) -> Lark:  # Lark's own options, which have many types
    """The LALR parser of ``grammars/NAME.lark``.

    Making its tables takes longer than reading a small dump, so Lark caches them in ``__pycache__`` where Python may
    write there. Lark makes them anew when grammar, options or versions differ, or the file is damaged.
    """
    from lark import Lark

    compiled = Path(cache_from_source(str(_PACKAGE / f"{name}.lark"))).with_suffix(".lalr")
    kept = str(compiled) if compiled.exists() or not sys.dont_write_bytecode else False
    return Lark(grammar_text(name), parser="lalr", cache=kept, **options)


class Grammar:
    """The grammar in ``grammars/NAME.lark`` with its start rules; its parser is made on first use."""

    def __init__(self, name: str, start: str, **options: Any) -> None:
        self._name = name
        self._options = {"start": start.split(), "maybe_placeholders": False, **options}
        self._compiled: dict[str, re.Pattern[str]] = {}

    @cached_property
    def _parser(self) -> Lark:
        return parser(self._name, **self._options)

    def parse(self, text: str, start: str) -> Tree[Token] | None:
        """The tree of a text under a start rule; None where the grammar refuses it."""
        from lark.exceptions import LarkError

        try:
            return self._parser.parse(text, start=start)
        except LarkError:
            return None

    def terminal(self, name: str) -> re.Pattern[str]:
        """The regular expression of a terminal, to test many lines at once. Raises KeyError for an unknown name."""
        if name not in self._compiled:
            self._compiled[name] = re.compile(self._terminals[name])
        return self._compiled[name]

    @cached_property
    def _terminals(self) -> dict[str, str]:
        """The regular expressions of all terminals. They are kept on disk: Lark takes longer to load than most dumps to
        read."""
        key = f"{self._options['start']}\n{_sources()}"
        return kept(f"terminals-{self._name}", key, self._read_terminals)

    def _read_terminals(self) -> dict[str, str]:
        return {each.name: str(each.pattern.to_regexp()) for each in self._parser.terminals}


@cache
def _sources() -> str:
    """What terminals depend on: all grammars, for some import others, and Lark."""
    lark = find_spec("lark")
    own = () if lark is None or lark.origin is None else (lark.origin,)
    return fingerprint((grammar_file("symbol").parent, __file__, *own))


def tokens_of(tree: Tree[Token]) -> dict[str, str]:
    """The tokens directly below a node, by terminal name."""
    return {child.type: str(child) for child in tree.children if not is_tree(child)}


def subtrees_of(tree: Tree[Token]) -> list[Tree[Token]]:
    """The nodes directly below a node."""
    return [child for child in tree.children if is_tree(child)]


def is_tree(child: Token | Tree[Token]) -> TypeIs[Tree[Token]]:
    """Whether a child is a node. To import Lark for isinstance would cost as much as reading the child."""
    return hasattr(child, "data")
