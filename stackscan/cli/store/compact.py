"""``stackscan store compact``."""

from __future__ import annotations

from stackscan.cli.options.output import Format, OutputFile
from stackscan.cli.options.store import SEVEN_DAYS, KeepFiles, Location


def command(
    url: Location, keep_files: KeepFiles = SEVEN_DAYS, output_format: Format = "text", output: OutputFile = None
) -> None:
    """Make few large files of many small ones, and delete rows that count no more.

    The answer stays the same. Run it each day, or after some thousand captures.

    \b
      stackscan store compact s3://stacks/fleet
    """
    from stackscan.cli.terminal.output import written
    from stackscan.fleet.store.store import open_store
    from stackscan.fleet.store.upkeep import compact
    from stackscan.render import renderer

    done = compact(open_store(url), keep=keep_files)
    with written(output) as out:
        renderer("store", output_format)(done, out)
