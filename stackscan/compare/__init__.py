"""Compares captures in time order: what is new, gone, grown, and who stayed."""

from stackscan.compare.build import Dated, compare, worth_comparing
from stackscan.compare.model import BucketChange, CaptureSummary, Change, Comparison, StandingChange, Stayed

__all__ = [
    "BucketChange",
    "CaptureSummary",
    "Change",
    "Comparison",
    "Dated",
    "StandingChange",
    "Stayed",
    "compare",
    "worth_comparing",
]
