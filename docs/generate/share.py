"""share/, which the wheel puts beside the program: ``python docs/generate/share.py FOLDER`` writes its files there.

Man pages say what every ``--help`` says, and completion scripts are what ``--show-completion`` prints.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from reference import AFTER_EXIT_CODES, ENVIRONMENT, EXIT_CODES, commands

from stackscan import __version__
from stackscan.cli.terminal.completion import script

#: Where each shell looks for completions; PowerShell looks nowhere.
_SCRIPTS: Final = {
    "bash": "bash-completion/completions/stackscan",
    "zsh": "zsh/site-functions/_stackscan",
    "fish": "fish/vendor_completions.d/stackscan.fish",
    "powershell": "stackscan/stackscan.ps1",
}


def files() -> dict[str, str]:
    """Each file of share/ by its path below it."""
    found = {path: script(shell) for shell, path in _SCRIPTS.items()}
    for name, command in commands():
        page = name.replace(" ", "-")
        found[f"man/man1/{page}.1"] = "\n".join(
            [f'.TH "{page.upper()}" 1 "" "stackscan {__version__}"', *_page(name, command)]
        )
    return {path: f"{text.rstrip()}\n" for path, text in found.items()}


def _page(name: str, command: Any) -> Iterator[str]:
    context = command.context_class(command, info_name=name)
    yield from (".SH NAME", f"{_roff(name.replace(' ', '-'))} \\- {_roff(_summary(command))}")
    yield from (".SH SYNOPSIS", f".B {_roff(name)}", _roff(" ".join(command.collect_usage_pieces(context))))
    yield from (".SH DESCRIPTION", *list(_prose(command.help or ""))[1:])  # what follows a heading is a paragraph
    below = {child: each.get_short_help_str(200) for child, each in getattr(command, "commands", {}).items()}
    arguments = {each.human_readable_name: each.help for each in command.params if each.param_type_name == "argument"}
    options = [each.get_help_record(context) for each in command.params if each.param_type_name == "option"]
    yield from _list("COMMANDS", below)
    yield from _list("ARGUMENTS", arguments)
    yield from _list("OPTIONS", dict(filter(None, options)))
    if name == "stackscan":
        yield from _list("EXIT STATUS", {code: _plain(meaning) for code, meaning in EXIT_CODES.items()})
        yield from (".PP", _roff(_plain(AFTER_EXIT_CODES)))
        yield from _list("ENVIRONMENT", {variable: _plain(meaning) for variable, meaning in ENVIRONMENT.items()})
    yield from _see_also(name, below)


def _summary(command: Any) -> str:
    """The line that the list of commands shows, or the program's own first sentence."""
    return str(command.get_short_help_str(200)).rstrip(".")


def _prose(text: str) -> Iterator[str]:
    """Paragraphs; those that the help keeps as they are stay so."""
    for paragraph in text.split("\n\n"):
        if paragraph.startswith("\b"):
            lines = paragraph.removeprefix("\b").strip("\n").splitlines()
            yield from (".PP", ".nf", *(_roff(line) for line in lines), ".fi")
        else:
            yield from (".PP", _roff(" ".join(paragraph.split())))


def _list(heading: str, entries: dict[str, Any]) -> Iterator[str]:
    if entries:
        yield f".SH {heading}"
    for term, meaning in entries.items():
        yield from (".TP", f".B {_roff(term)}", _roff(" ".join((meaning or "").split())))


def _see_also(name: str, below: Iterable[str]) -> Iterator[str]:
    above = name.rsplit(" ", 1)[:-1]
    pages = [*above, *(f"{name} {child}" for child in below)]
    yield ".SH SEE ALSO"
    for page, end in zip(pages, [*"," * (len(pages) - 1), ""], strict=True):
        yield f".BR {_roff(page.replace(' ', '-'))} (1){end}"


def _plain(markdown: str) -> str:
    """Markdown on one line and without its marks: of a link, the page."""
    return " ".join(re.sub(r"\[[^\]]+\]\(([^)#]*)[^)]*\)", r"docs/\1", markdown).replace("`", "").split())


#: Characters that roff would take for something else: quotes and hyphens could not be copied from the page.
_ESCAPES: Final = str.maketrans(
    {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti", '"': "\\(dq"}
)


def _roff(text: str) -> str:
    """Text as roff has it, where a line that begins with a dot would be a request."""
    escaped = "".join(one if one.isascii() else f"\\[u{ord(one):04X}]" for one in text.translate(_ESCAPES))
    return f"\\&{escaped}" if escaped.startswith(".") else escaped


def main(folder: Path) -> None:
    """Write all files."""
    for path, text in files().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
