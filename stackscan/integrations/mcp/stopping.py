"""An end for each call: by time, or because its client gave up."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from stackscan.errors import LimitError

_HINT = "Ask for a smaller input, or start `stackscan mcp` with a larger --max-seconds."


@dataclass(slots=True)
class Stop:
    """When a call ends: ``seconds`` after its beginning, or when ``now`` is set. Checked between the steps of the work,
    and while something is downloaded."""

    seconds: float
    now: threading.Event = field(default_factory=threading.Event)
    _begun: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds until the end, at least 0."""
        return max(0.0, self._begun + self.seconds - time.monotonic())

    def check(self, *_: object) -> None:
        """Raise LimitError when the call is over; also what is told of progress."""
        if self.now.is_set() or not self.left:
            raise self.error()

    def error(self) -> LimitError:
        """What a client is told whose call took too long."""
        return LimitError(f"the call took longer than {self.seconds:g} s and was ended", hint=_HINT)
