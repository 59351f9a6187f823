"""Reads what Delve's terminal printed, line by line, into the moments at which the program stood still."""

from __future__ import annotations

import re
from typing import Final

from stackscan.formats.delve import grammar
from stackscan.formats.delve.gathered import GROUP_NOT_LISTED, Goroutine, Moment
from stackscan.formats.delve.stacks import Session, StackLines
from stackscan.formats.problems import EXCERPT
from stackscan.sources import limits

_ESCAPES: Final = re.compile(r"\x1b\[[0-9;]{0,20}[A-Za-z]")
_QUOTED: Final = re.compile(r"[ \t]*(?:[>|+-] ?){1,4}(?=[ \t]*(?:[*\d(\[GaTLURS]|$))")
_LISTED: Final = re.compile(r"(?:\* )?(Goroutine \d.* - (?:User|Runtime|Go|Start): .*)")
_LONG: Final = re.compile(r"(?:\* )?Goroutine (\d{1,20}):\Z")
_UNREADABLE: Final = re.compile(r"(?:\* )?Goroutine \(unreadable ")
_BROKEN: Final = re.compile(r"(?:\* )?Goroutine \d{1,20} - ")
_PLACE: Final = re.compile(r"(?:User|Runtime|Go|Start): ")
_TOTAL: Final = re.compile(r"Total: (\d{1,9})\Z")
_END: Final = re.compile(r"\[(\d{1,9}) goroutines\]\Z")
_SWITCHED: Final = re.compile(r"Switched from \d{1,20} to (\d{1,20}) \(")
_ANCESTOR: Final = re.compile(r"Created by Goroutine \d{1,20}:\Z")
_PROMPT: Final = re.compile(r"\(dlv\) ?(.*)")
_STACK_OF: Final = re.compile(r"goroutine (\d{1,20})(?: |\Z)")
#: Commands behind which the program has run on.
_RUNS: Final = re.compile(
    r"(?:rev )?(?:c|continue|n|next|s|step|si|ni|step-instruction|next-instruction|so|stepout|r|restart|rw|rewind|call"
    r"|rebuild|finish)(?: |\Z)"
)
_MOST_ID: Final = (1 << 64) - 1


def read_lines(text: str) -> list[Moment]:
    """The moments in a text, at least one."""
    reader = _Reader()
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = _bare(line)
        if stripped:
            reader.take(stripped, number)
    return reader.finish()


def _bare(line: str) -> str:
    """A line without colours, the marks of a quotation, a table or a diff, and the blanks around it."""
    if "\x1b" in line:
        line = _ESCAPES.sub("", line)
    if quoted := _QUOTED.match(line):
        line = line[quoted.end() :]
    return line.strip().removesuffix(" |").rstrip()


