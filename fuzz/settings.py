"""What the fuzzer does with the small languages of stackscan: expressions, SQL, patterns, names, files of settings.

As in targets.py: a StackscanError refuses an input, any other exception is a find.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from stackscan.checks.baseline import read_baseline
from stackscan.checks.settings import find_policy
from stackscan.errors import StackscanError
from stackscan.export.sql.statement import understood
from stackscan.export.tables.load import exported
from stackscan.export.tables.schema import TABLES
from stackscan.fleet.owners import read_owners
from stackscan.fleet.pattern import read_pattern
from stackscan.knowledge.configuration import load
from stackscan.knowledge.language.reading import parse
from stackscan.sources.globs import matches
from stackscan.sources.names import read_name

Names = list[str]
_WORD: Final = re.compile(r"\w+")
_PATH: Final = "eu/node-1/2026-04-22T10_11_12Z/goroutines.pb.gz"


def expression(data: bytes) -> Names:
    """The rule language, as --where and rules have it."""
    text = data.decode("utf-8", "replace")
    parse(text, where="fuzz")
    return _WORD.findall(text)


def sql(data: bytes) -> Names:
    """A query: what is rebuilt of it names the same tables, and is understood again as itself."""
    found = understood(data.decode("utf-8", "replace"), TABLES)
    assert found == understood(found.text, TABLES)
    assert set(found.tables) <= set(TABLES)
    return _WORD.findall(found.text)


def pattern(data: bytes) -> Names:
    """A pattern of a fleet's paths, and a path."""
    text, _, path = data.decode("utf-8", "replace").partition("\n")
    read_pattern(text).read(path or _PATH)
    return _WORD.findall(text)


def glob(data: bytes) -> Names:
    """A pattern with stars, and a path: a path matches itself, and two stars anything."""
    text, _, path = data.decode("utf-8", "replace").partition("\n")
    matches(text, path)
    assert "*" in text or not text or matches(text, text)
    return _WORD.findall(text)


def name(data: bytes) -> Names:
    """Time and host in the name of a capture."""
    found = read_name(data.decode("utf-8", "replace"))
    assert found.captured_at is None or found.captured_at.tzinfo is not None
    return _WORD.findall(data.decode("utf-8", "replace"))


def policy(data: bytes) -> Names:
    """A stackscan.toml, with the policy in it."""
    with _Folder() as folder:
        path = folder / "stackscan.toml"
        path.write_bytes(data)
        found = load(path)
        find_policy(path, found)
    return list(found.rule_names)


def baseline(data: bytes) -> Names:
    """A baseline."""
    with _Folder() as folder:
        path = folder / "baseline.json"
        path.write_bytes(data)
        return [known.at or "" for known in read_baseline(path).stacks]


def owners(data: bytes) -> Names:
    """A map of packages to owners."""
    with _Folder() as folder:
        path = folder / "OWNERS"
        path.write_bytes(data)
        found = read_owners(path)
    found.of(["example.com/acme/store", "net/http"])
    return list(found.names)


def table(data: bytes) -> Names:
    """A Parquet file in a folder of tables."""
    with _Folder() as folder:
        for each in TABLES:
            (folder / f"{each}.parquet").write_bytes(data)
        try:
            with exported(folder) as found:
                return sorted(found["stacks"].collect().schema)
        except StackscanError:
            raise
        except Exception as error:
            if type(error).__module__.startswith("polars"):  # what polars says of a file becomes an error of a query
                raise StackscanError(str(error)) from None
            raise


#: Each target of this module.
SETTINGS: Final[dict[str, Callable[[bytes], Names]]] = {
    "expression": expression,
    "sql": sql,
    "pattern": pattern,
    "glob": glob,
    "capture-name": name,
    "policy": policy,
    "baseline": baseline,
    "owners": owners,
    "table": table,
}


class _Folder:
    """A folder in memory."""

    def __enter__(self) -> Path:
        memory = "/dev/shm"  # noqa: S108  # a folder made by mkdtemp
        self._made = tempfile.TemporaryDirectory(dir=memory if os.path.isdir(memory) else None)  # noqa: PTH112
        return Path(self._made.__enter__())

    def __exit__(self, *_: object) -> None:
        self._made.cleanup()
