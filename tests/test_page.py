"""A page in a pipe is written without rich, which takes as long to load as a small dump to read: as rich writes it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from helpers import FIXTURES
from stackscan.pipeline import scan
from stackscan.render.text import opened, report
from stackscan.render.text.page import Page, cells, wrapped
from stackscan.render.text.styled import StyledPage
from stackscan.render.text.wrapping import wrapped_by_rich


@given(st.text(alphabet="ab  .,…×·→–—✗✓≥≤µ─’\ufffd", max_size=80), st.integers(1, 30))
def test_paragraphs_are_wrapped_as_rich_wraps_them(text: str, width: int) -> None:
    """Also with words that are longer than a line."""
    assert wrapped_by_rich(text, width) == wrapped(text, width)


@given(st.text(max_size=40), st.integers(1, 30))
def test_any_text_is_wrapped_as_rich_wraps_it(text: str, width: int) -> None:
    """Other scripts, marks that take no column, and control characters too."""
    assert wrapped_by_rich(text, width) == wrapped(text, width)
    assert cell_len(text) == cells(text)


@pytest.mark.parametrize(
    "path",
    [
        FIXTURES / "go" / "go1.25" / "hang_http-locked.txt",
        FIXTURES / "go" / "go1.25" / "panic_multiline.txt",
        FIXTURES / "go" / "go1.25" / "labels.txt",
        FIXTURES / "go" / "go1.26" / "bigserver.txt.gz",
        FIXTURES / "kubo" / "v0.40.1-stalled-tcp" / "stack-02.txt.gz",
    ],
    ids=lambda path: path.name,
)
@pytest.mark.parametrize("columns", [40, 100])
def test_a_plain_page_is_what_rich_writes_without_colours(
    path: Path, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Line by line, at any width."""
    found = scan([str(path)], top=None)
    shown = []
    for kind in (Page, StyledPage):
        monkeypatch.setattr(report, "page_on", lambda out, kind=kind: kind(out, columns))
        out = io.StringIO()
        report.render(found, out)
        shown.append(out.getvalue())
    assert shown[0] == shown[1]
    assert len(shown[0]) > 200


@pytest.mark.parametrize(
    ("settings", "kind"),
    [({}, Page), ({"COLUMNS": "70"}, Page), ({"FORCE_COLOR": "1"}, StyledPage), ({"TTY_COMPATIBLE": "1"}, StyledPage)],
)
def test_who_asks_for_colours_in_a_pipe_gets_them(
    settings: dict[str, str], kind: type[Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    """CI often does."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "JUPYTER_COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    found = opened.page_on(io.StringIO())
    assert (kind, int(settings.get("COLUMNS", "100"))) == (type(found), found.columns)
