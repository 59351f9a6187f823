"""Nothing that is secret in an address is shown: every command, every output, every way to fail."""

from __future__ import annotations

import ast
import base64
import copy
import dataclasses
import gzip
import io
import json
import logging
import pickle
import pprint
import socket
import ssl
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_http import Server, chunks, sends, serving

import stackscan
from helpers import DUMP, FIXTURES, ROOT, environment, run, run_on_terminal
from stackscan.cli import app as cli
from stackscan.errors import StackscanError
from stackscan.model.masking import masked, masked_text
from stackscan.sources import Source, open_source
from stackscan.sources.address import Address
from stackscan.sources.address import masked as masked_source

BODY = DUMP.encode()
#: A dump with a pool that has a model: `pool project` reads it.
POOL = gzip.decompress((FIXTURES / "kubo" / "v0.40.1-mixed" / "stack-01.txt.gz").read_bytes())
USER, PASSWORD = "us3rZk9", "pa55/w:rd+Qx"
TOKEN, OTHER, SHARED, BARE, FRAGMENT, HELD = (
    "T0Ken+/=Vb7",
    "0ther%val8",
    "5hared~Key2",
    "b4reVal3",
    "fr4gWx6",
    "en5Key-1234567890",
)
SECRETS = (USER, PASSWORD, TOKEN, OTHER, SHARED, BARE, FRAGMENT, HELD, f"{USER}:{PASSWORD}")
#: The whole query; its last part but one has no name.
QUERY = f"debug=2&token={quote(TOKEN, safe='')}&%78y={quote(OTHER)};SAS={quote(SHARED)}&{BARE}&gc=1#{FRAGMENT}"
LOGIN = f"{USER}:{quote(PASSWORD, safe='')}@"


def needles() -> set[str]:
    """The secrets in every spelling that they are sent or kept in."""
    found = set()
    for secret in SECRETS:
        found |= {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
        found |= {base64.b64encode(secret.encode()).decode().rstrip("="), secret.encode().hex()}
    return found | {spelt.lower() for spelt in found}


NEEDLES = sorted(needles())


def leaked(content: bytes) -> list[str]:
    """Which spellings of secrets are in some bytes, packed or not."""
    return [needle for needle in NEEDLES if needle.encode() in content]


def leaked_in(folder: Path) -> dict[str, list[str]]:
    """The files below a folder with secrets in them, or in their names; tables are read as tables."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        content += path.name.encode()
        if path.suffix in (".parquet", ".arrow"):
            table = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_ipc(path.read_bytes())
            content += table.write_ndjson().encode()
        if leaks := leaked(content):
            found[path.name] = leaks
    return found


def say(*arguments: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, bytes]:
    """Run the command line in this process: its exit code, and all that it printed."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", ["stackscan", *arguments])
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        try:
            cli.main()
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 0
        else:
            code = 0
    printed = b"".join(stream.detach().getvalue() for stream in (out, err))  # type: ignore[attr-defined]
    return code, printed


# -- a server that repeats what it is asked ---------------------------------------------------------------------------


def repeats(status: str, *headers: str) -> object:
    """An error or a page that quotes the whole request."""
    return lambda connection, asked: sends(asked.encode("latin-1"), *headers, status=status)(connection, asked)


def leads(location: str) -> object:
    """A redirect; ``{asked}`` is path and query of the request, ``{port}`` the server's."""

    def answer(connection: socket.socket, asked: str) -> None:
        port = connection.getsockname()[1]
        target = location.format(asked=asked.split(" ")[1], port=port, other=asked.rsplit("other=", maxsplit=1)[-1][:5])
        sends(b"", f"Location: {target}", status="302 Found")(connection, asked)

    return answer


def drips(head: bytes, piece: bytes) -> object:
    """A server that goes on for ever."""

    def answer(connection: socket.socket, _: str) -> None:
        connection.sendall(head)
        for _ in range(200):
            connection.sendall(piece)
            time.sleep(0.05)

    return answer


