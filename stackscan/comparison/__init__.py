"""Compares captures in time order: what is new, gone, grown, and who stayed."""

from stackscan.comparison.build import Dated, compare, worth_comparing
from stackscan.comparison.matrix import BLOCKED
from stackscan.comparison.model import (
    BucketChange,
    CaptureSummary,
    Change,
    Comparison,
    Course,
    Matrix,
    StandingChange,
    Stayed,
)

__all__ = [
    "BLOCKED",
    "BucketChange",
    "CaptureSummary",
    "Change",
    "Comparison",
    "Course",
    "Dated",
    "Matrix",
    "StandingChange",
    "Stayed",
    "compare",
    "worth_comparing",
]
