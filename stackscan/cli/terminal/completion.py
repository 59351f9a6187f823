"""Completion in shells: typer's scripts, which ask this program at each completion, and what it needs to answer."""

from __future__ import annotations

import os
from typing import Final

#: The variable in which a script asks: ``complete_SHELL``.
ASKED: Final = "_STACKSCAN_COMPLETE"
#: In a folder of zsh's fpath the script is itself the function that zsh calls at the first completion.
_LOADED_BY_ZSH: Final = '[[ ${funcstack[1]} != _stackscan ]] || _stackscan_completion "$@"\n'


def prepare() -> None:
    """Make typer answer the script that asks."""
    from typer import _completion_classes as classes

    # Typer would load rich, take "[default: 3]" for markup, and break long lines: each part would be a word.
    setattr(classes, "_sanitize_help_text", _one_line)  # noqa: B010  # mypy knows no such name in typer
    classes.completion_init()
    if os.environ[ASKED] == "complete_bash":
        words, at = _joined(os.environ.get("COMP_WORDS", "").split("\n"), int(os.environ.get("COMP_CWORD") or 0))
        os.environ |= {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(at)}


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _joined(words: list[str], at: int) -> tuple[list[str], int]:
    """The words without each ``=``, and where the cursor is: bash makes three words of ``--format=json``, and typer
    knows ``--format json``."""
    kept = [n for n, word in enumerate(words) if n == 0 or word != "="]
    behind = at < len(words) and words[at] == "="  # nothing is typed behind it: the value is an empty word
    joined = [words[n] for n in kept]
    before = sum(n < at for n in kept)
    return ([*joined[:before], "", *joined[before:]] if behind else joined), before


def script(shell: str) -> str:
    """The script for bash, zsh, fish or powershell, which asks ``stackscan`` at each completion."""
    from typer._completion_shared import get_completion_script

    text = get_completion_script(prog_name="stackscan", complete_var=ASKED, shell=shell)
    return f"{text}\n{_LOADED_BY_ZSH if shell == 'zsh' else ''}"
