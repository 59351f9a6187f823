"""Where the statements of a function jump to: loops, switches, labels."""

from __future__ import annotations

from dataclasses import dataclass, field

from stackscan.golang.state import State, join


@dataclass(eq=False, slots=True)
class Target:
    """A statement that break leaves, or a loop (``repeats``) that continue goes on with, and the states of those that
    did."""

    label: str
    repeats: bool
    left: list[State] = field(default_factory=list)
    again: list[State] = field(default_factory=list)


class Jumps:
    """The statements around a point, and the states with which goto goes to labels."""

    def __init__(self) -> None:
        self._around: list[Target] = []
        self._label = ""
        self.gotos: dict[str, State] = {}

    def name(self, label: str) -> None:
        """The label of the statement that comes next."""
        self._label = label

    def enter(self, *, repeats: bool) -> Target:
        """A statement begins that break leaves."""
        target = Target(self._label, repeats)
        self._label = ""
        self._around.append(target)
        return target

    def leave(self) -> None:
        """It ends."""
        self._around.pop()

    def jump(self, kind: str, label: str, state: State) -> None:
        """A break, continue or goto."""
        if kind == "goto_statement":
            self.gotos[label] = join(self.gotos.get(label), state) or state
            return
        again = kind == "continue_statement"
        fitting = (one for one in reversed(self._around) if (one.repeats or not again) and label in ("", one.label))
        target = next(fitting, None)
        if target is not None:
            (target.again if again else target.left).append(state)


def joined(state: State | None, others: list[State]) -> State | None:
    """Several ways that meet."""
    for other in others:
        state = join(state, other)
    return state
