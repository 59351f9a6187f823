"""Accepts one SELECT over our tables, by its tree; everything else is refused.

sqlglot parses. The statement that runs is rebuilt from sqlglot's tokens, without comments and with strings quoted anew,
so that polars cannot read it in another way.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlglot import Token, TokenType, exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import SqlglotError

from stackscan.errors import UsageError
from stackscan.export.sql.functions import not_allowed
from stackscan.export.tables.schema import TABLES

#: polars takes down the process from 500 to 1,000 terms on (``a || a || …``, UNION): it goes through them recursively.
_DEEPEST: Final = 250
#: Brackets inside each other, and signs before one value. polars itself refuses 50.
_NESTED: Final = 48
_MOST_TOKENS: Final = 20_000
_LONGEST: Final = 1 << 20  # characters
_OPENING: Final = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE}
_CLOSING: Final = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END}
_BEGINNING: Final = {TokenType.SELECT, TokenType.WITH, TokenType.FROM, TokenType.VALUES, TokenType.L_PAREN}
_SIGNS: Final = {TokenType.NOT, TokenType.DASH, TokenType.PLUS, TokenType.TILDE}
#: Any token but strings and quoted names: nothing that begins a string, a name or a comment.
_BARE: Final = re.compile(r"[\w\s.]+|[^\w'\"`\\$#]{1,4}")
_COMMENT: Final = re.compile(r"--|/\*|\*/")
_NAME: Final = re.compile(r"\w+")
_QUOTES: Final = ("'", '"')
_READS: Final = re.compile(r"(?:read|scan)_\w+", re.IGNORECASE)  # for a clearer message
#: Nodes that may stand where a table is expected.
_SOURCES: Final = (exp.Table, exp.Subquery, exp.Select, exp.SetOperation, exp.Values, exp.Unnest, exp.Paren)
_SELECTS: Final = (exp.Select, exp.SetOperation, exp.Subquery, exp.Values)
#: The hint for a query that fails.
HINT: Final = (
    f"A query is one SELECT over the tables {', '.join(sorted(TABLES))}. It cannot read files or change data; "
    "docs/columns.md lists the columns."
)


class _Dialect(DuckDB):
    """The dialect of sqlglot that is nearest to polars', with its other way to quote names."""

    class Tokenizer(DuckDB.Tokenizer):
        IDENTIFIERS = ['"', "`"]  # noqa: RUF012 - as sqlglot's own dialects say it


@dataclass(frozen=True, slots=True)
class Statement:
    """One SELECT: its text for polars, and the tables that it names, in alphabetical order."""

    text: str
    tables: tuple[str, ...]


def understood(sql: str, tables: Collection[str]) -> Statement:
    """The statement in a text. Raises UsageError when it is no single SELECT over ``tables``."""
    try:
        tokens = _tokens(sql)
        tree = _tree(tokens, sql)
        return Statement(_text(tokens, sql), tuple(sorted(_tables(tree, tables))))
    except SqlglotError as error:
        raise _refused(f"not understood: {_first_line(error)}") from None
    except RecursionError:
        raise _refused("it is nested too deeply") from None


def _refused(why: str) -> UsageError:
    return UsageError(f"the query failed: {why}", hint=HINT)


def _first_line(error: SqlglotError) -> str:
    line = str(error).partition("\n")[0]
    return re.sub(r"\x1b\[\d*m", "", line).strip().rstrip(".") or type(error).__name__


def _tokens(sql: str) -> list[Token]:
    """The tokens, few enough and not too nested for a parser that recurses."""
    if len(sql) > _LONGEST:
        raise _refused(f"it is longer than {_LONGEST:,} characters")
    tokens = list(_Dialect().tokenize(sql))
    while tokens and tokens[-1].token_type is TokenType.SEMICOLON:
        tokens.pop()
    if not tokens:
        raise _refused("it is empty")
    if len(tokens) > _MOST_TOKENS:
        raise _refused(f"it has {len(tokens):,} words and signs; the limit is {_MOST_TOKENS:,}")
    depth = signs = 0
    for token in tokens:
        kind = token.token_type
        if kind is TokenType.SEMICOLON:
            raise _refused("it has several statements (a semicolon inside)")
        depth += (kind in _OPENING) - (kind in _CLOSING and depth > 0)
        signs = signs + 1 if kind in _SIGNS else 0
        if max(depth, signs) > _NESTED:
            raise _refused(f"it is nested more than {_NESTED} levels deep")
    return tokens


