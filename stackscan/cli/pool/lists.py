"""Options that take several values at once: ``--from A B C`` is ``--from A --from B --from C``."""

from __future__ import annotations

from typing import Final

from typer import Context
from typer.core import TyperCommand

_TAKE_MANY: Final = ("--from", "--metrics")


class Lists(TyperCommand):
    """A command some of whose options go on until the next option."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:  # type: ignore[override]  # click's own Context
        """Give each value an option of its own, then parse as ever."""
        return super().parse_args(ctx, spread(args))


def spread(args: list[str]) -> list[str]:
    """The arguments with the option repeated before each further value; ``-`` alone is a value, ``--`` ends it."""
    found: list[str] = []
    option: str | None = None
    for argument in args:
        is_option = argument.startswith("-") and argument != "-"
        if not is_option and option is not None and found[-1] != option:
            found.append(option)
        if is_option:
            option = argument if argument in _TAKE_MANY else None
        found.append(argument)
    return found
