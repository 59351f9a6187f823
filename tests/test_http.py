"""Dumps from live processes: a loopback server that answers well, badly, slowly, endlessly, or lies."""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from backports import zstd

import stackscan
from helpers import DUMP, FIXTURES, assert_refused, goroutine, json_of, rendered, run
from stackscan import sources
from stackscan.errors import LimitError, SourceError, UnrecognisedFormatError
from stackscan.model.masking import masked
from stackscan.pipeline import scan
from stackscan.sources import Source, http, limits, zones
from stackscan.sources.address import Address

BODY = DUMP.encode()
MANY = "\n".join(goroutine(n, ["main.work"], creator="main.main") for n in range(1, 300)).encode()
#: Writes an answer to a connection, given what was asked.
Answer = Callable[[socket.socket, str], None]


@dataclass
class Server:
    """A server on loopback that does with a connection what ``answer`` does; ``asked`` are the heads it got."""

    answer: Answer
    port: int = 0
    scheme: str = "http"
    asked: list[str] = field(default_factory=list)
    connections: int = 0

    def url(self, path: str = "/debug/pprof/goroutine?debug=2", *, login: str = "") -> str:
        return f"{self.scheme}://{login}127.0.0.1:{self.port}{path}"


@contextmanager
def serving(answer: Answer, context: ssl.SSLContext | None = None, *, host: str = "127.0.0.1") -> Iterator[Server]:
    """Run such a server until the block ends."""
    listener = socket.create_server((host, 0))
    server = Server(answer, listener.getsockname()[1], "https" if context else "http")
    open_connections: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        stream = connection
        try:
            stream = context.wrap_socket(connection, server_side=True) if context else connection
            head = b""
            while b"\r\n\r\n" not in head and head[:1] != b"\x16" and (more := stream.recv(4096)):
                head += more
            server.asked.append(head.decode("latin-1"))
            server.answer(stream, head.decode("latin-1"))
            stream.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        finally:
            stream.close()
            connection.close()

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            open_connections.append(connection)
            server.connections += 1
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in open_connections:
            connection.close()


