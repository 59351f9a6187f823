"""What collectors, shells and people put around a dump, as those tools print it: the other way round from the reader.

Each function takes lines of a log (of which some are a dump) and returns the file that the tool would write. Sources:
journalctl(1) and journald-stream.c (which drops empty lines), rsyslog's control-character escapes, RFC 5424, docker's
json-file driver and ``docker logs -t``, docker compose, Kubernetes' CRI log format, ``kubectl logs --prefix``, stern,
GitHub Actions' raw log, cmd/test2json, log/slog's text handler, zap, klog, PowerShell's redirection, strace.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

Wrap = Callable[[Sequence[str]], bytes]


def moments(form: str, number: int, *, microseconds: bool = False) -> list[str]:
    """Times of ``number`` lines, a few of which come in each second."""
    start = datetime(2026, 11, 23, 5, 4, 1, tzinfo=UTC)
    return [
        (start + timedelta(milliseconds=7 * place)).strftime(form) + (f".{place:06}" if microseconds else "")
        for place in range(number)
    ]


def _each(prefixes: Sequence[str], lines: Sequence[str], *, drop_empty: bool = False, strip: bool = False) -> bytes:
    pairs = zip(prefixes, lines, strict=True)
    out = [prefix + line for prefix, line in pairs if line or not drop_empty]
    return "".join((line.rstrip() if strip else line) + "\n" for line in out).encode()


def journald(form: str, *, ident: str = "ipfs[4242]") -> Wrap:
    """``journalctl`` of a service that prints to its standard error, with a chattering neighbour on the same host."""

    def wrap(lines: Sequence[str]) -> bytes:
        out = []
        for place, (moment, line) in enumerate(zip(moments(form, len(lines)), lines, strict=True)):
            if line:
                out.append(f"{moment} web-1 {ident}: {line}\n")
            if place % 37 == 5:
                out.append(f"{moment} web-1 systemd[1]: Started Session {place} of user root.\n")
        return "".join(out).encode()

    return wrap


def journald_json(lines: Sequence[str]) -> bytes:
    """``journalctl -o json``: messages with control characters are lists of bytes."""
    out = []
    for place, line in enumerate(lines):
        if line:
            message: str | list[int] = list(line.encode()) if place % 11 == 3 else line
            out.append({"__REALTIME_TIMESTAMP": f"{1763874000000000 + place}", "_PID": "4242", "MESSAGE": message})
            if place % 29 == 7:
                out.append({"__REALTIME_TIMESTAMP": "1763874000000000", "_PID": "1", "MESSAGE": "Reloading."})
    return "".join(json.dumps(record) + "\n" for record in out).encode()


def rsyslog(lines: Sequence[str]) -> bytes:
    """A file that rsyslog wrote: tabs as ``#011``."""
    return journald("%b %d %H:%M:%S")([line.replace("\t", "#011") for line in lines])


def rsyslog_line(lines: Sequence[str]) -> bytes:
    """The same of a program that sent all in one message."""
    message = "\n".join(lines).replace("\t", "#011").replace("\n", "#012")
    return f"<27>Nov 23 05:04:01 web-1 acme[4242]: {message}\n".encode()


def rfc5424(lines: Sequence[str]) -> bytes:
    """Structured syslog, with structured data."""
    stamps = moments("%Y-%m-%dT%H:%M:%S", len(lines), microseconds=True)
    prefixes = [f'<27>1 {stamp}Z web-1 ipfs 4242 - [meta@1 seq="{place}"] ' for place, stamp in enumerate(stamps)]
    return _each(prefixes, lines)


def docker_json(lines: Sequence[str]) -> bytes:
    """The json-file driver of docker; a long line comes in pieces without a newline."""
    out = []
    for line in lines:
        pieces = [line[at : at + 60] for at in range(0, len(line), 60)] or [""]
        for place, piece in enumerate(pieces):
            end = "\n" if place == len(pieces) - 1 else ""
            out.append({"log": piece + end, "stream": "stderr", "time": "2026-11-23T05:04:01.000000001Z"})
        if len(out) % 31 == 0:
            out.append({"log": "GET / 200\n", "stream": "stdout", "time": "2026-11-23T05:04:01.000000001Z"})
    return "".join(json.dumps(record) + "\n" for record in out).encode()


