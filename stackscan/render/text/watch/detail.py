"""One watched process: its findings with what to do, its pools, and what changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rich.text import Text

from stackscan.model.snapshot import Frame
from stackscan.render import words
from stackscan.render.numbers import number
from stackscan.render.text.page import wrapped
from stackscan.render.text.watch.model import Row, Scene, Stands
from stackscan.render.text.watch.pieces import ago, cell, clock, count_curve, line, sign, span
from stackscan.render.text.watch.table import happening_line, pool_line

_KEYS: Final = "Esc back   ↑ ↓ scroll   p pause   q quit   ? help"
#: Goroutines of a finding that are shown.
_STEPS: Final = 4
HELP: Final = (
    ("q", "quit (so do Ctrl-C and SIGTERM)"),
    ("p", "pause: no process is asked until p is pressed again"),
    ("↑ ↓, k j", "choose a process; scroll where one is open"),
    ("Enter", "open the chosen process: findings with their fix, pools, history"),
    ("Esc", "back to the table"),
    ("?", "this help"),
    ("", ""),
    ("✗ ! i ✓", "error, warning, information, nothing stuck"),
    ("?", "the process does not answer: the reason is its verdict"),
    ("·", "not asked yet"),
    ("since", "how long the worst finding has stood, or the process been silent"),
    ("seen", "how long ago it last answered;  next: when it is asked again"),
)


def detail(scene: Scene, width: int, height: int) -> list[Text]:
    """The lines of the screen for the chosen process."""
    row = scene.rows[scene.selected]
    body = _body(scene, row, width)
    room = max(height - 1, 1)
    first = min(scene.scrolled, max(len(body) - room, 0))
    shown = body[first : first + room]
    keys = _KEYS if len(body) <= room else f"{_KEYS}   lines {first + 1} to {first + len(shown)} of {len(body)}"
    return [*shown, *[Text()] * (room - len(shown)), line((cell(keys, width), "dim"))][:height]


def lines_of(scene: Scene, width: int) -> int:
    """How many lines the chosen process takes: where scrolling ends."""
    return len(_body(scene, scene.rows[scene.selected], width))


def help_page(width: int, height: int) -> list[Text]:
    """What the keys do, and what the marks mean."""
    lines = [line(("Keys and marks", "bold")), Text()]
    lines += [line((f"{name:>10}  ", "bold"), cell(text, max(width - 12, 0))) for name, text in HELP]
    return [*lines, Text(), line(("any key goes back", "dim"))][:height]


def _body(scene: Scene, row: Row, width: int) -> list[Text]:
    mark, style = sign(row.level)
    since = f", since {clock(row.since)} ({ago(row.since, scene.now)})" if row.since is not None else ""
    lines = [line((f"{mark} {cell(row.target, width - 2, keep='ends').rstrip()}", "bold"))]
    lines += _prose("", f"{row.verdict}{since}", width, style=style if row.level not in ("ok", "info") else "")
    lines += _prose("", row.hint, width, style="dim") if row.hint else []
    lines.append(Text())
    lines += _numbers(scene, row, width)
    for one in row.findings:
        lines += [Text(), *_finding(one, scene, width)]
    if row.pools:
        lines += [Text(), line(("Pools", "bold"))]
        for pool in row.pools:
            lines.append(pool_line(pool, width, indent=2, wide=min(40, max(12, (width - 50) // 2))))
            lines += _prose("", f"  {pool.forecast}", width, style="dim") if pool.forecast else []
    happened = [one for one in scene.happenings if (one.key, one.target) == (row.key, row.target)]
    if happened:
        lines += [Text(), line(("What changed", "bold"))]
        lines += [happening_line(one, width, named=False) for one in reversed(happened)]
    return lines


def _numbers(scene: Scene, row: Row, width: int) -> list[Text]:
    asked = f"{words.count(row.requests, 'requests')}, {row.failures:,} without an answer"
    seen = "" if row.sampled_at is None else f"last answer {ago(row.sampled_at, scene.now)} ago ({row.depth}) · "
    due = "" if row.next_at is None else f" · next in {span((row.next_at - scene.now).total_seconds())}"
    lines = _prose("", f"{seen}{asked}{due}", width, style="dim")
    if row.goroutines is not None:
        drawn = count_curve(row.counts, min(60, max(width - 40, 10))).lstrip()
        least = f"  {min(row.counts):,} to {max(row.counts):,}" if row.counts else ""
        lines.append(line(("  goroutines  ", "dim"), f"{row.goroutines:,}  ", (drawn, "cyan"), (least, "dim")))
    return lines


def _finding(one: Stands, scene: Scene, width: int) -> list[Text]:
    values = one.values
    mark, style = sign(values["severity"])
    count = words.count(values["count"], "goroutines")
    since = f"  since {clock(one.since)} ({ago(one.since, scene.now)})"
    lines = [line((f"{mark} {words.plain(values['rule'])}", style), (f"  {count}", "bold"), (since, "dim"))]
    lines += _prose("", values["title"], width)
    for place, step in enumerate(values["steps"][:_STEPS]):
        lines += _step(step, width, first=place == 0)
    if len(values["steps"]) > _STEPS:
        lines += _prose("", f"{len(values['steps']) - _STEPS:,} more", width, style="dim")
    rate = values["evidence"].get("rate_per_second")
    if values["cause"] == "leak" and isinstance(rate, float):
        lines += _prose("rate", f"{number(rate * 60)} goroutines a minute", width)
    change = values["evidence"].get("change")
    return lines + _prose("fix", str(change) if change else words.first_sentence(values["fix"]), width, style="bold")


def _step(step: Mapping[str, Any], width: int, *, first: bool) -> list[Text]:
    ids, count = step["goroutine_ids"], step["count"]
    who = f"goroutine {ids[0]}" if count == 1 and ids else words.count(count, "goroutines")
    lines = _prose("who" if first else "", f"{who} {step['does']}" if count == 1 else f"{who}: {step['does']}", width)
    found = step["frame"]
    if found is not None:
        frame = Frame(found["function"], found["file"], found["line"])
        where = f"{words.short_symbol(frame.function)}  {words.short_location(frame)}"
        lines.append(line("            ", (cell(where, max(width - 12, 0), keep="ends").rstrip(), "cyan")))
    return lines


def _prose(label: str, body: str, width: int, *, style: str = "") -> list[Text]:
    """A labelled paragraph."""
    lead = f"  {label:<9} " if label else "  "
    lines = wrapped(words.shortened(words.plain(" ".join(body.split()))), max(width - len(lead), 8))
    return [line((lead if place == 0 else " " * len(lead), "dim"), (text, style)) for place, text in enumerate(lines)]
