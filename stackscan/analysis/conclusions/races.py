"""Data races, as the race detector reports them: who writes while who reads, and what it is likely about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from stackscan.analysis.causes.model import Cause
from stackscan.analysis.conclusions.scene import Part, Told, deciding
from stackscan.analysis.crashes.died import place_of
from stackscan.formats.symbol import origin, read_symbol

_CLOSURE: Final = re.compile(r"\.(?:func|gowrap|deferwrap)\d[^/]*\Z|\.\d+\Z")
#: Functions of the runtime that access what is no field.
_KINDS: Final = (
    (("runtime.map", "internal/runtime/maps."), "map"),
    (("runtime.chan", "runtime.closechan", "runtime.selectgo"), "channel"),
)
_CREATED, _ALLOCATED = "was created", "allocated it"
#: Accesses that are equal when the detector reports them again.
_Key = tuple[object, ...]


def find(told: Sequence[Told]) -> Iterator[Cause]:
    """One cause for each race, however often it was reported."""
    races: dict[_Key, list[Told]] = {}
    for one in told:
        races.setdefault(_key(one), []).append(one)
    yield from map(_cause, races.values())


def _accesses(told: Told) -> list[Part]:
    """The two accesses, a write first."""
    parts = [part for part in told.parts if part.role.does not in (_CREATED, _ALLOCATED)][:2]
    return sorted(parts, key=lambda part: not part.role.does.startswith("writes"))


def _key(told: Told) -> _Key:
    places = [(part.role.does.partition(" ")[0], part.real_frame) for part in _accesses(told)]
    return tuple(sorted(places, key=repr))


def _cause(same: Sequence[Told]) -> Cause:
    first = same[0]
    accesses = _accesses(first)
    origins = [part for part in first.parts if part.role.does in (_CREATED, _ALLOCATED)]
    times = f"; reported {len(same):,} times" if len(same) > 1 else ""
    rows = [part.role.row for part in accesses] + [row for one in same for row in one.rows]
    return Cause(
        name="data-race",
        confidence="proved",
        title=f"data race{_about(first, accesses)}: {_sentence(accesses, _owner(accesses))}{times}",
        argument=first.argument,
        steps=(
            *(part.step(_did(part.role.does)) for part in accesses),
            *(part.step(_ORIGINS[part.role.does]) for part in origins),
        ),
        rows=tuple(dict.fromkeys(rows)),
        waiting=0,
        stuck=True,
        deciding=deciding([part for one in same for part in _accesses(one)]),
        culprits=tuple(part.role.row for part in accesses),
    )


_ORIGINS: Final = {_CREATED: "was started here", _ALLOCATED: "allocated the memory here"}


def _did(does: str) -> str:
    """``writes before`` → ``wrote it earlier``."""
    verb, *rest = does.removesuffix(" before").split()
    if does.endswith(" before"):
        return " ".join([{"writes": "wrote", "reads": "read"}.get(verb, verb), "it", *rest, "earlier"])
    return " ".join([verb, "it", *rest])


def _sentence(accesses: Sequence[Part], owner: str) -> str:
    """``(*Store).Set (store.go:31) writes while (*Store).Get (store.go:40) reads``."""
    clauses = []
    for part in accesses:
        place = _place(part)
        package = owner.partition(".")[0] + "."
        verb = part.role.does.removesuffix(" before")
        if part.real_frame is not None and part.real_frame.function.startswith("sync/atomic."):
            verb += " atomically"
        clauses.append((place.removeprefix(package) if owner else place, verb))
    if len(clauses) == 2 and clauses[0] == clauses[1]:
        return f"{clauses[0][0]} {clauses[0][1]} in two goroutines at once"
    return " while ".join(f"{place} {verb}" for place, verb in clauses)


def _place(part: Part) -> str:
    """Where an access is; of one in the standard library alone, the goroutine that made it."""
    if part.frame is None or part.real_frame is None:
        who = "a goroutine" if part.goroutine_id is None else f"goroutine {part.goroutine_id}"
        return f"{who}, whose stack is lost,"
    created_by = part.shown.created_by
    if origin(part.real_frame).kind == "std" and created_by is not None:
        return f"the goroutine that {place_of(created_by)} started"
    return place_of(part.frame)


def _about(told: Told, accesses: Sequence[Part]) -> str:
    """`` on a field of cart.Store``: what the text supports; nothing where it does not."""
    if told.shown.variable:
        return f" on {told.shown.variable.rpartition('/')[2]}"
    owner = _owner(accesses)
    inner = [frame.function for part in accesses for frame in part.stack.frames[: part.place or 0]]
    kind = next((kind for begins, kind in _KINDS if any(name.startswith(begins) for name in inner)), "")
    if owner:
        return f" on a {kind or 'field'} of {owner}"
    if kind:
        return f" on a {kind}"
    function = _captured_in(accesses)
    return f" on a captured or package variable in {function}" if function else ""


def _owner(accesses: Sequence[Part]) -> str:
    """The type whose methods both accesses are in: ``cart.Store``."""
    if len(accesses) < 2:
        return ""
    owners = []
    for part in accesses:
        for frame in (part.real_frame, part.frame):
            symbol = None if frame is None else read_symbol(frame.function)
            if symbol is None or symbol.receiver is None:
                return ""
            owners.append(f"{symbol.package.rpartition('/')[2]}.{symbol.receiver.strip('(*)')}")
    return owners[1] if owners[0] == owners[2] else ""


def _captured_in(accesses: Sequence[Part]) -> str:
    """The function in which both accesses are written, at least one of them in a closure."""
    names = [part.real_frame.function for part in accesses if part.real_frame is not None]
    outer = {_CLOSURE.sub("", _outermost(name)) for name in names}
    if len(names) < 2 or len(outer) != 1 or outer == set(names):
        return ""
    frame = accesses[0].frame
    return "" if frame is None else _outermost(frame.function).rpartition("/")[2]


def _outermost(function: str) -> str:
    """``main.f.func1.2`` → ``main.f``."""
    head, dot, rest = function.rpartition("/")[2].partition(".func")
    folder = function[: len(function) - len(head + dot + rest)]
    return folder + head if dot and rest[:1].isdigit() else function
