"""A projection in words: a headline, facts, a table of what would change, and what it does not explain.

The text comes in parts; each output wraps, aligns and colours them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from stackscan.model.counting import is_counted
from stackscan.render import words
from stackscan.render.numbers import duration, number, share, size

if TYPE_CHECKING:
    from stackscan.analysis.occupancy import PoolSample
    from stackscan.queueing.projection import Jump, Moments, Projection, WhatIf
    from stackscan.queueing.send_times import SendTimes
    from stackscan.report import SnapshotReport

Level = Literal["error", "warning", "ok"]

_HEADER: Final = ("what if …", "workers", "load", "wait", "mean wait", "time out")
_HEADER_BESIDE: Final = ("if the workers closed the streams", *_HEADER[1:])
#: The facts that a report on one screen keeps.
_BRIEF: Final = frozenset({"queue", "fix", "closers"})


@dataclass(frozen=True, slots=True)
class Block:
    """A projection in words: ``facts`` are labelled sentences, ``table`` a header and its rows (empty: none)."""

    level: Level
    headline: str
    facts: tuple[tuple[str, str], ...]
    table: tuple[tuple[str, ...], ...]
    unexplained: tuple[str, ...]


def block(found: Projection, *, fix: str = "with the fix") -> Block:
    """A projection in words. ``fix`` says how blocked workers are avoided."""
    level, headline = _headline(found)
    beside = found.captures is not None and found.captures.beside
    rows = tuple(_row(case, beside=beside, lower_bound=found.detached.is_lower_bound) for case in found.what_ifs)
    table = (_HEADER_BESIDE if beside else _HEADER, *rows) if rows else ()
    if found.detached.is_lower_bound and table:
        table = (table[0][:3], *table[1:])
    return Block(level, headline, (*_facts(found), *_fixed(found, fix)), table, found.unexplained)


def brief(shown: Block) -> Block:
    """The same in a few lines: the headline, the queue, the fix, and the first sentence of what is not explained."""
    kept = (fact for fact in shown.facts if fact[0] in _BRIEF)
    facts = tuple((label, words.first_sentence(text).removesuffix(".")) for label, text in kept)
    unexplained = tuple(words.first_sentence(text) for text in shown.unexplained[:1])
    return Block(shown.level, shown.headline, facts, (), unexplained)


def in_trouble(snapshot: SnapshotReport) -> tuple[PoolSample, ...]:
    """The pools that a finding is about, those with no idle worker left, and those whose load makes tasks wait."""
    alarming = {finding.rule.pool for finding in snapshot.findings if finding.severity != "info"}
    projected = dict(snapshot.projections)
    counted = is_counted(snapshot.format)
    return tuple(s for s in snapshot.pools if _is_in_trouble(s, alarming, projected, counted=counted))


def _is_in_trouble(
    sample: PoolSample, alarming: set[str | None], projected: dict[str, Projection], *, counted: bool
) -> bool:
    name = sample.pool.name
    known = not counted or sample.states.get("other", 0) < sample.workers  # counts without states may hide idle ones
    exhausted = sample.is_bounded and sample.workers > 1 and sample.occupancy == 1 and known
    waits = name in projected and block(projected[name]).level != "ok"
    return name in alarming or exhausted or waits


# -- the headline ----------------------------------------------------------------------------------------------------


def _headline(found: Projection) -> tuple[Level, str]:
    now, captures = found.synchronous, found.captures
    if found.endless:
        return (
            "error",
            f"{_blocked(found)}, with no time limit: each further silent peer takes one more worker for good",
        )
    if captures is not None and captures.beside:
        return "ok", f"{_closers(found)} at a time, outside the pool{_interval(found)}; workers only write"
    if now.saturated and captures is not None:
        low = found.stall_load_interval[0] if found.stall_load_interval else 0.0
        return (
            "error",
            f"saturated: {_blocked(found)}; offered load at least {low:.1f} erlangs (95%)",
        )
    if now.saturated:
        return "error", f"saturated: {_saturation(found)}"
    if captures is not None and not any(captures.held):
        return "ok", f"no worker blocked{_interval(found)}"
    level: Level = "warning" if now.wait_probability >= 0.05 else "ok"
    waits = f"{share(now.wait_probability)} of tasks wait; mean wait over all tasks {_mean_wait(found)}"
    return (
        level,
        f"offered load {found.stall_load_erlangs or 0:.3g} of {found.workers:,} erlangs{_interval(found)}: {waits}",
    )


def _saturation(found: Projection) -> str:
    now = found.synchronous
    if now.growth_per_second is None:
        return "the pool is at full capacity; the offered load may be larger than it shows"
    capacity = f"capacity {number(now.capacity_per_second)} tasks a second" if now.capacity_per_second else ""
    arrivals = f"{number(found.rate_per_second or 0)} arrive"
    return f"{capacity}, {arrivals}: the queue grows by {number(now.growth_per_second or 0)} a second"


def _blocked(found: Projection) -> str:
    captures = found.captures
    held = captures.held if captures else ()
    if len(held) == 1:
        return f"{held[0]} of {words.count(found.workers, 'workers')} blocked"
    full = captures.full if captures else 0
    return f"all {words.count(found.workers, 'workers')} blocked in {full} of {len(held)} dumps"


def _closers(found: Projection) -> str:
    held = found.captures.held if found.captures else ()
    return f"about {number(sum(held) / max(len(held), 1))} closers"


def _interval(found: Projection) -> str:
    if found.stall_load_interval is None:
        return ""
    low, high = found.stall_load_interval
    if high is None:
        return f" (90% interval: {low:.3g} or more)"
    return (
        f" (offered load below {high:.3g} erlangs, 95% confidence)"
        if not low
        else f" (90% interval: {low:.3g} to {high:.3g})"
    )


def _mean_wait(found: Projection) -> str:
    now = found.synchronous
    if now.mean_wait_seconds is None and now.mean_wait_holding_times is not None:
        return f"{now.mean_wait_holding_times:.2g} holding times"
    return duration(now.mean_wait_seconds)


# -- facts -----------------------------------------------------------------------------------------------------------


def _facts(found: Projection) -> list[tuple[str, str]]:
    facts = [("based on", _basis(found))]
    captures = found.captures
    if captures is None:
        facts.append(("capacity", _capacities(found)))
        facts.append(("waits", _quantiles(found)))
    elif found.synchronous.saturated and not captures.beside and found.silent_capacity_per_second is not None:
        facts.append(("queue", _growth(found)))
    if found.peers is not None:
        facts.append(("streams", _streams(found)))
    if found.jump is not None:
        facts += _jump(found.jump, found.silent_fraction)
    return [(label, text) for label, text in facts if text]


def _fixed(found: Projection, fix: str) -> tuple[tuple[str, str], ...]:
    """What closing outside the pool costs; nothing where no peer is silent."""
    fixed, captures = found.detached, found.captures
    if found.endless or not fixed.closers_mean:
        return ()
    if captures is not None and captures.beside:
        text = f"{fixed.closers_p999:,} at p99.9"
    else:
        most = "at least" if fixed.is_lower_bound else "about"
        text = f"{fix}: {most} {number(fixed.closers_mean)} closers at a time, {fixed.closers_p999:,} at p99.9"
    text += f" ({fixed.goroutines_p999:,} goroutines, {size(fixed.memory_bytes_p999)})"
    if fixed.saturated:
        text += "; still saturated: the writes alone are more than the workers can do"
    elif fixed.mean_wait_seconds is not None:
        text += f"; mean wait {duration(fixed.mean_wait_seconds)}"
    return (("fix" if not (captures and captures.beside) else "closers", text),)


def _basis(found: Projection) -> str:
    captures = found.captures
    if captures is None:
        return found.method
    counts = ", ".join(map(str, captures.held[:12])) + (", …" if len(captures.held) > 12 else "")
    what = "closers" if captures.beside else "workers blocked"
    text = f"{words.count(len(captures.held), 'dumps')}: {counts} {what}"
    if found.close_deadline_seconds is not None:
        text += f", {found.close_deadline_seconds:g} s each"
    elif not found.endless:
        text += ", for an unknown time (waits are given in multiples of it)"
    text += "" if captures.beside or found.synchronous.saturated else f" ({found.method})"
    if captures.untimed:
        text += "; taken at unknown times, so they count as one dump (--apart TIME says how far apart)"
    elif len(captures.held) > 1 and captures.independent < 0.95 * len(captures.held):
        text += f"; close together in time, worth {captures.independent:.2g} independent dumps"
    return text + (f"; {captures.left_out} more not used: {captures.reason}" if captures.left_out else "")


def _capacities(found: Projection) -> str:
    now, fixed = found.synchronous, found.detached
    slow = "unlimited" if now.capacity_per_second is None else f"{number(now.capacity_per_second)} tasks a second"
    fast = "unlimited" if fixed.capacity_per_second is None else number(fixed.capacity_per_second)
    silent = (
        ""
        if found.silent_capacity_per_second is None
        else f" ({number(found.silent_capacity_per_second)} to silent peers)"
    )
    return f"{slow} at this share of silent peers{silent}; {fast} when streams are closed outside the pool"


def _quantiles(found: Projection) -> str:
    now = found.synchronous
    if now.saturated:
        return "no upper bound: waits grow for as long as it lasts"
    text = ", ".join(f"p{q * 100:g} {duration(value)}" for q, value in now.wait_quantiles_seconds)
    if now.mean_wait_interval is not None:
        low, high = (duration(value) for value in now.mean_wait_interval)
        text += f"; mean {duration(now.mean_wait_seconds)} (90% interval: {low} to {high})"
    return text


def _growth(found: Projection) -> str:
    """How fast the queue grows: at the given rate, or where none is known, for an example."""
    free = found.silent_capacity_per_second or 0.0
    text = f"{words.count(found.workers, 'workers')} can close {number(free)} silent streams a second; the rest queues"
    growth = found.synchronous.growth_per_second
    if growth is not None:
        rate = f"{number(found.rate_per_second or 0)} tasks a second, {share(found.silent_fraction or 0)} silent"
        return f"{text}. At {rate}, it grows by {number(growth)} tasks a second"
    rate_of_tasks = 20 * free
    grows = rate_of_tasks - free / 0.1
    return (
        f"{text}. Example: at {number(rate_of_tasks)} tasks a second, 10% silent, it grows by "
        f"{number(grows)} tasks a second"
    )


def _streams(found: Projection) -> str:
    peers = found.peers
    if peers is None:
        return ""
    text = f"{words.count(peers.peers, 'silent peers')}, {number(peers.streams_each)} streams each; "
    text += f"a peer can have {peers.streams_most} unacknowledged streams"
    if peers.exceeded:
        text += ": too many. Opening the next stream then blocks the worker, and closing outside the pool does not help"
    return text


def _jump(jump: Jump, after: float | None) -> list[tuple[str, str]]:
    what = f"silent peers from {share(jump.before)} to {share(after or 0)} for {duration(jump.lasting_seconds)}"
    full = "the pool does not fill up" if not jump.time_to_full.share else f"full {_times(jump.time_to_full)}"
    drain = f"; once full, a worker is free again {_times(jump.time_to_drain)} from the end of the jump"
    drain = drain if jump.time_to_full.share else ""
    return [("jump", f"{what}: {full}{drain}; {jump.method}")]


def _times(moments: Moments) -> str:
    if moments.p50 is None:
        return f"before its end in {share(moments.share)} of runs"
    last = "later or never" if moments.p95 is None else duration(moments.p95)
    return f"after {duration(moments.p50)} (p5 to p95: {duration(moments.p05)} to {last})"


def measurements(measured: SendTimes, workers: int) -> str:
    """What the metrics of a node say."""
    low, high = measured.silent_fraction_interval
    text = f"{measured.sends:,} sends; {measured.silent:,} of them took as long as closing to a silent peer "
    text += f"({share(measured.silent_fraction)}; 90% interval: {share(low)} to {share(high)}), the others "
    text += f"{duration(measured.service_seconds)} on average"
    if measured.rate_per_second is not None:
        text += f"; {number(measured.rate_per_second)} a second over {duration(measured.seconds_between)}"
    if (measured.stall_load_erlangs or 0) > 0.9 * workers:
        text += ". The pool is full, so the offered load may be larger than measured"
    return text


# -- the table -------------------------------------------------------------------------------------------------------


def _row(case: WhatIf, *, beside: bool, lower_bound: bool) -> tuple[str, ...]:
    says = "with the same workers" if beside and case.name == "as-is" else case.says
    load = f"{'≥ ' if lower_bound else ''}{case.stall_load_erlangs:.3g}"
    if lower_bound:  # what holds at the least load says nothing of the load that is: only these are shown
        enough = "≥ " if case.name == "enough-workers" else ""
        return says, f"{enough}{case.workers:,}", load
    if case.saturated:
        return says, f"{case.workers:,}", load, "all", "grows", "all"
    probe = case.probe_timeout_probability
    waits, mean = share(case.wait_probability), duration(case.mean_wait_seconds)
    return says, f"{case.workers:,}", load, waits, mean, "" if probe is None else share(probe)


def aligned(table: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    """The lines of a table: the first column to the left, numbers to the right."""
    widths = [max(len(row[place]) for row in table) for place in range(len(table[0]))] if table else []
    return tuple(
        "  ".join(
            f"{cell:<{width}}" if place == 0 else f"{cell:>{width}}"
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    )
