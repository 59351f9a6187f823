"""What is wrong with one lock, before faults of a kind are put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from stackscan.analysis.causes.model import Name
from stackscan.analysis.causes.waiting import Waiting
from stackscan.analysis.finding import Confidence


class Told(NamedTuple):
    """A fault in words: why it is believed, the title, what each goroutine of its chain does, and what all others do
    that wait for the lock."""

    argument: str
    title: str
    does: tuple[str, ...]
    behind: str


@dataclass(slots=True, eq=False)
class Fault:
    """What is wrong with one lock: ``chain`` are the goroutines that matter, the culprit first. ``tell`` puts it in
    words: of ten thousand alike only the first is told. ``deadlock``: none of them can ever go on."""

    name: Name
    confidence: Confidence
    chain: tuple[Waiting, ...]
    tell: Callable[[], Told]
    deadlock: bool = False
