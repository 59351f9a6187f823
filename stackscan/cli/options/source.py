"""Options about Go source code: where it is, that none is read, and the editor that opens it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stackscan.cli.options import option, usual

if TYPE_CHECKING:
    from stackscan.golang.reader import Reader

SourceRoot = Annotated[
    list[Path] | None,
    option(
        "A folder with the program's Go source, or a zip or tar.gz of it; may be repeated. Searched first "
        "[default: the module of this folder, its vendor folder, the module cache, GOROOT].",
        "--source-root",
        metavar="DIR",
    ),
]
NoSource = Annotated[bool, typer.Option("--no-source", help="Read no Go source.")]


def _editor(text: str) -> str:
    from stackscan.report.links.editors import read_editor

    return read_editor(text)


Editor = Annotated[
    str | None,
    option(
        "Links open source there: cursor, goland, idea, sublime, vscode, zed, or an address with {path} and {line} "
        "(docs/source.md).",
        "--editor",
        metavar="NAME",
        parser=_editor,
        autocompletion=usual("cursor", "goland", "idea", "sublime", "vscode", "zed"),
    ),
]


def reader_of(roots: list[Path] | None, no_source: bool, redacted: bool = False) -> Reader | None:
    """What reads the source that the options allow; None for none, also when names are redacted. Raises
    StackscanError."""
    if no_source or redacted:
        return None
    from stackscan.golang.reader import Reader
    from stackscan.golang.roots import Sources

    return Reader(Sources(roots or ()))
