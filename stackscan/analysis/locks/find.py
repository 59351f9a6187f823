"""From a snapshot to its locks."""

from __future__ import annotations

from stackscan.analysis.locks.model import Locks
from stackscan.analysis.locks.sites import NOT_WAITING, shows_site, site_of
from stackscan.model.snapshot import Snapshot


def find_locks(snapshot: Snapshot) -> Locks:
    """The locks that goroutines of a snapshot wait for, most waiters first, with candidates.

    Formats without arguments show that goroutines wait, not for which lock.
    """
    perhaps = [number for number, stack in enumerate(snapshot.stacks) if shows_site(stack)]
    sites = {number: site for number in perhaps if (site := site_of(snapshot.stacks[number])) is not None}
    if not sites:
        return Locks()
    reasons = snapshot.column("wait_reason")
    waiting = [
        row
        for row, stack in enumerate(snapshot.column("stack_id"))
        if stack in sites and reasons[row] not in NOT_WAITING
    ]
    if not waiting:
        return Locks()
    if snapshot.read_arguments is None:
        count = snapshot.count(waiting)
        return Locks(waiters=count, unknown=count)
    from stackscan.analysis.locks.search import search  # what is loaded where somebody waits

    return search(snapshot, sites, waiting)
