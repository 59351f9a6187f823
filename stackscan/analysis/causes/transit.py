"""Locks that are just being handed on: nobody may seem to hold them, and nothing is wrong."""

from __future__ import annotations

from typing import Final

from stackscan.analysis.causes.held import HeldLock
from stackscan.analysis.causes.scene import Scene
from stackscan.analysis.causes.waiting import Waiting, type_of

#: A Mutex may lie in an RWMutex: its address is then at most so many bytes after that of the RWMutex.
_NEAR: Final = 32


def is_in_transit(lock: HeldLock, scene: Scene) -> bool:
    """Whether a goroutine that may run at any moment is about to take a lock, or gives it back."""
    if any(wait.leaked for wait in lock.waiters):
        return False
    return any(_is_at(wait, lock, scene) for wait in scene.moving_in_locks)


def _is_at(wait: Waiting, lock: HeldLock, scene: Scene) -> bool:
    if lock.address is not None:
        shown = (scene.words_in_locks.get((row, at)) for row in wait.rows for at in range(wait.own or 0))
        words = [word for word in shown if word is not None]
        if words:
            return any(abs(word - lock.address) < _NEAR for word in words)
    if scene.locks_of_type[lock.type] > 1:
        return False  # it may be any of them
    own = None if wait.own is None else wait.frames[wait.own].function
    return own is not None and (own == lock.asker or (lock.type is not None and type_of(own) == lock.type))
