"""What an expression answers for all goroutines of a sight, before any of them is looked at.

Every answer has two sides, yes and no; where it is neither, the dump does not say, and no ``not`` makes a yes of that
(Kleene's logic). Of a sight it may be several: then it is for its goroutines to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import count
from typing import Any, Final, NamedTuple, cast

from stackscan.knowledge.language import syntax
from stackscan.knowledge.language.chains import find_chain
from stackscan.knowledge.language.leaves import LEAVES
from stackscan.knowledge.language.sights import SIGHTS, Sight, StackSight
from stackscan.knowledge.language.texts import text_matches


class Outcome(NamedTuple):
    """Whether the answer for a goroutine of a sight may be yes, may be no, may be unknown."""

    yes: bool
    no: bool
    unknown: bool


_YES: Final = Outcome(yes=True, no=False, unknown=False)
_NO: Final = Outcome(yes=False, no=True, unknown=False)
_UNKNOWN: Final = Outcome(yes=False, no=False, unknown=True)
#: Anything is possible until goroutines are looked at.
OPEN: Final = Outcome(yes=True, no=True, unknown=True)
#: Leaves and expressions that are kept beside those of the rules in use: what users typed. Beyond, all are forgotten.
_MOST: Final = 1 << 12


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """An expression, simplified, ready to be answered. ``needs``: leaves of which a stack must show one (0: none);
    ``least``: goroutines that it takes at least, by its counts."""

    expression: syntax.Expression
    number: int
    needs: int
    least: int
    written: syntax.Expression

    def outcome(self, sight: Sight) -> Outcome:
        """What it answers for the goroutines of a sight. Each is answered once."""
        found: Outcome | None = sight.outcomes.get(self.number)
        if found is None:
            found = sight.outcomes[self.number] = outcome(self.expression, sight)
        return found


_COMPILED: dict[int, Compiled] = {}


def compiled(expression: syntax.Expression) -> Compiled:
    """An expression ready to be answered; the same for the same object."""
    found = _COMPILED.get(id(expression))
    if found is None or found.written is not expression:
        simple = syntax.simplified(expression)
        _register(simple)
        found = _COMPILED[id(expression)] = Compiled(simple, next(_numbers), _needs(simple), _least(simple), expression)
    return found


_numbers = count()


def begin_epoch() -> None:
    """Forget all expressions and what was seen with them: a program that lives long is asked ever new ones."""
    LEAVES.forget()
    SIGHTS.forget()
    _COMPILED.clear()


def _register(*expressions: syntax.Expression) -> None:
    """Have all that expressions ask of stacks looked at, before any stack is."""
    before = LEAVES.size
    for part in (part for expression in expressions for part in syntax.walk(expression)):
        if isinstance(part, syntax.StackCondition):
            for leaf in _leaves(part):
                LEAVES.bit(leaf)
            if isinstance(part, syntax.Module) and part.constraints:
                SIGHTS.constrain(part)
    if LEAVES.size > before:
        SIGHTS.forget()


#: Whose expressions are prepared, in which epoch, and how much was known then.
_PREPARED: list[tuple[object, int, int]] = []


def prepare(owner: object, expressions: Callable[[], Iterable[syntax.Expression]]) -> None:
    """Have all that these expressions ask of stacks looked at from now on. What is asked for the first time later means
    a second look at all stacks. The same owner's are prepared once.

    An analysis begins with this: here, and nowhere on its way, a new epoch may begin.
    """
    for prepared, epoch, known in _PREPARED:
        if prepared is owner and epoch == LEAVES.epoch:
            if _known() <= known + _MOST:
                return
            begin_epoch()
    _register(*expressions())
    _PREPARED[:] = [(owner, LEAVES.epoch, _known())]


def _known() -> int:
    return LEAVES.size + len(_COMPILED)


def _leaves(condition: syntax.StackCondition) -> Sequence[syntax.Texts | syntax.Owner | syntax.Module]:
    if isinstance(condition, syntax.Chain):
        return condition.elements
    if isinstance(condition, syntax.Place):
        return (condition.patterns,)
    if isinstance(condition, syntax.Module):
        return (syntax.Module(condition.path, ()),)
    return (condition,)


def bits_of(condition: syntax.StackCondition) -> list[int]:
    """The bits of a condition's leaves: of a chain, of each of its elements."""
    return [LEAVES.bit(leaf) for leaf in _leaves(condition)]


def _needs(expression: syntax.Expression) -> int:
    if isinstance(expression, syntax.StackCondition):
        return bits_of(expression)[0]
    if isinstance(expression, syntax.And):
        needs = [found for part in expression.parts if (found := _needs(part))]
        return min(needs, key=int.bit_count, default=0)
    if isinstance(expression, syntax.Or):
        needs = list(map(_needs, expression.parts))
        return reduce(int.__or__, needs) if all(needs) else 0
    return 0


