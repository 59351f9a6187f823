"""The curves as lines of block characters: small, aligned, legible without colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from stackscan.queueing.curves import Curves

_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_NAME: Final = 26


def curve_lines(curves: Curves, *, width: int) -> tuple[str, ...]:
    """The curves in at most ``width`` columns: a line a series, its scale at its end, the x axis and the mark below."""
    columns = max(20, min(60, width - _NAME - 27))
    over = curves.x_label.split(" (")[0]
    lines = [f"{curves.title}; over the {over}:"]
    for panel in curves.panels:
        top = max((*panel.synchronous, *panel.detached)) or 1.0
        scale = f"{top:,.3g}" if panel.label.endswith("second") else f"{top:.0%}"
        for name, values in (("closed in the worker", panel.synchronous), ("closed outside the pool", panel.detached)):
            lead = panel.label if name == "closed in the worker" else ""
            lines.append(f"{lead:<{_NAME}}{_blocks(values, columns, top)}  {name}")
        lines.append(f"{'':<{_NAME}}{'':{columns}}  full height: {scale}")
    lines.append(f"{'':<{_NAME}}{_axis(curves, columns)}")
    lines.append(f"{'':<{_NAME}}{_ends(curves, columns)}")
    return tuple(line.rstrip() for line in lines)


def _blocks(values: Sequence[float], columns: int, top: float) -> str:
    last = len(values) - 1
    picked = (values[round(place * last / (columns - 1))] for place in range(columns))
    return "".join(_BLOCKS[min(7, round(7 * value / top))] for value in picked)


def _axis(curves: Curves, columns: int) -> str:
    """The mark, its interval, and where saturation begins."""
    cells = ["─"] * columns
    if curves.mark is not None:
        low = _column(curves, curves.mark.low, columns)
        high = columns - 1 if curves.mark.high is None else _column(curves, curves.mark.high, columns)
        cells[low : high + 1] = "━" * (high + 1 - low)
        cells[_column(curves, curves.mark.x, columns)] = "▲"
    if curves.saturation is not None:
        cells[_column(curves, curves.saturation, columns)] = "┃"
    marked = f"▲ {curves.mark.label}  " if curves.mark is not None else ""
    return "".join(cells) + f"  {marked}" + ("┃ saturation" if curves.saturation is not None else "")


def _ends(curves: Curves, columns: int) -> str:
    form = "{:.3g}%" if curves.x_is_share else "{:.3g}"
    factor = 100 if curves.x_is_share else 1
    left, right = (form.format(factor * value) for value in (curves.x[0], curves.x[-1]))
    return left + right.rjust(columns - len(left))


def _column(curves: Curves, x: float, columns: int) -> int:
    return min(columns - 1, max(0, round((columns - 1) * x / (curves.x[-1] or 1.0))))
