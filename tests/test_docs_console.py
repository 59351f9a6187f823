"""What the pages under docs/ show as a run is what the program prints.

With ``STACKSCAN_UPDATE_GOLDENS=1`` the pages are written anew; read them before committing.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import FIXTURES, ROOT, environment, golden

_BLOCK = re.compile(r"(?<=^```console\n)(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)
PAGES = [page for page in sorted((ROOT / "docs").glob("*.md")) if "```console" in page.read_text(encoding="utf-8")]


def printed(block: str, folder: Path) -> str:
    """A block's commands, each with what it prints to standard output, in a folder from which fixtures/ can be seen."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shown = ""
    for command in (line for line in block.splitlines() if line.startswith("$ ")):
        done = subprocess.run(
            ["bash", "-c", command[2:]],
            cwd=folder,
            env=environment(PATH=path),
            capture_output=True,
            text=True,
            check=False,
        )
        shown += f"{command}\n{done.stdout}"
    return shown


@pytest.mark.generated
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_shows_what_is_printed(page: Path, tmp_path: Path) -> None:
    """Every console block of every page is run."""
    (tmp_path / "fixtures").symlink_to(FIXTURES)
    text = page.read_text(encoding="utf-8")
    now = _BLOCK.sub(lambda block: printed(block[1], tmp_path), text)
    golden(page, now)


@pytest.mark.parametrize("name", ["check", "compare"])
def test_every_option_is_documented(name: str) -> None:
    """What --help lists is explained on the command's page."""
    page = {"check": "ci.md", "compare": "compare.md"}[name]
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "stackscan", name, "-h"], capture_output=True, text=True, check=True)
    assert [option for option in set(re.findall(r"--[a-z-]+", done.stdout)) - {"--help"} if option not in text] == []
