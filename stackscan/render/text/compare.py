"""A comparison for a terminal: the verdict, findings and pools over time, what grew, what stayed, what shrank."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TextIO

from stackscan.comparison import Change, Comparison, StandingChange
from stackscan.render import compare_words as wording
from stackscan.render import words
from stackscan.render.local_files import Find, local_path
from stackscan.render.text.opened import page_on
from stackscan.render.text.page import MARKS, Page
from stackscan.report import StackReport
from stackscan.report.growth import leak_text, place_text, sentence, witnesses

_STYLES: Final = {"new": "red", "grown": "red", "gone": "green", "shrunk": "green", "steady": "dim"}
_KINDS: Final = {"leak": "bold red", "steady": "bold green", "sawtooth": "bold yellow", "unclear": "bold yellow"}
_MOST: Final = 10
_BARS: Final = "▁▂▃▄▅▆▇█"


def render(comparison: Comparison, out: TextIO, *, editor: str | None = None, find: Find | None = None) -> None:
    """Write the comparison to a terminal or a pipe. ``editor`` is what links open (None: the web), ``find`` finds the
    file of a frame on this machine (None: none is looked for)."""
    page = page_on(out, editor)
    page.link_frames(find=find)
    page.name_paths(lambda frame: local_path(frame, find))
    _verdict(page, comparison)
    _captures(page, comparison)
    grown = [s for s in comparison.standings if s.change.verdict in ("new", "grown")]
    gone = [s for s in reversed(comparison.standings) if s.change.verdict in ("gone", "shrunk")]
    _findings(page, comparison)
    _pools(page, comparison)
    _standings(page, "Grew", grown, comparison)
    _stayers(page, comparison)
    _largest(page, comparison)
    _standings(page, "Shrank", gone, comparison)
    steady = len(comparison.standings) - len(grown) - len(gone)
    page.line()
    page.line((f"{words.count(steady, 'places')} unchanged; --format json lists every stack", "dim"))


def _verdict(page: Page, comparison: Comparison) -> None:
    """The verdict: whether goroutines leak, and who says so; breaks; then findings whose goroutines stayed."""
    _growth(page, comparison)
    for text in wording.breaks(comparison):
        page.marked("!", text, "bold yellow")
    for note in comparison.notes:
        page.marked("!", note, "yellow")
    for severity, text in wording.stayed_findings(comparison):
        page.marked(MARKS[severity][0], text, MARKS[severity][1])
    total = comparison.total
    page.line((f"  {_arrows(total.counts)} goroutines ({wording.signed(total.change)})", "bold"))
    if comparison.stayed is not None:
        page.line((f"  {comparison.stayed:,} {wording.stayed(comparison)}", ""))


def _growth(page: Page, comparison: Comparison) -> None:
    """The first line, ``leak: …``, then the other places and the witnesses of each leak."""
    verdict = comparison.verdict
    page.whole(words.plain(sentence(verdict, len(comparison.captures))), style=_KINDS[verdict.kind])
    for number, leak in enumerate(verdict.leaks):
        if number:
            page.whole(words.plain(f"leak: {leak_text(leak)}"), style=_KINDS["leak"])
        for place in leak.places[1:]:
            page.whole(words.plain(f"with it: {place_text(place)}"), indent=2)
        for line in witnesses(leak):
            page.whole(line, indent=2, style="dim")


def _captures(page: Page, comparison: Comparison) -> None:
    folder, names = wording.names(comparison.captures)
    page.heading("Captures", "in the order given")
    if folder:
        page.whole(folder, indent=2, style="dim")
    widest = min(max(len(name) for name in names), max(page.width - 46, 24))
    gaps = [None, *comparison.intervals_seconds]
    for place, (name, capture, gap) in enumerate(zip(names, comparison.captures, gaps, strict=True), start=1):
        shown = words.fit(name, widest) if page.cuts else name
        after = "" if gap is None else f"  {wording.later(gap)}"
        taken = "" if capture.captured_at is None else f"  {capture.captured_at:%Y-%m-%d %H:%M:%S}"
        page.line(
            (f"{place:>4}  ", "bold"),
            (f"{shown:<{widest}}", ""),
            (f"  {capture.goroutines:>9,}{taken}{after}{'' if capture.complete else '  INCOMPLETE'}", "dim"),
        )


def _findings(page: Page, comparison: Comparison) -> None:
    if not comparison.findings:
        return
    page.heading("Findings")
    width = _width(finding.change for finding in comparison.findings)
    for finding in comparison.findings:
        mark, style = MARKS[finding.severity]
        page.line(
            (f"{_columns(finding.change.counts, width)}  {wording.signed(finding.change.change):>7}  ", "bold"),
            (f"{mark} {words.plain(finding.rule)}", style),
            (f"  {_stay(finding.stayed)}" if finding.stayed else "", "yellow"),
        )


def _pools(page: Page, comparison: Comparison) -> None:
    if not comparison.pools:
        return
    page.heading("Pools", "busy workers")
    width = max(len(f"{number or 0:,}") for pool in comparison.pools for number in pool.workers)
    for pool in comparison.pools:
        workers = "/".join(f"{n:,}" for n in dict.fromkeys(n for n in pool.workers if n is not None))
        page.line((f"{_columns(pool.busy, width)}  ", "bold"), f"of {workers} {words.plain(pool.pool)}")
        for state, numbers in pool.states:
            if any(numbers):
                page.line((f"{_columns(numbers, width)}  ", "dim"), (f"  {words.plain(state)}", "dim"))


def _standings(page: Page, title: str, changes: Sequence[StandingChange], comparison: Comparison) -> None:
    """Places by growth; stacks that differ in depth only are one line."""
    if not changes:
        return
    shown = changes[:_MOST]
    more = f"{len(shown)} of {len(changes):,} places" if len(changes) > len(shown) else ""
    page.heading(title, more)
    width = _width(change.change for change in shown)
    for change in shown:
        verdict = change.change.verdict
        stacks = f"{change.stacks} stacks" if change.stacks > 1 else ""
        stay = _stay(change.stayed) if change.stayed and len(comparison.captures) > 1 else ""
        _row(
            page,
            (f"{_columns(change.change.counts, width)}  {wording.signed(change.change.change):>6}  ", _STYLES[verdict]),
            change.largest,
            ", ".join(part for part in (verdict, stacks, stay) if part),
        )


def _stayers(page: Page, comparison: Comparison) -> None:
    """Goroutines that stayed: those with findings first, then those whose wait is suspicious."""
    stayers = [b for b in comparison.buckets if b.stayed is not None and b.stayed.goroutines]
    if not stayers:
        return
    stayers.sort(key=wording.suspicion)
    shown = stayers[:_MOST]
    page.heading(
        "Stayed", f"same id and same stack in every capture: {len(shown)} of {words.count(len(stayers), 'stacks')}"
    )
    for change in shown:
        stayed = change.stayed
        if stayed is None:
            continue
        _row(page, (f"{stayed.goroutines:>8,}  ", "bold"), change.stack, wording.how_long(change, stayed))


def _largest(page: Page, comparison: Comparison) -> None:
    """Without goroutine ids: the places with most goroutines in every capture."""
    held = [s for s in comparison.standings if min(s.change.counts) > 1]
    if comparison.stayed is not None or not held:
        return
    held.sort(key=lambda s: (-min(s.change.counts), s.at or ""))
    page.heading("Largest", "places with most goroutines in every capture, by counts (no ids)")
    width = _width(change.change for change in held[:_MOST])
    for change in held[:_MOST]:
        note = f"{change.stacks} stacks" if change.stacks > 1 else ""
        _row(page, (f"{_columns(change.change.counts, width)}  ", "bold"), change.largest, note)


def _row(page: Page, lead: tuple[str, str], found: StackReport, note: str) -> None:
    """One place: numbers, then where it is; below it the wait reason, what else is known, and the creator."""
    frame = found.deciding_frame
    reason = f"[{words.plain(found.bucket.wait_reason)}]" if found.bucket.wait_reason else ""
    indent = len(lead[0])
    if frame is None:
        page.line(lead, ("no frames", ""))
    else:
        page.located(lead[0], frame, lead_style=lead[1])
    creator = found.bucket.stack.created_by
    below = [(f"{reason}  ", "cyan")] if reason else []
    below += [(f"{words.plain(note)}  ", "dim")] if note else []
    below += [(f"created by {words.base_symbol(creator.function)}", "dim")] if creator is not None else []
    if below:
        page.hanging((" " * indent, ""), *below)


def _stay(number: int | None) -> str:
    return f"{number:,} stayed"


def _width(changes: Iterable[Change]) -> int:
    return max(len(f"{number:,}") for change in changes for number in change.counts)


def _columns(numbers: Sequence[int | None], width: int) -> str:
    """A column a capture; of many captures the first, a curve, and the last."""
    cells = ["–" if number is None else f"{number:,}" for number in numbers]
    if len(cells) <= wording.MOST_COLUMNS:
        return "  " + "  ".join(f"{cell:>{max(width, 4)}}" for cell in cells)
    return f"  {cells[0]:>{max(width, 4)}} {_curve(numbers)} {cells[-1]:>{max(width, 4)}}"


def _curve(numbers: Sequence[int | None]) -> str:
    """The numbers as a line of small bars, from nothing to their largest."""
    most = max((number or 0 for number in numbers), default=0) or 1
    return "".join(" " if number is None else _BARS[round(number / most * (len(_BARS) - 1))] for number in numbers)


def _arrows(numbers: Sequence[int]) -> str:
    if len(numbers) <= wording.MOST_COLUMNS:
        return " → ".join(f"{number:,}" for number in numbers)
    return f"{numbers[0]:,} {_curve(numbers)} {numbers[-1]:,}"
