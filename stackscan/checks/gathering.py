"""What a check needs of all inputs together, gathered while they are judged one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from stackscan.checks.baseline import Baseline, Maxima
from stackscan.checks.evidence import Evidence
from stackscan.checks.leaks import Key, leaks_by_capture
from stackscan.errors import StackscanError
from stackscan.report import Report, second_views
from stackscan.report.growth import Leak, Observation, judge_all


class Gathering:
    """Gathers of each input what its captures hold, what growth is judged by, and why it could not be read."""

    def __init__(self) -> None:
        self.unread: list[StackscanError] = []
        self._maxima = Maxima()
        self._observations: list[Observation] = []

    def reports(
        self, found: Iterable[tuple[str, Evidence | StackscanError]]
    ) -> Iterator[tuple[str, Report | StackscanError]]:
        """The report of each input, or the error instead. Only what is gathered of it is kept here."""
        for name, one in found:
            if isinstance(one, StackscanError):
                self.unread.append(one)
                yield name, one
                continue
            self._observations += one.observations
            hidden = second_views(one.report)  # each process by its best view
            for snapshot in one.report.snapshots:
                if (snapshot.source, snapshot.member) not in hidden:
                    self._maxima.add(snapshot)
            yield name, one.report

    def baseline(self) -> Baseline:
        """What the captures so far hold."""
        return self._maxima.baseline()

    def leaks(self) -> Mapping[Key, Sequence[Leak]]:
        """The leaks that the captures so far show, by the last of each process."""
        seen = self._observations
        return leaks_by_capture(seen, judge_all(seen)) if len(seen) > 1 else {}
