"""Writes the outcome of ``check`` in all forms that were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackscan.cli.terminal.output import written

if TYPE_CHECKING:
    from stackscan.checks import CheckResult
    from stackscan.render.local_files import Find


def write_result(
    result: CheckResult,
    output: str,
    place: Path | None,
    also: Sequence[tuple[str, Path]],
    *,
    editor: str | None = None,
    find: Find | None = None,
) -> None:
    """Write the result to each file, and to standard output: the short text where ``place`` is a file. ``editor`` is
    what links open, ``find`` finds files of frames. Raises OutputError, and then no file is written."""
    from stackscan.render import renderer

    told: dict[str, dict[str, Any]] = {"lines": {"find": find}}
    main = [] if place is None else [(output, place)]
    with ExitStack() as files:  # all appear at the end
        for form, path in (*main, *also):
            out = files.enter_context(written(path))
            render = renderer("check_long" if form == "text" else "check", form)
            render(result, out, **told.get(form, {}))
    told["text"] = {"editor": editor, "find": find}
    shown = output if place is None else "text"
    with written(None) as out:
        renderer("check", shown)(result, out, **told.get(shown, {}))
