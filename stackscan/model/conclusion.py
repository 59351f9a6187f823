"""Conclusion: what the tool that printed a text proved about its goroutines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: The kind of an error that a program reported: no cause of anything that hangs.
LOGGED_ERROR: Final = "logged-error"


@dataclass(frozen=True, slots=True)
class Role:
    """The part of one goroutine: its row in ``Snapshot.rows``, and what it does or did (``writes``, ``holds the lock``;
    no names of the program).

    ``frame`` is the index of the frame to look at (None: it has none) in ``stack``, an index of ``Snapshot.stacks``:
    where the goroutine was at an earlier moment (None: the stack of its row).
    """

    row: int
    does: str
    frame: int | None = 0
    stack: int | None = None


@dataclass(frozen=True, slots=True)
class Conclusion:
    """One conclusion of a tool.

    ``kind`` is the cause that it names (``data-race``, ``leak``, ``lock-order-cycle`` …), ``tool`` who says so (``the
    race detector``), ``line`` the first line of its report (1-based), ``roles`` are the goroutines, the culprit first.
    ``says`` is its own sentence, ``variable`` what it is about, and ``test`` the test that printed it: these three may
    hold names of the program.
    """

    kind: str
    tool: str
    line: int
    roles: tuple[Role, ...]
    says: str = ""
    variable: str = ""
    test: str = ""
