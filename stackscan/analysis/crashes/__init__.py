"""Crashes: how a process died, which goroutine did it, and where; and tests that ran out of time."""

from stackscan.analysis.crashes.find import find_crash

__all__ = ["find_crash"]
