"""``stackscan reproduce``: the two reproducers of boxo #1142, and what their commands share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final, TextIO

import typer

from stackscan.cli import units
from stackscan.errors import ModelError

if TYPE_CHECKING:
    from stackscan.reproducer.interrupt import Interrupt

#: The exit code of a run that Ctrl-C or SIGTERM ended.
INTERRUPTED: Final = 130


class Output(StrEnum):
    """The outputs of ``reproduce``."""

    text = "text"
    json = "json"


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


Format = Annotated[Output, typer.Option("--format", "-f", help="text for people, json for scripts.")]


@contextmanager
def stoppable() -> Iterator[Interrupt]:
    """Within it SIGINT and SIGTERM only ask to stop; a run that was asked leaves with exit code 130."""
    from stackscan.reproducer.interrupt import on_signals

    with on_signals() as interrupt:
        yield interrupt
        if interrupt.asked:
            raise typer.Exit(INTERRUPTED)


def write_json(values: dict[str, Any], out: TextIO) -> None:
    """One JSON object."""
    json.dump(values, out, indent=2, allow_nan=False)
    out.write("\n")


def commands() -> typer.Typer:
    """The group of commands."""
    from stackscan.cli import reproduce_close, reproduce_pool

    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    group.command("close")(reproduce_close.command)
    group.command("pool")(reproduce_pool.command)

    @group.callback()
    def _about() -> None:
        """Reproduce boxo #1142 on real sockets: what a Close to a silent peer does, and what that does to a pool.

        Everything is on 127.0.0.1 and bounded in time. Ctrl-C (or SIGTERM) stops within a second, prints what had
        happened until then, and leaves with exit code 130.
        """

    return group
