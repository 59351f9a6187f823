"""What every command that reads sources shares: sources that show no secret, and how long a live process may take."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from stackscan.cli.options.units import seconds
from stackscan.model.masking import masked_text

if TYPE_CHECKING:
    from stackscan.sources import Source

Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="DURATION",
        parser=seconds,
        help="Time limit for each http(s) address, like 10s or 500ms; what has arrived by then is read "
        "[default: 10s to connect, 60s of silence, 10m in all].",
        show_default=False,
    ),
]


def named(text: str) -> Source:
    """A SOURCE argument: as text it shows nothing that is secret in an address."""
    from stackscan.sources import Source

    return Source(text)


def within(chosen: Iterable[str], timeout: float | None) -> list[Source]:
    """The sources, each to answer in that time. Raises UsageError for a time that is out of bounds."""
    from stackscan.sources import Source

    return [Source(each, timeout_seconds=timeout) for each in chosen]


class MaskedUsage(TyperGroup):
    """Commands whose messages about wrong usage, which quote the command line, show no secrets of addresses."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]  # typer's own class of contexts
        """Run a command."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            if isinstance(quoted := getattr(error, "message", None), str):  # of click's errors, whose class is hidden
                error.message = masked_text(quoted)  # type: ignore[attr-defined]
            raise
