"""Who may hold a lock: goroutines that know it or its object, and do not wait for it. Ranked, not certain.

| evidence | says | score |
|---|---|---|
| receiver | runs a method of the object that the lock lies in, on that very object | 90; 70 where that method began the goroutine (a loop that owns the object) |
| address | has the lock's own address among its arguments | 80 |
| once | runs inside the same ``sync.Once.Do`` | 75 |
| argument | has the object among its arguments | 50 |
| shared | waits for another lock in the same function, with an argument that hardly anybody else has | 35 |
| type | runs a method of an object of the same type; which one, no frame shows | 20 |

A doubtful word (``?``) counts half. A goroutine in ``Cond.Wait`` gave its lock back: it counts half too.
"""  # noqa: E501  # a table

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, get_args

import numpy as np
import polars as pl

from stackscan.analysis.locks.instances import Instance
from stackscan.analysis.locks.model import Candidate, Evidence
from stackscan.analysis.locks.sites import Site
from stackscan.analysis.locks.table import Flags, Integers, Places, WordTable
from stackscan.model.snapshot import Snapshot

_EVIDENCE: Final[tuple[Evidence, ...]] = get_args(Evidence)
RECEIVER, LOOP, ADDRESS, ONCE, ARGUMENT, SHARED, TYPE = 90, 70, 80, 75, 50, 35, 20
#: From this score on, weaker kinds of evidence are not looked for.
_ENOUGH: Final = ARGUMENT // 2
_SHOWN: Final = 5
_IDS: Final = 20
#: An object that holds more locks than this is no evidence for any of them.
_MOST_LOCKS: Final = 8
#: A type with more locks than this is no evidence for any of them.
MOST_OF_A_TYPE: Final = 2000


@dataclass(frozen=True, slots=True)
class Ground:
    """What candidates are looked for in: the snapshot, its sites, its words, which lock each goroutine waits for (-1:
    none), the receiver type of each frame (-1: none of interest), and which frames began their goroutine."""

    snapshot: Snapshot
    sites: Mapping[int, Site]
    places: Places
    words: WordTable
    waits_for: Integers
    types: Integers
    type_ids: Mapping[str, int]
    roots: Flags


def find(instances: Sequence[Instance], ground: Ground) -> list[tuple[Candidate, ...]]:
    """The candidates for each lock, the likeliest first, at most _SHOWN places of each."""
    rows = [_by_words(instances, ground)]
    strong = set(rows[0].filter(pl.col("score") >= _ENOUGH)["lock"].to_list())
    rest = [number for number in range(len(instances)) if number not in strong]
    if rest:
        rows += [
            _in_once(instances, rest, ground),
            _by_type(instances, rest, ground),
            _by_shared_word(instances, rest, ground),
        ]
    return _candidates(pl.concat(rows), len(instances), ground)


_SCHEMA: Final = {
    "lock": pl.Int64(), "goroutine": pl.Int64(), "score": pl.Int64(), "evidence": pl.Int64(), "reliable": pl.Boolean(),
    "frame": pl.Int64(),
}  # fmt: skip


def _rows(
    lock: Integers, goroutine: Integers, score: Integers, evidence: Integers, reliable: Flags, frame: Integers
) -> pl.DataFrame:
    columns = (lock, goroutine, score, evidence, reliable, frame)
    return pl.DataFrame(dict(zip(_SCHEMA, columns, strict=True)), schema=_SCHEMA)


def _by_words(instances: Sequence[Instance], ground: Ground) -> pl.DataFrame:
    """Goroutines that carry a lock's address, or its object's."""
    addresses = [(i.address, number, True) for number, i in enumerate(instances)]
    owners = [(i.owner, number, False) for number, i in enumerate(instances)]
    schema = {"word": pl.UInt64, "lock": pl.Int64, "own": pl.Boolean}
    pointers = (
        pl.DataFrame([*addresses, *owners], schema=schema, orient="row")
        .drop_nulls("word")
        .filter(pl.len().over("word") <= 2 * _MOST_LOCKS)
        .sort("lock", maintain_order=True)
    )
    words = pl.DataFrame({"word": ground.words.word}).with_row_index("at")
    hits = words.join(pointers, on="word", maintain_order="left_right")
    at, lock, own = (hits[name].to_numpy() for name in ("at", "lock", "own"))
    return _scored(ground.words.take(at), lock, own, instances, ground)