def docker_times(lines: Sequence[str]) -> bytes:
    """``docker logs -t`` and ``kubectl logs --timestamps``."""
    return _each([f"{stamp}001Z " for stamp in moments("%Y-%m-%dT%H:%M:%S", len(lines), microseconds=True)], lines)


def actions(lines: Sequence[str]) -> bytes:
    """GitHub Actions' raw log, which begins with a byte order mark."""
    stamps = moments("%Y-%m-%dT%H:%M:%S", len(lines), microseconds=True)
    return b"\xef\xbb\xbf" + _each([f"{stamp}7Z " for stamp in stamps], lines)


def compose(lines: Sequence[str]) -> bytes:
    """``docker compose logs`` of two services."""
    out = []
    for place, line in enumerate(lines):
        out.append(f"node-1   | {line}".rstrip() if not line else f"node-1   | {line}")
        if place % 23 == 11:
            out.append(f"proxy-1  | 10.0.0.{place % 250} - GET /ipfs/ 200")
    return "".join(line + "\n" for line in out).encode()


def compose_coloured(lines: Sequence[str]) -> bytes:
    """The same on a terminal."""
    return _each(["\x1b[36mnode-1  |\x1b[0m "] * len(lines), lines)


def cri(lines: Sequence[str]) -> bytes:
    """The files of containerd and CRI-O: long lines in partial records."""
    out = []
    for stamp, line in zip(moments("%Y-%m-%dT%H:%M:%S", len(lines), microseconds=True), lines, strict=True):
        while len(line) > 70:
            out.append(f"{stamp}001+01:00 stderr P {line[:70]}\n")
            line = line[70:]  # noqa: PLW2901  # what is left of it
        out.append(f"{stamp}001+01:00 stderr F {line}\n")
        if len(out) % 41 == 0:
            out.append(f"{stamp}002+01:00 stdout F served\n")
    return "".join(out).encode()


def kubectl(lines: Sequence[str]) -> bytes:
    """``kubectl logs --prefix -l app=web``: lines of two pods, one of which is stuck."""
    out = []
    for place, line in enumerate(lines):
        out.append(f"[pod/web-7c9d8/app] {line}")
        if place % 19 == 3:
            out.append(f"[pod/web-x1y2z/app] 2026/11/23 05:04:01 ok {place}")
    return "".join(line + "\n" for line in out).encode()


def stern(lines: Sequence[str]) -> bytes:
    """The default template of stern."""
    return _each(["web-7c9d8 app "] * len(lines), lines)


def klog(lines: Sequence[str]) -> bytes:
    """A logger that puts its prefix before each line."""
    prefixes = [
        f"E1123 {stamp}       1 server.go:1207] " for stamp in moments("%H:%M:%S", len(lines), microseconds=True)
    ]
    return _each(prefixes, lines)


def json_field(field: str) -> Wrap:
    """A structured logger that wrote the dump as one string, among its other records."""

    def wrap(lines: Sequence[str]) -> bytes:
        text = "\n".join(lines) + "\n"
        records = [{"level": "info", "msg": f"request {n}"} for n in range(3)]
        records.insert(2, {"level": "error", "msg": "stuck"} | {field: text})
        return "".join(json.dumps(record) + "\n" for record in records).encode()

    return wrap


def json_per_line(lines: Sequence[str]) -> bytes:
    """A collector that made one record of each line (GKE's textPayload), in one document."""
    labels = {"container_name": "app", "pod_name": "web-7c9d8"}
    return json.dumps([{"resource": {"labels": labels}, "textPayload": line} for line in lines], indent=1).encode()


def logfmt(lines: Sequence[str]) -> bytes:
    """log/slog's text handler."""
    quoted = json.dumps("\n".join(lines))
    noise = "time=2026-11-23T05:04:01Z level=INFO msg=ok\n"
    return f"{noise}time=2026-11-23T05:04:01Z level=ERROR msg=dump stack={quoted}\n{noise}".encode()


def escaped_twice(lines: Sequence[str]) -> bytes:
    """A logfmt line within a JSON log."""
    return json.dumps({"level": "error", "msg": "dump " + json.dumps("\n".join(lines))}).encode() + b"\n"


