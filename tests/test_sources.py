"""Where dumps come from: paths, standard input, gzip in all its states, and what cannot be opened."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from helpers import DUMP, FIXTURES, goroutine, json_of, report_of, run
from stackscan.errors import LimitError, SourceError, UnrecognisedFormatError
from stackscan.sources import Member, compressed, limits, open_source

_MANY = "\n".join(goroutine(n, ["main.work", f"main.step{n % 7}"], creator="main.main", line=n) for n in range(1, 400))


def only_member(source: Path | str) -> Member:
    """The only member of a source."""
    (member,) = open_source(str(source))
    return member


def test_a_path_is_read(tmp_path: Path) -> None:
    """A file is one member, with its bytes as they are, named as the user named it."""
    path = tmp_path / "goroutines.stacks"
    path.write_text(DUMP)
    assert Member(str(path), None, DUMP.encode(), len(DUMP)) == only_member(path)


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """``-`` is standard input, gzip or not; errors call it that."""
    for data in (DUMP.encode(), gzip.compress(DUMP.encode())):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        member = only_member("-")
        assert ("-", DUMP.encode(), "standard input") == (member.source, member.data, member.where)


def test_standard_input_is_read_by_the_program() -> None:
    """``stackscan report -`` reads its pipe to the end."""
    done = run("report", "-", "--format", "json", stdin=gzip.compress(DUMP.encode()))
    assert (0, "") == (done.returncode, done.stderr)
    assert '"source": "-"' in done.stdout


def test_a_terminal_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """``-`` without a pipe says so instead of waiting for somebody to type a dump."""
    stdin = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(SourceError, match="terminal") as caught:
        only_member("-")
    assert "stackscan report -" in caught.value.hint


def test_closed_standard_input_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """``-`` with standard input closed (``<&-``) is an error like any other."""
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SourceError, match="standard input"):
        only_member("-")


# -- gzip ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dump.gz", "dump.txt", "dump"])
def test_gzip_is_told_by_content(tmp_path: Path, name: str) -> None:
    """Compressed bytes are unpacked whatever the file is called."""
    path = tmp_path / name
    path.write_bytes(gzip.compress(DUMP.encode()))
    assert (DUMP.encode(), False) == (only_member(path).data, only_member(path).cut)


def test_a_name_that_ends_in_gz_means_nothing(tmp_path: Path) -> None:
    """Plain text in a file called ``.gz`` (a browser unpacked it) is read as text."""
    path = tmp_path / "goroutines.stacks.gz"
    path.write_text(DUMP)
    assert DUMP.encode() == only_member(path).data


def test_gzip_of_gzip_is_read(tmp_path: Path) -> None:
    """A file that was compressed twice is unpacked twice."""
    path = tmp_path / "dump.gz.gz"
    path.write_bytes(gzip.compress(gzip.compress(DUMP.encode())))
    assert DUMP.encode() == only_member(path).data


def test_gzip_three_deep_is_refused(tmp_path: Path) -> None:
    """Deeper nesting is no accident."""
    path = tmp_path / "dump.gz"
    path.write_bytes(gzip.compress(gzip.compress(gzip.compress(DUMP.encode()))))
    with pytest.raises(LimitError, match="compressed more than 2 times"):
        only_member(path)


def test_all_members_of_a_gzip_file_are_read(tmp_path: Path) -> None:
    """``cat a.gz b.gz`` and log rotation make files of several members: all of them count."""
    path = tmp_path / "dump.gz"
    half = len(DUMP) // 2
    path.write_bytes(gzip.compress(DUMP[:half].encode()) + gzip.compress(b"") + gzip.compress(DUMP[half:].encode()))
    assert (DUMP.encode(), False) == (only_member(path).data, only_member(path).cut)


def test_padding_behind_gzip_is_ignored(tmp_path: Path) -> None:
    """Tapes and block devices pad files with zeros; they are no part of it."""
    path = tmp_path / "dump.gz"
    path.write_bytes(gzip.compress(DUMP.encode()) + b"\0" * 512)
    assert DUMP.encode() == only_member(path).data


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_cut_gzip_file_gives_what_it_still_holds(tmp_path: Path, share: float) -> None:
    """An upload that broke off is read as far as it goes, and the report says that it is not complete."""
    whole = gzip.compress(_MANY.encode())
    path = tmp_path / "dump.gz"
    path.write_bytes(whole[: int(len(whole) * share)])
    member = only_member(path)
    assert member.cut
    assert member.data
    assert _MANY.encode().startswith(member.data)
    (snapshot,) = json_of(path)["snapshots"]
    assert snapshot["complete"] is False
    assert 0 < snapshot["goroutines"] < 399
    assert any("cut" in problem["reason"] for problem in snapshot["problems"])


def test_a_gzip_file_without_its_checksum_is_cut(tmp_path: Path) -> None:
    """Only the trailer is missing: every goroutine is there, and still nobody can be sure that it was the last."""
    path = tmp_path / "dump.gz"
    path.write_bytes(gzip.compress(_MANY.encode())[:-4])
    (snapshot,) = json_of(path)["snapshots"]
    assert (399, False) == (snapshot["goroutines"], snapshot["complete"])


def test_a_cut_second_member_is_cut(tmp_path: Path) -> None:
    """The first member is whole; the loss of the second is told."""
    path = tmp_path / "dump.gz"
    path.write_bytes(gzip.compress(DUMP.encode()) + gzip.compress(_MANY.encode())[:200])
    member = only_member(path)
    assert member.cut
    assert member.data.startswith(DUMP.encode())


def test_a_cut_gzip_of_gzip_is_cut(tmp_path: Path) -> None:
    """The cut shows through two layers."""
    path = tmp_path / "dump.gz"
    path.write_bytes(gzip.compress(gzip.compress(_MANY.encode()))[:-300])
    member = only_member(path)
    assert member.cut
    assert _MANY.encode().startswith(member.data)


def test_the_first_bytes_of_a_gzip_file_are_not_empty(tmp_path: Path) -> None:
    """A file cut within the gzip header is cut: that it is empty would send the reader the wrong way."""
    path = tmp_path / "dump.gz"
    path.write_bytes(gzip.compress(DUMP.encode())[:5])
    with pytest.raises((SourceError, UnrecognisedFormatError), match=r"cut|damaged"):
        report_of(path)


def test_a_damaged_gzip_file_is_an_error_or_incomplete(tmp_path: Path) -> None:
    """A flipped byte never passes for a complete dump, and never raises anything but SourceError."""
    whole = bytearray(gzip.compress(_MANY.encode()))
    for place in range(10, len(whole), max(len(whole) // 40, 1)):
        damaged = bytes(whole[:place]) + bytes((whole[place] ^ 0x55,)) + bytes(whole[place + 1 :])
        path = tmp_path / "dump.gz"
        path.write_bytes(damaged)
        try:
            member = only_member(path)
        except SourceError:
            continue
        assert member.cut


def test_a_wrong_checksum_does_not_lose_the_dump(tmp_path: Path) -> None:
    """What could be unpacked before the damage showed is kept, as zcat keeps it."""
    whole = gzip.compress(_MANY.encode())
    path = tmp_path / "dump.gz"
    path.write_bytes(whole[:-5] + bytes((whole[-5] ^ 1,)) + whole[-4:])
    member = only_member(path)
    assert (_MANY.encode(), True) == (member.data, member.cut)


def test_an_empty_gzip_file_is_empty(tmp_path: Path) -> None:
    """Nothing, compressed, is still nothing."""
    path = tmp_path / "dump.gz"
    path.write_bytes(gzip.compress(b""))
    with pytest.raises(UnrecognisedFormatError, match="is empty"):
        report_of(path)


@given(st.binary(max_size=200))
def test_anything_behind_the_gzip_mark_is_bounded(rest: bytes) -> None:
    """Bytes that only begin like gzip give data or SourceError, nothing else."""
    try:
        data, _ = compressed.decompress(b"\x1f\x8b" + rest, where="test")
    except SourceError:
        return
    assert isinstance(data, bytes)


# -- limits ----------------------------------------------------------------------------------------------------------


def _small_limits(monkeypatch: pytest.MonkeyPatch, *, most: int = 1 << 40, ratio: int = 1 << 40, free: int = 0) -> None:
    monkeypatch.setattr(limits, "MAX_BYTES", most)
    monkeypatch.setattr(limits, "MAX_RATIO", ratio)
    monkeypatch.setattr(limits, "RATIO_FREE_BYTES", free)


def test_a_bomb_is_refused_by_its_ratio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that unpacks to far more than any dump does is refused, long before it is unpacked."""
    _small_limits(monkeypatch, ratio=100, free=1 << 20)
    unpacked: list[int] = []
    check = limits.check_ratio

    def counted(size: int, packed: int, *, where: str) -> None:
        unpacked.append(size)
        check(size, packed, where=where)

    monkeypatch.setattr(limits, "check_ratio", counted)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(64 << 20), compresslevel=9))
    with pytest.raises(LimitError, match="times its size") as caught:
        only_member(path)
    assert str(path) in str(caught.value)
    assert "bomb" in caught.value.hint
    assert max(unpacked) < 16 << 20


