"""Profiles with one sample a goroutine: what the labels ``go::goroutine…`` say of it.

Written by CockroachDB's fork of Go at debug=3 (cockroachdb/go, runtime/pprof/pprof.go printCountProfile): the id, the
creator's id and the minutes as numbers, the state as the runtime's text. Others may write texts, and name the creator.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from stackscan.formats.counted import Record
from stackscan.formats.goroutine_text import header
from stackscan.formats.labels import label_text

#: The label that makes a sample one goroutine: its id.
IDENTITY: Final = "go::goroutine"
CREATOR: Final = "go::goroutine_created_by"
STATE: Final = "go::goroutine_state"
MINUTES: Final = "go::goroutine_wait_minutes"
_OURS: Final = frozenset({IDENTITY, CREATOR, STATE, MINUTES})
#: The same as they are written.
OWN: Final = frozenset(key.encode() for key in _OURS)


def with_identity(
    record: Record, texts: Iterable[tuple[str, str]], numbers: Mapping[str, int]
) -> tuple[Record, str | None]:
    """The record with what its labels say, other labels kept as such; and what is wrong with them, if anything."""
    texts = list(texts)
    said: dict[str, str] = {key: text for key, text in texts if key in _OURS}
    said |= {key: str(number) for key, number in numbers.items() if key in _OURS}
    others = [(key, text) for key, text in texts if key not in _OURS]
    others += [(key, str(number)) for key, number in numbers.items() if key not in _OURS]
    record = _with_state(replace(record, labels=label_text(others)), said.get(STATE))
    minutes = _number(said.get(MINUTES), 32)
    if minutes is not None:
        record = replace(record, wait_minutes=minutes)
    goroutine_id = _number(said[IDENTITY], 64)
    if goroutine_id is None:
        return record, "goroutine id is not a 64-bit number"
    if record.count != 1:
        return record, "several goroutines with one id"
    return replace(record, goroutine_id=goroutine_id, creator_id=_number(said.get(CREATOR), 64) or None), None


def creator_of(texts: Iterable[tuple[str, str]]) -> str | None:
    """The function of the ``go`` statement, for writers that name it instead of the creator's id."""
    return next((text for key, text in texts if key == CREATOR and text and _number(text, 64) is None), None)


def _number(text: str | None, bits: int) -> int | None:
    """A decimal number that fits an unsigned column; ids above 2⁶³ are written as negative numbers."""
    digits = (text or "").removeprefix("-")
    if text is None or not (digits.isascii() and digits.isdecimal()) or len(digits) > 20:
        return None
    value = int(text)
    if value < 0 and bits == 64:
        value += 1 << 64
    return value if 0 <= value < 1 << bits else None


def _with_state(record: Record, state: str | None) -> Record:
    """The record with its state, taken apart as the same text in a goroutine header is: ``select (durable)``."""
    if not state:
        return record
    parsed = header.read_tail(f"[{state}]:")
    if parsed is None or parsed.labels is not None:
        return replace(record, wait_reason=state)
    return replace(
        record,
        wait_reason=parsed.wait_reason,
        wait_minutes=parsed.wait_minutes,
        locked=parsed.locked or None,
        leaked=parsed.leaked or record.leaked,
        attributes=parsed.attributes,
    )
