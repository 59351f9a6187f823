"""Captures of watched processes on disk: whole, rotated, and nobody else's files touched."""

from __future__ import annotations

import errno
import gzip
import os
import random
import shutil
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import live_kills
from helpers import DUMP, json_of, run
from stackscan.errors import OutputError
from stackscan.live import keep as keeping
from stackscan.live import kept
from stackscan.live.files import label
from stackscan.live.history import History
from stackscan.live.keep import Keep
from stackscan.live.kept import Bounds, Kept, Store, victims
from stackscan.live.poll import Answer
from stackscan.live.sample import Failure
from stackscan.live.standing import Standing
from stackscan.live.target import Depth, Target
from stackscan.live.watch import News
from stackscan.sources.names import read_name

NOON = datetime(2026, 4, 22, 12, 0, 0, tzinfo=UTC)
TARGET = Target.parse("http://127.0.0.1:6060")
FOLDER = "127.0.0.1_6060"


def answer(seconds: float, text: str = DUMP) -> Answer:
    """An answer so long after noon."""
    return Answer(text.encode(), NOON + timedelta(seconds=seconds), 0.1, None)


def news(
    seconds: float = 0,
    depth: Depth = "full",
    *,
    standing: Sequence[str] = (),
    text: str = DUMP,
    target: Target = TARGET,
) -> News:
    """What a watcher tells, with these findings standing."""
    history = History(target)
    history.standing = {
        (rule, None, None): Standing({"rule": rule, "severity": "error", "cause": None}, NOON) for rule in standing
    }
    return News(history, (), answer(seconds, text), depth)


def kept_in(root: Path) -> list[str]:
    """The captures under a folder."""
    return sorted(path.name for path in root.rglob("goroutines-*"))


def files(root: Path) -> list[str]:
    """Everything under a folder but the indexes."""
    return sorted(
        path.name for path in root.rglob("*") if path.is_file() and not path.name.startswith(".stackscan-kept")
    )


class Heard(list[str]):
    """What was said."""

    def __call__(self, what: str, _: str) -> None:
        self.append(what)


def kept_of(root: Path, *told: News, bounds: Bounds | None = None) -> list[str]:
    """The captures that one watcher keeps of some news."""
    heard = Heard()
    keep = Keep(root, heard, bounds)
    for one in told:
        keep.take(one)
    keep.close(30)
    assert not heard
    return kept_in(root)


# -- what is kept ----------------------------------------------------------------------------------------------------


def test_an_answer_becomes_a_file_that_report_reads(tmp_path: Path) -> None:
    """With the host and the time in its name."""
    (name,) = kept_of(tmp_path, news())
    assert "goroutines-127.0.0.1_6060-2026-04-22T12_00_00.000Z.stacks.gz" == name
    path = tmp_path / FOLDER / name
    assert DUMP.encode() == gzip.decompress(path.read_bytes())
    assert 2 == json_of(path)["snapshots"][0]["goroutines"]
    assert (NOON, "127.0.0.1:6060") == (read_name(str(path)).captured_at, read_name(str(path)).host)


@pytest.mark.parametrize(("depth", "end"), [("profile", ".pb.gz"), ("counts", ".txt.gz"), ("full", ".stacks.gz")])
def test_a_file_says_what_it_holds(tmp_path: Path, depth: Depth, end: str) -> None:
    """By its end."""
    (name,) = kept_of(tmp_path, news(depth=depth))
    assert name.endswith(f"Z{end}")


def test_what_is_compressed_is_not_compressed_again(tmp_path: Path) -> None:
    """Protobuf comes as gzip."""
    body = gzip.compress(DUMP.encode())
    keep = Keep(tmp_path, Heard())
    keep.take(News(History(TARGET), (), Answer(body, NOON, 0.1, None), "profile"))
    keep.close(30)
    (path,) = tmp_path.rglob("goroutines-*")
    assert body == path.read_bytes()


def test_what_could_not_be_read_is_not_kept(tmp_path: Path) -> None:
    """A page of a proxy, a half answer."""
    failed = news()
    failed.history.failure = Failure(NOON, "garbage", "", 0.1)
    assert [] == kept_of(tmp_path, failed, News(History(TARGET), (), None, "full"))


