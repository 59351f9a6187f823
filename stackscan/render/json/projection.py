"""A projection as one JSON object."""

from __future__ import annotations

from typing import Any, TextIO

from stackscan.queueing.projection import Projection
from stackscan.queueing.send_times import SendTimes
from stackscan.queueing.values import metrics_values, projection_values
from stackscan.render.json.write import write


def render(found: Projection, out: TextIO, *, fix: str, measured: SendTimes | None) -> None:
    """Write it, with what the metrics of the node said under ``metrics``."""
    del fix  # words for people
    write(as_json(found, measured), out)


def as_json(found: Projection, measured: SendTimes | None) -> dict[str, Any]:
    """As JSON values."""
    return projection_values(found) | {"metrics": None if measured is None else metrics_values(measured)}