class _Reader(Session):
    def __init__(self) -> None:
        self.moments: list[Moment] = [Moment(1)]
        self.current: Goroutine | None = None  # that the next lines are about
        self.trusted = False  # a stack that follows is its own
        self.stacks = StackLines()
        self.selected: int | None = None  # the goroutine of a `stack` without an id
        self.line = 1
        self.listed = 0  # goroutines since the list or the group began
        self.asked: int | None = None  # the line of a `goroutines` whose count, below the list, was not yet seen
        self.announced: tuple[int, int] | None = None  # how many a list that follows should have, and the line of that
        self.group: list[Goroutine] = []

    @property
    def moment(self) -> Moment:
        return self.moments[-1]

    def take(self, line: str, number: int) -> None:
        """Take the next line that is not blank."""
        self.line = number
        if not self.stacks.take(line, number, self):
            self._other(line, number)

    def finish(self) -> list[Moment]:
        """The moments, when all lines were taken."""
        self._check_announced()
        self._end_trace()
        self.moment.settle()
        kept = [moment for moment in self.moments if moment.goroutines or moment.problems]
        return kept or self.moments[:1]

    def owner(self) -> tuple[Goroutine | None, bool]:
        """The goroutine whose stack comes, as far as the text says, and whether that is certain."""
        if self.current is not None and (self.trusted or self.current.trace is None):
            return self.current, self.trusted
        selected = self.selected
        if selected is None or selected > _MOST_ID:
            return None, False
        return self.moment.add(Goroutine(self.line, selected)), False

    def _end_trace(self) -> None:
        self.stacks.end(self)

    def _other(self, line: str, number: int) -> None:
        if "oroutine" in line and self._goroutine(line, number):
            return
        if _PLACE.match(line) and self.current is not None:
            self._place(line, number)
        elif line.startswith("Labels: ") and self.current is not None:
            self._labels(line, number)
        elif found := _TOTAL.match(line):
            self._group_end(int(found[1]), number, line)
        elif found := _PROMPT.match(line):
            self._prompt(found[1], number)
        elif found := _SWITCHED.match(line):
            self.selected = int(found[1])
            self._end_trace()

    def _goroutine(self, line: str, number: int) -> bool:
        """Take a line about a goroutine; False when it is none."""
        if found := _LISTED.match(line):
            self._listed(line, found[1], number)
        elif found := _LONG.match(line):
            self._end_trace()
            self.selected = int(found[1])
            self.current, self.trusted = self._enter(Goroutine(number, self.selected)), False
        elif found := _END.match(line):
            self._list_end(int(found[1]), number, line)
        elif _ANCESTOR.match(line):
            self._end_trace()
            self.stacks.aside()
            self.moment.problem(number, "stacks of ancestors are not read", line[:EXCERPT], lost=False)
        elif _UNREADABLE.match(line):
            self.listed += 1
            self.moment.problem(number, "Delve could not read this goroutine", line[:EXCERPT])
        elif _BROKEN.match(line):
            self._lost(line, number)
        else:
            return False
        return True

    def _lost(self, line: str, number: int) -> None:
        self._end_trace()
        self.current = None
        self.listed += 1
        self.moment.problem(number, "the line of this goroutine is damaged; skipped", line[:EXCERPT])

    def _listed(self, line: str, text: str, number: int) -> None:
        found = grammar.read_goroutine(text)
        if found is None or found.goroutine_id > _MOST_ID:
            self._lost(line, number)
            return
        self._end_trace()
        goroutine = Goroutine(
            number,
            found.goroutine_id,
            {found.kind: found.place},
            None,
            found.thread,
            found.wait_reason,
            found.since,
        )
        if line.startswith("* "):
            self.selected = found.goroutine_id
        self.listed += 1
        self.current, self.trusted = self._enter(goroutine), True
        self.group.append(self.current)

    def _enter(self, goroutine: Goroutine) -> Goroutine:
        """A goroutine that is mentioned; another moment begins where it is known to be elsewhere."""
        known = self.moment.by_id.get(goroutine.goroutine_id or 0)
        if known is not None and known.wait_reason is None and known.since is None:  # `goroutine` does not print these
            known.wait_reason, known.since = goroutine.wait_reason, goroutine.since
        if known is not None and goroutine.places and not goroutine.agrees(known):
            self._run(goroutine.line)
        return self.moment.add(goroutine)

    def _run(self, number: int) -> None:
        """The program has run: what comes is another moment."""
        self._check_announced()
        self._end_trace()
        self.current, self.selected, self.listed, self.group = None, None, 0, []
        self.moment.settle()
        if self.moment.goroutines:
            self.moments.append(Moment(number))

    def _place(self, line: str, number: int) -> None:
        found = grammar.read_place(line)
        if found is None:
            self.moment.problem(number, "the place of this goroutine is damaged; skipped", line[:EXCERPT])
        elif self.current is not None:
            self.current.places.setdefault(*found)

    def _labels(self, line: str, number: int) -> None:
        labels = grammar.read_labels(line)
        if labels is None or len(labels.encode("utf-8", "surrogatepass")) > limits.MAX_LABEL_BYTES:
            self.moment.problem(number, "labels are damaged or too long; skipped", line[:EXCERPT], lost=False)
        elif self.current is not None:
            self.current.labels = labels

    def _group_end(self, total: int, number: int, line: str) -> None:
        """The end of a group: Delve lists a few goroutines of it, and counts all."""
        members, self.group = self.group, []
        self._end_trace()
        self.current = None
        if not members or total <= len(members):
            if total < len(members) or not members:
                self.moment.problem(number, f"the group has {total:,} goroutines, {len(members):,} were read", line)
            self.listed = 0
            return
        self.moment.problem(number, GROUP_NOT_LISTED, line, lost=False)
        self.moment.add(Goroutine(number, count=total - len(members)))
        self.listed = 0

    def _list_end(self, total: int, number: int, line: str) -> None:
        if not self.listed:  # Delve up to 1.4 counts them above the list
            self.announced = number, total
            return
        self.announced = self.asked = None
        if total != self.listed:
            self.moment.problem(number, f"Delve lists {total:,} goroutines, {self.listed:,} were read", line)
        self._end_trace()
        self.moment.listed = self.moment.listed or total == self.listed
        self.current, self.listed, self.group = None, 0, []

    def _check_announced(self) -> None:
        """Compare the number above a list with the list. One that ends without any is cut."""
        if self.asked is not None and self.announced is None and self.listed:
            self.moment.problem(self.line, "the list is cut: Delve's count of goroutines below it is missing")
        self.asked = None
        if self.announced is not None and self.announced[1] != self.listed:
            line, total = self.announced
            self.moment.problem(line, f"Delve lists {total:,} goroutines, {self.listed:,} were read")
        self.announced = None

    def _prompt(self, command: str, number: int) -> None:
        self._end_trace()
        self.current = None
        if _RUNS.match(command.strip()):
            self._run(number)
        elif (found := _STACK_OF.match(command.strip())) and int(found[1]) <= _MOST_ID:
            self.current, self.trusted = self.moment.add(Goroutine(number, int(found[1]))), True
        elif command.startswith(("goroutines", "grs")):
            self._check_announced()
            self.listed, self.group = 0, []
            self.asked = None if "-group" in command else number
