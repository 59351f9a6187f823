"""Reads what follows a goroutine's id in its header: ``[select, 3 minutes] {job: 7}:``.

Labels and thread addresses differ between goroutines, brackets hardly do. So the three are split first, and only a new
bracket goes through the grammar; an unusual header goes there whole.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Final

import polars as pl

from stackscan.formats import bounds
from stackscan.formats.goroutine_text import grammar
from stackscan.formats.goroutine_text.grammar import Header
from stackscan.sources import limits

_INNER: Final = " labels:{"
_BEHIND: Final = "] {"
#: Behind the bracket: something up to the colon, or a remark behind the colon, or behind a blank.
_REMARK: Final = re.compile(
    r"(?:(?P<before>[^\n]*):|:?(?P<behind>(?:(?<=:)[ \t]|[ \t]+[^\w\s]|[ \t]{2,})[^\n]*)|)", re.DOTALL
)
_NO_TEXT: Final = pl.lit(None, dtype=pl.String)


def read_tail(tail: str) -> Header | None:
    """The header without ``goroutine ID ``; None when the grammar does not accept it."""
    return _read_by_parts(tail) or _read_whole(tail) or _read_bracket(tail)


def _read_whole(tail: str) -> Header | None:
    parsed = grammar.read_header(f"goroutine 0 {tail}")
    return parsed[1] if parsed else None


def _read_bracket(tail: str) -> Header | None:
    """The header where only the bracket can be read: the text around it becomes an attribute, also a remark of a
    person behind it (``[select]: the holder``, ``[select]  <-- stuck``)."""
    before, opened, rest = tail.partition("[")
    status, closed, after = rest.partition("]")
    remark = _REMARK.fullmatch(after) if opened and closed else None
    head = _read_whole(f"[{status}]:") if remark else None
    if head is None or remark is None:
        return None
    other = (head.attributes, before.strip(), (remark["before"] or remark["behind"] or "").strip())
    return replace(head, attributes=", ".join(part for part in other if part) or None)


def _read_by_parts(tail: str) -> Header | None:
    thread, bracket, rest = tail.partition("[")
    if not bracket:
        return None
    status, has_labels, labels = rest.partition("] {")
    if has_labels and (not labels.endswith("}:") or _INNER in status):
        return None
    if not has_labels and _INNER in rest:
        return _read_inner_labels(tail, rest) if not thread else None
    head = _read_whole(f"[{status}]:" if has_labels else f"[{rest}")
    if head is None or (thread and not grammar.terminal("THREAD").fullmatch(f" {thread.rstrip()}")):
        return None
    if thread:
        head = replace(head, thread=thread.rstrip())
    return _with_labels(head, "{" + labels[:-1]) if has_labels else head


def split_labels(tails: pl.Series) -> pl.DataFrame:
    """``[select, 3 minutes] {job: 7}:`` → bracket ``[select, 3 minutes]:`` and labels ``{job: 7}``, for many at once.

    Null where a header has no labels, is not that simple, or has more labels than the limit.
    """
    table = tails.to_frame("tail").with_columns(bracket=_NO_TEXT, labels=_NO_TEXT)
    for literal, split in ((_BEHIND, _with_labels_behind), (_INNER, _with_inner_labels)):
        if tails.str.contains(literal, literal=True).any():
            table = split(table)
    short = pl.col("labels").str.len_bytes() <= limits.MAX_LABEL_BYTES
    return table.select(bracket=pl.when(short).then("bracket"), labels=pl.when(short).then("labels"))


def _with_labels_behind(table: pl.DataFrame) -> pl.DataFrame:
    """With the labels that Go 1.27 prints behind the bracket."""
    before, behind = _halves("tail", _BEHIND)
    table = table.with_columns(before=before, behind=behind)
    ends = pl.col("behind").str.ends_with("}:")
    return table.select(
        "tail",
        bracket=pl.when(ends).then(pl.col("before") + "]:"),
        labels=pl.when(ends).then("{" + pl.col("behind").str.strip_suffix(":")),
    )


def _with_inner_labels(table: pl.DataFrame) -> pl.DataFrame:
    """With the labels that Go 1.26 prints inside the bracket: ``[select labels:{"job": "7"}, 3 minutes]:``.

    They are cut out at literals, then checked by the grammar's pattern, which is cheaper than a search for it. The
    pattern matches in one way only, so a full match is what the search would have found.
    """
    before, inside = _halves("tail", f'{_INNER}"')
    labels, behind = _halves("inside", '"}')
    table = table.with_columns(before=before, inside=inside)
    table = table.with_columns(behind=behind, inner=pl.lit('{"') + labels + '"}')
    proven = (
        pl.col("before").str.contains(r"^\[[^\]{]+$")
        & pl.col("behind").str.contains("^[],]")
        & pl.col("inner").str.contains(f"(?s)^{_inner_form()}$")
    )
    return table.with_columns(proven=proven).select(
        bracket=pl.when("proven").then(pl.col("before") + pl.col("behind")).otherwise("bracket"),
        labels=pl.when("proven").then("inner").otherwise("labels"),
    )


def _halves(column: str, literal: str) -> tuple[pl.Expr, pl.Expr]:
    """The text before and behind the first ``literal``; the second is null where there is none."""
    parts = pl.col(column).str.splitn(literal, 2).struct
    return parts.field("field_0"), parts.field("field_1")


def _read_inner_labels(tail: str, status: str) -> Header | None:
    """Go 1.26 prints labels inside the bracket: ``[select labels:{"job": "7"}, 3 minutes]:``."""
    found = _inner_labels().search(status)
    head = _read_whole(f"[{status[: found.start()]}{status[found.end() :]}") if found and found.start() else None
    if found is None or head is None or head.labels is not None or head.attributes is not None:
        return _read_whole(tail)
    return _with_labels(head, found[1])


@cache
def _inner_form() -> str:
    quoted = f"(?:{grammar.terminal('QUOTED').pattern})"
    pair = f"{quoted}: {quoted}"
    return f"\\{{{pair}(?:, {pair})*\\}}"


@cache
def _inner_labels() -> re.Pattern[str]:
    return re.compile(f"{_INNER[:-1]}({_inner_form()})(?=[],])")


def _with_labels(head: Header, labels: str) -> Header:
    """The header with labels; several times as fast as dataclasses.replace, for one may come with each goroutine."""
    return Header(head.wait_reason, head.wait_minutes, head.locked, head.leaked, head.attributes, head.thread, labels)


def read_readable(tail: str) -> tuple[Header, str | None]:
    """The header as far as it can be read, and what had to be left out."""
    found = read_tail(tail)
    if found is None and (cut := _without_cut_labels(tail)) is not None:
        return cut, "labels without an end; skipped"
    if found is None:
        return Header(None), "goroutine header is damaged; its state is unknown"
    if bounds.are_long(found.labels):
        return replace(found, labels=None), bounds.long_labels(len(found.labels or ""))
    return found, None


def _without_cut_labels(tail: str) -> Header | None:
    """The header without labels that are cut where the line was too long."""
    for literal in (_BEHIND, _INNER):
        bracket, has_labels, _ = tail.partition(literal)
        if has_labels:
            return _read_whole(f"{bracket}]:")
    return None


def goroutine_id(line: str) -> int | None:
    """The id in a line that starts like a header, however damaged the rest is."""
    digits = line.removeprefix("goroutine ").partition(" ")[0]
    return int(digits) if digits.isdecimal() and len(digits) <= 20 else None
