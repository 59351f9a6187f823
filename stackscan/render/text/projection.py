"""A projection for a terminal or a pipe: verdict, facts, what is left open, the table, small curves."""

from __future__ import annotations

from typing import TextIO

from stackscan.queueing.curves import curves
from stackscan.queueing.projection import Projection
from stackscan.queueing.send_times import SendTimes
from stackscan.render.plots.terminal import curve_lines
from stackscan.render.projection import block, duration, number, share
from stackscan.render.text.report import page


def render(found: Projection, out: TextIO, *, fix: str, measured: SendTimes | None) -> None:
    """Write it, as the report writes its loads."""
    shown = page(out)
    shown.block(block(found, fix=fix))
    if measured is not None:
        shown.prose("metrics", _measured(measured, found.workers))
    shown.line()
    for line in curve_lines(curves(found), width=shown.width - 2):
        shown.line(line, indent=2)


def _measured(measured: SendTimes, workers: int) -> str:
    low, high = measured.silent_fraction_interval
    text = f"{measured.sends:,} sends, {measured.silent:,} of them as long as a silent peer's close "
    text += f"({share(measured.silent_fraction)}; 90%: {share(low)} to {share(high)}), the others "
    text += f"{duration(measured.service_seconds)} on average"
    if measured.rate_per_second is not None:
        text += f"; {number(measured.rate_per_second)} a second over {duration(measured.seconds_between)}"
    if (measured.stall_load_erlangs or 0) > 0.9 * workers:
        text += ". A full pool shows here what it carries, not what is asked of it: the load may be larger"
    return text
