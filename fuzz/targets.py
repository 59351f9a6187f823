"""What the fuzzer does with an input, one function a format: read it, and hold what came out to its invariants.

A reader may refuse an input with a StackscanError; any other exception, a hang, or more memory than the harness allows
is a find. Each gives back the names that it read, for the bug that planted.py can plant behind it. To add a target: a
function here, a line in TARGETS, seeds in seeds.py.
"""

from __future__ import annotations

import io
import itertools
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import invariants
from settings import SETTINGS
from stackscan import formats
from stackscan.errors import StackscanError
from stackscan.formats import (
    contention,
    delve,
    go_deadlock,
    goleak,
    grouped_stacks,
    pprof_text,
    race_report,
    stack_events,
)
from stackscan.formats import members as unwrapping
from stackscan.knowledge import descriptions as catalogue
from stackscan.knowledge import pool as pools
from stackscan.knowledge import rule as rules
from stackscan.model.snapshot import Snapshot
from stackscan.pipeline import scan
from stackscan.render import renderer
from stackscan.sources import Member, open_source
from stackscan.sources import logs as wrappers

Names = list[str]


def _functions(snapshots: Iterable[Snapshot]) -> Names:
    return [frame.function for snapshot in snapshots for stack in snapshot.stacks for frame in stack.frames]


def text(data: bytes) -> Names:
    """The full text of stacks, against the grammar run alone."""
    return _functions(invariants.check_text(data))


def counts(data: bytes) -> Names:
    """Counted text (debug=1)."""
    return _functions(invariants.check_counts(data))


def pprof(data: bytes) -> Names:
    """Protobuf profiles (debug=0)."""
    return _functions(invariants.check_pprof(data))


def pprof_text_report(data: bytes) -> Names:
    """What go tool pprof prints: where it stands in a text, and each report."""
    spans = pprof_text.spans(data)
    assert all(begin < end for begin, end in spans)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))
    found = [pprof_text.read(data[begin:end]) for begin, end in spans]
    for snapshots in found:
        invariants.check_snapshots(snapshots)
    return _functions(snapshot for snapshots in found for snapshot in snapshots)


def mutex(data: bytes) -> Names:
    """Contention profiles: mutex and block, in text."""
    profile = invariants.check_contention(data) if contention.claims(data) else None
    return [frame.function for record in profile.records for frame in record.frames] if profile else []


def races(data: bytes) -> Names:
    """Reports of the race detector, anywhere in a text."""
    return _functions(invariants.check_tool(race_report, data))


def leaks(data: bytes) -> Names:
    """Lists of leaked goroutines, anywhere in a text."""
    return _functions(invariants.check_tool(goleak, data))


def deadlocks(data: bytes) -> Names:
    """Reports of go-deadlock, anywhere in a text."""
    return _functions(invariants.check_tool(go_deadlock, data))


def logs(data: bytes) -> Names:
    """Dumps inside logs: what is left when the wrapper is off has line numbers of the log."""
    last = data.count(b"\n") + data.count(b"\r") + 1
    wrapped = wrappers.unwrap(data)
    for piece in wrapped.pieces if wrapped else ():
        assert piece.lines is None or all(1 <= line <= last for line in piece.lines)
    found = [snapshots for _, snapshots in unwrapping.read_member(Member("fuzz", None, data))]
    for snapshots in found:
        invariants.check_snapshots(snapshots)
    return _functions(snapshot for snapshots in found for snapshot in snapshots)


def events(data: bytes) -> Names:
    """Reported stacks: spans are lines in order, and each reads by itself."""
    end = 0
    found = []
    for begin, after in stack_events.spans(data):
        assert end <= begin < after <= len(data)
        assert begin == 0 or data[begin - 1 : begin] == b"\n"
        end = after
        snapshots = stack_events.read(data[begin:after])
        invariants.check_snapshots(snapshots)
        assert any(snapshot.total for snapshot in snapshots)
        found += snapshots
    return _functions(found)


def archive(data: bytes) -> Names:
    """Zip, tar, gzip and zstandard, also inside each other: the members, not what they hold."""
    with _file(data) as path:
        members = list(open_source(path))
    assert all(member.data is None or type(member.data) is bytes for member in members)
    return [member.name or "" for member in members]


def claimed(data: bytes) -> Names:
    """Whatever format claims the bytes reads them."""
    snapshots = formats.read(data, where="fuzz")
    for snapshot in snapshots:
        snapshot.check_valid()
    return _functions(snapshots)


def everything(data: bytes) -> Names:
    """A file through the whole pipeline, up to each output."""
    with _file(data) as path:
        report = scan([path])
    for output in ("text", "json", "markdown"):
        out = io.StringIO()
        renderer("report", output)(report, out)
        assert "\x1b" not in out.getvalue(), "an escape sequence of the dump reached an output"
    shown = [stack.bucket.stack for found in report.snapshots for stack in found.shown]
    return [frame.function for stack in shown for frame in stack.frames]


def descriptions(data: bytes) -> Names:
    """The TOML descriptions of rules and pools, which users may write."""
    content = data.decode("utf-8", "replace")
    names = []
    for read in (rules.read_rule, pools.read_pool):
        try:
            names.append(read(catalogue.read_text(content, where="fuzz")).name)
        except StackscanError:
            continue
    return names


def debugger(data: bytes) -> Names:
    """What Delve prints: its terminal and its JSON API."""
    return _functions(invariants.check_tool(delve, data))


def grouped(data: bytes) -> Names:
    """Lists of grouped stacks: goroutine-inspect, panicparse, people."""
    return _functions(invariants.check_tool(grouped_stacks, data))


TARGETS: Final[dict[str, Callable[[bytes], Names]]] = {
    "text": text,
    "quoted": text,  # from other seeds
    "counts": counts,
    "pprof": pprof,
    "pprof-text": pprof_text_report,
    "pprof-sums": pprof_text_report,  # from other seeds
    "contention": mutex,
    "race-report": races,
    "goleak": leaks,
    "go-deadlock": deadlocks,
    "wrappers": logs,
    "events": events,
    "delve": debugger,
    "grouped-stacks": grouped,
    "archive": archive,
    "claimed": claimed,
    "report": everything,
    "descriptions": descriptions,
    **SETTINGS,
}


class _file:  # noqa: N801  # reads as a function
    """A file in memory that holds the bytes: what a user would name on the command line."""

    def __init__(self, data: bytes) -> None:
        folder = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  # made by mkstemp
        handle, self.path = tempfile.mkstemp(prefix="stackscan-fuzz-", dir=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(data)

    def __enter__(self) -> str:
        return self.path

    def __exit__(self, *_: object) -> None:
        Path(self.path).unlink()
