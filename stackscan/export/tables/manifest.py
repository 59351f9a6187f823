"""The manifest of an export: which files it wrote, so that whoever reads them can tell that they belong together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from stackscan import __version__
from stackscan.errors import SourceError

_SCHEMA: Final = "stackscan.export"
_SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class File:
    """One file of an export: its rows, its size in bytes, and the SHA-256 of its bytes in hex digits."""

    rows: int
    bytes: int
    sha256: str


def name_of(file_format: str) -> str:
    """``manifest-parquet.json``: a folder may hold one export of each format."""
    return f"manifest-{file_format}.json"


def describe(path: Path, rows: int) -> File:
    """What a manifest says of a file that is whole. Raises OSError."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return File(rows, path.stat().st_size, digest)


def write(path: Path, file_format: str, files: Mapping[str, File]) -> None:
    """Write a manifest of these files, by name. Raises OSError."""
    values = {
        "schema": _SCHEMA,
        "schema_version": _SCHEMA_VERSION,
        "stackscan_version": __version__,
        "format": file_format,
        "files": {name: asdict(file) for name, file in files.items()},
    }
    path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> dict[str, File] | None:
    """The files that a manifest names; None where there is none. Raises SourceError when it cannot be read."""
    try:
        values: Any = json.loads(path.read_text(encoding="utf-8"))
        if values["schema"] != _SCHEMA:
            raise KeyError(_SCHEMA)  # noqa: TRY301 - told below, like all that is wrong with it
        return {
            name: File(int(file["rows"]), int(file["bytes"]), str(file["sha256"]))
            for name, file in values["files"].items()
        }
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}", hint="") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SourceError(
            f"{path} is not a manifest of an export", hint="Export again into this folder: stackscan export."
        ) from error


def differs(path: Path, expected: File) -> str | None:
    """What is wrong with a file, in words; None when it is the one that the manifest names. Raises OSError."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return "is missing"
    if size != expected.bytes:
        return f"has {size:,} bytes, not {expected.bytes:,}"
    return None if describe(path, expected.rows) == expected else "has another checksum"
