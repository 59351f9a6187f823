"""Draws the flow charts of the pages as SVG, as forges do: without a script from another server."""

from __future__ import annotations

import re
from html import escape
from typing import Final

from stackscan.render.html.graphs.layout import lay_out
from stackscan.render.html.graphs.shapes import Box, Point, Route, Size

#: Widths of a letter, and of a box beside its letters.
_LETTER, _PADDING, _HEIGHT = 7.8, 18, 26
_ARROWHEAD: Final = """\
<defs>
<marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">
<path d="M0 0L8 4L0 8Z"/>
</marker>
</defs>"""
_FENCE: Final = re.compile(r"^```mermaid\nflowchart TD\n(?P<arrows>(?: +\S+ --> \S+\n)+)```$", re.MULTILINE)


def with_drawings(page: str) -> str:
    """The page, with a picture for each flow chart that consists of arrows (``a --> b``)."""
    return _FENCE.sub(lambda found: f"```{{raw}} html\n{_drawn(found['arrows'])}\n```", page)


def _drawn(arrows: str) -> str:
    pairs = re.findall(r"(\S+) --> (\S+)", arrows)
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    sizes = [Size(len(name) * _LETTER + _PADDING, _HEIGHT) for name in names]
    layout = lay_out(sizes, [(names.index(start), names.index(end)) for start, end in pairs])
    below = "; ".join(f"{name} to {', '.join(b for a, b in pairs if a == name)}" for name in dict(pairs))
    width, height = (round(side) for side in layout.size)
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    lines = [
        '<div class="flowchart" tabindex="0" role="region" aria-label="Flow chart">',
        f'<svg role="img" {size} aria-label="Arrows from {escape(below)}.">',
        _ARROWHEAD,
        *(_line(route) for route in layout.routes),
        *(_box(box, name) for box, name in zip(layout.boxes, names, strict=True)),
        "</svg>",
        "</div>",
    ]
    return "\n".join(lines)


def _line(route: Route) -> str:
    """A chain of cubic Bézier curves: the first point, then three for each."""
    first, *others = (_point(point) for point in route.points)
    curves = "".join(f"C{' '.join(others[at : at + 3])}" for at in range(0, len(others), 3))
    return f'<path class="line" d="M{first}{curves}" marker-end="url(#arrow)"/>'


def _box(box: Box, name: str) -> str:
    x, y = box.x - box.width / 2, box.y - box.height / 2
    frame = f'<rect x="{x:.1f}" y="{y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="4"/>'
    return f'{frame}<text x="{box.x:.1f}" y="{box.y:.1f}">{escape(name)}</text>'


def _point(point: Point) -> str:
    return f"{point.x:.1f} {point.y:.1f}"
