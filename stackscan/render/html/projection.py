"""A projection as a page for a browser."""

from __future__ import annotations

from typing import TextIO

from stackscan.queueing.outlook import outlook
from stackscan.queueing.projection import Projection
from stackscan.queueing.send_times import SendTimes
from stackscan.render.html.page import data, page
from stackscan.render.html.pools import load
from stackscan.render.json.projection import as_json
from stackscan.render.pool_words import measurements
from stackscan.report.model import Verdict


def render(found: Projection, out: TextIO, *, fix: str, measured: SendTimes | None) -> None:
    """Write it: the verdict, the facts, the curves, and what a reader may try."""
    entry = load("", found, fix, outlook(found))
    words = entry["words"]
    page(
        "pool",
        "projection",
        out,
        title=f"Projection of a pool of {found.workers:,} workers",
        verdicts=[Verdict(words.level, words.headline)],
        entry=entry,
        metrics="" if measured is None else measurements(measured, found.workers),
        report=data(as_json(found, measured)),
    )
