"""What a waiting line needs to go on: that somebody does one of some things with an object of a class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from stackscan.golang.program import Program
from stackscan.golang.reading import Reading
from stackscan.golang.timers import is_stopped_here, stops_of, timer_of, why_silent
from stackscan.golang.tree import Node, field, text
from stackscan.golang.unit import Deed, Site, Unit, deferred_call
from stackscan.golang.values import FOREIGN, Key, Origin

_SERVES_RECEIVE: Final[tuple[Deed, ...]] = ("send", "close")
_SERVES_SEND: Final[tuple[Deed, ...]] = ("receive",)
_SERVES_COND: Final[tuple[Deed, ...]] = ("signal", "broadcast")
#: What comes when it comes: a worker may wait for it as long as the process lives.
_AWAITED: Final[frozenset[Deed]] = frozenset({"send", "call", "signal"})


@dataclass(frozen=True, slots=True)
class Want:
    """One way to go on: a deed with an object of a class. ``expression`` is what the code calls the object."""

    key: Key
    deeds: tuple[Deed, ...]
    expression: str


@dataclass(frozen=True, eq=False)
class Need:
    """What a line waits for: any of its ``wants``; none: nobody can ever serve it.

    ``does`` says it behind "waits" (``to send to `results```). ``family`` are the functions whose variables its objects
    are (None: they lie in structs, or where others may find them), ``makers`` those that declare them; ``made`` are the
    places where they are made. ``receives``: it waits for a value, a close or a cancel; ``in_loop``: as a worker does;
    ``never`` says why nobody can ever serve it; that is so only if
    one of ``stops`` has run, where there are some. ``contexts`` are those at hand.
    """

    package: str
    program: Program
    unit: Unit
    does: str
    wants: tuple[Want, ...]
    family: frozenset[str] | None
    makers: frozenset[str]
    made: tuple[Origin, ...]
    receives: bool
    in_loop: bool
    never: str = ""
    stops: tuple[Site, ...] = ()
    contexts: tuple[str, ...] = ()

    def sites(self) -> list[Site]:
        """The places that serve it."""
        find = self.program.classes.find
        keys = {(find(want.key), deed) for want in self.wants for deed in want.deeds}
        return [
            site for unit in self.program.units.values() for site in unit.sites if (find(site.key), site.deed) in keys
        ]

    def wild_sites(self) -> list[Site]:
        """The places that may serve it, for nothing tells what they are about."""
        deeds = {deed for want in self.wants for deed in want.deeds}
        every = (site for unit in self.program.units.values() for site in unit.sites)
        return [site for site in every if site.deed in deeds and self.program.is_wild(site)]


def need_of(reading: Reading, program: Program, reasons: frozenset[str]) -> Need | None:
    """What the line of a goroutine waits for; None where it is not known, or comes from outside: a timer, a context
    with a deadline, a channel that code of others may serve."""
    unit = program.units.get(reading.function.node.id)
    if unit is None:
        return None
    return _Finder(reading, program, unit).need(reasons)


class _Finder:
    def __init__(self, reading: Reading, program: Program, unit: Unit) -> None:
        self._reading = reading
        self._program = program
        self._unit = unit
        self._value = program.values(unit)

    def need(self, reasons: frozenset[str]) -> Need | None:
        nodes = [event.node for event in self._reading.events]
        deferred = deferred_call(self._unit, "Wait", nodes)
        nodes = nodes if deferred is None else [deferred]
        ids = {node.id for node in nodes}
        nodes = [node for node in nodes if getattr(field(node, "right"), "id", None) not in ids]  # the same, inside
        if any("select" in reason for reason in reasons):
            nodes = [node for node in nodes if node.type == "select_statement"]
            return self._select(nodes[0]) if len(nodes) == 1 else None
        if "chan receive (nil chan)" in reasons:
            found = [need for node in nodes if (need := self._nil(node)) is not None]
            return found[0] if len(found) == 1 else None
        for reason, find in (
            ("chan send", self._send),
            ("chan receive", self._receive),
            ("sync.WaitGroup.Wait", self._wait),
            ("sync.Cond.Wait", self._wait),
        ):
            if reason in reasons:
                found = [need for node in nodes if (need := find(node)) is not None]
                return found[0] if len(found) == 1 else None
        return None

    def _of(self, node: Node, does: str, wants: Sequence[Want], *, never: str = "") -> Need | None:
        keys = [want.key for want in wants]
        if any(self._program.escapes(key) for key in keys):
            return None
        family = self._program.family(keys) if keys else None
        return Need(
            package=self._reading.package,
            program=self._program,
            unit=self._unit,
            does=does,
            wants=tuple(wants),
            family=None if family is None else family[0],
            makers=frozenset() if family is None else family[1],
            made=tuple(origin for key in keys for origin in self._program.classes.facts(key).made),
            contexts=tuple(_contexts(self._unit)),
            receives=all(not _AWAITED.isdisjoint(want.deeds) for want in wants),
            in_loop=in_endless_loop(node),
            never=never,
        )

    def _send(self, node: Node) -> Need | None:
        channel = field(node, "channel") if node.type == "send_statement" else None
        wants = None if channel is None else self._wants(channel, _SERVES_SEND)
        return None if wants is None else self._of(node, f"to send to `{_short(channel)}`", wants)

    def _receive(self, node: Node) -> Need | None:
        channel = field(node, "right" if node.type == "range_clause" else "operand")
        if node.type == "receive_statement":
            channel = field(field(node, "right"), "operand")
        if channel is None or node.type not in ("unary_expression", "range_clause", "receive_statement"):
            return None
        if is_stopped_here(node, channel):
            return self._of(node, f"to receive from `{_short(channel)}`", (), never="a stopped timer sends nothing")
        timer = timer_of(channel, self._program, self._unit)
        if timer is not None:
            return self._timed(node, channel, timer)
        wants = self._wants(channel, _SERVES_RECEIVE)
        return None if wants is None else self._of(node, f"to receive from `{_short(channel)}`", wants)

    def _timed(self, node: Node, channel: Node, timer: Key) -> Need | None:
        """A receive from a timer: it goes on by itself, unless nothing comes any more."""
        why = why_silent(node, channel, timer, self._program)
        stops = [] if why else stops_of(timer, self._program)
        if not why and not stops:
            return None
        found = self._of(node, f"to receive from `{_short(channel)}`", (), never=why or "its timer is stopped")
        return None if found is None else replace(found, stops=tuple(stops))

    def _nil(self, node: Node) -> Need | None:
        """A receive from a nil channel. The Done of a context that nothing ends is one, on purpose."""
        channel = field(node, "right" if node.type == "range_clause" else "operand")
        if channel is None or _last_name(channel) == "Done":
            return None
        return self._of(node, f"to receive from `{_short(channel)}`", (), never="a nil channel is never ready")

    def _select(self, node: Node) -> Need | None:
        """All cases of a select: any of them wakes it."""
        wants: list[Want] = []
        for case in node.named_children:
            if case.type == "comment":
                continue
            chosen = field(case, "communication")
            if case.type != "communication_case" or chosen is None:
                return None
            sends = chosen.type == "send_statement"
            received = field(chosen, "right") or next(iter(chosen.named_children), None)
            channel = field(chosen, "channel") if sends else field(received, "operand")
            more = None if channel is None else self._wants(channel, _SERVES_SEND if sends else _SERVES_RECEIVE)
            if more is None:
                return None
            wants += more
        if not wants:
            return None  # select {} waits for ever on purpose
        names = " or ".join(dict.fromkeys(f"`{want.expression}`" for want in wants))
        return self._of(node, f"in a select between {names}" if len(wants) > 1 else f"in a select on {names}", wants)

    def _wait(self, node: Node) -> Need | None:
        """``wg.Wait()`` and ``cond.Wait()``."""
        callee = field(node, "function") if node.type == "call_expression" else None
        operand = field(callee, "operand")
        if operand is None or text(field(callee, "field")) != "Wait":
            return None
        kind = self._unit.names.type_of(operand).bare.name
        key = self._value(operand)
        if key is None or key == FOREIGN or kind not in ("sync.WaitGroup", "sync.Cond"):
            return None
        deeds: tuple[Deed, ...] = ("done",) if kind == "sync.WaitGroup" else _SERVES_COND
        does = f"for `{_short(operand)}`" if kind == "sync.WaitGroup" else f"to be signalled by `{_short(operand)}`"
        return self._of(node, does, (Want(key, deeds, _short(operand)),))

    def _wants(self, channel: Node, deeds: tuple[Deed, ...]) -> list[Want] | None:
        """The ways in which a channel may be served; None: it comes from outside."""
        key = self._value(channel)
        if key is None or key == FOREIGN:
            return None
        facts = self._program.classes.facts(key)
        if facts.done_of and not facts.made:
            contexts = [self._cancels(context) for context in facts.done_of]
            if any(one is None for one in contexts):
                return None
            keys = [cancel for one in contexts for cancel in one or ()]
            return [Want(cancel, ("call",), _short(channel)) for cancel in keys]
        return [Want(key, deeds, _short(channel))] if facts.made else None

    def _cancels(self, context: Key, seen: frozenset[Key] = frozenset()) -> list[Key] | None:
        """The functions that cancel a context or one of those it was made from; None: others may end it, or a clock."""
        root = self._program.classes.find(context)
        facts = self._program.classes.facts(root)
        if not facts.contexts or facts.escapes:
            return None
        found: list[Key] = []
        for derived in facts.contexts:
            if derived.timed or (derived.cancel is not None and derived.parent is None):
                return None
            if derived.cancel is not None:
                found.append(derived.cancel)
            if derived.parent is not None and self._program.classes.find(derived.parent) not in {root, *seen}:
                more = self._cancels(derived.parent, seen | {root})
                if more is None:
                    return None
                found += more
        return found


def _contexts(unit: Unit) -> Iterator[str]:
    """The contexts that a function is given, or those that it is written in."""
    for each in unit.around:
        yield from (name for name, kind in each.function.parameters if kind.name == "context.Context")


def _last_name(node: Node) -> str:
    """The method that a call calls."""
    return text(field(field(node, "function"), "field"))


def _short(node: Node | None) -> str:
    """An expression on one line, of bearable length."""
    line = " ".join(text(node).split())
    return line if len(line) <= 60 else line[:57] + "..."


def in_endless_loop(node: Node) -> bool:
    """Whether a line is in a loop that never ends by itself, like that of a worker; ranging over the channel is one."""
    if node.type == "range_clause":
        return True
    at: Node | None = node
    while at is not None and at.type not in ("func_literal", "function_declaration", "method_declaration"):
        if at.type == "for_statement" and all(part.type in ("block", "comment") for part in at.named_children):
            return True
        at = at.parent
    return False
