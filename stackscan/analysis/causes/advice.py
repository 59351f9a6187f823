"""What to change in this code: the lines of a cause, and what to do about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from stackscan.analysis.causes.code import Code
from stackscan.analysis.causes.model import Cause
from stackscan.analysis.causes.waiting import ONCE
from stackscan.analysis.causes.wanted import Holder, Wanted
from stackscan.golang.needs import Need
from stackscan.golang.reading import Reading
from stackscan.golang.tree import Node, line_of, text
from stackscan.golang.turns import lost_at, taken_by
from stackscan.golang.unit import Deed, Site

#: Locks of a circle that advice names.
_NAMED: Final = 3


def move_out(holder: Holder, lock: Wanted, code: Code) -> str:
    """``Move `sub <- v` (bus.go:151) out of the section that bus.mu guards (bus.go:149 to 153).``"""
    reading = code.reading(holder.wait, holder.held.frame)
    where = None if reading is None else _line(reading)
    if reading is None or where is None:
        return ""
    called = code.waits_for(holder.wait) if holder.wait.place == holder.held.frame else reading.calls
    what = f"`{called}` ({where})" if called else f"what {where} does"
    first, last = holder.since, reading.guarded_to(holder.held.key[1])
    section = f"{first} to {last}" if last else f"from {first} on"
    return f"Move {what} out of the section that {lock.name} guards ({section})."


def call_unlocked(holder: Holder, lock: Wanted, code: Code) -> str:
    """``main.go:76 takes account.mu again: call something that does not lock it, or give it back first.``"""
    wait = holder.wait
    reading = None if wait.own is None else code.reading(wait, wait.own)
    outer = code.reading(wait, holder.held.frame)
    if reading is None or outer is None:
        return ""
    if holder.held.frame == wait.own and _line(reading) == holder.since:
        return f"{_line(reading)} takes {lock.name} again, in a later round: unlock it on every way through the loop."
    through = f", called in {_line(outer)}," if holder.held.frame != wait.own else ""
    return (
        f"{_line(reading)}{through} takes {lock.name} again: move what it needs into a function that expects "
        f"the lock to be held, or give it back before ({holder.since} took it)."
    )


def inside_once(cause: Cause, code: Code) -> str:
    """``main.go:255 calls Do inside the function of that Once: call what it needs itself.``"""
    wait = code.scene.of_row[cause.culprits[0]] if cause.culprits else None
    inside = wait is not None and any(frame.function == ONCE for frame in wait.frames[wait.own or 0 :])
    reading = code.reading(wait, wait.own) if wait is not None and wait.own is not None and inside else None
    if reading is None or "Do" not in reading.calls:
        return ""
    return f"{_line(reading)} calls Do inside the function of that very Once: take what it needs without Do there."


def one_order(circle: Sequence[tuple[Wanted, Holder]], code: Code) -> str:
    """``Take them in one order everywhere: more.go:18 takes a, then more.go:22 b; …``: each lock with its holder, who
    waits for the lock of the next one."""
    lines = []
    for place, (lock, holder) in enumerate(circle[:_NAMED]):
        wait = holder.wait
        reading = None if wait.own is None else code.reading(wait, wait.own)
        if reading is None:
            return ""
        ahead = circle[(place + 1) % len(circle)][0]
        lines.append(f"{holder.since} takes {lock.name}, then {_line(reading)} {ahead.name}")
    if len(set(lines)) == 1:  # one line, two objects
        return f"{lines[0]} of another one: put the two in an order, by an id for instance, before you lock them."
    return f"Take these locks in one order everywhere: {'; '.join(lines)}."


def close_before(needs: Sequence[Need], sites: Sequence[Site]) -> str:
    """Who waits for workers that wait for a close that only comes after: ``Close `jobs` (main.go:41) before it.``"""
    groups = [need for need in needs if need.wants and "done" in need.wants[0].deeds]
    workers = [need for need in needs if need.receives and need.wants and "close" in need.wants[0].deeds]
    closes = [site for site in sites if site.deed == "close"]
    if not groups or not workers or not closes:
        return ""
    return f"Close {_name(workers[0])} ({_places(closes, workers[0])}) before the Wait for {_name(groups[0])}."


def serve(need: Need, sites: Sequence[Site]) -> str:
    """What would serve what nobody serves; empty where no change of this kind would."""
    deeds: set[Deed] = {deed for want in need.wants for deed in want.deeds}
    if need.never or not need.wants:
        return ""
    advise = {
        frozenset({"receive"}): _send,
        frozenset({"send", "close"}): _close,
        frozenset({"done"}): _done,
        frozenset({"signal", "broadcast"}): _signal,
    }.get(frozenset(deeds))
    return "" if advise is None else advise(need, sites)


def _done(need: Need, sites: Sequence[Site]) -> str:
    places = _places(sites, need)
    return f"Call Done by defer, on every way ({places})." if sites else f"Nothing calls Done of {_name(need)}."


def _signal(need: Need, sites: Sequence[Site]) -> str:
    if not sites:
        return f"Nothing signals {_name(need)}: do so where its condition changes."
    return f"Signal {_name(need)} on every way on which its condition changes ({_places(sites, need)})."


def _close(need: Need, sites: Sequence[Site]) -> str:
    closes = [site for site in sites if site.deed == "close"]
    if not closes:
        return f"Close {_name(need)} where no more is sent{_made(need)}."
    return f"Close {_name(need)} on every way out ({_places(closes, need)} is not always reached); defer it."


def _name(need: Need) -> str:
    return f"`{need.wants[0].expression}`"


def places_not_given_back(need: Need, sites: Sequence[Site]) -> str:
    """Where a function leaves that has sent to take a place, and would receive to give it back: ``store takes one in
    main.go:17 and returns in main.go:19 without `<-slots```. Empty where the need is no such send."""
    for site in sites if len(sites) == 1 else ():
        unit = need.program.units[site.unit]
        taken = taken_by(site, unit)
        if taken is not None:
            file = unit.file.rpartition("/")[2]
            lines = [f"{file}:{line}" for line in lost_at(site, unit)[:_NAMED]]
            leaves = f"returns in {', '.join(lines)}" if lines else "may leave"
            name = unit.function.declared.key
            return f"{name} takes one in {file}:{line_of(taken)} and {leaves} without `{_short(site.node)}`"
    return ""


def _short(node: Node) -> str:
    return " ".join(text(node).split())


def _send(need: Need, sites: Sequence[Site]) -> str:
    """A send that nobody receives: a place to give back, room, or another way out."""
    if places_not_given_back(need, sites):
        receive = _short(sites[0].node)
        return f"Write `defer func() {{ {receive} }}()` right behind the send, and drop {_places(sites, need)}."
    context = next(iter(need.contexts), "")
    way_out = f"select with `<-{context}.Done()`, which is at hand" if context else "send in a select that can leave"
    room = f"Give {_name(need)} room for all that are sent{_made(need)}"
    return f"{room}, or {way_out}."


def _made(need: Need) -> str:
    """``; it is made in main.go:41 with room for `n```."""
    if not need.made:
        return ""
    origin = need.made[0]
    room = f"with room for `{origin.capacity}`" if origin.capacity else "without room"
    return f" (made in {origin.file.rpartition('/')[2]}:{line_of(origin.node)} {room})"


def _places(sites: Sequence[Site], need: Need) -> str:
    units = need.program.units
    named = [f"{units[site.unit].file.rpartition('/')[2]}:{site.line}" for site in sites]
    return ", ".join(list(dict.fromkeys(named))[:3])


def _line(reading: Reading) -> str:
    return f"{reading.excerpt.file.rpartition('/')[2]}:{reading.excerpt.line}"
