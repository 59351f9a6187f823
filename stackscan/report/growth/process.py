"""Which captures are of one process: a goroutine keeps its id for life, and code stays where it was loaded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from stackscan.report.growth.observe import Observation
from stackscan.report.growth.stacks import Ids

#: Of the ids that two captures share, the part (1 in so many) that must be other goroutines to prove another process.
_PROOF: Final = 20
#: The share of the smaller capture's code positions that the other one must have, too.
_SAME_CODE: Final = 0.5
#: Processes that a capture is compared with: those seen last.
_MOST: Final = 64
#: Names of folders that tell one capture from the next, not one host from another: numbers and times.
_NUMBERED: Final = re.compile(r"[\d\W_TZ]*", re.ASCII)


def processes(observations: Sequence[Observation]) -> list[list[int]]:
    """The captures of each process, as their places among those given; each in time order where times are known."""
    found: list[list[int]] = []
    for place in _in_time_order(observations):
        one = observations[place]
        same = (known for known in reversed(found[-_MOST:]) if is_same_process(observations[known[-1]], one))
        process = next(same, None)
        if process is None:
            found.append([place])
        else:
            process.append(place)
    return found


def _in_time_order(observations: Sequence[Observation]) -> list[int]:
    """As given, unless all times are known."""
    places = list(range(len(observations)))
    times = [each.captured_at for each in observations]
    known = [moment for moment in times if moment is not None]
    if len(known) < len(times):
        return places
    return sorted(places, key=lambda place: known[place])


def is_same_process(one: Observation, other: Observation) -> bool:
    """Whether two captures may be of one process, by ids, build id and addresses."""
    if one.host is not None and other.host is not None and one.host != other.host:
        return False
    if not one.total or not other.total:
        return True  # nothing speaks against it
    if len(one.started[0]) and len(other.started[0]):
        return _shares_goroutines(one, other)
    return not _are_hosts(one, other) and _is_same_code(one, other)


def _is_same_code(one: Observation, other: Observation) -> bool:
    """Whether two captures are of one build, loaded at the same addresses."""
    if one.build_id is not None and other.build_id is not None and one.build_id != other.build_id:
        return False
    if len(one.addresses) and len(other.addresses):
        return _overlap(one.addresses, other.addresses) >= _SAME_CODE
    return _overlap(one.code, other.code) >= _SAME_CODE


def is_of_process(profile: Observation, captures: Sequence[Observation]) -> bool:
    """Whether a leak profile was taken of the process of some captures: with them, or of the same code."""
    if any(_place_of_file(profile) == _place_of_file(each) for each in captures):
        return True
    return bool(profile.total) and any(is_same_process(profile, each) for each in captures)


def _place_of_file(observation: Observation) -> str:
    """The bundle, or the folder of a file."""
    path = observation.source.replace("\\", "/")
    return path if observation.member is not None else path.rpartition("/")[0] or "."


def _shares_goroutines(one: Observation, other: Observation) -> bool:
    """Whether ids are shared, and those who share an id were started by the same goroutine in the same line."""
    import numpy as np

    (ids, by), (other_ids, other_by) = one.started, other.started
    _, mine, theirs = np.intersect1d(ids, other_ids, assume_unique=True, return_indices=True)
    told = (by[mine] != 0) & (other_by[theirs] != 0)
    others = int((by[mine][told] != other_by[theirs][told]).sum())
    return len(mine) > 0 and others * _PROOF <= int(told.sum())


def _are_hosts(one: Observation, other: Observation) -> bool:
    """Whether files of one name are in two folders that are named like hosts: counts alone cannot tell them apart."""
    (folder, name), (other_folder, other_name) = (_split(each) for each in (one, other))
    if folder == other_folder or name != other_name:
        return False
    return not (_NUMBERED.fullmatch(folder) and _NUMBERED.fullmatch(other_folder))


def _split(observation: Observation) -> tuple[str, str]:
    """The last folder and the file's name of where a capture was found."""
    member = (observation.member or "").replace("\\", "/")
    path = member if "/" in member else observation.source.replace("\\", "/")
    folders, _, name = path.rpartition("/")
    return folders.rpartition("/")[2], name


def _overlap(one: Ids, other: Ids) -> float:
    import numpy as np

    return len(np.intersect1d(one, other, assume_unique=True)) / max(min(len(one), len(other)), 1)