def test_a_bomb_in_two_layers_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The inner layer is bounded like the outer one."""
    _small_limits(monkeypatch, ratio=100, free=1 << 20)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(gzip.compress(bytes(64 << 20))))
    with pytest.raises(LimitError):
        only_member(path)


def test_a_bomb_of_many_members_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sizes of members add up."""
    _small_limits(monkeypatch, most=5 << 20)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(1 << 20)) * 8)
    with pytest.raises(LimitError, match="contains more than"):
        only_member(path)


def test_a_file_beyond_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit holds for plain files too."""
    path = tmp_path / "dump.txt"
    path.write_text(_MANY)
    _small_limits(monkeypatch, most=len(_MANY))
    assert len(_MANY) == len(only_member(path).data)
    _small_limits(monkeypatch, most=len(_MANY) - 1)
    with pytest.raises(LimitError, match="contains more than"):
        only_member(path)


def test_standard_input_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe without end is given up on."""
    _small_limits(monkeypatch, most=1000)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(_MANY.encode())))
    with pytest.raises(LimitError, match="standard input contains more than"):
        only_member("-")


def test_a_dump_that_compresses_well_is_no_bomb(tmp_path: Path) -> None:
    """A million like goroutines compress by several hundred: below the free size no ratio counts."""
    path = tmp_path / "dump.gz"
    data = (goroutine(1, ["main.same"]) + "\n").encode() * 20_000
    path.write_bytes(gzip.compress(data))
    assert data == only_member(path).data


