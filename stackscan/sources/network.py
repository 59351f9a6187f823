"""Whether addresses may be fetched: a service that only reads files forbids it for all that it starts."""

from __future__ import annotations

import os
import re
from typing import Final

from stackscan.errors import SourceError
from stackscan.sources.address import masked

#: Forbids the network unless it is empty or says no. Processes that are started later inherit it.
VARIABLE: Final = "STACKSCAN_NO_NETWORK"
_NO: Final = frozenset({"", "0", "false", "no", "off"})
_ADDRESS: Final = re.compile(r"(?!file:)[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def forbid() -> None:
    """Forbid it from here on, also for processes that are started later."""
    os.environ[VARIABLE] = "1"


def check(source: str) -> None:
    """Raise SourceError for an address of any scheme while the network is forbidden. Nothing is resolved before."""
    if _ADDRESS.match(source) and os.environ.get(VARIABLE, "").strip().lower() not in _NO:
        raise SourceError(
            f"{masked(source)} is not read: --no-network or {VARIABLE} forbids it",
            hint="Save it to a file and give that, or allow the network.",
        )
