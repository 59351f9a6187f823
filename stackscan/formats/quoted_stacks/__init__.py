"""Stacks as people write them in issues and post-mortems: shortened, annotated, one line a frame or a stack.

It is no format of a tool: a goroutine comes here when the reader of the runtime's own text does not understand all its
lines.
"""

from stackscan.formats.quoted_stacks.grammar import LooseHeader, read_header
from stackscan.formats.quoted_stacks.reader import MOST_LINES, NAME, Quoted, read_body

__all__ = ["MOST_LINES", "NAME", "LooseHeader", "Quoted", "read_body", "read_header"]
