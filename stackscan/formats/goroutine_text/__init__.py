"""The full text of goroutine stacks: debug=2 profiles, runtime.Stack, panics, SIGQUIT, test time-outs.

``grammars/goroutine.lark`` is the authority on the text. Three readers share it: a small text is read goroutine by
goroutine (plain.py), a large one as columns, whole chunks at once (chunked.py, lines.py, columns.py), and the careful
reader (careful.py) takes from both line by line what is not regular. reference.py is the grammar with no shortcut,
which the tests hold them against.
"""

from stackscan.formats.goroutine_text import surroundings
from stackscan.formats.goroutine_text.reader import read
from stackscan.formats.goroutine_text.snapshots import NAME

__all__ = ["NAME", "claims", "read"]


def claims(data: bytes) -> bool:
    """Whether the bytes hold a goroutine, a crash that printed none, or two frames that the runtime printed."""
    if surroundings.claims(data):
        return True
    from stackscan.formats.goroutine_text.headerless import holds_stack  # no dump that has headers needs it

    return holds_stack(data)
