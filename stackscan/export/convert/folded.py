"""Folded stacks, as Brendan Gregg's flamegraph.pl, inferno and speedscope read them: ``main.main;main.run 3``.

One line a stack, the outermost function first, goroutines in it last. The format has no escapes of its own: a
semicolon in a name is written ``%3B`` (as Go escapes import paths), characters that act on a terminal as escapes.
"""

from __future__ import annotations

from collections import Counter

from stackscan.export.convert.stacks import counted
from stackscan.render.words import plain
from stackscan.report import CaptureReport


def convert(examined: CaptureReport) -> bytes:
    """The folded stacks; equal function names share a line, the largest come first."""
    lines: Counter[str] = Counter()
    for frames, count in counted(examined.capture.snapshot):
        lines[";".join(plain(frame.function).replace(";", "%3B") for frame in frames)] += count
    return "".join(f"{stack} {count}\n" for stack, count in lines.most_common()).encode("utf-8", "backslashreplace")
