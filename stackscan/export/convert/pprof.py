"""A gzip-compressed pprof profile, one sample a goroutine (docs/convert.md)."""

from __future__ import annotations

from stackscan.formats.goroutine_pprof import writer
from stackscan.report import CaptureReport


def convert(examined: CaptureReport) -> bytes:
    """The profile of all goroutines, their states and ids as labels."""
    return writer.write(examined.capture.snapshot, captured_at=examined.capture.taken.captured_at)
