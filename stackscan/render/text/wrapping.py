"""Paragraphs of any characters in lines of so many columns: rich knows how wide each is."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text


def wrapped_by_rich(text: str, width: int) -> list[str]:
    """The lines of a paragraph that is this many columns wide, without blanks at their ends."""
    lines = Text(text).wrap(Console(width=width, file=None), width)
    return [line.plain.rstrip() for line in lines]
