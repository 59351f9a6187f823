"""Everything that a reporter may show, and nothing else: built once, frozen, sorted, versioned when serialised."""

from stackscan.report.build import build_snapshot
from stackscan.report.model import Fold, FrameReport, Report, SnapshotReport, StackReport, Verdict
from stackscan.report.serialise import SCHEMA_VERSION, as_json

__all__ = [
    "SCHEMA_VERSION",
    "Fold",
    "FrameReport",
    "Report",
    "SnapshotReport",
    "StackReport",
    "Verdict",
    "as_json",
    "build_snapshot",
]
