"""What names a capture in every table, when it was taken and where."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Final

from stackscan.errors import UsageError
from stackscan.model.capture import Taken
from stackscan.redaction import Redaction
from stackscan.report import CaptureReport
from stackscan.sources.names import first_known, read_moment

_ID_DIGITS: Final = 16
_AT_ONCE: Final = 1 << 16  # goroutines of one count that are written down at once
#: Two dumps of one process differ at least in these columns, each of numbers of so many bits.
_DISTINCTIVE: Final = {"goroutine_id": "Q", "stack_id": "I", "wait_minutes": "I", "creator_id": "Q", "line": "I"}


def override(
    *, captured_at: str | None = None, host: str | None = None, sources: int = 1, redaction: Redaction | None = None
) -> Taken:
    """Time and host from a command line. Raises UsageError for an invalid time, or one time for several sources."""
    moment = None if captured_at is None else read_moment(captured_at)
    if captured_at is not None and moment is None:
        raise UsageError(
            f"{captured_at!r} is not a time with an offset from UTC",
            hint="Write it as 2026-11-24T09:30:00Z or …+01:00.",
        )
    if captured_at is not None and sources > 1:
        raise UsageError("one time for several inputs", hint="Export them one by one, with --partition.")
    taken = Taken(moment, host)
    return taken if redaction is None else redaction.taken(taken)


def taken_of(examined: CaptureReport, override: Taken) -> Taken:
    """When and where a capture was taken; what ``override`` says goes first."""
    return first_known((override, examined.capture.taken))


def identify(examined: CaptureReport, override: Taken) -> str:
    """The snapshot_id: equal for equal bytes, host and time, whatever the file's name, compression and bundle."""
    report, taken = examined.report, taken_of(examined, override)
    fingerprint = examined.capture.fingerprint()
    known = (fingerprint, report.stream, report.position, report.format, taken.captured_at, taken.host)
    return hashlib.blake2b(repr(known).encode(), digest_size=_ID_DIGITS // 2).hexdigest()


def identify_as_before(examined: CaptureReport, override: Taken) -> str:
    """The snapshot_id that releases up to 0.1 gave, by the name of the source; their folders still hold it."""
    report, snapshot = examined.report, examined.capture.snapshot
    digest = hashlib.blake2b(digest_size=_ID_DIGITS // 2)
    taken = taken_of(examined, override)
    where = (report.source, report.member, report.stream, report.position, report.format)
    digest.update(repr((*where, taken.captured_at, taken.host)).encode())
    for name, kind in _DISTINCTIVE.items():
        for part in _expanded(array(kind, (value or 0 for value in snapshot.column(name))), snapshot.counts):
            digest.update(part)
    for stack in snapshot.stacks:
        digest.update(repr(stack.functions).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _expanded(column: array[int], counts: Sequence[int] | None) -> Iterator[bytes]:
    """The values of a column, one a goroutine, in pieces."""
    if counts is None:
        yield column.tobytes()
        return
    for value, count in zip(column, counts, strict=True):
        whole, rest = divmod(count, _AT_ONCE)
        one = array(column.typecode, (value,))
        yield from repeat((one * min(count, _AT_ONCE)).tobytes(), whole)
        yield (one * rest).tobytes()