def bundle() -> bytes:
    """An archive without a dump in it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("notes.txt", "nothing here")
    return archive.getvalue()


HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
ANSWERS = {
    "ok": sends(BODY),
    "pool": sends(POOL),
    "401": repeats("401 Unauthorized"),
    "403": repeats("403 Forbidden"),
    "404": repeats("404 Not Found"),
    "debug/404": repeats("404 Not Found"),
    "500": repeats("500 Internal Server Error"),
    "packed500": lambda c, a: sends(gzip.compress(a.encode()), "Content-Encoding: gzip", status="500 No")(c, a),
    "empty": sends(b""),
    "garbage": repeats("200 OK"),
    "wrapped": lambda c, a: sends(f"{a[:50]} goroutine 7 [x]: y\nGET /x goroutine 8 [x]: y\n".encode())(c, a),
    "html": repeats("200 OK", "Content-Type: text/html"),
    "debug/pprof/": repeats("200 OK", "Content-Type: text/html"),
    "bundle": sends(bundle()),
    "binary": sends(b"\x1f\x8b\x08\x00garbage"),
    "cut": sends(BODY, length=len(BODY) + 99),
    "cutgarbage": lambda c, a: sends(a.encode(), length=9999)(c, a),
    "cutempty": sends(b"", length=99),
    "cutchunks": chunks(BODY, end=False),
    "encoding": lambda c, a: sends(b"x", f"Content-Encoding: {a.split()[1]}")(c, a),
    "echo": lambda c, a: c.sendall(a.encode()),
    "echohead": lambda c, a: c.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + a.encode()),
    "to-other": leads("http://127.0.0.1:{port}/404?next={asked}"),
    "to-path": leads("http://127.0.0.1:{port}/404{asked}"),
    "to-refused": leads("http://127.0.0.1:1{asked}"),
    "to-login": leads(f"http://{LOGIN}127.0.0.1:{{port}}/500?{QUERY}"),
    "to-tls": leads("https://127.0.0.1:{port}{asked}"),
    "to-ftp": leads(f"ftp://{LOGIN}127.0.0.1{{asked}}"),
    "to-secret": leads("{asked}:nowhere"),
    "to-token": leads(f"{TOKEN[:5]}x{BARE}:{{asked}}"),
    "to-nowhere": leads(""),
    "to-broken": leads(f"http://{USER}:{TOKEN}"),
    "loop": leads("{asked}"),
    "drip": drips(HEAD, b"x"),
    "dripdump": drips(HEAD + BODY, b"\n"),
    "driphead": drips(b"HTTP/1.1 200 OK\r\n", b"X"),
    "silent": drips(b"", b""),
}


#: Answers of which a dump is read, though it may not be whole.
READ = {"ok", "pool", "cut", "cutchunks", "dripdump"}


def by_path(connection: socket.socket, asked: str) -> None:
    """Do what the path names; nothing for one that went away before it asked."""
    if not asked:
        return
    path = asked.split(" ")[1].partition("?")[0].strip("/")
    name = path if path in ANSWERS else f"{path.partition('/')[0]}"
    ANSWERS.get(name, ANSWERS.get(f"{path}/", ANSWERS["404"]))(connection, asked)  # type: ignore[operator]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(by_path) as running:
        yield running


def address(server: Server, path: str) -> str:
    return server.url(f"/{path}?{QUERY}", login=LOGIN)


#: Commands with ADDRESS, DUMP (a file) and OUT (a folder) to be filled in; all outputs of all commands.
OUTPUTS = {
    **{f"report {form}": f"report -f {form} ADDRESS" for form in ("text", "json", "markdown", "openmetrics")},
    "report all": "report --all --top 99 -o OUT/report.txt ADDRESS DUMP",
    "report where": "report --where minutes>=0 ADDRESS",
    "report redact": "report --redact -f json ADDRESS",
    **{
        f"check {form}": f"check -f {form} -o OUT/{form} DUMP ADDRESS"
        for form in "text json junit sarif github".split()
    },
    "check printed": "check -f json DUMP ADDRESS",
    "check alone": "check -f junit ADDRESS",
    "check write": "check --write-baseline OUT/baseline.json -f json ADDRESS",
    "check baseline": "check --baseline BASELINE -f sarif ADDRESS DUMP",
    **{f"compare {form}": f"compare -f {form} ADDRESS ADDRESS" for form in ("text", "json")},
    "compare one": "compare ADDRESS",
    **{f"export {form}": f"export -f {form} -o OUT/{form} ADDRESS" for form in "parquet arrow csv ndjson".split()},
    "export part": "export --partition -o OUT/part ADDRESS",
    **{f"convert {form}": f"convert -f {form} -o OUT/{form} ADDRESS" for form in "pprof folded speedscope".split()},
    **{f"query {form}": f"query -f {form} SELECT_ALL ADDRESS" for form in "text json csv".split()},
    **{f"pool {form}": f"pool project -f {form} --from ADDRESS" for form in ("text", "json")},
    "pool plot": "pool project --plot OUT/load.svg --from ADDRESS",
}
#: The address where something else is expected.
MISPLACED = (
    "ADDRESS",
    "rules ADDRESS",
    "report --top ADDRESS DUMP",
    "report --timeout ADDRESS DUMP",
    "report --where ADDRESS DUMP",
    "report --config ADDRESS DUMP",
    "report --format ADDRESS DUMP",
    "report -o ADDRESS DUMP",
    "check --policy ADDRESS DUMP",
    "check --baseline ADDRESS DUMP",
    "check --write-baseline ADDRESS DUMP",
    "compare --interval ADDRESS DUMP DUMP",
    "convert ADDRESS ADDRESS -f folded -o OUT/x",
    "convert -f folded -o OUT/x --member ADDRESS DUMP",
    "export -o ADDRESS DUMP",
    "export -o OUT/x --captured-at ADDRESS DUMP",
    "query ADDRESS DUMP",
    "query SELECT_ALL --tables ADDRESS",
    "pool project --metrics ADDRESS",
    "pool project --workers ADDRESS",
    "pool project --from DUMP --pool ADDRESS",
    "pool project --plot ADDRESS --from DUMP",
    "pool replay ADDRESS",
    "pool ADDRESS",
    "reproduce ADDRESS",
)


def filled(line: str, target: str, folder: Path) -> list[str]:
    """The arguments of a command line."""
    dump = folder / "in" / "dump.stacks"
    baseline = folder / "in" / "known.json"
    if not dump.exists():
        dump.parent.mkdir()
        dump.write_bytes(BODY)
        baseline.write_text(
            json.dumps(
                {"schema": "stackscan.baseline", "schema_version": 1, "goroutines": 2, "rules": {}, "stacks": []}
            )
        )
        (folder / "out").mkdir()
    values = {"ADDRESS": target, "DUMP": str(dump), "BASELINE": str(baseline), "SELECT_ALL": "SELECT * FROM snapshots"}
    return [values.get(word, word.replace("OUT", str(folder / "out"))) for word in line.split()]


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets in the environment; a resolver that needs no network."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://{LOGIN}127.0.0.1:9")
    monkeypatch.setenv("STACKSCAN_REDACT_KEY", HELD)
    resolve = socket.getaddrinfo

    def resolver(host: object, *more: object, **named: object) -> object:
        if str(host).endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)


@pytest.mark.parametrize(
    ("output", "path"),
    [
        (output, path)
        for output in OUTPUTS
        for path in ANSWERS
        if path != "pool" or output.startswith(("pool", "export"))
    ],
)
def test_no_output_shows_a_secret(
    server: Server, output: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the server answers, in every output of every command: not printed, and in no file."""
    slow = ["--timeout", "100ms"] if path in ("drip", "dripdump", "driphead", "silent") else []
    arguments = filled(OUTPUTS[output], address(server, path), tmp_path)
    code, printed = say(*arguments, *slow, monkeypatch=monkeypatch)
    assert [] == leaked(printed), printed.decode()
    assert {} == leaked_in(tmp_path)
    read = path in READ and output != "compare one" and (path == "pool" or not output.startswith("pool"))
    judged = read and (path in ("ok", "pool") or not output.startswith("check"))  # a check takes no cut dump
    assert (code in (0, 1)) == judged or path == "dripdump"  # of which all, some or nothing may come in time


