"""Patterns of paths: which parts of a capture's path name its service, host, version and time.

``{service}/{host}/{time:%Y%m%dT%H%M%S}.pb.gz`` has parts divided by ``/``. A field is one part or a piece of one;
``*`` stands for any characters of a part, and ``**`` as a whole part for any number of parts. A time without a format
is as RFC 3339 writes it, also with ``_`` or ``-`` for ``:``; with one, as Python's ``strptime`` reads it. Times are UTC
unless they say otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

from stackscan.errors import UsageError
from stackscan.sources.globs import STARS, Star, expression, star
from stackscan.sources.times import stamp

FIELDS: Final = ("service", "host", "version", "time")
_TOKEN: Final = re.compile(rf"\{{(?P<field>[^{{}}]*)\}}|{STARS}|(?P<brace>[{{}}])")
#: What a time without a format may look like.
_TIME: Final = r"\d{4}-?\d\d-?\d\d[T_ -]\d\d[:_.-]?\d\d[:_.-]?\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d[:_]?\d\d)?"
#: The directives of strptime that a path can have, as expressions.
_DIRECTIVES: Final = {
    "Y": r"\d{4}", "y": r"\d\d", "m": r"\d\d", "d": r"\d\d", "H": r"\d\d", "I": r"\d\d", "M": r"\d\d", "S": r"\d\d",
    "j": r"\d{3}", "f": r"\d{1,6}", "z": r"(?:Z|[+-]\d\d:?\d\d)", "p": r"[AaPp][Mm]",
    "b": r"[A-Za-z]{3}", "B": r"[A-Za-z]{3,9}", "a": r"[A-Za-z]{3}", "A": r"[A-Za-z]{6,9}", "s": r"\d{1,12}", "%": "%",
}  # fmt: skip
_HINT: Final = "Write it like {service}/{host}/{time:%Y%m%dT%H%M%S}.pb.gz; docs/fleet.md has more."


@dataclass(frozen=True, slots=True)
class Origin:
    """Where and when a capture was taken, and of what; the time is in UTC. None: unknown."""

    service: str | None = None
    host: str | None = None
    version: str | None = None
    time: datetime | None = None

    def completed(self, other: Origin) -> Origin:
        """The same, with what only the other one knows."""
        return Origin(
            self.service or other.service,
            self.host or other.host,
            self.version or other.version,
            self.time or other.time,
        )


@dataclass(frozen=True)
class Pattern:
    """A pattern of paths, checked. Make it with :func:`read_pattern`."""

    text: str

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        return re.compile(_expression(self.text), re.DOTALL)

    @cached_property
    def _format(self) -> str | None:
        found = re.search(r"\{time:([^{}]*)\}", self.text)
        return found[1] if found else None

    @property
    def parts(self) -> int:
        """How many parts a path has that it matches; 0: any number."""
        return 0 if "**" in self.text else self.text.count("/") + 1

    def read(self, path: str) -> Origin | None:
        """What a whole path says, None where the pattern does not match it. A time that cannot be is unknown."""
        found = self._expression.fullmatch(path)
        if found is None:
            return None
        values = found.groupdict()
        time = values.pop("time", None)
        return Origin(**values, time=None if time is None else self._time(time))

    def _time(self, text: str) -> datetime | None:
        form = self._format
        if form is None:
            return stamp(text)
        try:
            if "%s" in form.replace("%%", ""):
                return datetime.fromtimestamp(int(re.sub(r"\D", "", text)), UTC)
            moment = datetime.strptime(text, form)  # noqa: DTZ007  # without an offset it is UTC
        except (ValueError, OverflowError, OSError):
            return None
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


def read_pattern(text: str) -> Pattern:
    """The pattern of a text. Raises UsageError for one that is wrong: what, and where in it."""
    if not text:
        raise UsageError("--pattern is empty", hint=_HINT)
    _expression(text)
    return Pattern(text)


def _expression(text: str) -> str:
    """The regular expression of a pattern."""
    parts: list[str] = []
    between: list[str | Star] = []  # since the last field
    known: set[str] = set()
    end = 0
    for found in _TOKEN.finditer(text):
        between += [text[end : found.start()]] if found.start() > end else []
        end = found.end()
        if found["brace"]:
            raise _wrong(text, found.start(), f"a {found['brace']!r} without its partner")
        if found["field"] is None:
            between.append(star(found))
            continue
        if known and found.start() and text[found.start() - 1] == "}":
            raise _wrong(text, found.start(), "nothing stands between two fields: where one ends would be guessed")
        parts += [expression(between), _field(text, found, known)]
        between = []
    if not known:
        raise UsageError(f"--pattern {text!r} names no field: {{{'}, {'.join(FIELDS)}}}", hint=_HINT)
    return "".join([*parts, expression([*between, text[end:]])])


def _field(text: str, found: re.Match[str], known: set[str]) -> str:
    name, colon, form = found["field"].partition(":")
    if name not in FIELDS:
        raise _wrong(text, found.start(), f"{name!r} is no field; fields are {', '.join(FIELDS)}")
    if name in known:
        raise _wrong(text, found.start(), f"the field {name!r} is there twice")
    if colon and name != "time":
        raise _wrong(text, found.start(), f"only a time has a format, not {name!r}")
    known.add(name)
    if name != "time":
        return rf"(?P<{name}>[^/]+?)"
    return f"(?P<time>{_of_format(text, found.start(), form) if colon else _TIME})"


def _of_format(text: str, at: int, form: str) -> str:
    parts: list[str] = []
    for found in re.finditer(r"%(?P<directive>.?)|[^%]+", form, re.DOTALL):
        if found["directive"] is None:
            parts.append(re.escape(found[0]))
        elif found["directive"] in _DIRECTIVES:
            parts.append(_DIRECTIVES[found["directive"]])
        else:
            raise _wrong(text, at, f"%{found['directive']} is no directive that a path can have")
    if not parts:
        raise _wrong(text, at, "the format of the time is empty")
    if "s" in (directives := re.findall(r"%(.)", form)) and directives != ["s"]:
        raise _wrong(text, at, "%s, the seconds since 1970, stands alone")
    for needed in ("Y", "y"), ("m", "b", "B", "j"), ("d", "j"):
        if "s" not in directives and not set(needed) & set(directives):
            raise _wrong(text, at, f"the time has no %{needed[0]}: its day would be guessed")
    return "".join(parts)


def _wrong(text: str, at: int, what: str) -> UsageError:
    return UsageError(f"--pattern {text!r}, character {at + 1}: {what}", hint=_HINT)
