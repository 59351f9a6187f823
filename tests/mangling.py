"""Texts damaged as people and programs damage them, for the property tests of tools' reports."""

from __future__ import annotations

from hypothesis import strategies as st

_SPLICED = (
    "goroutine 7 [select]:",
    "panic: boom",
    "\x1b[31mred\x1b[0m",
    "```",
    "> quoted",
    "\t",
    "0  0x",
    "48: ",
    "\u202e",
)


@st.composite
def mangled(draw: st.DrawFn, text: str) -> bytes:
    """The text with lines dropped, doubled, cut, moved, or others put between them."""
    lines = text.split("\n")
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(lines) - 1))
        what = draw(st.sampled_from(("drop", "double", "cut", "splice", "truncate", "swap")))
        if what == "drop" and len(lines) > 1:
            del lines[at]
        elif what == "double":
            lines.insert(at, lines[at])
        elif what == "cut":
            lines[at] = lines[at][: draw(st.integers(0, len(lines[at])))]
        elif what == "splice":
            lines.insert(at, draw(st.sampled_from(_SPLICED) | st.text(max_size=20)))
        elif what == "truncate":
            lines = lines[: at + 1]
        elif what == "swap":
            other = draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
    indent = draw(st.sampled_from(("", "    ", "> ", "\t")))
    ending = draw(st.sampled_from(("\n", "\r\n")))
    return ending.join(indent + line for line in lines).encode("utf-8", "surrogatepass")
