"""Everything that a reporter may show, and nothing else: built once, frozen, sorted, versioned when serialised."""

from stackscan.report.build import View, build_snapshot
from stackscan.report.locks import cycle_text, without_cause, worth_showing
from stackscan.report.model import (
    BundleReport,
    CaptureReport,
    ContentionReport,
    Fold,
    FrameReport,
    Report,
    SnapshotReport,
    StackReport,
    Verdict,
    ViewsReport,
    second_views,
)
from stackscan.report.serialise import SCHEMA_VERSION, as_json, pools_json
from stackscan.report.verdict import singular

__all__ = [
    "SCHEMA_VERSION",
    "BundleReport",
    "CaptureReport",
    "ContentionReport",
    "Fold",
    "FrameReport",
    "Report",
    "SnapshotReport",
    "StackReport",
    "Verdict",
    "View",
    "ViewsReport",
    "as_json",
    "build_snapshot",
    "cycle_text",
    "pools_json",
    "second_views",
    "singular",
    "without_cause",
    "worth_showing",
]
