"""Root causes: who waits for whom, argued from one dump."""

from stackscan.analysis.causes.find import find_causes
from stackscan.analysis.causes.scene import Scene

__all__ = ["Scene", "find_causes"]
