"""The examples of a description: dumps in which it must find something, and dumps in which it must not."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stackscan.errors import CatalogueError

if TYPE_CHECKING:
    from stackscan.knowledge.descriptions import Table

_OWN_ID: Final = re.compile(r"^goroutine (\d+)(?= )", re.MULTILINE)
_CREATOR_ID: Final = re.compile(r"(?<= in goroutine )(\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Example:
    """A dump and whether the description must find something in it. Each is run as a test.

    ``source`` says where the text is from (empty: written for the rule); its goroutines stand for ``times`` as many.
    """

    flagged: bool
    text: str
    note: str
    source: str = ""
    times: int = 1

    @property
    def dump(self) -> str:
        """The text with its goroutines repeated, no two with one id."""
        ids = [int(number) for number in _OWN_ID.findall(self.text)]
        step = max(ids, default=0) + 1
        own = {str(number) for number in ids}

        def moved(by: int) -> str:
            text = _OWN_ID.sub(lambda match: f"goroutine {int(match[1]) + by}", self.text)
            return _CREATOR_ID.sub(lambda match: str(int(match[1]) + by) if match[1] in own else match[1], text)

        return "".join(f"{moved(step * turn) if turn else self.text}\n" for turn in range(self.times))


@dataclass(frozen=True, slots=True)
class ExamplesIn:
    """Reads the examples of a file that ships when it is called; None: there are none."""

    path: str | None
    needed: bool = False

    def __call__(self) -> tuple[Example, ...]:
        """The examples. Raises CatalogueError when one kind is missing."""
        return () if self.path is None else _examples_in(self.path, needed=self.needed)


@cache
def _examples_in(file: str, *, needed: bool) -> tuple[Example, ...]:
    from stackscan.knowledge.descriptions import read_head

    path = Path(file)
    return read_examples(read_head(path.read_text(encoding="utf-8"), where=path.name).whole(), needed=needed)


def examples_reader(table: Table, *, needed: bool) -> Callable[[], tuple[Example, ...]]:
    """What reads the examples of a description: they are read now if they are there, else when it is called."""
    table.raw("example")
    if table.path is not None:
        return ExamplesIn(str(table.path), needed)
    read = cache(lambda: read_examples(table.whole(), needed=needed))
    if table.is_whole:
        read()
    return read


def read_examples(table: Table, *, needed: bool = True) -> tuple[Example, ...]:
    """The ``[[example]]`` tables of a description; ``needed``: at least one flagged and one not."""
    examples = []
    for entry in table.tables("example"):
        flagged, times = entry.flag("flagged"), entry.number("times", 1)
        examples.append(Example(flagged, entry.text("text"), entry.text("note", ""), entry.text("source", ""), times))
        entry.finish()
    if needed and {example.flagged for example in examples} != {True, False}:
        table.refuse_misspelt("example")
        raise CatalogueError(f"{table.where}: needs an example that is flagged and one that is not")
    return tuple(examples)
