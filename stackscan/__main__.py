"""``python -m stackscan``, and where the installed program begins: Ctrl-C ends it quietly also while it still loads."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
    try:
        from stackscan.cli import main as run  # noqa: PLC0415 - loading is what may be interrupted

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