def test_two_answers_of_a_millisecond_are_two_files(tmp_path: Path) -> None:
    """No file is ever replaced."""
    found = kept_of(tmp_path, news(), news(text=DUMP + "\n"))
    assert ["00.000Z.stacks.gz", "00.001Z.stacks.gz"] == [name[-17:] for name in found]


@pytest.mark.parametrize(
    ("address", "folder"),
    [
        ("http://127.0.0.1:6060", "127.0.0.1_6060"),
        ("http://127.0.0.1:6060/debug/pprof/goroutine?debug=2", "127.0.0.1_6060"),
        ("http://user:secret@Node-1.example:5001/api/v0", "node-1.example_5001"),
        ("http://user:other@node-1.example:5001", "node-1.example_5001"),
        ("https://node-1.example", "node-1.example"),
    ],
)
def test_a_folder_is_named_after_host_and_port(address: str, folder: str) -> None:
    """Whoever asks, and whichever of its pages is named."""
    assert folder == label(Target.parse(address))


def test_folders_of_different_processes_differ() -> None:
    """Behind one gateway, too; no name holds a secret, or leaves the folder."""
    addresses = [
        "http://gateway/a/debug/pprof",
        "http://gateway/b/debug/pprof",
        "http://gateway/b/debug/pprof?pod=1",
        "http://gateway/debug/pprof/goroutine?token=Tr0ub4dor",
        "http://[::1]:6060",
        "http://[fe80::1]:6060",
        "http://gate_way/",
        "http://gate-way/",
        "http://../..",
        f"http://{'long.' * 60}example/",
    ]
    names = [label(Target.parse(address)) for address in addresses]
    assert len(addresses) == len(set(names))
    for name in names:
        assert "Tr0ub4dor" not in name
        assert name.strip(".-") == name
        assert len(name) < 160
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")


# -- rotation --------------------------------------------------------------------------------------------------------


def one(seconds: float, *shows: str, size: int = 1) -> Kept:
    """A file of so long after noon, that shows these findings."""
    return Kept(FOLDER, f"{seconds:g}", size, 0, NOON.timestamp() + seconds, shows)


def gone(found: Sequence[Kept], *standing: str, after: float = 100, **bounds: Any) -> list[str]:
    """The names of those that go."""
    within = Bounds(**{"count": 1_000, "size_bytes": 1_000, "age": timedelta(days=1), **bounds})
    return sorted((each.name for each in victims(found, standing, within, NOON.timestamp() + after)), key=float)


def test_the_oldest_go_first() -> None:
    """By count and by bytes."""
    found = [one(n, size=n) for n in range(1, 7)]
    assert ["1", "2"] == gone(found, count=4)
    assert ["1", "2", "3"] == gone(found, size_bytes=15)
    assert [] == gone(found)


def test_what_is_too_old_goes() -> None:
    """But not the newest, which is all that is known of the process."""
    assert ["1", "2"] == gone([one(1), one(2), one(50)], after=70, age=timedelta(seconds=60))
    assert [] == gone([one(1)], after=1e9)


def test_the_first_and_the_last_of_a_finding_stay_longest() -> None:
    """The ones between go with the others."""
    found = [one(1, "a"), one(2, "a"), one(3), one(4, "a"), one(5), one(6)]
    assert ["2", "3", "5"] == gone(found, "a", count=3)
    assert ["2", "3"] == gone(found, count=4)
    assert ["2", "3", "5"] == gone(found, "a", after=1e9)


def test_what_a_past_finding_left_goes_by_age_and_before_what_stands() -> None:
    """A finding that stands keeps its first capture, however old."""
    found = [one(1, "stands"), one(2, "past"), one(3, "past"), one(4, "stands"), one(5)]
    assert ["2", "3"] == gone(found, "stands", after=1e9)
    assert ["2"] == gone(found, "stands", count=4)


def test_past_findings_do_not_fill_the_folder() -> None:
    """They are at most half; else the newest quiet captures would go as they come."""
    found = [one(n, f"past-{n}") for n in range(1, 20)] + [one(n) for n in range(20, 23)]
    assert [f"{n}" for n in range(1, 13)] == gone(found, count=10)


