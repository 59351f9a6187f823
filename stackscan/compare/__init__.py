"""Compares captures in time order: what is new, gone, grown, and who stayed."""

from stackscan.compare.build import MEANT, Taken, compare, worth_comparing
from stackscan.compare.model import (
    BucketChange,
    Capture,
    Change,
    Comparison,
    FindingChange,
    PoolChange,
    StandingChange,
    Stayed,
)
from stackscan.compare.times import captured_at, interval

__all__ = [
    "MEANT",
    "BucketChange",
    "Capture",
    "Change",
    "Comparison",
    "FindingChange",
    "PoolChange",
    "StandingChange",
    "Stayed",
    "Taken",
    "captured_at",
    "compare",
    "interval",
    "worth_comparing",
]
