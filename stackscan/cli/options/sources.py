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
        "Time limit for each address or object, like 10s or 500ms; what http(s) has sent by then is read "
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

NoNetwork = Annotated[
    bool,
    typer.Option("--no-network", help="Refuse every SOURCE that is an address; STACKSCAN_NO_NETWORK=1 does the same."),
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


def within(sources: Iterable[str], timeout: float | None, no_network: bool) -> list[Source]:
    """The sources with this time limit (seconds), those that a pattern of files stands for instead of it.

    Raises UsageError for a limit that is out of bounds, SourceError for a pattern that matches nothing, and for an
    address where the network is forbidden.
    """
    from stackscan.sources import Source

    limited = [Source(each, timeout_seconds=timeout) for each in sources]
    if no_network or any("://" in each for each in limited):
        from stackscan.sources import network

        if no_network:
            network.forbid()
        for each in limited:
            network.check(each)
    if any("*" in each for each in limited):
        from stackscan.sources.globs import expanded

        limited = [found for each in limited for found in expanded(each)]
    young, middle, old = gc.get_threshold()
    if len(limited) == 1 and young == _OF_PROGRAM:  # what it is made into stays until the program ends
        gc.set_threshold(_OF_ONE_SOURCE, middle, old)
    return limited


def one_within(source: str, timeout: float | None, no_network: bool) -> Source:
    """The same of one source. Raises UsageError for a pattern that matches several files."""
    found = within([source], timeout, no_network)
    if len(found) > 1:
        from stackscan.errors import UsageError

        raise UsageError(f"{source} matches {len(found):,} files", hint=f"Give one of them: {found[0]}, for example.")
    return found[0]