def test_bounds_hold_whatever_stands() -> None:
    """But for the newest capture."""
    found = [one(n, f"stands-{n}", size=10) for n in range(1, 6)]
    every = [f"stands-{n}" for n in range(1, 6)]
    assert ["1", "2", "3"] == gone(found, *every, count=2)
    assert ["1", "2", "3", "4"] == gone(found, *every, size_bytes=1)


def test_a_folder_is_rotated_as_captures_come(tmp_path: Path) -> None:
    """The first with the finding is still there when those after it are gone."""
    told = [news(n, "profile") for n in range(5)]
    told += [news(n, standing=["stuck"]) for n in range(5, 10)]
    told += [news(n, "profile") for n in range(10, 15)]
    found = kept_of(tmp_path, *told, bounds=Bounds(count=5))
    assert ["05", "09", "12", "13", "14"] == [name.partition("12_00_")[2][:2] for name in found]


# -- files of others -------------------------------------------------------------------------------------------------


def test_only_own_files_are_removed(tmp_path: Path) -> None:
    """Not a copy, not one that somebody wrote under such a name, not one that somebody changed."""
    first, second = kept_of(tmp_path, news(0), news(1))
    folder = tmp_path / FOLDER
    (folder / "goroutines-127.0.0.1_6060-2020-01-01T00_00_00.000Z.stacks.gz").write_bytes(b"mine")
    (folder / "notes.txt").touch()
    (folder / first).write_bytes(b"changed")
    found = kept_of(tmp_path, *(news(n) for n in range(10, 15)), bounds=Bounds(count=2))
    assert second not in found
    assert [first, "goroutines-127.0.0.1_6060-2020-01-01T00_00_00.000Z.stacks.gz"] == sorted(found)[1::-1]
    assert 4 == len(found)
    assert (b"mine", True) == ((folder / min(found)).read_bytes(), (folder / "notes.txt").exists())


def test_the_next_watcher_takes_over(tmp_path: Path) -> None:
    """What one that ended had kept counts for the next; one index is left."""
    kept_of(tmp_path, *(news(n) for n in range(4)))
    found = kept_of(tmp_path, news(10), bounds=Bounds(count=2))
    assert ["03", "10"] == [name.partition("12_00_")[2][:2] for name in found]
    assert 1 == len(list(tmp_path.glob(".stackscan-kept-*")))


def test_two_watchers_share_a_folder(tmp_path: Path) -> None:
    """Each removes its own captures only."""
    first, second = Keep(tmp_path, Heard(), Bounds(count=2)), Keep(tmp_path, Heard(), Bounds(count=3))
    for n in range(6):
        first.take(news(n))
        second.take(news(n + 0.5))
    first.close(30)
    second.close(30)
    assert 5 == len(kept_in(tmp_path))
    assert 2 == len(list(tmp_path.glob(".stackscan-kept-*")))
    assert 4 == len(kept_of(tmp_path, news(20), bounds=Bounds(count=4)))


def test_captures_of_processes_that_are_gone_grow_old(tmp_path: Path) -> None:
    """Their folder, too, when nothing else is in it."""
    kept_of(tmp_path, news(target=Target.parse("http://gone:6060")), news(target=Target.parse("http://other:6060")))
    (tmp_path / "other_6060" / "notes.txt").touch()
    found = kept_of(tmp_path, news(90), bounds=Bounds(age=timedelta(seconds=60)))
    assert 1 == len(found)
    assert (False, True) == ((tmp_path / "gone_6060").exists(), (tmp_path / "other_6060").exists())


def test_an_index_that_somebody_wrote_removes_nothing(tmp_path: Path) -> None:
    """Nothing outside of the folder, and nothing without the name of a capture."""
    (keeper,) = kept_of(tmp_path, news(0))
    outside = tmp_path.parent / "goroutines-x-2020-01-01T00_00_00.000Z.stacks"
    outside.write_bytes(b"four")
    (notes := tmp_path / FOLDER / "notes.txt").write_bytes(b"four")
    (index,) = tmp_path.glob(".stackscan-kept-*")
    lines = [
        {"folder": "..", "name": outside.name, "size": 4, "changed": outside.stat().st_mtime, "at": 0, "shows": []},
        {"folder": FOLDER, "name": notes.name, "size": 4, "changed": notes.stat().st_mtime, "at": 0, "shows": []},
    ]
    with index.open("ab") as out:
        out.write(b"\n" + "\n".join(map(kept.json.dumps, [*lines, [], 7, {"name": 1}])).encode() + b'\n{"half\n\xff')
    found = kept_of(tmp_path, news(9), news(10), bounds=Bounds(count=1))
    assert (1, True, True) == (len(found), outside.exists(), notes.exists())
    assert keeper not in found
    outside.unlink()


