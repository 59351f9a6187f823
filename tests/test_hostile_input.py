"""What strangers can put into a dump decides neither what the file is, nor which goroutines it holds."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hostile import FAKE_COUNTS, FAKE_FULL, FORMATS, MUTEX, VALUES, Profile, as_counts, as_full, as_pprof

from helpers import json_of, run
from stackscan.errors import UnsupportedFormatError

STUCK = 60


def told(path: Path) -> list[dict[str, Any]]:
    """What a report says of each snapshot, labels aside."""
    parts = ("format", "goroutines", "complete", "problems", "cause", "buckets", "findings", "pools", "wrapper")
    return [{part: snapshot[part] for part in parts} for snapshot in json_of(path)["snapshots"]]


def put(folder: Path, data: bytes, name: str = "dump") -> Path:
    """A file with these bytes."""
    path = folder / name
    path.write_bytes(data)
    return path


# -- labels ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", ["one", "all"])
@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("dump", FORMATS)
def test_a_label_changes_nothing(dump: str, value: str, share: str, tmp_path: Path) -> None:
    """The same goroutines, findings and problems, whatever the value of a label, of one goroutine or of all."""
    write = FORMATS[dump]
    usual: list[str | None] = ["/a"] if share == "one" else ["/a"] * STUCK
    hostile: list[str | None] = [VALUES[value]] * len(usual)
    others: list[str | None] = [None] * (STUCK - len(usual))
    expected = told(put(tmp_path, write([*usual, *others])))
    assert expected[0]["findings"]
    assert expected == told(put(tmp_path, write([*hostile, *others])))
    assert expected == told(put(tmp_path, gzip.compress(write([*hostile, *others]))))


@pytest.mark.parametrize("value", ["JSON lines", "a header", "a profile in octal escapes"])
@pytest.mark.parametrize("dump", FORMATS)
def test_check_fails_as_without_the_label(dump: str, value: str, tmp_path: Path) -> None:
    """Exit code 1: goroutines are stuck, whoever is among them."""
    path = put(tmp_path, FORMATS[dump]([None] * STUCK + [VALUES[value]]))
    done = run("check", "--fail-on", "warning", path)
    assert 1 == done.returncode, done.stderr
    assert "mutex" in done.stdout


@pytest.mark.parametrize("where", ["function", "file", "mapping", "comment"])
@pytest.mark.parametrize("value", ["JSON lines", "a dump behind a newline", "a profile", "shifted tar magics"])
def test_any_string_of_a_profile_is_only_a_string(value: str, where: str, tmp_path: Path) -> None:
    """Names of functions, files and mappings, and comments."""
    profile = Profile()
    stack = [profile.location(name) for name in ("runtime.gopark", "sync.runtime_SemacquireMutex", *MUTEX)]
    profile.sample(stack, STUCK)
    text = VALUES[value]
    if where == "mapping":
        profile.profile.mapping.add(id=1, filename=profile.text(text))
    elif where == "comment":
        profile.text(text)
    else:
        profile.sample(
            [profile.location(**({"name": text} if where == "function" else {"name": "main.f", "file": text}))]
        )
    (found,) = told(put(tmp_path, profile.bytes()))
    assert ("goroutine-pprof", True, []) == (found["format"], found["complete"], found["problems"])
    assert STUCK + (where in ("function", "file")) == found["goroutines"]


def test_an_empty_profile_is_empty_whatever_its_strings_say(tmp_path: Path) -> None:
    """No goroutine is leaked: that is no dump behind a log's prefix."""
    profile = Profile("goroutineleak")
    profile.profile.mapping.add(id=1, filename=profile.text("x\nlog: goroutine 1 [running]:\n"))
    (found,) = told(put(tmp_path, profile.bytes()))
    assert (0, True) == (found["goroutines"], found["complete"])


