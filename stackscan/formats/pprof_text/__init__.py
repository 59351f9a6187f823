"""What ``go tool pprof`` prints of a goroutine profile as text: ``-raw`` and ``-traces``, which show whole stacks.

``grammars/pprof_text.lark`` is the authority on their lines. The tables of ``-top``, ``-tree``, ``-peek`` and ``-list``
sum up by function and have no stacks: formats/refusals says so, and shows their largest sums.
"""

from stackscan.formats.pprof_text.reader import NAME, read
from stackscan.formats.pprof_text.spans import MARKS, spans

__all__ = ["MARKS", "NAME", "read", "spans"]
