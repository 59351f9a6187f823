"""A projection for a terminal or a pipe: verdict, facts, what it does not explain, the table, small curves."""

from __future__ import annotations

from typing import TextIO

from stackscan.queueing.curves import curves
from stackscan.queueing.projection import Projection
from stackscan.queueing.send_times import SendTimes
from stackscan.render.plots.terminal import curve_lines
from stackscan.render.pool_words import block, measurements
from stackscan.render.text.opened import page_on
from stackscan.render.text.pools import write_load


def render(found: Projection, out: TextIO, *, fix: str, measured: SendTimes | None) -> None:
    """Write a projection as the report writes its loads."""
    shown = page_on(out)
    write_load(shown, block(found, fix=fix))
    if measured is not None:
        shown.prose("metrics", measurements(measured, found.workers))
    shown.line()
    for line in curve_lines(curves(found), width=shown.width - 2):
        shown.line(line, indent=2)
