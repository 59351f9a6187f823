"""Text from dumps as an answer may hold it: escaped, shortened, and in quotes where it stands in a sentence.

Function names, labels and messages come from strangers, and the reader of an answer is a language model. So what a dump
says is always recognisable as a quotation, and is short.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from stackscan.render.words import fit, plain

#: Characters of one text of a dump in an answer.
LONGEST: Final = 240
#: Items of a list in an answer.
MOST_ITEMS: Final = 20
#: Ids that a sentence names.
_NAMED_IDS: Final = 6


def escaped(text: str, most: int = LONGEST) -> str:
    """The text in one line of at most ``most`` characters: control and bidirectional characters as escapes, the middle
    of a long text left out."""
    short = fit(text, most)  # first: a text of a megabyte is not escaped as a whole
    return fit(plain(short).encode("utf-8", "backslashreplace").decode(), most)


def quoted(text: str, most: int = LONGEST) -> str:
    """The same in double quotes; those in it become single ones, so that it cannot leave them."""
    return f'"{escaped(fit(text, most).replace(chr(34), chr(39)), most)}"'


def safe(value: object, most: int = LONGEST) -> object:
    """A JSON value with every text escaped and shortened, and lists of at most MOST_ITEMS."""
    if isinstance(value, str):
        return escaped(value, most)
    if isinstance(value, Mapping):
        items = list(value.items())[: 2 * MOST_ITEMS]
        return {escaped(str(key), most): safe(each, most) for key, each in items}
    if isinstance(value, Sequence):
        return [safe(each, most) for each in value[:MOST_ITEMS]]
    return value


def listed(ids: Iterable[int], count: int) -> str:
    """``goroutines 326, 327 … (12)``, ``goroutine 330``; of ``count`` goroutines the first ids. Nothing for none."""
    few = list(ids)
    named = ", ".join(map(str, few[:_NAMED_IDS]))
    if not few:
        return ""
    if count == 1:
        return f"goroutine {named}"
    return f"goroutines {named}" + (f" … ({count:,})" if count > min(len(few), _NAMED_IDS) else "")
