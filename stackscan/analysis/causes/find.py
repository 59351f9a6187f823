"""All causes of a snapshot, root before symptom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stackscan.analysis.causes.scene import Scene
from stackscan.analysis.causes.waiting import LOCK_REASONS, LOCKS, WAITS, Waiting
from stackscan.model.snapshot import Frame

if TYPE_CHECKING:
    from stackscan.analysis.causes.model import Cause
    from stackscan.golang.reader import Reader

#: What may be a cause though the runtime does not say that nobody can move.
_ALONE: Final = frozenset({"chan send", "chan send (nil chan)", "sync.WaitGroup.Wait"})


def find_causes(scene: Scene, reader: Reader | None = None) -> list[Cause]:
    """The causes, most certain first, then by how many goroutines they explain. ``reader`` reads the source, where it
    is at hand: what it shows goes before what is argued from the dump alone.

    In most dumps nobody waits for anything that a cause is about: then nothing is looked into, nor loaded.
    """
    if reader is None and not scene.locks.locks and not _may_ask(scene):
        return []
    locked = any(lock.kind in LOCKS for lock in scene.locks.locks) or any(wait.kind.wants_lock for wait in scene.waits)
    if reader is not None and any(map(reader.has, _asked(scene))):
        from stackscan.analysis.causes.argue import read

        return read(scene, reader)
    if locked or any(_may_be_unserved(wait, scene) for wait in scene.waits):
        from stackscan.analysis.causes.argue import argued

        return argued(scene, alone=reader is None)
    return []


def _may_ask(scene: Scene) -> bool:
    """Whether the dump alone may show a cause, as far as the reasons tell that are printed."""
    reasons = scene.cells.printed_reasons
    return reasons is None or scene.all_asleep or scene.some_leaked or bool(reasons & (_ALONE | LOCK_REASONS))


def _asked(scene: Scene) -> Iterator[Frame]:
    """The frames of which source may say who holds or serves what they wait for."""
    for wait in scene.waits:
        if wait.kind.wants_lock:
            yield from wait.frames
        elif wait.own is not None and wait.kind.may_be_read and not scene.is_idle(wait):
            yield wait.frames[wait.own]


def _may_be_unserved(wait: Waiting, scene: Scene) -> bool:
    """Whether the dump alone may show that nobody serves them."""
    if wait.own is None or not wait.reasons & WAITS:
        return False
    dead = scene.all_asleep or (scene.some_leaked and wait.leaked)
    return bool(wait.reasons & _ALONE or dead) and not scene.is_idle(wait)
