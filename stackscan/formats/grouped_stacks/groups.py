"""Reads groups whose frames are those of a full-text dump: each header becomes one that a dump could have.

The readers of full text then read the frames, with all they know of damage; afterwards each row gets its count and ids.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from stackscan.formats import counted, goroutine_text
from stackscan.formats.goroutine_text.normalise import normalise
from stackscan.formats.grouped_stacks.find import NAME
from stackscan.formats.grouped_stacks.grammar import Group, read_group
from stackscan.formats.problems import EXCERPT, bounded
from stackscan.model.snapshot import Problem, Snapshot

_QUOTED: Final = re.compile(r"^[ \t]{0,40}(?:[>|] ?){1,4}")
_ESCAPES: Final = re.compile(r"\x1b\[[0-9;]{0,20}m")
_HEADER_LIKE: Final = re.compile(
    r"(?:goroutine \d{1,20} \[[^\]]{1,999}\]: ?[(\dx×]|\d{1,9} goroutines?(?: in state)? \[)"
)
#: Ids that no program has reached: each group is one goroutine of its own while its frames are read.
_FIRST_ID: Final = 1 << 62


def read(data: bytes) -> list[Snapshot]:
    """The snapshots of one list, at least one."""
    content, problems = normalise(data)
    groups: dict[int, Group] = {}
    text = _as_dump(content.decode(), groups, problems)
    snapshots = goroutine_text.read(text.encode())
    built = []
    left = counted.MOST_GOROUTINES
    for snapshot in snapshots:
        built.append(_grouped(snapshot, groups, left))
        left -= built[-1].total
    first = built[0]
    built[0] = replace(first, problems=bounded((*problems, *first.problems)))
    return built


def _as_dump(text: str, groups: dict[int, Group], problems: list[Problem]) -> str:
    """The text with headers as a dump has them, line for line; ``groups`` by line."""
    lines = []
    for number, line in enumerate(text.split("\n"), start=1):
        bare = _QUOTED.sub("", _ESCAPES.sub("", line) if "\x1b" in line else line)
        if bare.endswith(" |"):  # the cell of a table
            bare = bare[:-1].rstrip()
        header = bare.strip()
        if _HEADER_LIKE.match(header):
            lead = bare[: len(bare) - len(bare.lstrip())]
            bare = lead + _plain_header(header, number, groups, problems)
        lines.append(bare)
    return "\n".join(lines)


def _plain_header(header: str, number: int, groups: dict[int, Group], problems: list[Problem]) -> str:
    """A group's header as a dump would have it; one that is damaged counts as one goroutine."""
    found = read_group(header)
    if found is None or not found.count:
        problems.append(Problem(number, "the header of this group is damaged; counted as one", header[:EXCERPT]))
        _, _, bracket = header.partition("]")[0].partition("[")
        found = Group(1, f"[{bracket}]")
    groups[number] = found
    return f"goroutine {_FIRST_ID + number} {found.bracket}:"


def _grouped(snapshot: Snapshot, groups: dict[int, Group], most: int) -> Snapshot:
    """The snapshot with each group's ids and count."""
    problems = list(snapshot.problems)
    places: list[int] = []
    ids: list[int | None] = []
    counts: list[int] = []
    lost = False
    for place, (line, own_id) in enumerate(zip(snapshot.column("line"), snapshot.column("goroutine_id"), strict=True)):
        group = groups.get(line, Group(1, "", shown=own_id))
        if group.count > most:
            problems.append(Problem(line, "more goroutines than a process can have; not read"))
            lost = True
            continue
        most -= group.count
        known = _ids(group)
        if len(group.ids) > group.count:
            problems.append(Problem(line, f"{len(group.ids):,} ids are listed for {group.count:,} goroutines"))
        rest = group.count - len(known)
        ids += [*known, None] if rest else known
        counts += [*(1 for _ in known), rest] if rest else [1 for _ in known]
        places += [place] * (len(known) + bool(rest))
    if not snapshot.complete and not problems:  # the text before it is damaged, and may have held some of these
        problems.append(Problem(1, "goroutines of this list may be missing or part of a message"))
    return replace(
        snapshot,
        format=NAME,
        table=snapshot.table.take(places).with_column("goroutine_id", ids),
        counts=tuple(counts) if any(count != 1 for count in counts) else None,
        problems=bounded(problems),
        complete=snapshot.complete and not lost,
        header_lines=sum(counts),
        read_arguments=None,  # those of one goroutine of each group
    )


def _ids(group: Group) -> list[int]:
    """The ids that are known of a group, the one whose header is shown first."""
    shown = [group.shown] if group.shown is not None else []
    ids = [number for number in dict.fromkeys((*shown, *group.ids)) if number < 1 << 64]
    return ids[: group.count]
