"""Options of commands that read sources: sources that show no secrets, and the time limit for addresses."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from stackscan.cli.options import option
from stackscan.cli.options.units import seconds

if TYPE_CHECKING:
    from stackscan.sources import Source

Timeout = Annotated[
    float | None,
    option(
        "Time limit for each http(s) address, like 10s or 500ms; what has arrived by then is read "
        "[default: 10s to connect, 60s of silence, 10m in all].",
        "--timeout",
        metavar="DURATION",
        parser=seconds,
    ),
]

Jobs = Annotated[
    int | None,
    option(
        "Processes that read SOURCEs at the same time [default: one a processor, when there is much to read].",
        "--jobs",
        "-j",
        min=1,
        max=256,
        metavar="N",
    ),
]

#: Objects from which on this program (``__main__``) looks for garbage among them, and those where it has one source: to
#: look through a hundred thousand stacks several times took a tenth of a report's time.
_OF_PROGRAM: Final = 100_000
_OF_ONE_SOURCE: Final = 1_000_000


def named(text: str) -> Source:
    """A SOURCE argument; its text shows no secret of an address."""
    from stackscan.sources import Source

    return Source(text)


def source_argument(tells: str, *, metavar: str = "SOURCE") -> Any:
    """The argument for sources; ``tells`` is its help."""
    return typer.Argument(metavar=metavar, parser=named, help=tells, show_default=False)


def within(sources: Iterable[str], timeout: float | None) -> list[Source]:
    """The sources with this time limit (seconds). Raises UsageError for a limit that is out of bounds."""
    from stackscan.sources import Source

    limited = [Source(each, timeout_seconds=timeout) for each in sources]
    young, middle, old = gc.get_threshold()
    if len(limited) == 1 and young == _OF_PROGRAM:  # what it is made into stays until the program ends
        gc.set_threshold(_OF_ONE_SOURCE, middle, old)
    return limited
