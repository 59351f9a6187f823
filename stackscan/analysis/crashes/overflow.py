"""A stack that is full: which functions call each other, and how deep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from stackscan.analysis.crashes.died import is_own, short
from stackscan.model.snapshot import Frame, Stack

#: A function that occurs so often on the printed part of a stack belongs to the recursion.
_OFTEN: Final = 3
_MOST_NAMES: Final = 4


def recursion(stack: Stack) -> tuple[int, ...]:
    """The frames of one round of the recursion, by index, innermost first; nothing where nothing repeats."""
    functions = stack.functions
    often = {name for name, count in Counter(functions).items() if count >= _OFTEN}
    first = next((at for at, name in enumerate(functions) if name in often), None)
    if first is None:
        return ()
    end = next((at for at in range(first + 1, len(functions)) if functions[at] == functions[first]), len(functions))
    return tuple(at for at in range(first, end) if functions[at] in often)


def describe(stack: Stack, shown: Stack) -> str:
    """``main.overflow calls itself``, ``main.a calls main.b, which calls main.a``; "" where nothing repeats."""
    around = recursion(stack)
    own = [at for at in around if is_own(stack.frames[at])]
    names = list(dict.fromkeys(short(shown.frames[at]) for at in reversed(own or around)))
    if not names:
        return ""
    library = "" if len(own) == len(around) or not own else _through([stack.frames[at] for at in around])
    if len(names) == 1:
        return f"{names[0]} calls itself{library}"
    listed = names[:_MOST_NAMES]
    more = f" (and {len(names) - len(listed)} more functions)" if len(names) > len(listed) else ""
    return (
        " calls ".join(listed[:2])
        + "".join(f", which calls {name}" for name in [*listed[2:], names[0]])
        + more
        + library
    )


def _through(frames: Sequence[Frame]) -> str:
    """The outermost function of the library between two calls: ``, through fmt.Sprintf``."""
    library = [frame for frame in frames if not is_own(frame)]
    return f", through {short(library[-1])}" if library else ""


def depth(stack: Stack) -> str:
    """``27,492 frames deep``; the runtime says how many it left out since Go 1.21."""
    if stack.elided is None:
        return f"more than {len(stack.frames):,} frames deep"
    return f"{len(stack.frames) + stack.elided:,} frames deep"
