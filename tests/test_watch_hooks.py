"""Hooks: what they are told, what is tried again, that nobody waits for them, and that no address is shown."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from stackscan.errors import UsageError
from stackscan.live.history import History
from stackscan.live.hooks import bodies, courier, hooks, webhook
from stackscan.live.hooks.command import Command, argv_of, environment
from stackscan.live.hooks.courier import Courier, Parcel, UndeliveredError
from stackscan.live.sample import Failure
from stackscan.live.standing import Change, Standing
from stackscan.live.target import Target
from stackscan.live.watch import News

AT = datetime(2026, 4, 22, 12, 0, 0, tzinfo=UTC)
STALL: dict[str, Any] = {
    "rule": "bitswap-close-stall", "severity": "error", "title": "workers <wait> & hang", "count": 12, "cause": None,
    "confidence": None, "steps": [], "evidence": {}, "fix": "Upgrade.",
}  # fmt: skip
VALUES: dict[str, Any] = {
    "time": "2026-04-22T12:00:00.000+00:00", "target": "http://h:1", "event": "appeared", "level": "error",
    "verdict": "12 of 12 workers are stuck", "findings": [{**STALL, "since": "2026-04-22T12:00:00.000+00:00"}],
}  # fmt: skip


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next attempt comes soon."""
    monkeypatch.setattr(courier, "_FIRST_SECONDS", 0.01)


def wait_for(true: Callable[[], bool]) -> None:
    """Wait until something is true."""
    for _ in range(3000):
        if true():
            return
        time.sleep(0.02)
    pytest.fail("it never was")


def news(
    *findings: dict[str, Any], target: str = "http://h:1", changes: tuple[Change, ...] = (), silent: bool = False
) -> News:
    """News of a process with these findings."""
    history = History(Target.parse(target))
    for values in findings:
        history.standing[values["rule"], values["cause"], None] = Standing(values, AT)
    if silent:
        history.failed(Failure(AT, "connection refused", "Check it.", 0.0))
    return News(history, changes, None, "profile", reached=False if silent else None)


# -- who delivers ----------------------------------------------------------------------------------------------------


@dataclass
class Deliveries:
    """Takes what is delivered; the first so many attempts fail, all where ``again`` is False."""

    failing: int = 0
    again: bool = True
    got: list[Any] = field(default_factory=list)
    attempts: int = 0
    told: list[str] = field(default_factory=list)
    let: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.let.set()

    def __call__(self, parcel: Parcel) -> None:
        self.let.wait()
        self.attempts += 1
        if self.attempts <= self.failing:
            raise UndeliveredError("no", again=self.again)
        self.got.append(parcel.body)

    def courier(self, **settings: Any) -> Courier:
        found = Courier("it", self, self.told.append, **{"attempts": 3, **settings})
        found.start()
        return found


def test_what_fails_is_tried_again() -> None:
    """And told once, with the end of it."""
    deliveries = Deliveries(failing=2)
    one = deliveries.courier()
    one.put(Parcel("a", 1))
    wait_for(lambda: one.delivered == 1)
    assert ([1], 3) == (deliveries.got, deliveries.attempts)
    assert ["it: no", "it: it works again (0 not delivered, 0 dropped)"] == deliveries.told


def test_what_cannot_succeed_is_given_up() -> None:
    """At once, and after the last attempt; the next thing is delivered."""
    deliveries = Deliveries(failing=1, again=False)
    one = deliveries.courier()
    one.put(Parcel("a", 1))
    one.put(Parcel("a", 2))
    wait_for(lambda: one.delivered == 1)
    assert ([2], 1) == (deliveries.got, one.failed)
    deliveries = Deliveries(failing=4)
    one = deliveries.courier()
    one.put(Parcel("a", 1))
    one.put(Parcel("a", 2))
    wait_for(lambda: one.delivered == 1)
    assert ([2], 1) == (deliveries.got, one.failed)
    assert 2 == len(deliveries.told)


def test_the_newest_state_wins() -> None:
    """Where too many wait, older ones of the same process go first."""
    deliveries = Deliveries()
    deliveries.let.clear()
    one = deliveries.courier(most_waiting=3)
    one.put(Parcel("x", "on its way"))
    wait_for(lambda: one._busy)
    for target, body in (("a", "a1"), ("b", "b1"), ("a", "a2"), ("a", "a3"), ("c", "c1")):
        one.put(Parcel(target, body))
    deliveries.let.set()
    wait_for(lambda: one.delivered == 4)
    assert ["on its way", "a2", "a3", "c1"] == deliveries.got
    assert 2 == one.dropped


