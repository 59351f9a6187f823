"""What is kept between runs: found again, never trusted, never needed."""

from __future__ import annotations

import json
import os
import pickle
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import pytest

from helpers import DUMP, environment, run
from stackscan import cache
from stackscan.cache import fingerprint, kept
from stackscan.formats.goroutine_text import grammar
from stackscan.knowledge import cause, crash, defect, pool, rule
from stackscan.knowledge.language import parse


@dataclass(frozen=True, slots=True)
class Box:
    """A value that may be kept."""

    inside: object
    count: int = 1


class Pair(NamedTuple):
    """Another one."""

    first: object
    second: int = 2


class Made:
    """Makes values and counts how often."""

    def __init__(self, value: object) -> None:
        self.value = value
        self.times = 0

    def __call__(self) -> object:
        self.times += 1
        return self.value


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which entries are kept; it does not exist yet."""
    place = tmp_path / "deep" / "kept"
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(place))
    return place


def _entry(folder: Path) -> Path:
    (entry,) = folder.iterdir()
    return entry


@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        "text",
        b"bytes",
        (1, 2.5, "x"),
        [1],
        {"a": {1, 2}},
        frozenset("ab"),
        Box(Box(("x",)), 3),
        {1: Box(None)},
        Pair(Box(1)),
    ],
)
def test_a_value_is_made_once(folder: Path, value: object) -> None:
    """The second time it is read, equal and of the same type; the entry and its folder are the user's alone."""
    make = Made(value)
    first, second = (kept("thing", "key", make, classes=[Box, Pair]) for _ in range(2))
    assert (value, value, 1) == (first, second, make.times)
    assert type(value) is type(second)
    assert (0o700, 0o600) == (stat.S_IMODE(folder.stat().st_mode), stat.S_IMODE(_entry(folder).stat().st_mode))


def test_each_name_and_key_has_its_own_entry(folder: Path) -> None:
    """What depends on other things is made anew, and the first stays."""
    for name, key in (("a", "1"), ("a", "2"), ("b", "1"), ("a", "1")):
        assert f"{name}{key}" == kept(name, key, lambda name=name, key=key: name + key)  # type: ignore[misc]
    assert 3 == len(list(folder.iterdir()))


def test_another_version_makes_its_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither another stackscan nor another Python reads what this one wrote."""
    assert 1 == kept("thing", "key", lambda: 1)
    monkeypatch.setattr(cache, "_versions", lambda: "0.0.0 another python")
    assert 2 == kept("thing", "key", lambda: 2)
    assert 2 == len(list(folder.iterdir()))


def test_two_keys_of_one_hash_are_not_taken_for_each_other(folder: Path) -> None:
    """The name of an entry is only a hash: the whole key is in it."""
    kept("thing", "key", lambda: 1)
    entry = _entry(folder)
    head, _, rest = entry.read_bytes().partition(b"\n")
    entry.write_bytes(head + b"\n" + rest.replace(b"key", b"yek"))
    assert 2 == kept("thing", "key", lambda: 2)


class Evil:
    """Runs a command when it is loaded."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


def _with_body(entry: Path, body: bytes) -> bytes:
    """The entry with another body and a true checksum."""
    data = entry.read_bytes()
    key = data[len(cache._MAGIC) + 18 :][: int(data[len(cache._MAGIC) :][:8], 16)]
    framed = cache._framed(key, body)
    assert f"{crc32(body, crc32(key)):08x}".encode() in framed
    return framed


def _evil(entry: Path) -> bytes:
    return _with_body(entry, pickle.dumps(Evil(f"touch {entry.parent.parent / 'ran'}")))


_DAMAGES: dict[str, Callable[[Path], bytes]] = {
    "empty": lambda _: b"",
    "cut in its head": lambda entry: entry.read_bytes()[:10],
    "cut in its key": lambda entry: entry.read_bytes()[:60],
    "cut at its end": lambda entry: entry.read_bytes()[:-1],
    "longer": lambda entry: entry.read_bytes() + b"x",
    "a bit of its body": lambda entry: entry.read_bytes()[:-3] + bytes([entry.read_bytes()[-3] ^ 1]) + b"\x00.",
    "no entry": lambda _: bytes(range(256)) * 40,
    "no pickle": lambda entry: _with_body(entry, b"\xff" * 50),
    "calls os.system": _evil,
    "another class": lambda entry: _with_body(entry, pickle.dumps(Path("x"))),
    "a builtin": lambda entry: _with_body(entry, pickle.dumps(eval)),
}


