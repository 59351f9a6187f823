"""``python -m stackscan``."""

from stackscan.cli import main

main()
