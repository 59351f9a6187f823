"""Everything that a reporter may show, and nothing else: built once, frozen, sorted, versioned when serialised."""

from stackscan.report.build import Place, View, build_snapshot, modules
from stackscan.report.contention import contention_report
from stackscan.report.model import (
    BundleReport,
    ContentionReport,
    Fold,
    FrameReport,
    MemberReport,
    Report,
    Selection,
    SnapshotReport,
    StackReport,
    Verdict,
    ViewsReport,
    second_views,
)
from stackscan.report.serialise import SCHEMA_VERSION, as_json
from stackscan.report.verdict import singular
from stackscan.report.waiting import cycle_text, worth_showing

__all__ = [
    "SCHEMA_VERSION",
    "BundleReport",
    "ContentionReport",
    "Fold",
    "FrameReport",
    "MemberReport",
    "Place",
    "Report",
    "Selection",
    "SnapshotReport",
    "StackReport",
    "Verdict",
    "View",
    "ViewsReport",
    "as_json",
    "build_snapshot",
    "contention_report",
    "cycle_text",
    "modules",
    "second_views",
    "singular",
    "worth_showing",
]
