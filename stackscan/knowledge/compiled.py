"""The descriptions that ship, read and compiled once for each version of their files and kept on disk (cache.py).

A user's own descriptions (stackscan.toml) are compiled at each start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

from stackscan.cache import fingerprint, kept
from stackscan.formats.grammars import grammar_file
from stackscan.knowledge.examples import ExamplesIn
from stackscan.knowledge.language.syntax import KINDS

T = TypeVar("T")

_HERE: Final = Path(__file__).resolve().parent
#: Outside this folder: what else reads the descriptions.
_READERS: Final = ("cache.py", "errors.py", "formats/grammars.py", "model/versions.py")


def compiled(name: str, folder: Path, read: Callable[[], T], classes: Iterable[type]) -> T:
    """What ``read`` makes of the files of a folder, now or in an earlier run: objects of ``classes`` with expressions
    in them."""
    key = f"{_sources()}\n{fingerprint((folder,))}"
    return kept(name, key, read, classes=(*KINDS, ExamplesIn, *classes))


@cache
def _sources() -> str:
    """What all descriptions depend on."""
    modules = sorted(_HERE.glob("*.py"))
    readers = (_HERE.parent / reader for reader in _READERS)
    return fingerprint((*modules, _HERE / "language", *readers, grammar_file("rule")))
