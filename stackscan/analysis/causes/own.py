"""What a goroutine's own outer frames hold: a method of the same object, outside the one that asks for its lock."""

from __future__ import annotations

from dataclasses import dataclass

from stackscan.analysis.causes.held import HeldLock
from stackscan.analysis.causes.scene import Scene
from stackscan.analysis.causes.waiting import ONCE, Waiting, type_of
from stackscan.formats.symbol import origin
from stackscan.model.snapshot import Frame


@dataclass(frozen=True, slots=True)
class Outer:
    """A goroutine that waits, the outer frame of the same object as it is (``frame``) and may be shown (``shown``), and
    the frames from the one that asks up to it, each as it is and as it may be shown. ``certain``: the words that they
    show agree."""

    wait: Waiting
    frame: Frame
    shown: Frame
    between: tuple[tuple[Frame, Frame], ...] = ()
    certain: bool = False


def outer_frame(wait: Waiting, lock: HeldLock, scene: Scene) -> Outer | None:
    """The nearest frame outside the one that asks in which a method of the same object runs; None: there is none.

    Objects of one type call each other, too (a tree's nodes): words that are known must agree. The standard library
    does not lock twice unless it calls back.
    """
    at = _nearest(wait, lock)
    if at is None or wait.own is None:
        return None
    inner = range(wait.own, at)
    if origin(wait.frames[at]).kind == "std" and all(origin(wait.frames[k]).kind == "std" for k in inner):
        return None
    if not _one_object(wait, at, scene):
        return None
    between = tuple((wait.frames[k], wait.shown.frames[k]) for k in inner)
    return Outer(wait, wait.frames[at], wait.shown.frames[at], between)


def _nearest(wait: Waiting, lock: HeldLock) -> int | None:
    if wait.own is None or lock.type is None:
        return None
    asker = wait.frames[wait.own].function
    if type_of(asker) != lock.type:
        return None
    for at in range(wait.own + 1, len(wait.frames)):
        function = wait.frames[at].function
        if type_of(function) == lock.type and not asker.startswith(function + ".func"):
            return at
    return None


def _one_object(wait: Waiting, at: int, scene: Scene) -> bool:
    """Whether nothing says that the two frames run on different objects."""
    if not len(wait.rows) or wait.own is None:
        return True
    row = int(wait.rows[0])
    inner, outer = (scene.receiver(row, k) for k in (wait.own, at))
    return inner is None or outer is None or inner == outer


def once_outside(wait: Waiting, scene: Scene) -> Outer | None:
    """The function that a sync.Once runs on this very stack, outside the frame that waits for such a Once."""
    if wait.own is None:
        return None
    runs = next((k for k in range(wait.own, len(wait.frames)) if wait.frames[k].function == ONCE), None)
    if runs is None or runs == 0:
        return None
    waits = next((k for k in range(wait.own) if wait.frames[k].function == ONCE), None)
    words = [None if k is None else scene.receiver(int(wait.rows[0]), k) for k in (waits, runs)]
    if None not in words and words[0] != words[1]:
        return None  # one Once inside another
    called = runs - 1
    certain = words[0] is not None and words[0] == words[1]
    return Outer(wait, wait.frames[called], wait.shown.frames[called], certain=certain)
