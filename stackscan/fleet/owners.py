"""Owners of packages, from a file like CODEOWNERS: ``github.com/ipfs/boxo/bitswap/... @bitswap-team``.

Each line has a pattern of import paths and its owners; the last line that matches counts. A pattern begins at the start
of the path and owns the packages below it too, unless its last part has a ``*``. ``*`` stands for any characters within
a part, ``**`` and ``...`` as whole parts for any number of parts, ``*`` alone for every package. A pattern without
owners takes packages out. ``#`` begins a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from stackscan.errors import ConfigurationError, UsageError
from stackscan.fleet.model import Fleet
from stackscan.sources.globs import Star, expression

_OWNER: Final = re.compile(r"@\S+|[^\s@]+@[^\s@]+")
_PATTERN: Final = re.compile(r"[^\s@/:!\[\]?\\]+(?:/[^\s@/:!\[\]?\\]+)*/?")
_COMMENT: Final = re.compile(r"(?:\A|\s)#.*")
_HINT: Final = "Write lines like: github.com/acme/shop/... @shop-team. docs/fleet.md has more."
_LARGEST: Final = 4 << 20
_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class _Line:
    expression: re.Pattern[str]
    owners: tuple[str, ...]


@dataclass(frozen=True)
class Owners:
    """Who owns which packages. Make it with :func:`read_owners`."""

    lines: tuple[_Line, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All owners."""
        return tuple(sorted({name for line in self.lines for name in line.owners}))

    def of(self, packages: Iterable[str]) -> tuple[str, ...]:
        """The owners of the first of these packages that a line matches; empty where none does."""
        matched = (self._line(package) for package in packages)
        return next((line.owners for line in matched if line is not None), ())

    def _line(self, package: str) -> _Line | None:
        return next((line for line in reversed(self.lines) if line.expression.fullmatch(f"{package}/")), None)


@dataclass(frozen=True, slots=True)
class Attribution:
    """How findings are given to owners; ``only``: the one whose findings are wanted (None: all)."""

    owners: Owners
    only: str | None = None

    def applied(self, fleet: Fleet) -> Fleet:
        """The answer with the owners of each finding."""
        found = [replace(one, owners=self.owners.of(one.packages)) for one in fleet.findings]
        kept = [one for one in found if self.only is None or self.only in one.owners]
        others = len(found) - len(kept)
        return replace(fleet, findings=tuple(kept), owned=True, owner=self.only, others=others)


def attribution_of(path: Path | None, owner: str | None, *, is_redacted: bool) -> Attribution | None:
    """The attribution that the options ask for (None: none). Raises UsageError for options that contradict each other
    or an owner that the file does not have, ConfigurationError for a wrong file."""
    if path is None:
        if owner is not None:
            raise UsageError("--owner needs --owners", hint="Name the file that says who owns which packages.")
        return None
    if is_redacted:
        hint = "Leave --owners away, or make the answer without --redact."
        raise UsageError("--owners needs the names of packages, which --redact hides", hint=hint)
    owners = read_owners(path)
    return Attribution(owners, None if owner is None else _known(owners, owner))


def _known(owners: Owners, name: str) -> str:
    """An owner's name as the file has it, also without its ``@``."""
    known = owners.names
    found = next((each for each in (name, f"@{name}") if each in known), None)
    if found is None:
        near = get_close_matches(name if "@" in name else f"@{name}", known, 1)
        named = ", ".join(known[:_NAMED]) + (f" and {len(known) - _NAMED:,} more" if len(known) > _NAMED else "")
        hint = f"Did you mean {near[0]}?" if near else f"It has {named}."
        raise UsageError(f"the file of owners does not name {name!r}", hint=hint)
    return found


def read_owners(path: Path) -> Owners:
    """The owners that a file names. Raises ConfigurationError, with the line, for a file that is wrong."""
    try:
        raw = path.read_bytes()
        if len(raw) > _LARGEST:
            raise ConfigurationError(f"{path}: larger than {_LARGEST >> 20} MiB", hint=_HINT)
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: it is not UTF-8 text", hint=_HINT) from error
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}", hint="Name a file of owners.") from error
    found = (_line(path, number, line) for number, line in enumerate(text.splitlines(), 1))
    lines = tuple(line for line in found if line is not None)
    if not any(line.owners for line in lines):
        raise ConfigurationError(f"{path}: it names no owner", hint=_HINT)
    return Owners(lines)


def _line(path: Path, number: int, text: str) -> _Line | None:
    words = _COMMENT.sub("", text).split()
    if not words:
        return None
    pattern, *owners = words
    where = f"{path}:{number}"
    if pattern.startswith("/"):
        raise ConfigurationError(f"{where}: {pattern!r} begins with /", hint="Import paths do not: " + _HINT)
    if not _PATTERN.fullmatch(pattern):
        raise ConfigurationError(f"{where}: {pattern!r} is no pattern of import paths", hint=_HINT)
    for owner in owners:
        if not _OWNER.fullmatch(owner):
            raise ConfigurationError(f"{where}: {owner!r} is no owner: neither @name nor an address", hint=_HINT)
    return _Line(_expression(pattern), tuple(dict.fromkeys(owners)))


def _expression(pattern: str) -> re.Pattern[str]:
    """The expression of a pattern, for paths with a slash after each part."""
    if pattern == "*":
        return re.compile(".*", re.DOTALL)
    parts = pattern.rstrip("/").split("/")
    goes_on = "*" not in parts[-1] or pattern.endswith("/")
    tokens = [token for part in parts for token in _part(part)]
    return re.compile(expression([*tokens, *([Star.REST] if goes_on else [])]), re.DOTALL)


def _part(part: str) -> list[str | Star]:
    """One part with the slash after it."""
    if part in ("**", "..."):
        return [Star.PARTS]
    first, *others = re.split(r"\*+", f"{part}/")  # many stars in a row are one
    return [first, *(token for other in others for token in (Star.CHARACTERS, other))]
