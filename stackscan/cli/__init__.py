"""The command line: one module a command (options and help there, work elsewhere), errors caught here once."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from stackscan import __version__
from stackscan.cli import pool, report
from stackscan.errors import StackscanError

app = typer.Typer(
    name="stackscan",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"stackscan {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Read Go goroutine dumps and say what is stuck, where, and what to do about it.

    Exit codes: 0 done, 2 could not do the job (stderr says what, where and what to do).
    """


app.command("report")(report.command)
app.add_typer(pool.app)


def main() -> None:
    """Run the command line; every error leaves by here, said in words."""
    try:
        app()
    except StackscanError as error:
        _say(f"stackscan: {_printable(str(error))}")
        if error.hint:
            _say(f"  {_printable(error.hint)}")
        sys.exit(error.exit_code)


def _say(line: str) -> None:
    if sys.stderr is not None:
        print(line, file=sys.stderr)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)
