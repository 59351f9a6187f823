"""A bundle for a terminal: its files, how its views of one process agree, and where its profiles saw waiting."""

from __future__ import annotations

from typing import Final

from stackscan.model.capture import Entry
from stackscan.render import words
from stackscan.render.text.page import Page
from stackscan.report import BundleReport, ContentionReport

#: Notes of members that nobody misses: the program in a bundle of kubo, links, empty files.
_HARMLESS: Final = ("a program", "not a regular file", "has no content")
#: Two views of one process are taken moments apart; below this share of equal stacks they are not of one process.
_AGREE: Final = 0.9


def write_bundle(page: Page, bundle: BundleReport) -> None:
    """The whole bundle."""
    page.line(("Bundle  ", "bold"), (words.plain(bundle.source), "bold"))
    if bundle.version:
        page.line(words.plain(words.program(bundle.version)), indent=2)
    name_width = min(max(len(member.name) for member in bundle.members), 48)
    kind_width = max(len(member.kind) for member in bundle.members)
    for member in bundle.members:
        size = "" if member.size is None else f"{member.size:,}"
        goroutines = "" if member.goroutines is None else words.count(member.goroutines, "goroutines")
        name = words.plain(words.fit(member.name, name_width))
        page.line(
            f"{name:<{name_width}}  {member.kind:<{kind_width}}  {size:>13}  ",
            goroutines,
            (words.plain(f"  {member.note}" if member.note else ""), "yellow"),
            indent=2,
        )
    for views in bundle.views:
        page.prose("", words.agreement(views))
    for profile in bundle.contention:
        _contention(page, profile)


def write_bundle_trouble(page: Page, bundle: BundleReport) -> None:
    """What of a bundle nobody should miss: members that could not be read whole, views that disagree."""
    damaged = [member for member in bundle.members if _is_damaged(member)]
    differing = [views for views in bundle.views if views.agreement.share < _AGREE]
    if not damaged and not differing:
        return
    page.heading("Bundle")
    for member in damaged[:3]:
        page.marked("!", f"{member.name}: {member.note or 'its end is missing'}", "yellow")
    if len(damaged) > 3:
        page.line((f"and {len(damaged) - 3:,} more; --all lists them", "dim"), indent=2)
    for views in differing:
        page.marked("!", f"the views disagree: {words.agreement(views)}", "yellow")


def _is_damaged(member: Entry) -> bool:
    return member.cut or (member.kind == "not read" and not (member.note or "").startswith(_HARMLESS))


def _contention(page: Page, profile: ContentionReport) -> None:
    """Where goroutines waited; a profile without waits is not worth a line."""
    if not profile.stacks:
        return
    page.line()
    what = "waits for locks" if profile.kind == "mutex" else "waits on channels, locks and timers"
    total = f"  {what}: {words.seconds(profile.delay_seconds)} in total"
    page.line((words.plain(profile.member), "bold"), (total, "dim"))
    for stack in profile.stacks:
        page.located(f"{words.seconds(stack.delay_seconds):>12}  {stack.waits:>9,} ×  ", stack.frame, style="bold")
