"""Texts as people paste them into issues: goroutines, frames, first lines and exit code are those of their truth."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from helpers import CORPUS, json_of, run

FIELD = CORPUS / "field" if CORPUS is not None and (CORPUS / "field").is_dir() else None
TRUTH: dict[str, dict[str, Any]] = json.loads((FIELD / "truth.json").read_text(encoding="utf-8")) if FIELD else {}
#: Lines of a report that a person reads first.
_FIRST = 12

pytestmark = pytest.mark.skipif(FIELD is None, reason="the texts are not part of the repository")


def _text(name: str) -> Path:
    assert FIELD is not None
    return FIELD / f"{name}.txt"


@pytest.mark.parametrize("name", TRUTH)
def test_a_pasted_text_is_read(name: str) -> None:
    """All goroutines, all frames, the states; a cause where there is one."""
    truth = TRUTH[name]
    snapshots = json_of(_text(name))["snapshots"]
    assert truth["goroutines"] == sum(snapshot["goroutines"] for snapshot in snapshots)
    buckets = [bucket for snapshot in snapshots for bucket in snapshot["buckets"]]
    functions = {frame["function"] for bucket in buckets for frame in bucket["frames"]}
    assert set(truth.get("frames", [])) <= functions
    assert set(truth.get("states", [])) <= {bucket["wait_reason"] for bucket in buckets}
    findings = [finding for snapshot in snapshots for finding in snapshot["findings"]]
    if truth.get("cause"):
        assert {finding["cause"] for finding in findings} & set(truth["cause"])
    if truth.get("finding"):
        assert findings


@pytest.mark.parametrize("name", TRUTH)
def test_the_first_lines_say_what_a_person_would_say(name: str) -> None:
    """And nothing that is not so."""
    shown = run("report", _text(name), "--no-source").stdout.splitlines()[:_FIRST]
    assert re.search(TRUTH[name]["says"], "\n".join(shown))
    if "not_says" in TRUTH[name]:
        assert not re.search(TRUTH[name]["not_says"], "\n".join(shown))


@pytest.mark.parametrize("name", [name for name in TRUTH if TRUTH[name]["check"] is not None])
def test_the_check_fails_where_it_must(name: str) -> None:
    """A CI job stops on what a person would stop for."""
    assert TRUTH[name]["check"] == run("check", _text(name), "--no-source").returncode