def wrong(server: Server) -> dict[str, str]:
    """Addresses that are none, and such that nobody answers."""
    tail = f"d?{QUERY}"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        refused = listener.getsockname()[1]
    return {
        "refused": f"http://{LOGIN}127.0.0.1:{refused}/{tail}",
        "tls on a plain port": f"https://{LOGIN}127.0.0.1:{server.port}/{tail}",
        "unknown host": f"http://{LOGIN}no-such-host.invalid/{tail}",
        "label too long": f"http://{LOGIN}{'a' * 70}.invalid/{tail}",
        "slash in the password": f"http://{USER}:{PASSWORD}@127.0.0.1:{server.port}/{tail}",
        "slash and digits": f"http://{USER}:12/{PASSWORD}@127.0.0.1:{server.port}/{tail}",
        "question mark in the password": f"http://{USER}:a?{PASSWORD}@h/{tail}",
        "hash in the password": f"http://{USER}:a#{PASSWORD}@h/{tail}",
        "at in the password": f"http://{USER}:a@{PASSWORD}@h/{tail}",
        "no port": f"http://{LOGIN}h:port/{tail}",
        "forgotten at": f"http://h:{TOKEN}/{tail}",
        "broken bracket": f"http://{LOGIN}[::1/{tail}",
        "no host": f"http://{LOGIN}/{tail}",
        "spaces": f"http://{LOGIN}h h/{tail}",
        "misspelt": f"htp://{LOGIN}h/{tail}",
        "ftp": f"ftp://{LOGIN}h/{tail}",
        "one slash": f"http:/{LOGIN}h/{tail}",
        "space before": f" http://{LOGIN}h/{tail}",
        "quoted": f"'http://{LOGIN}h/{tail}'",
        "no scheme": f"{LOGIN}127.0.0.1:{server.port}/d?debug=2&token={quote(TOKEN)}",
        "no login": f"127.0.0.1:{server.port}/d?debug=2&token={quote(TOKEN)}",
        "in a query": f"http://h.invalid/d?target={quote('http://' + LOGIN + 'h', safe='')}",
        "in the path": f"http://h.invalid/token/{quote(TOKEN, safe='')}/d;jsessionid={BARE}",
        "no question mark": f"http://h.invalid/d&token={quote(TOKEN, safe='')}",
        "NUL": f"http://{LOGIN}h/\0{tail}",
        "too long a name": f"http:/{LOGIN}h/" + "x" * 300 + f"?{QUERY}",
    }


