"""Logs that put something before each line: a time, a host, a process, a container, or a quotation mark."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from stackscan.sources.logs.wrapped import (
    HEADER,
    Note,
    Piece,
    Streams,
    Wrapped,
    headers,
    line_at,
    next_line,
    only_crashes,
)

_ISO: Final = rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|[A-Z]{3,4}|[+-]\d\d:?\d\d))?"
_TIME: Final = (
    rb"(?:(?:[A-Z][a-z]{2} )?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?|"
    + _ISO
    + rb")|\d{10}\.\d{6}|\[ *\d+\.\d+\])"
)
_LOST: Final = re.compile(
    rb"(?m)^[^\n]{0,200}?(?:Suppressed \d+ messages? from|rate-limiting|message repeated \d+ times|"
    rb"imjournal: [^\n]{0,80}lost)[^\n]*"
)
#: Marks of quotations: their number tells how old a line is, and differs within one text.
_QUOTATION: Final = re.compile(rb"[ \t]*(?:> ?)*>")
_QUOTE_MARKS: Final = re.compile(rb"(?m)^(?:> ?)+")
_QUOTED: Final = re.compile(
    rb"(?m)^(?:> ?)+goroutine \d{1,20} \[[^\n]{1,4096}:[ \t\r]*\n(?:> ?)+[^\n]{1,4096}\)[ \t\r]*$"
)
#: Bytes of a message that somebody answered.
_LONGEST_MESSAGE: Final = 1 << 20
#: A line's number and what stands before it: blanks, as many as keep the numbers in a column.
_COLUMN: Final = re.compile(rb"[ \t]+(?=\d)")
_EXCERPT: Final = 120
#: Lines of a sample that must carry a prefix which is known to the letter, and one that is only guessed.
_MOST: Final = 0.6
_MOST_LOSSES: Final = 20
#: Blanks behind a prefix that may be the indentation of the line.
_INDENT: Final = 3
#: Lines above and below a header that tell its indentation.
_NEAR: Final = 8


@dataclass(frozen=True, slots=True)
class Prefix:
    """The prefix of one kind of log. Groups: ``stream`` (process or container), ``tag`` (P: the line goes on)."""

    name: str
    pattern: re.Pattern[bytes]
    only: bool = False  # lines without it are no part of the message


#: Sources: Kubernetes' CRI log format (kubelet/cri/remote), RFC 5424, RFC 3164 and journalctl(1) --output, docker
#: compose, kubectl logs --prefix, docker logs --timestamps and GitHub Actions, journalctl -o export and verbose.
KNOWN: Final = (
    Prefix("CRI log", re.compile(rb"\d{4}-\d\d-\d\dT\S+ (?P<stream>stdout|stderr) (?P<tag>[FP])(?: |$)")),
    Prefix(
        "syslog (RFC 5424)",
        re.compile(rb"<\d{1,3}>1 \S+ \S+ (?P<stream>\S+ \S+) \S+ (?:-|(?:\[[^\]\n]*\])+)(?: (?:\xef\xbb\xbf)?|$)"),
    ),
    Prefix(
        "journald or syslog",
        re.compile(
            rb"(?:<\d{1,3}>)?" + _TIME + rb" (?:[^\s:\[\]]+ )?(?P<stream>[^\s:\[\]|]+(?:\[[^\]\s]{1,40}\])?):(?: |$)"
        ),
    ),
    Prefix("container log", re.compile(rb"(?!\d+ *\|)(?P<stream>[A-Za-z0-9][\w.@-]*) *\|(?: |$)")),
    Prefix("kubectl logs --prefix", re.compile(rb"\[(?P<stream>pod/[^\]\s]+)\](?: |$)")),
    Prefix(
        "timestamps",
        re.compile(rb"(?:\xef\xbb\xbf)?" + _ISO.replace(rb"[T ]", rb"T") + rb"(?: (?:##\[[a-z]{1,20}\])?|$)"),
    ),
    Prefix("journalctl -o export", re.compile(rb"\s*MESSAGE="), only=True),
)
_CALENDAR: Final = re.compile(
    rb"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b|\d+"
)


def known_prefix(text: bytes) -> Wrapped | None:
    """A prefix that a known tool writes."""
    for prefix in KNOWN:
        if _carries(text, prefix.pattern):
            return _take_off(text, prefix.name, prefix.pattern, only=prefix.only)
    return None


def common_prefix(text: bytes) -> Wrapped | None:
    """Any other text before most headers and the lines that follow them.

    Numbers and names of days and months may differ from line to line; a number in brackets names the stream.
    """
    found = [(line, _without_indent(text, line, at)) for line, at in headers(text)]
    if only_crashes(text) and not any(map(_is_log_or_quote, (prefix for _, prefix in found))):
        return None  # one line is too little to guess from
    before = Counter(generalised(prefix) for _, prefix in found)
    general, _ = before.most_common(1)[0]
    if not general:
        return None
    pattern = re.compile(general)
    if not _carries(text, pattern):
        return None
    example = next(prefix for _, prefix in found if generalised(prefix) == general)
    return _take_off(text, f"prefix {example[:60].decode('utf-8', 'replace').strip()!r}", pattern)


def quotation(text: bytes) -> Wrapped | None:
    """Quotation marks before goroutines of a dump, of which others stand unquoted: an answer to a message."""
    if len(text) > _LONGEST_MESSAGE or _QUOTED.search(text) is None:
        return None
    return Wrapped(("quotation marks",), (Piece("", _QUOTE_MARKS.sub(b"", text)),))


def _without_indent(text: bytes, line: int, at: int) -> bytes:
    """What stands before a header, without the blanks that indent its line more than those around it."""
    prefix = text[line:at]
    bare = prefix.rstrip()
    general = generalised(bare)
    if not general or len(prefix) - len(bare) < _INDENT:
        return prefix
    pattern, blanks = re.compile(general.removesuffix(rb"(?:|[ \t]*$)")), len(prefix) - len(bare)
    for start in _around(text, line):
        near = line_at(text, start)
        found = pattern.match(near)
        if found is not None and near[found.end() :].strip():
            rest = near[found.end() :]
            blanks = min(blanks, len(rest) - len(rest.lstrip(b" \t")))
    return prefix[: len(bare) + max(blanks, 1)]


def _around(text: bytes, line: int) -> Iterator[int]:
    """Where the lines begin that stand near another one."""
    start = line
    for _ in range(_NEAR):
        if start == 0:
            break
        start = text.rfind(b"\n", 0, start - 1) + 1
        yield start
    start = line
    for _ in range(_NEAR):
        start = next_line(text, start)
        yield start


def _is_log_or_quote(prefix: bytes) -> bool:
    """Whether a time or a process can stand in a prefix, or nothing but marks does."""
    return any(byte in b"0123456789" for byte in prefix) or not any(chr(byte).isalpha() for byte in prefix)


def generalised(prefix: bytes) -> bytes:
    """A pattern for a prefix in which numbers and names of days may differ; empty when it cannot be a prefix."""
    bare = prefix.rstrip()
    if not bare or len(prefix) > 300:
        return b""
    if _QUOTATION.fullmatch(bare):
        return rb"[ \t]*(?:> ?)+"
    column = _COLUMN.match(bare)
    parts: list[bytes] = [rb"[ \t]*"] if column else []
    end = column.end() if column else 0
    for found in _CALENDAR.finditer(bare, end):
        bracketed = bare[found.start() - 1 : found.start()] == b"[" and bare[found.end() : found.end() + 1] == b"]"
        digits = rb"(?P<stream>\d+)" if bracketed and rb"(?P<stream>" not in b"".join(parts) else rb"\d+"
        parts += [re.escape(bare[end : found.start()]), digits if found[0].isdigit() else rb"[A-Z][a-z]{2}"]
        end = found.end()
    parts.append(re.escape(bare[end:]))
    blank = re.escape(prefix[len(bare) :])
    return b"".join(parts) + rb"(?:" + blank + rb"|[ \t]*$)"


def _carries(text: bytes, pattern: re.Pattern[bytes]) -> bool:
    """Whether headers and the lines after them begin so, and nothing but a dump's own line follows the prefix."""
    sample, matching = 0, 0
    for line, at in headers(text):
        found = pattern.match(line_at(text, line))
        if found is None or line + found.end() > at:  # the header's own words look like a process: ``Type: goroutine``
            continue
        sample += 1
        rest = text[line + found.end() : at]
        following = line_at(text, next_line(text, at))
        ends = not following and text.startswith((b"goroutine", b"\t"), at)  # cut; words alone are no report
        goes_on = ends or pattern.match(following) is not None
        matching += goes_on and (not rest.strip() or _more(rest))
    return sample >= _MOST * len(headers(text)) and matching >= _MOST * sample > 0


