"""Patterns of texts: wait reasons, causes, labels."""

from __future__ import annotations

import re
from functools import lru_cache

from stackscan.knowledge.language.globs import ANY, Glob


@lru_cache(maxsize=4096)
def _text_glob(pattern: str) -> Glob:
    return Glob(tuple(ANY if part.startswith("*") else part for part in re.split(r"(\*+)", pattern) if part))


def text_matches(pattern: str, text: str) -> bool:
    """Whether a pattern, in which ``*`` is anything, matches a text."""
    return pattern == text or ("*" in pattern and _text_glob(pattern).matches(text))