def test_real_dumps_are_far_from_the_ratio() -> None:
    """No committed fixture comes near the limit that tells a bomb."""
    for path in FIXTURES.rglob("*.txt.gz"):
        packed = path.read_bytes()
        assert len(zlib.decompress(packed, 47)) < limits.MAX_RATIO / 5 * len(packed)


# -- what cannot be opened -------------------------------------------------------------------------------------------


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    """A file that is not there is said not to exist, with what to give instead."""
    with pytest.raises(SourceError, match="nowhere does not exist") as caught:
        only_member(tmp_path / "nowhere")
    assert "path of a goroutine dump" in caught.value.hint


def test_a_path_below_a_file_is_an_error(tmp_path: Path) -> None:
    """A file taken for a folder is an error like any other."""
    (tmp_path / "file").write_text(DUMP)
    with pytest.raises(SourceError, match="file/dump"):
        only_member(tmp_path / "file" / "dump")


def test_an_empty_name_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unset shell variable gives an empty name: no file is read for it."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError):
        only_member("")


def test_a_nul_in_the_name_is_an_error() -> None:
    """A name that no file system takes is refused in words, with the byte shown escaped."""
    with pytest.raises(SourceError, match=r"a\\x00b.*not a file name"):
        only_member("a\0b")


def test_no_permission_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that may not be read says so."""
    path = tmp_path / "dump.txt"
    path.write_text(DUMP)
    if os.geteuid():
        path.chmod(0)
    else:  # root may read everything

        def refuse(self: Path, *_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied", str(self))

        monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(SourceError, match=r"dump\.txt cannot be read: Permission denied"):
        only_member(path)


def test_a_folder_that_may_not_be_entered_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in a folder without permission says so too."""
    folder = tmp_path / "closed"
    folder.mkdir()
    if os.geteuid():
        folder.chmod(0)
    else:

        def refuse(self: Path, *_: object, **__: object) -> os.stat_result:
            raise PermissionError(13, "Permission denied", str(self))

        monkeypatch.setattr(Path, "stat", refuse)
        monkeypatch.setattr(Path, "open", refuse)
    try:
        with pytest.raises(SourceError, match="cannot be read: Permission denied"):
            only_member(folder / "dump.txt")
    finally:
        if os.geteuid():
            folder.chmod(0o700)


