"""``stackscan convert``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stackscan.cli.options.redaction import Redact, RedactKeep, RedactKey, chosen
from stackscan.cli.options.sources import Timeout, named, within


class Output(StrEnum):
    """What ``convert`` makes."""

    pprof = "pprof"
    folded = "folded"
    speedscope = "speedscope"


def command(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", parser=named, help="A goroutine dump or a bundle.", show_default=False)
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The file to write, - for standard output.", show_default=False
        ),
    ],
    output_format: Annotated[
        Output,
        typer.Option(
            "--format",
            "-f",
            help="pprof: one sample per goroutine, with id, state, minutes and labels; folded: for flame graphs; "
            "speedscope: its own JSON.",
            show_default=False,
        ),
    ],
    member: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Which file of a bundle [default: its full text].", show_default=False),
    ] = None,
    stream: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Which writer of a log with several.", show_default=False),
    ] = None,
    snapshot: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Which dump of a file with several.", show_default=False),
    ] = None,
    timeout: Timeout = None,
    redact: Redact = False,
    redact_keep: RedactKeep = None,
    redact_key: RedactKey = None,
) -> None:
    """Convert a dump to a profile for other tools.

    \b
      stackscan convert goroutines.stacks --format pprof -o goroutines.pb.gz
      go tool pprof -top -tagfocus='go::goroutine_state=chan receive' goroutines.pb.gz
      stackscan convert goroutines.stacks --format folded -o stacks.folded && flamegraph.pl stacks.folded > stacks.svg
      stackscan convert goroutines.stacks --format speedscope -o stacks.speedscope.json
    """
    from stackscan.cli.terminal.output import written
    from stackscan.cli.terminal.progress import progress
    from stackscan.export.convert import choose, converter
    from stackscan.pipeline import examine

    (asked,) = within([source], timeout)
    with progress() as told:
        found, _ = examine(asked, progress=told, redaction=chosen(redact, redact_keep, redact_key))
    content = converter(output_format.value)(choose(found, member=member, stream=stream, position=snapshot))
    with written(output) as out:
        out.buffer.write(content)
