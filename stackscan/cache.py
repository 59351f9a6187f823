"""Keeps on disk, between runs, what takes long to compute and depends only on the program: the rules that ship,
compiled, and the patterns of the grammars.

An entry is a file ``NAME-HASH.kept`` with its whole key in it, so that another version of stackscan or of Python, or a
changed file, makes another entry. It is written beside its place and renamed, readable for its owner alone, and
read only if it belongs to the user who runs stackscan. What is damaged, foreign or not of the wanted types is computed
anew; where nothing can be written, everything is. The oldest entries go when all take more than
:data:`LARGEST_BYTES`.

The folder is ``$STACKSCAN_CACHE_DIR`` (empty: nothing is kept), else ``stackscan`` in ``$XDG_CACHE_HOME`` or
``~/.cache``.
"""

from __future__ import annotations

import io
import os
import pickle  # what it may load is restricted below
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar
from zlib import crc32

T = TypeVar("T")

#: The environment variable that names the folder; empty: nothing is kept.
FOLDER_VARIABLE: Final = "STACKSCAN_CACHE_DIR"
#: How many bytes all entries may take.
LARGEST_BYTES: Final = 64 << 20
_SUFFIX: Final = ".kept"
#: What a run that was killed as it wrote leaves behind, and after how many seconds it is certainly left.
_PART: Final = ".part"
_ABANDONED_SECONDS: Final = 3600
_MAGIC: Final = b"stackscan cache 1\n"
#: An entry is no link, and no pipe that keeps us waiting.
_PLAIN: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PLAIN
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def kept(name: str, key: str, make: Callable[[], T], *, classes: Iterable[type] = ()) -> T:
    """What ``make`` returns, or what it returned to an earlier run under this name and key.

    The value may consist of numbers, texts, bytes, None, tuples, lists, dicts, sets, and dataclasses and named
    tuples of these ``classes``; nothing else is ever loaded. ``key`` says all that the value depends on, beside
    stackscan's and Python's version. Raises TypeError for a value of other types, and what ``make`` raises.
    """
    folder = _folder()
    if folder is None:
        return make()
    allowed = tuple(classes)
    whole_key = f"{name}\n{_versions()}\n{key}".encode("utf-8", "surrogateescape")
    path = folder / f"{name}-{crc32(whole_key):08x}{_SUFFIX}"
    found = _read(path, whole_key, allowed)
    if found is not None:
        value: T = found[0]
        return value
    value = make()
    body = io.BytesIO()
    _Writer(body, allowed).dump(value)
    _write(folder, path, _framed(whole_key, body.getvalue()))
    return value


def fingerprint(paths: Iterable[str | os.PathLike[str]]) -> str:
    """Names, sizes and times of files, and of all files in folders: a part of a key that changes when one is edited.

    Python's own compiled files do not count. Raises OSError for a path that does not exist.
    """
    return "\n".join(line for path in paths for line in _files(Path(path)))


def _files(path: Path) -> Iterator[str]:
    about = path.stat()
    if not stat.S_ISDIR(about.st_mode):
        yield f"{path} {about.st_size} {about.st_mtime_ns}"
        return
    with os.scandir(path) as entries:
        inside = sorted(entries, key=lambda entry: entry.name)
    yield str(path)
    for entry in inside:
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _files(Path(entry.path))
        else:
            about = entry.stat()
            yield f"{entry.name} {about.st_size} {about.st_mtime_ns}"


@cache
def _versions() -> str:
    from stackscan import __version__

    return f"{__version__} {sys.implementation.name} {sys.version}"


