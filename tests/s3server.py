"""A real S3 server for tests: versitygw over a folder, on a free port of loopback.

It is built once from the Go module proxy (about a minute on two idle cores) and kept in the user's cache. Tests that
ask for it are skipped where neither it nor Go and the network are there.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from obstore.store import S3Store

VERSION: Final = "v1.8.0"
_MODULE: Final = "github.com/versity/versitygw/cmd/versitygw"
_CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stackscan-tests"
_BUILD_SECONDS: Final = 1200
_START_SECONDS: Final = 30
#: Variables that say what other object storage is to be used, of whoever runs the tests.
_OTHERS: Final = ("AWS_", "AZURE_", "GOOGLE_")


def binary() -> Path:
    """The server's program, built if need be. Skips the test where that is not possible."""
    found = shutil.which("versitygw")
    if found:
        return Path(found)
    folder = _CACHE / f"versitygw-{VERSION}"
    program = folder / "versitygw"
    if program.exists():
        return program
    if shutil.which("go") is None:
        pytest.skip("needs versitygw, or Go to build it")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            _build(folder)
    return program


def _build(folder: Path) -> None:
    target = folder / "building"
    built = subprocess.run(
        ["go", "install", "-ldflags=-s -w", f"{_MODULE}@{VERSION}"],  # without what a debugger needs: linked sooner
        env={**os.environ, "GOBIN": str(target), "GOFLAGS": "-mod=mod"},
        capture_output=True,
        text=True,
        timeout=_BUILD_SECONDS,
        check=False,
    )
    if built.returncode != 0:
        pytest.skip(f"versitygw cannot be built: {built.stderr[-300:]}")
    (target / "versitygw").rename(folder / "versitygw")


@dataclass
class S3Server:
    """A running server. ``environment`` is what a program needs to use it."""

    folder: Path
    access: str = "test-access"
    secret: str = "test-Secret-0123456789"  # noqa: S105  # of a server on loopback
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """The address of its endpoint."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables for a program that reads from it."""
        return {
            "AWS_ACCESS_KEY_ID": self.access,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
        }

    def start(self) -> None:
        """Start it, on the port that it had before."""
        if not self.port:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
        for name in "data", "sidecar":
            (self.folder / name).mkdir(exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(binary(), "--quiet", "--port", f"127.0.0.1:{self.port}"),
                    *("posix", "--sidecar", self.folder / "sidecar", self.folder / "data"),
                ],
                env={"ROOT_ACCESS_KEY": self.access, "ROOT_SECRET_KEY": self.secret, "HOME": str(self.folder)},
                stdout=log,
                stderr=log,
            )
        self._wait()

    def _wait(self) -> None:
        ends = time.monotonic() + _START_SECONDS
        while time.monotonic() < ends:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self._process is None or self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError(f"versitygw does not start: {(self.folder / 'log').read_text()[-1000:]}")

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def bucket(self, name: str) -> S3Store:
        """A bucket, made if need be, with the library's store to put objects into it."""
        (self.folder / "data" / name).mkdir(exist_ok=True)
        return S3Store(
            name,
            endpoint=self.url,
            access_key_id=self.access,
            secret_access_key=self.secret,
            region="us-east-1",
            client_options={"allow_http": True, "timeout": timedelta(seconds=60)},
        )


def without_others(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment that names no object storage."""
    return {name: value for name, value in environment.items() if not name.startswith(_OTHERS)}


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A server for all tests of a process."""
    server = S3Server(tmp_path_factory.mktemp("s3"))
    server.start()
    yield server
    server.kill()
