"""Which frame of a stack a reader should look at: the one that made an expression true."""

from __future__ import annotations

from stackscan.knowledge.language import syntax
from stackscan.knowledge.language.chains import find_chain
from stackscan.knowledge.language.outcomes import bits_of, compiled
from stackscan.knowledge.language.sights import Seen, frame_of_module


def deciding(expression: syntax.Expression, seen: Seen) -> int:
    """The index of the frame that a reader should look at.

    The one marked with @, else the first that a condition names and is there; 0 where none names one.
    """
    one = compiled(expression)
    found = seen.deciding.get(one.number)
    if found is None:
        places = list(_places(expression, seen))
        marked = next((place for is_marked, place in places if is_marked), None)
        found = seen.deciding[one.number] = marked if marked is not None else places[0][1] if places else 0
    return found


def _places(expression: syntax.Expression, seen: Seen) -> list[tuple[bool, int]]:
    """The frame that each condition on frames found, with whether it bears the mark."""
    if isinstance(expression, syntax.And | syntax.Or):
        return [found for part in expression.parts for found in _places(part, seen)]
    if not isinstance(expression, syntax.StackCondition):
        return []
    place = _place_of(expression, seen)
    return [] if place is None else [(getattr(expression, "marked", False), place)]


def _place_of(condition: syntax.StackCondition, seen: Seen) -> int | None:
    """The frame that meets a condition; None where none does, and for the creator's."""
    if isinstance(condition, syntax.Module) and condition.constraints:
        return frame_of_module(condition, seen.stack)
    bits = bits_of(condition)
    frames = seen.bits()
    if isinstance(condition, syntax.Chain):
        return find_chain(frames, bits, condition)
    if isinstance(condition, syntax.Place):
        place = {"innermost": seen.innermost, "root": seen.root}.get(condition.where, -1)
        return place if place >= 0 and frames[place] & bits[0] else None
    return next((at for at, found in enumerate(frames) if found & bits[0]), None)
