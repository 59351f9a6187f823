"""``stackscan reproduce``: the JSON that scripts rely on, the text, wrong usage, the terminal, being interrupted."""

from __future__ import annotations

import io
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import Any

import pytest

from helpers import ANSI, ROOT, assert_refused, command, environment, run, run_on_terminal
from stackscan import __main__ as entry
from stackscan.cli.options.reproduce import duration, share
from stackscan.render.text import reproduce as text
from stackscan.reproduce import draw, limits
from stackscan.reproduce.close import Case, run_closes
from stackscan.reproduce.interrupt import Interrupt
from stackscan.reproduce.peers import Kind
from stackscan.reproduce.pool import PoolSetup, run_pool
from stackscan.reproduce.prediction import predict

#: As a run of many seconds would be, if nothing ended it.
_ENDLESS = ("--close-deadline", "30s", "--budget", "60s")
_QUICK = ("--close-deadline", "800ms", "--budget", "1400ms")
_DOCS = ROOT / "docs" / "reproducers.md"
needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks into /proc")


def values(*arguments: str) -> dict[str, Any]:
    """The JSON of one command."""
    done = run("reproduce", *arguments, "--format", "json")
    assert (0, "") == (done.returncode, done.stderr)
    parsed: dict[str, Any] = json.loads(done.stdout, parse_constant=pytest.fail)
    return parsed


# -- what scripts rely on ----------------------------------------------------------------------------------------------


def test_close_prints_the_fields_of_the_contract() -> None:
    """One close with a deadline: the fields of the only run stand at the top."""
    found = values("close", "--read-deadline", "100ms", "--cap", "20s")
    assert ("silent", 0.1, True, 48) == tuple(
        found[name] for name in ("peer", "read_deadline_seconds", "returned", "bytes_written")
    )
    assert 0.1 <= found["close_seconds"] < 20
    assert found["shape"] in {"worker-reads", "companion-reads"}
    assert b"\x13/multistream/1.0.0\n\x14/ipfs/bitswap/1.2.0\nPAYLOAD" == bytes.fromhex(found["first_write"])
    assert (False, [48], 1) == (found["interrupted"], found["writes"], len(found["runs"]))


def test_close_without_a_deadline_is_open_at_the_cap() -> None:
    """The default: a silent peer, no deadline. That it is open is the result, and no failure."""
    found = values("close", "--cap", "200ms")
    assert (None, False, True) == (found["read_deadline_seconds"], found["returned"], found["as_expected"])


def test_close_of_all_kinds_lists_each_with_and_without_a_deadline() -> None:
    """Seven kinds of peers, two closes each."""
    found = values("close", "--peer", "all", "--read-deadline", "100ms", "--answer-after", "50ms", "--cap", "600ms")
    assert 14 == len({(one["peer"], one["read_deadline_seconds"]) for one in found["runs"]})
    assert ["silent", "half-silent"] == [one["peer"] for one in found["runs"] if not one["returned"]]


def test_pool_prints_the_fields_of_the_contract() -> None:
    """Both ways to close, their ratio, and the prediction of the same draw in the shape of ``pool replay``."""
    found = values("pool", "--tasks", "60", "--silent-every", "4", *_QUICK)
    assert (12, 60, 15, None) == tuple(found[name] for name in ("workers", "tasks", "silent", "seed"))
    assert list(range(3, 60, 4)) == found["silent_tasks"]
    for mode, completed in (("synchronous", 57), ("detached", 60)):
        assert completed == found[mode]["completed"]
        assert found[mode]["completed"] / found[mode]["seconds"] == pytest.approx(
            found[mode]["tasks_per_second"], rel=1e-3
        )
        assert {"mean": completed, "p05": completed, "p50": completed, "p95": completed} == found["predicted"][mode][
            "completed_before_budget"
        ]
        assert {"completed_at_budget", "tasks_per_second", "makespan_seconds"} <= found["predicted"][mode].keys()
    assert {"synchronous": True, "detached": True} == found["as_predicted"]
    assert found["throughput_ratio"] > 1


