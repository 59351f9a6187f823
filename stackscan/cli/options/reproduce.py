"""What the two commands of ``reproduce`` share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import typer

from stackscan.cli.options import units
from stackscan.errors import ModelError

if TYPE_CHECKING:
    from stackscan.reproduce.interrupt import Interrupt

#: The exit code of a run that Ctrl-C or SIGTERM ended.
INTERRUPTED: Final = 130


def duration(text: str | float) -> float:
    """Seconds of a duration as Go and people write it: ``10s``, ``1m30s``, ``300us``, ``0.5``; a default is in seconds.

    Raises BadParameter for anything else, and below zero.
    """
    if isinstance(text, float):
        return text
    with _told_by_typer():
        if (value := units.seconds(text)) >= 0:
            return value
    raise typer.BadParameter(f"{text!r} is not a duration: it is negative")


def share(text: str) -> float:
    """A share, written ``0.1`` or ``10%``. Raises BadParameter for anything else."""
    with _told_by_typer():
        return units.share(text)


@contextmanager
def _told_by_typer() -> Iterator[None]:
    """A number that is none is an error of the option that it was given to."""
    try:
        yield
    except ModelError as error:
        raise typer.BadParameter(f"{error}. {error.hint}") from None


def lasting(*names: str, default: str, tells: str) -> Any:
    """An option that takes a duration; ``default`` as it is written, or what stands for none."""
    tells = f"{tells} [default: {default}]"
    return typer.Option(*names, parser=duration, metavar="DURATION", help=tells, show_default=False)


@contextmanager
def stoppable() -> Iterator[Interrupt]:
    """Within it SIGINT and SIGTERM only ask to stop; a run that was asked leaves with exit code 130."""
    from stackscan.reproduce.interrupt import on_signals

    with on_signals() as interrupt:
        yield interrupt
        if interrupt.asked:
            raise typer.Exit(INTERRUPTED)
