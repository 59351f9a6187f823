"""A process's last message, taken apart: panics and their values, the signal, what else the runtime said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from stackscan.analysis.crashes.signals import Signal, read_signal
from stackscan.model.snapshot import Snapshot

#: ``handler``: net/http recovered it, and the server went on. ``request``: somebody asked for the stacks.
Nature = Literal["panic", "fatal", "signal", "handler", "request"]

_SERVING: Final = re.compile(r".*\bpanic serving (?:\S+: |(?=\(redacted\)))(?P<value>.*)")
_PANIC: Final = re.compile(r"[ \t]*panic: (?P<value>.*)")
_RECOVERED: Final = re.compile(r"(?P<value>.*?) \[(?:recovered|reraised)(?P<again>, repanicked|, reraised)?\]")
_KILLED: Final = re.compile(r"\*\*\* Test killed with ")
#: Lines that the runtime writes itself, not the text of a panic's value.
_OF_RUNTIME: Final = re.compile(
    r"fatal error: |fatal: |SIG[A-Z0-9]+: |Signal \d|Exception 0x|runtime: |runtime/cgo: |unexpected fault "
    r"|signal arrived |panic during panic|\*\*\* Test killed"
)
#: Who prints the stack of a running goroutine on request: what it prints is no crash.
_PRINTERS: Final = ("runtime/debug.Stack", "runtime/debug.PrintStack", "runtime.Stack")
_DUMPERS: Final = ("runtime/pprof.writeGoroutineStacks", "runtime/pprof.(*Profile).WriteTo")
#: Innermost frames among which a printer stands.
_NEAR: Final = 6
#: Addresses below are fields of a nil pointer's object.
_NIL_END: Final = 1 << 24


@dataclass(frozen=True, slots=True)
class Panic:
    """One panic of a message: its value, and whether a deferred call recovered it (and panicked again with it)."""

    value: str
    recovered: bool = False
    again: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended. ``lines`` are the runtime's own of its message, what decides first; ``panics`` are in the
    order in which they happened."""

    nature: Nature
    lines: tuple[str, ...]
    panics: tuple[Panic, ...]
    signal: Signal | None


def read_ending(snapshot: Snapshot) -> Ending | None:
    """How the process of a dump ended; None where it did not, or where the text does not say."""
    ending = of_message(snapshot.message)
    if ending is None or (ending.nature != "handler" and _is_printed(snapshot)):
        return None
    return ending


def of_message(message: Sequence[str]) -> Ending | None:
    """What a message says."""
    if not message:
        return None
    serving = _SERVING.match(message[0])
    if serving is not None:
        return Ending("handler", (f"panic: {serving['value']}",), (_panic(serving["value"]),), None)
    signal = read_signal(message)
    panics = tuple(_panic(match["value"]) for match in map(_PANIC.match, message) if match)
    lines = [line for line in message if _OF_RUNTIME.match(line)]
    cause = next((line for line in message if _PANIC.match(line) or _OF_RUNTIME.match(line)), message[0])
    if _PANIC.match(cause):
        return Ending("panic", (*_far(signal), f"panic: {panics[0].value}"), panics, signal)
    if any(map(_KILLED.match, message)):
        return Ending("fatal", tuple(lines), (), signal)
    if any(line.startswith("SIGQUIT") for line in lines):
        return Ending("request", tuple(lines), (), signal)
    raised = any(re.match(r"SIG[A-Z0-9]+: |Signal \d|Exception 0x", line) for line in lines)
    return Ending("signal" if raised else "fatal", tuple(lines or message[:1]), panics, signal)


def _far(signal: Signal | None) -> tuple[str, ...]:
    """What debug.SetPanicOnFault hides: the address is no nil pointer's."""
    if signal is None or signal.address is None or signal.address < _NIL_END:
        return ()
    return (f"unexpected fault address {signal.address:#x}",)


def _panic(text: str) -> Panic:
    found = _RECOVERED.match(text)
    return Panic(text) if found is None else Panic(found["value"], recovered=True, again=found["again"] is not None)


def _is_printed(snapshot: Snapshot) -> bool:
    """Whether the goroutine below the message prints its own stack: the panic was recovered, or asked for stacks."""
    if not len(snapshot.table):
        return False
    functions = snapshot.stacks[snapshot.column("stack_id")[0]].functions
    return any(function in _PRINTERS for function in functions[:_NEAR]) or any(map(_DUMPERS.__contains__, functions))
