"""Names the wait reasons of a moment: numbers in JSON, and texts that Delve took from another version's table."""

from __future__ import annotations

from typing import Final

from stackscan.formats.delve import waits
from stackscan.formats.delve.gathered import Goroutine, Moment
from stackscan.formats.delve.visible import in_system_call

_WRONG_TABLE: Final = (
    "this Delve is older than the program's Go and names wait reasons by an older table; they are read by number"
)


def name_reasons(moment: Moment) -> None:
    """Give each waiting goroutine the reason that is certain."""
    wrong = _is_wrong_table(moment)
    if wrong is not None:
        for each in moment.goroutines:
            each.number = waits.printed_number(each.wait_reason) if each.wait_reason is not None else None
        moment.problem(wrong.line, _WRONG_TABLE, lost=False)
    tables = waits.reason_tables(
        (each.number, texts) for each in moment.goroutines if each.number and (texts := _allowed(each)) is not None
    )
    for each in moment.goroutines:
        if each.number and each.state is None:
            each.wait_reason = waits.reason(each.number, tables)
        elif each.state is not None:
            each.wait_reason = each.state


def _is_wrong_table(moment: Moment) -> Goroutine | None:
    """The first goroutine whose printed reason is not what its stack waits for, where numbers explain them all."""
    facts = [
        (each, each.wait_reason, texts)
        for each in moment.goroutines
        if each.wait_reason is not None and not each.number and (texts := _allowed(each)) is not None
    ]
    wrong = next((each for each, text, texts in facts if text not in texts), None)
    numbers = [(waits.printed_number(text) or 0, texts) for _, text, texts in facts]
    return wrong if wrong is not None and waits.reason_tables(numbers) else None


def _allowed(goroutine: Goroutine) -> set[str] | None:
    """The reasons that a goroutine can have, which is parked; None where that is not known."""
    trace = goroutine.trace
    frames = trace.frames if trace is not None else [*goroutine.places.values()]
    if goroutine.thread is not None or in_system_call(frames):
        return None
    own = goroutine.places.get("Go")
    return waits.allowed(frame.function for frame in frames if frame is not own)
