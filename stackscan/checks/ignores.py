"""Ignores: take what is known and accepted off a finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from stackscan.checks.limits import wait_message
from stackscan.checks.model import CheckFinding, IgnoreUse
from stackscan.checks.policy import Ignore
from stackscan.report import StackReport


class Ignores:
    """The ignores of a policy on one day; counts which are used."""

    def __init__(self, ignores: Iterable[Ignore], *, today: date) -> None:
        self._ignores = tuple(ignores)
        self._today = today
        self._used: Counter[int] = Counter()

    def applied(self, finding: CheckFinding) -> CheckFinding:
        """The finding, without the goroutines that are ignored; with status ``ignored`` when none is left."""
        for ignore in self._ignores:
            if finding.status == "ignored":
                break
            if ignore.finding is None or ignore.finding in finding.names:
                finding = self._one(ignore, finding)
        return finding

    def uses(self) -> tuple[IgnoreUse, ...]:
        """Each ignore and on how many findings it was used."""
        return tuple(
            IgnoreUse(ignore, self._used[ignore.place], ignore.expired(self._today)) for ignore in self._ignores
        )

    def _one(self, ignore: Ignore, finding: CheckFinding) -> CheckFinding:
        whole = ignore.signature is None and ignore.function is None
        kept = () if whole else tuple(found for found in finding.stacks if not _matches(ignore, found))
        if not whole and len(kept) == len(finding.stacks):
            return finding
        left = _left(finding, kept)
        if ignore.max_count is not None and (finding.count or 0) - left > ignore.max_count:
            return finding
        self._used[ignore.place] += 1
        if ignore.expired(self._today):
            return finding
        if left <= (finding.allowed or 0):
            return replace(finding, status="ignored", fails=False, reason=ignore.reason)
        message = finding.message
        if finding.allowed_minutes is not None:
            message = wait_message(finding.name, kept, finding.allowed_minutes)
        message += f" ({(finding.count or 0) - left:,} of them ignored: {ignore.reason})"
        return replace(finding, stacks=kept, count=left, message=message)


def _matches(ignore: Ignore, found: StackReport) -> bool:
    if ignore.signature is not None and found.bucket.signature != ignore.signature:
        return False
    return ignore.function is None or any(map(ignore.function.matches, found.bucket.stack.functions))


def _left(finding: CheckFinding, kept: tuple[StackReport, ...]) -> int:
    """How many of the finding's goroutines may stand in the stacks that are kept."""
    held = sum(found.bucket.count for found in kept)
    return held if finding.count is None else min(finding.count, held)
