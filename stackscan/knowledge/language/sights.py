"""What conditions see of a stack and of its goroutines' wait reason: the same for all that are alike in it.

A *sight* holds, of each frame, which leaves match it, and nothing else of its name: frames that no pattern matches are
alike. So unlike stacks of which a catalogue knows nothing share one sight, and what conditions answer is kept with it,
for all captures of a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter
from typing import Any, Final, cast

from stackscan.formats.symbol import origin
from stackscan.knowledge.language import reasons
from stackscan.knowledge.language.globs import Glob
from stackscan.knowledge.language.leaves import LEAVES
from stackscan.knowledge.language.symbols import path_glob
from stackscan.knowledge.language.syntax import Module
from stackscan.model.snapshot import Stack
from stackscan.model.versions import Version, read_version, satisfies

_RUNTIME: Final = ("runtime.", "internal/runtime/")
_ABSENT: Final = -1
#: Stacks and sights that are kept: beyond, all are forgotten.
_MOST: Final = 1 << 18


@dataclass(slots=True, eq=False)
class StackSight:
    """What is seen of a stack alone.

    ``frames`` are the bits of its frames, innermost first, one 0 for any number of frames that nothing matches, none at
    the ends; ``every`` has them all. ``innermost``, ``root`` and ``creator`` are the bits of these frames, 0 where
    there is none. ``left_out`` says how many frames of its middle were not printed: 0 none, 1 some, -1 its outer end.
    ``modules`` are the conditions on versions that it meets.
    """

    frames: tuple[int, ...]
    every: int
    innermost: int
    root: int
    creator: int
    left_out: int
    modules: frozenset[Module]
    cells: dict[object, Sight] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Sight:
    """What is seen of a stack with a wait reason, as printed and by meaning (None: not known), in a dump whose process
    died of ``cause``. ``outcomes`` keeps what conditions answer, ``possible`` what of a catalogue may hold."""

    stack: StackSight
    reason: str | None
    meanings: frozenset[str] | None
    creators_known: bool
    cause: str | None
    outcomes: dict[int, Any] = field(default_factory=dict)
    possible: dict[int, Any] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Seen:
    """A stack, looked at once: its sight, and the places of its innermost frame outside the runtime, of its root, and
    of the frame that waits (the innermost outside the standard library, else the innermost); -1: none."""

    stack: Stack
    sight: StackSight
    innermost: int
    root: int
    functions: tuple[str, ...]
    deciding: dict[int, int] = field(default_factory=dict)
    _place: int | None = None

    @property
    def place(self) -> int:
        """The place of the frame that waits; -1: none."""
        if self._place is None:
            own = (at for at, frame in enumerate(self.stack.frames) if origin(frame).kind != "std")
            self._place = next(own, self.innermost)
        return self._place

    def function_at(self, place: int) -> str | None:
        """The function of a frame; None where the place is none."""
        return self.functions[place] if place >= 0 else None

    def bits(self) -> list[int]:
        """The leaves of every frame."""
        return list(map(LEAVES.of, self.functions))


class Sights:
    """The sights of a run. ``constrained`` are conditions on modules' versions, which look at files."""

    def __init__(self) -> None:
        self._seen: dict[Stack, Seen] = {}
        self._stacks: dict[Stack, StackSight] = {}
        self._sights: dict[object, StackSight] = {}
        self._constrained: dict[Module, tuple[int, Glob]] = {}
        self.generation = 0  # counts how often there was more to look for

    def constrain(self, module: Module) -> int:
        """Have a condition on versions looked at from now on; the bit of its module."""
        bit = LEAVES.bit(Module(module.path, ()))
        if module not in self._constrained:
            self._constrained[module] = bit, path_glob(module.path)
            self.forget()
        return bit

    def forget(self) -> None:
        """Forget what was seen: there is more to look for."""
        self.generation += 1
        self._seen.clear()
        self._stacks.clear()
        self._sights.clear()

    def seen(self, stack: Stack) -> Seen:
        """A stack as it was looked at the first time."""
        found = self._seen.get(stack)
        if found is None:
            if len(self._seen) >= _MOST:
                self._seen.clear()
            found = self._seen[stack] = Seen(stack, self.of_stacks((stack,))[0], *_ends(stack), stack.functions)
        return found

    def of_stacks(self, stacks: Sequence[Stack]) -> list[StackSight]:
        """The sight of each stack. New ones are looked at together."""
        known = self._stacks
        found = list(map(known.get, stacks))
        new = [stack for stack, sight in zip(stacks, found, strict=True) if sight is None]
        if not new:
            return cast("list[StackSight]", found)
        if len(known) + len(new) > _MOST:
            known.clear()
        sights = self._look_at(new)
        known.update(zip(new, sights, strict=True))
        looked = iter(sights)
        return [next(looked) if sight is None else sight for sight in found]

    def _look_at(self, stacks: Sequence[Stack]) -> list[StackSight]:
        """Look at new stacks. Of most stacks with unlike functions no pattern knows any: of these, only how many frames
        there are, the creator, and what was left out can differ."""
        functions = dict.fromkeys(chain.from_iterable(map(attrgetter("functions"), stacks)))  # ordered: near in memory
        creators = [stack.created_by.function for stack in stacks if stack.created_by is not None]
        bits, always = LEAVES.learn([*functions, *creators]), LEAVES.always
        known = {name for name in functions if bits[name] != always or name.startswith(_RUNTIME)}
        alike: dict[tuple[int, int, int | None], StackSight] = {}
        found = []
        for stack in stacks:
            if not known.isdisjoint(stack.functions):
                found.append(self._look(stack))
                continue
            creator = stack.created_by
            key = len(stack.functions), 0 if creator is None else bits[creator.function], stack.elided
            sight = alike.get(key)
            if sight is None:
                sight = alike[key] = self._look(stack)
            found.append(sight)
        return found

    def _look(self, stack: Stack) -> StackSight:
        functions = stack.functions
        bits = list(map(LEAVES.of, functions))
        innermost, root = _ends(stack)
        every = 0
        for found in bits:
            every |= found
        modules = [m for m, (bit, glob) in self._constrained.items() if every & bit and _meets(m, glob, stack)]
        key = (
            _compressed(bits) if every else (),
            bits[innermost] if innermost >= 0 else 0,
            bits[root] if root >= 0 else 0,
            LEAVES.of(stack.created_by.function) if stack.created_by is not None else 0,
            _ABSENT if stack.elided is None else min(max(stack.elided, 0), 1),
            frozenset(modules),
        )
        sight = self._sights.get(key)
        if sight is None:
            if len(self._sights) >= _MOST:
                self._sights.clear()
            frames, inner, outer, creator, left_out, met = key
            sight = self._sights[key] = StackSight(frames, every, inner, outer, creator, left_out, met)
        return sight


