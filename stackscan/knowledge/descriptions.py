"""Reads descriptions (rules, pools) from TOML files: checked key by key, so that a typo says where it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NoReturn, Protocol, TypeVar

from stackscan.errors import CatalogueError

Choice = TypeVar("Choice", bound=str)
Default = TypeVar("Default", int, None)
Description = TypeVar("Description", bound="_Named")

#: The largest whole number that a file may say: more than any process has of anything.
LARGEST: Final = 10**12
#: The line at which the examples of a file begin: they come last, and are only read when someone asks for them.
_EXAMPLES: Final = re.compile(r"^\[\[example\]\]", re.MULTILINE)
_NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class _Named(Protocol):
    @property
    def name(self) -> str: ...


def did_you_mean(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """``; did you mean 'NAME'?`` with the known name nearest to ``word``; empty where none is near."""
    import difflib

    near = difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return f"; did you mean {near[0]!r}?" if near else ""


class Table:
    """One TOML table: keys are read by type, and at the end those that were not read are errors."""

    def __init__(
        self,
        values: Mapping[str, object],
        where: str,
        *,
        whole: Callable[[], Table] | None = None,
        path: Path | None = None,
    ) -> None:
        self._values = values
        self._read: set[str] = set()
        self.where = where
        self.is_whole = whole is None
        self.whole = whole or (lambda: self)  # with the examples
        self.path = path  # of a file that ships

    def __reduce__(self) -> tuple[object, ...]:
        """As pickle takes it: as if nothing had been read of it yet."""
        return Table, (self._values, self.where)

    @property
    def written(self) -> tuple[str, ...]:
        """All keys, as they stand in the file."""
        return tuple(self._values)

    def raw(self, key: str) -> object:
        """A value as it stands; None when the key is missing."""
        self._read.add(key)
        return self._values.get(key)

    def text(self, key: str, default: str | None = None) -> str:
        """A non-empty string; an error when it is missing and there is no default."""
        value = self.raw(key)
        if value is None and default is not None:
            return default
        if value is None:
            self.missing(key)
        if not isinstance(value, str) or not value.strip():
            raise CatalogueError(f"{self.where}: {key!r} must be a string")
        return value.strip()

    def name(self) -> str:
        """What the description is called: words of small letters and digits with dashes between."""
        text = self.text("name")
        if not _NAME.fullmatch(text):
            raise CatalogueError(f"{self.where}: 'name' must be like 'cache-convoy', not {text!r}")
        return text

    def missing(self, key: str) -> NoReturn:
        """Raise for a key that must be there and is not."""
        raise CatalogueError(f"{self.where}: {key!r} is missing{self._near(key)}")

    def choice(self, key: str, choices: Sequence[Choice], default: Choice | None = None) -> Choice:
        """One of some texts."""
        if default is not None and self.raw(key) is None:
            return default
        text = self.text(key)
        for choice in choices:
            if text == choice:
                return choice
        raise CatalogueError(f"{self.where}: {key!r} must be one of {', '.join(choices)}, not {text!r}")

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings, empty when the key is missing."""
        value = self.raw(key)
        items = value if isinstance(value, list) else [] if value is None else [None]
        if not all(isinstance(item, str) for item in items):
            raise CatalogueError(f"{self.where}: {key!r} must be a list of strings")
        return tuple(items)

    def number(self, key: str, default: Default) -> int | Default:
        """A whole number from 0 to :data:`LARGEST`; ``default`` when the key is missing."""
        value = self.raw(key)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST:
            raise CatalogueError(f"{self.where}: {key!r} must be a whole number from 0 to {LARGEST:,}")
        return value

    def flag(self, key: str) -> bool:
        """A boolean, false when the key is missing."""
        value = self.raw(key)
        if value is not None and not isinstance(value, bool):
            raise CatalogueError(f"{self.where}: {key!r} must be true or false")
        return bool(value)

    def share(self, key: str) -> float:
        """A number from 0 to 1."""
        value = self.raw(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
            raise CatalogueError(f"{self.where}: {key!r} must be a number from 0 to 1")
        return float(value)

    def table(self, key: str) -> Table | None:
        """The table ``[key]``, None when it is missing."""
        value = self.raw(key)
        return None if value is None else self._table(value, key, key)

    def tables(self, key: str) -> tuple[Table, ...]:
        """The tables of ``[[key]]``."""
        value = self.raw(key)
        items = value if isinstance(value, list) else [] if value is None else [None]
        return tuple(self._table(item, key, f"{key} {place}") for place, item in enumerate(items, start=1))

    def _table(self, item: object, key: str, name: str) -> Table:
        if not isinstance(item, Mapping):
            raise CatalogueError(f"{self.where}: {key!r} must be a list of tables")
        return Table(item, f"{self.where}, {name}")

    def refuse_misspelt(self, missing: str) -> None:
        """Raise if a key that was not read looks like this one, which is missing."""
        if self._near(missing):
            self.missing(missing)

    def _near(self, missing: str) -> str:
        """What a missing key may have been written as."""
        import difflib

        others = sorted(set(self._values) - self._read)
        near = difflib.get_close_matches(missing, others, n=1, cutoff=0.5)
        return f"; is {near[0]!r} a misspelling of it?" if near else ""

    def finish(self) -> None:
        """Raise for keys that were not read."""
        unknown = sorted(set(self._values) - self._read)
        if unknown:
            near = did_you_mean(unknown[0], sorted(self._read))
            raise CatalogueError(f"{self.where}: unknown key {unknown[0]!r}{near}")


def read_catalogue(folder: Path, read: Callable[[Table], Description]) -> tuple[Description, ...]:
    """What the files of a folder describe, by name. Raises CatalogueError for a wrong file or file name."""
    found = []
    for table in read_files(folder):
        description = read(table)
        if table.where != f"{description.name}.toml":
            raise CatalogueError(
                f"{table.where}: the file of {description.name!r} must be named {description.name}.toml"
            )
        found.append(description)
    return tuple(sorted(found, key=lambda description: description.name))


def read_files(folder: Path) -> Iterable[Table]:
    """The top tables of a folder's ``*.toml`` files, without their examples (:attr:`Table.whole`)."""
    for path in sorted(folder.glob("*.toml")):
        yield read_head(path.read_text(encoding="utf-8"), where=path.name, path=path)


def read_head(text: str, *, where: str, path: Path | None = None) -> Table:
    """The top table of one TOML text up to its examples; ``path``: of a file that ships, where it will be read again
    for them."""
    found = _EXAMPLES.search(text)
    if found is None:
        return read_text(text, where=where)
    values = _loaded(text[: found.start()], where=where)

    def whole() -> Table:
        every = _loaded(text, where=where)
        if {key: value for key, value in every.items() if key != "example"} != values:
            raise CatalogueError(f"{where}: [[example]] tables must come last")
        return Table(every, where)

    return Table(values, where, whole=whole, path=path)


def read_text(text: str, *, where: str) -> Table:
    """The top table of one TOML text."""
    return Table(_loaded(text, where=where), where)


def _loaded(text: str, *, where: str) -> dict[str, object]:
    import tomllib

    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise CatalogueError(f"{where}: {toml_trouble(error)}") from error


def toml_trouble(error: Exception) -> str:
    """What is wrong with a TOML text, in words: what tomllib says, or what Python says below it."""
    import tomllib

    if isinstance(error, tomllib.TOMLDecodeError):
        return str(error)
    if isinstance(error, RecursionError):
        return "brackets are nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start + 1:,} is not UTF-8; a TOML file is text in UTF-8"
    return "a number has too many digits"  # the only other error of tomllib
