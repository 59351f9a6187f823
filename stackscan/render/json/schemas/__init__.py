"""The JSON Schemas (draft 2020-12) of every JSON output, by the name that ``stackscan schema`` takes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from stackscan.errors import UsageError

_FOLDER: Final = Path(__file__).resolve().parent


def names() -> tuple[str, ...]:
    """The names of all schemas, in alphabetical order."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))


def schema(name: str) -> str:
    """The text of a schema. Raises UsageError for a name that there is not."""
    if name not in names():
        raise UsageError(f"there is no schema {name!r}", hint=f"Schemas: {', '.join(names())}.")
    return (_FOLDER / f"{name}.json").read_text(encoding="utf-8")