def _more(rest: bytes) -> bool:
    """Whether the text between the prefix and the header may be another wrapper: JSON, a prefix, escaped lines."""
    return (
        rest.lstrip()[:1] in (b"{", b"<", b"[")
        or any(prefix.pattern.match(rest) for prefix in KNOWN)
        or any(escape in rest for escape in (b"\\n", b"#012", b'="', b"\x1b["))
    )


def _take_off(text: bytes, name: str, pattern: re.Pattern[bytes], *, only: bool = False) -> Wrapped:
    groups = pattern.groupindex
    streams = Streams()
    if not groups and not only:
        anchored = re.compile(rb"(?m)^" + pattern.pattern)
        return Wrapped((name,), (Piece("", anchored.sub(b"", text)),), _losses(text))
    for number, line in enumerate(text.removesuffix(b"\n").split(b"\n"), start=1):
        found = pattern.match(line)
        if found is None:
            if not only:
                streams.continue_last(line, number)
            continue
        stream = found["stream"].decode("utf-8", "replace") if "stream" in groups else ""
        goes_on = "tag" in groups and found["tag"] == b"P"
        streams.add(line[found.end() :], number, stream=stream, ends=not goes_on)
    return Wrapped((name,), streams.pieces(), _losses(text))


def _losses(text: bytes) -> tuple[Note, ...]:
    """Notes on lines that the log says it left out."""
    notes: list[Note] = []
    for found in _LOST.finditer(text):
        if HEADER.search(found[0]) is None:
            line = text.count(b"\n", 0, found.start()) + 1
            excerpt = found[0].decode("utf-8", "replace").strip()[:_EXCERPT]
            notes.append(Note(line, "the log skipped lines here; goroutines may be missing", excerpt))
        if len(notes) == _MOST_LOSSES:
            break
    return tuple(notes)
