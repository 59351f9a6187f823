"""What ``go tool pprof`` prints of a goroutine profile as text: stacks (``-raw``, ``-traces``) and sums by function.

``grammars/pprof_text.lark`` is the authority on their lines. ``-tree`` and ``-peek`` print calls, from which stacks are
put together; ``-top`` prints sums alone, of which the largest are kept.
"""

from stackscan.formats.pprof_text.reader import NAME, read
from stackscan.formats.pprof_text.spans import MARKS, spans

__all__ = ["MARKS", "NAME", "read", "spans"]
