"""The examples are run: workflows and scripts on real captures, the policy read, the pytest file by pytest."""

from __future__ import annotations

import gzip
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from helpers import FIXTURES, ROOT, environment, run
from stackscan.checks import find_policy
from stackscan.knowledge.configuration import shipped
from stackscan.knowledge.rule import catalogue as rule_catalogue

EXAMPLES = ROOT / "examples"
KUBO = FIXTURES / "kubo"
SCHEMAS = Path(__file__).resolve().parent / "schemas"


def unpacked(path: Path) -> bytes:
    """A fixture's text."""
    return gzip.decompress(path.read_bytes())


QUIET = unpacked(KUBO / "v0.41.0-quiet" / "stack-01.txt.gz")
STALLED = unpacked(KUBO / "v0.40.1-stalled-tcp" / "stack-02.txt.gz")


def shell(script: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script as GitHub's runner runs a step, with this interpreter's stackscan on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    settings = environment(PATH=path, **variables)
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script], cwd=cwd, env=settings, capture_output=True, text=True, check=False
    )


def test_the_example_policy_is_valid_and_names_every_key() -> None:
    """Every key of a policy is in it, and docs/ci.md explains each."""
    policy = find_policy(EXAMPLES / "stackscan.toml", shipped())
    assert (len(policy.limits), len(policy.pools), len(policy.ignores), len(policy.rules)) == (2, 1, 1, 2)
    import tomllib

    def keys(table: Any) -> set[str]:
        if isinstance(table, list):
            return {key for entry in table for key in keys(entry)}
        return (
            set(table) | {key for value in table.values() if isinstance(value, dict | list) for key in keys(value)}
            if (isinstance(table, dict))
            else set()
        )

    check = tomllib.loads((EXAMPLES / "stackscan.toml").read_text())["check"]
    documented = (ROOT / "docs" / "ci.md").read_text()
    rules = {rule.name for rule in rule_catalogue()}
    assert [
        key for key in keys(check) - rules if f"`{key}`" not in documented and f"check.{key}]" not in documented
    ] == []


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two dumps of a quiet node and the baseline that was made of them."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    for folder in ("testdata", "dumps"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1.stacks").write_bytes(QUIET)
        (tmp_path / folder / "2.stacks").write_bytes(unpacked(KUBO / "v0.41.0-quiet" / "stack-02.txt.gz"))
    done = run("check", tmp_path / "testdata" / "1.stacks", "--write-baseline", tmp_path / "goroutines.baseline.json")
    assert done.returncode == 0
    return tmp_path


def test_the_git_hook(repository: Path) -> None:
    """It passes with what is known, fails with a stall, and fails with an empty dump."""
    script = f"sh {EXAMPLES / 'pre-commit.sh'}"
    below = repository / "testdata"
    assert shell(script, below).returncode == 0
    (repository / "testdata" / "2.stacks").write_bytes(STALLED)
    done = shell(script, below)
    assert done.returncode == 1
    assert "bitswap-close-stall" in done.stdout
    (repository / "testdata" / "2.stacks").write_bytes(b"")
    assert shell(script, below).returncode == 2


def steps() -> dict[str, str]:
    """The scripts of the workflow by step."""
    workflow = yaml.safe_load((EXAMPLES / "github-actions.yml").read_text())
    return {step["name"]: step["run"] for step in workflow["jobs"]["check"]["steps"] if "run" in step}


def test_the_github_workflow(repository: Path) -> None:
    """Its check step passes on quiet dumps and annotates a stall; its reports are written either way, and valid."""
    summary = repository / "summary.md"
    assert shell(steps()["Check"], repository).returncode == 0
    (repository / "dumps" / "2.stacks").write_bytes(STALLED)
    done = shell(steps()["Check"], repository)
    assert done.returncode == 1
    assert done.stdout.startswith("::error title=stackscan%3A bitswap-close-stall::12 workers")
    done = shell(steps()["Reports"], repository, GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == 0, done.stderr
    log = json.loads((repository / "goroutines.sarif").read_text())
    schema = json.loads((SCHEMAS / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
    assert list(jsonschema.Draft4Validator(schema).iter_errors(log)) == []
    assert "<failure" in (repository / "goroutines.xml").read_text()
    assert "bitswap-close-stall" in (repository / "dumps" / "compare.txt").read_text()
    assert "bitswap" in summary.read_text()


@pytest.fixture
def served() -> Iterator[dict[str, bytes]]:
    """A server on the loopback that gives its dump, as net/http/pprof would; what it gives can be changed."""
    given = {"dump": QUIET}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the library's name
            self.send_response(200)
            self.end_headers()
            self.wfile.write(given["dump"])

        def log_message(self, *_: object) -> None:
            """Nothing on stderr."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    given["url"] = f"http://127.0.0.1:{server.server_port}/debug/pprof/goroutine?debug=2".encode()
    yield given
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_pytest_example(served: dict[str, bytes], tmp_path: Path) -> None:
    """Its tests pass while the service is well, and fail when it has stalled."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    settings = environment(SERVICE_DUMP=served["url"].decode(), no_proxy="127.0.0.1", PYTEST_ADDOPTS=None)

    def ran() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, str(EXAMPLES / "test_service.py")], cwd=tmp_path, env=settings, capture_output=True, text=True,
            check=False,
        )  # fmt: skip

    assert "2 passed" in ran().stdout
    served["dump"] = STALLED
    done = ran()
    assert "2 failed" in done.stdout
    assert "12 workers: bitswap workers wait in stream Close" in done.stdout


def _offered() -> set[str]:
    """The options of ``stackscan watch``."""
    return set(re.findall(r"--[a-z-]+", run("watch", "--help").stdout))


def test_the_service_starts_what_there_is(tmp_path: Path) -> None:
    """The unit's command has options that exist; systemd reads the unit, where it is at hand."""
    text = (EXAMPLES / "live" / "stackscan-watch.service").read_text(encoding="utf-8")
    command = re.search(r"(?m)^ExecStart=((?:.*\\\n)*.*)", text)
    assert command is not None
    options = set(re.findall(r"--[a-z-]+", command[1]))
    assert {"--keep", "--metrics"} <= options <= _offered()
    if shutil.which("systemd-analyze"):
        unit = tmp_path / "stackscan-watch.service"
        unit.write_text(text.replace("/opt/stackscan/bin/stackscan", "/bin/true"), encoding="utf-8")
        done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
        assert (0, "") == (done.returncode, done.stderr)