def test_the_draw_of_a_run_is_that_of_its_seed() -> None:
    """A run can be had again: its tasks are those that the seed draws."""
    found = values("pool", "--tasks", "40", "--silent-fraction", "30%", "--seed", "5", "--budget", "200ms")
    expected = [task for task, silent in enumerate(draw.by_share(40, 0.3, seed=5)) if silent]
    assert (5, expected) == (found["seed"], found["silent_tasks"])


# -- what people read --------------------------------------------------------------------------------------------------


def test_the_text_begins_with_the_verdict_and_has_the_issues_form() -> None:
    """``sync: 57/60 in 1.4s (40.7/s)``, and the prediction beside it."""
    done = run("reproduce", "pool", "--tasks", "60", "--silent-every", "4", *_QUICK)
    assert (0, "") == (done.returncode, done.stderr)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("✗ synchronous closes: 57 of 60 tasks in 1.4s, 3 of 12 workers are blocked")
    assert lines[1].startswith("✓ detached closes: all 60 tasks in ")
    assert re.search(r"^✓ sync:   57/60 in 1\.4s \(40\.7/s\) +57/60 in 1\.4s \(40\.7/s\)$", done.stdout, re.MULTILINE)
    assert re.search(r"^✓ async:  60/60 in \d+[mu]?s \([\d,.]+/s\) +60/60 in ", done.stdout, re.MULTILINE)
    assert not any(line.endswith(" ") for line in lines)


@pytest.mark.parametrize(
    ("arguments", "verdict"),
    [
        (
            ("--cap", "100ms"),
            r"^✗ Close is still open after \d+ms: it waits for a silent peer, and no read deadline is",
        ),
        (("--read-deadline", "50ms"), "the read deadline of 50ms ended its wait for a silent peer"),
        (("--peer", "answering"), ": the peer answered"),
        (("--peer", "resetting"), ": the peer reset the stream"),
    ],
)
def test_the_text_of_one_close_says_what_ended_it(arguments: tuple[str, ...], verdict: str) -> None:
    """The first line tells how long Close lasted and why it ended, or that it did not."""
    done = run("reproduce", "close", *arguments)
    assert (0, "") == (done.returncode, done.stderr)
    assert re.search(verdict, done.stdout.splitlines()[0])


def test_a_budget_of_a_millisecond_is_not_told_as_none() -> None:
    """Small times keep their unit."""
    assert " tasks in 1ms" in run("reproduce", "pool", "--budget", "1ms").stdout.splitlines()[0]
    assert re.search(r"after \d+ms", run("reproduce", "close", "--cap", "1ms").stdout.splitlines()[0])


def test_what_had_not_begun_is_said_not_to_have() -> None:
    """Interrupted before the first connection: no empty tables, no close that is open after no time."""
    interrupt = Interrupt()
    interrupt.request()
    setup = PoolSetup((False,) * 9)
    pool, close = io.StringIO(), io.StringIO()
    text.render_pool(run_pool(setup, interrupt=interrupt), predict(setup), pool)
    text.render_close(run_closes([Case(Kind.SILENT)], interrupt=interrupt), close)
    assert "  nothing had started" == pool.getvalue().splitlines()[-1]
    assert "! Close had not started" == close.getvalue().splitlines()[1]


def test_a_terminal_shows_progress_while_it_runs_and_nothing_of_it_afterwards() -> None:
    """The bar is on stderr and goes away; lines keep within the width; the cursor is shown again."""
    code, shown = run_on_terminal("reproduce", "pool", "--tasks", "60", "--silent-every", "4", *_QUICK, columns=80)
    assert 0 == code
    assert "synchronous" in shown.split("✗")[0]
    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l")
    rest = ANSI.sub("", shown[shown.index("✗") :]).splitlines()
    assert max(map(len, rest)) <= 80


# -- wrong usage -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("10s", 10), ("300ms", 0.3), ("300us", 3e-4), ("1m30s", 90), ("0.5", 0.5), ("1.5h", 5400), ("7ns", 7e-9)],
)
def test_durations_are_written_as_in_go(written: str, seconds: float) -> None:
    """Units joined without space; a bare number is seconds."""
    assert seconds == pytest.approx(duration(written))