def test_labels_longer_than_a_line_leave_the_state(tmp_path: Path) -> None:
    """A line is read up to 1 MiB: what stands before the labels is."""
    for go in ("1.26", "1.27"):
        path = put(tmp_path, as_full([None] * STUCK + ["x" * (1 << 20)] * 2, go=go))
        (found,) = told(path)
        assert [("sync.Mutex.Lock", STUCK + 2)] == [(b["wait_reason"], b["count"]) for b in found["buckets"]][:1]


# -- messages of panics ----------------------------------------------------------------------------------------------

REAL = (
    "goroutine 34 [running]:\nmain.handler(0x1)\n\t/src/h.go:3 +0x1d\ncreated by main.main in goroutine 1\n"
    "\t/src/main.go:12 +0x2d\n\n" + as_full([None] * STUCK).decode().partition("\n\n")[2]
)
MESSAGES = {
    "a dump": "x\n" + FAKE_FULL,
    "a dump and blank lines": "x\n\n" + FAKE_FULL + "\n" + FAKE_FULL.replace("1 [running]", "100 [select]") + "\n",
    "a profile": "x\n" + FAKE_COUNTS,
    "a profile and blank lines": "x\n\n" + FAKE_COUNTS + "\n",
    "an empty profile": "x\ngoroutine profile: total 0\n",
    "threads": "x\n-----\n\nSIGQUIT: quit\n\n" + REAL.replace("sync.Mutex.Lock", "select").replace("(*Store)", "(*S)"),
    "a section of the runtime's": "x\nruntime stack:\nmain.f()\n\t/src/x.go:1 +0x1\n",
    "JSON": 'x\n{"log":"goroutine 1 [running]:\\n"}\n{"log":"main.main()\\n"}\n',
    "CRI": "x\n2016-10-06T00:17:09.669794202Z stderr F goroutine 1 [running]:\n",
    "a tar's magic": "ustar\0" * 60,
    "UTF-16": "g\0" * 3000,
    "octal": "x#012#011\n#011/x.go:1\n",
}


@pytest.mark.parametrize("message", MESSAGES)
def test_an_indented_message_changes_nothing(message: str, tmp_path: Path) -> None:
    """Go 1.23 and later indent a panic's message: it is told from the dump below it."""
    expected = told(put(tmp_path, f"panic: x\n\n{REAL}".encode()))
    indented = MESSAGES[message].replace("\n", "\n\t")
    actual = told(put(tmp_path, f"panic: {indented}\n\n{REAL}".encode()))
    for each in (*expected, *actual):
        each.pop("cause")
        for finding in each["findings"]:
            if finding["cause"] == "crash":  # it quotes the message
                finding["title"], finding["evidence"] = "", {}
    assert expected == actual


@pytest.mark.parametrize("message", MESSAGES)
def test_a_raw_message_hides_nothing(message: str, tmp_path: Path) -> None:
    """Up to Go 1.22 a message is printed as it is. The real goroutines are all there, and the report says what may be
    text, or it is not called complete."""
    path = put(tmp_path, f"panic: {MESSAGES[message]}\n\n{REAL}".encode())
    snapshots = json_of(path)["snapshots"]
    stuck = [b["count"] for s in snapshots for b in s["buckets"] if b["wait_reason"] == "sync.Mutex.Lock"]
    assert STUCK in stuck
    functions = {f["function"] for s in snapshots for b in s["buckets"] for f in b["frames"]}
    assert "main.handler" in functions
    assert {"mutex-convoy"} <= {finding["rule"] for s in snapshots for finding in s["findings"]}
    assert any(snapshot["cause"] for snapshot in snapshots)
    assert 1 == run("check", "--fail-on", "warning", path).returncode


def test_what_may_be_a_message_is_said(tmp_path: Path) -> None:
    """Goroutines above the one that panicked, and a profile: nothing tells whose they are."""
    for message in ("a dump and blank lines", "a profile and blank lines"):
        snapshots = told(put(tmp_path, f"panic: {MESSAGES[message]}\n\n{REAL}".encode()))
        assert not all(snapshot["complete"] for snapshot in snapshots)
        assert any("panic" in problem["reason"] for s in snapshots for problem in s["problems"])


