"""All causes of a snapshot, root before symptom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stackscan.analysis.causes import channels, locks
from stackscan.analysis.causes.model import Cause
from stackscan.analysis.causes.scene import Scene
from stackscan.analysis.finding import CONFIDENCES
from stackscan.analysis.locks import Locks
from stackscan.model.snapshot import Snapshot, Stack


def find_causes(
    snapshot: Snapshot, found: Locks, *, idle: Iterable[int] = (), shown: Sequence[Stack] | None = None
) -> list[Cause]:
    """The causes, most certain first, then by how many goroutines they explain.

    ``idle`` are rows of goroutines that wait as expected; ``shown`` are the stacks as they may be shown (redacted), in
    the order of the snapshot's.
    """
    scene = Scene(snapshot, found, idle, shown or snapshot.stacks)
    causes = [*locks.find(scene), *channels.find(scene)]
    return sorted(causes, key=_order)


def _order(cause: Cause) -> tuple[int, bool, int]:
    return CONFIDENCES.index(cause.confidence), cause.name == "channel-never-served", -len(cause.rows)
