"""``stackscan store info``."""

from __future__ import annotations

from stackscan.cli.options.output import Format, OutputFile
from stackscan.cli.options.store import Location


def command(url: Location, output_format: Format = "text", output: OutputFile = None) -> None:
    """Show what a store holds: captures, hosts, services, versions, times, and its size.

    \b
      stackscan store info s3://stacks/fleet
    """
    from stackscan.cli.terminal.output import written
    from stackscan.fleet.store.store import open_store
    from stackscan.fleet.store.summary import summary
    from stackscan.render import renderer

    found = summary(open_store(url))
    with written(output) as out:
        renderer("store", output_format)(found, out)
