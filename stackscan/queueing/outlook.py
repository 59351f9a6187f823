"""What a page shows of a projection beyond its figures: the curves around it, and what a reader may try."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from stackscan.queueing.curves import Curves, curves
from stackscan.queueing.whatif_grid import Grid, grid

if TYPE_CHECKING:
    from stackscan.queueing.projection import Projection


@dataclass(frozen=True, slots=True)
class Outlook:
    """The curves, and the grid of what-ifs; None where holds have no end, for then every load is too much."""

    curves: Curves | None
    grid: Grid | None


@lru_cache(maxsize=1024)  # captures of one load share it
def outlook(found: Projection) -> Outlook:
    """The outlook of a projection."""
    return Outlook(None if found.endless else curves(found), grid(found))
