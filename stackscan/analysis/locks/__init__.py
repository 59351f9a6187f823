"""Who waits for which lock, who may hold it, and who waits for whom in a circle. Suspicions, ranked: a dump never says
which goroutine holds a lock (docs/locks.md)."""

from stackscan.analysis.locks.find import find_locks
from stackscan.analysis.locks.model import Asker, Candidate, Cycle, Evidence, Kind, Lock, Locks, Step

__all__ = ["Asker", "Candidate", "Cycle", "Evidence", "Kind", "Lock", "Locks", "Step", "find_locks"]
