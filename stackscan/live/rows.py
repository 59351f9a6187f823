"""What the live table shows of a process, made of its history right after a request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, get_args

from stackscan.live.target import Depth
from stackscan.render.forecast_words import short
from stackscan.render.text.watch.model import Happening, Level, PoolRow, Row, Stands

if TYPE_CHECKING:
    from stackscan.live.history import History
    from stackscan.live.standing import Change, Standing
    from stackscan.live.watch import News

#: Moments of a pool's curve, and findings of a process, that are shown.
_MOMENTS: Final = 60
_FINDINGS: Final = 20
_ORDER: Final = ("error", "warning", "info")
#: Forecasts that are shown; the others say that nothing is to come.
_TOLD: Final = ("full", "filling")
#: Worse than information.
_TROUBLES: Final = ("error", "warning")


def row_of(history: History) -> Row:
    """The process as the table shows it. Called where the history does not change meanwhile."""
    last, failure = history.last, history.failure
    standing = sorted(history.standing.values(), key=lambda one: (_ORDER.index(one.severity), one.since))
    return Row(
        target=str(history.target),
        level=level_of(history),
        verdict=verdict_of(history),
        since=_since(history, standing),
        goroutines=None if last is None else last.goroutines,
        counts=tuple(history.counts),
        pools=() if last is None else tuple(_pools(history)),
        findings=tuple(Stands(one.values, one.since) for one in standing[:_FINDINGS]),
        sampled_at=None if last is None else last.at,
        depth="" if last is None else last.depth,
        hint="" if failure is None else failure.hint,
        requests=history.polls,
        failures=history.failures,
        key=id(history),
    )


def verdict_of(history: History) -> str:
    """The verdict without the address that was asked: the line has it already."""
    if history.failure is None:
        return history.verdict
    asked = [f"{history.target.goroutines(depth)} " for depth in get_args(Depth)]
    return next((history.verdict[len(one) :] for one in asked if history.verdict.startswith(one)), history.verdict)


def level_of(history: History) -> Level:
    """The level of a process, ``unknown`` before its first answer."""
    if history.failure is None and history.last is None:
        return "unknown"
    return history.level


def _since(history: History, standing: list[Standing]) -> datetime | None:
    """Since when it is silent, or the worst of what stands, stands."""
    if history.failure is not None:
        return history.failing_since
    worst = [one.since for one in standing if one.severity == standing[0].severity and one.severity in _TROUBLES]
    return min(worst, default=None)


def _pools(history: History) -> Iterator[PoolRow]:
    """The pools of the last sample, the fullest first."""
    last = history.last
    if last is None:
        return
    accused = {finding.rule.pool for finding in last.findings if finding.severity in _TROUBLES}
    found = []
    for sample in last.pools:
        moments = history.pools.get(sample.pool.name)
        if not moments:
            continue
        recent = moments[-_MOMENTS:]
        now, expected = recent[-1], history.forecast(sample.pool.name)
        fills = expected is not None and expected.kind == "filling"
        found.append(
            PoolRow(
                name=sample.pool.name,
                workers=now.workers,
                busy=now.busy,
                shares=tuple(one.busy / one.workers if one.workers else 0.0 for one in recent),
                forecast=short(expected) if expected is not None and expected.kind in _TOLD else "",
                troubled=fills or (now.workers > 0 and now.busy >= now.workers) or sample.pool.name in accused,
            )
        )
    yield from sorted(found, key=lambda pool: (-(pool.busy / pool.workers if pool.workers else 0.0), pool.name))


def happenings_of(news: News) -> Iterator[Happening]:
    """What the table tells of a request: a line for each finding that came, went or changed."""
    history, target, key = news.history, str(news.history.target), id(news.history)
    if news.reached is False and history.failure is not None:
        yield Happening(history.failure.at, target, "lost", "silent", verdict_of(history), key)
    elif history.last is not None:
        if news.reached:
            yield Happening(history.last.at, target, level_of(history), "answers", history.verdict, key)
        for change in news.changes:
            yield from (replace(one, key=key) for one in _told(change, history.last.at, target))


def _told(change: Change, at: datetime, target: str) -> Iterator[Happening]:
    for one in change.findings:
        level: Level = one.severity if change.event != "gone" else "ok"
        name, title = one.values["rule"], one.values["title"]
        yield Happening(at, target, level, change.event, title if title.startswith(name) else f"{name}: {title}")
