"""Bundles: archives and directories of dumps, whole, cut and hostile."""

from __future__ import annotations

import gzip
import io
import os
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from helpers import DUMP, FIXTURES, goroutine, json_of, rendered, report_of
from stackscan import sources
from stackscan.errors import LimitError, SourceError, StackscanError, UnrecognisedFormatError
from stackscan.knowledge.configuration import shipped
from stackscan.pipeline import Options, scan
from stackscan.sources import limits

KUBO = FIXTURES / "kubo"
STALLED = KUBO / "v0.40.1-stalled-tcp" / "ipfs-profile-01.zip"
VERSION = b'{"Version":"0.41.0-rc2","Commit":"abc","Repo":"18","System":"amd64/linux","Golang":"go1.26.2"}\n'


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive in memory."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def tarred(members: Mapping[str, bytes], mode: str = "w:gz") -> bytes:
    """A tar archive in memory."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]  # a mode is a text here
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def put(folder: Path, data: bytes, name: str = "bundle") -> Path:
    """A file with this content."""
    path = folder / name
    path.write_bytes(data)
    return path


def members(path: Path) -> dict[str, dict[str, object]]:
    """The members that the report of a bundle lists, by name."""
    return {member["name"]: member for member in json_of(path)["bundle"]["members"]}


# -- what a bundle holds ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", sorted(KUBO.glob("*/ipfs-profile-*.zip")), ids=lambda p: f"{p.parent.name}-{p.stem[-2:]}"
)
def test_a_real_bundle_is_read_and_listed(path: Path) -> None:
    """What `ipfs diag profile` wrote: version, goroutines, and every member by what it is."""
    report = json_of(path)
    bundle = report["bundle"]
    kinds = {member["name"]: member["kind"] for member in bundle["members"]}
    assert kinds["goroutines.stacks"] == "goroutine-text"
    assert kinds["version.json"] == "version"
    assert bundle["version"].startswith("0.")
    assert bundle["golang"].startswith("go1.")
    with zipfile.ZipFile(path) as archive:
        assert {entry.filename: entry.file_size for entry in archive.infolist()} == {
            member["name"]: member["size"] for member in bundle["members"]
        }
    text = next(s for s in report["snapshots"] if s["member"] == "goroutines.stacks")
    assert text["complete"]


@pytest.mark.parametrize(
    ("run", "phase", "fixed"),
    [
        ("v0.39.0-unbounded-tcp", "unbounded", False),
        ("v0.39.0-quiet", "unbounded", False),
        ("v0.40.1-stalled-quic", "bounded, inline", False),
        ("v0.41.0-boxo-v0.38.0-stalled-quic", "bounded, inline", False),
        ("v0.41.0-boxo-v0.38.0-quiet", "bounded, inline", False),
        ("v0.41.0-fixed-tcp", "detached", True),
        ("v0.41.0-quiet", "detached", True),
    ],
)
def test_the_phase_of_the_bug_is_told_by_the_versions(run: str, phase: str, fixed: bool) -> None:
    """Frame paths name the modules; the report says which phase that is and which release fixes it."""
    (text,) = (s for s in json_of(KUBO / run / "ipfs-profile-01.zip")["snapshots"] if s["format"] == "goroutine-text")
    (found,) = text["phases"]
    assert (phase, fixed) == (found["phase"], found["fixed"])
    assert "kubo 0.41.0" in found["fixed_in"]


RC2 = KUBO / "v0.41.0-boxo-v0.38.0-stalled-tcp"


def test_a_phase_that_the_stacks_contradict_is_doubted(tmp_path: Path) -> None:
    """A build that replaces boxo prints the version it asked for: the stalled workers give it away."""
    dump = gzip.decompress((RC2 / "stack-02.txt.gz").read_bytes())
    path = put(tmp_path, dump.replace(b"ipfs/boxo@v0.38.0/", b"ipfs/boxo@v0.39.0/"))
    (text,) = json_of(path)["snapshots"]
    assert "detached" == text["phases"][0]["phase"]
    assert ["bitswap-close-stall"] == text["phases"][0]["contradicted_by"]
    assert "not what its versions say" in rendered(report_of(path), "text").replace("\n  ", " ")


def test_a_release_built_with_other_modules_is_told_by_its_frames(tmp_path: Path) -> None:
    """What version.json claims does not decide, but the reader learns that it claims something else."""
    bundle = RC2 / "ipfs-profile-01.zip"
    (text,) = (s for s in json_of(bundle)["snapshots"] if s["format"] == "goroutine-text")
    assert ("bounded, inline", "detached") == (text["phases"][0]["phase"], text["phases"][0]["release_phase"])
    assert "version.json says kubo 0.41.0, but the modules in the dump are older: this is a custom build" in rendered(
        report_of(bundle), "text"
    ).replace("\n  ", " ")
    release = zipped({"version.json": VERSION, "stacks": gzip.decompress((RC2 / "stack-01.txt.gz").read_bytes())})
    (text,) = json_of(put(tmp_path, release))["snapshots"]
    assert ("bounded, inline", None) == (text["phases"][0]["phase"], text["phases"][0]["release_phase"])


#: The first bytes of what runtime/trace writes since Go 1.26.
TRACE = b"go 1.26 trace\0\0\0\x01\x01" + bytes(range(256))


def test_a_newer_bundle_with_a_leak_profile_and_a_trace_is_read(tmp_path: Path) -> None:
    """The leak profile is judged as one, not as the second view of the text; the trace is listed as not read."""
    with zipfile.ZipFile(KUBO / "v0.41.0-quiet" / "ipfs-profile-01.zip") as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    content["goroutineleak.pprof"] = (FIXTURES / "growth" / "leak" / "goroutineleak.pb.gz").read_bytes()
    content["trace"] = TRACE
    path = put(tmp_path, zipped(content))
    report = json_of(path)
    leaks = {each["member"]: each for each in report["snapshots"]}["goroutineleak.pprof"]
    assert (leaks["leak_profile"], leaks["goroutines"]) == (True, 1312)
    assert {finding["cause"] for finding in leaks["findings"]} == {"channel-never-served"}
    (views,) = report["bundle"]["views"]
    assert {"goroutines.pprof", "goroutines.stacks"} == set(views["members"])
    trace = members(path)["trace"]
    assert ("execution trace", None) == (trace["kind"], trace["goroutines"])
    assert str(trace["note"]).startswith("not read")
    shown = rendered(report_of(path), "text")
    assert "1,312 goroutines · 2 stacks · Go 1.26 or later · complete · leak profile" in shown
    assert "trace" not in shown  # nothing is wrong with it


@pytest.mark.parametrize("pack", [zipped, tarred, lambda m: tarred(m, "w"), lambda m: zipped(m, zipfile.ZIP_STORED)])
def test_archives_are_told_by_content(tmp_path: Path, pack: object) -> None:
    """Zip, tar and tar.gz, deflated or stored, under any name; gzip inside is taken off."""
    content = {
        "goroutines.stacks": DUMP.encode(),
        "./old/dump.gz": gzip.compress(DUMP.encode()),
        "version.json": VERSION,
    }
    path = put(tmp_path, pack(content), "upload.bin")  # type: ignore[operator]
    report = json_of(path)
    assert [2, 2] == [snapshot["goroutines"] for snapshot in report["snapshots"]]
    assert report["bundle"]["version"] == "0.41.0-rc2"


def test_a_directory_is_read_like_a_bundle(tmp_path: Path) -> None:
    """Files below it by name; bundles inside are opened; links are not followed."""
    put(tmp_path, DUMP.encode(), "b.stacks")
    put(tmp_path, zipped({"goroutines.stacks": DUMP.encode()}), "a.zip")
    put(tmp_path, b"nothing of interest", "notes.txt")
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "dangling").symlink_to("nowhere")
    listed = members(tmp_path)
    assert ["a.zip/goroutines.stacks", "b.stacks", "dangling", "link", "notes.txt"] == list(listed)
    assert "not read" in str(listed["link"]["note"])
    assert [2, 2] == [snapshot["goroutines"] for snapshot in json_of(tmp_path)["snapshots"]]


def test_a_bundle_from_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """`curl … | stackscan report -` of a bundle."""
    import sys

    stream = io.TextIOWrapper(io.BytesIO(zipped({"d": DUMP.encode()})))
    monkeypatch.setattr(sys, "stdin", stream)
    assert ["d"] == [member.name for member in sources.open_source("-")]


def test_the_program_in_a_bundle_is_not_unpacked(tmp_path: Path) -> None:
    """A kubo bundle brings its own binary of a hundred megabytes in: it is told by its first bytes."""
    program = b"\x7fELF\x02\x01\x01" + bytes(9) + os.urandom(5000) + DUMP.encode()
    for pack in (zipped, tarred):
        listed = members(put(tmp_path, pack({"ipfs": program, "goroutines.stacks": DUMP.encode()})))
        assert "not unpacked" in str(listed["ipfs"]["note"])
        assert listed["goroutines.stacks"]["goroutines"] == 2


def test_a_bundle_without_a_dump_says_what_it_holds(tmp_path: Path) -> None:
    """Nothing to report on is an error that lists what is there."""
    path = put(tmp_path, zipped({"version.json": VERSION, "notes.txt": b"hello"}))
    with pytest.raises(
        UnrecognisedFormatError, match=r"no goroutine dump found; it contains version\.json \(version\), notes\.txt"
    ):
        report_of(path)


def test_the_text_report_shows_the_phase_and_the_members() -> None:
    """The verdict first, then which release fixes it; with everything, the list of members at the end."""
    shown = rendered(scan([str(STALLED)], options=Options(shipped(), top=1, everything=True)), "text")
    assert shown.index("closes streams inside the worker") < shown.index("Findings") < shown.index("Bundle")
    assert "fixed in kubo 0.41.0" in " ".join(shown.split())
    assert "kubo 0.40.1" in shown


# -- damage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8, 0.95])
def test_a_cut_zip_is_salvaged(tmp_path: Path, share: float) -> None:
    """An upload that broke off has no central directory: its members are found by their own headers."""
    data = STALLED.read_bytes()
    path = put(tmp_path, data[: int(len(data) * share)])
    listed = members(path)
    assert "no central directory" in str(listed["(end)"]["note"])
    assert listed["goroutines.stacks"]["goroutines"]
    (text,) = (s for s in json_of(path)["snapshots"] if s["member"] == "goroutines.stacks")
    assert text["complete"] == (share > 0.3 or text["goroutines"] == 435)


def test_a_zip_cut_inside_the_dump_is_not_complete(tmp_path: Path) -> None:
    """What unpacks is read; that the rest is missing is said."""
    many = "\n".join(goroutine(n, ["app.serve"]) for n in range(10, 6000))
    whole = zipped({"goroutines.stacks": many.encode()})
    report = json_of(put(tmp_path, whole[: len(whole) // 2]))
    assert not any(snapshot["complete"] for snapshot in report["snapshots"][-1:])


def test_a_cut_tar_keeps_what_came_before(tmp_path: Path) -> None:
    """The older script wrote tar.gz; a cut one yields its first members."""
    content = {"goroutines.stacks": DUMP.encode(), "noise": os.urandom(200_000)}
    data = tarred(content)
    listed = members(put(tmp_path, data[: len(data) // 2]))
    assert listed["goroutines.stacks"]["goroutines"] == 2


def test_a_member_with_a_wrong_checksum_is_kept_and_said_to_be_damaged(tmp_path: Path) -> None:
    """One flipped bit of a checksum costs nothing but trust."""
    data = bytearray(zipped({"goroutines.stacks": DUMP.encode()}, zipfile.ZIP_STORED))
    at = data.index(b"main.main()")
    data[at : at + 4] = b"mein"
    listed = members(put(tmp_path, bytes(data)))
    assert "damaged" in str(listed["goroutines.stacks"]["note"])
    assert listed["goroutines.stacks"]["goroutines"] == 2


def test_bytes_that_only_begin_like_an_archive_are_refused(tmp_path: Path) -> None:
    """No member can be found: an error, not an empty report."""
    for data in (b"PK\x03\x04" + os.urandom(300), b"PK\x05\x06" + bytes(18)):
        with pytest.raises(StackscanError):
            report_of(put(tmp_path, data))


# -- harm ------------------------------------------------------------------------------------------------------------


def test_names_in_an_archive_never_touch_the_file_system(tmp_path: Path) -> None:
    """`../../x` and absolute names are labels to show; nothing is written anywhere."""
    path = put(tmp_path, zipped(dict.fromkeys(("../../x", "/etc/x", "a\x1b[31m"), DUMP.encode())))
    before = sorted(tmp_path.rglob("*"))
    listed = members(path)
    assert {"../../x", "/etc/x", "a\x1b[31m"} == set(listed)
    assert before == sorted(tmp_path.rglob("*"))
    assert not (tmp_path.parent.parent / "x").exists()
    assert "\x1b" not in rendered(report_of(path), "text")


def test_links_and_devices_in_a_tar_are_not_followed(tmp_path: Path) -> None:
    """A symbolic link, a hard link and a device are listed, and that is all."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind in (("soft", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE), ("device", tarfile.CHRTYPE)):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
        entry = tarfile.TarInfo("dump")
        entry.size = len(DUMP)
        archive.addfile(entry, io.BytesIO(DUMP.encode()))
    listed = members(put(tmp_path, out.getvalue()))
    assert all("not read" in str(listed[name]["note"]) for name in ("soft", "hard", "device"))
    assert listed["dump"]["goroutines"] == 2


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Declared or not, what unpacks to far more than a dump ever does is an error; memory stays bounded."""
    monkeypatch.setattr(limits, "RATIO_FREE_BYTES", 1 << 20)
    bomb = zipped({"goroutines.stacks": bytes(32 << 20)})
    for data in (bomb, bomb[: bomb.index(b"PK\x01\x02")], tarred({"goroutines.stacks": bytes(32 << 20)})):
        with pytest.raises(LimitError, match="times its size"):
            report_of(put(tmp_path, data))


def test_too_many_dumps_are_refused(tmp_path: Path) -> None:
    """More than a thousand dumps are no bundle; other members may be as many as a debug zip has."""
    many = {f"m{number}": b"" for number in range(5000)}
    data = zipped({**many, "dump": DUMP.encode()}, zipfile.ZIP_STORED)
    assert 1 == len(report_of(put(tmp_path, data)).snapshots)
    data = zipped({f"m{number}": DUMP.encode() for number in range(1001)}, zipfile.ZIP_STORED)
    for archive in (data, data[: data.index(b"PK\x01\x02")]):
        with pytest.raises(LimitError, match="more than 1,000 goroutine dumps"):
            report_of(put(tmp_path, archive))


def test_archives_in_archives_end_somewhere(tmp_path: Path) -> None:
    """One level is a folder of bundles; deeper ones are listed and left alone."""
    data = DUMP.encode()
    for _ in range(5):
        data = zipped({"inner.zip": data, "dump": DUMP.encode()})
    listed = members(put(tmp_path, data))
    assert "dump" in listed
    assert "inner.zip/dump" in listed
    assert "not read" in str(listed["inner.zip/inner.zip"]["note"])


def test_an_encrypted_member_is_said_to_be_so(tmp_path: Path) -> None:
    """Without the other members there is nothing to read; with them they are read."""
    data = bytearray(zipped({"secret": DUMP.encode(), "dump": DUMP.encode()}, zipfile.ZIP_STORED))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(signature) + offset
        struct.pack_into("<H", data, at, struct.unpack_from("<H", data, at)[0] | 1)
    listed = members(put(tmp_path, bytes(data)))
    assert "encrypted" in str(listed["secret"]["note"])
    assert listed["dump"]["goroutines"] == 2


def test_a_directory_that_is_empty_is_an_error(tmp_path: Path) -> None:
    """Nothing in it, nothing to say."""
    with pytest.raises(UnrecognisedFormatError, match="it contains nothing"):
        report_of(tmp_path)


def test_a_damaged_tar_is_an_error(tmp_path: Path) -> None:
    """A tar whose first header is broken has no members."""
    data = bytearray(tarred({"dump": DUMP.encode()}, "w"))
    data[148:156] = b"99999999"
    with pytest.raises((SourceError, StackscanError)):
        report_of(put(tmp_path, bytes(data)))
