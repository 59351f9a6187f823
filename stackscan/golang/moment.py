"""The state of a function at the line of a frame: which of the line's points it is at, and which deferred calls ran."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from stackscan.formats.symbol import read_symbol
from stackscan.golang.flow import Flow
from stackscan.golang.names import Place, arguments_of
from stackscan.golang.package import Function
from stackscan.golang.state import Event, State, join
from stackscan.golang.tree import Node, field, last_line_of, line_of, text, walk

#: The statements that goroutines wait in, by wait reason.
_STATEMENTS: Final = {
    "chan send": ("send_statement",),
    "chan receive": ("unary_expression", "receive_statement", "range_clause"),
    "select": ("select_statement",),
}
COND_WAIT: Final = "sync.(*Cond).Wait"
#: Functions in which all deferred calls of a goroutine run, one after the other.
UNWINDING: Final = frozenset({"panic", "runtime.gopanic", "runtime.Goexit", "runtime.sigpanic"})


def meant(events: list[Event], callee: str, reason: str) -> list[Event]:
    """The points of a line that call a function, or that wait so; all where none does."""
    name = _called(callee)
    kinds = _STATEMENTS.get(reason.partition(" (")[0], ())
    found = [event for event in events if event.node.type in kinds or (name and _calls(event.node, name))]
    return found or events


def _called(callee: str) -> str:
    return read_symbol(callee).name.partition(".")[0].partition("[")[0] if callee else ""


def _calls(node: Node, name: str) -> bool:
    callee = field(node, "function") if node.type == "call_expression" else None
    return callee is not None and (text(field(callee, "field")) or text(callee)) == name


def state_at(events: list[Event], flow: Flow, line: int, callee: str) -> State:
    """The state at the points of a line; where it leaves the function, that before the deferred call that runs."""
    found: State | None = None
    named = [event for event in events if _calls(event.node, _called(callee))]
    leaving = None if named and not _is_deferred(flow, callee) else _leaving(flow, line, callee)
    if leaving is not None:
        return leaving if not named else _joined((leaving, *(_in_cond(one, flow, callee) for one in named)))
    for event in events:
        found = join(found, _in_cond(event, flow, callee))
    if found is None and line >= flow.last_line:
        found = _joined(one.state for one in flow.exits)
    if found is None:
        found = _plain(flow, line)
    if found is not None and callee in UNWINDING:
        found = join(found, flow.after_defers(found))  # how far they are, nothing tells
    return found or State()


def passed_on(function: Function, events: Iterable[Event], flow: Flow) -> dict[str, Place]:
    """The locks that the one call of a function, among the points of its caller's line, gives it, by parameter."""
    calls = [event.node for event in events if event.node.type == "call_expression"]
    calls = [node for node in calls if _is_call_of(function, field(node, "function"), flow)]
    if len(calls) != 1 or function.outer is not None:
        return {}
    used = [flow.names.lock(argument) for argument in arguments_of(calls[0])]
    names = [name for name, _ in function.parameters]
    return {name: one.place for name, one in zip(names, used, strict=False) if one is not None and one.place.is_known}


def _is_call_of(function: Function, callee: Node | None, flow: Flow) -> bool:
    found = flow.names.callee(callee)
    return found is not None and found.key == function.key


def _joined(states: Iterable[State]) -> State:
    found: State | None = None
    for state in states:
        found = join(found, state)
    return found or State()


def _is_deferred(flow: Flow, callee: str) -> bool:
    return any(_is_of(flow, one.call, callee) for end in flow.exits for one in end.state.deferred)


def _leaving(flow: Flow, line: int, callee: str) -> State | None:
    """The state while a deferred call runs at a return, or at the end of the function; None where none does."""
    found: State | None = None
    for end in flow.exits:
        here = line >= flow.last_line if end.node is None else line_of(end.node) <= line <= last_line_of(end.node)
        if here or line >= flow.last_line:
            for one in end.state.deferred:
                if callee and _is_of(flow, one.call, callee):
                    found = join(found, flow.after_defers(end.state, until=one.call))
    return found


def _is_of(flow: Flow, call: Node, callee: str) -> bool:
    """Whether a deferred call is that of a function, by its name; of a literal, by its number in the function."""
    name = read_symbol(callee).name
    last = name.partition("[")[0].rpartition(".")[2]
    target = field(call, "function")
    if last.startswith("deferwrap"):
        return target is not None and target.type != "func_literal"
    if target is not None and target.type == "identifier":
        target = flow.names.value_of(text(target)) or target
    if target is None or target.type == "func_literal":
        if not last.startswith("func"):
            return last.isdigit()
        body = flow.function.body
        literals = [one for one in walk(body, into_literals=False) if one.type == "func_literal"]
        number = int(last[4:]) - 1 if last[4:].isdigit() else -1
        counted = flow.function.outer is None and 0 <= number < len(literals)
        return not counted or literals[number] == target or literals[number].parent is None
    return (text(field(target, "field")) or text(target)) == _called(callee)


def _plain(flow: Flow, line: int) -> State | None:
    """The state at a line without a call: of the statement there, the innermost."""
    spans = [
        (last_line_of(node) - line_of(node), at, state)
        for at, (node, state) in enumerate(flow.statements.values())
        if line_of(node) <= line <= last_line_of(node)
    ]
    if not spans:
        return None
    narrow = min(span for span, _, _ in spans)
    return _joined(state for span, _, state in spans if span == narrow)


def _in_cond(event: Event, flow: Flow, callee: str) -> State:
    """The state while a point waits: Cond.Wait has released the lock of its Cond. Where nothing tells which, it may be
    any lock of the goroutine."""
    called = field(event.node, "function") if event.node.type == "call_expression" else None
    if called is None or text(field(called, "field")) != "Wait":
        return event.state
    operand = field(called, "operand")
    if callee != COND_WAIT and not flow.names.is_cond(operand):
        return event.state
    used = flow.names.lock_of_cond(operand)
    if used is None or not used.place.is_known:
        return event.state.weakened()
    state = event.state.unlocked(used.place, used.path)
    return replace(state, released=state.released | {used.place})
