"""``python -m stackscan``, and where the installed program begins: what signals do, also while it still loads."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import AbstractContextManager

from stackscan import __version__
from stackscan.cli.terminal.endings import run_to_end
from stackscan.cli.terminal.signals import ending_on_signals


def main() -> None:
    """Run the command line. Ctrl-C ends it quietly; a reproducer is only asked to stop, and says what it had;
    what watches ends with 0."""
    # What a command loads and reads stays until it ends. Looking for garbage in it, on the way and at the end, took a
    # sixth of a report's time.
    gc.set_threshold(100_000, 50, 100)
    # Where numpy is loaded, its threads for large matrices would wait busily for 0.1 s; nothing here multiplies any.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        code = run_to_end(_run)
        if sys.argv[1:2] == ["watch"]:  # its threads may be at work, which Python's own end would break off within it
            os._exit(code)
        sys.exit(code)
    finally:
        gc.freeze()


def _run() -> None:
    if sys.argv[1:] == ["--version"]:  # asked for by scripts, and answered before anything is loaded
        sys.stdout.write(f"stackscan {__version__}\n")
        return
    with _listening():
        from stackscan.cli.app import main as run

        run()


def _listening() -> AbstractContextManager[object]:
    if sys.argv[1:2] == ["reproduce"]:
        from stackscan.reproduce.interrupt import on_signals

        return on_signals()
    if sys.argv[1:2] == ["watch"]:
        from stackscan.cli.terminal.stopping import stop_on_signals

        return stop_on_signals()
    return ending_on_signals()


if __name__ == "__main__":
    main()
