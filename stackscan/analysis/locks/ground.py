"""What holders of locks are looked for in: the words of a snapshot, read when they are first asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain

from stackscan.analysis.locks.instances import Instance
from stackscan.analysis.locks.sites import Site, receiver_type
from stackscan.formats.symbol import origin, read_symbol
from stackscan.model.arguments import Word, Words
from stackscan.model.snapshot import Frame, Snapshot


class Ground:
    """A snapshot that prints arguments, with the ``sites`` of its stacks.

    ``asking`` are the words of the frames that ask for locks: those in which a lock's own address may stand, and those
    that called them. ``waits_for`` has the place of the instance that each goroutine waits for, once these are known.
    """

    def __init__(self, snapshot: Snapshot, sites: Mapping[int, Site]) -> None:
        self.snapshot = snapshot
        self.sites = sites
        self.stacks: list[int] = snapshot.column("stack_id")
        self.waits_for: dict[int, int] = {}
        self._types: frozenset[str] = frozenset()
        self._asking_frames = frozenset(
            snapshot.stacks[number].frames[at]
            for number, site in sites.items()
            for at in (*(source.frame for source in site.sources), site.asker)
            if at is not None
        )
        self.asking = self._words(self._asking_frames)
        self._roots: dict[int, int | None] = {}
        self._methods_at: dict[int, dict[int, str]] = {}

    def set_instances(self, instances: Sequence[Instance]) -> None:
        """Tell which locks there are."""
        self._types = frozenset(instance.owner_type for instance in instances if instance.owner_type is not None)
        for number, instance in enumerate(instances):
            for group in instance.groups:
                self.waits_for.update(dict.fromkeys(group.goroutines, number))

    # -- words -------------------------------------------------------------------------------------------------------

    def _words(self, frames: Collection[Frame], among: Collection[int] | None = None, *, first: bool = False) -> Words:
        found = self.snapshot.words(frames, among=among, first=first) if frames else None
        return Words() if found is None else found

    @cached_property
    def _frames(self) -> frozenset[Frame]:
        """The frames whose words can matter: the program's own, and those of the packages that ask for locks."""
        asks = ((number, site.asker) for number, site in self.sites.items() if site.asker is not None)
        stacks = self.snapshot.stacks
        packages = {read_symbol(stacks[number].frames[at].function).package for number, at in asks}
        every: set[Frame] = set().union(*(stack.frames for stack in stacks))
        return frozenset(f for f in every if origin(f).kind != "std" or read_symbol(f.function).package in packages)

    @cached_property
    def _methods(self) -> dict[Frame, str]:
        """The frames that are methods of an object in which a lock lies, each with its type."""
        found = ((frame, receiver_type(frame.function)) for frame in self._frames)
        return {frame: name for frame, name in found if name is not None and name in self._types}

    @cached_property
    def _first_words(self) -> tuple[Words, Words]:
        """The first words of these methods, among others."""
        return self.asking, self._words(self._methods.keys() - self._asking_frames, first=True)

    def objects(self) -> dict[str, list[int]]:
        """The objects that these methods certainly run on, by type, each once, ascending."""
        found: dict[str, set[int]] = {name: set() for name in self._types}
        stacks, methods = self.stacks, self.methods
        for words in self._first_words:
            for row, at, position, word, reliable in words:
                if position == 0 and reliable and at in (named := methods(stacks[row])):
                    found[named[at]].add(word)
        return {name: sorted(words) for name, words in found.items()}

    @cached_property
    def shown(self) -> frozenset[tuple[int, int]]:
        """The goroutines (rows) and frames whose first word is certain: of a method, they show its object."""
        every = chain.from_iterable(self._first_words)
        return frozenset((row, at) for row, at, position, _, reliable in every if position == 0 and reliable)

    def pointers(self, wanted: Collection[int]) -> Iterator[Word]:
        """The wanted words of all frames, in no order."""
        yield from (word for word in self.asking if word[3] in wanted)
        yield from self._words(self._frames - self._asking_frames, wanted)

    # -- frames ------------------------------------------------------------------------------------------------------

    def methods(self, stack: int) -> dict[int, str]:
        """The frames of a stack that are methods of an object in which a lock lies, each with its type."""
        found = self._methods_at.get(stack)
        if found is None:
            frames = self.snapshot.stacks[stack].frames
            named = ((at, self._methods.get(frame)) for at, frame in enumerate(frames))
            found = self._methods_at[stack] = {at: name for at, name in named if name is not None}
        return found

    def root(self, stack: int) -> int | None:
        """The frame that began the goroutines of a stack; None where it is the runtime's."""
        if stack not in self._roots:
            frames = self.snapshot.stacks[stack].frames
            own = next((at for at in reversed(range(len(frames))) if ".gowrap" not in frames[at].function), None)
            self._roots[stack] = None if own is None or frames[own].function == "runtime.goexit" else own
        return self._roots[stack]

    @cached_property
    def first_own(self) -> dict[int, int]:
        """The frame from which on the words of a waiting stack are the program's own: sync's frames belong to the
        wait."""
        stacks = self.snapshot.stacks
        sites = self.sites.items()
        return {n: len(stacks[n].frames) if site.asker is None else site.asker for n, site in sites}

    def innermost_methods(self) -> Iterator[tuple[str, int, int]]:
        """Each type on each stack with its innermost method: type, stack, frame."""
        for number in range(len(self.snapshot.stacks)):
            innermost = {name: at for at, name in reversed(self.methods(number).items())}
            yield from ((name, number, at) for name, at in innermost.items())

    def rows_of(self, wanted: Iterable[int]) -> dict[int, list[int]]:
        """The goroutines (rows) of some stacks, by stack."""
        found: dict[int, list[int]] = {stack: [] for stack in wanted}
        for row, stack in enumerate(self.stacks) if found else ():
            if stack in found:
                found[stack].append(row)
        return found