def test_an_index_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is gone leaves it."""
    monkeypatch.setattr(kept, "_MOST_GONE", 10)
    kept_of(tmp_path, *(news(n) for n in range(50)), bounds=Bounds(count=3))
    (index,) = tmp_path.glob(".stackscan-kept-*")
    assert len(index.read_bytes().splitlines()) < 20
    assert 2 == len(kept_of(tmp_path, news(60), bounds=Bounds(count=2)))


# -- when the disk fails ---------------------------------------------------------------------------------------------


def full(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A disk that is full, or not."""
    state = {"full": False}
    write = kept.new_file

    def failing(path: Path, *, synced: bool) -> Any:
        if state["full"]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(path, synced=synced)

    monkeypatch.setattr(kept, "new_file", failing)
    return lambda *, yes: state.update(full=yes)


def settled(keep: Keep, *told: News) -> None:
    """Give it some news, and wait until all is written."""
    for one in told:
        keep.take(one)
    while keep._bytes:
        time.sleep(0.01)


def test_a_full_disk_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of however many processes; and that captures are kept again."""
    fill, heard = full(monkeypatch), Heard()
    keep = Keep(tmp_path, heard)
    other = Target.parse("http://other:6060")
    settled(keep, news(0), news(1, target=other))
    fill(yes=True)
    settled(keep, news(2), news(3), news(4, target=other))
    fill(yes=False)
    settled(keep, news(5), news(6), news(7, target=other))
    keep.close(30)
    lines = [f"captures are not kept in {tmp_path}: No space left on device", f"captures are kept in {tmp_path} again"]
    assert (lines, 5) == (heard, len(kept_in(tmp_path)))
    assert files(tmp_path) == kept_in(tmp_path)


def test_a_folder_that_somebody_removed_is_made_again(tmp_path: Path) -> None:
    """The whole of it, or that of one process."""
    keep, root = Keep(tmp_path / "kept", heard := Heard()), tmp_path / "kept"
    settled(keep, news(0))
    shutil.rmtree(root)
    settled(keep, news(1))
    shutil.rmtree(root / FOLDER)
    settled(keep, news(2))
    keep.close(30)
    assert ([], 1, 1) == (heard, len(kept_in(root)), len(list(root.glob(".stackscan-kept-*"))))


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    """Before anything is watched."""
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        Keep(tmp_path / "file", Heard())


def test_a_slow_disk_holds_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for it is bounded."""
    monkeypatch.setattr(keeping, "_MOST_WAITING", 3 * len(DUMP))
    lock = keeping.threading.Event()
    add = Store.add
    monkeypatch.setattr(Store, "add", lambda *given, **named: (lock.wait(30), add(*given, **named))[1])
    keep = Keep(tmp_path, heard := Heard())
    for n in range(20):
        keep.take(news(n))
    lock.set()
    keep.close(30)
    assert f"captures are not kept in {tmp_path}: the disk is too slow" == heard[0]
    assert 3 == len(kept_in(tmp_path))


# -- kills -----------------------------------------------------------------------------------------------------------


def test_what_a_killed_watcher_kept_is_whole(tmp_path: Path) -> None:
    """At random moments; the run that ends as asked leaves nothing half-written, and keeps the bounds."""
    *_, last = seen = list(live_kills.killed(3, random.Random(5), tmp_path))  # noqa: S311
    assert [] == [problem for _, _, problems in seen for problem in problems]
    assert (True, 0) == (0 < last[0] <= live_kills.PROCESSES * live_kills.BOUNDS.count, last[1])
    assert 0 == run("compare", *sorted(tmp_path.glob("*/goroutines-*"))[:2]).returncode
