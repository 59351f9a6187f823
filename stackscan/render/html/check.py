"""The outcome of a check as a page for a browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TextIO

from stackscan.checks import CaptureResult, CheckResult, SourceResult
from stackscan.render import check_words as wording
from stackscan.render.html.page import data, rendered, shell
from stackscan.render.json.check import as_json
from stackscan.report import Verdict
from stackscan.report.links import Links, links_of
from stackscan.report.model import Level

#: How an input or a capture did, and what that is coloured like.
_RESULTS: Final[Mapping[str, Level]] = {"passes": "ok", "fails": "error", "cannot be checked": "warning"}
#: Stacks that a finding shows.
_STACKS: Final = 20
#: What tells a capture: source, member, position.
_Key = tuple[str, str | None, int]


def render(result: CheckResult, out: TextIO) -> None:
    """Write the whole page."""
    answer = wording.answer(result)
    links = {
        (found.source, found.member, found.position): links_of(found)
        for report in result.reports
        for found in report.snapshots
    }
    before, after = shell("check", answer)
    out.write(before)
    out.write(
        rendered(
            "check",
            verdicts=[
                Verdict(_level(result), answer),
                *(Verdict("warning", text) for text in wording.complaints(result)),
            ],
            result=result,
            sections=[_source(place, source, links) for place, source in enumerate(result.sources, start=1)],
            most=_STACKS,
            report=data(as_json(result)),
            wording=wording,
        )
    )
    out.write(after)


def _level(result: CheckResult) -> Level:
    """What the answer is coloured like: an input that cannot be checked does not hide that another fails."""
    if any(capture.fails for capture in result.captures):
        return "error"
    return "ok" if result.exit_code == 0 else "warning"


def _source(place: int, source: SourceResult, links: Mapping[_Key, Links]) -> dict[str, Any]:
    """What the section of an input shows."""
    fails = any(capture.fails for capture in source.captures)
    answer = "cannot be checked" if source.trouble is not None else "fails" if fails else "passes"
    judged = source.trouble is None
    return {
        "anchor": f"input-{place}",
        "source": source,
        "name": "standard input" if source.source == "-" else source.source,
        "answer": answer,
        "level": _RESULTS[answer],
        "captures": [_capture(capture, links, judged=judged) for capture in source.captures],
    }


def _capture(capture: CaptureResult, links: Mapping[_Key, Links], *, judged: bool) -> dict[str, Any]:
    answer = "fails" if capture.fails else "passes" if judged else "cannot be checked"
    return {
        "capture": capture,
        "name": wording.capture_name(capture),
        "answer": answer,
        "level": _RESULTS[answer],
        "listed": [finding for finding in capture.findings if finding.status not in ("known", "ignored")],
        "aside": [finding for finding in capture.findings if finding.status in ("known", "ignored")],
        "links": links.get((capture.source, capture.member, capture.position)) or Links(),
    }