SIGHTS: Final = Sights()


def sights_of(
    cells: Iterable[tuple[Stack, StackSight, str | None]], *, creators_known: bool, cause: str | None
) -> list[Sight]:
    """What is seen of the goroutines of each stack with a printed reason."""
    found: list[Sight] = []
    known: dict[tuple[StackSight, str | None], Sight] = {}
    for stack, sight, reason in cells:
        one = known.get((sight, reason))
        if one is None:
            one = _sight_of(stack, sight, reason, creators_known=creators_known, cause=cause)
            if reason is not None and not reasons.depends_on_frames(reason):
                known[sight, reason] = one
        found.append(one)
    return found


def _sight_of(stack: Stack, sight: StackSight, reason: str | None, *, creators_known: bool, cause: str | None) -> Sight:
    meanings = reasons.names(reason, stack.functions)
    key = reason, meanings, creators_known, cause
    found = sight.cells.get(key)
    if found is None:
        if len(sight.cells) >= _MOST:
            sight.cells.clear()
        found = sight.cells[key] = Sight(sight, reason, meanings, creators_known, cause)
    return found


def _ends(stack: Stack) -> tuple[int, int]:
    """The significant frames of a stack: one whose outer end was cut off does not show its root."""
    innermost, root = significant(stack.functions)
    return innermost, _ABSENT if stack.elided is None else root


def significant(functions: Sequence[str]) -> tuple[int, int]:
    """Indices of the innermost frame outside the runtime, and of the outermost that is no wrapper; -1: none."""
    own = [index for index, function in enumerate(functions) if not function.startswith(_RUNTIME)]
    if not own:
        return _ABSENT, _ABSENT
    root = next((index for index in reversed(own) if ".gowrap" not in functions[index]), own[-1])
    return own[0], root


def _compressed(bits: Sequence[int]) -> tuple[int, ...]:
    """The bits without zeros at the ends, and one zero for several."""
    kept: list[int] = []
    for found in bits:
        if found or (kept and kept[-1]):
            kept.append(found)
    if kept and not kept[-1]:
        kept.pop()
    return tuple(kept)


def _meets(condition: Module, glob: Glob, stack: Stack) -> bool:
    return frame_of_module(condition, stack, glob) is not None


def frame_of_module(condition: Module, stack: Stack, glob: Glob | None = None) -> int | None:
    """The place of the innermost frame of a module whose version is right; None: there is none."""
    glob = glob or path_glob(condition.path)
    for place, frame in enumerate(stack.frames):
        whose = origin(frame)
        if whose.module is None or not glob.matches(whose.module):
            continue
        version = read_version(whose.version or "")
        if version is not None and all(_right(version, *constraint) for constraint in condition.constraints):
            return place
    return None


def _right(version: Version, comparison: str, bound: str) -> bool:
    if comparison == "!=":
        return not satisfies(version, f"={bound}")
    return satisfies(version, f"{comparison}{bound}")
