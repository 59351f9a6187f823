"""Evaluates expressions: for cells first, then for the goroutines that cells leave open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import reduce
from typing import cast

from stackscan.knowledge.language import goroutines, syntax
from stackscan.knowledge.language.goroutines import COMPARE, Answer, is_ruled_out
from stackscan.knowledge.language.index import Index, Rows
from stackscan.knowledge.language.leaves import LEAVES
from stackscan.knowledge.language.outcomes import Compiled, Outcome, compiled, is_late, outcome
from stackscan.knowledge.language.pointers import sharing
from stackscan.knowledge.language.sights import Sight


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """Expressions that are asked of many snapshots at once: what a sight cannot meet is not asked of it."""

    epoch: int
    expressions: tuple[Compiled, ...]
    always: tuple[int, ...]
    by_bit: dict[int, tuple[int, ...]]

    @classmethod
    def of(cls, expressions: Iterable[syntax.Expression]) -> Catalogue:
        """The catalogue of these expressions, which are known by their places from then on."""
        found = tuple(map(compiled, expressions))
        by_bit: dict[int, list[int]] = {}
        for place, one in enumerate(found):
            left = one.needs
            while left:
                by_bit.setdefault(left & -left, []).append(place)
                left &= left - 1
        always = tuple(place for place, one in enumerate(found) if not one.needs)
        return cls(LEAVES.epoch, found, always, {bit: tuple(places) for bit, places in by_bit.items()})

    @property
    def is_void(self) -> bool:
        """Whether all expressions were forgotten since."""
        return self.epoch != LEAVES.epoch

    def possible(self, index: Index) -> dict[int, list[int]]:
        """By the place of each expression that may be true of some goroutine, the cells of these."""
        found: dict[int, list[int]] = {}
        for sight, cells in index.alike:
            for place in self._possible_of(sight):
                found.setdefault(place, []).extend(cells)
        return found

    def _possible_of(self, sight: Sight) -> tuple[int, ...]:
        """The places of the expressions that may be true of a sight's goroutines. It is found once."""
        known = sight.possible.get(id(self))
        if known is None or known[0] is not self:
            stack = sight.stack
            shown, places = stack.every | stack.innermost | stack.root | stack.creator, set(self.always)
            while shown:
                places.update(self.by_bit.get(shown & -shown, ()))
                shown &= shown - 1
            kept = tuple(place for place in sorted(places) if self.expressions[place].outcome(sight).yes)
            known = sight.possible[id(self)] = self, kept
        return cast("tuple[int, ...]", known[1])


def select(expression: syntax.Expression, index: Index, without: Collection[int] = ()) -> list[int]:
    """The rows of the goroutines of which an expression is true, in the order of the dump.

    ``without``: these are not looked at, and not counted.
    """
    one = compiled(expression)
    cells = [cell for sight, cells in index.alike if one.outcome(sight).yes for cell in cells]
    return select_in(one, index, cells, without)


def select_in(one: Compiled, index: Index, cells: Collection[int], without: Collection[int] = ()) -> list[int]:
    """The same among the goroutines of some cells: all of which it may be true."""
    if not cells or (one.least > 1 and sum(map(index.cell_counts.__getitem__, cells)) < one.least):
        return []
    if is_ruled_out(one.expression, index):
        return []
    rows = index.rows_of(cells)
    if without:
        rows = [row for row in rows if row not in without]
    if index.count(rows) < one.least:
        return []
    sights = set(map(index.sights.__getitem__, cells))
    if not any(found.no or found.unknown for found in map(one.outcome, sights)):
        return rows
    yes = _Evaluation(index, rows).answer(one.expression)[0]
    return rows if len(yes) == len(rows) else [row for row in rows if row in yes]


def mask(expression: syntax.Expression, index: Index) -> frozenset[int]:
    """The rows of all goroutines of a snapshot of which an expression is true. Each is answered once."""
    one = compiled(expression)
    key = "mask", one.number
    found: frozenset[int] | None = index.answers.get(key)
    if found is None:
        found = index.answers[key] = frozenset(select(expression, index))
    return found


def _both(first: Answer, second: Answer) -> Answer:
    return first[0] & second[0], first[1] | second[1]


def _either(first: Answer, second: Answer) -> Answer:
    return first[0] | second[0], first[1] & second[1]


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """Evaluates for some goroutines, which must include all that may be counted."""

    index: Index
    rows: Rows

    def answer(self, expression: syntax.Expression) -> Answer:
        return self._answer(expression, set(self.rows))

    def _answer(self, expression: syntax.Expression, scope: set[int]) -> Answer:
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
                found = self._of_cells(expression)
        return found

    def _of_cells(self, expression: syntax.Expression) -> Answer:
        """The answer to what is the same for all goroutines of a cell."""
        sights, row_cell = self.index.sights, self.index.row_cell
        known: dict[Sight, Outcome] = {}
        of_cell = {}
        for cell in {row_cell[row] for row in self.rows}:
            sight = sights[cell]
            if sight not in known:
                known[sight] = outcome(expression, sight)
            of_cell[cell] = known[sight]
        yes = {row for row in self.rows if of_cell[row_cell[row]].yes}
        return yes, {row for row in self.rows if of_cell[row_cell[row]].no}

    def _and(self, expression: syntax.And, scope: set[int]) -> Answer:
        early = [self._answer(part, scope) for part in expression.parts if not is_late(part)]
        if early:
            found = reduce(_both, early)
            scope = scope & found[0]
        late = [self._answer(part, scope) for part in expression.parts if is_late(part)]
        return reduce(_both, early + late)

    def _count(self, condition: syntax.Count, scope: set[int]) -> Answer:
        weight = 100 if condition.percent else 1
        bound = condition.number * self.index.total if condition.percent else condition.number
        compare = COMPARE[condition.comparison]
        everything = set(self.rows)
        if condition.by is None:
            met = compare(weight * self.index.count(scope), bound)
            return (everything, set()) if met else (set(), everything)
        group = goroutines.group_of(condition.by, self.index)
        keys = dict(zip(self.rows, map(group, self.rows), strict=True))
        weights = self.index.weights
        if weights is None:
            counts = Counter(map(keys.__getitem__, scope))
        else:
            counts = Counter()
            for row in scope:
                counts[keys[row]] += weights[row]
        enough = {key for key in set(keys.values()) - {None} if compare(weight * counts[key], bound)}
        yes = {row for row, key in keys.items() if key in enough}
        return yes, {row for row, key in keys.items() if key is not None and key not in enough}

    def _creator(self, condition: syntax.Creator) -> Answer:
        yes, no = _everywhere(condition.expression, self.index)
        creators, first_row = self.index.column("creator_id"), self.index.first_row
        found = {row: first_row[creators[row]] for row in self.rows if creators[row] in first_row}
        return {row for row, at in found.items() if at in yes}, {row for row, at in found.items() if at in no}

    def _shares(self, condition: syntax.Shares) -> Answer:
        others = _everywhere(condition.expression, self.index)[0]
        found = sharing(self.index, self.rows, others)
        if found is None:
            return set(), set()
        return found, set(self.rows) - found


def _everywhere(expression: syntax.Expression, index: Index) -> Answer:
    """The answer for all goroutines, for relations between them; evaluated once."""
    key = "everywhere", compiled(expression).number
    if key not in index.answers:
        rows = range(len(index.table))
        index.answers[key] = _Evaluation(index, rows).answer(compiled(expression).expression)
    return cast("Answer", index.answers[key])
