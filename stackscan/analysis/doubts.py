"""Why a dump in which nothing was found may still not be fine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Final

from stackscan.analysis.causes.scene import Scene
from stackscan.model.capture import Capture
from stackscan.model.counting import is_counted
from stackscan.model.snapshot import Snapshot

#: Words around the stacks that say that something went wrong: how each begins, and the whole of it.
_ALARMS: Final = (b"panic:", b"fatal error:", b"FAIL", b"deadlock", b"leak")
#: Formats of the runtime itself. A complete report of a tool has notes on what it does not say, and no damage.
_DUMPS: Final = ("goroutine-text", "goroutine-counts", "goroutine-pprof")
#: States of a goroutine that waits for a lock.
_LOCKS: Final = ("sync.Mutex.Lock", "sync.RWMutex.Lock", "sync.RWMutex.RLock")
#: How much of a line is looked at.
_LONGEST: Final = 400
#: How much of a file is looked through for words, at either end.
_MOST: Final = 256 << 10


def doubts(capture: Capture, scene: Scene) -> tuple[str, ...]:
    """What speaks against the conclusion that all is well, each a clause; nothing that names something private."""
    snapshot = capture.snapshot
    has_places_only = bool(snapshot.stacks) and all(
        stack.elided is None and len(stack.frames) < 2 for stack in snapshot.stacks
    )
    found = []
    if not snapshot.complete:
        found.append("goroutines or frames are missing")
    elif has_places_only:
        found.append("the goroutines have a place each and no stack")
    elif snapshot.problems and snapshot.format in _DUMPS:
        found.append("the text is damaged")
    if not scene.is_whole:
        written = snapshot.format == "quoted-stacks"
        found.append(
            f"this is an excerpt{', as a person wrote it' if written else ': the main goroutine is not in it'}"
        )
    lost = 0 if has_places_only or all(stack.frames for stack in snapshot.stacks) else _without_frames(scene)
    if lost:
        found.append(f"{lost:,} {'goroutine has' if lost == 1 else 'goroutines have'} no frames")
    blind = _blind_waits(snapshot)
    if blind:
        waits = "goroutine waits" if blind == 1 else "goroutines wait"
        found.append(f"{blind:,} {waits} for a lock, and this format does not show which")
    words = _alarms(capture.content) if snapshot.format in ("goroutine-text", "quoted-stacks") else ()
    if words:
        found.append(f"the text around the stacks says {' and '.join(map(repr, words))}")
    return tuple(found)


def _without_frames(scene: Scene) -> int:
    """How many goroutines that do not run have no frames."""
    return scene.count(row for wait in scene.waits if not wait.frames and not wait.moving for row in wait.rows)


def _blind_waits(snapshot: Snapshot) -> int:
    """How many goroutines wait for locks in a list that has neither arguments nor long waits: nobody can tell whether
    they wait for each other."""
    if snapshot.format in _DUMPS or is_counted(snapshot.format):
        return 0
    reasons = snapshot.column("wait_reason")
    return sum(map(reasons.count, _LOCKS))


@lru_cache(maxsize=1)  # a file may hold thousands of dumps
def _alarms(content: bytes) -> tuple[str, ...]:
    """The words outside the stacks that say that something went wrong, each once."""
    return _seen(content) if len(content) <= 2 * _MOST else _seen(content[:_MOST] + b"\n" + content[-_MOST:])


def _seen(text: bytes) -> tuple[str, ...]:
    """The same of a text that is looked through as a whole."""
    begins = {text.rfind(b"\n", 0, at) + 1 for word in _ALARMS for at in _places(text, word)}
    if not begins:
        return ()
    alarm, words, dump = _patterns()
    found: dict[bytes, None] = {}
    for begin in sorted(begins):
        end = text.find(b"\n", begin)
        line = text[begin : end if end >= 0 else len(text)]
        if alarm.search(line) and not dump.match(line[:_LONGEST]):
            found.update(dict.fromkeys(words.findall(line[:_LONGEST])))
    return tuple(word.decode() for word in found)


def _places(text: bytes, word: bytes) -> Iterator[int]:
    """Where a word begins, once a line."""
    at = text.find(word)
    while at >= 0:
        yield at
        end = text.find(b"\n", at)
        at = text.find(word, end) if end >= 0 else -1


@cache
def _patterns() -> tuple[re.Pattern[bytes], re.Pattern[bytes], re.Pattern[bytes]]:
    """Words that say that something went wrong, the same without what stands behind them, and lines of a dump itself:
    a frame with its arguments, a location, a header."""
    return (
        re.compile(rb"\bpanic:|\bfatal error:|\bFAIL\b|\bdeadlock\b|\bleak(?:ed|s)?\b(?![.(])"),
        re.compile(rb"\bpanic\b|\bfatal error\b|\bFAIL\b|\bdeadlock\b|\bleak(?:ed|s)?\b"),
        re.compile(rb"^\s*(?:[^\s()]+(?:\([^\s]*\))?[^\s]*\(.*\)$|.*\.(?:go|s|c):\d+|goroutine \d+|created by |#\t)"),
    )
