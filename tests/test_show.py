"""``stackscan show``: one goroutine, and whom it has to do with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from helpers import FIXTURES, assert_refused, goroutine, run
from stackscan.errors import SourceError
from stackscan.pipeline import show

_DEADLOCK: Final = FIXTURES / "go" / "go1.27" / "locks_deadlock.txt"


def _json(number: int, path: Path) -> dict[str, Any]:
    """What the command says of a goroutine, for scripts."""
    done = run("show", "--format", "json", str(number), path)
    assert 0 == done.returncode, done.stderr
    value: dict[str, Any] = json.loads(done.stdout)
    return value


def test_what_it_waits_for_and_what_it_may_hold() -> None:
    """Of a circle: the lock that it waits for, the one that the other waits for, and the finding that says so."""
    (found,) = _json(19, _DEADLOCK)["captures"]
    assert (19, True, "sync.Mutex.Lock") == (found["goroutine_id"], found["alive"], found["wait_reason"])
    assert "main.(*Account).Transfer" == found["frames"][found["deciding_frame"]]["function"]
    assert [1] == [creator["goroutine_id"] for creator in found["creators"]]
    assert [20] == found["waits_for"]["candidates"][0]["goroutine_ids"]
    assert any(20 in lock["goroutine_ids"] for lock in found["may_hold"])
    assert ["lock-order-cycle"] == [finding["cause"] for finding in found["findings"]]


def test_whom_it_started() -> None:
    """By place and state, most first."""
    (found,) = _json(1, _DEADLOCK)["captures"]
    assert 14 == sum(group["count"] for group in found["children"])
    counts = [group["count"] for group in found["children"]]
    assert sorted(counts, reverse=True) == counts


def test_for_people() -> None:
    """The stack whole with the frame to look at, then creators, children and locks."""
    shown = run("show", "19", _DEADLOCK).stdout
    assert shown.startswith("goroutine 19  sync.Mutex.Lock\n")
    assert "  ▸ main.(*Account).Transfer  main.go:28" in shown
    for heading in ("Stack", "Started by", "Waits for", "May hold"):
        assert f"\n{heading}" in shown


def test_a_creator_that_has_ended_ends_the_chain(tmp_path: Path) -> None:
    """What a dump knows of ancestors: their ids, as long as they are alive."""
    text = [
        goroutine(9, ["main.leaf"], creator="main.middle", creator_id=8),
        goroutine(8, ["main.middle"], creator="main.root", creator_id=7),
    ]
    path = tmp_path / "dump"
    path.write_text("\n".join(text))
    (found,) = _json(9, path)["captures"]
    assert [(8, True), (7, False)] == [(one["goroutine_id"], one["alive"]) for one in found["creators"]]


def test_each_capture_that_has_it_is_shown(tmp_path: Path) -> None:
    """Of several dumps in a file, those in which it lives."""
    (tmp_path / "dump-1").write_text(goroutine(7, ["main.work"]))
    (tmp_path / "dump-2").write_text(goroutine(7, ["main.rest"]) + "\n" + goroutine(8, ["main.work"]))
    assert 2 == len(show(str(tmp_path), 7))
    assert 1 == len(show(str(tmp_path), 8))


@pytest.mark.parametrize(
    ("number", "name", "words"),
    [
        ("99999", "locks_deadlock.txt", ("goroutine 99999 is not in", "it has 15", "from 1 to 20")),
        ("1", "pool.pb.gz", ("has no goroutine ids", "debug=2")),
        ("1", "no-such-file", ("no-such-file",)),
    ],
)
def test_what_is_not_there_is_said(number: str, name: str, words: tuple[str, ...]) -> None:
    """Exit code 2, what, where, and what to do."""
    assert_refused(run("show", number, _DEADLOCK.parent / name), *words)


def test_names_are_redacted() -> None:
    """As in a report."""
    shown = run("show", "--redact", "19", _DEADLOCK).stdout
    assert "Transfer" not in shown
    assert "sync.(*Mutex).Lock" in shown


def test_no_goroutine_has_this_id() -> None:
    """In Python an error, too."""
    with pytest.raises(SourceError, match="goroutine 12345 is not in"):
        show(str(_DEADLOCK), 12345)
