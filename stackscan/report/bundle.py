"""What is worth showing of a bundle: its members, how two views of one process agree, where goroutines waited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stackscan.formats.symbol import deciding_frame
from stackscan.model.snapshot import Stack
from stackscan.report.model import BundleReport, ContendedStack, ContentionReport, ViewsReport

if TYPE_CHECKING:
    from stackscan.formats.contended import ContentionProfile, ContentionRecord
    from stackscan.formats.contents import Contents

_SHOWN: Final = 5


def build_bundle(contents: Contents) -> BundleReport:
    """The report of a bundle as a whole; its captures have reports of their own."""
    from stackscan.analysis import agreement

    views = (
        ViewsReport(
            first.place.member or "", second.place.member or "", agreement.compare(first.snapshot, second.snapshot)
        )
        for first, second in contents.views
    )
    contention = (_contention(member, profile) for member, profile in contents.contention)
    return BundleReport(contents.source, contents.version, contents.entries, tuple(views), tuple(contention))


def _contention(member: str, profile: ContentionProfile) -> ContentionReport:
    """One mutex or block profile: its records with most waiting, and the sum over all."""
    seconds = [delay for record in profile.records if (delay := profile.delay_seconds(record)) is not None]
    worst = sorted(profile.records, key=lambda record: -record.cycles)[:_SHOWN]
    stacks = tuple(_stack(profile, record) for record in worst if record.frames)
    return ContentionReport(member, profile.kind, sum(seconds) if seconds else None, stacks)


def _stack(profile: ContentionProfile, record: ContentionRecord) -> ContendedStack:
    frame = record.frames[deciding_frame(Stack(record.frames))]
    return ContendedStack(profile.delay_seconds(record), record.count, frame, record.frames[-1].function)
