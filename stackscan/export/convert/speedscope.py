"""speedscope's own file format (https://www.speedscope.app/file-format-schema.json): one sampled profile."""

from __future__ import annotations

import json
from typing import Any

from stackscan import __version__
from stackscan.export.convert.stacks import counted
from stackscan.model.snapshot import Frame
from stackscan.render.words import plain
from stackscan.report import CaptureReport


def convert(examined: CaptureReport) -> bytes:
    """The profile: one sample a stack, weighted with its goroutines."""
    frames: dict[Frame, int] = {}
    samples: list[list[int]] = []
    weights: list[int] = []
    for stack, count in counted(examined.capture.snapshot):
        samples.append([frames.setdefault(frame, len(frames)) for frame in stack])
        weights.append(count)
    report = examined.report
    name = plain(f"{report.source}, {report.member}" if report.member else report.source)
    content = {
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "name": name,
        "exporter": f"stackscan@{__version__}",
        "activeProfileIndex": 0,
        "shared": {"frames": [_frame(frame) for frame in frames]},
        "profiles": [
            {
                "type": "sampled",
                "name": f"goroutines of {name}",
                "unit": "none",
                "startValue": 0,
                "endValue": sum(weights),
                "samples": samples,
                "weights": weights,
            }
        ],
    }
    return json.dumps(content, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"


def _frame(frame: Frame) -> dict[str, Any]:
    """Names are printable; JSON writes all that is not ASCII as escapes."""
    values: dict[str, Any] = {"name": plain(frame.function)}
    if frame.file:
        values |= {"file": plain(frame.file), "line": max(frame.line, 0)}
    return values
