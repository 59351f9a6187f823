"""Which formats sum goroutines up, and what each format tells: the one list that all others ask."""

from __future__ import annotations

from typing import Final

#: The format that tells most: states, ids, creators, arguments.
TEXT: Final = "goroutine-text"
#: Stacks in events and logs, each of another moment; and those that a person wrote.
EVENTS: Final = "stack-events"
QUOTED: Final = "quoted-stacks"
#: Formats that sum equal goroutines up, those first that tell more: files and lines, then functions.
COUNTED: Final = ("goroutine-pprof", "pprof-text", "goroutine-counts")
#: Of these, the formats that show the runtime's own frames, whose innermost says what a goroutine waits for.
WITH_RUNTIME_FRAMES: Final = frozenset({"goroutine-pprof", "pprof-text"})


def is_counted(name: str) -> bool:
    """Whether a row of this format may stand for many goroutines, without ids, states and creators."""
    return name in COUNTED


def worth(name: str) -> int:
    """The place of a format among all, 0 for the one that tells most; where one view is wanted, it is that with the
    lowest. Formats of tools that list goroutines one by one come between full text and counts."""
    return 0 if name == TEXT else 2 + COUNTED.index(name) if is_counted(name) else 1
