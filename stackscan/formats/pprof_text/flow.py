"""Takes the sums of a call graph apart into paths, whose sums they are.

What flows into a function, from its callers and from goroutines that begin in it, flows out of it: into the functions
that it calls, and into goroutines that are in it now (``flat``). A path takes at each step the way on which most is
left, so all sums come out; which caller belongs to which callee is certain only where paths do not meet and part again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Final

from stackscan.formats.pprof_text.loops import loops_of
from stackscan.sources import limits

#: Steps of all paths together, for each function and call. A text names these twice; the frames of all paths could be
#: as many as its square. Paths of real programs take about one.
STEPS_EACH: Final = 20

Edges = Mapping[tuple[int, int], int]
_Heap = list[tuple[int, int]]  # (what is left, negative; the callee)


@dataclass(frozen=True, slots=True)
class Path:
    """``count`` goroutines of one stack: functions innermost first.

    ``ends``: it is known that they are in the innermost one now. ``mixed``: the function, outside of circles, whose
    callee may be that of another path (None: there is none). ``looped``: one of functions that call each other in a
    circle, how often is not known (None: none do).
    """

    functions: tuple[int, ...]
    count: int
    ends: bool
    mixed: int | None = None
    looped: int | None = None


def paths(flat: Sequence[int], cum: Sequence[int | None], edges: Edges) -> Iterator[Path]:
    """The paths of a graph, those of most goroutines first taken. Functions are numbers; ``cum`` may be unknown."""
    yield from _Flow(flat, cum, edges).paths()


class _Flow:
    def __init__(self, flat: Sequence[int], cum: Sequence[int | None], edges: Edges) -> None:
        size = len(flat)
        self.flat = list(flat)
        self.into, self.out = [0] * size, [0] * size
        callers, callees = [0] * size, [0] * size
        for (source, target), weight in edges.items():
            self.into[target] += weight
            self.out[source] += weight
            callers[target] += 1
            callees[source] += 1
        self.loop = loops_of(size, edges)
        self.starts = self._starts(cum)
        self.meets = [callers[n] + (self.starts[n] > 0) > 1 for n in range(size)]
        ending = [flat[n] + (self.starts[n] + self.into[n] > flat[n] + self.out[n]) for n in range(size)]
        self.parts = [callees[n] + (ending[n] > 0) > 1 for n in range(size)]
        self.inner: list[_Heap] = [[] for _ in range(size)]  # ways that stay in a circle of calls
        self.outer: list[_Heap] = [[] for _ in range(size)]
        self.round: list[list[int]] = [[] for _ in range(size)]  # the callees in the same circle
        for (source, target), weight in edges.items():
            same = self.loop[source] is not None and self.loop[source] == self.loop[target]
            (self.inner if same else self.outer)[source].append((-weight, target))
            if same:
                self.round[source].append(target)
        for heap in (*self.inner, *self.outer):
            heapify(heap)
        self.steps = STEPS_EACH * (size + len(edges))

    def _starts(self, cum: Sequence[int | None]) -> list[int]:
        """How many goroutines begin in each function: those that no caller brings there.

        In a circle of calls a goroutine comes to a function more than once, so callers may bring more than there are;
        but it enters the circle once and leaves it once.
        """
        out = [self.flat[n] + self.out[n] for n in range(len(cum))]
        through = [out[n] if cum[n] is None else cum[n] or 0 for n in range(len(cum))]
        starts = [max(0, through[n] - self.into[n]) for n in range(len(cum))]
        lacking: dict[int, int] = {}
        for node, loop in enumerate(self.loop):
            if loop is not None:
                lacking[loop] = lacking.get(loop, 0) + out[node] - self.into[node] - starts[node]
        for node in sorted(range(len(cum)), key=lambda n: (self.into[n] - out[n] + starts[n], -through[n], n)):
            loop = self.loop[node]
            if loop is not None and lacking[loop] > 0:
                balance = out[node] - self.into[node] - starts[node]
                more = min(lacking[loop], balance) if balance > 0 else lacking[loop]
                starts[node] += more
                lacking[loop] -= more
        return starts

    def paths(self) -> Iterator[Path]:
        """The paths; then what is left of functions that no path reached, alone."""
        heap = [(-count, node) for node, count in enumerate(self.starts) if count > 0]
        heapify(heap)
        while heap and self.steps > 0:
            left, start = heappop(heap)
            path = self._walk(start, -left)
            if path.count < -left:
                heappush(heap, (left + path.count, start))
            yield path
        for node, count in enumerate(self.flat):
            if count > 0:
                yield Path((node,), count, ends=True, looped=node)

    def _walk(self, start: int, most: int) -> Path:
        """One path from a function, of at most so many goroutines; takes it out of what is left."""
        nodes, used = [start], []
        count, node, ends = most, start, False
        while len(nodes) <= limits.MAX_FRAMES:
            heap = self._way(node)
            if heap is None and self.flat[node] > 0:
                count, ends = min(count, self.flat[node]), True
                break
            if heap is None:
                hops = self._hops(node) if self.loop[node] is not None else []
                if not hops:
                    break
                nodes += hops
            else:
                left, target = heappop(heap)
                used.append((heap, left, target))
                count = min(count, -left)
                nodes.append(target)
            node = nodes[-1]
        for heap, left, target in used:
            if left + count < 0:
                heappush(heap, (left + count, target))
        if ends:
            self.flat[node] -= count
        self.steps -= len(nodes)
        return self._path(nodes, count, ends=ends)

    def _way(self, node: int) -> _Heap | None:
        """Where to go on: around a circle of calls first, since it is left only once; None: the path ends here."""
        if self.inner[node]:
            return self.inner[node]
        outer = self.outer[node]
        return outer if outer and -outer[0][0] > self.flat[node] else None

    def _hops(self, node: int) -> list[int]:
        """The shortest way around a circle of calls to a function with something left. pprof counts a call once for
        each stack, however often the stack repeats it: to go that way again takes nothing."""
        before, queue = {node: node}, deque([node])
        while queue and self.steps > 0:
            at = queue.popleft()
            if at != node and (self.inner[at] or self.outer[at] or self.flat[at]):
                way = [at]
                while before[way[-1]] != node:
                    way.append(before[way[-1]])
                return way[::-1]
            for target in self.round[at]:
                self.steps -= 1
                if target not in before:
                    before[target] = at
                    queue.append(target)
        return []

    def _path(self, nodes: list[int], count: int, *, ends: bool) -> Path:
        first = next((place for place, node in enumerate(nodes) if self.meets[node]), len(nodes))
        mixed = next((node for node in nodes[first:] if self.parts[node] and self.loop[node] is None), None)
        looped = next((node for node in nodes if self.loop[node] is not None), None)
        return Path(tuple(reversed(nodes)), count, ends, mixed, looped)
