"""An input on its way to another process of ours, which opens it there."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import Final

from stackscan.sources.address import Source

#: Names below these folders mean another thing in another process.
_OF_THIS_PROCESS: Final = ("/dev/", "/proc/")
_STDIN: Final = "-"


@dataclass(frozen=True, slots=True, repr=False)
class Sent:
    """A source that may be pickled with its secrets, for a pipe between two processes or within memory, for nothing
    else. Its text is masked."""

    given: str
    timeout_seconds: float | None

    @classmethod
    def of(cls, source: str) -> Sent:
        """What to send of a source."""
        found = Source(source)
        return cls(found.with_secrets(), found.timeout_seconds)

    @property
    def source(self) -> Source:
        """The source again."""
        return Source(self.given, timeout_seconds=self.timeout_seconds)

    def __str__(self) -> str:
        return str(self.source)

    @property
    def stays(self) -> bool:
        """Whether only the process that was given it can read it: standard input, a pipe, a device."""
        if self.given == _STDIN or self.source.is_url or self.source.is_object:
            return self.given == _STDIN
        try:
            mode = os.stat(self.given).st_mode  # noqa: PTH116 - whatever text was given
        except (OSError, ValueError):
            return False  # what is wrong with it is the same anywhere
        return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)) or self.given.startswith(_OF_THIS_PROCESS)
