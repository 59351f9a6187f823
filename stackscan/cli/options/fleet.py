"""Options of the command that reads the captures of many hosts."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from stackscan.cli.options import option
from stackscan.cli.options.units import moment

#: What the sources of the command are.
SOURCES = "Captures, and folders, archives and debug zips of them, also in s3://, gs:// and az://."

Format = Annotated[
    Literal["text", "json", "markdown", "html"],
    typer.Option(
        "--format",
        "-f",
        help="text for people, json for scripts, markdown for an issue, html for a page for a browser.",
    ),
]
Pattern = Annotated[
    str | None,
    option(
        "What the path below SOURCE names, like {service}/{host}/{time:%Y%m%dT%H%M%S}.pb.gz.",
        "--pattern",
        "-p",
        metavar="PATTERN",
    ),
]
Since = Annotated[
    datetime | None,
    option(
        "Mark what is new since this time, of a deploy for example (2026-04-22T10:00:00Z).",
        "--since",
        metavar="TIME",
        parser=moment,
    ),
]
CompareVersion = Annotated[
    str | None,
    option(
        "Say what is new, gone, worse and better in this version: 1.4.0, or 1.3.9..1.4.0.",
        "--compare-version",
        metavar="[OLD..]NEW",
    ),
]
Owners = Annotated[
    Path | None,
    option("Who owns which packages: lines like github.com/acme/shop/... @shop-team.", "--owners", metavar="FILE"),
]
Owner = Annotated[str | None, option("With --owners: only the findings of this owner.", "--owner", metavar="NAME")]
Dask = Annotated[
    str | None,
    option(
        "Read with the workers of a Dask cluster: tcp://HOST:PORT, local, or local:N for N processes here.",
        "--dask",
        metavar="ADDRESS",
    ),
]
Threshold = Annotated[
    int,
    typer.Option(
        "--threshold",
        min=1,
        metavar="N",
        help="So many goroutines at one line are a finding, even without a rule.",
    ),
]
FailOn = Annotated[
    Literal["error", "warning", "info"] | None,  # as rules have it, whose module only a run loads
    option(
        "Exit with 1 when a finding has this severity or a worse one; with --since, a new one; with "
        "--compare-version, one that is new or worse.",
        "--fail-on",
    ),
]
Top = Annotated[
    int | None,
    option(
        "Entries of each list [default: what fits on a screen; markdown: 10; html: 200; json: all].",
        "--top",
        "-n",
        min=0,
        metavar="N",
    ),
]
All = Annotated[bool, typer.Option("--all", "-a", help="Show all entries of all lists.")]
