"""What a store holds, or what its upkeep did, for a terminal."""

from __future__ import annotations

from typing import TextIO

from stackscan.fleet.store.outcomes import Compaction, Expiry, Summary
from stackscan.render.fleet_words import between
from stackscan.render.numbers import number, size
from stackscan.render.text.opened import page_on
from stackscan.render.words import count


def render(shown: Summary | Compaction | Expiry, out: TextIO) -> None:
    """Write what was done or found, then its numbers."""
    page = page_on(out)
    lines = _lines(shown)
    page.whole(lines[0])
    for line in lines[1:]:
        page.prose("", line)


def _lines(shown: Summary | Compaction | Expiry) -> list[str]:
    if isinstance(shown, Summary):
        return _summary(shown)
    if isinstance(shown, Compaction):
        before = f"{count(shown.files_before, 'files')} of {size(shown.bytes_before)}"
        gone = (
            f"{count(shown.rows, 'rows')} that counted no more, {count(shown.places, 'places')} that were there twice"
        )
        return [f"{before} became {count(shown.files, 'files')} of {size(shown.bytes)}", f"deleted: {gone}"]
    if not shown.captures:
        return [f"no capture is older than {shown.before:%Y-%m-%d %H:%M} UTC"]
    deleted = f"deleted {count(shown.captures, 'captures')} from before {shown.before:%Y-%m-%d %H:%M} UTC"
    return [deleted, f"the {count(shown.objects, 'objects')} that held them are not read again"]


def _summary(one: Summary) -> list[str]:
    programs = f"{count(len(one.services), 'services')}, {count(len(one.versions), 'versions')}"
    lines = [f"{one.url}: {count(one.captures, 'captures')} of {count(one.hosts, 'known hosts')}, {programs}"]
    if one.first_captured is not None and one.last_captured is not None:
        lines.append(f"captured {between(one.first_captured, one.last_captured)} UTC")
    if one.last_read is not None:
        by = ", ".join(one.stackscan_versions)
        lines.append(f"last written {one.last_read:%Y-%m-%d %H:%M} UTC, by stackscan {by}")
    lines.append(f"{count(one.objects, 'objects')} read, {count(one.unreadable, 'captures')} unreadable")
    if one.expired:
        lines.append(f"{count(one.expired, 'objects')} whose captures have expired")
    each = "" if one.bytes_per_capture is None else f", {number(one.bytes_per_capture)} bytes a capture"
    lines.append(f"{size(one.bytes)} in {count(one.files, 'files')}{each}; {count(one.places, 'places')} in code")
    if one.superseded:
        lines.append(f"{count(one.superseded, 'rows')} that count no more: store compact deletes them")
    if one.redacted:
        lines.append("private names are redacted")
    return lines
