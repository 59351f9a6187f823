"""The curves of a projection as charts, in words, and as a table."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from stackscan.render.html.charts import LEFT, RIGHT, TOP, Band, Chart, Line, Rule, Scale, band, label_heights
from stackscan.render.html.charts import path as path_of
from stackscan.render.html.charts import rule as rule_at
from stackscan.render.html.charts import ticks as ticks_of
from stackscan.render.numbers import number, share

if TYPE_CHECKING:
    from stackscan.queueing.curves import Curves, Mark, Panel
    from stackscan.queueing.projection import Projection

_BOTTOM: Final = 196.0
#: Rows of the table: every so many points.
_EVERY: Final = 12
#: Room for a label above the highest curve.
_HEADROOM: Final = 1.14
#: Shares below it are as good as nothing: the axis goes at least so far.
_LEAST_SHARE: Final = 0.01
#: Curves that end nearer than this share a label.
_ALIKE: Final = 14.0
_NAMES: Final = {"within": "in the worker", "beside": "outside the pool"}


def figure(curves: Curves, found: Projection) -> dict[str, Any]:
    """What the template of the curves needs: a chart for each panel, and the rows of the table."""
    return {
        "title": curves.title,
        "over": curves.x_label.partition(" (")[0],
        "unit": curves.x_label,
        "charts": [_chart(panel, curves, found) for panel in curves.panels],
        "header": [
            curves.x_label.partition(" (")[0].capitalize(),
            *(f"{panel.label.capitalize()}, {where}" for panel in curves.panels for where in _NAMES.values()),
        ],
        "rows": [_row(curves, place) for place in range(0, len(curves.x), _EVERY)],
    }


def _row(curves: Curves, place: int) -> list[str]:
    values = ((panel, values[place]) for panel in curves.panels for values in (panel.synchronous, panel.detached))
    return [_across(curves, curves.x[place]), *(_value(panel, value) for panel, value in values)]


def _across(curves: Curves, value: float) -> str:
    return share(value) if curves.x_is_share else number(value)


def _value(panel: Panel, value: float) -> str:
    return number(value) if _is_rate(panel) else share(value)


def _is_rate(panel: Panel) -> bool:
    return panel.label.endswith("second")


def _chart(panel: Panel, curves: Curves, found: Projection) -> Chart:
    x = Scale(0.0, curves.x[-1], LEFT, RIGHT)
    most = max((*panel.synchronous, *panel.detached))
    most = most if _is_rate(panel) else max(most, _LEAST_SHARE)
    y = Scale(0.0, _HEADROOM * most or 1.0, _BOTTOM, TOP)
    series = {"within": panel.synchronous, "beside": panel.detached}
    first, second = (y.at(values[-1]) for values in series.values())
    places = label_heights(first, second, bottom=_BOTTOM)
    alike = abs(first - second) < _ALIKE
    names = ("", "closed either way") if alike else tuple(_NAMES.values())
    lines = tuple(
        Line(name, path_of(x, y, zip(curves.x, values, strict=True)), label, place)
        for (name, values), label, place in zip(series.items(), names, places, strict=True)
    )
    shown = panel.detached if found.in_force == "detached" else panel.synchronous
    mark = curves.mark
    known = mark is not None and mark.high is not None  # of a load that is a lower bound no value is known
    dots = () if mark is None or not known else (("mark", x.at(mark.x), y.at(_at(curves.x, shown, mark.x))),)
    return Chart(
        title=panel.label.capitalize(),
        says=_says(panel, curves, found),
        x_label=curves.x_label.partition(" (")[0],
        bottom=_BOTTOM,
        x_ticks=ticks_of(x, lambda value: _across(curves, value)),
        y_ticks=ticks_of(y, lambda value: _value(panel, value)),
        lines=lines,
        rules=_rules(curves, found, x),
        bands=_bands(curves, x),
        dots=dots,
    )


def _rules(curves: Curves, found: Projection, x: Scale) -> tuple[Rule, ...]:
    rules = []
    if curves.saturation is not None:
        rules.append(rule_at("saturation", x.at(curves.saturation), "saturated from here"))
    if curves.mark is not None:
        label = f"{_name(found)}: {_marked(curves, curves.mark)}{_between(curves)}"
        rules.append(rule_at("mark", x.at(curves.mark.x), label))
    return tuple(rules)


def _bands(curves: Curves, x: Scale) -> tuple[Band, ...]:
    bands = [] if curves.saturation is None else [band("saturated", x.at(curves.saturation), RIGHT)]
    mark = curves.mark
    if mark is not None and mark.high != mark.low:
        bands.append(band("interval", x.at(mark.low), RIGHT if mark.high is None else x.at(mark.high)))
    return tuple(bands)


def _name(found: Projection) -> str:
    if found.captures is None:
        return "now"
    return "this capture" if len(found.captures.held) == 1 else "these captures"


def _marked(curves: Curves, mark: Mark) -> str:
    return ("at least " if mark.high is None else "") + _across(curves, mark.x)


def _between(curves: Curves) -> str:
    """The interval of the mark, where it has two ends."""
    mark = curves.mark
    if mark is None or mark.high in {None, mark.low}:
        return ""
    return f" (90%: {_across(curves, mark.low)} to {_across(curves, mark.high or 0.0)})"


def _says(panel: Panel, curves: Curves, found: Projection) -> str:
    """The numbers of a panel in words."""
    over, end = curves.x_label.partition(" (")[0], _across(curves, curves.x[-1])
    parts = [f"Over the {over}, from 0 to {end}."]
    for name, values in (("in the worker", panel.synchronous), ("outside the pool", panel.detached)):
        first, last = _value(panel, values[0]), _value(panel, values[-1])
        constant = min(values) == max(values)
        moves = f"{first} everywhere" if constant else f"{first} to {last}{_there(panel, curves, found, values)}"
        parts.append(f"Closed {name}: {moves}.")
    if curves.saturation is not None:
        parts.append(f"Closed in the worker, the pool is saturated from {_across(curves, curves.saturation)} on.")
    return " ".join(parts)


def _there(panel: Panel, curves: Curves, found: Projection, values: Sequence[float]) -> str:
    """The value of a curve at the mark, and at the ends of its interval."""
    mark = curves.mark
    if mark is None:
        return ""
    name = _name(found) if mark.high is not None else f"the least load that {_name(found)} can have"
    text = f"; at {_across(curves, mark.x)} ({name}) {_value(panel, _at(curves.x, values, mark.x))}"
    if mark.high in {None, mark.low}:
        return text
    low, high = (_value(panel, _at(curves.x, values, end or 0.0)) for end in (mark.low, mark.high))
    between = f"90% interval: {_across(curves, mark.low)} to {_across(curves, mark.high or 0.0)}"
    return f"{text} ({between}, {low if low == high else f'{low} to {high}'})"


def _at(x: Sequence[float], values: Sequence[float], at: float) -> float:
    """The value of a curve between two of its points."""
    right = min(max(bisect_left(x, at), 1), len(x) - 1)
    step = (x[right] - x[right - 1]) or 1.0
    part = min(max((at - x[right - 1]) / step, 0.0), 1.0)
    return values[right - 1] + part * (values[right] - values[right - 1])
