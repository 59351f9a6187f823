"""The command line: one module a command (options and help there, work elsewhere), errors caught here once."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Final, Literal

import typer

from stackscan import __version__
from stackscan.cli.lazily import SETTINGS, Group
from stackscan.cli.terminal.endings import UnforeseenError, say
from stackscan.errors import StackscanError

#: The commands and what each does; the module of a command is loaded when the command is asked for.
_COMMANDS: Final = {
    "report": "Show what is stuck in a dump, where, and how to fix it.",
    "show": "Show one goroutine: stack, creators, children, waits.",
    "check": "Check captures in a pipeline: pass, fail, or error.",
    "watch": "Watch running processes: what is stuck, since when, what changed.",
    "compare": "Compare captures in time order: what grew, what is gone, what stayed.",
    "capture": "Capture a live process several times, and compare.",
    "fleet": "Answer over many captures of many hosts: what, where, who differs.",
    "store": "Keep a store of captures small: what it holds, compaction, retention.",
    "rules": "List the known patterns and pools, or explain one.",
    "export": "Write captures as tables: Parquet, Arrow, CSV, NDJSON.",
    "query": "Query captures with SQL.",
    "convert": "Convert a dump to pprof, folded stacks or speedscope.",
    "pool": "Model a worker pool: load, waits, and what a fix changes.",
    "schema": "Print the JSON Schema of an output.",
    "mcp": "Serve tools for agents over standard input and output (MCP).",
    "reproduce": "Reproduce the failure of boxo #1142 on real sockets.",
}


class _Commands(Group):
    about = _COMMANDS

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]  # typer's own class of contexts
        """Run a command. Typer would end with 1, which means findings, for these errors; and its messages about wrong
        usage quote the command line, in which an address may hold secrets."""
        try:
            return super().invoke(ctx)
        except (EOFError, BrokenPipeError) as error:
            raise UnforeseenError from error
        except Exception as error:
            if isinstance(quoted := getattr(error, "message", None), str):  # of click's errors, whose class is hidden
                from stackscan.model.masking import masked_text

                error.message = masked_text(quoted)  # type: ignore[attr-defined]
            raise


app = typer.Typer(name="stackscan", cls=_Commands, no_args_is_help=True, **SETTINGS)


def _version(requested: bool) -> None:
    if requested:
        typer.echo(f"stackscan {__version__}")
        raise typer.Exit


def _show_completion(shell: str | None) -> None:
    if shell is not None:
        from stackscan.cli.terminal.completion import script

        typer.echo(script(shell), nl=False)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    show_completion: Annotated[
        Literal["bash", "zsh", "fish", "powershell"] | None,
        typer.Option(callback=_show_completion, is_eager=True, help="Print a shell's completions (docs/install.md)."),
    ] = None,
) -> None:
    """Read Go goroutine dumps and show what is stuck, where, and how to fix it.

    Exit codes: 0 done, 1 something fails (check; compare and capture with --fail-on), 2 could not do the job (stderr
    says what, where and what to do), 130, 143, 129 ended by Ctrl-C, SIGTERM, SIGHUP with nothing half-written. A reader
    that goes away (| head) changes none of them.
    """


def main() -> None:
    """Run the command line, and report every foreseen error on stderr."""
    if "_STACKSCAN_COMPLETE" in os.environ:
        from stackscan.cli.terminal.completion import prepare

        prepare()
    try:
        app()
    except StackscanError as error:
        say(f"stackscan: {error}", *error.excerpt, error.hint)
        sys.exit(error.exit_code)
