"""The picture of a wait-for graph: its boxes with their texts, its arrows, and all of it in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import hypot
from typing import TYPE_CHECKING, Final, Literal

from stackscan.analysis.components import components
from stackscan.render import words
from stackscan.render.html.graphs.layout import lay_out
from stackscan.render.html.graphs.shapes import Box, Point, Size

if TYPE_CHECKING:
    from stackscan.analysis.wait_graph import How
    from stackscan.report.graph import Edge, Graph, Node

#: The size of boxes; characters of a line of code, of a name in bold, and of any other line that have room in them.
_WIDTH, _LINE, _PADDING = 132, 16, 14
_CODE, _NAME, _TEXT = 16, 18, 20
#: A graph with more boxes has small ones.
_LARGE: Final = 16
#: How long the head of an arrow is, and half of how wide.
_HEAD, _HALF = 8, 4
#: What an arrow's word is in the picture, where it differs.
_SHORT: Final[dict[str, str]] = {"must be served by": "served by"}
#: Arrows that go from a thing to goroutines: they are dashed.
_BACK: Final = frozenset({"held by", "likely held by", "may be held by", "run by", "must be served by"})


#: Classes of the style sheet.
_Kind = Literal["mark", "name", "code", "text"]
_Text = tuple[_Kind, str]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text in a box."""

    kind: _Kind
    text: str
    x: str
    y: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A box: ``kind`` and whether it is a culprit and part of a circle as classes, its corner, size and lines;
    ``about`` says in full what it is. ``goroutine`` is the id that a click opens (None: none is known)."""

    kind: str
    x: str
    y: str
    width: str
    height: str
    radius: int
    lines: tuple[Line, ...]
    about: str
    goroutine: int | None


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow: the path of its line, that of its head, classes, and its word with where that stands (None: none)."""

    kind: str
    path: str
    head: str
    about: str
    word: str
    at: tuple[str, str] | None
    anchor: Literal["start", "end"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A graph as a template draws it; ``sentences`` say the same, one for each arrow. ``keys`` are the kinds of arrows
    with what they mean, unless a word at each says it, and ``notes`` say what is not drawn."""

    width: int
    height: int
    boxes: tuple[Drawn, ...]
    arrows: tuple[Arrow, ...]
    sentences: tuple[str, ...]
    keys: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def picture(graph: Graph) -> Picture:
    """The picture of a graph."""
    edges = [(edge.source, edge.target) for edge in graph.edges]
    circle = _in_circles(len(graph.nodes), edges)
    waiting = {edge.source for edge in graph.edges}
    culprits = sum(node.culprit for node in graph.nodes)
    small = len(graph.nodes) > _LARGE
    marks = [_mark(node, among=culprits, circle=n in circle) for n, node in enumerate(graph.nodes)]
    texts = [
        list(_texts(node, mark=mark if culprits == 1 or not small else "", state=n not in waiting, small=small))
        for n, (node, mark) in enumerate(zip(graph.nodes, marks, strict=True))
    ]
    found = lay_out([Size(_WIDTH, len(lines) * _LINE + _PADDING) for lines in texts], edges)
    boxes = [
        _drawn(node, box, lines, marks[n], circle=n in circle)
        for n, (node, box, lines) in enumerate(zip(graph.nodes, found.boxes, texts, strict=True))
    ]
    arrows = [
        _arrow(edge, graph, route.points, route.label, circle={edge.source, edge.target} <= circle, ends=route.ends)
        for edge, route in zip(graph.edges, found.routes, strict=True)
    ]
    return Picture(
        round(found.size.width),
        round(found.size.height),
        tuple(boxes),
        tuple(arrows),
        tuple(_sentence(edge, graph) for edge in graph.edges),
        (
            *(() if all(arrow.at for arrow in arrows) else _keys(graph)),
            *((("culprit", "in the circle"),) if small and culprits > 1 else ()),
        ),
        tuple(_notes(graph)),
    )


def _in_circles(count: int, edges: Sequence[tuple[int, int]]) -> frozenset[int]:
    """The boxes from which arrows lead back to them."""
    ahead: dict[int, list[int]] = {place: [] for place in range(count)}
    for source, target in edges:
        ahead[source].append(target)
    return frozenset(place for part in components(ahead) if len(part) > 1 for place in part)


# -- boxes -------------------------------------------------------------------------------------------------------------


def _mark(node: Node, *, among: int, circle: bool) -> str:
    """The word for who is to blame; in a circle, all are."""
    if not node.culprit:
        return ""
    return "culprit" if among == 1 else "in the circle" if circle else "to blame"


def _texts(node: Node, *, mark: str, state: bool, small: bool) -> Iterator[_Text]:
    """The lines of a box; ``state``: why its goroutines wait is said, for no arrow does; ``small``: in a large graph a
    function has one line."""
    if mark:
        yield "mark", mark
    name = words.plain(node.name)
    head, _, tail = name.rpartition(" ") if len(name) > _NAME else (name, "", "")
    yield "name", words.fit(head, _NAME)
    if tail:
        yield "name", words.fit(tail, _NAME)
    if node.kind == "goroutines":
        function = words.base_symbol(node.detail)
        for part in [function.partition(".")[2] or function] if small else _parts(function):
            yield "code", words.fit(part, _CODE)
        if state and node.state:
            yield "text", words.fit(words.plain(node.state), _TEXT)
    elif node.detail:
        code = node.kind == "thing"
        yield "code" if code else "text", words.fit(words.plain(node.detail), _CODE if code else _TEXT)


def _parts(function: str) -> list[str]:
    """A function on one line, or where it is long on two: ``store.(*Cache)``, ``Refresh``."""
    if len(function) <= _CODE:
        return [function] if function else []
    receiver, dot, method = function.partition(").")
    if dot:
        return [f"{receiver})", method]
    package, dot, name = function.partition(".")
    return [package, name] if dot else [function]


def _drawn(node: Node, box: Box, texts: Sequence[_Text], mark: str, *, circle: bool) -> Drawn:
    top = box.y - box.height / 2
    first = top + _PADDING / 2 + _LINE * 0.75
    lines = tuple(Line(kind, text, _number(box.x), _number(first + n * _LINE)) for n, (kind, text) in enumerate(texts))
    kinds = [node.kind, *(["culprit"] if node.culprit else []), *(["circle"] if circle else [])]
    about = ", ".join(words.plain(part) for part in (node.name, node.detail, node.state, mark) if part)
    return Drawn(
        " ".join(kinds),
        _number(box.x - box.width / 2),
        _number(top),
        _number(box.width),
        _number(box.height),
        3 if node.kind == "thing" else 14,
        lines,
        about,
        node.ids[0] if node.ids else None,
    )


# -- arrows ------------------------------------------------------------------------------------------------------------


def _arrow(
    edge: Edge, graph: Graph, points: Sequence[Point], label: Point | None, *, circle: bool, ends: bool
) -> Arrow:
    word = _SHORT.get(edge.how, edge.how) if edge.through is None else words.fit(words.plain(edge.through.name), _CODE)
    return Arrow(
        f"{'back' if edge.how in _BACK else 'waits'}{' circle' if circle else ''}",
        _path(points),
        _head(points),
        _sentence(edge, graph),
        word,
        None if label is None else (_number(label.x), _number(label.y)),
        "end" if ends else "start",
    )


def _path(points: Sequence[Point]) -> str:
    """``M0 0C1 1 2 2 3 3``: a chain of cubic Bézier curves."""
    first, *others = (f"{_number(x)} {_number(y)}" for x, y in points)
    return f"M{first}" + "".join(f"C{' '.join(others[n : n + 3])}" for n in range(0, len(others), 3))


def _head(points: Sequence[Point]) -> str:
    """A triangle at the end of an arrow, in the direction of its last piece."""
    tip = points[-1]
    before = next((p for p in reversed(points[:-1]) if hypot(tip.x - p.x, tip.y - p.y) > 1), points[0])
    length = hypot(tip.x - before.x, tip.y - before.y) or 1.0
    dx, dy = (tip.x - before.x) / length, (tip.y - before.y) / length
    base = Point(tip.x - _HEAD * dx, tip.y - _HEAD * dy)
    corners = tip, Point(base.x - _HALF * dy, base.y + _HALF * dx), Point(base.x + _HALF * dy, base.y - _HALF * dx)
    return "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in corners) + "Z"


def _number(value: float) -> str:
    """With one digit behind the point, where that is not 0."""
    return f"{value:.1f}".removesuffix(".0")


# -- words -------------------------------------------------------------------------------------------------------------


def _sentence(edge: Edge, graph: Graph) -> str:
    """``goroutine 7 (main.(*cache).Get) waits for Mutex (main.(*cache))``."""
    source, target = graph.nodes[edge.source], graph.nodes[edge.target]
    if target.kind == "nobody":
        return f"{_called(source)}: nobody {words.plain(target.detail)}"
    verb = edge.how.replace("waits", "wait", 1) if source.count > 1 else edge.how
    if source.kind == "thing":
        verb = {"held by": "is held by", "likely held by": "is likely held by", "run by": "is run by"}.get(verb, verb)
    if edge.through is None:
        return f"{_called(source)} {verb} {_called(target)}"
    return f"{_called(source)} {verb} {_called(edge.through)}, {edge.then} {_called(target)}"


def _called(node: Node) -> str:
    """A box in a sentence."""
    name = words.plain(node.name)
    detail = words.base_symbol(node.detail) if node.kind == "goroutines" else words.plain(node.detail)
    return f"{name} ({detail})" if detail else name


def _keys(graph: Graph) -> Iterator[tuple[str, str]]:
    """What the kinds of arrows mean, those that occur."""
    hows: dict[str, dict[How, None]] = {"waits": {}, "back": {}}
    for edge in graph.edges:
        hows["back" if edge.how in _BACK else "waits"][edge.how] = None
    for kind, found in hows.items():
        if found:
            yield kind, " or ".join(found)


def _notes(graph: Graph) -> Iterator[str]:
    if graph.summed:
        yield f"{graph.summed:,} more boxes, smaller or farther away, are summed up."
    if graph.folded:
        yield f"{graph.folded:,} locks and channels are words at their arrows."
    if graph.cut:
        yield "The cause explains more goroutines than are drawn."
    if graph.alike > 1:
        yield f"Shown is the first of {graph.alike:,} that are alike."
