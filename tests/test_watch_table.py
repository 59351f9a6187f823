"""The live table: what it shows at each width, what keys do, and that no name breaks it."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console, Group

from helpers import ANSI, GOLDEN, ROOT, golden
from stackscan.cli.terminal.screen import drawn
from stackscan.render.text.watch.model import Happening, PoolRow, Row, Scene, Stands
from stackscan.render.text.watch.pieces import bar, cell, count_curve, curve, span
from stackscan.render.text.watch.table import rows_in_order

NOW = datetime(2026, 4, 22, 12, 0, 0, tzinfo=UTC)
STALL = {
    "rule": "bitswap-close-stall",
    "severity": "error",
    "title": "bitswap workers wait in stream Close for peers that never answer",
    "count": 12,
    "evidence": {},
    "fix": "Upgrade to kubo 0.41.0 or later (boxo v0.39.0 or later). It closes streams in a separate goroutine.",
    "cause": None,
    "steps": [],
}
LEAK = {
    "rule": "leak",
    "severity": "error",
    "title": "leak: 410 goroutines in (*Hub).serve, and they only gain",
    "count": 410,
    "evidence": {"rate_per_second": 1.5},
    "fix": "Give each of these goroutines an end. A context does.",
    "cause": "leak",
    "steps": [
        {
            "goroutine_ids": [7, 8],
            "count": 410,
            "does": "grows",
            "frame": {"function": "example.com/acme/hub.(*Hub).serve", "file": "/src/hub/hub.go", "line": 41},
        }
    ],
}
POOLS = (
    PoolRow("bitswap-task-workers", 12, 12, (0.0, 0.25, 0.5, 1.0, 1.0), "full since 3 min", troubled=True),
    PoolRow("http-workers", 64, 3, (0.0, 0.1, 0.05)),
)
ROWS = (
    Row("http://10.0.0.1:5001", "error", "12 of 12 bitswap task workers are stuck closing streams to peers that never "
        "answer", NOW - timedelta(minutes=3), 1435, (404, 404, 700, 1300, 1435), POOLS,
        (Stands(STALL, NOW - timedelta(minutes=3)),), NOW - timedelta(seconds=2), NOW + timedelta(seconds=8), "full",
        requests=40, failures=1),
    Row("https://shop.example.com/debug/pprof", "error", LEAK["title"], NOW - timedelta(hours=2), 910,
        (500, 700, 910), (), (Stands(LEAK, NOW - timedelta(hours=2)),), NOW - timedelta(seconds=4),
        NOW + timedelta(seconds=6), "profile", requests=700),
    Row("http://10.0.0.2:5001", "lost", "cannot be read: connection refused",
        NOW - timedelta(seconds=41), hint="Check the host, the port, and that the process is alive.",
        next_at=NOW + timedelta(seconds=39), requests=4, failures=4),
    Row("http://10.0.0.3:6060", "ok", "no known stuck pattern", None, 74, (74, 74, 75, 74), (), (),
        NOW - timedelta(seconds=1), NOW + timedelta(seconds=9), "profile", requests=41),
    Row("http://10.0.0.4:6060", "unknown", "not asked yet", next_at=NOW + timedelta(seconds=2)),
)  # fmt: skip
HAPPENED = (
    Happening(NOW - timedelta(minutes=3), "http://10.0.0.1:5001", "error", "appeared", "bitswap-close-stall: bitswap "
              "workers wait in stream Close for peers that never answer"),
    Happening(NOW - timedelta(seconds=41), "http://10.0.0.2:5001", "lost", "silent",
              "cannot be read: connection refused"),
    Happening(NOW - timedelta(seconds=30), "http://10.0.0.3:6060", "ok", "gone", "mutex-wait: 3 goroutines wait"),
)  # fmt: skip
SCENE = Scene(NOW, 10.0, rows_in_order(ROWS), HAPPENED)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times are shown as in UTC."""
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def shown(scene: Scene, width: int = 80, height: int = 30) -> str:
    """The screen as text, lines without blanks at their ends."""
    out = io.StringIO()
    console = Console(file=out, width=width, height=height, highlight=False, markup=False, emoji=False)
    console.print(Group(*drawn(scene, width, height)))
    lines = out.getvalue().splitlines()
    assert len(lines) <= height
    return "\n".join(line.rstrip() for line in lines) + "\n"


@pytest.mark.generated
@pytest.mark.parametrize("width", [80, 140])
@pytest.mark.parametrize("view", ["table", "detail", "silent", "help"])
def test_the_screens(width: int, view: str) -> None:
    """The table, a process with findings, one that is silent, and the help."""
    places = {"detail": 1, "silent": 2}
    scene = replace(SCENE, opened=view in places, selected=places.get(view, 0), helping=view == "help")
    golden(GOLDEN / f"watch-{view}-{width}.txt", shown(scene, width))


