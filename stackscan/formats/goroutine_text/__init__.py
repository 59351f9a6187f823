"""The full text of goroutine stacks: debug=2 profiles, runtime.Stack, panics, SIGQUIT, test time-outs.

``grammars/goroutine.lark`` is the authority on the text. Two readers share it: the fast path (lines.py, columns.py)
takes whole chunks of regular goroutines as columns, the careful reader (careful.py) takes the rest line by line, and
reference.py is the grammar with no shortcut, which the tests hold them against.
"""

from stackscan.formats.goroutine_text.headerless import claims
from stackscan.formats.goroutine_text.reader import read
from stackscan.formats.goroutine_text.snapshots import NAME

__all__ = ["NAME", "claims", "read"]
