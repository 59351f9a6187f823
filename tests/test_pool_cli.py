"""``stackscan pool`` as its users meet it: what it prints for people and scripts, pictures, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import FIXTURES, assert_refused, environment, run, run_on_terminal
from stackscan.cli.options.units import seconds, share
from stackscan.cli.pool.lists import spread
from stackscan.errors import ModelError, OutputError
from stackscan.queueing.curves import curves
from stackscan.queueing.demand import Demand
from stackscan.queueing.projecting import project
from stackscan.render.plots.figure import draw, format_of
from stackscan.render.plots.terminal import curve_lines

KUBO = FIXTURES / "kubo"
NUMBERS = ("--workers", "12", "--rate", "5", "--silent-fraction", "0.1", "--close-deadline", "10s")


def values(*arguments: str | Path) -> dict[str, Any]:
    """What ``stackscan pool`` prints with ``--format json``."""
    done = run("pool", *arguments, "--format", "json")
    assert (0, "") == (done.returncode, done.stderr)
    parsed: dict[str, Any] = json.loads(done.stdout, parse_constant=pytest.fail)
    return parsed


def test_project_prints_the_contracts_numbers() -> None:
    """Every name of the contract is there, with the values of its example."""
    found = values("project", *NUMBERS)
    assert (12, 5.0, 0.1, 10.0, 0.0003) == tuple(
        found[key]
        for key in ("workers", "rate_per_second", "silent_fraction", "close_deadline_seconds", "service_seconds")
    )
    assert (5.0, None) == (found["stall_load_erlangs"], found["stall_load_interval"])
    now = found["synchronous"]
    assert {"0.5", "0.9", "0.99"} == set(now["wait_quantiles_seconds"])
    assert 0.005499 == pytest.approx(now["wait_probability"], abs=1e-5)
    assert False is now["saturated"] is found["detached"]["saturated"]
    assert {"closers_mean", "closers_p999", "goroutines_p999", "memory_bytes_p999"} <= set(found["detached"])
    assert "exact M/D/c" == found["method"]


def test_replay_prints_the_contracts_numbers() -> None:
    """Both pools with the same keys, and the ratio of boxo #1142."""
    found = values("replay", "--silent-every", "10")
    assert 192 == found["synchronous"]["completed_before_budget"]["mean"]
    assert 200 == found["synchronous"]["completed_at_budget"]["p50"]
    assert set(found["synchronous"]) == set(found["detached"])
    assert 4000 == pytest.approx(found["throughput_ratio"], rel=0.05)
    assert 194 == values("replay", "--silent-count", "18")["synchronous"]["completed_before_budget"]["p05"]


def test_plan_prints_the_contracts_numbers() -> None:
    """Twelve workers hold 99 % of tasks below 100 ms at five erlangs; detached, one does."""
    found = values("plan", "--rate", "5", "--silent-fraction", "0.1", "--target-wait", "100ms")
    assert (12, 1) == (found["synchronous"]["workers_needed"], found["detached"]["workers_needed"])


def test_captures_take_many_sources_after_one_option() -> None:
    """``--from A B C``, as shells expand a pattern; the load is that of the lab."""
    zips = sorted((KUBO / "v0.40.1-mixed").glob("*.zip"))
    found = values("project", "--from", *zips)
    assert [4, 9, 8, 6] == found["captures"]["held"]
    low, high = found["stall_load_interval"]
    assert low <= 6.15 <= high
    assert found["rate_per_second"] is None


def test_metrics_and_captures_go_together() -> None:
    """Captures tell the load, metrics the rate: with both, the growth of a full pool's queue is reckoned."""
    folder = KUBO / "v0.40.1-stalled-tcp"
    dumps, proms = sorted(folder.glob("stack-*")), sorted(folder.glob("*.prom"))
    found = values("project", "--from", *dumps, "--metrics", *proms, "--scrape-interval", "30s")
    assert found["synchronous"]["saturated"]
    assert 1.7 == pytest.approx(found["rate_per_second"], abs=0.01)
    assert 36 == found["metrics"]["silent"]


def test_metrics_of_a_full_pool_promise_no_growth() -> None:
    """They show what it carries; what is asked beyond that never becomes a send."""
    folder = KUBO / "v0.40.1-stalled-tcp"
    found = values("project", "--metrics", *sorted(folder.glob("*.prom")), "--scrape-interval", "30s")
    assert found["synchronous"]["growth_per_second"] is None
    assert None is found["stall_load_interval"][1]


@pytest.mark.parametrize("columns", [80, 140])
def test_text_fits_a_terminal(columns: int) -> None:
    """The verdict first, and no line beyond the terminal's width."""
    code, shown = run_on_terminal("pool", "project", *NUMBERS, columns=columns, env=None)
    assert 0 == code
    plain = [line for line in shown.splitlines() if "\x1b" not in line]
    assert all(len(line) <= columns for line in plain)
    assert "offered load 5 of 12 erlangs" in shown


def test_text_says_how_fast_a_queue_grows() -> None:
    """In a pipe: no colour, the verdict in the first line."""
    done = run("pool", "project", "--rate", "20", "--silent-fraction", "10%", "--service-time", "0s")
    assert done.stdout.startswith("  saturated: capacity 12 tasks a second, 20 arrive: the queue grows by 8 a second")
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_a_picture_is_drawn(tmp_path: Path, suffix: str) -> None:
    """By the name of the file, twice the same bytes."""
    picture = draw(curves(project(Demand(12, 5.0, 0.1, 10.0))), picture_format=suffix)
    assert picture == draw(curves(project(Demand(12, 5.0, 0.1, 10.0))), picture_format=suffix)
    path = tmp_path / f"curves.{suffix}"
    done = run("pool", "project", *NUMBERS, "--plot", path)
    assert (0, "") == (done.returncode, done.stderr)
    assert picture == path.read_bytes()
    if suffix == "svg":
        assert ET.fromstring(picture.decode()).tag.endswith("svg")  # noqa: S314 - our own picture
    else:
        assert picture.startswith({"png": b"\x89PNG", "pdf": b"%PDF"}[suffix])


