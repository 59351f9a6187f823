"""A projection for a terminal or a pipe: verdict, facts, what it does not explain, the table, small curves."""

from __future__ import annotations

from typing import TextIO

from stackscan.queueing.curves import curves
from stackscan.queueing.projection import Projection
from stackscan.queueing.send_times import SendTimes
from stackscan.render.numbers import duration, number, share
from stackscan.render.plots.terminal import curve_lines
from stackscan.render.pool_words import block
from stackscan.render.text.opened import page_on
from stackscan.render.text.pools import write_load


def render(found: Projection, out: TextIO, *, fix: str, measured: SendTimes | None) -> None:
    """Write a projection as the report writes its loads."""
    shown = page_on(out)
    write_load(shown, block(found, fix=fix))
    if measured is not None:
        shown.prose("metrics", _measured(measured, found.workers))
    shown.line()
    for line in curve_lines(curves(found), width=shown.width - 2):
        shown.line(line, indent=2)


def _measured(measured: SendTimes, workers: int) -> str:
    low, high = measured.silent_fraction_interval
    text = f"{measured.sends:,} sends; {measured.silent:,} of them took as long as closing to a silent peer "
    text += f"({share(measured.silent_fraction)}; 90% interval: {share(low)} to {share(high)}), the others "
    text += f"{duration(measured.service_seconds)} on average"
    if measured.rate_per_second is not None:
        text += f"; {number(measured.rate_per_second)} a second over {duration(measured.seconds_between)}"
    if (measured.stall_load_erlangs or 0) > 0.9 * workers:
        text += ". The pool is full, so the offered load may be larger than measured"
    return text
