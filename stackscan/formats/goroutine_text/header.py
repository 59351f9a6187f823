"""Reads what follows a goroutine's id in its header: ``[select, 3 minutes] {job: 7}:``.

Labels and thread addresses differ between goroutines, brackets hardly do. So the three are split first, and only a new
bracket goes through the grammar; an unusual header goes there whole.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Final

from stackscan.formats import bounds
from stackscan.formats.goroutine_text import grammar
from stackscan.formats.goroutine_text.grammar import Header

INNER: Final = " labels:{"
BEHIND: Final = "] {"
#: Behind the bracket: something up to the colon, or a remark behind the colon, or behind a blank.
_REMARK: Final = re.compile(
    r"(?:(?P<before>[^\n]*):|:?(?P<behind>(?:(?<=:)[ \t]|[ \t]+[^\w\s]|[ \t]{2,})[^\n]*)|)", re.DOTALL
)


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
    if has_labels and (not labels.endswith("}:") or INNER in status):
        return None
    if not has_labels and INNER in rest:
        return _read_inner_labels(tail, rest) if not thread else None
    head = _read_whole(f"[{status}]:" if has_labels else f"[{rest}")
    if head is None or (thread and not grammar.terminal("THREAD").fullmatch(f" {thread.rstrip()}")):
        return None
    if thread:
        head = replace(head, thread=thread.rstrip())
    return _with_labels(head, "{" + labels[:-1]) if has_labels else head


def _read_inner_labels(tail: str, status: str) -> Header | None:
    """Go 1.26 prints labels inside the bracket: ``[select labels:{"job": "7"}, 3 minutes]:``."""
    found = _inner_labels().search(status)
    head = _read_whole(f"[{status[: found.start()]}{status[found.end() :]}") if found and found.start() else None
    if found is None or head is None or head.labels is not None or head.attributes is not None:
        return _read_whole(tail)
    return _with_labels(head, found[1])


@cache
def inner_form() -> str:
    """What labels look like inside the bracket, as an expression."""
    quoted = f"(?:{grammar.terminal('QUOTED').pattern})"
    pair = f"{quoted}: {quoted}"
    return f"\\{{{pair}(?:, {pair})*\\}}"


@cache
def _inner_labels() -> re.Pattern[str]:
    return re.compile(f"{INNER[:-1]}({inner_form()})(?=[],])")


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
    for literal in (BEHIND, INNER):
        bracket, has_labels, _ = tail.partition(literal)
        if has_labels:
            return _read_whole(f"{bracket}]:")
    return None


def goroutine_id(line: str) -> int | None:
    """The id in a line that starts like a header, however damaged the rest is."""
    digits = line.removeprefix("goroutine ").partition(" ")[0]
    return int(digits) if digits.isdecimal() and len(digits) <= 20 else None
