"""Hangs as real projects had them, read with their source: the cause first, the right function, and no false alarm."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from helpers import FIXTURES, index
from stackscan.analysis.finding import Finding
from stackscan.golang.reader import Reader
from stackscan.golang.roots import Sources
from stackscan.knowledge.configuration import shipped
from stackscan.pipeline import Options, scan

_PROGRAMS: Final = FIXTURES / "programs"
_TRUTH: Final[dict[str, dict[str, Any]]] = tomllib.loads((_PROGRAMS / "kernels" / "truth.toml").read_text())
_HANGS: Final = sorted(name for name, truth in _TRUTH.items() if truth["cause"])
_GO: Final = FIXTURES / "go" / "go1.26"
_HEALTHY: Final = sorted(
    name
    for path in index("go")
    if path.startswith("go1.26/kernel_") and "debug1" not in path
    for name in (Path(path).name.removeprefix("kernel_").partition(".")[0],)
    if name not in _HANGS
)

_ALIVE: Final = sorted(path.name.partition(".")[0] for path in _GO.glob("alive_*"))


@cache
def _reader() -> Reader:
    """One reader for all: the kernels are one package, and the others share a module."""
    return Reader(Sources([_PROGRAMS], environment={}, cwd=Path("/")))


@cache
def _named(name: str) -> tuple[Finding, ...]:
    """The findings above info that name a cause."""
    return _above_info(f"kernel_{name}")


def _above_info(dump: str) -> tuple[Finding, ...]:
    """The same of any dump of Go 1.26."""
    (path,) = _GO.glob(f"{dump}.txt*")
    report = scan([str(path)], options=Options(shipped(), reader=_reader()))
    return tuple(each for each in report.snapshots[0].findings if each.cause is not None and each.severity != "info")


@pytest.mark.parametrize("name", _HANGS)
def test_the_cause_comes_first(name: str) -> None:
    """Each hang by its cause, with the function to look at among what is said of it."""
    truth = _TRUTH[name]
    first, *_ = _named(name)
    assert first.cause in truth["cause"]
    culprits = truth["culprit"] if isinstance(truth["culprit"], list) else [truth["culprit"]]
    said = " ".join([first.title, *(step.frame.function for step in first.steps[:2] if step.frame is not None)])
    assert any(culprit in said for culprit in culprits), first.title


def test_half_of_them_are_proved() -> None:
    """Where identity and order both stand, the source is proof."""
    proved = [name for name in _HANGS if _named(name)[0].confidence == "proved"]
    assert len(proved) >= len(_HANGS) / 2


@pytest.mark.parametrize("name", _HEALTHY)
def test_a_program_that_works_has_no_cause(name: str) -> None:
    """The same programs with the bug repaired, under load, and neighbours that only look like a hang."""
    assert [] == [(each.cause, each.title) for each in _named(name)]


@pytest.mark.parametrize("dump", _ALIVE)
def test_who_waits_for_somebody_hard_to_find_is_not_stuck(dump: str) -> None:
    """The waker sleeps, is called by a library, or comes through an interface, a table, a literal, another package."""
    assert [] == [(each.cause, each.title) for each in _above_info(dump)]


def test_there_are_enough_kernels_of_each_kind() -> None:
    """Nine kinds, four of each at least: the tests above are no empty lists."""
    kinds = {truth["subtype"] for truth in _TRUTH.values() if truth["cause"]}
    assert 9 == len(kinds)
    assert all(4 <= sum(_TRUTH[name]["subtype"] == kind for name in _HANGS) for kind in kinds)
    assert len(_HEALTHY) >= 60
    assert len(_ALIVE) >= 40


def test_advice_names_lines_of_the_code() -> None:
    """What to change, where the source was read."""
    advised = [name for name in _HANGS if _named(name)[0].evidence.get("change")]
    assert len(advised) >= 0.85 * len(_HANGS)
    told = [str(_named(name)[0].evidence["change"]) for name in advised]
    assert all(".go:" in text or " line " in text or text.startswith("Nothing ") for text in told)