def test_a_name_that_is_too_long_is_an_error() -> None:
    """A dump pasted in the place of its name is refused in words."""
    with pytest.raises(SourceError, match="cannot be read: File name too long"):
        only_member("a" * 300)


def test_a_loop_of_links_is_an_error(tmp_path: Path) -> None:
    """A link that points to itself is refused in words."""
    path = tmp_path / "loop"
    path.symlink_to(path)
    with pytest.raises(SourceError):
        only_member(path)


def test_a_link_to_a_dump_is_read(tmp_path: Path) -> None:
    """A link is as good as what it points to, and keeps its own name."""
    (tmp_path / "dump.txt").write_text(DUMP)
    link = tmp_path / "latest"
    link.symlink_to("dump.txt")
    assert (str(link), DUMP.encode()) == (only_member(link).source, only_member(link).data)


#: Long and varied enough to be packed in several blocks.
_LONG = "\n".join(
    goroutine(n, ["main.work"], argument=hashlib.sha256(b"%d" % n).hexdigest()) for n in range(1, 5000)
).encode()


# -- zstandard -------------------------------------------------------------------------------------------------------


def test_zstandard_is_told_by_content(tmp_path: Path) -> None:
    """Like gzip: whatever the file is called, alone, inside gzip, in several frames, behind a skippable one."""
    half = len(DUMP) // 2
    frames = zstd.compress(DUMP[:half].encode()) + zstd.compress(b"") + zstd.compress(DUMP[half:].encode())
    skippable = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"
    for data in (zstd.compress(DUMP.encode()), frames, skippable + frames, gzip.compress(frames), frames + b"\0" * 512):
        path = tmp_path / "dump.txt"
        path.write_bytes(data)
        assert (DUMP.encode(), False) == (only_member(path).data, only_member(path).cut)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("frames", [1, 3])
def test_a_cut_zstandard_file_gives_what_it_still_holds(tmp_path: Path, share: float, frames: int) -> None:
    """An upload that broke off is read as far as whole blocks go, and the report says that it is not complete."""
    text = _LONG
    size = len(text) // frames + 1
    whole = b"".join(zstd.compress(text[at : at + size]) for at in range(0, len(text), size))
    path = tmp_path / "dump.zst"
    path.write_bytes(whole[: int(len(whole) * share)])
    member = only_member(path)
    assert member.cut
    assert member.data
    assert text.startswith(member.data)


