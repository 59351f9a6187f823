"""What a pprof profile counts, by the names of its sample types: the kinds that Go writes, and others."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

_TEXT: Final = "curl -o goroutines.stacks 'http://HOST:PORT/debug/pprof/goroutine?debug=2'"
GOROUTINES: Final = "goroutine profile"
#: A sample type of the kind → what people call it. The first that fits names the profile.
_KINDS: Final = (
    (frozenset({"goroutine", "goroutines", "goroutineleak"}), GOROUTINES),
    (frozenset({"threadcreate"}), "threadcreate profile"),
    (frozenset({"contentions", "delay"}), "mutex or block profile"),
    (frozenset({"inuse_space", "inuse_objects", "alloc_space", "alloc_objects", "space", "objects"}), "heap profile"),
    (frozenset({"cpu"}), "CPU profile"),
    (frozenset({"wall"}), "wall-clock profile"),
)


def kind_of(types: Collection[str]) -> str:
    """``{"cpu", "samples"}`` → ``"CPU profile"``."""
    return next((name for keys, name in _KINDS if keys & set(types)), "profile of another kind")


def hint_of(kind: str) -> str:
    """What to do with a profile of a kind that is no goroutine profile."""
    if kind == "mutex or block profile":
        return f"Read it together with a dump of the process: put both in one folder, and give that. {_take()}"
    return _take()


def _take() -> str:
    return f"Take the goroutines: {_TEXT}"


def named(types: Iterable[tuple[str, str]]) -> str:
    """``cpu/nanoseconds, samples/count``: the sample types as pprof writes them."""
    return ", ".join("/".join(filter(None, each)) for each in types)