def test_two_stacks_of_one_goroutine_are_both_counted(tmp_path: Path) -> None:
    """GOTRACEBACK=crash lists running goroutines twice; text of a stranger must not take the place of one."""
    text = "panic: x\n\n-----\n\n" + FAKE_FULL.replace("goroutine 1", "goroutine 100") + "\n" + REAL
    (found,) = told(put(tmp_path, text.encode()))
    assert {STUCK} == {b["count"] for b in found["buckets"] if b["wait_reason"] == "sync.Mutex.Lock"}
    assert not found["complete"]


# -- lines of logs ---------------------------------------------------------------------------------------------------


def test_a_log_full_of_headers_hides_no_bare_dump(tmp_path: Path) -> None:
    """However many records speak of goroutines, a header at the start of a line is a dump's."""
    record = json.dumps({"msg": FAKE_FULL, "level": "info"}) + "\n"
    path = put(tmp_path, record.encode() * 500 + as_full([None] * STUCK))
    assert STUCK + 1 in [snapshot["goroutines"] for snapshot in told(path)]


def test_every_field_that_holds_a_dump_is_read(tmp_path: Path) -> None:
    """A stranger's field holds more headers than the one with the dump."""
    record = json.dumps({"msg": "request", "agent": FAKE_FULL}) + "\n"
    dump = json.dumps({"msg": "stuck", "agent": FAKE_FULL, "stack": as_full([None] * STUCK).decode()}) + "\n"
    log = record * 500 + dump + record
    document = json.dumps([json.loads(line) for line in log.splitlines()])
    for text in (log, document):
        path = put(tmp_path, text.encode())
        assert STUCK + 1 in [snapshot["goroutines"] for snapshot in told(path)]
        assert 1 == run("check", "--fail-on", "warning", path).returncode


def test_a_field_that_repeats_another_is_read_once(tmp_path: Path) -> None:
    """Collectors keep the event as it came."""
    dump = as_full([None] * STUCK).decode()
    path = put(tmp_path, (json.dumps({"message": dump, "event": {"original": f"E1 {dump}"}}) + "\n").encode())
    assert [STUCK + 1] == [snapshot["goroutines"] for snapshot in told(path)]


def test_more_fields_than_are_read_are_told(tmp_path: Path) -> None:
    """A program logs the headers of a request, a field for each."""
    record = {f"header{n}": FAKE_FULL + str(n) for n in range(40)} | {"zz": as_full([None] * STUCK).decode()}
    path = put(tmp_path, (json.dumps(record) + "\n").encode())
    assert not any(snapshot["complete"] for snapshot in told(path))


@pytest.mark.parametrize("prefix", ["2016-10-06T00:17:09.669794202Z stderr F ", "[pod/web-1/app] ", "web-1  | "])
def test_what_log_lines_quote_is_no_wrapper(prefix: str, tmp_path: Path) -> None:
    """The lines of a log speak of goroutines more often than a dump has headers."""
    noise = [f"GET /?q={text}" for text in ("goroutine 1 [running]:", '{"log":"goroutine 1 [running]:"}')] * 100
    lines = [*noise, *as_full([VALUES["a header"]] * STUCK).decode().split("\n"), *noise]
    path = put(tmp_path, "".join(f"{prefix}{line}\n" for line in lines).encode())
    (found,) = told(path)
    assert (STUCK + 1, True) == (found["goroutines"], found["complete"])


def test_a_dump_in_a_record_beside_a_bare_one_is_told(tmp_path: Path) -> None:
    """It is not read: then the report is not complete."""
    record = json.dumps({"stack": as_full([None] * STUCK).decode()}) + "\n"
    snapshots = told(put(tmp_path, (FAKE_FULL + "\n" + record).encode()))
    assert not any(snapshot["complete"] for snapshot in snapshots)


