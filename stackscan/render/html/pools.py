"""What the templates of worker pools need: bars of their states, curves, and the grid that a reader may try."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from stackscan.render.html.curves import figure
from stackscan.render.html.page import data
from stackscan.render.pool_words import Block, block

if TYPE_CHECKING:
    from markupsafe import Markup

    from stackscan.analysis.occupancy import PoolSample
    from stackscan.queueing.outlook import Outlook
    from stackscan.queueing.projection import Projection
    from stackscan.queueing.whatif_grid import Figures, Grid
    from stackscan.report import SnapshotReport

#: Colours of busy states: as many as the eye distinguishes.
_COLOURS: Final = 5
#: Smaller is as good as nothing: no reader sees it, and numbers of 300 digits are no shorter.
_LEAST: Final = 1e-15


@dataclass(frozen=True, slots=True)
class Segment:
    """The workers in one state, as a part of a bar of 100: ``name`` is its CSS class."""

    name: str
    state: str
    count: int
    finer: tuple[tuple[str, int], ...]
    at: float
    width: float


def segments(sample: PoolSample) -> tuple[Segment, ...]:
    """The states of a pool's workers that any is in, the busy ones first."""
    busy = [state for state in sample.states if state not in sample.idle_states]
    shown = [*busy, *(state for state in sample.states if state in sample.idle_states)]
    names = {state: f"busy-{min(place, _COLOURS - 1)}" for place, state in enumerate(busy)}
    found, reached = [], 0
    for state in shown:
        count = sample.states[state]
        if not count:
            continue
        finer = tuple(sample.detail.get(state, {}).items())
        at, width = 100 * reached / sample.workers, 100 * count / sample.workers
        found.append(Segment(names.get(state, "idle"), state, count, finer, round(at, 2), round(width, 2)))
        reached += count
    return tuple(found)


def loads(snapshot: SnapshotReport) -> list[dict[str, Any]]:
    """What the template of each projected pool needs."""
    fixes = {sample.pool.name: sample.pool.model.fix for sample in snapshot.pools if sample.pool.model}
    outlooks = dict(snapshot.outlooks)
    return [load(name, found, fixes.get(name, ""), outlooks.get(name)) for name, found in snapshot.projections]


def load(name: str, found: Projection, fix: str, outlook: Outlook | None) -> dict[str, Any]:
    """What the template of one projection needs: its words, its curves, and what the script shows by hand."""
    words: Block = block(found, fix=fix)
    curves = None if outlook is None or outlook.curves is None else figure(outlook.curves, found)
    grid = (
        None if outlook is None or outlook.grid is None else _values(outlook.grid, beside=found.in_force == "detached")
    )
    return {"name": name, "words": words, "curves": curves, "grid": grid}


def _values(grid: Grid, *, beside: bool) -> Markup:
    """The grid as JSON for the script: numbers of four digits, each column's figures by workers."""
    return data(
        {
            "workers": grid.workers,
            "deadlines": [_short(seconds) for seconds in grid.deadlines_seconds],
            "silent": [_short(amount) for amount in grid.silent],
            "unit": grid.unit,
            "start": grid.start,
            "places": grid.places,
            "columns": [
                {
                    "load": _short(column.load_erlangs),
                    "closers": [_short(column.closers_mean), column.closers_p999],
                    "waits": [_figures(figures) for figures in column.figures],
                }
                for column in grid.columns
            ],
            "fixed": [_figures(figures) for figures in grid.fixed],
            "exact": grid.exact,
            "atLeast": grid.is_lower_bound,
            "beside": beside,
        }
    )


def _figures(figures: Figures) -> list[float | None]:
    return [None if value is None else _short(value) for value in figures]


def _short(value: float) -> float:
    """Four digits; nothing that is not nothing becomes nothing."""
    short = float(f"{max(value, _LEAST):.4g}") if value else 0.0
    return int(short) if short.is_integer() else short
