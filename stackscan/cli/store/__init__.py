"""``stackscan store``: what a store of captures holds, and its upkeep."""

from __future__ import annotations

import typer

from stackscan.cli.lazily import SETTINGS
from stackscan.cli.store import compact, expire, info

app = typer.Typer(name="store", no_args_is_help=True, **SETTINGS)
app.command("info", short_help="What a store holds, and how large it is.")(info.command)
app.command("compact", short_help="Make few large files of many small ones.")(compact.command)
app.command("expire", short_help="Delete old captures.")(expire.command)


@app.callback()
def _about() -> None:
    """Keep a store of captures small; stackscan fleet --store URL makes and fills it (docs/store.md).

    Others may read and write the store at the same time.
    """
