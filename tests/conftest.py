"""Settings of all tests: a busy machine is no defect, so no example of a property test has a time limit."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

settings.register_profile("stackscan", deadline=None)
settings.load_profile("stackscan")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """One process more than there are processors: tests of processes, browsers and networks wait half of the time."""
    del config
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None  # xdist reads it
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return processors + 1
