"""Runs that begin warm are as those that begin cold: what they print, how they end, what they are given."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

import warm
from helpers import DUMP, FIXTURES, ROOT, command, environment

_STUCK: Final = str(FIXTURES / "go" / "go1.25" / "hang_http-locked.txt")
_BUNDLE: Final = str(FIXTURES / "kubo" / "v0.40.1-stalled-tcp" / "ipfs-profile-03.zip")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first run on."""
    monkeypatch.setattr(warm, "_COLD_FIRST", 0)
    monkeypatch.delenv(warm.COLD_VARIABLE, raising=False)


def _warm(*arguments: str, stdin: bytes = b"", folder: Path | None = None, **changes: str) -> Any:
    found = warm.run(arguments, stdin=stdin, folder=folder, settings=environment(**changes), usual=environment())
    assert found is not None
    return found


def _cold(*arguments: str, stdin: bytes = b"", folder: Path | None = None, **changes: str) -> tuple[int, bytes, bytes]:
    done = subprocess.run(
        command(*arguments), input=stdin, cwd=folder, env=environment(**changes), capture_output=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("report", _STUCK),
        ("report", "--format", "json", _BUNDLE),
        ("report", "--format", "html", _STUCK),
        ("check", _STUCK),
        ("query", "SELECT count(*) FROM goroutines", _STUCK),
        ("--version",),
        ("pool", "--help"),
        ("report", "--bogus"),
        ("report", "missing"),
    ],
    ids=lambda words: " ".join(Path(word).name for word in words),
)
def test_a_warm_run_is_as_a_cold_one(arguments: tuple[str, ...]) -> None:
    """Exit code, output and messages."""
    assert _cold(*arguments) == _warm(*arguments)


def test_a_run_has_its_own_folder_input_and_environment(tmp_path: Path) -> None:
    """Nothing of the run before, or of the tests, is left in them."""
    given: dict[str, Any] = {"stdin": DUMP.encode(), "folder": tmp_path}
    (tmp_path / "stackscan.toml").write_text("[check]\nmax_goroutines = 1\n")
    assert _cold("check", "-", **given) == _warm("check", "-", **given)
    assert _warm("check", "-", **given)[0] == 1
    assert _warm("check", "-", stdin=DUMP.encode(), folder=ROOT / "fixtures")[0] == 0
    coloured = _warm("report", _STUCK, FORCE_COLOR="1")
    assert b"\x1b[" in coloured[1]
    assert _cold("report", _STUCK, FORCE_COLOR="1") == coloured
    assert b"\x1b[" not in _warm("report", _STUCK)[1]


def test_much_goes_in_and_out_at_the_same_time() -> None:
    """More than any pipe holds, in both directions; and an input that is not read is no error."""
    many = "\n".join(DUMP.replace("goroutine 7 ", f"goroutine {number} ") for number in range(8, 4000)).encode()
    code, out, err = _warm("query", "SELECT * FROM goroutines", "--format", "csv", "-", stdin=many)
    assert (0, b"") == (code, err)
    assert len(out) > 200_000 < len(many)
    assert 0 == _warm("--version", stdin=many)[0]


def test_two_runs_in_turn_hash_texts_differently() -> None:
    """Else an output whose order depends on them would be the same in each run, and no test would see it."""
    with warm.forking(environment(), usual=environment()) as one:
        assert one is not None
    with warm.forking(environment(), usual=environment()) as other:
        assert other is not None
    assert one is not other
    assert "PYTHONHASHSEED" not in one.settings.keys() | other.settings.keys()


def test_what_is_read_at_the_start_needs_a_cold_start() -> None:
    """Settings of Python cannot change when it runs; and one run at a time."""
    for settings in (environment(PYTHONHASHSEED="1"), environment(LC_ALL="C"), environment(PYTHONUTF8=None)):
        assert warm.run(["--version"], stdin=b"", folder=None, settings=settings, usual=environment()) is None
    with warm.forking(environment(), usual=environment()), warm.forking(environment(), usual=environment()):
        assert warm.run(["--version"], stdin=b"", folder=None, settings=environment(), usual=environment()) is None
