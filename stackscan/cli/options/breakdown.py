"""What ``report --by`` accepts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from stackscan.errors import UsageError

if TYPE_CHECKING:
    from stackscan.redaction import Redaction
    from stackscan.render.pieces import Piece


def check_by(by: str, output: str, redaction: Redaction | None) -> None:
    """Raise UsageError for what is no key, for labels that a redaction drops, and for outputs that have no place for
    it."""
    from stackscan.analysis.breakdown import check_key, is_label

    check_key(by)
    if redaction is not None and is_label(by):
        raise UsageError(
            f"--by {by}: --redact drops all labels",
            hint="Leave --redact out, or count by module or created_at.",
        )
    if output == "openmetrics":
        raise UsageError(f"--by {by}: --format {output} does not show it", hint="Use text, json, markdown or html.")


def with_label(pieces: Iterable[Piece], by: str) -> Iterator[Piece]:
    """The pieces. Raises UsageError at their end when no input has a goroutine with the label to count by."""
    missing: set[str] = set()
    found = False
    for piece in pieces:
        found = found or piece.labels is None
        missing.update(piece.labels or ())
        yield piece
    if not found:
        from stackscan.render.breakdown_words import labels

        listed = labels(tuple(sorted(missing)))
        raise UsageError(f"--by {by}: no goroutine has this label; {listed}", hint=_hint(missing))


def _hint(labels: Iterable[str]) -> str:
    few = next(iter(sorted(labels)), None)
    if few is None:
        return "Label goroutines with pprof.Do, or count by module or created_at."
    return f"Count by one of these, such as --by label:{few[:60]}, or by module or created_at."
