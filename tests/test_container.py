"""The Dockerfile at the root, and the composition of containers that uses it."""

from __future__ import annotations

import http.server
import json
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from helpers import ROOT, environment, run

_TEXT: Final = (ROOT / "Dockerfile").read_text(encoding="utf-8")
_COMPOSED: Final[Any] = yaml.safe_load((ROOT / "examples" / "live" / "compose.yaml").read_text(encoding="utf-8"))


def _stages() -> dict[str, dict[str, list[str]]]:
    """The instructions of each stage and their arguments, with those of the stage that it goes on from; the last
    stage has no name."""
    found: dict[str, dict[str, list[str]]] = {}
    stage: dict[str, list[str]] = {}
    joined = re.sub(r"\\\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", _TEXT))
    for line in filter(None, joined.splitlines()):
        instruction, _, rest = line.partition(" ")
        if instruction == "FROM":
            parent, _, name = rest.partition(" AS ")
            stage = found[name] = {key: [*values] for key, values in found.get(parent, {}).items()}
        stage.setdefault(instruction, []).append(rest)
    return found


STAGES: Final = _stages()


def _options(command: str) -> set[str]:
    return set(re.findall(r"--[a-z-]+", run(command, "--help").stdout))


def test_both_images_run_as_nobody() -> None:
    """What a container runs may read dumps of strangers."""
    assert {"build", "program", "watch", ""} == set(STAGES)
    for name in ("program", "watch", ""):
        assert "65534:65534" == STAGES[name]["USER"][-1]


def test_the_image_is_made_of_all_that_the_wheel_is_made_of() -> None:
    """And .dockerignore leaves nothing of it out."""
    targets = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]
    wheel = targets["wheel"]
    needed = {
        *wheel["packages"],
        *wheel["force-include"],
        *wheel["shared-data"],
        "pyproject.toml",
        "README.md",
        "LICENSE",
    }
    copied = {source for line in STAGES["build"]["COPY"] for source in line.split()[:-1]}
    let_in = set(re.findall(r"(?m)^!(.*)$", (ROOT / ".dockerignore").read_text(encoding="utf-8")))
    assert needed == copied == let_in
    assert set() == {source for source in copied if not (ROOT / source).exists()}


def test_the_images_start_what_there_is() -> None:
    """Their commands and options exist, also with those that the composition adds."""
    assert ["stackscan"] == json.loads(STAGES[""]["ENTRYPOINT"][-1])
    service = _COMPOSED["services"]["watch"]
    words = [*json.loads(STAGES[service["build"]["target"]]["ENTRYPOINT"][-1]), *service["command"]]
    assert ["stackscan", "watch"] == words[:2]
    assert {"--metrics", "--keep"} <= {word for word in words if word.startswith("--")} <= _options("watch")
    volumes = {name.split(":")[0] for one in _COMPOSED["services"].values() for name in one["volumes"]}
    assert volumes <= set(_COMPOSED["volumes"])
    assert service["read_only"] is True


class _Metrics(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/metrics" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is given
        """Say nothing."""


@pytest.fixture
def served() -> Iterator[http.server.HTTPServer]:
    """Something that answers like the metrics of a watch."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Metrics)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_the_health_check_asks_for_the_metrics(served: http.server.HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """It succeeds when they are there, whatever proxy the environment names, and fails for an error or silence."""
    port = re.search(r":(\d+)\"", STAGES["watch"]["ENTRYPOINT"][-1])
    assert port is not None
    check = STAGES["watch"]["HEALTHCHECK"][-1]
    program, *arguments = json.loads(check[check.index("[") :])
    assert ("python", 1) == (program, arguments[-1].count(f", {port[1]},"))

    def health(at: int) -> int:
        words = [sys.executable, *(word.replace(f", {port[1]},", f", {at},") for word in arguments)]
        env = environment(http_proxy="http://127.0.0.1:9", HTTP_PROXY="http://127.0.0.1:9")
        return subprocess.run(words, env=env, capture_output=True, check=False).returncode

    assert 0 == health(served.server_port)
    monkeypatch.setattr(_Metrics, "status", 503)
    assert 1 == health(served.server_port)
    served.shutdown()
    served.server_close()
    assert 1 == health(served.server_port)


def test_hadolint_finds_no_fault() -> None:
    """The dev extra brings it on Linux."""
    tool = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if tool is None:
        pytest.skip("needs hadolint")
    done = subprocess.run([tool, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stdout)
