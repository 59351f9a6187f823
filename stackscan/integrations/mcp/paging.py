"""Pages: as many claims as fit into an answer, and a cursor for the rest.

A cursor is a place in one answer: it holds what was asked, a hash of the content that was asked about, and a number. So
the server keeps nothing of a client, and a file that changed between two pages is noticed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from stackscan.errors import UsageError
from stackscan.integrations.mcp.captures import Loaded
from stackscan.integrations.mcp.claims import Claim
from stackscan.integrations.mcp.losses import losses_of, snapshot_values
from stackscan.integrations.mcp.quoting import LONGEST, escaped

#: Bytes of an answer, text and structured content together, as they are sent.
DEFAULT_LIMIT: Final = 4_000
LEAST_LIMIT: Final = 3_000
MOST_LIMIT: Final = 200_000
#: Of these, what names, brackets and a cursor around the claims take.
_AROUND: Final = 220
#: Ways to shorten a claim that does not fit on a page: characters of a text, and whether all values stay.
_SHORTER: Final = ((LONGEST, True), (100, True), (100, False), (40, False))


@dataclass(frozen=True, slots=True)
class Found:
    """What a tool found: a sentence or two, the claims, and what they rest on."""

    summary: str
    claims: Sequence[Claim]
    loaded: Sequence[Loaded] = ()
    version: str = ""  # of what is paged, where that is no source


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it is sent."""

    text: str
    values: dict[str, Any]


def page(found: Found, asked: Sequence[object], *, cursor: str | None, limit: int) -> Page:
    """The page of an answer at a cursor (None: the first). ``asked`` is the tool and its arguments.

    Raises UsageError for a cursor that is damaged, of another question, or of content that has changed.
    """
    key, version = _hash(json.dumps(asked, default=str)), _version(found)
    first = 0 if cursor is None else _place(cursor, key, version, len(found.claims))
    losses, snapshots = losses_of(found.loaded), snapshot_values(found.loaded)
    values: dict[str, Any] = {
        "summary": _head(found.summary),
        "losses": losses,
        "snapshots": snapshots[:3],
        "snapshots_total": len(snapshots),
        "claims": [],
        "first": first,
        "total": len(found.claims),
        "next_cursor": None,
    }
    text = [values["summary"], f"Losses: {' '.join(losses) or 'none, the input was read as a whole.'}"]
    room = limit - _AROUND - _size(values, "\n".join(text))
    for claim in found.claims[first:]:
        fitting = next(((v, line) for v, line in _forms(claim) if _size(v, line) <= room), None)
        if fitting is None:
            break
        if values["claims"] and fitting[0].get("shortened"):
            break  # it comes whole on the next page
        values["claims"].append(fitting[0])
        text.append(fitting[1])
        room -= _size(*fitting) + 4
    end = first + len(values["claims"])
    if end < len(found.claims):
        values["next_cursor"] = _cursor(key, version, end)
        text.append(
            f"({end - first:,} of {len(found.claims):,} claims from number {first:,}; next_cursor has the rest.)"
        )
    return Page("\n".join(text), values)


def _head(summary: str) -> str:
    """The summary in a few hundred bytes."""
    told = escaped(summary, 2 * LONGEST)
    return told if len(told.encode()) <= 3 * LONGEST else escaped(summary, LONGEST // 2)


def _forms(claim: Claim) -> Iterator[tuple[dict[str, Any], str]]:
    """A claim and its line, ever shorter."""
    for at, (most, whole) in enumerate(_SHORTER):
        values = claim.values(most, whole=whole)
        yield (values | {"shortened": True} if at else values), claim.line(most, whole=whole)


def _size(values: object, text: str) -> int:
    """Bytes of both as they are sent."""
    return sum(len(json.dumps(each, ensure_ascii=False).encode()) for each in (values, text))


def _version(found: Found) -> str:
    return _hash("\n".join([found.version, *(one.version for one in found.loaded)]))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _cursor(key: str, version: str, place: int) -> str:
    body = f"{key}.{version}.{place}"
    return base64.urlsafe_b64encode(f"{body}.{_hash(body)}".encode()).decode().rstrip("=")


def _place(cursor: str, key: str, version: str, total: int) -> int:
    """The number in a cursor."""
    hint = "Leave `cursor` out for the first page; a cursor is only good with the arguments that it came from."
    try:
        body, _, check = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii").rpartition(".")
    except (binascii.Error, ValueError):
        body = check = ""
    parts = body.split(".")
    if len(parts) != 3 or _hash(body) != check or not parts[2].isdecimal():
        raise UsageError("the cursor is damaged", hint=hint)
    if parts[0] != key:
        raise UsageError("the cursor belongs to another question", hint=hint)
    if parts[1] != version:
        raise UsageError("the source changed since the page before", hint="Ask again without `cursor`.")
    if int(parts[2]) >= total:
        raise UsageError("the cursor is behind the last claim", hint=hint)
    return int(parts[2])
