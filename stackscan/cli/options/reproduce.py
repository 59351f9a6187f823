"""Options of the ``reproduce`` commands, and how they are stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import typer

from stackscan.cli.options import option, units
from stackscan.errors import ModelError

if TYPE_CHECKING:
    from stackscan.reproduce.interrupt import Interrupt

#: The exit code of a run that Ctrl-C or SIGTERM ended.
INTERRUPTED: Final = 130


def duration(text: str | float) -> float:
    """A duration of 0 or more in seconds, as :func:`units.seconds` reads it.

    Raises BadParameter for anything else.
    """
    if isinstance(text, float):
        return text
    with _as_usage_error():
        if (value := units.seconds(text)) >= 0:
            return value
    raise typer.BadParameter(f"{text!r} is not a duration: it is negative")


def share(text: str) -> float:
    """A share, written ``0.1`` or ``10%``. Raises BadParameter for anything else."""
    with _as_usage_error():
        return units.share(text)


@contextmanager
def _as_usage_error() -> Iterator[None]:
    """Turn ModelError into the usage error of the option that was given."""
    try:
        yield
    except ModelError as error:
        raise typer.BadParameter(f"{error}. {error.hint}") from None


def lasting(*names: str, default: str, tells: str) -> Any:
    """An option that takes a duration; ``default`` as it is written, or what stands for none."""
    return option(f"{tells} [default: {default}]", *names, parser=duration, metavar="DURATION")


@contextmanager
def stoppable() -> Iterator[Interrupt]:
    """Within it SIGINT and SIGTERM only request a stop; a run that was stopped leaves with exit code 130."""
    from stackscan.reproduce.interrupt import on_signals

    with on_signals() as interrupt:
        yield interrupt
        if interrupt.requested:
            raise typer.Exit(INTERRUPTED)
