"""``stackscan reproduce``: the two reproducers of boxo #1142."""

from __future__ import annotations

import typer

from stackscan.cli.lazily import SETTINGS
from stackscan.cli.reproduce import close, pool

app = typer.Typer(name="reproduce", no_args_is_help=True, **SETTINGS)
app.command("close")(close.command)
app.command("pool")(pool.command)


@app.callback()
def _about() -> None:
    """Reproduce boxo #1142 on real sockets: what a Close to a silent peer does, and what that does to a pool.

    Everything is on 127.0.0.1 and bounded in time. Ctrl-C (or SIGTERM) stops within a second, prints what had
    happened until then, and leaves with exit code 130.
    """
