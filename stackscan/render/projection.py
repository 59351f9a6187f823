"""How outputs for people say a projection: a headline, facts, a table of what would change, what is left open.

What it returns is plain text in parts; who shows it wraps, aligns and colours it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from stackscan.queueing.projection import Jump, Moments, Projection, WhatIf
from stackscan.render import words

Level = Literal["error", "warning", "ok"]

_HEADER: Final = ("what if", "workers", "load", "that wait", "mean wait", "timed out")
_HEADER_BESIDE: Final = ("if the workers closed", *_HEADER[1:])


@dataclass(frozen=True, slots=True)
class Block:
    """A projection in words: ``facts`` are labelled sentences, ``table`` a header and its rows (empty: none)."""

    level: Level
    headline: str
    facts: tuple[tuple[str, str], ...]
    table: tuple[tuple[str, ...], ...]
    unexplained: tuple[str, ...]


def block(found: Projection, *, fix: str = "closes beside the pool") -> Block:
    """A projection in words. ``fix`` says how holds leave the pool."""
    level, headline = _headline(found)
    beside = found.captures is not None and found.captures.beside
    rows = tuple(_row(case, beside=beside, lower_bound=found.detached.is_lower_bound) for case in found.what_ifs)
    table = (_HEADER_BESIDE if beside else _HEADER, *rows) if rows else ()
    if found.detached.is_lower_bound and table:
        table = (table[0][:3], *table[1:])
    return Block(level, headline, (*_facts(found), *_fixed(found, fix)), table, found.unexplained)


# -- the headline ----------------------------------------------------------------------------------------------------


def _headline(found: Projection) -> tuple[Level, str]:
    now, captures = found.synchronous, found.captures
    if found.endless:
        return "error", f"{_held(found)}; holds have no end, so each further silent peer takes a worker for good"
    if captures is not None and captures.beside:
        return "ok", f"{_closers(found)} in flight beside the pool{_interval(found)}; workers only write"
    if now.saturated and captures is not None:
        low = found.stall_load_interval[0] if found.stall_load_interval else 0.0
        return "error", f"saturated: {_held(found)}; the load is at least {low:.1f} erlangs (95%), without upper bound"
    if now.saturated:
        return "error", f"saturated: {_saturation(found)}"
    if captures is not None and not any(captures.held):
        return "ok", f"no worker held{_interval(found)}"
    level: Level = "warning" if now.wait_probability >= 0.05 else "ok"
    waits = f"{share(now.wait_probability)} of tasks wait, {_mean_wait(found)} on average over all"
    return level, f"load {found.stall_load_erlangs or 0:.3g} erlangs of {found.workers:,}{_interval(found)}: {waits}"


def _saturation(found: Projection) -> str:
    now = found.synchronous
    if now.growth_per_second is None:
        return "the pool carries all that it can; how much more is asked of it does not show"
    capacity = f"{number(now.capacity_per_second)} tasks a second can be done" if now.capacity_per_second else ""
    grows = f", {number(found.rate_per_second or 0)} come: the queue grows by {number(now.growth_per_second or 0)}"
    return f"{capacity}{grows} a second"


def _held(found: Projection) -> str:
    captures = found.captures
    held = captures.held if captures else ()
    if len(held) == 1:
        return f"{held[0]} of {words.count(found.workers, 'workers')} held"
    full = captures.full if captures else 0
    return f"all of {words.count(found.workers, 'workers')} held in {full} of {len(held)} dumps"


def _closers(found: Projection) -> str:
    held = found.captures.held if found.captures else ()
    return f"{number(sum(held) / max(len(held), 1))} closes"


def _interval(found: Projection) -> str:
    if found.stall_load_interval is None:
        return ""
    low, high = found.stall_load_interval
    if high is None:
        return f" (load 90%: {low:.3g} and more)"
    return f" (load below {high:.3g} erlangs, 95%)" if not low else f" (90%: {low:.3g} to {high:.3g})"


def _mean_wait(found: Projection) -> str:
    now = found.synchronous
    if now.mean_wait_seconds is None and now.mean_wait_holding_times is not None:
        return f"{now.mean_wait_holding_times:.2g} holding times"
    return duration(now.mean_wait_seconds)


# -- facts -----------------------------------------------------------------------------------------------------------


def _facts(found: Projection) -> list[tuple[str, str]]:
    facts = [("rests on", _basis(found))]
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
    """What the detached close costs; nothing where nobody is silent."""
    fixed, captures = found.detached, found.captures
    if found.endless or not fixed.closers_mean:
        return ()
    if captures is not None and captures.beside:
        text = f"at most {fixed.closers_p999:,} in 99.9% of moments"
    else:
        more, at = (" or more", "at that load ") if fixed.is_lower_bound else ("", "")
        text = f"{fix}: {number(fixed.closers_mean)} closes in flight{more}, "
        text += f"{at}at most {fixed.closers_p999:,} in 99.9% of moments"
    text += f" ({fixed.goroutines_p999:,} goroutines, {size(fixed.memory_bytes_p999)} of stacks)"
    if fixed.saturated:
        text += "; the workers cannot even write so much: saturated all the same"
    elif fixed.mean_wait_seconds is not None:
        text += f"; tasks wait {duration(fixed.mean_wait_seconds)} on average"
    return (("fix" if not (captures and captures.beside) else "closes", text),)


def _basis(found: Projection) -> str:
    captures = found.captures
    if captures is None:
        return found.method
    counts = ", ".join(map(str, captures.held[:12])) + (", …" if len(captures.held) > 12 else "")
    what = "closes in flight" if captures.beside else "workers held"
    dumps = f"{len(captures.held)} dumps" if len(captures.held) > 1 else "one dump"
    text = f"{dumps} ({what}: {counts})"
    if captures.untimed:
        text += ", taken at unknown times, so they count as one (--apart TIME sets them)"
    elif len(captures.held) > 1 and captures.independent < 0.95 * len(captures.held):
        text += f", close together: worth {captures.independent:.2g} independent dumps"
    if found.close_deadline_seconds is not None:
        text += f", each hold {found.close_deadline_seconds:g} s"
    elif not found.endless:
        text += ", the holding time is not known: waits in holding times"
    text += "" if captures.beside or found.synchronous.saturated else f"; {found.method}"
    return text + (f"; {captures.left_out} more left out: {captures.reason}" if captures.left_out else "")


def _capacities(found: Projection) -> str:
    now, fixed = found.synchronous, found.detached
    slow = "without bound" if now.capacity_per_second is None else f"{number(now.capacity_per_second)} tasks a second"
    fast = "without bound" if fixed.capacity_per_second is None else number(fixed.capacity_per_second)
    silent = "" if found.silent_capacity_per_second is None else f" ({number(found.silent_capacity_per_second)} silent)"
    return f"{slow} at this share of silent peers{silent}; {fast} with closes beside the pool"


def _quantiles(found: Projection) -> str:
    now = found.synchronous
    if now.saturated:
        return "without bound: the longer it lasts, the longer they wait"
    text = ", ".join(f"{share(q)} within {duration(value)}" for q, value in now.wait_quantiles_seconds)
    if now.mean_wait_interval is not None:
        low, high = (duration(value) for value in now.mean_wait_interval)
        text += f"; mean {duration(now.mean_wait_seconds)} (90%: {low} to {high})"
    return text


def _growth(found: Projection) -> str:
    """How fast the queue grows: at the given rate, or at a rate that shows how to reckon it."""
    free = found.silent_capacity_per_second or 0.0
    text = f"{words.count(found.workers, 'workers')}, free again {number(free)} times a second in all; "
    text += "what is silent beyond that queues"
    growth = found.synchronous.growth_per_second
    if growth is not None:
        rate = f"{number(found.rate_per_second or 0)} tasks a second, {share(found.silent_fraction or 0)} silent"
        return f"{text}. At {rate}, the queue grows by {number(growth)} tasks a second"
    rate_of_tasks = 20 * free
    grows = rate_of_tasks - free / 0.1
    return (
        f"{text}. At {number(rate_of_tasks)} tasks a second, one in ten silent, the queue would grow by "
        f"{number(grows)} tasks a second"
    )


def _streams(found: Projection) -> str:
    peers = found.peers
    if peers is None:
        return ""
    text = f"{words.count(peers.peers, 'silent peers')}: {number(peers.streams_each)} streams each, of "
    text += f"{peers.streams_most} that one takes unacknowledged"
    if peers.exceeded:
        text += ": too many. Opening the next stream then waits in the worker, and detached closes do not help"
    return text


def _jump(jump: Jump, after: float | None) -> list[tuple[str, str]]:
    what = f"silent peers from {share(jump.before)} to {share(after or 0)} for {duration(jump.lasting_seconds)}"
    full = "the pool stays below full" if not jump.time_to_full.share else f"full {_times(jump.time_to_full)}"
    drain = f"; once full, free again {_times(jump.time_to_drain)} counted from their end"
    drain = drain if jump.time_to_full.share else ""
    return [("jump", f"{what}: {full}{drain}; {jump.method}")]


def _times(moments: Moments) -> str:
    if moments.p50 is None:
        return f"within it in {share(moments.share)} of runs"
    last = "later or never" if moments.p95 is None else duration(moments.p95)
    return f"after {duration(moments.p50)} (5% to 95%: {duration(moments.p05)} to {last})"


# -- the table -------------------------------------------------------------------------------------------------------


def _row(case: WhatIf, *, beside: bool, lower_bound: bool) -> tuple[str, ...]:
    says = "with as many workers" if beside and case.name == "as-is" else case.says
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


# -- numbers ---------------------------------------------------------------------------------------------------------


def share(value: float) -> str:
    """``12.8%``, ``0.55%``, ``< 0.01%``."""
    if value == 0:
        return "0%"
    if value < 1e-4:
        return "< 0.01%"
    return "> 99.9%" if 0.9995 <= value < 1 else f"{value * 100:.3g}%"


def duration(seconds: float | None) -> str:
    """``0 s``, ``6.2 ms``, ``0.21 s``, ``3 min``, ``5.1 h``."""
    if seconds is None:
        return "no bound"
    if seconds < 1e-6:
        return "< 1 µs" if seconds else "0 s"
    if seconds < 0.1:
        return f"{seconds * 1e6:.3g} µs" if seconds < 1e-3 else f"{seconds * 1e3:.3g} ms"
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def number(value: float) -> str:
    """``1.2``, ``9.7``, ``40,000``: three digits, no exponents for people."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def size(count: int) -> str:
    """``272 KiB``, ``16 MiB``."""
    for unit in ("KiB", "MiB", "GiB"):
        if count < 1024 ** ({"KiB": 2, "MiB": 3, "GiB": 4}[unit]):
            return f"{count / 1024 ** ({'KiB': 1, 'MiB': 2, 'GiB': 3}[unit]):,.3g} {unit}"
    return f"{count / 1024**4:,.0f} TiB"
