"""Finds the grammars, beside the package in a checkout and inside it in a wheel, and makes their parsers."""

from __future__ import annotations

import sys
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lark import Lark

_PACKAGE = Path(__file__).resolve().parents[1]


@cache
def grammar_text(name: str) -> str:
    """The text of ``grammars/NAME.lark``.

    A wheel carries the grammars inside the package; a checkout (or an editable install of it) keeps them beside it.
    The installed copy wins, and a checkout never has one, so neither can go stale.
    """
    for folder in (_PACKAGE / "grammars", _PACKAGE.parent / "grammars"):
        path = folder / f"{name}.lark"
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise FileNotFoundError(f"grammars/{name}.lark is missing from this installation; reinstall stackscan")


def parser(name: str, **options: Any) -> Lark:  # Lark's own options, which have many types
    """The LALR parser of ``grammars/NAME.lark``.

    Its tables, which take longer to make than a small dump to read, are kept where Python keeps what it compiles: in
    ``__pycache__``, if that can be written and Python may write there. Lark compares the grammar, the options and the
    versions before it uses them, and makes them anew when the file is damaged.
    """
    from lark import Lark

    compiled = Path(cache_from_source(str(_PACKAGE / f"{name}.lark"))).with_suffix(".lalr")
    kept = str(compiled) if compiled.exists() or not sys.dont_write_bytecode else False
    return Lark(grammar_text(name), parser="lalr", cache=kept, **options)