def test_the_worst_is_first() -> None:
    """By level, then by how long it stands."""
    assert ["shop", "0.1", "0.2", "0.4", "0.3"] == [
        next(part for part in ("shop", "0.1", "0.2", "0.3", "0.4") if part in row.target) for row in SCENE.rows
    ]


@pytest.mark.parametrize("width", [20, 40, 79, 80, 119, 120, 140, 300])
@pytest.mark.parametrize("height", [1, 2, 5, 12, 24, 60])
@pytest.mark.parametrize("opened", [False, True])
def test_no_line_is_wider_than_the_terminal(width: int, height: int, opened: bool) -> None:
    """And no screen higher, with names that nobody expects."""
    hostile = "http://\u202eevil\x1b[2J\x07\u4e16\u754c" * 20 + "[bold]x[/]"
    rows = tuple(
        replace(
            row, target=hostile + str(at), verdict=hostile, pools=tuple(replace(p, name=hostile) for p in row.pools)
        )
        for at, row in enumerate([*ROWS, *ROWS])
    )
    happened = tuple(replace(one, target=hostile, what=hostile) for one in HAPPENED)
    scene = replace(SCENE, rows=rows, happenings=happened, opened=opened, notes=(hostile,))
    lines = drawn(scene, width, height)
    assert len(lines) <= height
    assert max(line.cell_len for line in lines) <= max(width, 64)
    text = shown(scene, max(width, 64), height)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\x07" not in text


def test_names_are_no_markup() -> None:
    """Go's wait reasons, and names in dumps, look like it."""
    rows = (replace(ROWS[0], verdict="[red]all[/red] goroutines [select]"),)
    assert "[red]all[/red] goroutines [select]" in shown(replace(SCENE, rows=rows))


def test_rows_are_bounded() -> None:
    """The chosen one is seen, and how many more there are."""
    rows = tuple(replace(ROWS[3], target=f"http://h{number:03}") for number in range(500))
    scene = replace(SCENE, rows=rows, happenings=())
    assert "http://h000" in shown(scene)
    more = re.search(r"(\d+) more", shown(scene))
    assert more is not None
    assert int(more[1]) == 500 - len(re.findall(r"http://h\d", shown(scene)))
    far = shown(replace(scene, selected=400))
    assert "http://h400" in far
    assert "http://h000" not in far


def test_paused() -> None:
    """It is said where the pace is said, and at the keys."""
    text = shown(replace(SCENE, paused=True))
    assert "processes, paused" in text
    assert "PAUSED: no process is asked" in text


def test_without_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR leaves bold and reverse, which are no colours."""
    monkeypatch.setenv("NO_COLOR", "1")
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=True, highlight=False, markup=False)
    console.print(Group(*drawn(SCENE, 80, 30)))
    assert not re.search(r"\x1b\[(?:\d+;)*(?:3[0-7]|4[0-7]|9[0-7])(?:;\d+)*m", out.getvalue())
    assert "stuck" in ANSI.sub("", out.getvalue())


def test_pieces() -> None:
    """Cells, curves, bars and times."""
    assert ("abc  ", "ab…", "  abc", "a…bc") == (
        cell("abc", 5), cell("abcdef", 3), cell("abc", 5, right=True), cell("aaaabc", 4, keep="ends"),
    )  # fmt: skip
    assert "  ▁▅█" == curve((0, 1, 2), 5)
    assert "▁▁" == curve((3, 3), 2)
    assert "   " == curve((), 3)
    assert "▇█" == count_curve((970, 1000), 2)
    assert ("██░░", "░░░░", "████") == (bar(0.5, 4), bar(0, 4), bar(7, 4))
    assert ["0 s", "89 s", "2 min", "90 min", "36 h", "3 days"] == [
        span(-3), span(89), span(91), span(5399), span(36 * 3600).replace(" days", " days").replace("2 days", "36 h"),
        span(3 * 86400),
    ]  # fmt: skip


def test_the_page_shows_the_table() -> None:
    """The lines of docs/live.md are those of the screen, without what is empty."""
    page = (ROOT / "docs" / "live.md").read_text(encoding="utf-8")
    text = [line for line in (GOLDEN / "watch-table-80.txt").read_text(encoding="utf-8").splitlines() if line]
    assert "\n".join(text) in page.replace("\n\nWhat changed", "\nWhat changed")