def test_a_fault_of_ours_ends_nothing() -> None:
    """It is told, and the next thing is delivered."""
    told: list[str] = []
    got: list[Any] = []

    def deliver(parcel: Parcel) -> None:
        got.append(1 / parcel.body)

    one = Courier("it", deliver, told.append, attempts=1)
    one.start()
    one.put(Parcel("a", 0))
    one.put(Parcel("a", 2))
    wait_for(lambda: one.delivered == 1)
    assert [0.5] == got
    assert "ZeroDivisionError" in told[0]


def test_the_end_delivers_what_waits() -> None:
    """Each once; what fails then is not tried again, and what lasts is not waited for."""
    deliveries = Deliveries(failing=1)
    deliveries.let.clear()
    one = deliveries.courier()
    for body in (1, 2, 3):
        one.put(Parcel("a", body))
    one.close(time.monotonic() + 30)
    deliveries.let.set()
    assert one.finished()
    assert [2, 3] == deliveries.got
    deliveries = Deliveries()
    deliveries.let.clear()
    one = deliveries.courier()
    one.put(Parcel("a", 1))
    one.close(time.monotonic() + 0.05)
    assert not one.finished()
    deliveries.let.set()


# -- commands --------------------------------------------------------------------------------------------------------


def test_a_command_gets_the_line_and_the_words(tmp_path: Path) -> None:
    """On standard input, and in its environment; no shell sees any of it."""
    kept = tmp_path / "kept"
    code = (
        "import json, os, sys; "
        "json.dump([json.load(sys.stdin), {k: v for k, v in os.environ.items() if k.startswith('STACKSCAN_E')}, "
        "os.environ['STACKSCAN_VERDICT']], open(sys.argv[1], 'w'))"
    )
    values = {**VALUES, "verdict": "$(reboot) `x` \0 \u4e16"}
    Command([sys.executable, "-c", code, str(kept)])(Parcel("http://h:1", values))
    line, variables, verdict = json.loads(kept.read_text(encoding="utf-8"))
    assert values == line
    assert {"STACKSCAN_EVENT": "appeared"} == {k: v for k, v in variables.items() if k == "STACKSCAN_EVENT"}
    assert "$(reboot) `x`  \u4e16" == verdict


def test_the_environment_of_a_command() -> None:
    """Four variables, each bounded."""
    found = environment({**VALUES, "verdict": "x" * 100_000})
    assert {"STACKSCAN_EVENT", "STACKSCAN_TARGET", "STACKSCAN_LEVEL", "STACKSCAN_VERDICT"} == set(found)
    assert ("appeared", "http://h:1", "error") == tuple(found[f"STACKSCAN_{n}"] for n in ("EVENT", "TARGET", "LEVEL"))
    assert 4096 == len(found["STACKSCAN_VERDICT"])


def test_a_command_that_does_not_read() -> None:
    """A long line holds nobody up."""
    Command([sys.executable, "-c", "pass"])(Parcel("a", {**VALUES, "verdict": "x" * 10_000_000}))


def test_a_command_that_fails() -> None:
    """Its exit code and its last words are told."""
    with pytest.raises(UndeliveredError, match="exit code 3: no route"):
        Command([sys.executable, "-c", "import sys; print('no route', file=sys.stderr); sys.exit(3)"])(
            Parcel("a", VALUES)
        )
    with pytest.raises(UndeliveredError, match="cannot be started"):
        Command(["/dev/null"])(Parcel("a", VALUES))


def test_a_command_that_lasts_is_ended_with_its_children(tmp_path: Path) -> None:
    """SIGTERM is not enough for this one."""
    pids = tmp_path / "pids"
    child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    code = (
        "import os, subprocess, sys, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        f"c = subprocess.Popen([sys.executable, '-c', {child!r}]); "
        "open(sys.argv[1] + '.part', 'w').write(f'{os.getpid()} {c.pid}'); "
        "os.rename(sys.argv[1] + '.part', sys.argv[1]); time.sleep(600)"
    )
    run = Command([sys.executable, "-c", code, str(pids)], seconds=600)
    failed: list[UndeliveredError] = []

    def deliver() -> None:
        try:
            run(Parcel("a", VALUES))
        except UndeliveredError as error:
            failed.append(error)

    thread = threading.Thread(target=deliver)
    thread.start()
    wait_for(pids.exists)
    run.end()
    thread.join(60)
    assert failed
    for pid in pids.read_text(encoding="utf-8").split():
        wait_for(lambda pid=pid: not _runs(int(pid)))  # type: ignore[misc]


def test_a_command_has_a_time_limit() -> None:
    """It is told."""
    with pytest.raises(UndeliveredError, match=r"it took more than 0\.2 s"):
        Command([sys.executable, "-c", "import time; time.sleep(600)"], seconds=0.2)(Parcel("a", VALUES))


