"""The one door to the grammar of the rule language: a text becomes an expression, or an error with its column."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from stackscan.errors import ExpressionError
from stackscan.formats.grammars import parser
from stackscan.knowledge.descriptions import did_you_mean
from stackscan.knowledge.language import names, reasons, syntax
from stackscan.model.versions import read_version

if TYPE_CHECKING:
    from lark import Lark, Token
    from lark.exceptions import UnexpectedInput

#: What the terminals are to a reader, in the order in which they are listed.
_WORDS: Final = {
    "STRING": "a string in quotes",
    "NAME": "a shared name ($name)",
    "LPAR": "(",
    "RPAR": ")",
    "VBAR": "|",
    "MARK": "@",
    "GAP": "..",
    "CALLED_BY": ">",
    "COMPARISON": "a comparison (>=, >, =, <, <=, !=)",
    "NUMBER": "a whole number",
    "VERSION": "a version (0.36 or v1.2.3)",
    "PERCENT": "%",
    "$END": "the end",
}
_KEYWORD_SETS: Final = (
    ({"STACK", "WAITING", "NOT"}, "a condition (stack, innermost, root, created by, waiting, count, not, …)"),
    ({"INSTANCE", "PARENT"}, "creator, stack, place, instance, root or parent"),
)
_WORD: Final = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|[$\w-]+|\S")
_LONGEST: Final = 20_000  # characters
_LONGEST_WORD: Final = 30
_LARGEST: Final = 10**12  # more than any process has of anything


class _PlacedError(Exception):
    """Something at a place (0-based index) of the expression."""

    def __init__(self, at: int, what: str) -> None:
        super().__init__(what)
        self.at = at
        self.what = what


def parse(text: str, *, where: str) -> syntax.Expression:
    """The expression that a text says. Raises ExpressionError naming ``where``, the line and the column."""
    try:
        return _parse(text)
    except _PlacedError as wrong:
        raise ExpressionError(wrong.what, where=where, text=text, at=wrong.at) from None


@lru_cache(maxsize=4096)
def _parse(text: str) -> syntax.Expression:
    from lark.exceptions import UnexpectedInput, VisitError

    if not text.strip():
        raise _PlacedError(0, f"an empty expression; expected {_KEYWORD_SETS[0][1]}")
    if len(text) > _LONGEST:
        raise _PlacedError(_LONGEST, f"longer than {_LONGEST:,} characters")
    try:
        return cast("syntax.Expression", _transformer().transform(_parser().parse(text)))
    except VisitError as error:
        if isinstance(error.orig_exc, _PlacedError):
            raise error.orig_exc from None
        raise
    except UnexpectedInput as error:
        raise _unexpected(text, error) from None
    except RecursionError:
        raise _PlacedError(0, "brackets are nested too deeply") from None


def _unexpected(text: str, error: UnexpectedInput) -> _PlacedError:
    """What was expected at a place, and what stands there."""
    at: int | None = error.pos_in_stream  # lark says int, and gives None as well
    if at is None or at < 0 or getattr(getattr(error, "token", None), "type", "") == "$END":
        at = len(text)
    found = _WORD.match(text, at)
    if found is None:
        return _PlacedError(len(text.rstrip()), f"expected {_expected(_allowed(text))}, found the end")
    word = found[0][:_LONGEST_WORD]
    if word in "\"'`" and word not in text[at + 1 :].partition("\n")[0]:
        return _PlacedError(at, f"expected the closing {word} of this string on the same line")
    allowed = _allowed(text)
    near = did_you_mean(word.lower(), _keywords(allowed))
    return _PlacedError(at, f"expected {_expected(allowed)}, found {word!r}{near}")


def _allowed(text: str) -> set[str]:
    """The terminals that could stand where the parser stopped."""
    from lark.exceptions import UnexpectedInput

    parser: Any = _parser().parse_interactive(text)  # lark leaves these functions without types
    allowed = parser.accepts()
    with suppress(UnexpectedInput):
        for token in parser.lexer_thread.lex(parser.parser_state):
            parser.feed_token(token)
            allowed = parser.accepts()
    return set(allowed)


def _expected(allowed: set[str]) -> str:
    expected = []
    for keywords, words in _KEYWORD_SETS:
        if keywords <= allowed:
            expected.append(words)
            allowed = set()
    texts = "STRING" in allowed
    expected += [
        words for name, words in _WORDS.items() if name in allowed and not (texts and name in ("LPAR", "NAME"))
    ]
    expected += [repr(word) for word in sorted(_keywords(allowed))]
    return expected[0] if len(expected) == 1 else f"{', '.join(expected[:-1])} or {expected[-1]}"


def _keywords(allowed: Iterable[str]) -> list[str]:
    return [name.lower() for name in allowed if name.isalpha() and name not in _WORDS]


@cache
def _parser() -> Lark:
    return parser("rule", start="either", maybe_placeholders=False)


@cache
def _transformer() -> Any:  # Lark's class, made when Lark is loaded
    from lark import Transformer, v_args

    class Built(Transformer[Any, syntax.Expression]):
        """Makes syntax of trees; texts come as (text, place) so that what is wrong in them can be pointed at."""

        either = v_args()(lambda _, parts: _joined(syntax.Or, parts))
        both = v_args()(lambda _, parts: _joined(syntax.And, parts))

        def __getattr__(self, name: str) -> Callable[[list[Any]], Any]:
            builder = _BUILDERS.get(name)
            if builder is None:
                raise AttributeError(name)
            return builder

    return Built()


def _joined(kind: type[syntax.And | syntax.Or], children: list[Any]) -> syntax.Expression:
    """And or Or over parts, nested ones of the same kind taken in."""
    flat: list[syntax.Expression] = []
    for part in _trees(children):
        flat += part.parts if isinstance(part, kind) else (part,)
    return kind(tuple(flat))


def _trees(children: list[Any]) -> list[Any]:
    """What is no token."""
    return [child for child in children if not _is_token(child)]


def _is_token(child: Any) -> bool:
    return hasattr(child, "type") and hasattr(child, "start_pos")


def _text(token: Token) -> str:
    """A quoted text without its quotes."""
    text = str(token)[1:-1]
    if not text.strip():
        raise _PlacedError(token.start_pos or 0, "expected a string in quotes, found an empty one")
    return text


def _texts(children: list[Token]) -> tuple[syntax.Texts, int]:
    """Alternatives, shared names replaced by what they stand for, and where they begin."""
    found: list[str] = []
    for token in children:
        if token.type == "STRING":
            found.append(_text(token))
        elif token.type == "NAME":
            found += names.shared().patterns.get(str(token)[1:]) or _unknown(token, names.shared().patterns)
    starts = [token.start_pos or 0 for token in children if token.type in ("STRING", "NAME")]
    return tuple(dict.fromkeys(found)), starts[0]


def _unknown(token: Token, known: Iterable[str]) -> NoReturn:
    near = did_you_mean(str(token), (f"${name}" for name in known))
    raise _PlacedError(token.start_pos or 0, f"unknown shared name: {str(token)!r}{near}")


def _named(children: list[Token]) -> syntax.Expression:
    expressions = names.shared().expressions
    return _parse(expressions.get(str(children[0])[1:]) or _unknown(children[0], expressions))


def _chain(children: list[Any]) -> syntax.Chain:
    links = [str(child.children[0]) for child in children if hasattr(child, "data")]
    elements = [child for child in children[1:] if not hasattr(child, "data")]
    marked = [place for place, (_, mark) in enumerate(elements) if mark]
    if len(marked) > 1:
        raise _PlacedError(children[0].start_pos or 0, "only one frame of a stack can decide: one @")
    texts = tuple(texts for texts, _ in elements)
    return syntax.Chain(texts, tuple(link == ">" for link in links), marked[0] if marked else 0, bool(marked))


def _place(where: str) -> Callable[[list[Any]], syntax.Place]:
    return lambda children: syntax.Place(cast("Any", where), children[-1][0], children[-1][1])


def _owner(children: list[Any]) -> syntax.Owner:
    kinds = {str(word): texts[0] for word, texts in zip(children[::2], children[1::2], strict=True)}
    return syntax.Owner(kinds.get("package", ()), kinds.get("receiver", ()))


def _module(children: list[Any]) -> syntax.Module:
    _, path, *rest = children
    for bound in rest[1::2]:
        if read_version(str(bound)) is None:
            raise _PlacedError(bound.start_pos, "expected a version, like 0.36 or v1.2.3")
    constraints = tuple((cast("syntax.Comparison", str(a)), str(b)) for a, b in zip(rest[::2], rest[1::2], strict=True))
    return syntax.Module(_text(path), constraints)


def _waiting(children: list[Any], *, exact: bool) -> syntax.Waiting:
    texts, at = children[1]
    for text in texts:
        unknown = reasons.unknown(text)
        if unknown is not None:
            raise _PlacedError(at, unknown)
    return syntax.Waiting(texts, exact)


def _number(token: Token) -> int:
    digits = token.lstrip("0") or "0"
    if len(digits) >= len(str(_LARGEST)):
        raise _PlacedError(token.start_pos or 0, f"expected a whole number below {_LARGEST:,}")
    return int(digits)


def _label(children: list[Any]) -> syntax.Label:
    _, key, *rest = children
    if not rest:
        return syntax.Label(_text(key))
    if str(rest[0]) not in ("=", "!="):
        raise _PlacedError(rest[0].start_pos, "labels are strings: expected = or !=")
    return syntax.Label(_text(key), cast("syntax.Comparison", str(rest[0])), str(rest[1])[1:-1])


def _count(children: list[Any]) -> syntax.Count:
    by = next((str(child.children[0]) for child in children if hasattr(child, "data")), None)
    percent = any(_is_token(child) and child.type == "PERCENT" for child in children)
    return syntax.Count(
        cast("syntax.Comparison", str(children[1])), _number(children[2]), percent, cast("syntax.Group | None", by)
    )


def _negation(children: list[Any]) -> syntax.Expression:
    part = children[-1]
    return part.part if isinstance(part, syntax.Not) else syntax.Not(part)


_BUILDERS: Final[dict[str, Callable[[list[Any]], Any]]] = {
    "negation": _negation,
    "named": _named,
    "texts": _texts,
    "element": lambda children: (children[-1][0], len(children) > 1),
    "chain": _chain,
    "innermost": _place("innermost"),
    "root": _place("root"),
    "created_by": _place("created by"),
    "package": _owner,
    "receiver": _owner,
    "module": _module,
    "waiting": lambda children: _waiting(children, exact=False),
    "state": lambda children: _waiting(children, exact=True),
    "minutes": lambda children: syntax.Minutes(cast("syntax.Comparison", str(children[1])), _number(children[2])),
    "label": _label,
    "locked": lambda _: syntax.Flag("locked"),
    "leaked": lambda _: syntax.Flag("leaked"),
    "cause": lambda children: syntax.Cause(children[1][0]),
    "count": _count,
    "creator": lambda children: syntax.Creator(_trees(children)[0]),
    "shares": lambda children: syntax.Shares(_trees(children)[0]),
}