def _text(tokens: Sequence[Token], sql: str) -> str:
    """The tokens as SQL, a space wherever something stood between them."""
    parts: list[str] = []
    end = 0
    for token in tokens:
        part = _spelt(token, sql[token.start : token.end + 1])
        needs_space = part[0] in _QUOTES and parts and _NAME.fullmatch(parts[-1][-1])  # b'…', r'…' are read otherwise
        if token.start > end or needs_space:
            parts.append(" ")
        parts.append(part)
        end = token.end + 1
    return "".join(parts)


def _spelt(token: Token, source: str) -> str:
    kind, text = token.token_type, token.text
    if kind in {TokenType.STRING, TokenType.HEREDOC_STRING}:
        return "'" + text.replace("'", "''") + "'"
    if kind is TokenType.IDENTIFIER:
        return '"' + text.replace('"', '""') + '"'
    if not _BARE.fullmatch(source) or _COMMENT.search(source):
        raise _refused(f"not understood: {source[:40]!r}")
    return source


def _tree(tokens: list[Token], sql: str) -> exp.Expr:
    if tokens[0].token_type not in _BEGINNING:
        first = tokens[0].text.partition(" ")[0].upper()[:30]
        raise _refused(f"{first} is not a query, and captures cannot be changed: use SELECT")
    before = None
    for token in tokens:
        if token.token_type is TokenType.L_PAREN and before is not None and _READS.fullmatch(before.text):
            raise _refused(f"{before.text} reads files; a query can read only stackscan's tables")
        before = token
    found = _Dialect().parser().parse(tokens, sql)
    if len(found) != 1 or found[0] is None:
        raise _refused("it is not a single statement")
    columned = {alias.name.casefold() for alias in found[0].find_all(exp.TableAlias) if alias.columns}
    if wrong := not_allowed(tokens, columned):
        raise _refused(wrong)
    return found[0]


def _tables(tree: exp.Expr, tables: Collection[str]) -> set[str]:
    """The tables that a statement names. Raises UsageError for all that is not of one SELECT over them."""
    if not isinstance(tree, _SELECTS):
        raise _refused(f"{_kind(tree)} is not a query: use SELECT")
    known = {name.casefold(): name for name in tables}
    nodes = list(_walk(tree))
    parts = {node.alias.casefold() for node in nodes if isinstance(node, exp.CTE)}
    named = set()
    for node in nodes:
        if isinstance(node, exp.Table):
            name = _name(node)
            if name.casefold() in known:
                named.add(known[name.casefold()])
            elif name.casefold() not in parts:
                near = difflib.get_close_matches(name.casefold(), [*known, *parts], n=1)
                suggestion = f" Did you mean {near[0]!r}?" if near else ""
                raise _refused(f"there is no table {name!r}.{suggestion}".rstrip("."))
    return named


def _walk(tree: exp.Expr) -> Iterator[exp.Expr]:
    """Every node of the statement, each one allowed. Raises UsageError."""
    waiting = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        if depth > _DEEPEST:
            raise _refused(f"it is more than {_DEEPEST} operators deep; IN (…) takes long lists")
        _look_at(node)
        yield node
        waiting += [(child, depth + 1) for child in node.iter_expressions()]


def _look_at(node: exp.Expr) -> None:
    if isinstance(node, exp.Command | exp.DDL | exp.DML | exp.Into | exp.Lock) and not isinstance(node, _SELECTS):
        raise _refused(f"{_kind(node)} is not part of a query: use SELECT")
    if isinstance(node, exp.From | exp.Join) and not isinstance(node.this, _SOURCES):
        raise _refused(f"{_shown(node.this)} is not a table: a query can read only stackscan's tables")
    if isinstance(node, exp.CTE):
        if not isinstance(node.this, _SELECTS):
            raise _refused("WITH takes a SELECT")
        if not _NAME.fullmatch(node.alias):
            raise _refused(f"{node.alias!r} is not a name for a part of a query")
    if isinstance(node, exp.Lateral | exp.TableFromRows):
        raise _refused(f"{_kind(node)} is not supported")


def _name(table: exp.Table) -> str:
    """A table's name. Raises UsageError for a function, a file, or a table of another database."""
    if not isinstance(table.this, exp.Identifier) or table.args.get("db") or table.args.get("catalog"):
        raise _refused(f"{_shown(table)} is not a table of stackscan")
    return table.name


def _kind(node: exp.Expr) -> str:
    return type(node).__name__.upper()


def _shown(node: object) -> str:
    text = node.sql(dialect=_Dialect) if isinstance(node, exp.Expr) else str(node)
    return text if len(text) <= 60 else text[:59] + "…"
