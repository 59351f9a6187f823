"""Expressions as the rule language spells them: one line, shared names written out."""

from __future__ import annotations

from stackscan.knowledge.language.syntax import (
    And,
    Cause,
    Chain,
    Count,
    Creator,
    Expression,
    Flag,
    Label,
    Minutes,
    Module,
    Not,
    Or,
    Owner,
    Place,
    Shares,
    Texts,
    Waiting,
)


def spelt(expression: Expression) -> str:  # noqa: C901, PLR0911, PLR0912 - one line a kind of expression
    """An expression in the rule language."""
    match expression:
        case And(parts):
            return " and ".join(_within(part, (Or,)) for part in parts)
        case Or(parts):
            return " or ".join(_within(part, ()) for part in parts)
        case Not(part):
            return f"not {_within(part, (And, Or))}"
        case Chain():
            return f"stack {_chain(expression)}"
        case Place(where, patterns):
            return f"{where} {_texts(patterns)}"
        case Owner(packages, receivers):
            named = [("package", packages), ("receiver", receivers)]
            return " ".join(f"{word} {_texts(texts)}" for word, texts in named if texts)
        case Module(path, constraints):
            return " ".join([f"module {_quoted(path)}", *(f"{sign} {version}" for sign, version in constraints)])
        case Waiting(reasons, exact):
            return f"{'state' if exact else 'waiting'} {_texts(reasons)}"
        case Minutes(sign, number):
            return f"minutes {sign} {number}"
        case Label(key, sign, value):
            return f"label {_quoted(key)}" + (f" {sign} {_quoted(value)}" if sign else "")
        case Flag(name):
            return name
        case Cause(texts):
            return f"cause {_texts(texts)}"
        case Count(sign, number, percent, group):
            return f"count {sign} {number}{' %' if percent else ''}" + (f" by {group}" if group else "")
        case Creator(inner):
            return f"creator ({spelt(inner)})"
        case Shares(inner):
            return f"shares pointer with ({spelt(inner)})"


def element(texts: Texts) -> str:
    """A frame of a chain: its pattern, or its alternatives."""
    return _texts(texts)


def _within(part: Expression, wider: tuple[type, ...]) -> str:
    return f"({spelt(part)})" if isinstance(part, wider) else spelt(part)


def _chain(chain: Chain) -> str:
    text = ""
    for place, patterns in enumerate(chain.elements):
        link = "" if not place else " > " if chain.adjacent[place - 1] else " .. "
        mark = "@" if chain.marked and place == chain.deciding else ""
        text += f"{link}{mark}{_texts(patterns)}"
    return text


def _texts(texts: Texts) -> str:
    quoted = [_quoted(text) for text in texts]
    return quoted[0] if len(quoted) == 1 else f"({' | '.join(quoted)})"


def _quoted(text: str) -> str:
    return next(f"{mark}{text}{mark}" for mark in "\"'`" if mark not in text or mark == "`")
