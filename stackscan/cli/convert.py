"""``stackscan convert``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from stackscan.cli.options import option
from stackscan.cli.options.redaction import Redact, RedactKeep, RedactKey, chosen
from stackscan.cli.options.sources import NoNetwork, Timeout, one_within, source_argument

_FORMAT = (
    "pprof: one sample per goroutine, with id, state, minutes and labels; folded: for flame graphs; "
    "speedscope: its own JSON."
)
_SNAPSHOT = "Which dump of a file with several."


def command(
    source: Annotated[str, source_argument("A goroutine dump or a bundle.")],
    output: Annotated[Path, option("The file to write, - for standard output.", "--output", "-o", metavar="FILE")],
    output_format: Annotated[Literal["pprof", "folded", "speedscope"], option(_FORMAT, "--format", "-f")],
    member: Annotated[str | None, option("Which file of a bundle [default: its full text].", metavar="NAME")] = None,
    stream: Annotated[str | None, option("Which writer of a log with several.", metavar="NAME")] = None,
    snapshot: Annotated[int | None, option(_SNAPSHOT, min=1, metavar="N")] = None,
    timeout: Timeout = None,
    no_network: NoNetwork = False,
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

    limited = one_within(source, timeout, no_network)
    with progress() as bar:
        found, _ = examine(limited, progress=bar, redaction=chosen(redact, redact_keep, redact_key))
    content = converter(output_format)(choose(found, member=member, stream=stream, position=snapshot))
    with written(output) as out:
        out.buffer.write(content)
