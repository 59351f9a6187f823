"""One goroutine for a terminal: its stack whole, and whom it has to do with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TextIO

from stackscan.analysis.locks import Lock
from stackscan.render import words
from stackscan.render.text.opened import page_on
from stackscan.render.text.page import MARKS, Page
from stackscan.report.goroutine import Goroutine, GoroutineReport, is_own

#: Groups of children, and locks, that are listed.
_GROUPS: Final = 10
_LOCKS: Final = 5
_HOLDERS: Final = 3
#: Pieces of a list of ids.
_IDS: Final = 8


def render(found: Sequence[GoroutineReport], out: TextIO, *, editor: str | None = None) -> None:
    """Write what each capture says of the goroutine; on a terminal its frames open the ``editor`` (None: the web)."""
    page = page_on(out, editor)
    for place, report in enumerate(found):
        if place:
            page.line()
        _goroutine(page, report)


def _goroutine(page: Page, report: GoroutineReport) -> None:
    own = report.goroutine
    page.link_frames(report)
    page.line((f"goroutine {own.number}", "bold"), ("  ", ""), (_state(own), "cyan"))
    place = f", line {report.line:,}" if report.line else ""
    page.whole(words.plain(report.place.where) + place, indent=2, style="dim")
    for attribute in report.attributes:
        page.prose("", attribute)
    for finding in report.findings:
        mark, style = MARKS["ok" if finding.rule.kind == "healthy" else finding.severity]
        page.marked(f"  {mark}", f"{finding.rule.name}: {finding.title}", style, styled=len(finding.rule.name))
    _stack(page, report)
    _creators(page, report)
    _children(page, report)
    _waits(page, report)
    _held(page, report)


def _state(goroutine: Goroutine) -> str:
    if not goroutine.alive:
        return "ended"
    minutes = f", {goroutine.wait_minutes:,} min" if goroutine.wait_minutes else ""
    return f"{words.plain(goroutine.wait_reason or 'state unknown')}{minutes}"


def _stack(page: Page, report: GoroutineReport) -> None:
    page.heading("Stack", "innermost first")
    if report.stack.unavailable:
        page.line(("running on another thread; stack unavailable", "dim"), indent=4)
    for place, frame in enumerate(report.stack.frames):
        deciding = place == report.deciding
        style = "bold" if deciding else "" if is_own(frame) else "dim"
        lead_style = "bold cyan" if deciding else "dim"
        page.located("▸ " if deciding else "  ", frame, indent=2, style=style, lead_style=lead_style)
    if report.stack.elided != 0:
        count = "some" if report.stack.elided is None else f"{report.stack.elided:,}"
        page.line((f"… {count} frames left out by the runtime", "dim"), indent=4)
    if report.stack.created_by is not None:
        page.located("created by ", report.stack.created_by, indent=4, style="dim")


def _creators(page: Page, report: GoroutineReport) -> None:
    """Who started it: the chain to a goroutine that has ended, or that nobody started."""
    if not report.creators:
        return
    page.heading("Started by", "the nearest first")
    for creator in report.creators:
        _one(page, f"goroutine {creator.number}", creator)


def _children(page: Page, report: GoroutineReport) -> None:
    if not report.children:
        return
    total = sum(group.count for group in report.children)
    page.heading("Started", words.count(total, "goroutines"))
    for group in report.children[:_GROUPS]:
        _one(page, words.ids(group.ids, group.count, most=_IDS), group.example)
    if len(report.children) > _GROUPS:
        page.line((f"and {len(report.children) - _GROUPS:,} more places", "dim"), indent=2)


def _one(page: Page, who: str, goroutine: Goroutine) -> None:
    page.line((who, "bold"), ("  ", ""), (_state(goroutine), "cyan"), indent=2)
    if goroutine.frame is not None:
        page.located("↳ ", goroutine.frame, indent=4)


def _waits(page: Page, report: GoroutineReport) -> None:
    lock = report.waits_for
    if lock is None:
        return
    others = lock.waiters - 1
    page.heading("Waits for", words.count(others, "others") + " wait for it too" if others else "nobody else does")
    page.prose("", _name(lock))
    if not lock.candidates:
        page.line(("no goroutine shows signs of holding it", "dim"), indent=2)
    for holder in lock.candidates[:_HOLDERS]:
        who = words.ids(holder.goroutine_ids, holder.count, most=_IDS)
        frame = holder.stack.frames[holder.frame]
        state = words.plain(holder.wait_reason or "state unknown")
        page.located(f"may be held by {who} [{state}] in ", frame, indent=2)


def _held(page: Page, report: GoroutineReport) -> None:
    """What others wait for that it may hold."""
    if not report.may_hold:
        return
    page.heading("May hold", "what others wait for")
    for lock, score in report.may_hold[:_LOCKS]:
        page.prose("", f"{_name(lock)} (score {score})")
        page.prose("", f"waited for by {_waiters(lock)}", indent=4)


def _waiters(lock: Lock) -> str:
    return f"{words.count(lock.waiters, 'goroutines')}: {words.ids(lock.goroutine_ids, lock.waiters, most=_IDS)}"


def _name(lock: Lock) -> str:
    """``a sync.Mutex at 0xc000012040 in a store.(*Cache)``."""
    address = lock.address if lock.address is not None else lock.owner
    where: Iterable[str] = (
        "" if address is None else f" {'at' if lock.address is not None else 'in the object at'} {address:#x}",
        "" if lock.owner_type is None else f", of a {words.base_symbol(lock.owner_type)}",
        "" if lock.reliable else " (uncertain)",
    )
    return f"a {lock.kind}{''.join(where)}"
