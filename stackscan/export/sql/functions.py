"""What may stand before a bracket in a query: polars' functions as of release 2.1, and words of SQL.

A list of what is allowed, so that a function that a later polars brings (one that reads a file, say) is refused until
somebody has looked at it.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Collection, Sequence
from typing import Final

from sqlglot import Token, TokenType

FUNCTIONS: Final = frozenset(
    """
    bit_and bitand bit_count bitcount bit_not bitnot bit_or bitor bit_xor bitxor xor
    abs ceil ceiling div exp floor ln log log10 log1p log2 mod pi pow power round sign sqrt cbrt truncate trunc
    greatest least
    acos acosd asin asind atan atand atan2 atan2d cos cosd cot cotd degrees radians sin sind tan tand
    date date_part extract strftime strptime timestamp datetime date_trunc now current_date current_time
    current_timestamp
    bit_length char_length character_length concat concat_ws ends_with initcap left length lower lpad ltrim normalize
    octet_length position regexp_like regexp_replace replace reverse right rpad rtrim split_part starts_with
    string_to_array strpos substr substring trim upper
    cast coalesce if ifnull nullif try_cast
    array_agg avg corr count covar covar_pop covar_samp cume_dist dense_rank first first_value group_concat lag last
    last_value lead listagg max median min nth_value ntile percent_rank quantile_cont quantile_disc rank row_number
    stddev stddev_samp stdev stdev_samp string_agg sum var var_samp variance
    array_contains array_get array_length array_lower array_mean array_reverse array_sum array_to_string array_unique
    array_upper columns struct unnest
    """.split()
)
#: Words of SQL before a bracket, and types that take one.
_WORDS: Final = frozenset(
    """
    all and any array as between by case cube distinct else except exclude exists filter from group having ilike in
    intersect interval is join like limit materialized name not offset on or over qualify recursive rename rlike rollup
    select sets similar then to union using values when where with within
    char decimal float numeric text varchar
    """.split()
)


_LITERALS: Final = (TokenType.STRING, TokenType.NUMBER)


def not_allowed(tokens: Sequence[Token], columned: Collection[str]) -> str:
    """What is wrong with the first word before a bracket that is neither a function, nor a word of SQL, nor one of
    ``columned`` (names of tables and of parts that list their columns) in its place; nothing when each is."""
    for place, (token, bracket) in enumerate(itertools.pairwise(tokens)):
        if bracket.token_type is not TokenType.L_PAREN or not _is_unknown(token):
            continue
        if token.text.casefold() not in columned or not _names_columns(tokens, place):
            near = difflib.get_close_matches(token.text.casefold(), FUNCTIONS, n=1)
            return f"{token.text}(…) is not a function of queries" + (f". Did you mean {near[0]}?" if near else "")
    return ""


def _is_unknown(token: Token) -> bool:
    """Whether it may be called, and is not on the lists; in quotes nothing is."""
    if token.token_type is TokenType.IDENTIFIER:
        return True
    words = token.text.casefold().split()
    is_name = token.token_type not in _LITERALS and bool(words) and words[-1].replace("_", "a").isalnum()
    return is_name and words[-1] not in _WORDS | FUNCTIONS


def _names_columns(tokens: Sequence[Token], place: int) -> bool:
    """Whether a name is followed by its columns, where no function can stand: ``AS v(x, y)``, ``WITH v(x) AS (…)``."""
    if place and tokens[place - 1].token_type is TokenType.ALIAS:
        return True
    kinds = [token.token_type for token in tokens[place + 1 :]]
    after = kinds.index(TokenType.R_PAREN) + 1 if TokenType.R_PAREN in kinds else len(kinds)
    return kinds[after : after + 2] == [TokenType.ALIAS, TokenType.L_PAREN]
