"""Finds the data files that belong to the package: grammars beside it in a checkout, inside it in a wheel."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


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