def _runs(pid: int) -> bool:
    """Whether a process is alive, and no zombie that waits for its parent."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (OSError, ProcessLookupError):
        return False
    return state != "Z"


def test_words_of_a_command() -> None:
    """As a shell has them."""
    assert [sys.executable, "a b", "c"] == argv_of(f"{sys.executable} 'a b' c")
    for wrong in ("", "'", "no-such-program-anywhere x"):
        with pytest.raises(UsageError):
            argv_of(wrong)


# -- addresses -------------------------------------------------------------------------------------------------------


@dataclass
class Receiver:
    """A server that answers with these codes in turn (the last one again), and keeps what was posted."""

    codes: list[int]
    headers: dict[str, str] = field(default_factory=dict)
    page: bytes = b""
    port: int = 0
    posted: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def receiving(*codes: int, page: bytes = b"", **headers: str) -> Iterator[Receiver]:
    """Such a server until the block ends."""
    receiver = Receiver(list(codes), {name.replace("_", "-"): value for name, value in headers.items()}, page)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.posted.append((self.path, dict(self.headers), body))
            code = receiver.codes.pop(0) if len(receiver.codes) > 1 else receiver.codes[0]
            self.send_response(code)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(receiver.page)))
            self.end_headers()
            self.wfile.write(receiver.page)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


def posting(url: str, **settings: Any) -> webhook.Webhook:
    return webhook.Webhook(webhook.address_of(url), bodies.as_json, **settings)


def test_a_post() -> None:
    """The line as watch prints it, with the login of the address."""
    with receiving(204) as receiver:
        posting(f"http://user:pass@127.0.0.1:{receiver.port}/hook?token=t0")(Parcel("a", VALUES))
    ((path, headers, body),) = receiver.posted
    assert ("/hook?token=t0", "application/json", VALUES) == (path, headers["Content-Type"], json.loads(body))
    assert "Basic dXNlcjpwYXNz" == headers["Authorization"]


@pytest.mark.parametrize(
    ("code", "again"), [(400, False), (404, False), (302, False), (408, True), (429, True), (500, True), (503, True)]
)
def test_what_servers_refuse(code: int, again: bool) -> None:
    """What may be tried again, and that a redirect is not followed."""
    page = b"no: /T0/s3cr3t\nmore"
    with (
        receiving(code, Location="http://127.0.0.1:1/", Retry_After="7", page=page) as receiver,
        pytest.raises(UndeliveredError, match=f"answers {code}") as raised,
    ):
        posting(f"{receiver.url}/T0/s3cr3t")(Parcel("a", VALUES))
    assert again == raised.value.again
    assert "s3cr3t" not in str(raised.value)
    assert 1 == len(receiver.posted)
    assert (None if code == 302 else 7.0) == raised.value.after_seconds


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 2", b"garbage\r\n\r\n"])
def test_servers_that_break_off(sent: bytes) -> None:
    """Nothing of the address is shown but the server."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1 << 16)
            connection.sendall(sent)

    threading.Thread(target=serve, daemon=True).start()
    with listener, pytest.raises(UndeliveredError) as raised:
        posting(f"http://127.0.0.1:{listener.getsockname()[1]}/T0/s3cr3t?token=t0k3n")(Parcel("a", VALUES))
    assert raised.value.again
    assert "s3cr3t" not in str(raised.value)
    assert "t0k3n" not in str(raised.value)


