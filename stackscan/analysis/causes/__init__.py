"""Root causes: who waits for whom, argued from one dump."""

from stackscan.analysis.causes.find import find_causes

__all__ = ["find_causes"]
