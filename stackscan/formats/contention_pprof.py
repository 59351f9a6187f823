"""Mutex and block profiles in protobuf (debug=0, gzip already taken off): the same content as their text."""

from __future__ import annotations

from typing import Final

from stackscan.errors import UnrecognisedFormatError
from stackscan.formats.contended import ContentionProfile, ContentionRecord, Kind
from stackscan.formats.goroutine_pprof import schema
from stackscan.formats.goroutine_pprof.claim import begins_with_value_type
from stackscan.formats.goroutine_pprof.symbols import Symbols
from stackscan.formats.problems import bounded
from stackscan.model.snapshot import Problem
from stackscan.sources import limits

_COUNT, _DELAY = "contentions", "delay"
_MARK: Final = b"contentions"
_NANOSECONDS: Final = 1_000_000_000
_LEAST, _MOST = 0, (1 << 63) - 1


def claims(data: bytes) -> bool:
    """Whether the bytes are such a profile."""
    return _MARK in data and begins_with_value_type(data)


def read(data: bytes) -> ContentionProfile:
    """The profile, whose clock runs in nanoseconds; an empty one with a problem where it is damaged."""
    try:
        profile = schema.parse(data)
    except UnrecognisedFormatError as error:
        return ContentionProfile("block", _NANOSECONDS, None, (), (Problem(1, str(error)),))
    symbols = Symbols(profile)
    types = [symbols.text(each.type) for each in profile.sample_type]
    if _COUNT not in types or _DELAY not in types:
        return ContentionProfile("block", _NANOSECONDS, None, (), (Problem(1, "the profile has no contentions"),))
    count, delay = types.index(_COUNT), types.index(_DELAY)
    records = []
    problems: list[Problem] = []
    for place, sample in enumerate(profile.sample, start=1):
        if len(sample.value) != len(types) or not all(_LEAST <= sample.value[at] <= _MOST for at in (count, delay)):
            problems.append(Problem(1, f"sample {place} is damaged; skipped"))
            continue
        frames = [frame for location in sample.location_id for frame in symbols.frames(location)]
        records.append(ContentionRecord(sample.value[delay], sample.value[count], tuple(frames[: limits.MAX_FRAMES])))
    problems += [Problem(1, f"damaged: {number:,} {what}") for what, number in symbols.dangling.items()]
    records.sort(key=lambda record: -record.cycles)
    return ContentionProfile(_kind(records), _NANOSECONDS, None, tuple(records), bounded(problems))


def _kind(records: list[ContentionRecord]) -> Kind:
    """Mutex or block: the two have the same sample types. A mutex profile names the places that unlock."""
    innermost = [record.frames[0].function for record in records if record.frames]
    unlocks = sum(name.endswith(("Unlock", "unlock", "_LostContendedRuntimeLock")) for name in innermost)
    return "mutex" if 2 * unlocks > len(innermost) else "block"
