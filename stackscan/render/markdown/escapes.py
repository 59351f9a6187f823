"""Text from strangers in Markdown: as text, as code, as a fenced block."""

from __future__ import annotations

import html
import re
from typing import Final

from stackscan.render import words

_MARKUP: Final = re.compile(r"([\\`*_\[\]|~!])")
#: What GitHub turns into links to people and issues; an empty comment behind the sign keeps it text.
_MENTION: Final = re.compile(r"([@#])(?=\w)")
#: The mark of a severity.
MARKS: Final = {"error": "🔴", "warning": "🟡", "info": "🔵", "ok": "🟢"}


def escaped(text: str) -> str:
    """Text as text: no Markdown, no HTML, no mention of a user."""
    return _MENTION.sub(
        r"\1<!-- -->", html.escape(_MARKUP.sub(r"\\\1", words.shortened(words.plain(text))), quote=False)
    )


def code(text: str) -> str:
    """A code span around any text: its fence is longer than any run of backticks inside."""
    text = words.shortened(words.plain(text))
    marks = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{marks}{pad}{text.replace('|', chr(0x2502))}{pad}{marks}"


def fence(text: str) -> str:
    """A fenced block of any text: its fence is longer than any run of backticks inside."""
    marks = "`" * max(3, max(map(len, re.findall("`+", text)), default=0) + 1)
    return f"{marks}\n{text}\n{marks}"
