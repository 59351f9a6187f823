"""What one request to a process showed, small enough to keep many."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from stackscan.live.target import Depth

if TYPE_CHECKING:
    from stackscan.analysis.finding import Finding
    from stackscan.analysis.occupancy import PoolSample
    from stackscan.queueing.projection import Projection
    from stackscan.report import Verdict
    from stackscan.report.growth import Observation


#: A rule and a cause: what two depths may both show.
Suspect = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a request took: seconds until the last byte came, bytes as sent, seconds to read and judge them."""

    request_seconds: float
    sent_bytes: int
    judging_seconds: float


@dataclass(frozen=True, slots=True)
class Sample:
    """One capture of a process, judged.

    ``at`` is when the answer came, in UTC. ``states`` counts goroutines by wait reason, or as their frames tell where
    the format has none. ``findings`` are what is stuck, without the rows of their goroutines. ``values`` are the same
    as in the JSON of a report. ``observation`` is what the verdict over several samples needs.
    """

    at: datetime
    depth: Depth
    goroutines: int
    complete: bool
    states: Mapping[str, int]
    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    values: tuple[dict[str, object], ...]
    pools: tuple[PoolSample, ...]
    projections: Mapping[str, Projection]
    observation: Observation
    cost: Cost

    def without(self, cleared: Collection[Suspect]) -> Sample:
        """The sample without the findings that the full text has shown to be none."""
        if not cleared:
            return self
        from stackscan.report import Verdict

        kept = [place for place, one in enumerate(self.findings) if (one.rule.name, one.cause) not in cleared]
        verdicts = tuple(line for line in self.verdicts if line.level in ("info", "ok"))
        fine = Verdict("ok", f"{self.goroutines:,} goroutines; the full text shows nothing stuck")
        return replace(
            self,
            verdicts=verdicts or (fine,),
            findings=tuple(self.findings[place] for place in kept),
            values=tuple(self.values[place] for place in kept),
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that brought nothing: when, why, and what to do ("": nothing is known)."""

    at: datetime
    reason: str
    hint: str
    seconds: float
