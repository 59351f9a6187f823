"""A query run in a separate process with limited time and memory.

polars can be asked for more than a machine has (three tables crossed), and some queries end its process. In a separate
process that becomes a clear error.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import polars as pl

from stackscan.errors import UsageError
from stackscan.export.sql.child import OUT_OF_MEMORY
from stackscan.export.sql.statement import HINT, Statement

_CHILD: Final = Path(__file__).with_name("child.py")
_DEFAULT_SECONDS: Final = 120.0
_DEFAULT_MIB: Final = 4096
#: The least that any query may take: polars' threads alone take some.
LEAST_MIB: Final = 64
MOST_MIB: Final = 1 << 24
_MOST_SECONDS: Final = 86_400


def default_mib() -> int:
    """4 GiB, or half of what the machine has when that is less."""
    try:
        half = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2 >> 20
    except (AttributeError, ValueError, OSError):  # no such system call, or no such value
        return _DEFAULT_MIB
    return max(LEAST_MIB, min(_DEFAULT_MIB, half))


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of one query: seconds, and MiB beside what polars itself takes (None: :func:`default_mib`)."""

    seconds: float = _DEFAULT_SECONDS
    mib: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= _MOST_SECONDS:
            raise UsageError(f"the seconds of a query must be above 0 and at most {_MOST_SECONDS:,}")
        if self.mib is not None and not LEAST_MIB <= self.mib <= MOST_MIB:
            raise UsageError(f"the memory of a query must be {LEAST_MIB} to {MOST_MIB:,} MiB")

    @property
    def bytes(self) -> int:
        """The memory in bytes."""
        return (default_mib() if self.mib is None else self.mib) << 20


class Runner:
    """A process that answers one query. Start it early: it loads while the tables are made."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        where = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        ends, self._alive = os.pipe()  # the other end closes with this process, however it ends
        passed = (ends,) if os.name == "posix" else ()
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-P", str(_CHILD), *map(str, passed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=where,
            pass_fds=passed,
        )
        os.close(ends)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()
        os.close(self._alive)

    def answer(self, statement: Statement, tables: Mapping[str, pl.LazyFrame]) -> pl.DataFrame:
        """The result of the statement. Raises UsageError when it fails, or takes more than it may."""
        plans = [(name, tables[name].serialize()) for name in statement.tables]
        request = {
            "sql": statement.text,
            "seconds": self._bounds.seconds,
            "bytes": self._bounds.bytes,
            "plans": [(name, len(plan)) for name, plan in plans],
        }
        given = b"".join([json.dumps(request).encode(), b"\n", *(plan for _, plan in plans)])
        try:
            out, _ = self._process.communicate(given, timeout=self._bounds.seconds)
        except subprocess.TimeoutExpired:
            raise UsageError(
                f"the query took longer than {self._bounds.seconds:g} seconds and was stopped",
                hint="Select less (WHERE, a join on keys), or allow more time: --max-seconds N.",
            ) from None
        header, _, result = out.partition(b"\n")
        if self._process.returncode or not header:
            raise self._ended()
        answer = json.loads(header)
        if "error" in answer:
            raise UsageError(f"the query failed: {answer['error']}", hint=HINT)
        return pl.read_ipc_stream(io.BytesIO(result))

    def _ended(self) -> UsageError:
        """Why there is no answer."""
        code = self._process.returncode
        if code in {OUT_OF_MEMORY, -signal.SIGABRT, -signal.SIGKILL}:
            return UsageError(
                f"the query needs more memory than its limit of {self._bounds.bytes >> 20:,} MiB",
                hint="Select less (WHERE, a join on keys, LIMIT), or allow more memory: --max-memory MIB.",
            )
        return UsageError(
            f"the query ended polars' process (code {code})",
            hint="Write a simpler query, with fewer operators in a row.",
        )
