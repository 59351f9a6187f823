"""Answers what ``pool project`` was asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stackscan.cli.output import written
from stackscan.cli.pool.output import printed
from stackscan.cli.progress import progress
from stackscan.question import Asked, projected
from stackscan.queueing.curves import curves
from stackscan.queueing.values import metrics_values, projection_values


def answer(asked: Asked, *, as_json: bool, output: Path | None, plot: Path | None) -> None:
    """Project, draw if asked, and write."""
    if plot is not None:
        from stackscan.plots.figure import format_of

        picture_format = format_of(str(plot))
    with progress() as told:
        found, measured, fix = projected(asked, told)
    if plot is not None:
        from stackscan.plots.figure import draw

        picture = draw(curves(found), picture_format=picture_format)
        with written(plot) as out:
            out.buffer.write(picture)
    with written(output) as out:
        if as_json:
            values: dict[str, Any] = projection_values(found)
            out.write(printed(values | {"metrics": None if measured is None else metrics_values(measured)}))
        else:
            from stackscan.reporters.projection_text import render

            render(found, out, fix=fix, measured=measured, curves=curves(found))