def _least(expression: syntax.Expression) -> int:
    if isinstance(expression, syntax.Count) and not expression.percent:
        return expression.number + (expression.comparison == ">") if expression.comparison in (">=", ">", "=") else 0
    if isinstance(expression, syntax.And):
        return max(map(_least, expression.parts))
    if isinstance(expression, syntax.Or):
        return min(map(_least, expression.parts))
    return 0


# -- answers -----------------------------------------------------------------------------------------------------------


def outcome(expression: syntax.Expression, sight: Sight) -> Outcome:
    """What an expression answers for the goroutines of a sight."""
    answer = _ANSWERS.get(type(expression))
    return OPEN if answer is None else answer(cast("Any", expression), sight)


def _not(expression: syntax.Not, sight: Sight) -> Outcome:
    yes, no, unknown = outcome(expression.part, sight)
    return Outcome(no, yes, unknown)


def _and(expression: syntax.And, sight: Sight) -> Outcome:
    found: Outcome | None = None
    late = False
    for part in expression.parts:
        if is_late(part):
            late = True
            continue
        one = outcome(part, sight)
        found = one if found is None else _both(found, one)
    if late:
        found = OPEN if found is None else _both(found, OPEN)
    return found or OPEN


def _or(expression: syntax.Or, sight: Sight) -> Outcome:
    return reduce(_either, (outcome(part, sight) for part in expression.parts))


def _both(first: Outcome, second: Outcome) -> Outcome:
    unknown = (first.unknown and (second.unknown or second.yes)) or (second.unknown and first.yes)
    return Outcome(first.yes and second.yes, first.no or second.no, unknown)


def _either(first: Outcome, second: Outcome) -> Outcome:
    unknown = (first.unknown and (second.unknown or second.no)) or (second.unknown and first.no)
    return Outcome(first.yes or second.yes, first.no and second.no, unknown)


def is_late(expression: syntax.Expression) -> bool:
    """Whether an expression counts: it is evaluated after all others."""
    if isinstance(expression, syntax.Count):
        return True
    if isinstance(expression, syntax.And | syntax.Or):
        return any(map(is_late, expression.parts))
    return isinstance(expression, syntax.Not) and is_late(expression.part)


def _told(*, yes: bool, known: bool) -> Outcome:
    return _YES if yes else _NO if known else _UNKNOWN


def _waiting(condition: syntax.Waiting, sight: Sight) -> Outcome:
    names = sight.meanings
    if condition.exact:
        names = None if sight.reason is None else frozenset((sight.reason,))
    if names is None:
        return _UNKNOWN
    return _told(yes=any(text_matches(text, name) for text in condition.reasons for name in names), known=True)


def _cause(condition: syntax.Cause, sight: Sight) -> Outcome:
    matches = sight.cause is not None and any(text_matches(text, sight.cause) for text in condition.texts)
    return _told(yes=matches, known=True)


def _chain(condition: syntax.Chain, sight: Sight) -> Outcome:
    found = _holds(condition, sight.stack)
    return _told(yes=found, known=sight.stack.left_out == 0)


def _holds(condition: syntax.Chain, stack: StackSight) -> bool:
    bits = bits_of(condition)
    if not all(stack.every & bit for bit in bits):
        return False
    return len(bits) == 1 or find_chain(stack.frames, bits, condition) is not None


def _place(condition: syntax.Place, sight: Sight) -> Outcome:
    (bit,) = bits_of(condition)
    stack = sight.stack
    if condition.where == "innermost":
        return _told(yes=bool(stack.innermost & bit), known=True)
    if condition.where == "root":
        return _told(yes=bool(stack.root & bit), known=stack.left_out >= 0)
    return _told(yes=bool(stack.creator & bit), known=sight.creators_known)


def _owner(condition: syntax.Owner, sight: Sight) -> Outcome:
    return _told(yes=bool(sight.stack.every & bits_of(condition)[0]), known=sight.stack.left_out == 0)


def _module(condition: syntax.Module, sight: Sight) -> Outcome:
    if condition.constraints:
        found = condition in sight.stack.modules
    else:
        found = bool(sight.stack.every & bits_of(condition)[0])
    return _told(yes=found, known=sight.stack.left_out == 0)


_ANSWERS: Final[dict[type, Callable[[Any, Sight], Outcome]]] = {
    syntax.Not: _not, syntax.And: _and, syntax.Or: _or, syntax.Waiting: _waiting, syntax.Cause: _cause,
    syntax.Chain: _chain, syntax.Place: _place, syntax.Owner: _owner, syntax.Module: _module,
}  # fmt: skip
