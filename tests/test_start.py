"""What a start loads: the module of the command that runs, and of other packages only what that needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from helpers import FIXTURES, environment, goroutine

_SMALL: Final = FIXTURES / "go" / "go1.25" / "hang_http-locked.txt"
#: What typer itself loads.
_TYPER: Final = frozenset({"annotated_doc", "typer", "typing_extensions", "shellingham"})
_CODE: Final = """
import json, os, sys
from stackscan.__main__ import main
sys.argv = ["stackscan", *json.loads(os.environ["ARGUMENTS"])]
try:
    main()
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


def _loaded(*arguments: object) -> set[str]:
    """The modules that a run has loaded at its end; its output goes nowhere."""
    env = environment(ARGUMENTS=json.dumps([str(one) for one in arguments]))
    done = subprocess.run([sys.executable, "-c", _CODE], capture_output=True, text=True, env=env, check=False)
    found: list[str] = json.loads(done.stderr.splitlines()[-1])
    return set(found)


def _others(modules: set[str]) -> set[str]:
    """The packages that are neither Python's nor ours nor typer's; what an editable installation adds is none."""
    tops = {name.partition(".")[0] for name in modules} - {"stackscan", "__main__", "__mp_main__"}
    tops -= sys.stdlib_module_names | _TYPER | {"cython_runtime"}
    return {name for name in tops if not name.startswith(("_", "sitecustomize", "distutils-precedence"))}


def _own(modules: set[str]) -> int:
    return sum(name.partition(".")[0] == "stackscan" for name in modules)


@pytest.mark.parametrize(
    ("arguments", "most"),
    [
        (["--version"], 8),
        (["--help"], 9),
        ([], 9),
        (["--bogus"], 9),
        (["bogus"], 11),
        (["report", "--help"], 19),
        (["report"], 19),
        (["report", "--bogus", "x"], 19),
        (["check", "--help"], 19),
        (["pool", "--help"], 24),
        (["reproduce", "--help"], 19),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_help_and_wrong_usage_load_one_command(arguments: list[str], most: int) -> None:
    """And nothing but typer; ``--version`` not even that."""
    modules = _loaded(*arguments)
    assert set() == _others(modules)
    assert most >= _own(modules), sorted(name for name in modules if name.startswith("stackscan"))
    assert ("typer" in modules) == (arguments != ["--version"])
    commands = {name.split(".")[2] for name in modules if name.startswith("stackscan.cli.")} & {
        "report",
        "check",
        "pool",
    }
    assert commands <= set(arguments[:1])


@pytest.mark.parametrize("name", ["hang_http-locked", "panic_deadlock", "states", "panic_nilderef"])
@pytest.mark.parametrize("output", ["text", "json", "markdown"])
def test_a_report_of_a_small_dump_loads_no_library(name: str, output: str) -> None:
    """From the second start on, when what is kept is there."""
    arguments = ("report", "--format", output, FIXTURES / "go" / "go1.25" / f"{name}.txt")
    _loaded(*arguments)
    modules = _loaded(*arguments)
    assert set() == _others(modules)
    assert 178 >= _own(modules), sorted(name for name in modules if name.startswith("stackscan"))
    assert set() == {"tarfile", "zipfile", "concurrent.futures", "multiprocessing", "http.client", "tempfile"} & modules


@pytest.mark.parametrize(
    ("arguments", "loaded"),
    [
        (["report", "--format", "html", _SMALL], {"jinja2", "markupsafe"}),
        (["check", _SMALL], set()),
        (["check", "--format", "json", _SMALL], set()),
        (["show", "1", _SMALL], set()),
        (["show", "--format", "json", "1", _SMALL], set()),
        (["rules"], set()),
        (["rules", "mutex-pile-up"], set()),
        (["rules", "--format", "json"], set()),
        (["report", "--where", 'waiting "select"', _SMALL], {"lark"}),
        (["pool", "plan", "--rate", "5", "--silent-fraction", "0.1"], {"numpy"}),
    ],
    ids=lambda value: " ".join(Path(one).name for one in map(str, value)) if isinstance(value, list) else "",
)
def test_a_command_loads_what_it_needs(arguments: list[Any], loaded: set[str]) -> None:
    """A new package in this list costs every start of the command."""
    _loaded(*arguments)
    assert loaded == _others(_loaded(*arguments))


_NUMPY: Final = """
import os, sys
from stackscan.__main__ import main
sys.argv = ["stackscan", "report", os.environ["INPUT"]]
try:
    main()
finally:
    print("numpy" in sys.modules, os.environ["OPENBLAS_NUM_THREADS"], file=sys.stderr)
"""


@pytest.mark.parametrize(("asked", "threads"), [(None, "1"), ("4", "4")])
def test_numpy_starts_no_threads(tmp_path: Path, asked: str | None, threads: str) -> None:
    """Those for large matrices would wait busily beside the report of a large dump; who asks for some gets them."""
    path = tmp_path / "dump.txt"
    waiting = ["sync.runtime_SemacquireMutex", "sync.(*Mutex).Lock", "main.f"]  # numpy looks for the lock
    path.write_text("".join(goroutine(number, waiting, state="semacquire") + "\n" for number in range(1, 16_000)))
    assert 1 << 20 < path.stat().st_size
    env = environment(INPUT=str(path))
    env.pop("OPENBLAS_NUM_THREADS", None)
    env |= {} if asked is None else {"OPENBLAS_NUM_THREADS": asked}
    done = subprocess.run([sys.executable, "-c", _NUMPY], capture_output=True, text=True, env=env, check=False)
    assert f"True {threads}" == done.stderr.splitlines()[-1]
