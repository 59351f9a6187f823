"""Conditions on a stack alone: frames in order, places, owners, modules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from stackscan.formats.symbol import origin, read_symbol
from stackscan.knowledge.language.index import Index
from stackscan.knowledge.language.symbols import Mask, path_glob, plain
from stackscan.knowledge.language.syntax import And, Chain, Expression, Module, Or, Owner, Place
from stackscan.model.snapshot import Stack
from stackscan.model.versions import Version, read_version, satisfies

StackCondition = Chain | Place | Owner | Module


def matching(condition: StackCondition, index: Index) -> Mask:
    """For each stack of a snapshot, whether it meets a condition. Each condition is evaluated once."""
    found = index.answers.get(condition)
    if not isinstance(found, np.ndarray):
        found = index.answers[condition] = _answer(condition, index)
    return found


def _answer(condition: StackCondition, index: Index) -> Mask:
    if isinstance(condition, Chain):
        return _chains(condition, index)
    if isinstance(condition, Place):
        functions = index.functions.matching(condition.patterns)
        places = {
            "innermost": index.innermost_function,
            "root": index.root_function,
            "created by": index.creator_function,
        }[condition.where] if functions.any() else None  # fmt: skip
        return _none(index) if places is None else np.append(functions, False)[places]
    return _with_frames(condition, index)


def _none(index: Index) -> Mask:
    return np.zeros(len(index.stacks), dtype=np.bool_)


def _chains(condition: Chain, index: Index) -> Mask:
    masks = [index.functions.matching(patterns) for patterns in condition.elements]
    if len(masks) == 1:
        return index.holding(masks[0])
    if not all(mask.any() for mask in masks):
        return _none(index)
    frames = len(index.frame_function)
    found = np.ones(len(index.stacks), dtype=np.bool_)
    at, end = index.first_frame[:-1], index.first_frame[1:]
    for first, last in _runs(condition.adjacent):
        fits = np.zeros(frames + 1, dtype=np.bool_)  # one more than there are frames: the place behind the last
        length = last - first + 1
        if length > frames:
            return _none(index)
        fits[: frames - length + 1] = True
        for step in range(length):
            fits[: frames - length + 1] &= masks[first + step][index.frame_function[step : frames - length + 1 + step]]
        # For each frame, the next one at which the run fits: the least number from there on.
        places = np.where(fits, np.arange(frames + 1), frames)
        following = np.minimum.accumulate(places[::-1])[::-1]
        place = following[at]
        found &= (place + length <= end) & fits[place]
        at = np.minimum(place + length, end)
    return found


def _find(condition: Chain, masks: Sequence[Mask], index: Index, stack_id: int) -> int | None:
    """Where the deciding frame of a chain was found in a stack; None when the stack does not hold the chain.

    A run of adjacent frames is taken at its first place behind the run before it: no later place can help what follows.
    """
    functions = index.functions_of(stack_id)
    hits = [mask[functions] for mask in masks]
    at, decided = 0, 0
    for first, last in _runs(condition.adjacent):
        length = last - first + 1
        starts = len(functions) - length + 1
        if starts <= at:
            return None
        fits = hits[first][at:starts].copy()
        for step in range(1, length):
            fits &= hits[first + step][at + step : starts + step]
        found = int(fits.argmax())
        if not fits[found]:
            return None
        if first <= condition.deciding <= last:
            decided = at + found + condition.deciding - first
        at += found + length
    return decided


def _runs(adjacent: Sequence[bool]) -> list[tuple[int, int]]:
    """First and last element of each run of adjacent ones."""
    runs: list[tuple[int, int]] = []
    start = 0
    for element, is_next in enumerate((*adjacent, False)):
        if not is_next:
            runs.append((start, element))
            start = element + 1
    return runs


def _with_frames(condition: Owner | Module, index: Index) -> Mask:
    """For each stack, whether a frame of it is of the owner or module."""
    functions = _owned(condition, index)
    found = index.holding(functions)
    if isinstance(condition, Module) and condition.constraints:
        for stack_id in np.flatnonzero(found).tolist():
            found[stack_id] = _frame_of_module(condition, index.stacks[stack_id]) is not None
    return found


def _owned(condition: Owner | Module, index: Index) -> Mask:
    """Functions of a package or receiver; of a module: those whose package may be its."""
    symbols = [read_symbol(name) for name in index.names]
    found = np.ones(len(symbols), dtype=np.bool_)
    packages = (f"{condition.path}/...",) if isinstance(condition, Module) else condition.packages
    if packages:
        found &= [any(path_glob(text).matches(symbol.package) for text in packages) for symbol in symbols]
    if isinstance(condition, Owner) and condition.receivers:
        found &= [_has_receiver(symbol.receiver, condition.receivers) for symbol in symbols]
    return found


def _has_receiver(receiver: str | None, texts: Sequence[str]) -> bool:
    """``*Server`` means pointer receivers, ``Server`` both."""
    if receiver is None:
        return False
    name, pointer = plain(receiver).removeprefix("*"), receiver.startswith("*")
    return any(
        (pointer or not text.startswith("*")) and path_glob(plain(text.removeprefix("*"))).matches(name)
        for text in texts
    )


def _frame_of_module(condition: Module, stack: Stack) -> int | None:
    """The innermost frame of a module whose version is right."""
    for place, frame in enumerate(stack.frames):
        whose = origin(frame)
        if whose.module is None or not path_glob(condition.path).matches(whose.module):
            continue
        version = read_version(whose.version or "")
        if version is not None and all(_meets(version, *constraint) for constraint in condition.constraints):
            return place
    return None


def _meets(version: Version, comparison: str, bound: str) -> bool:
    if comparison == "!=":
        return not satisfies(version, f"={bound}")
    return satisfies(version, f"{comparison}{bound}")


def deciding(expression: Expression, index: Index, stack_id: int) -> int:
    """The index of the frame that a reader should look at.

    The one marked with @, else the first that a condition names and is there; 0 where none names one.
    """
    found = [(marked, place) for marked, place in _places(expression, index, stack_id) if place is not None]
    return next((place for marked, place in found if marked), found[0][1] if found else 0)


def _places(expression: Expression, index: Index, stack_id: int) -> Iterator[tuple[bool, int | None]]:
    """The frame that each condition on frames found, with whether it bears the mark."""
    if isinstance(expression, And | Or):
        for part in expression.parts:
            yield from _places(part, index, stack_id)
    elif isinstance(expression, Chain | Place | Owner | Module) and matching(expression, index)[stack_id]:
        yield getattr(expression, "marked", False), _place(expression, index, stack_id)


def _place(condition: StackCondition, index: Index, stack_id: int) -> int | None:
    if isinstance(condition, Chain):
        return _find(condition, [index.functions.matching(p) for p in condition.elements], index, stack_id)
    if isinstance(condition, Place):
        innermost, root = index.places
        return {"innermost": int(innermost[stack_id]), "root": int(root[stack_id])}.get(condition.where)
    if isinstance(condition, Module) and condition.constraints:
        return _frame_of_module(condition, index.stacks[stack_id])
    return int(_owned(condition, index)[index.functions_of(stack_id)].argmax())
