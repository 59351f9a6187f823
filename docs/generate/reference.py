"""docs/reference.md, made of what every ``--help`` says: ``python docs/generate/reference.py > docs/reference.md``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any, Final

from typer.main import get_command

from stackscan.cli.app import app

_HEAD: Final = """\
# Reference: commands and options

This page is generated from `stackscan COMMAND --help`. The other generated pages are the
[rule catalogue](catalogue.md) and the [table columns](columns.md).

"""
#: Each exit code and what it means, in Markdown.
EXIT_CODES: Final = {
    "0": "Done. For `check`: nothing fails.",
    "1": "`check`: something fails. `rules test`: an example misses. Never an internal error.",
    "2": "The job could not be done: unreadable or unrecognised input, wrong usage, or a bug in stackscan. stderr says what happened, where, and what to do next.",  # noqa: E501
    "130, 143, 129": "Ended by Ctrl-C, SIGTERM or SIGHUP. No half-written file is left.",
}
AFTER_EXIT_CODES: Final = """\
A reader that closes the pipe early (`| head`) does not change the exit code. After `kill -9`, a hidden file or folder
`.stackscan-part-…` may remain; the next run that writes to the same folder removes it.
"""
#: Each environment variable and what it means, in Markdown.
ENVIRONMENT: Final = {
    "STACKSCAN_REDACT_KEY": "The secret for `--redact`, so that equal names get equal hashes in several runs ([redaction](redaction.md)).",  # noqa: E501
    "STACKSCAN_CACHE_DIR": "The folder for what stackscan keeps between runs to start faster: its compiled rules and grammars, at most 64 MiB, nothing of your dumps. Empty: nothing is kept. Default: `stackscan` in `$XDG_CACHE_HOME` or `~/.cache`. It can be deleted at any time.",  # noqa: E501
    "STACKSCAN_NO_NETWORK": "`1` does what `--no-network` does, for every command ([addresses](sources.md#from-a-live-process)); `capture` and `watch` are refused.",  # noqa: E501
    "STACKSCAN_TRACEBACK": "`1` adds a Python traceback when stackscan itself fails. Attach it to a bug report.",
    "NO_COLOR": "Any value turns colour off.",
    "FORCE_COLOR": "Any value turns colour on, also in a pipe.",
    "COLUMNS": "Width of the text in columns. Without it the terminal's width is used, and 100 in a pipe.",
    "SSL_CERT_FILE": "A file of certificate authorities for `https://` inputs.",
}


def page() -> str:
    """The whole page, in Markdown."""
    sections = "\n".join(part for name, command in commands() for part in _section(name, command))
    return "\n".join([_HEAD + re.sub(r"\bdocs/([\w-]+\.md)", r"[\1](\1)", sections), *_tail()])


def commands() -> Iterator[tuple[str, Any]]:  # typer has its own copies of click's classes
    """Each command with its whole name, the program first."""
    yield from _below("stackscan", get_command(app))


def _below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield name, command
    for child, below in getattr(command, "commands", {}).items():
        yield from _below(f"{name} {child}", below)


def _tail() -> Iterator[str]:
    codes = [f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()]
    yield "\n".join(["## Exit codes\n", "| code | meaning |", "|---|---|", *codes]) + "\n"
    yield f"{AFTER_EXIT_CODES}\n## Environment variables\n"
    variables = [f"| `{name}` | {meaning} |" for name, meaning in ENVIRONMENT.items()]
    yield "\n".join(["| variable | meaning |", "|---|---|", *variables]) + "\n"


def _section(name: str, command: Any) -> Iterator[str]:
    context = command.context_class(command, info_name=name)
    yield f"## `{name}`\n"
    yield from _prose(command.help or "")
    children = getattr(command, "commands", {})
    if children:
        yield from _table("command", ((child, each.get_short_help_str(200)) for child, each in children.items()))
    arguments = [(p.human_readable_name, p.help) for p in command.params if p.param_type_name == "argument"]
    if arguments:
        yield from _table("argument", arguments)
    options = [p.get_help_record(context) for p in command.params if p.param_type_name == "option"]
    yield from _table("option", (record for record in options if record))


def _prose(text: str) -> Iterator[str]:
    """Paragraphs; those that the help keeps as they are hold examples, one a line, or a list below its first line."""
    for paragraph in text.split("\n\n"):
        if not paragraph.startswith("\b"):
            yield " ".join(paragraph.split()) + "\n"
            continue
        head, *lines = paragraph.removeprefix("\b\n").rstrip().splitlines()
        if head.startswith(" "):
            yield "Examples:\n"
            yield "\n".join(f"* `{line.strip()}`" for line in (head, *lines)) + "\n"
        else:
            yield "\n".join([head, "", "```text", *(line.strip() for line in lines), "```\n"])


def _table(heading: str, rows: Any) -> Iterator[str]:
    lines = [f"| `{_cell(left)}` | {_cell(right)} |" for left, right in rows]
    if lines:
        yield "\n".join([f"| {heading} | meaning |", "|---|---|", *lines]) + "\n"


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