@pytest.mark.parametrize("output", OUTPUTS)
def test_no_refusal_shows_a_secret(
    server: Server, output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Addresses that are none, servers that are not there."""
    for kind, target in wrong(server).items():
        code, printed = say(*filled(OUTPUTS[output], target, tmp_path), monkeypatch=monkeypatch)
        assert (2, []) == (code, leaked(printed)), (kind, printed.decode())
        assert {} == leaked_in(tmp_path)


@pytest.mark.parametrize("line", MISPLACED)
def test_no_usage_error_shows_a_secret(
    server: Server, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address where an option's value, a file or a command was expected."""
    monkeypatch.chdir(tmp_path)
    code, printed = say(*filled(line, address(server, "ok"), tmp_path), monkeypatch=monkeypatch)
    assert [] == leaked(printed), printed.decode()
    assert code == (0 if line.startswith("export -o ADDRESS") else 2)  # a folder may be called anything


@pytest.mark.parametrize("line", [OUTPUTS["report text"], OUTPUTS["check printed"], MISPLACED[0]])
def test_the_program_itself_shows_none(server: Server, line: str, tmp_path: Path) -> None:
    """As a process of its own, with its own streams and environment."""
    secrets = environment(HTTP_PROXY=f"http://{LOGIN}127.0.0.1:9", STACKSCAN_REDACT_KEY=HELD)
    for path in ("ok", "echo", "500"):
        done = run(*filled(line, address(server, path), tmp_path), env=secrets)
        assert [] == leaked(done.stdout.encode() + done.stderr.encode())


def test_a_progress_bar_shows_none(server: Server) -> None:
    """On a terminal, while a slow answer comes."""
    code, printed = run_on_terminal("report", "--timeout", "5s", address(server, "dripdump"), columns=200)
    assert code == 0
    assert "reading" in printed
    assert [] == leaked(printed.encode())


def test_the_secrets_are_sent(server: Server) -> None:
    """They reach the server whole: hiding them would be easy otherwise."""
    server.asked.clear()
    stackscan.scan(address(server, "ok"))
    assert f"/ok?{QUERY.partition('#')[0]} " in server.asked[0]
    login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    assert f"Authorization: Basic {login}" in server.asked[0]
    assert all(leaked(each.encode()) for each in (server.asked[0], f"x{login}y", quote(TOKEN)))


def test_a_leak_would_be_found(tmp_path: Path) -> None:
    """In text, in tables, in packed files, in names."""
    pl.DataFrame({"source": [TOKEN]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"source": [BARE] * 3}).write_ipc(tmp_path / "b.arrow", compression="zstd")
    (tmp_path / "c.gz").write_bytes(gzip.compress(PASSWORD.encode()))
    (tmp_path / USER).write_bytes(b"")
    (tmp_path / "e").write_text("harmless")
    assert {"a.parquet", "b.arrow", "c.gz", USER} == set(leaked_in(tmp_path))


# -- the types -------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Holder:
    held: object


@pytest.mark.parametrize("kind", [Source, Address.parse])
def test_it_cannot_become_text_with_its_secrets(kind: type, server: Server) -> None:
    """However text, or something that becomes text, is made of it."""
    secret = kind(address(server, "ok"))
    holder = Holder(secret)
    made = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r:>300}",
        format(secret),
        "%s %r" % (secret, secret),  # noqa: UP031 - one more way
        "{}".format(secret),  # noqa: UP032 - the same
        pprint.pformat(holder),
        repr(holder),
        repr(dataclasses.asdict(holder)),
        repr(copy.copy(secret)),
        repr(copy.deepcopy(holder)),
        json.dumps({"source": secret}, default=str),
        *(pickle.dumps(secret, protocol).decode("latin-1") for protocol in range(pickle.HIGHEST_PROTOCOL + 1)),
        repr(pickle.loads(pickle.dumps(secret))),  # noqa: S301 - our own
        repr(getattr(secret, "__dict__", "")),
        repr(secret.__getstate__()),
        str(pl.Series([secret], dtype=pl.Object if not isinstance(secret, str) else pl.String).to_list()),
        *(secret.upper().lower() for _ in [0] if isinstance(secret, str)),
    ]
    assert [] == [text for text in made if leaked(text.encode("utf-8", "replace"))]


