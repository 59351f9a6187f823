"""The process that runs a query, started by :mod:`stackscan.export.sql.bounded` as a script that loads only polars.

Standard input: a line of JSON (``sql``, ``seconds``, ``bytes``, ``plans``: name and length each), then the plans.
Standard output: a line of JSON (``error``, or nothing in it), then the result as an Arrow stream. An argument, where
there is one, is the number of a pipe that nobody writes to: when it ends, the parent is gone.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

import polars as pl

#: The exit code that says that there was not enough memory.
OUT_OF_MEMORY: Final = 77
#: A result may take this share of the memory that the query may take: it is copied on its way.
RESULT_SHARE: Final = 4


def main() -> None:
    """Answer one query."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when it ends
    for pipe in sys.argv[1:]:
        threading.Thread(target=_end_with_parent, args=(int(pipe),), daemon=True).start()
    request = json.loads(sys.stdin.buffer.readline())
    if os.name == "posix":
        _bound(request["seconds"], request["bytes"])
    try:
        with pl.SQLContext(eager=False) as context:
            for name, length in request["plans"]:
                context.register(name, pl.LazyFrame.deserialize(io.BytesIO(sys.stdin.buffer.read(length))))
            result = context.execute(request["sql"]).collect()
        _answer(result, request["bytes"] // RESULT_SHARE)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001 - the parent reports each
        message = str(error).strip().partition("\n")[0]
        _write({"error": message or type(error).__name__})


def _end_with_parent(pipe: int) -> None:
    os.read(pipe, 1)
    os._exit(1)


def _answer(result: pl.DataFrame, most: int) -> None:
    if result.estimated_size() > most:
        _write({"error": f"its result is larger than {most >> 20:,} MiB; ask for fewer columns, or LIMIT the rows"})
        return
    _write({})
    result.write_ipc_stream(sys.stdout.buffer)
    sys.stdout.buffer.flush()


def _write(header: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(header).encode() + b"\n")
    sys.stdout.buffer.flush()


def _bound(seconds: float, most: int) -> None:
    """Bound what this process may take from here on, beside what polars itself takes.

    The system ends it when it allocates more (Linux), and it ends itself when it holds more (any system). The alarm is
    for a query that holds on to the interpreter while its parent is gone.
    """
    import resource

    signal.alarm(int(seconds) + 10)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    taken = _taken()
    if taken is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        bound = taken + most
        resource.setrlimit(resource.RLIMIT_DATA, (bound if hard < 0 else min(bound, hard), hard))
    unit = 1 if sys.platform == "darwin" else 1024
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

    def watch() -> None:
        while resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit - held <= most:
            time.sleep(0.02)
        os._exit(OUT_OF_MEMORY)

    threading.Thread(target=watch, daemon=True).start()


def _taken() -> int | None:
    """Bytes that RLIMIT_DATA counts already; None where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    kib = next((line.split()[1] for line in status.splitlines() if line.startswith("VmData:")), None)
    return None if kib is None else int(kib) * 1024


if __name__ == "__main__":
    main()
