"""``stackscan mcp``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stackscan.cli.options import option
from stackscan.cli.options.configuration import Config
from stackscan.errors import MissingExtraError

_ROOT = "A folder whose files may be read, and those of folders in it; repeatable [default: the current folder]."
_SECONDS = "Seconds that each call may last [default: 60]."


def command(
    root: Annotated[list[Path] | None, option(_ROOT, "--root", metavar="DIR")] = None,
    allow_network: Annotated[
        bool, typer.Option("--allow-network", help="Read http and https addresses as well; also those of this machine.")
    ] = False,
    max_seconds: Annotated[float, option(_SECONDS, min=1.0, max=3600.0, metavar="N")] = 60.0,
    config: Config = None,
) -> None:
    """Serve tools for agents (Model Context Protocol) over standard input and output, until the input ends.

    Tools: report, explain, goroutine, stacks, waits_for, compare, query, pool_forecast, rules. They only read, and only
    below the folders that are named. Needs the extra `mcp`.

    \b
      stackscan mcp --root /srv/dumps
    """
    try:
        from stackscan.integrations.mcp.server import server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "stackscan":
            raise
        hint = "Install stackscan with the extra `mcp` (docs/install.md)."
        raise MissingExtraError("stackscan mcp", library="the MCP SDK", extra="mcp", hint=hint) from None
    from stackscan.cli.options.configuration import configuration
    from stackscan.integrations.mcp.captures import Captures
    from stackscan.integrations.mcp.roots import Roots
    from stackscan.sources import network

    if not allow_network:
        network.forbid()
    roots = Roots(root or [Path.cwd()], allow_network=allow_network)
    server(Captures(roots, configuration(config)), seconds=max_seconds).run("stdio")