def test_only_what_opens_and_asks_sees_secrets() -> None:
    """The two methods that give secrets away are called where files are opened and requests sent, nowhere else."""
    callers = {
        (path.relative_to(ROOT / "stackscan").as_posix(), node.attr)
        for path in (ROOT / "stackscan").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr.endswith("with_secrets")
    }
    assert {
        ("cli/options/processes.py", "with_secrets"),  # the name of a file that lists processes
        ("live/hooks/webhook.py", "with_secrets"),  # a request to an address that the user gave
        ("live/hooks/webhook.py", "request_with_secrets"),
        ("live/target.py", "with_secrets"),  # the addresses of a process's profiles are made of its own
        ("sources/__init__.py", "with_secrets"),
        ("sources/address.py", "with_secrets"),
        ("sources/globs.py", "with_secrets"),  # the folders in which a pattern is looked for
        ("sources/http.py", "with_secrets"),
        ("sources/http.py", "request_with_secrets"),
        ("sources/objects/address.py", "with_secrets"),  # a key may hold what is hidden
        ("sources/parts.py", "with_secrets"),  # the folder that is listed
        ("sources/sent.py", "with_secrets"),
    } == callers


def test_files_of_folders_and_archives_are_shown_without_what_their_names_hide(tmp_path: Path) -> None:
    """As wget names them: after an address, with its query."""
    folder = tmp_path / "dumps"
    folder.mkdir()
    for number, secret in enumerate((TOKEN.replace("/", ""), BARE)):
        (folder / f"goroutine?debug={number + 1}&token={secret}").write_bytes(BODY)
    (folder / f"cut?token={BARE}").write_bytes(b"")
    with zipfile.ZipFile(tmp_path / "dumps.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
    for source in folder, tmp_path / "dumps.zip":
        for command in ("report", "fleet"):
            done = run(command, "--format", "json", source)
            assert 0 == done.returncode, done.stderr
            assert "token=***" in done.stdout
            shown = done.stdout + done.stderr
            assert [] == [secret for secret in (TOKEN.replace("/", ""), BARE) if secret in shown]


def test_members_and_reports_hold_plain_text(server: Server) -> None:
    """Behind the opening of a source there is nothing to give away."""
    (member,) = open_source(address(server, "ok"))
    report = stackscan.scan(address(server, "ok"))
    names = [member.source, *(snapshot.source for snapshot in report.snapshots)]
    assert [str, str] == [type(name) for name in names]
    assert [] == leaked(repr(report).encode())
    assert [] == leaked(pickle.dumps(member))


@pytest.mark.parametrize("path", ["403", "echo", "refused", "to-other", "drip"])
def test_errors_of_the_api_hold_no_secret(server: Server, path: str) -> None:
    """Not the message, not a cause, not a local variable of a frame that it passed in our code."""
    target = wrong(server)[path] if path == "refused" else address(server, path)
    with pytest.raises(StackscanError) as caught:
        stackscan.scan(target, timeout_seconds=0.3)
    error: BaseException | None = caught.value
    while error is not None:
        assert [] == leaked(f"{error!r} {getattr(error, 'hint', '')}".encode())
        trace = error.__traceback__
        while trace is not None:
            frame, trace = trace.tb_frame, trace.tb_next
            if "/stackscan/sources/" in frame.f_code.co_filename:
                assert [] == leaked(repr(frame.f_locals).encode())
        error = error.__cause__ or error.__context__


def test_the_pytest_plugin_shows_none(server: Server, tmp_path: Path) -> None:
    """In what a failing test prints, with the local variables of the plugin, too; and it takes a time-out."""
    test = """
import os

def test_now(goroutine_check):
    goroutine_check(os.environ["BAD"])

def test_later(goroutine_check):
    goroutine_check.at_end(os.environ["SLOW"], timeout_seconds=0.1)
    print(goroutine_check)

def test_fails(goroutine_check):
    goroutine_check.at_end(os.environ["BAD"])
    assert not goroutine_check
"""
    (tmp_path / "test_it.py").write_text(test)
    named = {"BAD": address(server, "500"), "SLOW": address(server, "driphead"), "PYTEST_ADDOPTS": None}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-l", "--tb=long", "-p", "no:cacheprovider", "--rootdir", tmp_path],
        cwd=tmp_path, env=environment(**named), capture_output=True, check=False,
    )  # fmt: skip
    assert b"3 failed" in done.stdout
    assert b"answers 500" in done.stdout
    assert b" after 0.1 s" in done.stdout
    assert b"GoroutineCheck(" in done.stdout
    assert [] == leaked(done.stdout + done.stderr)