def test_a_share_may_be_written_in_per_cent() -> None:
    """``0.1`` and ``10%`` are the same."""
    assert share("0.1") == share("10%") == 0.1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("pool", "--tasks", "0"), ["tasks", "10,000"]),
        (("pool", "--tasks", "10001"), ["tasks", "10,000"]),
        (("pool", "--workers", "0"), ["workers", "1,000"]),
        (("pool", "--silent-fraction", "1.5"), ["fraction", "0 to 1"]),
        (("pool", "--silent-fraction", "nan"), ["is not a share"]),
        (("pool", "--silent-count", "201"), ["silent tasks"]),
        (("pool", "--budget", "2h"), ["budget", "3600 s"]),
        (("pool", "--silent-fraction", "most"), ["is not a share", "10%"]),
        (("pool", "--budget", "61m"), ["budget", "3600 s"]),
        (("pool", "--close-deadline", "0s"), ["close deadline"]),
        (("pool", "--close-deadline", "10 s"), ["is not a duration", "10s"]),
        (("pool", "--service-time", "-1s"), ["is not a duration"]),
        (("pool", "--silent-count", "1", "--silent-every", "2"), ["give one of"]),
        (("pool", "--tasks", "5000", "--silent-fraction", "1"), ["threads", "5,000"]),
        (("close", "--cap", "0s"), ["cap"]),
        (("close", "--read-deadline", "0s"), ["read deadline"]),
        (("close", "--peer", "all", "--read-deadline", "0s"), ["read deadline"]),
        (("close", "--peer", "sleepy"), ["sleepy"]),
    ],
)
def test_wrong_numbers_are_refused_in_words(
    arguments: tuple[str, ...],
    words: list[str],
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Exit code 2, nothing on standard output, and the message names what is wrong and what it may be."""
    monkeypatch.setattr(sys, "argv", ["stackscan", "reproduce", *arguments])
    with pytest.raises(SystemExit) as left:
        entry.main()
    out, err = capfd.readouterr()
    assert (2, "") == (left.value.code, out)
    for word in words:
        assert word in err


def test_too_many_tasks_for_the_open_files_are_refused_before_any_is_made() -> None:
    """5,000 tasks need 10,000 files; a process that may have 300 says so and what to do."""
    done = subprocess.run(
        command("reproduce", "pool", "--tasks", "5000"),
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300)),
    )
    assert_refused(done, "open files", "ulimit -n")


def test_the_reproducers_load_neither_tables_nor_arrays() -> None:
    """They start at once: no polars, no numpy; their help not even what draws on terminals."""
    code = (
        "import sys\nfrom stackscan.cli.app import main\nsys.argv = ['stackscan', 'reproduce', {arguments}]\n"
        "try:\n    main()\nfinally:\n"
        "    loaded = {{m.partition('.')[0] for m in sys.modules}}\n"
        "    print(sorted(loaded & {{'polars', 'lark', 'rich', 'numpy', 'scipy'}}), file=sys.stderr)\n"
    )
    for arguments, loaded in (("'close', '--peer', 'answering'", "['rich']"), ("'pool', '-h'", "[]")):
        program = code.format(arguments=arguments)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert loaded == done.stderr.strip()


def test_help_and_manual_name_every_option_and_the_limits() -> None:
    """What the commands take stands in docs/reproducers.md, what they refuse in their help."""
    manual = _DOCS.read_text(encoding="utf-8")
    for name in ("close", "pool"):
        shown = run("reproduce", name, "-h").stdout
        assert "130" in shown
        for option in set(re.findall(r"--[a-z-]+", shown)) - {"--help"}:
            assert f"`{option}" in manual
    for number in (limits.MOST_TASKS, limits.MOST_WORKERS, limits.MOST_THREADS):
        assert f"{number:,}" in shown
        assert f"{number:,}" in manual


# -- interrupted -------------------------------------------------------------------------------------------------------


def listening(process: subprocess.Popen[str]) -> None:
    """Wait until the program has taken over SIGTERM, which Python itself leaves alone."""
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        caught = re.search(r"SigCgt:\s*(\w+)", Path(f"/proc/{process.pid}/status").read_text())
        if caught and int(caught[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.002)
    pytest.fail("the program never came to listen to signals")


def interrupted(*arguments: str, after_seconds: float, number: signal.Signals, times: int = 1) -> tuple[int, str, str]:
    """Run, signal once it listens and so many seconds have gone by: exit code, standard output and error."""
    process = subprocess.Popen(
        command("reproduce", *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    try:
        listening(process)
        time.sleep(after_seconds)
        for _ in range(times):
            process.send_signal(number)
        out, err = process.communicate(timeout=20)  # the runs themselves last longer
    finally:
        process.kill()
        process.wait()
    return process.returncode, out, err


@needs_proc
@pytest.mark.parametrize("after_seconds", [0.0, 0.1, 0.5])
def test_an_interrupted_pool_tells_what_it_had(after_seconds: float) -> None:
    """At whatever moment Ctrl-C comes: exit code 130, whole JSON, nothing on stderr."""
    code, out, err = interrupted(
        "pool", *_ENDLESS, "--format", "json", after_seconds=after_seconds, number=signal.SIGINT
    )
    found = json.loads(out)
    assert (130, "", True, None) == (code, err, found["interrupted"], found["detached"])
    if found["synchronous"] is not None:  # it had begun
        assert "interrupted" == found["synchronous"]["ended"]
        assert found["synchronous"]["completed"] < 195
    assert {"synchronous": None, "detached": None} == found["as_predicted"]
    assert 195 == found["predicted"]["synchronous"]["completed_before_budget"]["mean"]


@needs_proc
@pytest.mark.parametrize(("number", "times"), [(signal.SIGTERM, 1), (signal.SIGINT, 3)])
def test_an_interrupted_close_tells_what_it_had(number: signal.Signals, times: int) -> None:
    """SIGTERM does the same as Ctrl-C, and Ctrl-C pressed again changes nothing."""
    code, out, err = interrupted(
        "close", "--peer", "all", "--cap", "60s", "--read-deadline", "50s", "--format", "json",
        after_seconds=0.5, number=number, times=times,
    )  # fmt: skip
    found = json.loads(out)
    assert (130, "", True) == (code, err, found["interrupted"])
    assert not all(one["returned"] for one in found["runs"])
    assert all(one["as_expected"] is None for one in found["runs"] if not one["returned"])


@needs_proc
def test_an_interrupted_run_says_so_in_its_text() -> None:
    """People read it in the first line."""
    code, out, err = interrupted("pool", *_ENDLESS, after_seconds=0.5, number=signal.SIGINT)
    assert (130, "") == (code, err)
    assert out.startswith("! interrupted: these are the results until then\n")


@needs_proc
def test_many_silent_peers_are_left_as_quickly() -> None:
    """Hundreds of threads that read without a deadline near are ended with the program."""
    code, out, _ = interrupted(
        "pool", "--tasks", "400", "--silent-fraction", "1", "--workers", "400", *_ENDLESS, "--format", "json",
        after_seconds=1.0, number=signal.SIGINT,
    )  # fmt: skip
    assert (130, True) == (code, json.loads(out)["interrupted"])


def test_ctrl_c_while_the_program_still_loads_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any handler is in place: exit code 130 and no traceback."""

    def press() -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "stackscan.cli.app", types.SimpleNamespace(main=press))
    with pytest.raises(SystemExit) as left:
        entry.main()
    assert 130 == left.value.code


@needs_proc
def test_a_reader_that_goes_away_is_no_failure() -> None:
    """``stackscan reproduce close | head -0`` ends quietly."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        command("reproduce", "close", "--peer", "answering"),
        stdout=writing, stderr=subprocess.PIPE, text=True, check=False, env=environment(),
    )  # fmt: skip
    os.close(writing)
    assert (0, "") == (done.returncode, done.stderr)
