"""A bug to plant, so that the harness can prove that it finds one: see docs/fuzzing.md.

It sits behind the readers: it bites when the names that a reader brought out of one input (of functions, of members of
an archive) hold two letters that no seed holds. Either alone is one change in many thousands, both at once are out of
reach: only a fuzzer that keeps an input for the new code it reaches, and goes on from there, finds it.
"""

from __future__ import annotations

from collections.abc import Iterable


class PlantedBugError(Exception):
    """The harness found the bug that was planted for it."""


def bite(names: Iterable[str]) -> None:
    """Raise PlantedBugError when both letters are there."""
    text = "".join(names)
    if "~" in text:
        _second(text)


def _second(text: str) -> None:
    if "^" in text:
        raise PlantedBugError(text[:80])