def test_what_urllib3_logs_shows_none(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """Its loggers quote addresses: in warnings about headers that are cut, at the lowest level every request."""
    caplog.set_level("DEBUG")
    with pytest.raises(StackscanError):
        stackscan.read(address(server, "500"))
    logging.getLogger("urllib3.connection").warning("Failed to parse headers (url=%s)", address(server, "500"))
    assert "Failed to parse headers" in caplog.text
    assert "GET" in caplog.text
    assert [] == leaked(caplog.text.encode())


def test_a_tls_hint_hides_the_token(server: Server) -> None:
    """It names the address to use, masked, and not the one that was given."""
    done = run("report", f"https://127.0.0.1:{server.port}/ok?debug=2&token={BARE}")
    assert f"This port does not speak TLS: http://127.0.0.1:{server.port}/ok?debug=2&token=***" in done.stderr
    done = run("report", server.url("/to-tls?debug=2"))
    assert "redirects to https" in done.stderr
    assert "correct its redirect" in done.stderr
    assert f"This port does not speak TLS: {server.url('/to-tls')}" not in done.stderr


# -- what is masked --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("http://h/x?pwd=1&pass=2&bearer=3&SAS=4", "http://h/x?pwd=***&pass=***&bearer=***&SAS=***"),
        ("http://h/x?a=1;token=X;debug=2", "http://h/x?a=1;token=***;debug=2"),
        ("http://h/x?%74oken=X&%64ebug=2", "http://h/x?token=***&%64ebug=2"),
        ("http://h/x?debug=2%26token%3DX", "http://h/x?debug=***"),
        ("http://h/x?s3cret", "http://h/x?***"),
        ("http://h/x?czNjcmV0==", "http://h/x?***"),
        ("http://h/x?anything=longer", "http://h/x?anything=***"),
        ("http://h/x#token=X", "http://h/x"),
        ("http://u:pa/s3cret@h:80/d", "http://h:80/d"),
        ("http://u:12/s3cret@h:80/d?debug=2", "http://h:80/d?debug=2"),
        ("http://h/x;jsessionid=ABC?debug=1", "http://h/x;jsessionid=***?debug=1"),
        ("http://h/token/ABC/debug/pprof/", "http://h/token/***/debug/pprof/"),
        ("http://h/eyJhbGciOi.eyJzdWIi.sig_1/x", "http://h/***/x"),
        ("htp://u:p@h/x?token=t", "htp://h/x?token=***"),
        ("u:p@h:80/x?token=t", "***@h:80/x?token=***"),
        ("goroutine?debug=2&token=t", "goroutine?debug=2&token=***"),
    ],
)
def test_what_may_be_a_secret_is_masked(source: str, expected: str) -> None:
    """By a list of harmless parameters: what is not on it is hidden."""
    assert expected == masked(source)