@pytest.mark.parametrize(
    "line", ["MZ", "%PDF", "BZh", "heap profile: 1: 2", "threadcreate profile: total 3", "GIF8", "--- mutex:"]
)
def test_the_first_line_of_a_log_may_be_anything(line: str, tmp_path: Path) -> None:
    """It does not make a dump a picture or a program; nor a member of an archive."""
    text = f"{line} and more\n\n".encode() + as_full([None] * STUCK)
    assert [STUCK + 1] == [snapshot["goroutines"] for snapshot in told(put(tmp_path, text))]
    folder = tmp_path / "bundle"
    folder.mkdir()
    assert [STUCK + 1] == [snapshot["goroutines"] for snapshot in told(put(folder, text).parent)]


def test_a_profile_of_another_kind_is_still_refused(tmp_path: Path) -> None:
    """Where no goroutine is in it."""
    with pytest.raises(UnsupportedFormatError, match="threadcreate profile"):
        json_of(put(tmp_path, b"threadcreate profile: total 3\n3 @ 0x1\n"))


@pytest.mark.parametrize("header", ["goroutine profile: total 0\n", "goroutine profile: total 1\nx\n1 @ 0x401001\n"])
def test_a_fake_profile_above_a_full_dump_hides_no_goroutine(header: str, tmp_path: Path) -> None:
    """A raw line of a log."""
    snapshots = told(put(tmp_path, header.encode() + b"\n" + as_full([None] * STUCK)))
    found = any(snapshot["goroutines"] == STUCK + 1 for snapshot in snapshots)
    assert found or not all(snapshot["complete"] for snapshot in snapshots)


@pytest.mark.parametrize("line", ["runtime stack:", "[originating from goroutine 5]:", "created by main.x"])
def test_a_line_inside_a_stack_hides_no_frame_in_silence(line: str, tmp_path: Path) -> None:
    """Output of another goroutine, spliced in: frames below it are there, or a problem says that they are not."""
    text = as_full([None] * 3).decode()
    lines = text.split("\n")
    place = len(lines) - 9
    (found,) = told(put(tmp_path, "\n".join([*lines[:place], line, *lines[place:]]).encode()))
    assert found["problems"]


def test_an_indented_dump_keeps_its_goroutines_below_a_quoted_one(tmp_path: Path) -> None:
    """A block of Markdown in which the message of a panic quotes a dump."""
    text = "panic: x\n\t" + FAKE_FULL.replace("\n", "\n\t") + "\n\n" + REAL
    expected = told(put(tmp_path, text.encode()))
    indented = "".join(f"    {line}\n" if line else "\n" for line in text.splitlines())
    (found,) = told(put(tmp_path, indented.encode()))
    assert [b["count"] for b in expected[0]["buckets"]] == [b["count"] for b in found["buckets"]]


# -- archives --------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_one_name_are_all_read(tmp_path: Path) -> None:
    """A second member of a name replaces nothing, nor does it make the first one a second view."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as bundle:
        bundle.writestr("goroutines.stacks", as_full([None] * STUCK))
        bundle.writestr("goroutines.stacks", FAKE_FULL)
        bundle.writestr("goroutines.stacks", as_pprof([None]))
    path = put(tmp_path, out.getvalue())
    assert [STUCK + 1, 1, 1] == [snapshot["goroutines"] for snapshot in told(path)]
    assert 1 == run("check", "--fail-on", "warning", path).returncode


def test_counts_of_counted_goroutines_are_those_of_the_rows(tmp_path: Path) -> None:
    """A record that counts, and as many records of one each: the same report."""
    one = as_counts([None] * STUCK)
    many = as_counts([None]).replace(b"total 1", f"total {STUCK}".encode()).replace(b"\n1 @", f"\n{STUCK} @".encode())
    assert told(put(tmp_path, one)) == told(put(tmp_path, many))
