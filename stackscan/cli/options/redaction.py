"""The options of every command that can redact."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Final

import typer

from stackscan.cli.options import option

if TYPE_CHECKING:
    from stackscan.redaction import Redaction

#: Where the key may stand instead, so that it is in no list of processes and no shell's history.
KEY_VARIABLE: Final = "STACKSCAN_REDACT_KEY"

Redact = Annotated[
    bool,
    typer.Option(
        "--redact",
        help="Hash private names and drop labels and messages, so that the result can be made public "
        "(docs/redaction.md).",
    ),
]
RedactKeep = Annotated[
    list[str] | None,
    option(
        "Another public import path, with all below it; may be repeated. Implies --redact.",
        "--redact-keep",
        metavar="PREFIX",
    ),
]
RedactKey = Annotated[
    str | None,
    option(
        "A secret of 16 characters or more that gives the same hashes each time; implies --redact "
        f"[default: {KEY_VARIABLE}, else a random one that is not kept].",
        "--redact-key",
        metavar="TEXT",
    ),
]


def chosen(redact: bool, keep: list[str] | None, key: str | None) -> Redaction | None:
    """The redaction that the options ask for, None for none. Raises UsageError for a key that can be guessed."""
    if not redact and not keep and key is None:
        return None
    key = key if key is not None else os.environ.get(KEY_VARIABLE) or None
    from stackscan.redaction import Redaction, new_key, read_key

    return Redaction(new_key() if key is None else read_key(key), tuple(prefix.strip("/") for prefix in keep or ()))
