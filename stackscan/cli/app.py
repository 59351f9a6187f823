"""The command line: one module a command (options and help there, work elsewhere), errors caught here once."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from stackscan import __version__
from stackscan.cli import check, compare, convert, export, pool, query, report, reproduce, rules, show
from stackscan.cli.options.sources import MaskedUsage
from stackscan.cli.terminal.endings import UnforeseenError, say
from stackscan.errors import StackscanError


class _Commands(MaskedUsage):
    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]  # typer's own class of contexts
        """Run a command. Typer would end with 1, which means findings, for these errors."""
        try:
            return super().invoke(ctx)
        except (EOFError, BrokenPipeError) as error:
            raise UnforeseenError from error


app = typer.Typer(
    name="stackscan",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(requested: bool) -> None:
    if requested:
        typer.echo(f"stackscan {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Read Go goroutine dumps and show what is stuck, where, and how to fix it.

    Exit codes: 0 done, 1 (check only) something fails, 2 could not do the job (stderr says what, where and what to do),
    130, 143, 129 ended by Ctrl-C, SIGTERM, SIGHUP with nothing half-written. A reader that goes away (| head) changes
    none of them.
    """


app.command("report", short_help="Show what is stuck in a dump, where, and how to fix it.")(report.command)
app.command("show", short_help="Show one goroutine: stack, creators, children, waits.")(show.command)
app.command("check", short_help="Check captures in a pipeline: pass, fail, or error.")(check.command)
app.command("compare", short_help="Compare captures in time order: what grew, what is gone, what stayed.")(
    compare.command
)
app.command("rules", short_help="List the known patterns and pools, or explain one.")(rules.command)
app.add_typer(pool.app, short_help="Model a worker pool: load, waits, and what a fix changes.")
app.command("export", short_help="Write captures as tables: Parquet, Arrow, CSV, NDJSON.")(export.command)
app.command("query", short_help="Query captures with SQL.")(query.command)
app.command("convert", short_help="Convert a dump to pprof, folded stacks or speedscope.")(convert.command)
app.add_typer(reproduce.app, short_help="Reproduce the failure of boxo #1142 on real sockets.")


def main() -> None:
    """Run the command line, and report every foreseen error on stderr."""
    try:
        app()
    except StackscanError as error:
        say(f"stackscan: {error}", *error.excerpt, error.hint)
        sys.exit(error.exit_code)
