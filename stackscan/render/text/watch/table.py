"""The live table: the watched processes, the worst first, and what changed lately."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from rich.text import Text

from stackscan.render import words
from stackscan.render.text.watch.model import WORST_FIRST, Happening, Level, PoolRow, Row, Scene
from stackscan.render.text.watch.pieces import ago, bar, cell, clock, count_curve, curve, line, sign, span

#: From this width on, the verdict stands on the line of its process.
_WIDE: Final = 120
#: Columns of the numbers: since when, goroutines with their curve, when it answered, when it is asked.
_NUMBERS: Final = 7 + 9 + 1 + 12 + 7 + 6
#: Pools of a process that the table shows.
_POOLS: Final = 3
#: Lines of what changed: at most so many, and at most a third of the screen.
_HAPPENINGS: Final = 8
#: Levels that a process is not fine in.
_TROUBLES: Final = ("error", "warning", "lost")
_KEYS: Final = "q quit   p pause   ↑ ↓ choose   Enter open   ? help"
_COUNTED: Final[dict[Level, str]] = {
    "error": "stuck", "lost": "silent", "warning": "with warnings", "unknown": "new", "ok": "fine"
}  # fmt: skip


def table(scene: Scene, width: int, height: int) -> list[Text]:
    """The lines of the screen, at most ``height``, each at most ``width`` columns."""
    below = _below(scene, width, height)
    room = max(height - 2 - len(below) - 1, 1)
    shown = _rows(scene, width, room)
    gap = [Text()] * max(height - 2 - len(shown) - len(below) - 1, 0)
    return [*_head(scene, width), *shown, *gap, *below, _foot(scene, width)][:height]


def _head(scene: Scene, width: int) -> list[Text]:
    every = words.count(len(scene.rows), "processes")
    what = "paused" if scene.paused else f"every {scene.interval_seconds:g} s"
    levels: Counter[Level] = Counter("ok" if row.level == "info" else row.level for row in scene.rows)
    counted = [f"{levels[level]:,} {_COUNTED[level]}" for level in WORST_FIRST if levels[level] and level in _COUNTED]
    text = " · ".join((f"{every}, {what}", *counted))
    at = clock(scene.now)
    left = cell(f"stackscan watch  {text}", max(width - len(at) - 1, 0))
    return [line((left, "bold"), " ", (at, "dim")), line((_titles(width), "dim"))]


def _titles(width: int) -> str:
    names = _name_width(width)
    verdict = f"{'verdict':<{_verdict_width(width)}} " if width >= _WIDE else ""
    return cell(f"  {'process':<{names}} {verdict}{'since':>7}  {'goroutines':<20} {'seen':>6} {'next':>5}", width)


def _name_width(width: int) -> int:
    return max(12, width - 2 - 1 - _NUMBERS) if width < _WIDE else min(40, (width - _NUMBERS - 4) * 2 // 5)


def _verdict_width(width: int) -> int:
    return max(width - 2 - _name_width(width) - 2 - _NUMBERS, 10)


def _rows(scene: Scene, width: int, room: int) -> list[Text]:
    """As many processes as there is room for, so that the chosen one is among them; then how many more there are."""
    heights = [_height(row, width) for row in scene.rows]
    first = _first(heights, scene.selected, room)
    lines: list[Text] = []
    for place in range(first, len(heights)):
        left = len(heights) - place
        if len(lines) + heights[place] > room - (1 if left > 1 else 0) and lines:
            return [*lines, line((f"  {left:,} more, ↓ shows them", "dim"))]
        lines += _block(scene, place, width)
    return lines[:room]


def _first(heights: Sequence[int], selected: int, room: int) -> int:
    """The first process that is shown: 0, unless the chosen one would not be seen."""
    first, used = 0, 0
    for place in range(min(selected + 1, len(heights))):
        used += heights[place]
        while used > room - 1 and first < place:
            used -= heights[first]
            first += 1
    return first


def _height(row: Row, width: int) -> int:
    """How many lines a process takes: only those that are seen are made."""
    troubled = [pool for pool in row.pools if pool.troubled]
    says = width < _WIDE and row.level in _TROUBLES
    forecasts = sum(width < _WIDE and bool(pool.forecast) for pool in troubled[:_POOLS])
    return 1 + says + min(len(troubled), _POOLS) + forecasts + (len(troubled) > _POOLS)


def _block(scene: Scene, place: int, width: int) -> list[Text]:
    """The lines of one process: its numbers, its verdict where it is not fine, its pools in trouble."""
    row = scene.rows[place]
    chosen = place == scene.selected
    lines = [_numbers(row, scene, width, chosen=chosen)]
    if width < _WIDE and row.level in _TROUBLES:
        lines.append(line(("    ", ""), (cell(row.verdict, width - 4), sign(row.level)[1])))
    troubled = [pool for pool in row.pools if pool.troubled]
    for pool in troubled[:_POOLS]:
        lines.append(pool_line(pool, width, indent=4, forecast=width >= _WIDE))
        if width < _WIDE and pool.forecast:
            lines.append(line(("      ", ""), (cell(pool.forecast, width - 6), "dim")))
    if len(troubled) > _POOLS:
        lines.append(line((f"    {words.count(len(troubled) - _POOLS, 'more pools')}", "dim")))
    return lines


def _numbers(row: Row, scene: Scene, width: int, *, chosen: bool) -> Text:
    mark, style = sign(row.level)
    due = "" if row.next_at is None or scene.paused else span((row.next_at - scene.now).total_seconds())
    count = "" if row.goroutines is None else f"{row.goroutines:,}"
    name_style = ("reverse " if chosen else "") + (style if row.level in _TROUBLES else "")
    verdict = f"{cell(row.verdict, _verdict_width(width))} " if width >= _WIDE else ""
    return line(
        (f"{mark} ", style),
        (cell(row.target, _name_width(width), keep="ends"), name_style.strip()),
        " ",
        (verdict, style if row.level in _TROUBLES else "dim"),
        (cell(ago(row.since, scene.now), 7, right=True), ""),
        (cell(count, 9, right=True), ""),
        (f" {count_curve(row.counts, 12)}", "cyan"),
        (cell(ago(row.sampled_at, scene.now), 7, right=True), "dim"),
        (cell(due, 6, right=True), "dim"),
    )


def pool_line(pool: PoolRow, width: int, *, indent: int, wide: int = 12, forecast: bool = False) -> Text:
    """A pool: its name, a bar of its busy workers, how this was lately, and what is expected (``forecast``)."""
    share = pool.busy / pool.workers if pool.workers else 0.0
    style = "bold red" if share >= 1 else "yellow" if share >= 0.8 else "green"
    names = min(30, max(12, width - indent - 2 * wide - 16))
    text = line(
        (" " * indent + cell(pool.name, names, keep="ends"), ""),
        (f" {bar(share, wide)}", style),
        (f" {f'{pool.busy:,}/{pool.workers:,} busy':<14}", ""),
        (f" {curve(pool.shares, wide, low=0, high=1)}", "cyan"),
    )
    if forecast and pool.forecast:
        text.append(cell(f"  {pool.forecast}", max(width - text.cell_len, 0)).rstrip(), "dim")
    text.truncate(width, overflow="ellipsis")
    return text


def _below(scene: Scene, width: int, height: int) -> list[Text]:
    """What changed lately, the newest last, and troubles of the watcher."""
    most = min(_HAPPENINGS, max(height // 3 - 2, 0))
    lately = scene.happenings[-most:] if most else ()
    lines = [Text(), line(("What changed", "bold"))] if lately else []
    lines += [happening_line(one, width, named=True) for one in lately]
    return lines + [line((cell(f"! {note}", width), "bold yellow")) for note in scene.notes[-2:]]


def happening_line(one: Happening, width: int, *, named: bool) -> Text:
    """When, where (``named``), and what changed."""
    mark, style = sign(one.level)
    names = (f"{cell(one.target, min(36, width // 3), keep='ends')} ", "") if named else ("", "")
    text = line(
        (f"{clock(one.at)} ", "dim"), (f"{mark} ", style), names, (f"{one.event:<8} ", style), words.plain(one.what)
    )
    text.truncate(width, overflow="ellipsis")
    return text


def _foot(scene: Scene, width: int) -> Text:
    text = f"PAUSED: no process is asked. {_KEYS}" if scene.paused else _KEYS
    return line((cell(text, width), "reverse" if scene.paused else "dim"))


def rows_in_order(rows: Iterable[Row]) -> tuple[Row, ...]:
    """The rows, the worst first; among equals the one that stands longest, then by name."""
    return tuple(
        sorted(
            rows,
            key=lambda row: (
                WORST_FIRST.index(row.level),
                row.since.timestamp() if row.since is not None else 0.0,
                row.target,
            ),
        )
    )
