"""Causes that the tool which printed a text concludes itself: races, leaks, deadlocks."""

from stackscan.analysis.conclusions.find import concluded

__all__ = ["concluded"]
