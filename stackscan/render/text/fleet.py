"""The answer over a fleet for a terminal: the verdict, then findings, odd hosts, pools, and what could not be read."""

from __future__ import annotations

from typing import Final, TextIO

from stackscan.fleet.model import Fleet
from stackscan.render import fleet_change_words as changes
from stackscan.render import fleet_words as wording
from stackscan.render import words
from stackscan.render.text.opened import page_on
from stackscan.render.text.page import MARKS, Page

#: Findings on one screen, and lines of each other list.
ON_SCREEN: Final = 3
_OTHERS: Final = 3


def render(fleet: Fleet, out: TextIO, *, top: int | None = None, everything: bool = False) -> None:
    """Write the answer. ``top`` limits each list (None: what fits on a screen), ``everything`` shows all of it."""
    page = page_on(out)
    level, text = wording.verdict(fleet)
    page.marked(MARKS[level][0], text, MARKS[level][1])
    for line in wording.notes(fleet):
        page.prose("", line, style="dim")
    most = None if everything else ON_SCREEN if top is None else top
    others = None if everything else _OTHERS if top is None else top
    _changes(page, fleet, others)
    _findings(page, fleet, most)
    _odd(page, fleet, others)
    _pools(page, fleet, others)
    _unreadable(page, fleet, others)


def _changes(page: Page, fleet: Fleet, most: int | None) -> None:
    pair = fleet.versions_compared
    if pair is None:
        return
    changed = changes.changed(fleet)
    shown = changed[:most]
    page.heading(changes.heading(pair), wording.more(len(shown), len(changed)))
    page.whole(changes.summary(fleet, pair), indent=2)
    for one, change in shown:
        style = "yellow" if change.kind in ("new", "worse") and one.severity != "info" else "dim"
        page.whole(changes.line(one, change), indent=4, style=style)


def _findings(page: Page, fleet: Fleet, most: int | None) -> None:
    shown = fleet.findings[:most]
    if not fleet.findings:
        return
    page.heading("Findings", wording.more(len(shown), len(fleet.findings)))
    for one in shown:
        mark, style = MARKS[one.severity]
        name = words.plain(one.name)
        page.marked(mark, f"{name}: {one.title}", style, styled=len(name))
        for line in wording.details(fleet, one):
            page.whole(line, indent=4, style="dim")
        if one.fix and one.severity != "info":
            page.prose("fix", words.first_sentence(one.fix), indent=4)


def _odd(page: Page, fleet: Fleet, most: int | None) -> None:
    shown = fleet.odd_hosts[:most]
    if not fleet.odd_hosts:
        return
    page.heading("Odd hosts", wording.more(len(shown), len(fleet.odd_hosts)))
    for one in shown:
        page.step("", "", f"{wording.odd_name(one)}: {wording.odd(one)}", continued="  ")


def _pools(page: Page, fleet: Fleet, most: int | None) -> None:
    shown = fleet.pools[:most]
    if not fleet.pools:
        return
    page.heading("Pools", wording.more(len(shown), len(fleet.pools)))
    for one in shown:
        page.whole(f"{words.plain(one.name)}: {wording.pool(one)}", indent=2)
        if one.near:
            page.whole(wording.near(one), indent=4, style="yellow")


def _unreadable(page: Page, fleet: Fleet, most: int | None) -> None:
    shown = fleet.unreadable[:most]
    if not fleet.unreadable:
        return
    page.heading("Could not be read", wording.more(len(shown), len(fleet.unreadable)))
    for one in shown:
        page.whole(wording.unreadable(one), indent=2)
