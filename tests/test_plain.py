"""A text that is nothing but a dump is read without a look for wrappers and other tools: nothing may be missed."""

from __future__ import annotations

import importlib
import sys

import pytest

from helpers import DUMP, FIXTURES
from stackscan.formats import regions
from stackscan.formats.plain import is_plain
from stackscan.formats.regions import TOOLS, Region, load
from stackscan.sources.logs import unwrap

_TEXTS = sorted(path for path in FIXTURES.rglob("*") if path.is_file() and path.stat().st_size < 1 << 18)
_ONE = "goroutine 1 [running]:\nmain.main()\n\t/src/main.go:7 +0x1d\n"
_TWO = """\
goroutine 2 gp=0xc000002380 m=nil [IO wait, 3 minutes]:
net.(*conn).Read(0xc0000a2000, {0x1, 0x2, ...})
\t/src/net.go:7 +0x1d fp=0xc1 sp=0xc2 pc=0xc3
created by main.main in goroutine 1
\t/src/main.go:8 +0x2
"""


def test_what_is_plain_has_no_wrapper_and_no_report_of_a_tool() -> None:
    """Over all fixtures: what the long way finds in a plain text is one region of it, and nothing around it."""
    plain = [path for path in _TEXTS if is_plain(path.read_bytes())]
    for path in plain:
        data = path.read_bytes()
        assert unwrap(data) is None, path
        found = [span for package in TOOLS for span in load(package).spans(data)]
        assert [] == found, path
        assert [Region(0, data)] == regions.regions(data), path
    assert 300 < len(plain) < len(_TEXTS)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (_ONE, True),
        (f"{_ONE}\n{_TWO}\n", True),
        (f"\n{_ONE}\n\n{_TWO}", True),
        (f"panic: no such thing (errno 5)\n\n{_ONE}exit status 2\n", True),
        (f"fatal error: all goroutines are asleep - deadlock!\n\n{_ONE}", True),
        (f"SIGQUIT: quit\nPC=0x4 m=0 sigcode=0\n\n{_TWO}\nrax    0x0\nrip    0x48f1a3\n", True),
        (f"{_ONE}...additional frames elided...\n", True),
        (_ONE.removesuffix("\n"), False),  # a text that may be cut
        (f"2026-01-02 {_ONE}", False),
        (_ONE.replace("\n", "\r\n"), False),
        (_ONE.replace("\n", "\\n"), False),
        (_ONE + " ", False),
        (f"{_ONE}some words\n", False),
        (f"{_ONE}\nmain.f\n\t/src/x.go:3\n", False),  # pkg/errors prints such stacks
        (f'panic: {{"stack": "main.go"}}\n\n{_ONE}', False),
        (f"panic: at x.go:3\n\n{_ONE}", False),
        (_ONE.replace("running]", 'running] {"a": "b"}'), False),
        (_ONE.replace("main.main()", "main.main(…)"), False),
        (_ONE.replace("main.main()", "main.main(0x1) other words"), False),
        ("goroutine 1 [running]:\n", False),
        ("", False),
        (_ONE * 5000, False),
    ],
)
def test_only_whole_goroutines_and_messages_are_plain(text: str, plain: bool) -> None:
    """Whatever else there is goes the long way, and so does what is large."""
    assert plain == is_plain(text.encode())


@pytest.mark.parametrize("package", TOOLS)
def test_a_tool_is_loaded_for_its_own_marks(package: str) -> None:
    """The list by which tools are loaded says what their packages say."""
    assert load(package).MARKS == TOOLS[package]


@pytest.mark.parametrize("block", [1, 7, 1 << 18])
def test_every_line_of_a_large_text_is_looked_at(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that no dump has is found wherever it stands, also where a block of the search ends."""
    monkeypatch.setattr(regions, "_BLOCK", block)
    assert regions._is_bare_dump(DUMP.encode())
    lines = DUMP.split("\n")
    for place in range(len(lines)):
        assert not regions._is_bare_dump("\n".join([*lines[:place], "== DATA", *lines[place:]]).encode())


@pytest.mark.parametrize("loaded", [True, False])
def test_an_unusual_line_is_seen_with_numpy_and_without(monkeypatch: pytest.MonkeyPatch, loaded: bool) -> None:
    """Numpy is used where it is loaded, and an expression where it is not: both look at the first byte of each line."""
    if loaded:
        importlib.import_module("numpy")
    else:
        monkeypatch.delitem(sys.modules, "numpy", raising=False)
    for byte in range(256):
        begins = bytes([byte])
        usual = begins in b"\n\t\r." or (byte >= ord("a") and begins not in b"{|}~")
        assert usual == regions._all_begin_usually(b"main.f\n" + begins + b"\n")
        assert usual == regions._all_begin_usually(begins + b"\nmain.f\n")
        assert ("numpy" in sys.modules) == loaded
