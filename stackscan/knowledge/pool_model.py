"""The ``[model]`` table of a pool file: which states hold a worker, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackscan.errors import CatalogueError

if TYPE_CHECKING:
    from stackscan.knowledge.descriptions import Table


@dataclass(frozen=True, slots=True)
class Model:
    """The table ``[model]`` of a pool file.

    ``holds`` are the states that hold a worker for a fixed time, ``holding_seconds`` is that time (None: not known;
    waits are then given in holding times). ``beside_rule`` names the rule that counts the same holds outside the pool
    (after a fix), ``endless_rule`` the one that finds them without end, ``endless_phase`` the phase in which they are.
    ``probe`` is what times out after ``probe_seconds``, ``otherwise`` what else may delay it, and ``fix`` what keeps
    workers from being blocked (``with kubo 0.41.0``).
    """

    holds: tuple[str, ...]
    holding_seconds: float | None
    probe_seconds: float
    probe: str
    otherwise: str
    fix: str
    beside_rule: str
    endless_rule: str
    endless_phase: str


def read_model(table: Table | None, *, states: tuple[str, ...]) -> Model | None:
    """The model of a pool with these states; None when its file has no ``[model]``. Raises CatalogueError."""
    if table is None:
        return None
    model = Model(
        holds=table.texts("holds"),
        holding_seconds=_seconds(table, "holding_seconds", None),
        probe_seconds=_seconds(table, "probe_seconds", 30.0) or 30.0,
        probe=table.text("probe", "a request"),
        otherwise=table.text("otherwise", "something other than this pool delayed it"),
        fix=table.text("fix", "with the fix"),
        beside_rule=table.text("beside_rule", "-"),
        endless_rule=table.text("endless_rule", "-"),
        endless_phase=table.text("endless_phase", "-"),
    )
    if not model.holds:
        table.refuse_misspelt("holds")
        raise CatalogueError(f"{table.where}: 'holds' must name the states that hold a worker")
    unknown = [name for name in model.holds if name not in (*states, "other")]
    if unknown:
        known = ", ".join(states)
        raise CatalogueError(f"{table.where}: 'holds' names {unknown[0]!r}; the pool's states are {known}")
    table.finish()
    return model


def _seconds(table: Table, key: str, default: float | None) -> float | None:
    value = table.raw(key)
    if value is None:
        return default
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 1e9:
        raise CatalogueError(f"{table.where}: {key!r} must be a number of seconds above 0")
    return float(value)
