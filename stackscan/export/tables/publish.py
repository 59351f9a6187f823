"""Puts the files of an export in their places: all or none, also when the run is killed.

An export makes its files in a workspace and seals it (atomic.py). From then on only renames and links are left, which
any later run can finish and repeat.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from stackscan.export import atomic
from stackscan.export.tables.schema import TABLES

#: The folder of a workspace whose files have their final names.
READY: Final = "ready"


def publish(workspace: Path) -> set[Path]:
    """Put what is ready in its place, in the folder around the workspace; the partitioned files that were not there.

    The manifest goes first, so that at no moment tables of two exports pass for one; of a partitioned export the
    snapshots go last, so that where one stands, its other tables stand. Raises OSError.
    """
    ready, folder = workspace / READY, workspace.parent
    for path in _replacing(ready):
        atomic.put(path, folder / path.name)
    added = set()
    for path in _adding(ready):
        place = path.relative_to(ready)
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        if _add(path, folder / place):
            added.add(place)
    return added


def check(workspace: Path) -> None:
    """Raise OutputError, or OSError, when a file that is ready cannot take its place."""
    for path in _replacing(workspace / READY):
        atomic.replaceable(workspace.parent / path.name)


def files(workspace: Path) -> list[Path]:
    """All files that are ready."""
    return [*_replacing(workspace / READY), *_adding(workspace / READY)]


def _replacing(ready: Path) -> list[Path]:
    """Files that replace those of an earlier export, in the order in which they do."""
    order = {name: place for place, name in enumerate(TABLES)}
    return sorted(
        (path for path in ready.iterdir() if path.is_file()),
        key=lambda path: order.get(path.name.partition(".")[0], -1),
    )


def _adding(ready: Path) -> Iterator[Path]:
    """Files of a partitioned export, likewise."""
    for name in TABLES:
        yield from sorted(path for path in (ready / name).rglob("*") if path.is_file())


def _add(whole: Path, final: Path) -> bool:
    """Whether a file was added: one that has the name already holds the same snapshot."""
    if final.exists():
        return False
    try:
        os.link(whole, final)  # unlike a rename it never replaces what another export has just written
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        os.replace(whole, final)  # noqa: PTH105 - see atomic.put
    return True


@contextmanager
def publishing(folder: Path) -> Iterator[None]:
    """Keep other runs from publishing into the folder, after the exports of killed runs are finished or removed.

    Raises OSError.
    """
    with atomic.alone(folder):
        atomic.remove_abandoned(folder, finish=publish)
        yield
