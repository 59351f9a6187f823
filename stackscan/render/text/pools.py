"""Worker pools for a terminal: how busy they are, what the pool model says of their load, and possible pools."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from stackscan.render import words
from stackscan.render.pool_words import Block, aligned, block, brief, in_trouble

if TYPE_CHECKING:
    from stackscan.analysis.occupancy import PoolSample
    from stackscan.analysis.proposals import Proposal
    from stackscan.render.text.page import Page
    from stackscan.report import SnapshotReport

_BAR: Final = 24
_SHORT_BAR: Final = 12
_STATE_STYLES: Final = ("red", "magenta", "blue", "yellow", "cyan")


def write_pools(page: Page, snapshot: SnapshotReport) -> None:
    """All pools and all of their load, or in the short form only those in trouble, a line or two each."""
    shown = snapshot.pools if snapshot.everything else in_trouble(snapshot)
    if not shown:
        return
    page.heading("Pools" if snapshot.everything else "Pools in trouble")
    name_width = max(len(sample.pool.name) for sample in shown)
    for sample in shown:
        _sample(page, sample, name_width, whole=snapshot.everything)
    names = {sample.pool.name: sample.pool.model for sample in shown}
    for name, projected in snapshot.projections:
        if name not in names:
            continue
        model = names[name]
        said = block(projected, fix=model.fix if model else "")
        page.heading("Load", words.plain(name))
        write_load(page, said if snapshot.everything else brief(said))


def _sample(page: Page, sample: PoolSample, name_width: int, *, whole: bool) -> None:
    busy = sum(number for state, number in sample.states.items() if state not in sample.idle_states)
    name = f"{words.plain(sample.pool.name):<{name_width}}  "
    share = f"  {busy:,} of {sample.workers:,} busy"
    states = words.plain(_states(sample))
    bar = _bar(sample, _BAR if whole else _SHORT_BAR)
    size = 2 + len(name) + (_BAR if whole else _SHORT_BAR) + len(share) + 2 + len(states)
    if not whole and size <= page.width:
        page.line((name, ""), *bar, (share, "bold"), f"  {states}", indent=2)
    else:
        page.line((name, ""), *bar, (share, "bold"), indent=2)
        page.line((" " * len(name) + states, ""), indent=2)


def _states(sample: PoolSample) -> str:
    """``12 stalled-close (11 reading, 1 waiting) · 4 idle``."""
    states = []
    for state, number in sample.states.items():
        if number:
            finer = ", ".join(f"{n:,} {name}" for name, n in sample.detail.get(state, {}).items())
            states.append(f"{number:,} {state}" + (f" ({finer})" if finer else ""))
    return " · ".join(states)


def write_load(page: Page, shown: Block) -> None:
    """A projection in words."""
    page.prose("", shown.headline, style={"error": "bold red", "warning": "bold yellow", "ok": "bold"}[shown.level])
    for label, text in shown.facts:
        page.prose(label, text)
    for place, text in enumerate(shown.unexplained):
        page.prose("but" if place == 0 else " ", text, style="bold" if place == 0 else "")
    for place, line in enumerate(aligned(shown.table)):
        page.line((line, "dim" if place == 0 else ""), indent=2)


def write_proposals(page: Page, proposals: Iterable[Proposal]) -> None:
    """Possible pools, each with what to paste."""
    page.heading("Possible worker pools")
    for proposal in proposals:
        page.prose("", words.proposal(proposal))
        for line in proposal.toml.splitlines():
            page.copied(f"    {words.plain(line)}", style="dim")


def _bar(sample: PoolSample, width: int) -> list[tuple[str, str]]:
    """Workers by state, busy ones first, each with a colour of its own; the idle rest is a thin line."""
    busy = [(state, number) for state, number in sample.states.items() if state not in sample.idle_states]
    cells = _cells([number for _, number in busy], sample.workers, width)
    parts = [("█" * n, style) for n, style in zip(cells, [*_STATE_STYLES, *["white"] * len(cells)], strict=False)]
    return [*parts, ("─" * (width - sum(cells)), "green dim")]


def _cells(numbers: list[int], total: int, width: int) -> list[int]:
    """Bar cells for each number, at least one for any that is not zero, together never more than the bar."""
    ends, reached = [], 0
    for number in numbers:
        reached += number
        ends.append(round(width * reached / total))
    cells = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    for place, number in enumerate(numbers):
        if number and not cells[place] and max(cells) > 1:
            cells[cells.index(max(cells))] -= 1
            cells[place] = 1
        elif number and not cells[place] and sum(cells) < width:
            cells[place] = 1
    return cells