@pytest.mark.parametrize("damage", _DAMAGES)
def test_a_damaged_entry_is_made_anew(folder: Path, damage: str) -> None:
    """It costs the time to make it, runs nothing, and is whole again afterwards."""
    kept("thing", "key", lambda: (1, Box("x")), classes=[Box])
    entry = _entry(folder)
    entry.write_bytes(_DAMAGES[damage](entry))
    make = Made((2, Box("y")))
    found = [kept("thing", "key", make, classes=[Box]) for _ in range(2)]
    assert ([make.value] * 2, 1) == (found, make.times)
    assert not (folder.parent / "ran").exists()
    assert [entry] == list(folder.iterdir())


def test_what_may_not_be_kept_is_an_error(folder: Path) -> None:
    """A value of another type is a mistake of whoever keeps it: it would be loaded as something else, or run code."""
    for value in (Box(Path()), Box(print), [Made(1)], (Box,)):
        with pytest.raises(TypeError, match="may not be kept"):
            kept("thing", "key", lambda value=value: value)  # type: ignore[misc]
    assert not folder.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_entry_of_another_user_is_not_read(folder: Path) -> None:
    """Nor one that others may write to, nor a link."""
    kept("thing", "key", lambda: 1)
    entry = _entry(folder)
    os.chown(entry, 12345, 12345)
    assert 2 == kept("thing", "key", lambda: 2)
    assert 2 == kept("thing", "key", lambda: 3)  # it was written anew
    os.chown(entry, 0, 0)
    entry.chmod(0o602)
    assert 4 == kept("thing", "key", lambda: 4)
    entry.rename(folder / "elsewhere")
    entry.symlink_to(folder / "elsewhere")
    assert 5 == kept("thing", "key", lambda: 5)


def test_a_folder_that_others_may_write_to_is_not_used(folder: Path) -> None:
    """Entries would be safe, but could be replaced."""
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    make = Made(1)
    assert [1, 1] == [kept("thing", "key", make) for _ in range(2)]
    assert (2, []) == (make.times, list(folder.iterdir()))


