"""The processes that a command is given, and how often each is asked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stackscan.errors import UsageError

if TYPE_CHECKING:
    from stackscan.live.target import Target

_USUAL_SECONDS: Final = 10.0
#: Bounds of the interval, in seconds.
_LEAST_SECONDS: Final = 0.1
_MOST_SECONDS: Final = 86_400.0
#: Unless --timeout says otherwise, a request may take as long as the interval, but not less and not more than this.
_LEAST_TIMEOUT: Final = 2.0
_MOST_TIMEOUT: Final = 10.0
_MOST_LIST_BYTES: Final = 1 << 20


def interval_seconds(given: timedelta | None) -> float:
    """The interval. Raises UsageError for one that is out of bounds."""
    found = _USUAL_SECONDS if given is None else given.total_seconds()
    if not _LEAST_SECONDS <= found <= _MOST_SECONDS:
        raise UsageError(f"an interval of {found:g} s is out of bounds", hint="It may be from 100ms to 24h.")
    return found


def targets(given: Iterable[str], timeout: float | None, every: float) -> list[Target]:
    """The processes to watch, each once: addresses, and ``@FILE`` for those of a file.

    ``every`` is the interval. Raises UsageError for what is no address of a process, and for too many.
    """
    from stackscan.live.target import Target
    from stackscan.live.watch import MOST_TARGETS
    from stackscan.sources import Source

    limit = min(max(every, _LEAST_TIMEOUT), _MOST_TIMEOUT) if timeout is None else timeout
    found: dict[str, Target] = {}
    for source in given:
        text = Source(source).with_secrets()
        for each in _listed(Path(text[1:])) if text.startswith("@") else [text]:
            target = Target.parse(each, limit)
            found.setdefault(target.given.with_secrets(), target)
    if not found:
        raise UsageError("no process to watch: the list is empty", hint="Write one address a line.")
    if len(found) > MOST_TARGETS:
        raise UsageError(
            f"{len(found):,} processes are too many for one watcher", hint=f"Start several, each for {MOST_TARGETS:,}."
        )
    return list(found.values())


def _listed(path: Path) -> list[str]:
    """The addresses in a file: one a line, without comments (#)."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_LIST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}", hint="Give @FILE with one address a line.") from None
    if len(data) > _MOST_LIST_BYTES:
        raise UsageError(f"{path}: more than {_MOST_LIST_BYTES >> 20} MiB, too large for a list of addresses")
    lines = (line.strip() for line in data.decode("utf-8", "replace").splitlines())
    return [line.split(" #")[0].strip() for line in lines if line and not line.startswith("#")]
