"""From a histogram of send times to the numbers of a pool: rate, share of silent peers, service time, load.

kubo's histogram ``ipfs_bitswap_send_times`` observes each message from its sending to the end of its close, when that
has ended: how long a worker was held. Its buckets end at 1, 10, 30, … seconds; a close of 10 s that a silent peer makes
lies in the one above. Source: boxo bitswap/server/server.go, sendBlocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from stackscan.errors import ModelError
from stackscan.queueing import checks
from stackscan.queueing.estimate import binomial_interval, poisson_interval

METRIC: Final = "ipfs_bitswap_send_times"
#: What to give instead of what holds no such histogram.
HINT: Final = "Save /debug/metrics/prometheus of the node (kubo: port 5001), whole or only the lines about bitswap."


@dataclass(frozen=True, slots=True)
class Scrape:
    """The histogram at one moment: sends, seconds that they held workers, sends of at most ``le`` seconds for each
    bucket (rising), and when, in seconds, if the text has it."""

    count: int
    seconds: float
    buckets: tuple[tuple[float, int], ...]
    time_seconds: float | None

    def longer_than(self, seconds: float) -> int:
        """Sends that lasted longer than the last bucket end up to ``seconds``."""
        return self.count - max((n for le, n in self.buckets if le <= seconds), default=0)


@dataclass(frozen=True, slots=True)
class SendTimes:
    """What one scrape says since the node's start, or two of what lies between them.

    ``silent_fraction`` and ``stall_load_erlangs`` have 90 % intervals (Clopper and Pearson; Garwood). Rates and loads
    are None when the time between the scrapes is not known. A full pool shows what it carries, not what is asked.
    """

    sends: int
    silent: int
    seconds_between: float | None
    rate_per_second: float | None
    silent_fraction: float
    silent_fraction_interval: tuple[float, float]
    service_seconds: float
    stall_load_erlangs: float | None
    stall_load_interval: tuple[float, float] | None


def send_times(
    scrapes: Iterable[Scrape], *, close_deadline_seconds: float, seconds_between: float | None = None
) -> SendTimes:
    """What the first and the last scrape say; one says it since the node's start, without rates.

    ``seconds_between`` is the time from the first to the last; the text rarely has it. Raises ModelError when the
    counters run backwards (the node was restarted, or the order is wrong), nothing was sent, or the sends took less
    time than closes of this deadline would.
    """
    ordered = tuple(scrapes)
    deadline = checks.positive(close_deadline_seconds, "close deadline (seconds)", most=checks.MOST_SECONDS)
    first, last = _ends(ordered)
    sends = last.count - first.count
    silent = last.longer_than(deadline) - first.longer_than(deadline)
    held = last.seconds - first.seconds
    if sends < 0 or held < 0 or not 0 <= silent <= sends:
        raise ModelError(
            f"{METRIC} decreases between the scrapes",
            hint="Give them in the order in which they were taken, from one run of the node.",
        )
    if not sends:
        raise ModelError(f"{METRIC}: nothing was sent", hint="Give two scrapes with traffic between them.")
    if deadline * silent > held * (1 + 1e-6):
        raise ModelError(
            f"{METRIC}: {silent:,} sends of {deadline:g} s each are more than the {held:,.4g} s of all",
            hint="Give the node's deadline: --close-deadline TIME (10s since go-libp2p v0.47).",
        )
    seconds = _seconds(first, last, seconds_between) if len(ordered) > 1 else None
    healthy = sends - silent
    low, high = poisson_interval(silent)
    return SendTimes(
        sends=sends,
        silent=silent,
        seconds_between=seconds,
        rate_per_second=None if seconds is None else sends / seconds,
        silent_fraction=silent / sends,
        silent_fraction_interval=binomial_interval(silent, sends),
        service_seconds=max(0.0, held - deadline * silent) / healthy if healthy else 0.0,
        stall_load_erlangs=None if seconds is None else silent * deadline / seconds,
        stall_load_interval=None if seconds is None else (low * (deadline / seconds), high * (deadline / seconds)),
    )


def _ends(scrapes: Sequence[Scrape]) -> tuple[Scrape, Scrape]:
    if not scrapes:
        raise ModelError("no metrics given", hint=HINT)
    nothing = Scrape(0, 0.0, tuple((le, 0) for le, _ in scrapes[0].buckets), None)
    return (scrapes[0], scrapes[-1]) if len(scrapes) > 1 else (nothing, scrapes[0])


def _seconds(first: Scrape, last: Scrape, given: float | None) -> float | None:
    if given is not None:
        return checks.positive(given, "time between the scrapes (seconds)", most=checks.MOST_SECONDS)
    if first.time_seconds is None or last.time_seconds is None or last.time_seconds <= first.time_seconds:
        return None
    return last.time_seconds - first.time_seconds
