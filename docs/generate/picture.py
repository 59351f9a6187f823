"""The picture in the README, as SVG: ``python docs/generate/picture.py > docs/pictures/report.svg``.

It runs the README's own command and draws what a terminal of 100 columns would show.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT: Final = Path(__file__).resolve().parents[2]
_COLUMNS: Final = 100
#: Background, foreground, then black, red, green, yellow, blue, magenta, cyan and white: plain and bright.
_THEME: Final = TerminalTheme(
    (16, 20, 28),
    (208, 215, 226),
    [
        (60, 68, 82),
        (240, 98, 102),
        (126, 211, 134),
        (233, 190, 97),
        (110, 168, 254),
        (198, 146, 233),
        (92, 200, 205),
        (208, 215, 226),
    ],
    [
        (118, 128, 145),
        (255, 118, 122),
        (146, 226, 153),
        (247, 206, 116),
        (135, 185, 255),
        (214, 168, 245),
        (116, 217, 221),
        (245, 247, 250),
    ],
)
#: Rich's own frame, without the font that it would load from the network.
_FRAME: Final = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
  <style>
    .{unique_id}-matrix {{
      font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
      font-size: {char_height}px; line-height: {line_height}px; text-rendering: geometricPrecision;
    }}
    .{unique_id}-title {{ font-size: 17px; font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }}
    {styles}
  </style>
  <defs>
    <clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>
    {lines}
  </defs>
  {chrome}
  <g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
    {backgrounds}
    <g class="{unique_id}-matrix">
    {matrix}
    </g>
  </g>
</svg>
"""  # noqa: E501


def shown_command() -> list[str]:
    """The words of the ``stackscan report …`` that ends the README's run block."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = readme.split("<!-- run -->")[1].split("```")[1]
    return ["stackscan", *shlex.split(block.rpartition("bin/stackscan ")[2])]


def picture() -> str:
    """The terminal as SVG; the same report always gives the same text."""
    command = shown_command()
    settings = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "CLICOLOR"}}
    settings |= {"FORCE_COLOR": "1", "COLUMNS": str(_COLUMNS), "TERM": "xterm-256color", "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=settings, capture_output=True, text=True, check=True
    )
    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(done.stdout.rstrip("\n")), no_wrap=True, overflow="ellipsis")
    svg = console.export_svg(title=" ".join(command[:2]), theme=_THEME, code_format=_FRAME, unique_id="report")
    return re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)


if __name__ == "__main__":
    sys.stdout.write(picture())
