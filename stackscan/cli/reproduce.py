"""``stackscan reproduce``: the two reproducers of boxo #1142, and what their commands share."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final, TextIO

import typer

if TYPE_CHECKING:
    from stackscan.reproducer.interrupt import Interrupt

#: The exit code of a run that Ctrl-C or SIGTERM ended.
INTERRUPTED: Final = 130
_UNITS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}
_PART: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ns|us|µs|ms|s|m|h|)")


class Output(StrEnum):
    """The outputs of ``reproduce``."""

    text = "text"
    json = "json"


def duration(text: str | float) -> float:
    """Seconds of a duration as Go and people write it: ``10s``, ``1m30s``, ``300us``, ``0.5``; a default is in seconds.

    Raises BadParameter for anything else.
    """
    if isinstance(text, float):
        return text
    parts = _PART.findall(text)
    if not parts or "".join(value + unit for value, unit in parts) != text:
        raise typer.BadParameter(f"{text!r} is no duration: write 10s, 1m30s, 300ms or 300us")
    return sum(float(value) * _UNITS[unit] for value, unit in parts)


def share(text: str) -> float:
    """A share, written ``0.1`` or ``10%``. Raises BadParameter for anything else."""
    number, percent = (text[:-1], 100) if text.endswith("%") else (text, 1)
    try:
        return float(number) / percent
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no share: write 0.1 or 10%") from None


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
