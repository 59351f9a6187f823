"""In which forms ``check`` writes: one to standard output or a file, and any number of files beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple, get_args

import typer

from stackscan.cli.options import option
from stackscan.errors import UsageError

Output = Literal["text", "json", "markdown", "junit", "sarif", "github", "lines", "html"]
_OUTPUTS: Final[tuple[Output, ...]] = get_args(Output)


class Beside(NamedTuple):
    """One more form in which a check is written, and its file."""

    output: str
    path: Path


def _beside(text: str) -> Beside:
    output, equals, name = text.partition("=")
    if output not in _OUTPUTS or not equals or not name or name == "-":
        raise UsageError(
            f"--also {text[:80]!r} is not FORMAT=FILE",
            hint=f"Formats are {', '.join(_OUTPUTS)}: --also sarif=goroutines.sarif",
        )
    return Beside(output, Path(name))


Format = Annotated[
    Output,
    typer.Option(
        "--format",
        "-f",
        help="text for people, markdown for a summary, lines for editors, html for a browser; others for machines.",
    ),
]
OutputFile = Annotated[
    Path | None,
    option(
        "Write to this file (text: with the whole report); the short answer is still printed.",
        "--output",
        "-o",
        metavar="FILE",
    ),
]
Also = Annotated[
    list[Beside] | None,
    option(
        "Write this form to a file as well, like sarif=goroutines.sarif; may be repeated.",
        "--also",
        metavar="FORMAT=FILE",
        parser=_beside,
    ),
]


def wants_whole(output: str, place: Path | None, also: Sequence[Beside]) -> bool:
    """Whether a file gets the text with the whole report, for which all reports are kept."""
    return (place is not None and output == "text") or any(one.output == "text" for one in also)


def distinct(place: Path | None, also: Sequence[Beside] | None) -> list[Beside]:
    """The files beside the main one. Raises UsageError for two of one name."""
    beside = list(also or ())
    names = [str(one.path) for one in beside] + [str(place)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"{twice} is named twice", hint="Name another file for each --also, and for --output.")
    return beside
