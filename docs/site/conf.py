"""The documentation as a site, by Sphinx: ``docs/development.md`` says how to build it.

The site's sources are the Markdown files where they are, so a link leads to the same thing here and on a forge. The
chapters are those of the book, ``docs/README.md``.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import sys
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

from docutils import nodes
from sphinx.application import Sphinx

from stackscan import __version__

sys.path.insert(0, str(Path(__file__).parent))  # Sphinx runs this file without its folder
from flowchart import with_drawings

_ROOT: Final = Path(__file__).parents[2]
_BOOK: Final = "docs/README"
_LINK: Final = re.compile(r"\[([^\]]+)\]\(([\w./-]+)\.md\)")
#: Search engines show about so many characters of a description.
_DESCRIPTION: Final = 160

# -- what Sphinx and its extensions read -------------------------------------------------------------------------------

project = "stackscan"
version = release = __version__
extensions = ["myst_parser", "sphinx_copybutton"]
root_doc = "README"
include_patterns = ["*.md", "docs/**.md", "examples/**.md", "fixtures/lab/README.md", "tests/schemas/README.md"]
exclude_patterns = [".*", "build", "dist"]
source_suffix = {".md": "markdown"}
suppress_warnings = [
    "misc.highlighting_failure",  # examples in Go and TOML have "…" where something is left out
    "toc.not_included",  # a test knows the pages that are in no chapter
]

highlight_language = "none"
smartquotes = False
myst_heading_anchors = 6
myst_enable_extensions = ["html_image"]
copybutton_prompt_text = "$ "

html_theme = "pydata_sphinx_theme"
html_title = f"stackscan {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_favicon = "static/icon.svg"
templates_path = ["templates"]
html_copy_source = False
html_use_index = False
html_context = {"default_mode": "auto"}
html_sidebars = {"**": ["chapters.html"]}
html_theme_options = {
    "logo": {"text": "stackscan"},
    "navbar_center": [],
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 2,
    "footer_start": [],
    "footer_end": [],
}


# -- what the site makes of the book -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Item:
    """An item of the book's list: its page, and the pages below that, each with the words of its link."""

    page: tuple[str, str]
    below: list[tuple[str, str]]


def chapters(book: str) -> dict[str, list[Item]]:
    """The chapters of the book by name, with names of pages as Sphinx has them: from the root, without ``.md``."""
    found = {}
    for chapter in re.split(r"^\d+\. ", book, flags=re.MULTILINE)[1:]:
        name, *items = re.split(r"\n +\* ", chapter)
        links = [_LINK.findall(" ".join(item.replace("`", "").split())) for item in items]
        pages = [[(words, posixpath.normpath(f"docs/{page}")) for words, page in each] for each in links]
        found[name.strip().partition(",")[0]] = [Item(each[0], each[1:]) for each in pages]
    return found


def _with_drawings(_: Sphinx, _docname: str, source: list[str]) -> None:
    """Draw the flow charts of a page."""
    source[0] = with_drawings(source[0])


def _with_contents(_: Sphinx, docname: str, source: list[str]) -> None:
    """Give the first page the tables of contents of all chapters, and each page that of the pages below it."""
    book = chapters((_ROOT / f"{_BOOK}.md").read_text(encoding="utf-8"))
    if docname == root_doc:
        source[0] += _contents([("The book", _BOOK)])
        source[0] += "".join(_contents([item.page for item in items], caption) for caption, items in book.items())
    for item in (item for items in book.values() for item in items if item.below):
        if docname == item.page[1]:
            source[0] += _contents(item.below)


def _contents(pages: list[tuple[str, str]], caption: str = "") -> str:
    lines = [f":caption: {caption}"] if caption else []
    lines += [f"{words} </{page}>" for words, page in pages]
    return "\n".join(["", "", "```{toctree}", ":hidden:", *lines, "```", ""])


def _described(
    _: Sphinx, pagename: str, _template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Describe a page to search engines by its first paragraph."""
    first = next(doctree.findall(nodes.paragraph), None) if doctree else None
    text = " ".join(first.astext().split()) if first else f"{project}: {context.get('title', pagename)}"
    if len(text) > _DESCRIPTION:
        text = text[:_DESCRIPTION].rsplit(" ", 1)[0].rstrip(",;:") + " …"
    context["metatags"] = context.get("metatags", "") + f'\n<meta name="description" content="{escape(text)}">'


def _with_index(app: Sphinx, error: Exception | None) -> None:
    """Give each folder of the site its first page: servers and browsers look for ``index.html``."""
    if error is None:
        for page in Path(app.outdir).rglob("README.html"):
            shutil.copyfile(page, page.with_name("index.html"))


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the functions above to Sphinx."""
    app.connect("source-read", _with_drawings)
    app.connect("source-read", _with_contents)
    app.connect("html-page-context", _described)
    app.connect("build-finished", _with_index)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
