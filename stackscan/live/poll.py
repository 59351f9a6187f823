"""Asks a process once: fetch, read, judge."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from stackscan.errors import SourceError, StackscanError
from stackscan.formats.contents import read_bytes
from stackscan.live.sample import Cost, Failure, Sample
from stackscan.live.target import Depth, Target
from stackscan.pipeline import Options, examine_contents
from stackscan.report.growth import observe
from stackscan.report.serialise import findings_json
from stackscan.sources import http

if TYPE_CHECKING:
    from stackscan.redaction import Redaction
    from stackscan.report import CaptureReport, SnapshotReport

#: Bytes of an answer that is watched. Go cuts its full text at 64 MiB. Counts have a line for each distinct stack: a
#: hundred times what large programs have, and little enough that many processes may send endless bodies at once.
MOST_BYTES: Final[Mapping[Depth, int]] = {"profile": 4 << 20, "counts": 16 << 20, "full": 80 << 20}


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes of an answer, when it came, how long it took, and why its end is missing (None: it is not)."""

    data: bytes
    at: datetime
    seconds: float
    cut: str | None


def ask(target: Target, depth: Depth) -> Answer | Failure:
    """The goroutines of a process as it sends them, or why it does not."""
    began = time.monotonic()
    try:
        fetched = http.fetch(target.goroutines(depth), most_bytes=MOST_BYTES[depth])
    except StackscanError as error:
        return Failure(_now(), str(error), error.hint, time.monotonic() - began)
    return Answer(fetched.data, _now(), time.monotonic() - began, fetched.cut)


def judge(
    target: Target, depth: Depth, answer: Answer, options: Options, redaction: Redaction | None = None
) -> Sample | Failure:
    """What an answer shows, or why it shows nothing. A redaction changes what is shown, not what is judged."""
    began = time.thread_time()
    source = target.goroutines(depth)
    try:
        captures, _ = examine_contents(
            read_bytes(str(source), answer.data, answer.cut), options=options, redaction=redaction
        )
        if not captures:
            raise SourceError(f"{source} sent no goroutines")
    except StackscanError as error:
        return Failure(answer.at, str(error), error.hint, answer.seconds)
    return _sample(captures[0], depth, answer, began)


def _sample(one: CaptureReport, depth: Depth, answer: Answer, began: float) -> Sample:
    report = one.report
    observation = observe(report, one.capture.snapshot, answer.at)
    return Sample(
        at=answer.at,
        depth=depth,
        goroutines=report.goroutines,
        complete=report.complete,
        states=_states(report),
        verdicts=report.verdicts,
        findings=tuple(replace(finding, rows=()) for finding in report.findings),
        values=tuple(findings_json(report)),
        pools=report.pools,
        projections=dict(report.projections),
        observation=observation,
        cost=Cost(answer.seconds, len(answer.data), time.thread_time() - began),
    )


def _states(report: SnapshotReport) -> dict[str, int]:
    found: Counter[str] = Counter()
    for stack in report.buckets:
        found[stack.state] += stack.bucket.count
    return dict(found)


def _now() -> datetime:
    return datetime.now(UTC)
