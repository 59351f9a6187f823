"""A bug to plant, so that the harness can prove that it finds one: see docs/fuzzing.md.

It sits behind the readers: it bites when a name that a reader brought out of an input (of a function, of a member of an
archive, of a key) holds a word that no seed holds. Each letter is compared by itself, so that only a fuzzer which keeps
inputs that reach new code gets there in a few thousand runs.
"""

from __future__ import annotations

from collections.abc import Iterable


class PlantedBugError(Exception):
    """The harness found the bug that was planted for it."""


def bite(names: Iterable[str]) -> None:
    """Raise PlantedBugError for a name with the word in it."""
    for name in names:
        _compare(name, name.find("Q"))


def _compare(name: str, at: int) -> None:
    if at < 0 or len(name) < at + 3:
        return
    if name[at + 1] == "x":
        if name[at + 2] == "7":
            raise PlantedBugError(name)