def go_test_json(lines: Sequence[str]) -> bytes:
    """``go test -json`` of two packages at once."""
    out = []
    for place, line in enumerate(lines):
        out.append({"Action": "output", "Package": "acme/a", "Test": "TestHang", "Output": line + "\n"})
        if place % 17 == 9:
            out.append({"Action": "run", "Package": "acme/b", "Test": "TestOk"})
            out.append({"Action": "output", "Package": "acme/b", "Test": "TestOk", "Output": "=== RUN   TestOk\n"})
    return "".join(json.dumps(record) + "\n" for record in out).encode()


def quoted(mark: str) -> Wrap:
    """A copy in a mail, a comment or a Markdown quotation; editors take blanks off line ends."""
    return lambda lines: _each([mark] * len(lines), lines, strip=True)


def coloured(lines: Sequence[str]) -> bytes:
    """Colours on headers and functions."""
    painted = [f"\x1b[1;31m{line}\x1b[0m" if line and not line.startswith("\t") else line for line in lines]
    return _each([""] * len(lines), painted)


def encoded(encoding: str, newline: str = "\r\n") -> Wrap:
    """Another encoding."""
    return lambda lines: (newline.join(lines) + newline).encode(encoding)


def newest_first(lines: Sequence[str]) -> bytes:
    """A log viewer's export."""
    return _each([""] * len(lines), lines[::-1])


def traced(lines: Sequence[str]) -> bytes:
    """``strace -f -e write -s 65536``: a write for each token, other threads and calls between them."""
    out = []
    for place, line in enumerate(lines):
        tokens = [*re.findall(r"\w+|[^\w]", line), "\n"] if place % 5 else [line + "\n"]
        for token in tokens:
            octal = "".join(_escaped(byte) for byte in token.encode())
            out.append(f'[pid  4242] write(2, "{octal}", {len(token.encode())}) = {len(token.encode())}')
        if place % 11 == 3:
            out[-1] = out[-1].rpartition(") = ")[0] + " <unfinished ...>"
            out.append("[pid  4243] futex(0x5565f8, FUTEX_WAKE_PRIVATE, 1) = 0")
            out.append(f"[pid  4242] <... write resumed>) = {len(tokens[-1].encode())}")
    return "".join(line + "\n" for line in out).encode()


def _escaped(byte: int) -> str:
    known = {9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 92: "\\\\"}
    return known.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}")


def container_of_json(lines: Sequence[str]) -> bytes:
    """A CRI log of a program that logs JSON."""
    return cri([line for line in json_field("stacktrace")(lines).decode().splitlines() if line])


#: Every wrapper by the name that its test carries.
WRAPS: dict[str, Wrap] = {
    "journalctl": journald("%b %d %H:%M:%S"),
    "journalctl -o short-precise": journald("%b %d %H:%M:%S.000123"),
    "journalctl -o short-iso": journald("%Y-%m-%dT%H:%M:%S+0000"),
    "journalctl -o short-iso-precise": journald("%Y-%m-%dT%H:%M:%S.123456+00:00"),
    "journalctl -o with-unit": journald("%a %Y-%m-%d %H:%M:%S UTC", ident="ipfs.service[4242]"),
    "journalctl -o json": journald_json,
    "rsyslog": rsyslog,
    "rsyslog, one message": rsyslog_line,
    "RFC 5424": rfc5424,
    "docker json-file": docker_json,
    "docker logs -t": docker_times,
    "GitHub Actions": actions,
    "docker compose": compose,
    "docker compose, coloured": compose_coloured,
    "CRI": cri,
    "kubectl --prefix": kubectl,
    "stern": stern,
    "klog": klog,
    "JSON msg": json_field("msg"),
    "JSON stacktrace": json_field("stacktrace"),
    "JSON document of lines": json_per_line,
    "logfmt": logfmt,
    "escaped twice": escaped_twice,
    "go test -json": go_test_json,
    "mail": quoted("> "),
    "comment": quoted("// "),
    "table": quoted("| "),
    "indented": quoted("    "),
    "ANSI colours": coloured,
    "UTF-16 LE": encoded("utf-16"),
    "UTF-16 BE, no mark": encoded("utf-16-be"),
    "UTF-32": encoded("utf-32"),
    "CRLF": encoded("utf-8"),
    "CR": encoded("utf-8", "\r"),
    "newest first": newest_first,
    "JSON in CRI": container_of_json,
    "strace": traced,
}