def _scored(
    words: WordTable, lock: Integers, own: Flags, instances: Sequence[Instance], ground: Ground
) -> pl.DataFrame:
    asker = _askers(ground)
    kept = (ground.waits_for[words.goroutine] != lock) & (words.frame >= asker[words.stack])
    words, lock, own = words.take(kept), lock[kept], own[kept]
    wanted = np.array([ground.type_ids.get(i.owner_type or "", -2) for i in instances])[lock]
    receiver = ~own & (words.position == 0) & (ground.types[words.place] == wanted)
    begun = set(
        zip(words.goroutine[loops := receiver & ground.roots[words.place]].tolist(), lock[loops].tolist(), strict=True)
    )
    loop = np.array(
        [pair in begun for pair in zip(words.goroutine.tolist(), lock.tolist(), strict=True)], dtype=np.bool_
    )
    score = np.where(receiver, np.where(loop, LOOP, RECEIVER), np.where(own, ADDRESS, ARGUMENT))
    evidence = np.where(receiver, 0, np.where(own, 1, 3))
    halved = ~words.reliable
    score = np.where(halved, score // 2, score)
    score = np.where(_in_cond(ground)[words.stack], score // 2, score)
    return _rows(lock, words.goroutine, score, evidence, words.reliable, words.frame)


def _askers(ground: Ground) -> Integers:
    """The frame from which on a stack's words are the program's own: sync's frames belong to the wait."""
    asker = np.zeros(len(ground.places.stacks), dtype=np.int64)
    for stack, site in ground.sites.items():
        asker[stack] = len(ground.places.stacks[stack].frames) if site.asker is None else site.asker
    return asker


def _in_cond(ground: Ground) -> Flags:
    waits = np.zeros(len(ground.places.stacks), dtype=np.bool_)
    for stack, site in ground.sites.items():
        waits[stack] = site.kind == "sync.Cond"
    return waits


def _frames_of(goroutine: Integers, lock: int, frame: int, score: int, evidence: Evidence) -> pl.DataFrame:
    count = len(goroutine)
    same = np.ones(count, dtype=np.int64)
    number = _EVIDENCE.index(evidence)
    return _rows(same * lock, goroutine, same * score, same * number, np.zeros(count, dtype=np.bool_), same * frame)


def _rows_by_stack(ground: Ground) -> Callable[[int], Integers]:
    """A function from a stack to its goroutines (rows)."""
    stacks = ground.snapshot.rows["stack_id"].to_numpy()
    order = np.argsort(stacks, kind="stable")
    bounds = np.searchsorted(stacks[order], np.arange(len(ground.places.stacks) + 1))
    return lambda stack: order[bounds[stack] : bounds[stack + 1]]


def _in_once(instances: Sequence[Instance], rest: Sequence[int], ground: Ground) -> pl.DataFrame:
    """Goroutines that run the function of the same Once: the frame that called ``Do`` is the same."""
    found = [pl.DataFrame(schema=_SCHEMA)]
    rows_of = _rows_by_stack(ground)
    for number in rest:
        instance = instances[number]
        if instance.kind != "sync.Once":
            continue
        askers = [(group.stack, ground.sites[group.stack].asker) for group in instance.groups]
        callers = {ground.places.stacks[stack].frames[asker] for stack, asker in askers if asker is not None}
        for stack, frames in enumerate(each.frames for each in ground.places.stacks):
            for at in range(1, len(frames) - 1):
                if frames[at].function == "sync.(*Once).doSlow" and stack not in ground.sites:
                    above = next((f for f in frames[at + 1 :] if f.function != "sync.(*Once).Do"), None)
                    if above is not None and above in callers:
                        found.append(_frames_of(rows_of(stack), number, at, ONCE, "once"))
    return pl.concat(found)


def _by_type(instances: Sequence[Instance], rest: Sequence[int], ground: Ground) -> pl.DataFrame:
    """Goroutines in a method of an object of the lock's type whose receiver no frame shows."""
    found = [pl.DataFrame(schema=_SCHEMA)]
    by_type: dict[int, list[int]] = {}
    for number in rest:
        type_id = ground.type_ids.get(instances[number].owner_type or "")
        if type_id is not None:
            by_type.setdefault(type_id, []).append(number)
    for type_id, numbers in by_type.items():
        if len(numbers) > MOST_OF_A_TYPE:
            continue
        for frame, rows in _hidden(ground, type_id):
            for number in numbers:
                others = rows[ground.waits_for[rows] != number]
                found.append(_frames_of(others, number, frame, TYPE, "type"))
    return pl.concat(found)


def _hidden(ground: Ground, type_id: int) -> Iterator[tuple[int, Integers]]:
    """For each stack, the goroutines whose innermost method of a type shows no receiver, and its frame."""
    words, first = ground.words, ground.places.first
    places = np.flatnonzero(ground.types == type_id)
    stacks, innermost = np.unique(np.searchsorted(first, places, side="right") - 1, return_index=True)
    receivers = (words.position == 0) & words.reliable
    rows_of = _rows_by_stack(ground)
    for stack, place in zip(stacks.tolist(), places[innermost].tolist(), strict=True):
        shown = np.zeros(ground.snapshot.rows.height, dtype=np.bool_)
        shown[words.goroutine[receivers & (words.place == place)]] = True
        rows = rows_of(stack)
        rows = rows[~shown[rows]]
        if len(rows):
            yield place - int(first[stack]), rows


def _by_shared_word(instances: Sequence[Instance], rest: Sequence[int], ground: Ground) -> pl.DataFrame:
    """Pairs of goroutines that wait for different locks in one function and alone share a pointer."""
    asker = np.full(len(ground.places.stacks), -1)
    for stack, site in ground.sites.items():
        if site.asker is not None and site.kind == "sync.Mutex":
            asker[stack] = site.asker
    addresses = np.array([i.address for i in instances if i.address is not None], dtype=np.uint64)
    words = ground.words
    words = words.take(words.reliable & (words.frame == asker[words.stack]) & (ground.waits_for[words.goroutine] >= 0))
    words = words.take(~np.isin(words.word, addresses))
    if len(words.word) < 2:
        return pl.DataFrame(schema=_SCHEMA)
    names: dict[str, int] = {}
    functions = ground.places.numbers(lambda frame: names.setdefault(frame.function, len(names)))
    columns = {
        "word": words.word,
        "function": functions[words.place],
        "goroutine": words.goroutine,
        "frame": words.frame,
        "lock": ground.waits_for[words.goroutine],
    }
    keys = ["word", "function", "goroutine"]
    shared = (
        pl.DataFrame(columns)
        .sort(keys, maintain_order=True)
        .unique(keys, keep="first", maintain_order=True)
        .filter(pl.len().over("word", "function") == 2)
    )
    one, other = shared[::2], shared[1::2]
    mine, theirs = pl.concat([one, other]), pl.concat([other, one])
    wanted = (mine["lock"] != theirs["lock"]) & mine["lock"].is_in(list(rest))
    mine, theirs = mine.filter(wanted), theirs.filter(wanted)
    same = np.ones(len(mine), dtype=np.int64)
    number = _EVIDENCE.index("shared")
    lock, goroutine, frame = mine["lock"].to_numpy(), theirs["goroutine"].to_numpy(), theirs["frame"].to_numpy()
    return _rows(lock, goroutine, same * SHARED, same * number, same > 0, frame)


def _candidates(rows: pl.DataFrame, locks: int, ground: Ground) -> list[tuple[Candidate, ...]]:
    """The best evidence of each goroutine, and goroutines in the same place together."""
    goroutines = ground.snapshot.rows
    best = rows.sort("score", descending=True, maintain_order=True).unique(["lock", "goroutine"], keep="first")
    row = best["goroutine"].to_numpy()
    wanted = goroutines[row].select("stack_id", "wait_reason", "goroutine_id", pl.col("wait_minutes").fill_null(0))
    best = pl.concat([best, wanted], how="horizontal").with_columns(waits_for=pl.Series(ground.waits_for[row]))
    keys = ["lock", "score", "evidence", "reliable", "frame", "stack_id", "wait_reason", "waits_for"]
    grouped = (
        best.sort("goroutine")
        .group_by(keys, maintain_order=True)
        .agg(pl.len().alias("count"), pl.col("goroutine_id").head(_IDS).alias("ids"), pl.col("wait_minutes").max())
        .with_columns(pl.col("waits_for") >= 0, place=pl.col("waits_for"))
        .sort(
            ["lock", "score", "waits_for", "count", "stack_id"],
            descending=[False, True, False, False, False],
            maintain_order=True,
        )
        .group_by("lock", maintain_order=True)
        .head(_SHOWN)
    )
    found: list[list[Candidate]] = [[] for _ in range(locks)]
    columns = [*keys[:-1], "place", "count", "ids", "wait_minutes"]
    for lock, score, kind, reliable, frame, stack, reason, waits, count, ids, minutes in grouped.select(
        columns
    ).iter_rows():
        found[lock].append(
            Candidate(
                score=score,
                evidence=_EVIDENCE[kind],
                reliable=reliable,
                stack=ground.places.stacks[stack],
                frame=frame,
                wait_reason=reason,
                count=count,
                goroutine_ids=tuple(i for i in ids if i is not None),
                max_wait_minutes=minutes,
                waits_for=waits if waits >= 0 else None,
            )
        )
    return [tuple(candidates) for candidates in found]