def test_without_matplotlib_a_picture_is_refused(tmp_path: Path) -> None:
    """By a message that names the library and its extra, before anything is computed or written."""
    code = (
        "import sys\n"
        "sys.modules['matplotlib'] = None\n"  # as if it were not installed
        "from stackscan.__main__ import main\n"
        "sys.exit(main())"
    )
    path = tmp_path / "curves.svg"
    command = [sys.executable, "-c", code, "pool", "project", *NUMBERS, "--plot", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    assert (2, "") == (done.returncode, done.stdout)
    assert "needs matplotlib, which is not installed" in done.stderr
    assert "pip install matplotlib" in done.stderr
    assert not path.exists()


def test_a_picture_of_captures_marks_their_interval() -> None:
    """The axis is the load, for captures tell no rate; the mark is their estimate, the band its interval."""
    from test_calibration import projected

    found = curves(projected(*sorted((KUBO / "v0.40.1-mixed").glob("stack-*"))))
    assert found.mark is not None
    assert (6.75, 4.79, 9.24) == pytest.approx((found.mark.x, found.mark.low, found.mark.high), abs=0.01)
    assert "erlangs" in found.x_label
    assert 12.0 == found.saturation
    assert any("▲" in line for line in curve_lines(found, width=80))


@settings(max_examples=20, deadline=None)
@given(
    workers=st.sampled_from([1, 12, 10**9]),
    rate=st.sampled_from([1e-300, 1.0, 5.0, 1e12]),
    silent=st.sampled_from([0.0, 0.1, 1.0]),
    width=st.integers(20, 200),
)
def test_curves_of_any_pool_are_drawn(workers: int, rate: float, silent: float, width: int) -> None:
    """Finite values, as many as the axis has, and lines of one width."""
    found = curves(project(Demand(workers, rate, silent, 10.0)))
    for panel in found.panels:
        assert len(found.x) == len(panel.synchronous) == len(panel.detached)
        assert all(0 <= value < float("inf") for value in (*panel.synchronous, *panel.detached))
    assert curve_lines(found, width=width)


def test_a_picture_of_another_kind_is_refused() -> None:
    """Before anything is computed."""
    assert "svg" == format_of("a/b.SVG")
    with pytest.raises(OutputError, match=r"\.gif"):
        format_of("x.gif")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("project",), ["nothing to project", "--from"]),
        (("project", "--rate", "nan", "--silent-fraction", "0.1"), ["rate", "nan"]),
        (("project", "--rate", "5", "--silent-fraction", "1.5"), ["silent fraction", "1.5"]),
        (("project", "--rate", "5", "--silent-fraction", "0.1", "--workers", "0"), ["workers", "1"]),
        (
            ("project", "--rate", "5", "--silent-fraction", "0.1", "--close-deadline", "0s"),
            ["close deadline", "above 0"],
        ),
        (("project", "--rate", "5", "--silent-fraction", "0.1", "--plot", "x.gif"), [".gif", ".svg"]),
        (("project", "--from", "/no/such/file"), ["/no/such/file"]),
        (("project", "--metrics", "/no/such/file"), ["/no/such/file"]),
        (("replay", "--silent-every", "3", "--silent-count", "4"), ["more than one"]),
        (("replay", "--tasks", "1000000"), ["too many", "replications"]),
        (("plan", "--rate", "5", "--silent-fraction", "0.1", "--target-probability", "1"), ["cannot be met"]),
    ],
)
def test_wrong_questions_are_refused(arguments: tuple[str, ...], words: list[str]) -> None:
    """Exit code 2, and words that say what to do."""
    assert_refused(run("pool", *arguments), *words)


# -- how numbers are written -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [("10s", 10.0), ("300us", 3e-4), ("300µs", 3e-4), ("1m30s", 90.0), ("2h", 7200.0), ("0.5", 0.5), ("1e-3s", 1e-3)],
)
def test_durations_are_written_as_go_writes_them(text: str, value: float) -> None:
    """Also mixed, and bare seconds."""
    assert value == pytest.approx(seconds(text))


@pytest.mark.parametrize("text", ["", "s", "10 s", "ten", "1..2s", "10x", "nan", "inf", "1e999s", "--", "1s2"])
def test_what_is_no_duration_is_said_to_be_none(text: str) -> None:
    """With an example of what is."""
    with pytest.raises(ModelError, match="is not a duration"):
        seconds(text)


def test_shares_may_be_per_cent() -> None:
    """0.1 and 10% are one."""
    assert 0.1 == share("0.1") == share("10%")
    with pytest.raises(ModelError, match="is not a share"):
        share("a tenth")


def test_lists_end_at_the_next_option() -> None:
    """``-`` is a value, an option given several times stays as it is."""
    assert ["--from", "a", "--from", "-", "--rate", "5"] == spread(["--from", "a", "-", "--rate", "5"])
    assert ["--from", "a", "--metrics", "b", "--metrics", "c"] == spread(["--from", "a", "--metrics", "b", "c"])
    assert ["--from=a", "b"] == spread(["--from=a", "b"])