def sends(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> Answer:
    """An answer with a body; ``length`` is what it says its length is."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers, "", ""]
    return lambda connection, _: connection.sendall("\r\n".join(lines).encode() + body)


def chunks(*pieces: bytes, end: bool = True, pause: float = 0) -> Answer:
    """An answer in chunks."""

    def answer(connection: socket.socket, _: str) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in pieces:
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            time.sleep(pause)
        if end:
            connection.sendall(b"0\r\n\r\n")

    return answer


def redirects(*locations: str) -> Answer:
    """Answers that lead from one address to the next, then the dump."""
    left = list(locations)

    def answer(connection: socket.socket, asked: str) -> None:
        if left:
            sends(b"", f"Location: {left.pop(0)}", status="302 Found")(connection, asked)
        else:
            sends(BODY)(connection, asked)

    return answer


# -- what servers send -----------------------------------------------------------------------------------------------


def test_a_live_endpoint_is_read() -> None:
    """The address of a pprof endpoint is a source like any other."""
    with serving(sends(BODY, "Content-Type: text/plain; charset=utf-8")) as server:
        (snapshot,) = json_of(server.url())["snapshots"]
    assert (server.url(), 2, True) == (snapshot["source"], snapshot["goroutines"], snapshot["complete"])
    assert server.asked[0].startswith("GET /debug/pprof/goroutine?debug=2 HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(BODY), "Content-Encoding: gzip"),
        (zstd.compress(BODY), "Content-Encoding: zstd"),
        (gzip.compress(BODY), "Content-Type: application/octet-stream"),
        (gzip.compress(gzip.compress(BODY)), "Content-Encoding: gzip"),
    ],
)
def test_compressed_answers_are_read(body: bytes, encoding: str) -> None:
    """Compressed on the way, compressed as a file, or both."""
    with serving(sends(body, encoding)) as server:
        assert 2 == json_of(server.url())["snapshots"][0]["goroutines"]


def test_an_encoding_that_nobody_asked_for_is_refused() -> None:
    """Brotli is neither asked for nor read; the message names a way out."""
    with (
        serving(sends(b"\x0b\x02", "Content-Encoding: br")) as server,
        pytest.raises(SourceError, match="br") as caught,
    ):
        scan([server.url()])
    assert "--compressed" in caught.value.hint


def test_chunks_are_joined() -> None:
    """net/http sends dumps in chunks."""
    with serving(chunks(BODY[:50], BODY[50:51], BODY[51:])) as server:
        assert BODY == http.fetch(server.url()).data


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    """HTTP/1.0 servers just close."""
    with serving(lambda connection, _: connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + BODY)) as server:
        assert http.Fetched(BODY) == http.fetch(server.url())


def test_a_profile_without_debug_is_protobuf_and_read() -> None:
    """``goroutine`` without ``?debug=`` is a protobuf profile."""
    profile = next(FIXTURES.glob("kubo/*/goroutine.debug0-01.pb.gz")).read_bytes()
    with serving(sends(profile)) as server:
        assert "goroutine-pprof" == json_of(server.url("/debug/pprof/goroutine"))["snapshots"][0]["format"]


def test_a_bundle_is_read_from_kubos_rpc() -> None:
    """The RPC of kubo takes POST only: ``/api/v0/diag/profile`` answers with a zip file."""
    bundle = next(FIXTURES.glob("kubo/*-stalled-tcp/ipfs-profile-01.zip")).read_bytes()
    with serving(sends(bundle)) as server:
        report = scan([server.url("/api/v0/diag/profile?profile-time=1s")])
    assert server.asked[0].startswith("POST /api/v0/diag/profile?profile-time=1s ")
    assert "goroutines.stacks" in {member.name for member in report.bundles[0].members}


def test_progress_is_told() -> None:
    """How many bytes came, and of how many."""
    told: list[tuple[int, int]] = []
    with serving(sends(BODY)) as server:
        http.fetch(server.url(), progress=lambda done, total: told.append((done, total)))
    assert (len(BODY), len(BODY)) == told[-1]


# -- answers that are no dump ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "path", "said", "hint"),
    [
        ("404 Not Found", "/", "answers 404", "/debug/pprof/goroutine?debug=2"),
        ("404 Not Found", "/debug/pprof/goroutine", "answers 404", "must import net/http/pprof"),
        ("401 Unauthorized", "/debug/stack", "answers 401", "USER:PASSWORD"),
        ("500 Internal Server Error", "/debug/stack", "answers 500: it broke", "SIGQUIT"),
        ("204 No Content", "/debug/stack", "answers 204", "goroutine?debug=2"),
    ],
)
def test_an_error_says_what_to_do(status: str, path: str, said: str, hint: str) -> None:
    """Status and first line of what the server said, and a hint that fits."""
    body = b"" if "204" in status else b"it broke\nbadly\n"
    with serving(sends(body, status=status)) as server, pytest.raises(SourceError) as caught:
        scan([server.url(path)])
    assert said in str(caught.value)
    assert hint in caught.value.hint


@pytest.mark.parametrize("path", ["/debug/pprof/", "/debug/pprof"])
def test_the_list_of_profiles_leads_to_the_dump(path: str) -> None:
    """Whoever gives the index gets the address of the dump on that server."""
    with serving(sends(b"<html><head><title>/debug/pprof/</title>", "Content-Type: text/html")) as server:
        done = run("report", server.url(path))
    assert_refused(done, "web page", server.url("/debug/pprof/goroutine?debug=2"))


def test_a_login_page_is_no_dump() -> None:
    """Whatever else answers with a page."""
    with serving(sends(b"<!doctype html>sign in", "Content-Type: text/html")) as server:
        assert_refused(run("report", server.url("/login")), "web page", "Try http://127.0.0.1")


def test_an_empty_answer_is_an_error() -> None:
    """200 and nothing else."""
    with serving(sends(b"")) as server, pytest.raises(SourceError, match="sent an empty answer"):
        scan([server.url()])


def test_text_that_is_no_dump_is_named_by_its_address() -> None:
    """The error of any other source, with the address."""
    with serving(sends(b"pong\n")) as server, pytest.raises(UnrecognisedFormatError, match=r"127\.0\.0\.1"):
        scan([server.url("/ping")])


def test_an_error_page_cannot_paint_the_terminal() -> None:
    """What a server says is a stranger's text."""
    with serving(sends(b"\x1b[31mred\x07", status="500 No")) as server:
        done = run("report", server.url())
    assert_refused(done, "\\x1b[31mred")
    assert "\x1b" not in done.stderr


# -- servers that lie, drip and never end ----------------------------------------------------------------------------


def cut_snapshot(server: Server) -> dict[str, object]:
    (snapshot,) = json_of(server.url())["snapshots"]
    found: dict[str, object] = snapshot
    assert snapshot["complete"] is False
    return found


def reasons(snapshot: dict[str, object]) -> str:
    problems = snapshot["problems"]
    assert isinstance(problems, list)
    return "; ".join(problem["reason"] for problem in problems)


def test_a_length_that_is_too_long_means_a_cut() -> None:
    """The connection ended before the length that was announced: what came is read, and the report says so."""
    with serving(sends(MANY, length=len(MANY) + 1000)) as server:
        snapshot = cut_snapshot(server)
    assert 299 == snapshot["goroutines"]
    assert f"the download stopped after {len(MANY):,} bytes" in reasons(snapshot)


def test_a_length_that_is_too_short_ends_the_text_there() -> None:
    """HTTP knows nothing behind the announced length; the text itself ends in the middle of a goroutine."""
    with serving(sends(MANY, length=len(MANY) // 2)) as server:
        assert "cut" in reasons(cut_snapshot(server))


@pytest.mark.parametrize("length", ["-5", "many", "1, 2", "9" * 30])
def test_a_length_that_is_none_does_no_harm(length: str) -> None:
    """The answer is read up to its end, or refused in words."""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode()
    with serving(lambda connection, _: connection.sendall(head + BODY)) as server, contextlib.suppress(SourceError):
        assert 2 == json_of(server.url())["snapshots"][0]["goroutines"]


def test_chunks_without_their_end_mean_a_cut() -> None:
    """The server died while it printed."""
    with serving(chunks(MANY[:5000], MANY[5000:9000], end=False)) as server:
        assert "stopped after 9,000 bytes" in reasons(cut_snapshot(server))


def test_a_reset_connection_means_a_cut() -> None:
    """What came before the reset is kept."""

    def answer(connection: socket.socket, _: str) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n" + MANY)
        time.sleep(0.3)  # let it be read: a reset throws away what is not
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()

    with serving(answer) as server:
        assert "the connection broke" in reasons(cut_snapshot(server))


def test_silence_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes the request and never answers."""
    monkeypatch.setattr(limits, "SILENCE_SECONDS", 0.2)
    with serving(lambda *_: time.sleep(5)) as server, pytest.raises(SourceError, match=r"silent for 0\.2 s") as caught:
        scan([server.url()])
    assert "SIGQUIT" in caught.value.hint


def test_silence_within_an_answer_keeps_what_came(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that stops in the middle of printing."""
    monkeypatch.setattr(limits, "SILENCE_SECONDS", 0.3)

    def answer(connection: socket.socket, _: str) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n" + MANY)
        time.sleep(5)

    with serving(answer) as server:
        assert "silent for 0.3 s" in reasons(cut_snapshot(server))


@pytest.mark.parametrize("where", ["head", "body"])
def test_a_drip_has_an_end(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """A byte now and then is no silence, and still not waited for for ever: not in the head, not in the body."""
    monkeypatch.setattr(limits, "TOTAL_SECONDS", 0.5)

    def answer(connection: socket.socket, _: str) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n" if where == "head" else b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(100):
            connection.sendall(b"x")
            time.sleep(0.05)

    with serving(answer) as server, pytest.raises((SourceError, UnrecognisedFormatError), match=r"after 0\.5 s"):
        scan([server.url()])


def test_an_endless_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading stops at the limit, whatever is still to come."""
    monkeypatch.setattr(limits, "MAX_DOWNLOAD_BYTES", 4 << 20)
    sent = 0

    def answer(connection: socket.socket, _: str) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while sent < 1 << 30:
            connection.sendall(MANY)
            sent += len(MANY)

    with serving(answer) as server, pytest.raises(LimitError, match="more than 4 MiB"):
        scan([server.url()])
    assert sent < 64 << 20


def test_an_endless_head_is_refused() -> None:
    """A head of any number of lines."""

    def answer(connection: socket.socket, _: str) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for n in range(100_000):
            connection.sendall(b"X-%d: y\r\n" % n)

    with serving(answer) as server, pytest.raises(SourceError, match="cannot be read"):
        scan([server.url()])


def test_what_is_no_http_is_refused() -> None:
    """An SSH server, a database."""
    with serving(lambda connection, _: connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")) as server:
        assert_refused(run("report", server.url()), "cannot be read", "the connection broke")


# -- a time for the whole request --------------------------------------------------------------------------------------

SILENT: Answer = lambda *_: time.sleep(3)  # noqa: E731


def dripping(head: bytes, piece: bytes = b"x") -> Answer:
    """A byte now and then, after what comes at once."""

    def answer(connection: socket.socket, _: str) -> None:
        connection.sendall(head)
        while True:  # until the reader goes away
            connection.sendall(piece)
            time.sleep(0.02)

    return answer


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (SILENT, r"no answer after 1 s"),
        (dripping(b"HTTP/1.1 200 OK\r\n", b"X"), r"no answer after 1 s"),
        (dripping(b"HTTP/1.1 200 OK\r\nX: ", b"y\r\nX: "), r"no answer after 1 s"),
        (dripping(b"HTTP/1.1 500 No\r\nContent-Length: 9999\r\n\r\n"), r"no answer after 1 s"),
        (dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"), r"still sending after 1 s"),
        (redirects("/slow"), r"no answer after 1 s"),
    ],
)
def test_a_time_out_ends_the_whole_request(answer: Answer, said: str) -> None:
    """Silent, dripping its head, its body, an error or a chunk's length, or leading from one place to the next."""

    def slowly(connection: socket.socket, asked: str) -> None:
        if " /slow " in asked:
            SILENT(connection, asked)
        answer(connection, asked)

    with serving(slowly) as server:
        address = Source(server.url(), timeout_seconds=1)
        with pytest.raises(SourceError, match=said) as caught:
            http.fetch(address)
    assert caught.value.hint.startswith("Give it more time with --timeout.")


def test_a_time_out_ends_a_handshake() -> None:
    """A port that takes connections and speaks no TLS, or nothing."""
    with serving(SILENT) as server, pytest.raises(SourceError, match=r"no answer after 1 s"):
        http.fetch(Source(server.url().replace("http:", "https:"), timeout_seconds=1))


def test_a_time_out_ends_a_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's own resolver knows no time-out."""
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(3) and [])
    with pytest.raises(SourceError, match=r"no connection after 0\.2 s"):
        http.fetch(Source("http://slow.example/", timeout_seconds=0.2))
    over.set()


def test_what_came_in_time_is_read() -> None:
    """A dump that the time-out cut is incomplete, and says why."""
    with serving(dripping(b"HTTP/1.1 200 OK\r\n\r\n" + MANY, b"\n")) as server:
        (snapshot,) = stackscan.scan(server.url(), timeout_seconds=2).snapshots
        (again,) = stackscan.read(server.url(), timeout_seconds=2)
    assert (299, False, 299) == (snapshot.goroutines, snapshot.complete, len(again.goroutines))
    assert "still sending after 2 s" in snapshot.problems[-1].reason


def test_a_longer_time_out_waits_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits on silence and on all do not end a request for which more time is given."""
    monkeypatch.setattr(limits, "SILENCE_SECONDS", 0.1)
    monkeypatch.setattr(limits, "TOTAL_SECONDS", 0.1)

    def answer(connection: socket.socket, asked: str) -> None:
        time.sleep(0.4)
        sends(BODY)(connection, asked)

    with serving(answer) as server:
        assert BODY == http.fetch(Source(server.url(), timeout_seconds=30)).data


def test_nothing_is_left_of_a_request_whose_time_is_over() -> None:
    """Its connection is closed and its thread ends, however long the server would go on."""
    gone = threading.Event()

    def answer(connection: socket.socket, asked: str) -> None:
        try:
            dripping(b"HTTP/1.1 200 OK\r\n")(connection, asked)
        except OSError:
            gone.set()

    with serving(answer) as server:
        with pytest.raises(SourceError):
            http.fetch(Source(server.url(), timeout_seconds=1))
        assert gone.wait(30)
        for thread in threading.enumerate():
            if thread.name == "fetch":
                thread.join(30)
                assert not thread.is_alive()


@pytest.mark.parametrize(
    "line",
    [
        "report ADDRESS",
        "check ADDRESS",
        "compare ADDRESS ADDRESS",
        "export -o OUT ADDRESS",
        "convert -f folded -o OUT ADDRESS",
        "query SELECT ADDRESS",
        "pool project --from ADDRESS",
    ],
)
def test_every_command_that_asks_takes_a_time_out(line: str, tmp_path: Path) -> None:
    """And leaves nothing behind when it is over."""
    with serving(dripping(b"HTTP/1.1 200 OK\r\n")) as server:
        values = {"ADDRESS": server.url(), "OUT": str(tmp_path / "out"), "SELECT": "SELECT * FROM stacks"}
        done = run(*[values.get(word, word) for word in line.split()], "--timeout", "100ms")
    assert_refused(done, " after 0.1 s", "Give it more time with --timeout")
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("soon", "'soon' is not a duration"),
        ("10 s s", "is not a duration"),
        ("", "is not a duration"),
        ("0", "cannot have a time-out of 0 s"),
        ("-1s", "cannot have a time-out of -1 s"),
        ("25h", "cannot have a time-out of 90000 s"),
        ("1us", "cannot have a time-out of 1e-06 s"),
        ("1e400s", "is not a duration"),
    ],
)
def test_a_time_out_that_is_none_is_refused(text: str, said: str, tmp_path: Path) -> None:
    """Also beside a file, which has no use for it."""
    dump = tmp_path / "dump"
    dump.write_bytes(BODY)
    assert_refused(run("report", dump, f"--timeout={text}"), said)


# -- redirects -------------------------------------------------------------------------------------------------------


def test_redirects_are_followed() -> None:
    """Relative and absolute ones, up to the dump."""
    with serving(redirects("/a", "b?debug=2")) as server:
        assert BODY == http.fetch(server.url("/x/y")).data
    assert ["/x/y", "/a", "/b?debug=2"] == [head.split(" ")[1] for head in server.asked]


def test_redirects_have_an_end() -> None:
    """A circle is left."""
    with serving(redirects(*["/again"] * 50)) as server, pytest.raises(SourceError, match="more than 5 times"):
        scan([server.url()])
    assert limits.MAX_REDIRECTS + 1 == len(server.asked)


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x", "javascript:1", ""])
def test_redirects_stay_on_the_web(location: str) -> None:
    """No server can make us read a file of ours."""
    with serving(redirects(location)) as server, pytest.raises(SourceError, match="not followed"):
        scan([server.url()])


def test_a_password_does_not_follow_a_redirect_to_another_server() -> None:
    """It was given for one server."""
    with serving(sends(BODY)) as other, serving(redirects("/same", other.url())) as server:
        http.fetch(server.url(login="user:secret@"))
    assert ["Authorization: Basic" in head for head in server.asked] == [True, True]
    assert "Authorization" not in other.asked[0]


def test_a_redirect_from_https_to_http_is_refused() -> None:
    """Others could read and change the answer."""
    with pytest.raises(SourceError, match="redirects from https to http"):
        Address.parse("https://h/x").redirected("HTTP://h/x")
    assert "https://h/y" == str(Address.parse("http://h/x").redirected("https://h/y"))


# -- where redirects may lead ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "zone"),
    [
        ("93.184.216.34", "public"),
        ("2606:4700::1111", "public"),
        ("10.1.2.3", "private"),
        ("172.16.0.1", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "private"),
        ("fd00::1", "private"),
        ("224.0.0.1", "private"),
        ("240.0.0.1", "private"),
        ("127.0.0.1", "loopback"),
        ("127.9.9.9", "loopback"),
        ("0.0.0.0", "loopback"),  # noqa: S104 - an address that connects to this machine
        ("::", "loopback"),
        ("::1", "loopback"),
        ("169.254.169.254", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:10.0.0.1", "private"),
        ("64:ff9b::a9fe:a9fe", "link-local"),
        ("2002:7f00:1::1", "loopback"),
    ],
)
def test_an_address_has_a_zone(address: str, zone: str) -> None:
    """Also the IPv4 address inside of an IPv6 one."""
    assert zone == zones.zone_of(address)


INWARD = [("public", "private"), ("public", "loopback"), ("public", "link-local"), ("private", "loopback"),
          ("private", "link-local"), ("loopback", "link-local")]  # fmt: skip


def in_zones(monkeypatch: pytest.MonkeyPatch, **of: str) -> None:
    """Let addresses of this machine, which the tests can serve, be in other zones: ``_2`` is 127.0.0.2."""
    known = {f"127.0.0.{name[1:]}": zone for name, zone in of.items()}
    monkeypatch.setattr(zones, "zone_of", known.__getitem__)


@pytest.mark.parametrize(("outer", "inner"), INWARD)
def test_a_redirect_inward_is_refused(monkeypatch: pytest.MonkeyPatch, outer: str, inner: str) -> None:
    """No server can make us ask another that it does not reach: that one is not even connected to."""
    in_zones(monkeypatch, _1=inner, _2=outer)
    with serving(sends(BODY)) as inside, serving(redirects(inside.url()), host="127.0.0.2") as server:
        url = server.url().replace("127.0.0.1", "127.0.0.2")
        with pytest.raises(SourceError, match=rf"from a {outer} to a {inner} address, which is not followed") as caught:
            http.fetch(url)
    assert f"{url} redirects to {inside.url()}" in str(caught.value)
    assert (0, 1) == (inside.connections, len(server.asked))


def test_a_redirect_inward_by_way_of_another_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts is the outermost server on the way."""
    in_zones(monkeypatch, _1="loopback", _2="public")
    with serving(sends(BODY)) as inside, serving(redirects(inside.url()), host="127.0.0.2") as outside:
        away = outside.url().replace("127.0.0.1", "127.0.0.2")
        with serving(redirects(away)) as server, pytest.raises(SourceError, match="public to a loopback"):
            http.fetch(server.url())
    assert 0 == inside.connections


@pytest.mark.parametrize(
    ("inner", "outer"),
    [("private", "public"), ("loopback", "public"), ("loopback", "private"), ("link-local", "public"),
     ("public", "public"), ("private", "private"), ("loopback", "loopback"), ("link-local", "link-local")],
)  # fmt: skip
def test_a_redirect_outward_is_followed(monkeypatch: pytest.MonkeyPatch, inner: str, outer: str) -> None:
    """And one within a zone."""
    in_zones(monkeypatch, _1=outer, _2=inner)
    with serving(sends(BODY)) as other, serving(redirects(other.url()), host="127.0.0.2") as server:
        assert BODY == http.fetch(server.url().replace("127.0.0.1", "127.0.0.2")).data


def test_a_name_that_resolves_to_another_address_than_before_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address of the connection counts, not what the name resolved to when it was looked at; nothing is sent."""
    in_zones(monkeypatch, _1="loopback", _2="public")
    answers = ["127.0.0.2", "127.0.0.1"]  # public when it is looked at, this machine when it is connected to
    resolve = socket.getaddrinfo

    def rebinding(host: str, *given: object, **named: object) -> object:
        return resolve(answers.pop(0) if host == "rebinding.example" else host, *given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with serving(sends(BODY)) as inside:
        location = inside.url().replace("127.0.0.1", "rebinding.example")
        with (
            serving(redirects(location), host="127.0.0.2") as server,
            pytest.raises(SourceError, match="to a loopback"),
        ):
            http.fetch(server.url().replace("127.0.0.1", "127.0.0.2"))
    assert [] == answers
    assert [""] == (inside.asked or [""])  # connected, and closed without a word


# -- no network ------------------------------------------------------------------------------------------------------

ADDRESSES = [
    "http://127.0.0.1:1/x",
    "HTTPS://u:secret@nowhere.invalid/x?token=secret",
    "s3://bucket/a",
    "gs://b/a",
    "az://b/a",
]


@pytest.mark.parametrize(
    "line",
    [
        "report ADDRESS",
        "show 1 ADDRESS",
        "check ADDRESS",
        "compare DUMP ADDRESS",
        "export -o OUT ADDRESS",
        "convert -f folded -o OUT ADDRESS",
        "query SELECT ADDRESS",
        "fleet ADDRESS",
        "pool project --from ADDRESS",
    ],
)
def test_every_command_can_be_kept_from_the_network(line: str, tmp_path: Path) -> None:
    """A service that reads files cannot be made to ask a server; nothing is resolved, connected to or written."""
    dump = tmp_path / "dump.txt"
    dump.write_bytes(BODY)
    with serving(sends(BODY)) as server:
        values = {"ADDRESS": server.url(), "OUT": str(tmp_path / "out"), "SELECT": "SELECT 1 AS n", "DUMP": str(dump)}
        done = run(*[values.get(word, word) for word in line.split()], "--no-network")
        assert_refused(done, "is not read: --no-network or STACKSCAN_NO_NETWORK forbids it")
        assert 0 == server.connections
    assert [dump] == list(tmp_path.iterdir())


@pytest.mark.parametrize("source", ADDRESSES)
def test_no_address_of_any_scheme_is_resolved(monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """By the variable, which holds for Python programs too."""
    monkeypatch.setenv("STACKSCAN_NO_NETWORK", "1")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("resolved"))
    with pytest.raises(SourceError, match="STACKSCAN_NO_NETWORK forbids it") as caught:
        stackscan.scan(source)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("line", ["capture http://127.0.0.1:1", "watch http://127.0.0.1:1"])
def test_no_process_is_asked_without_a_network(monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """Commands for live processes have nothing to do then."""
    monkeypatch.setenv("STACKSCAN_NO_NETWORK", "1")
    assert_refused(run(*line.split()), "STACKSCAN_NO_NETWORK forbids it")


def test_files_are_read_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else changes; a variable that says no forbids nothing."""
    dump = tmp_path / "dump.txt"
    dump.write_bytes(BODY)
    assert 0 == run("report", dump, "--no-network").returncode
    monkeypatch.setenv("STACKSCAN_NO_NETWORK", "0")
    with serving(sends(BODY)) as server:
        assert 0 == run("report", server.url()).returncode


# -- secrets ---------------------------------------------------------------------------------------------------------


def test_passwords_and_tokens_are_sent_and_never_shown() -> None:
    """Neither in the report nor in an error."""
    with serving(sends(BODY)) as server:
        address = server.url("/stack?debug=2&access_token=hush", login="user:secret@")
        report = scan([address])
        for form in ("text", "json", "markdown"):
            printed = rendered(report, form)
            assert server.url("/stack") in printed
            assert "secret" not in printed
            assert "hush" not in printed
        server.answer = sends(b"no", status="403 Forbidden")
        failed = run("report", address)
    assert "Authorization: Basic dXNlcjpzZWNyZXQ=" in server.asked[0]
    assert "access_token=hush" in server.asked[0]
    assert "secret" not in failed.stderr
    assert "hush" not in failed.stderr


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("http://h:6060/debug/pprof/goroutine?debug=2", "http://h:6060/debug/pprof/goroutine?debug=2"),
        ("https://u:p@h/x?debug=1&api_key=abc", "https://h/x?debug=1&api_key=***"),
        ("http://u@[::1]:80/x", "http://[::1]:80/x"),
        ("http://u:p@h:port/x?token=1", "http://h:***/x"),
        ("dump@home.txt", "dump@home.txt"),
        ("-", "-"),
    ],
)
def test_sources_are_shown_without_their_secrets(source: str, expected: str) -> None:
    """User, password and the values of parameters that look like secrets are left out; files keep their names."""
    assert expected == masked(source)


@pytest.mark.parametrize("url", ["http://", "http:///x", "http://h:99999/", "http://[::1/x", "http://h h/x"])
def test_what_is_no_address_is_refused(url: str) -> None:
    """Each mistake is an error in words."""
    with pytest.raises(SourceError, match="is not an address"):
        Address.parse(url)


@pytest.mark.parametrize("url", ["ftp://h/x", "file:///etc/passwd", "unix:///run/x.sock"])
def test_other_addresses_are_not_fetched(url: str) -> None:
    """Only http and https are."""
    with pytest.raises(SourceError, match="is not an address that is read"):
        list(sources.open_source(url))


# -- servers that are not there --------------------------------------------------------------------------------------


def test_nobody_listens() -> None:
    """Connection refused is an error with the reason in words."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert_refused(run("report", f"http://127.0.0.1:{port}/"), "connection refused", "Check the host, the port")


def certificate() -> tuple[Path, Path]:
    folder = Path(__file__).parent / "certificate"
    return folder / "cert.pem", folder / "key.pem"


def test_tls_is_checked_and_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that nobody vouches for is refused; with its authority named, the dump is read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate())
    with serving(sends(BODY), context) as server:
        with pytest.raises(SourceError, match="certificate is not trusted") as caught:
            http.fetch(server.url())
        assert "SSL_CERT_FILE" in caught.value.hint
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate()[0]))
        assert BODY == http.fetch(server.url()).data


def test_tls_to_a_plain_port_says_so() -> None:
    """https:// where http:// was meant."""
    with serving(sends(BODY)) as server, pytest.raises(SourceError, match="TLS") as caught:
        http.fetch(server.url().replace("http:", "https:"))
    assert server.url() in caught.value.hint
