"""Who stands still for ever: goroutines that only each other could wake.

At first all goroutines that wait are in the set, if the source says what they wait for. A goroutine leaves the set when
one outside of it may still wake it. This goes on until nobody leaves. What is not known wakes everybody. (The runtime
finds leaked goroutines in the same way, by memory instead of by source: Go 1.26, runtime/mgc.go, findGoroutineLeaks.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from stackscan.analysis.causes.activation import roots
from stackscan.analysis.causes.ahead import Work
from stackscan.analysis.causes.waiting import Waiting
from stackscan.analysis.causes.wanted import Wanted
from stackscan.golang.needs import Need
from stackscan.golang.reach import Ahead
from stackscan.golang.turns import taken_by
from stackscan.golang.unit import Site


@dataclass(eq=False)
class Actor:
    """Goroutines of one stack (``rows``) that wait for objects of one call of a function (``roots``: where it began;
    None: not known, or the objects are no variables). ``need`` is what they wait for, or ``lock``, whose holders are
    the rows ``holders``. ``known``: a cause says already that they never go on."""

    wait: Waiting
    rows: list[int]
    need: Need | None = None
    roots: frozenset[int] | None = None
    lock: Wanted | None = None
    holders: list[int] = field(default_factory=list)
    known: bool = False
    servers: list[tuple[Waiting, frozenset[int] | None]] = field(default_factory=list)


class Standstill:
    """The goroutines that stand still, and who among them could wake whom."""

    def __init__(self, work: Work, locks: Sequence[Wanted], stuck: Iterable[int]) -> None:
        self._work = work
        self._scene = work.code.scene
        self._sites: dict[int, list[Site]] = {}
        self._timers: dict[str, Ahead] = {}
        self._turns: dict[int, bool] = {}
        self._found: dict[int, list[tuple[Waiting, bool]]] = {}
        self._roots: dict[object, tuple[dict[int, list[int]], frozenset[int]]] = {}
        self._known = frozenset(stuck)  # a cause among locks says that they never go on
        self._locks = locks
        self.actors = [*self._waiting(), *self._locked()]
        for actor in self.actors:
            actor.servers = list(self._servers(actor))
        self._settle()

    # -- who waits ---------------------------------------------------------------------------------------------------

    def _waiting(self) -> Iterable[Actor]:
        for wait in self._scene.waits:
            need = None if wait.is_writer else self._work.need(wait)
            if need is None:
                continue
            groups: dict[frozenset[int] | None, list[int]] = defaultdict(list)
            for row in (row for row in wait.rows if row not in self._known):
                groups[None if need.family is None else roots(self._work, row, need)].append(row)
            yield from (Actor(wait, rows, need, began) for began, rows in groups.items())

    def _locked(self) -> Iterable[Actor]:
        """Those that wait for a lock: of which a cause says that they never go on, or whose holders the source
        names."""
        for wait in self._scene.waits_of(self._known):
            yield Actor(wait, [row for row in wait.rows if row in self._known], known=True)
        for lock in self._locks:
            holders = [row for holder in lock.holders if holder.held.must for row in holder.rows]
            if holders:
                for wait in lock.waiters:
                    rows = [row for row in lock.rows[id(wait)] if row not in self._known]
                    if rows:
                        yield Actor(wait, rows, lock=lock, holders=holders)

    # -- who wakes them ----------------------------------------------------------------------------------------------

    def sites(self, need: Need) -> list[Site]:
        """The places in the source that serve a need."""
        key = id(need)
        if key not in self._sites:
            self._sites[key] = need.sites()
        return self._sites[key]

    def _servers(self, actor: Actor) -> Iterable[tuple[Waiting, frozenset[int] | None]]:
        """The stacks from which somebody may wake the actor, each with the rows that may (None: all)."""
        need = actor.need
        if actor.known:
            return
        if need is None:
            for wait in self._scene.waits_of(actor.holders):
                yield wait, frozenset(actor.holders)
            return
        for wait, of_any_call in self._candidates(need):
            if of_any_call or need.family is None or actor.roots is None:
                yield wait, None
            elif rows := self._of_same_call(wait, need, actor.roots):
                yield wait, rows

    def _candidates(self, need: Need) -> list[tuple[Waiting, bool]]:
        """The stacks from which somebody may serve a need; and whether in whatever call of a function."""
        key = id(need)
        if key not in self._found:
            sites = [*self.sites(need), *need.wild_sites()]
            elsewhere = [site for site in sites if need.family is not None and need.program.is_value(site)]
            self._found[key] = found = []
            for wait in self._scene.waits if sites else ():
                ahead = self._work.ahead(wait, need.package) if need.family is None else self._work.within(wait, need)
                if ahead.unknown or self._has_any(ahead, need, sites):
                    found.append((wait, False))
                elif self._has_any(self._work.ahead(wait, need.package), need, elsewhere):
                    found.append((wait, True))
        return self._found[key]

    def _has_any(self, ahead: Ahead, need: Need, sites: Iterable[Site]) -> bool:
        """Whether what is ahead may come to one of the sites that serve a need. A call that has not begun does not
        where it must first send: it waits behind those that wait to send."""
        return any(ahead.has(need.package, site, from_start=not self._takes_turns(need, site)) for site in sites)

    def _takes_turns(self, need: Need, site: Site) -> bool:
        key = id(site)
        if key not in self._turns:
            unit = need.program.units.get(site.unit)
            self._turns[key] = unit is not None and taken_by(site, unit) is not None
        return self._turns[key]

    def _of_same_call(self, wait: Waiting, need: Need, mine: frozenset[int]) -> frozenset[int]:
        """The goroutines of a stack that may have the same variables: of one call of the function."""
        by_root, anywhere = self._by_root(wait, need)
        return frozenset(row for root in mine for row in by_root.get(root, ())) | anywhere

    def _by_root(self, wait: Waiting, need: Need) -> tuple[dict[int, list[int]], frozenset[int]]:
        """The goroutines of a stack by where the call began; and those of which nothing tells."""
        key = id(wait), need.package, need.family, need.makers
        if key not in self._roots:
            found: dict[int, list[int]] = defaultdict(list)
            anywhere = []
            for row in wait.rows:
                began = roots(self._work, row, need)
                for root in began or ():
                    found[root].append(row)
                if began is None:
                    anywhere.append(row)
            self._roots[key] = found, frozenset(anywhere)
        return self._roots[key]

    def _is_timed(self, need: Need) -> bool:
        """Whether a timer may serve it: no goroutine shows that."""
        return self._has_any(self._by_runtime(need.package), need, self.sites(need))

    def _by_runtime(self, package: str) -> Ahead:
        if package not in self._timers:
            self._timers[package] = self._work.by_runtime(package)
        return self._timers[package]

    # -- the greatest set --------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        by_row = {row: actor for actor in self.actors for row in actor.rows}
        still = set(self.actors)
        # Counted once a stack, since it is asked once an actor, and there may be thousands.
        free = {id(wait): sum(row not in by_row for row in wait.rows) for wait in self._scene.waits}
        changed = True
        while changed:
            changed = False
            for actor in list(still):
                if self._may_go_on(actor, still, by_row, free):
                    still.discard(actor)
                    free[id(actor.wait)] += len(actor.rows)
                    changed = True
        self.still = [actor for actor in self.actors if actor in still]

    def _may_go_on(self, actor: Actor, still: set[Actor], by_row: Mapping[int, Actor], free: Mapping[int, int]) -> bool:
        if actor.known:
            return False
        if actor.need is not None and self._is_timed(actor.need):
            return True
        for wait, rows in actor.servers:
            if rows is None:
                if free[id(wait)]:
                    return True
            elif any(row not in by_row or by_row[row] not in still for row in rows):
                return True
        return False

    @cached_property
    def of_row(self) -> dict[int, Actor]:
        """Those that stand still, by row."""
        return {row: actor for actor in self.still for row in actor.rows}

    def behind(self, actor: Actor) -> list[Actor]:
        """Those that stand still and could wake this one."""
        found: dict[int, Actor] = {}
        own = set(actor.rows)
        for wait, rows in actor.servers:
            for row in wait.rows if rows is None else rows:
                other = self.of_row.get(row)
                if other is not None and row not in own:
                    found.setdefault(id(other), other)
        return list(found.values())
