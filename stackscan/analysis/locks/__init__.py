"""Who waits for which lock, who may hold it, and who waits for whom in a circle (docs/locks.md). A dump does not show
which goroutine holds a lock: candidates are ranked."""

from stackscan.analysis.locks.find import find_locks
from stackscan.analysis.locks.model import Asker, Candidate, Cycle, Evidence, Kind, Lock, Locks, Step

__all__ = ["Asker", "Candidate", "Cycle", "Evidence", "Kind", "Lock", "Locks", "Step", "find_locks"]
