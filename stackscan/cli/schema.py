"""``stackscan schema``."""

from __future__ import annotations

from typing import Annotated

import typer

from stackscan.cli.options.completion import schema_names


def command(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="Print this schema; without a name, list all.",
            show_default=False,
            autocompletion=schema_names,
        ),
    ] = None,
) -> None:
    """Print the JSON Schema of a JSON output, or list all schemas. docs/compatibility.md says what may change when.

    \b
      stackscan schema
      stackscan schema report > report.schema.json
    """
    from stackscan.cli.terminal.output import written
    from stackscan.render.json.schemas import names, schema

    text = "".join(f"{each}\n" for each in names()) if name is None else schema(name)
    with written(None) as out:
        out.write(text)