def test_a_server_that_never_answers() -> None:
    """The time is bounded; and ``end`` ends it at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises(UndeliveredError, match=r"no answer after 0\.2 s|no answer for 0\.2 s|silent"):
            posting(url, seconds=0.2)(Parcel("a", VALUES))
        post = posting(url, seconds=600)
        threading.Timer(0.2, post.end).start()
        with pytest.raises(UndeliveredError):
            post(Parcel("a", VALUES))


def test_the_address_may_be_in_a_file(tmp_path: Path) -> None:
    """So that no list of processes shows it."""
    (tmp_path / "url").write_text("https://hooks.example.com/T0/s3cr3t\n", encoding="utf-8")
    assert "https://hooks.example.com" == webhook.address_of(f"@{tmp_path / 'url'}").origin
    for wrong in (f"@{tmp_path / 'none'}", "ftp://h/s3cr3t", "hooks.example.com/s3cr3t", "http://"):
        with pytest.raises(UsageError) as raised:
            webhook.address_of(wrong)
        assert "s3cr3t" not in str(raised.value)


# -- what they are told ----------------------------------------------------------------------------------------------


def test_slack() -> None:
    """A line, what stands, what to do; nothing in it mentions or links."""
    message = json.loads(bodies.as_slack(VALUES))
    texts = [block["text"]["text"] for block in message["blocks"][:-1]]
    assert ["🔴 *http://h:1*: finding appeared", "12 of 12 workers are stuck"] == texts[:2]
    assert "• *bitswap-close-stall* (error): workers &lt;wait&gt; &amp; hang\n_fix:_ Upgrade." == texts[2]
    assert "finding appeared: 12 of 12 workers are stuck" in message["text"]
    many = {**VALUES, "verdict": "<!channel> " * 1000, "findings": VALUES["findings"] * 30}
    message = json.loads(bodies.as_slack(many))
    assert "<" not in json.dumps(message)
    assert len(message["blocks"]) <= 10
    assert all(len(block["text"]["text"]) < 3000 for block in message["blocks"][:-1])
    gone = json.loads(bodies.as_slack({**VALUES, "event": "gone"}))
    assert gone["text"].startswith("🟢 *http://h:1*: finding is gone")
    silent = json.loads(bodies.as_slack({**VALUES, "event": "changed", "level": "lost", "error": {"reason": "no"}}))
    assert "🟣 *http://h:1*: does not answer" in silent["text"]
    answers = json.loads(bodies.as_slack({**VALUES, "event": "changed", "level": "ok", "findings": []}))
    assert "🟢 *http://h:1*: answers" in answers["text"]


def test_information_is_no_message() -> None:
    """For people who are woken by one."""
    info = {**VALUES, "findings": [{**STALL, "severity": "info"}]}
    assert not bodies.is_trouble(info)
    assert bodies.is_trouble(VALUES)
    assert bodies.is_trouble({**info, "error": {"reason": "no"}})
    assert bodies.is_trouble({**VALUES, "findings": []})


def test_alertmanager_fires_and_clears() -> None:
    """An alert with a time at which it ends of itself, told again while it stands, and its end."""
    with receiving(200) as receiver:
        told: list[str] = []
        sent = hooks.Hooks([], [f"{receiver.url}/api/v2/alerts"], webhook_format="alertmanager", tell=told.append)
        sent.take(news(STALL, {**STALL, "rule": "note", "severity": "info"}))
        sent.take(news(STALL))  # nothing new
        sent.take(news(STALL, silent=True))
        sent.take(news())
        assert sent.close(30)
    assert not told
    posts = [json.loads(body) for _, _, body in receiver.posted]
    assert [1, 2, 2] == [len(post) for post in posts]
    firing = posts[0][0]
    assert {
        "alertname": "StackscanFinding", "instance": "http://h:1", "severity": "error", "rule": "bitswap-close-stall",
    } == firing["labels"]  # fmt: skip
    assert AT.isoformat() == firing["startsAt"]
    assert datetime.fromisoformat(firing["endsAt"]) > datetime.now(UTC) + timedelta(minutes=2)
    assert "StackscanSilent" == posts[1][1]["labels"]["alertname"]
    assert all(datetime.fromisoformat(one["endsAt"]) <= datetime.now(UTC) for one in posts[2])
    assert [one["labels"] for one in posts[1]] == [one["labels"] for one in posts[2]]


def test_alerts_are_told_again() -> None:
    """All that stand, in one post."""
    from stackscan.live.hooks.alerts import Alerts

    alerts = Alerts()
    assert alerts.again() is None
    alerts.parcel(news(STALL))
    alerts.parcel(news(STALL, target="http://h:2"))
    again = alerts.again()
    assert again is not None
    assert ["http://h:1", "http://h:2"] == [one["labels"]["instance"] for one in again.body]


def test_nobody_waits_for_a_hook() -> None:
    """A server that never answers: news are taken at once, the end comes in time, and what is lost is counted."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        told: list[str] = []
        slow = hooks.Hooks(
            [], [f"http://127.0.0.1:{listener.getsockname()[1]}/"], webhook_format="json", tell=told.append
        )
        for _ in range(1000):
            slow.take(news(silent=True))
        assert not slow.close(0.1)
        assert slow.counts["dropped"] >= 1000 - courier.MOST_WAITING - 2
        assert 0 == slow.counts["delivered"]


def test_a_hook_that_is_killed_in_the_end() -> None:
    """What runs when all ends is ended."""
    last = hooks.Hooks([f'{sys.executable} -c "import time; time.sleep(600)"'], [], webhook_format="json", tell=print)
    last.take(news(silent=True))
    run = last._hooks[0].courier.deliver
    assert isinstance(run, Command)
    wait_for(lambda: run._running is not None)
    process = run._running
    assert process is not None
    assert not last.close(0.05)
    assert -signal.SIGKILL == process.wait(60)
