"""What is wrong with one lock, before faults of a kind are put together."""

from __future__ import annotations

from dataclasses import dataclass

from stackscan.analysis.causes.model import Name
from stackscan.analysis.causes.waiting import Waiting
from stackscan.analysis.finding import Confidence


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one lock: ``chain`` are the goroutines that matter, the culprit first, each with what it
    ``does``; ``behind`` is what all others do that wait for the lock. ``deadlock``: none of them can ever go on."""

    name: Name
    confidence: Confidence
    argument: str
    title: str
    chain: tuple[Waiting, ...]
    does: tuple[str, ...]
    behind: str
    deadlock: bool = False
