"""Options about the captures that a watch keeps, and the metrics that it exports."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from stackscan.cli.options import option
from stackscan.cli.options.units import interval
from stackscan.errors import UsageError

if TYPE_CHECKING:
    from stackscan.live.kept import Bounds

_UNITS: Final = {"": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}
_SIZE: Final = re.compile(r"(\d+\.?\d*)\s*([a-z]*)", re.IGNORECASE)


def size(text: str) -> int:
    """A number of bytes: ``64MiB``, ``1GB``, ``500000``. Raises UsageError."""
    found = _SIZE.fullmatch(text.strip())
    unit = None if found is None else _UNITS.get(found[2].lower())
    if found is None or unit is None or not 0 < float(found[1]) * unit < 1 << 60:
        raise UsageError(f"{text!r} is not a size", hint="Write it like 64MiB, 2GiB or 500kB.")
    return int(float(found[1]) * unit)


def age(text: str) -> timedelta:
    """A time that is long: ``7d``, ``12h``. Raises UsageError."""
    days = text.strip().removesuffix("d")
    if days != text.strip() and days.isdigit() and 0 < int(days) < 100_000:
        return timedelta(days=int(days))
    return interval(text)


Keep = Annotated[
    Path | None,
    option("Keep the answers of each process in this folder, the newest of them.", "--keep", metavar="DIR"),
]
KeepCount = Annotated[
    int | None, option("Files to keep of a process [default: 500].", "--keep-count", min=1, max=1_000_000, metavar="N")
]
KeepSize = Annotated[
    int | None, option("Bytes to keep of a process [default: 64MiB].", "--keep-size", metavar="SIZE", parser=size)
]
KeepAge = Annotated[
    timedelta | None, option("Keep files for so long [default: 7d].", "--keep-age", metavar="DURATION", parser=age)
]
Metrics = Annotated[
    str | None,
    option("Serve metrics for Prometheus at /metrics, as in 127.0.0.1:9464.", "--metrics", metavar="HOST:PORT"),
]
Textfile = Annotated[
    Path | None,
    option("Write the metrics for node_exporter to this file (.prom), again and again.", "--textfile", metavar="FILE"),
]


def bounds_of(keep: Path | None, count: int | None, size_bytes: int | None, longest: timedelta | None) -> Bounds | None:
    """How much is kept of each process; None where nothing is. Raises UsageError for a bound without a folder."""
    if keep is None:
        if (count, size_bytes, longest) != (None, None, None):
            raise UsageError("nothing is kept without --keep", hint="Give the folder as well: --keep DIR.")
        return None
    from stackscan.live.kept import Bounds

    usual = Bounds()
    return Bounds(count or usual.count, size_bytes or usual.size_bytes, longest or usual.age)
