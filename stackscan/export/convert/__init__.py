"""One dump for the tools that read profiles: pprof, flame graphs, speedscope."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final

from stackscan.errors import UsageError
from stackscan.report import CaptureReport

#: Output name → module with ``convert(examined)``, which gives the bytes of the file.
CONVERTERS: Final = {
    "pprof": "stackscan.export.convert.pprof",
    "folded": "stackscan.export.convert.folded",
    "speedscope": "stackscan.export.convert.speedscope",
}


def converter(name: str) -> Callable[[CaptureReport], bytes]:
    """The function that makes an output."""
    convert: Callable[[CaptureReport], bytes] = import_module(CONVERTERS[name]).convert
    return convert


def choose(
    found: Sequence[CaptureReport], *, member: str | None = None, stream: str | None = None, position: int | None = None
) -> CaptureReport:
    """The one dump that the options select; of a bundle its text, which holds more than its profile.

    Raises UsageError, which lists the dumps, when several or none are left.
    """
    left = [
        each
        for each in found
        if member in (None, each.report.member)
        and stream in (None, each.report.stream)
        and position in (None, each.report.position)
    ]
    texts = [each for each in left if each.report.format == "goroutine-text"]
    left = texts if member is None and texts else left
    if len(left) == 1:
        return left[0]
    listed = "; ".join(_options(each) for each in (left or found)[:10])
    subject = "the only dump" if len(found) == 1 else f"{len(left) or 'none'} of the {len(found)} dumps"
    raise UsageError(
        f"{subject} in this source {'is not the one that is' if len(found) == 1 else 'could be'} meant",
        hint=f"Choose {'one' if len(found) > 1 else 'it'}: {listed}",
    )


def _options(found: CaptureReport) -> str:
    """The options that select this dump: ``--member goroutines.stacks --snapshot 1``."""
    report = found.report
    options = (("--member", report.member), ("--stream", report.stream), ("--snapshot", str(report.position)))
    return " ".join(f"{option} {shlex.quote(value)}" for option, value in options if value)
