"""Evaluates expressions: for cells first, then for the goroutines that cells leave open.

Every answer has two sides, where it is yes and where it is no; where it is neither, the dump does not say, and no
``not`` makes a yes of that (Kleene's logic). Of a cell it may be several: then it is for its goroutines to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import cast

import numpy as np

from stackscan.knowledge.language import goroutines, stacks, syntax
from stackscan.knowledge.language.goroutines import COMPARE, Answer
from stackscan.knowledge.language.index import Index, Numbers
from stackscan.knowledge.language.pointers import sharing
from stackscan.knowledge.language.symbols import Mask

#: What has the same answer for all goroutines of a cell.
_OfCell = stacks.StackCondition | syntax.Waiting | syntax.Cause


def select(expression: syntax.Expression, index: Index, among: Mask | None = None) -> Numbers:
    """The rows of the goroutines of which an expression is true, in the order of the dump.

    ``among``: only these are looked at, and counted.
    """
    expression = syntax.simplified(expression)
    possible, maybe_no, maybe_unknown = _cells(expression, index)
    if not possible.any():
        return np.zeros(0, dtype=np.int64)
    open_rows = possible[index.row_cell]
    rows = np.flatnonzero(open_rows if among is None else open_rows & among)
    if not (possible & (maybe_no | maybe_unknown)).any():
        return rows
    return rows[_Rows(index, rows).answer(expression)[0]]


def mask(expression: syntax.Expression, index: Index) -> Mask:
    """For each goroutine of a snapshot, whether an expression is true of it. Each is answered once."""
    key = ("mask", expression)
    if key not in index.answers:
        found = np.zeros(len(index.goroutines), dtype=np.bool_)
        found[select(expression, index)] = True
        index.answers[key] = found
    return cast("Mask", index.answers[key])


def is_late(expression: syntax.Expression) -> bool:
    """Whether an expression counts: it is evaluated after all others."""
    if isinstance(expression, syntax.Count):
        return True
    if isinstance(expression, syntax.And | syntax.Or):
        return any(map(is_late, expression.parts))
    return isinstance(expression, syntax.Not) and is_late(expression.part)


def _both(first: Answer, second: Answer) -> Answer:
    return first[0] & second[0], first[1] | second[1]


def _either(first: Answer, second: Answer) -> Answer:
    return first[0] | second[0], first[1] & second[1]


#: Of each cell: whether the answer for a goroutine of it may be yes, may be no, may be unknown.
_Outcomes = tuple[Mask, Mask, Mask]


def _cells(expression: syntax.Expression, index: Index) -> _Outcomes:
    """What the answers for the goroutines of each cell may be, before any of them is looked at."""
    if isinstance(expression, syntax.Not):
        yes, no, unknown = _cells(expression.part, index)
        return no, yes, unknown
    if isinstance(expression, syntax.And):
        early = [_cells(part, index) for part in expression.parts if not is_late(part)]
        late = [_open(index)] if len(early) < len(expression.parts) else []
        return reduce(_and, early + late)
    if isinstance(expression, syntax.Or):
        return reduce(_or, (_cells(part, index) for part in expression.parts))
    if isinstance(expression, _OfCell):
        yes, no = _of_cells(expression, index)
        return yes, no, ~(yes | no)
    return _open(index)


def _and(first: _Outcomes, second: _Outcomes) -> _Outcomes:
    unknown = first[2] & (second[2] | second[0]) | second[2] & first[0]
    return first[0] & second[0], first[1] | second[1], unknown


def _or(first: _Outcomes, second: _Outcomes) -> _Outcomes:
    unknown = first[2] & (second[2] | second[1]) | second[2] & first[1]
    return first[0] | second[0], first[1] & second[1], unknown


def _open(index: Index) -> _Outcomes:
    """Anything is possible until goroutines are looked at."""
    everything = np.ones(len(index.cell_stack), dtype=np.bool_)
    return everything, everything, everything


def _of_cells(expression: _OfCell, index: Index) -> Answer:
    """The answers to what is the same for all goroutines of a cell."""
    if isinstance(expression, syntax.Waiting):
        return goroutines.waiting(expression, index)
    if isinstance(expression, syntax.Cause):
        return goroutines.cause(expression, index)
    yes = stacks.matching(expression, index)[index.cell_stack]
    if not isinstance(expression, syntax.Place):
        return yes, ~yes & (index.left_out == 0)[index.cell_stack]
    if expression.where == "root":
        return yes, ~yes & (index.left_out >= 0)[index.cell_stack]
    creators_known = index.format == "goroutine-text" or bool((index.creator_function >= 0).any())
    return yes, ~yes & (expression.where == "innermost" or creators_known)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Evaluates for some goroutines, which must include all that may be counted."""

    index: Index
    rows: Numbers

    def answer(self, expression: syntax.Expression) -> Answer:
        return self._answer(expression, np.ones(len(self.rows), dtype=np.bool_))

    def _answer(self, expression: syntax.Expression, scope: Mask) -> Answer:
        """The answer for each goroutine. ``scope``: those that pass all other conditions, which ``count`` counts."""
        match expression:
            case syntax.And():
                found = self._and(expression, scope)
            case syntax.Or():
                found = reduce(_either, (self._answer(part, scope) for part in expression.parts))
            case syntax.Not():
                yes, no = self._answer(expression.part, scope)
                found = no, yes
            case syntax.Count():
                found = self._count(expression, scope)
            case _:
                found = self._alone(expression)
        return found

    def _alone(self, expression: syntax.Expression) -> Answer:
        """The answer to an expression that contains no other for the same goroutine."""
        match expression:
            case syntax.Creator():
                found = self._creator(expression)
            case syntax.Shares():
                found = self._shares(expression)
            case syntax.Minutes():
                found = goroutines.minutes(expression, self.index, self.rows)
            case syntax.Label():
                found = goroutines.label(expression, self.index, self.rows)
            case syntax.Flag():
                found = goroutines.flag(expression, self.index, self.rows)
            case _:
                yes, no = _of_cells(cast("_OfCell", expression), self.index)
                of_row = self.index.row_cell[self.rows]
                found = yes[of_row], no[of_row]
        return found

    def _and(self, expression: syntax.And, scope: Mask) -> Answer:
        early = [self._answer(part, scope) for part in expression.parts if not is_late(part)]
        if early:
            found = reduce(_both, early)
            scope = scope & found[0]
        late = [self._answer(part, scope) for part in expression.parts if is_late(part)]
        return reduce(_both, early + late)

    def _count(self, condition: syntax.Count, scope: Mask) -> Answer:
        number = condition.number
        weight = 100 if condition.percent else 1
        bound = number * self.index.total if condition.percent else number
        compare = COMPARE[condition.comparison]
        if condition.by is None:
            yes = np.full(len(self.rows), bool(compare(weight * self.index.count(self.rows[scope]), bound)))
            return yes, ~yes
        groups = goroutines.group_of(condition.by, self.index, self.rows)
        known = groups >= 0
        counted = known & scope
        counts = self.index.sums(groups[counted], self.rows[counted], least=int(groups.max(initial=0)) + 1)
        yes = np.asarray(compare(weight * counts[np.where(known, groups, 0)], bound))
        return yes & known, ~yes & known

    def _creator(self, condition: syntax.Creator) -> Answer:
        yes, no = _everywhere(condition.expression, self.index)
        ids, ids_known = self.index.column("goroutine_id")
        creators, known = self.index.column("creator_id")
        own = np.flatnonzero(ids_known)
        order = own[np.argsort(ids[own], kind="stable")]
        nothing = np.zeros(len(self.rows), dtype=np.bool_)
        if not len(order):
            return nothing, nothing
        wanted = creators[self.rows]
        at = np.minimum(np.searchsorted(ids[order], wanted), len(order) - 1)
        row = order[at]
        found = known[self.rows] & (ids[row] == wanted)
        return found & yes[row], found & no[row]

    def _shares(self, condition: syntax.Shares) -> Answer:
        found = sharing(self.index, self.rows, _everywhere(condition.expression, self.index)[0])
        if found is None:
            nothing = np.zeros(len(self.rows), dtype=np.bool_)
            return nothing, nothing
        return found, ~found


def _everywhere(expression: syntax.Expression, index: Index) -> Answer:
    """The answer for all goroutines, for relations between them; evaluated once."""
    key = ("everywhere", expression)
    if key not in index.answers:
        rows = np.arange(len(index.goroutines))
        index.answers[key] = _Rows(index, rows).answer(expression)
    return cast("Answer", index.answers[key])