def _folder() -> Path | None:
    """Where entries are; None where none are kept. Root keeps nothing in the home of another user."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen is not None:
        return Path(chosen).absolute() if chosen else None
    with suppress(OSError, RuntimeError):  # there is no home, or no working directory
        base = Path(os.environ.get("XDG_CACHE_HOME") or "-")
        folder = base / "stackscan"
        if not base.is_absolute():
            base = Path.home()
            folder = base / ".cache" / "stackscan"
        if base.is_absolute() and (not base.exists() or _is_ours(base.stat())):
            return folder
    return None


def _is_ours(about: os.stat_result) -> bool:
    """Whether a file belongs to the user."""
    return sys.platform == "win32" or about.st_uid == os.geteuid()


def _is_private(about: os.stat_result) -> bool:
    """Whether a file belongs to the user, and no other may write to it."""
    return _is_ours(about) and (sys.platform == "win32" or not about.st_mode & _OTHERS_WRITE)


def _read(path: Path, key: bytes, allowed: Sequence[type]) -> tuple[Any] | None:
    """The value of an entry, None where there is none that can be trusted."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | _PLAIN), "rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode) or not _is_private(about) or about.st_size > LARGEST_BYTES:
                return None
            data = file.read()
        body = data[_HEAD_BYTES + len(key) :]
        return (_Reader(body, allowed).load(),) if data == _framed(key, body) else None
    except Exception:  # noqa: BLE001 - whatever is wrong with an entry, it can be computed
        return None


def _framed(key: bytes, body: bytes) -> bytes:
    """An entry: what it is, a checksum, its key, and its body."""
    return b"%b%08x %08x\n%b%b" % (_MAGIC, len(key), crc32(body, crc32(key)), key, body)


_HEAD_BYTES: Final = len(_framed(b"", b""))


def _write(folder: Path, path: Path, data: bytes) -> None:
    """Write an entry, if that is possible, and remove what is too much."""
    if len(data) > LARGEST_BYTES // 4:
        return
    with suppress(OSError):
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        if not _is_private(folder.stat()):
            return
        part = path.with_name(f"{path.name}.{os.getpid()}{_PART}")
        try:
            with os.fdopen(os.open(part, _NEW, 0o600), "wb") as file:
                file.write(data)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        _make_room(folder, path)


def _make_room(folder: Path, written: Path) -> None:
    """Remove the oldest entries until all fit, never the one that was just written, and what killed runs left."""
    now = written.lstat().st_mtime  # fails, like the next line, when another run removes an entry meanwhile
    found = {path: path.lstat() for path in folder.iterdir()}
    too_much = [path for path in found if path.suffix == _PART and now - found[path].st_mtime > _ABANDONED_SECONDS]
    total = 0
    for path in sorted(found, key=lambda path: (path == written, found[path].st_mtime_ns), reverse=True):
        if path.suffix == _SUFFIX:
            total += found[path].st_size
            too_much += [path] if total > LARGEST_BYTES else []
    for path in too_much:
        path.unlink(missing_ok=True)


class _Writer(pickle.Pickler):
    """Writes an object of an allowed class as a call of the class with its fields: nothing else is loaded as fast."""

    def __init__(self, out: io.BytesIO, allowed: Sequence[type]) -> None:
        super().__init__(out, protocol=5)
        self._allowed = allowed

    def reducer_override(self, value: Any) -> Any:
        """How to write what is no plain value. Raises TypeError for what may not be kept."""
        if isinstance(value, type) and value in self._allowed:
            return NotImplemented  # the class itself, by its name
        if type(value) not in self._allowed:
            raise TypeError(f"{type(value).__qualname__} may not be kept")
        if isinstance(value, tuple):  # a named one
            return type(value), tuple(value)
        return type(value), tuple(getattr(value, name) for name in type(value).__dataclass_fields__)


class _Reader(pickle.Unpickler):
    """Loads plain values and objects of allowed classes."""

    def __init__(self, body: bytes, allowed: Sequence[type]) -> None:
        super().__init__(io.BytesIO(body))
        self._allowed = {(each.__module__, each.__qualname__): each for each in allowed}

    def find_class(self, module: str, name: str) -> type:
        """The class that an entry names. Raises UnpicklingError for one that is not allowed."""
        found = self._allowed.get((module, name))
        if found is None:
            raise pickle.UnpicklingError(f"{module}.{name} may not be loaded")
        return found
