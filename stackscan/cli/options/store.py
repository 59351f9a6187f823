"""The options of commands that use a store of captures."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from stackscan.cli.options import option
from stackscan.cli.options.redaction import KEY_VARIABLE
from stackscan.cli.options.units import seconds
from stackscan.errors import ModelError, UsageError

if TYPE_CHECKING:
    from stackscan.fleet.store.keeping import StoreOptions

_DAYS: Final = re.compile(r"(\d+(?:\.\d+)?)d(.*)", re.DOTALL)


def age(text: str | timedelta) -> timedelta:
    """A length of time, in days or as :func:`seconds` reads it: ``30d``, ``1d12h``, ``90m``; a default of an option is
    one already. Raises UsageError."""
    if isinstance(text, timedelta):
        return text
    found = _DAYS.fullmatch(text.strip())
    days, rest = (float(found[1]), found[2]) if found else (0.0, text)
    try:
        value = seconds(rest) if rest or not found else 0.0
        if value >= 0 and not rest.strip().replace(".", "").isdigit():
            return timedelta(days=days, seconds=value)
    except (ModelError, OverflowError):
        pass
    raise UsageError(f"{text!r} is no length of time", hint="Write it like 30d, 1d12h, 6h or 90m.")


Reread = Literal["unreadable", "all"]
StoreURL = Annotated[
    str | None,
    option("Add what is new to this store (a folder, s3://…), and answer from all that it holds.", metavar="URL"),
]
Window = Annotated[
    timedelta | None,
    option("Of the store, only captures of the last 7d, 12h, … count.", metavar="DURATION", parser=age),
]
#: The store of a command that is about one.
Location = Annotated[str, typer.Argument(metavar="URL", help="The store: a folder, or s3://…", show_default=False)]
SEVEN_DAYS: Final = timedelta(days=7)
KeepFiles = Annotated[
    timedelta,
    option(
        "Keep files that are no longer part of the store for so long: a reader that began before may need them "
        "[default: 7d].",
        "--keep-files",
        metavar="DURATION",
        parser=age,
    ),
]
Again = Annotated[
    Reread | None,
    option("Read known objects again: those that could not be read, or all (after an upgrade, say)."),
]


def store_options(
    url: str | None, window: timedelta | None, reread: Reread | None, sources: Sequence[str], *, is_random: bool
) -> StoreOptions | None:
    """What the options ask for, None for no store. ``is_random``: names are hidden with a key that nobody keeps.

    Raises UsageError for options that contradict each other.
    """
    if url is None:
        if window is not None or reread is not None:
            raise UsageError("--window and --reread are about a store", hint="Name it: --store URL.")
        if not sources:
            raise UsageError("there is no SOURCE", hint="Give files, folders or archives, or a store: --store URL.")
        return None
    if reread is not None and not sources:
        raise UsageError("--reread needs the SOURCEs that are to be read again")
    if is_random:
        raise UsageError(
            "--redact with a store needs a key that stays the same, or no two runs agree on a name",
            hint=f"Set {KEY_VARIABLE}, or give --redact-key.",
        )
    from stackscan.fleet.store.keeping import StoreOptions

    return StoreOptions(url, window, reread)


def has_no_key(redact: bool, keep: Sequence[str] | None, key: str | None) -> bool:
    """Whether names are to be hidden with a key that is forgotten at the end."""
    return bool(redact or keep) and key is None and not os.environ.get(KEY_VARIABLE)
