"""The places of a mutex or block profile that a person should see."""

from __future__ import annotations

from typing import Final

from stackscan.formats.contention import ContentionProfile, ContentionRecord
from stackscan.report.folding import deciding_frame
from stackscan.report.model import ContendedStack, ContentionReport
from stackscan.snapshot import Stack

_SHOWN: Final = 5


def contention_report(member: str, profile: ContentionProfile) -> ContentionReport:
    """The report of one profile: its records with most waiting, and the sum over all."""
    seconds = [delay for record in profile.records if (delay := profile.delay_seconds(record)) is not None]
    worst = sorted(profile.records, key=lambda record: -record.cycles)[:_SHOWN]
    stacks = tuple(_stack(profile, record) for record in worst if record.frames)
    return ContentionReport(member, profile.kind, sum(seconds) if seconds else None, stacks)


def _stack(profile: ContentionProfile, record: ContentionRecord) -> ContendedStack:
    frame = record.frames[deciding_frame(Stack(record.frames))]
    return ContendedStack(profile.delay_seconds(record), record.count, frame, record.frames[-1].function)