@pytest.mark.parametrize(
    "source",
    [
        "http://localhost:6060/debug/pprof/goroutine?debug=2",
        "http://127.0.0.1:5001/api/v0/diag/profile?profile-time=5s&collectors=goroutines-stack,version",
        "http://[::1]:6060/debug/pprof/goroutine?debug=1&gc=1&seconds=5",
        "https://gate.example.com/api/v1/namespaces/a/pods/web-5d8f7c9b6d-x2x9k:6060/proxy/debug/pprof/goroutine",
        "http://gate/debug?pod=web-7&namespace=prod&verbose=true&x=1",
        "http://h/app@v1.2/debug",
        "/srv/a@b/c?d.txt",
        "C:/go/pkg/mod/x@v1.2.3/y.go",
        "goroutine?debug=2",
        "dump 2026-01-01T10:00:00@host.txt",
        "-",
    ],
)
def test_what_holds_no_secret_stays_as_it_is(source: str) -> None:
    """Names that scripts join on do not change."""
    assert source == masked(source) == Source(source)
    assert f"{source} has no goroutines" == masked_text(f"{source} has no goroutines")


_TEXT = st.text(st.sampled_from("aZ09:/?#@&;=%+.[]\\ _-*'\n"), max_size=40)


@given(_TEXT, st.sampled_from(["http://", "HTTPS://", "ftp://", "x://", "", "http:/", "://"]), _TEXT)
def test_any_text_can_be_masked(before: str, scheme: str, after: str) -> None:
    """Without an error, and once is enough."""
    shown = masked(before + scheme + after)
    assert shown == masked(shown)
    masked_text(shown)


_PART = st.text(st.sampled_from("abcXYZ019.~-_"), max_size=12)


@given(_PART, _PART, st.sampled_from(["", "/", "@", "?", "#", ":"]), st.sampled_from("&;"), st.booleans())
def test_no_login_and_no_token_is_left(before: str, after: str, mark: str, separator: str, encoded: bool) -> None:
    """Wherever in the password a character stands that divides addresses, and whatever the parameter is called."""
    secret = "Zq5ecret"  # noqa: S105
    password = before + (quote(mark, safe="") if encoded else mark) + secret + after
    url = f"http://me:{password}@host.example:80/x?debug=2{separator}k{before}=v{secret}{after}"
    assert secret not in masked(url)
    assert secret not in masked_text(f"cannot read {url}: no.")


def test_tls_is_still_checked() -> None:
    """The connections of our own class check certificates as urllib3's do."""
    from test_http import certificate

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate())
    with serving(sends(BODY), context) as secure, pytest.raises(StackscanError, match="not trusted"):
        stackscan.scan(secure.url())


@given(st.text(alphabet="ab/:.@?&;=#-1tokenhps \\'\"[]", max_size=40) | st.text(max_size=40))
def test_a_source_is_masked_in_one_way(text: str) -> None:
    """Also where the rules are not loaded, because nothing can be hidden."""
    assert masked(text) == masked_source(text) == str(Source(text))
