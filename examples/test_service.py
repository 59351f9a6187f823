"""pytest with stackscan's fixture: a test fails when the service that it drove leaves goroutines stuck.

Set SERVICE_DUMP to where the service gives its goroutines; with net/http/pprof that is the address below.
"""

from __future__ import annotations

import os
import urllib.request

import pytest

DUMP = os.environ.get("SERVICE_DUMP", "http://127.0.0.1:6060/debug/pprof/goroutine?debug=2")


def dump() -> bytes:
    """The service's goroutines, now."""
    with urllib.request.urlopen(DUMP, timeout=30) as answer:
        return answer.read()


@pytest.fixture(autouse=True)
def leaves_nothing_stuck(goroutine_check):
    """Every test of this file is judged by what the service holds when the test's body has ended."""
    goroutine_check.at_end(dump)


def test_the_service_answers():
    """Drive the service here."""


def test_the_queue_is_drained(goroutine_check):
    """A dump can also be judged in the middle of a test, and what was found is returned."""
    found = goroutine_check(dump)
    assert found.captures[0].goroutines < 10_000
