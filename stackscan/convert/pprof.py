"""A gzip-compressed pprof profile, one sample a goroutine (docs/convert.md)."""

from __future__ import annotations

from stackscan.formats.goroutine_pprof import writer
from stackscan.pipeline import Examined


def convert(examined: Examined) -> bytes:
    """The profile of all goroutines with what the dump says of each as labels."""
    return writer.write(examined.snapshot, captured_at=examined.taken.captured_at)
