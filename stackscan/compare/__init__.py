"""Compares captures in time order: what is new, gone, grown, and who stayed."""

from stackscan.compare.build import MEANT, Dated, compare, worth_comparing
from stackscan.compare.model import (
    BucketChange,
    CaptureSummary,
    Change,
    Comparison,
    FindingChange,
    PoolChange,
    StandingChange,
    Stayed,
)

__all__ = [
    "MEANT",
    "BucketChange",
    "CaptureSummary",
    "Change",
    "Comparison",
    "Dated",
    "FindingChange",
    "PoolChange",
    "StandingChange",
    "Stayed",
    "compare",
    "worth_comparing",
]
