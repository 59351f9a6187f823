"""``stackscan store expire``."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from stackscan.cli.options import option
from stackscan.cli.options.output import Format, OutputFile
from stackscan.cli.options.store import SEVEN_DAYS, KeepFiles, Location, age

_OLDER = "Delete captures that were taken, or where that is unknown read, longer ago."


def command(
    url: Location,
    older_than: Annotated[timedelta, option(_OLDER, metavar="DURATION", parser=age)],
    keep_files: KeepFiles = SEVEN_DAYS,
    output_format: Format = "text",
    output: OutputFile = None,
) -> None:
    """Delete old captures. The objects that they were read from stay known, and are not read again.

    \b
      stackscan store expire --older-than 30d s3://stacks/fleet
    """
    from stackscan.cli.terminal.output import written
    from stackscan.fleet.store.store import open_store
    from stackscan.fleet.store.upkeep import expire
    from stackscan.render import renderer

    done = expire(open_store(url), older_than=older_than, keep=keep_files)
    with written(output) as out:
        renderer("store", output_format)(done, out)
