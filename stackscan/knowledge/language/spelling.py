"""Expressions as the rule language spells them: one line, shared names written out."""

from __future__ import annotations

from stackscan.knowledge.language import syntax


def spelt(expression: syntax.Expression) -> str:  # noqa: C901, PLR0911, PLR0912 - one line a kind of expression
    """An expression in the rule language."""
    match expression:
        case syntax.And(parts):
            return " and ".join(_within(part, (syntax.Or,)) for part in parts)
        case syntax.Or(parts):
            return " or ".join(_within(part, ()) for part in parts)
        case syntax.Not(part):
            return f"not {_within(part, (syntax.And, syntax.Or))}"
        case syntax.Chain():
            return f"stack {_chain(expression)}"
        case syntax.Place(where, patterns):
            return f"{where} {spelt_texts(patterns)}"
        case syntax.Owner(packages, receivers):
            named = [("package", packages), ("receiver", receivers)]
            return " ".join(f"{word} {spelt_texts(texts)}" for word, texts in named if texts)
        case syntax.Module(path, constraints):
            return " ".join([f"module {_quoted(path)}", *(f"{sign} {version}" for sign, version in constraints)])
        case syntax.Waiting(reasons, exact):
            return f"{'state' if exact else 'waiting'} {spelt_texts(reasons)}"
        case syntax.Minutes(sign, number):
            return f"minutes {sign} {number}"
        case syntax.Label(key, sign, value):
            return f"label {_quoted(key)}" + (f" {sign} {_quoted(value)}" if sign else "")
        case syntax.Flag(name):
            return name
        case syntax.Cause(texts):
            return f"cause {spelt_texts(texts)}"
        case syntax.Count(sign, number, percent, group):
            return f"count {sign} {number}{' %' if percent else ''}" + (f" by {group}" if group else "")
        case syntax.Creator(inner):
            return f"creator ({spelt(inner)})"
        case syntax.Shares(inner):
            return f"shares pointer with ({spelt(inner)})"


def _within(part: syntax.Expression, wider: tuple[type, ...]) -> str:
    return f"({spelt(part)})" if isinstance(part, wider) else spelt(part)


def _chain(chain: syntax.Chain) -> str:
    text = ""
    for place, patterns in enumerate(chain.elements):
        link = "" if not place else " > " if chain.adjacent[place - 1] else " .. "
        mark = "@" if chain.marked and place == chain.deciding else ""
        text += f"{link}{mark}{spelt_texts(patterns)}"
    return text


def spelt_texts(texts: syntax.Texts) -> str:
    """One text in quotes, or several as alternatives."""
    quoted = [_quoted(text) for text in texts]
    return quoted[0] if len(quoted) == 1 else f"({' | '.join(quoted)})"


def _quoted(text: str) -> str:
    return next(f"{mark}{text}{mark}" for mark in "\"'`" if mark not in text or mark == "`")
