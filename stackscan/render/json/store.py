"""What a store holds, or what its upkeep did, as one JSON object. Fields are added, never renamed."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, Final, TextIO

from stackscan import __version__
from stackscan.fleet.store.outcomes import Compaction, Expiry, Summary
from stackscan.render.json.write import write

SCHEMA: Final = "stackscan.store"
SCHEMA_VERSION: Final = 1


def render(shown: Summary | Compaction | Expiry, out: TextIO) -> None:
    """Write all of it."""
    values: dict[str, Any] = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "stackscan_version": __version__,
        **{name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(shown).items()},
    }
    if isinstance(shown, Summary):
        values["bytes_per_capture"] = shown.bytes_per_capture
    write(values, out)