@pytest.mark.parametrize("place", ["/dev/null/below", "/proc/nowhere"])
def test_where_nothing_can_be_written_all_is_made(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No error, no message."""
    monkeypatch.setenv(cache.FOLDER_VARIABLE, place)
    make = Made(1)
    assert ([1, 1], 2) == ([kept("thing", "key", make) for _ in range(2)], make.times)


def test_the_empty_setting_turns_it_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is read or written, here or in the home."""
    monkeypatch.setenv(cache.FOLDER_VARIABLE, "")
    monkeypatch.setenv("HOME", str(tmp_path))
    make = Made(1)
    assert ([1, 1], 2, []) == ([kept("thing", "key", make) for _ in range(2)], make.times, list(tmp_path.iterdir()))


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"XDG_CACHE_HOME": None}, "home/.cache/stackscan"),
        ({"XDG_CACHE_HOME": ""}, "home/.cache/stackscan"),
        ({"XDG_CACHE_HOME": "not/absolute"}, "home/.cache/stackscan"),
        ({"XDG_CACHE_HOME": "{}/xdg"}, "xdg/stackscan"),
        ({"XDG_CACHE_HOME": "{}/xdg", cache.FOLDER_VARIABLE: "{}/own"}, "own"),
    ],
)
def test_where_entries_are(
    changes: dict[str, str | None], where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder of the setting, else that of the desktop's standard, else below the home."""
    (tmp_path / "home").mkdir()
    for name, value in ({cache.FOLDER_VARIABLE: None, "HOME": "{}/home"} | changes).items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value.format(tmp_path))
    kept("thing", "key", lambda: 1)
    assert 1 == len(list((tmp_path / where).iterdir()))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_root_keeps_nothing_in_the_home_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With sudo the home may be the user's, who could then no longer write there."""
    monkeypatch.delenv(cache.FOLDER_VARIABLE, raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    os.chown(tmp_path, 12345, 12345)
    assert (1, []) == (kept("thing", "key", lambda: 1), list(tmp_path.iterdir()))


def test_the_oldest_entries_go_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All together stay below the bound; what is too large for it is never kept; parts of killed runs go too."""
    kept("n0", "key", lambda: b"x" * 2_000)
    size = _entry(folder).stat().st_size
    monkeypatch.setattr(cache, "LARGEST_BYTES", 5 * size + size // 2)
    for number in range(1, 8):
        for at, entry in enumerate(sorted(folder.iterdir())):
            os.utime(entry, (1_000_000 + at, 1_000_000 + at))
        kept(f"n{number}", "key", lambda: b"x" * 2_000)
    kept("huge", "key", lambda: b"x" * 2 * size)
    left = folder / "n0-0.kept.1.part"
    left.touch()
    os.utime(left, (1, 1))
    kept("n9", "key", lambda: b"x" * 2_000)
    assert ["n4", "n5", "n6", "n7", "n9"] == sorted(entry.name.partition("-")[0] for entry in folder.iterdir())


def test_an_entry_that_another_run_removes_meanwhile_is_no_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs at once, each of which makes room."""
    listed = Path.iterdir

    def after_the_other(place: Path) -> Iterator[Path]:
        for path in listed(place):
            path.unlink()
        return iter(list(listed(place)))

    monkeypatch.setattr(Path, "iterdir", after_the_other)
    assert 5 == cache.kept("numbers", "key", lambda: 5)
    assert 5 == cache.kept("numbers", "key", lambda: 5)
    monkeypatch.undo()
    assert [] == list(folder.iterdir())


def test_a_fingerprint_changes_with_any_file(tmp_path: Path) -> None:
    """A file's size and its time count, in folders below too; what Python compiles does not."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.toml").write_text("one")
    seen = [fingerprint([tmp_path])]
    (tmp_path / "in" / "__pycache__").mkdir()
    (tmp_path / "in" / "__pycache__" / "a.pyc").write_text("x")
    assert seen == [fingerprint([tmp_path])]
    (tmp_path / "in" / "a.toml").write_text("three")
    seen.append(fingerprint([tmp_path]))
    os.utime(tmp_path / "in" / "a.toml", (5, 5))
    seen.append(fingerprint([tmp_path]))
    (tmp_path / "b.toml").touch()
    seen.append(fingerprint([tmp_path]))
    assert 4 == len(set(seen))


def test_the_catalogue_that_is_kept_is_the_one_that_is_read(folder: Path) -> None:
    """Every rule, pool, cause, crash and defect, with its expressions and its examples."""
    for module, read in ((rule, 99), (pool, 12), (cause, 11), (crash, 41), (defect, 1)):
        uncached = module.catalogue.__wrapped__
        made, again = uncached(), uncached()
        assert (made, True) == (again, len(made) >= read)
        for one, other in zip(made, again, strict=True):
            assert one is not other
            if isinstance(one, rule.Rule | pool.Pool):
                assert one.examples == other.examples
    assert parse("minutes > 1 and minutes < 1", where="a cause") == cause.catalogue()[0].when
    assert folder.exists()


def test_a_report_is_the_same_with_a_cold_a_warm_and_a_broken_cache(folder: Path, tmp_path: Path) -> None:
    """Also when nothing is kept at all, and when two start at once."""
    dump = tmp_path / "dump.txt"
    dump.write_text(DUMP)

    def shown(**changes: str) -> tuple[int, str, str]:
        done = run("report", "--format", "json", dump, env=environment(**changes))
        return done.returncode, done.stdout, done.stderr

    def shown_by_two() -> list[str]:
        command = [sys.executable, "-m", "stackscan", "report", "--format", "json", str(dump)]
        both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) for _ in range(2)]
        return [each.communicate()[0] for each in both]

    cold = shown(STACKSCAN_CACHE_DIR="")
    assert (0, "") == (cold[0], cold[2])
    assert not folder.exists()
    assert [cold[1]] * 2 == shown_by_two()
    entries = sorted(folder.iterdir())
    assert [] != entries
    assert cold == shown()
    for number, entry in enumerate(entries):
        entry.write_bytes(os.urandom(1000) if number % 2 else entry.read_bytes()[:-7])
    assert cold == shown()
    assert entries == sorted(folder.iterdir())
    assert json.loads(cold[1])


def test_terminals_need_no_lark(folder: Path) -> None:
    """From the second start on the patterns of a grammar come from disk, and are the same."""
    code = (
        "import sys\nfrom stackscan.formats.goroutine_text import grammar\n"
        "print('lark' in sys.modules, grammar.terminal('QUOTED').pattern, 'lark' in sys.modules)"
    )
    lines = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment()
        ).stdout
        for _ in range(2)
    ]
    pattern = grammar.terminal("QUOTED").pattern
    assert [f"False {pattern} True\n", f"False {pattern} False\n"] == lines
    assert folder.exists()
