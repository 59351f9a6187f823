"""Settings of all tests: a busy machine is no defect, so no example of a property test has a time limit."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("stackscan", deadline=None)
settings.load_profile("stackscan")