def test_a_damaged_zstandard_file_gives_what_stands_before_the_damage() -> None:
    """A changed byte costs what follows it."""
    text = _LONG
    packed = bytearray(zstd.compress(text, options={zstd.CompressionParameter.checksum_flag: 1}))
    whole = bytes(packed)
    packed[-1] ^= 1  # the checksum: all blocks are there
    assert (text, True) == compressed.decompress(bytes(packed), where="x")
    packed = bytearray(whole)
    packed[len(packed) // 2] ^= 0xFF
    kept, cut = compressed.decompress(bytes(packed), where="x")
    assert cut
    assert 0 < len(kept)
    assert text[: 128 << 10] == kept[: 128 << 10]


@pytest.mark.parametrize(
    "data", [b"\x28\xb5\x2f\xfd", b"\x28\xb5\x2f\xfd\xff\xff\xff\xff", zstd.compress(b"a" * 99)[:9]]
)
def test_a_zstandard_file_without_content_is_an_error(data: bytes) -> None:
    """Nothing came out: there is nothing to report on."""
    with pytest.raises(SourceError, match="zstandard"):
        compressed.decompress(data, where="x")


def test_a_zstandard_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unpacking stops at the limit of size, or of ratio, and long before the memory is full."""
    bomb = zstd.compress(bytes(300 << 20))
    with pytest.raises(LimitError, match="500 times"):
        compressed.decompress(bomb, where="x")
    monkeypatch.setattr(limits, "MAX_RATIO", 1 << 30)
    monkeypatch.setattr(limits, "MAX_BYTES", 20 << 20)
    with pytest.raises(LimitError, match="contains more than"):
        compressed.decompress(bomb, where="x")


def test_a_zstandard_window_is_bounded() -> None:
    """A file may not ask for gigabytes of memory before it has given anything."""
    window = {zstd.CompressionParameter.window_log: 30, zstd.CompressionParameter.enable_long_distance_matching: 1}
    unpacker = zstd.ZstdCompressor(options=window)
    packed = unpacker.compress(_MANY.encode()) + unpacker.flush()
    with pytest.raises(SourceError, match="memory"):
        compressed.decompress(packed, where="x")


def test_zstandard_is_read_inside_archives(tmp_path: Path) -> None:
    """A tar.zst is an archive, also a cut one; a .zst in a zip is a member."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as bundle:
        for name in ("a.stacks", "b.stacks"):
            entry = tarfile.TarInfo(name)
            entry.size = len(_MANY)
            bundle.addfile(entry, io.BytesIO(_MANY.encode()))
    packed = zstd.compress(tar.getvalue())
    path = tmp_path / "bundle"
    path.write_bytes(packed)
    assert [("a.stacks", 399), ("b.stacks", 399)] == goroutines_of(path)
    frames = zstd.compress(tar.getvalue()[:70000]) + zstd.compress(tar.getvalue()[70000:])
    path.write_bytes(frames[: len(frames) - 40])
    assert goroutines_of(path)[0] == ("a.stacks", 399)
    assert "cut or damaged" in str(json_of(path)["bundle"]["members"][-1]["note"])
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("c.zst", zstd.compress(_MANY.encode()))
        archive.writestr("d.tar.zst", packed)
    assert [("c.zst", 399), ("d.tar.zst/a.stacks", 399), ("d.tar.zst/b.stacks", 399)] == goroutines_of(path)


def goroutines_of(path: Path) -> list[tuple[str, int]]:
    """The members that hold goroutines, and how many."""
    members = json_of(path)["bundle"]["members"]
    return [(member["name"], member["goroutines"]) for member in members if member["goroutines"]]


@given(st.binary(max_size=300), st.integers(0, 300), st.integers(0, 255))
def test_damaged_zstandard_is_text_or_an_error(content: bytes, at: int, value: int) -> None:
    """Whatever byte is changed: content from the beginning, or an error in words."""
    packed = bytearray(zstd.compress(content) * 2)
    packed[at % len(packed)] = value
    with contextlib.suppress(SourceError, LimitError):
        kept, cut = compressed.decompress(bytes(packed), where="x")
        assert (bool, bytes) == (type(cut), type(kept))
