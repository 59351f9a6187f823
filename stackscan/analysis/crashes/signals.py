"""Signals by name, number and code (sigaction(2), runtime/signal_unix.go, runtime/signal_windows.go)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_BRACKET: Final = re.compile(
    r"\[signal (?P<name>SIG[A-Z0-9]+|0x[0-9a-f]+|\d+)(?:: (?P<text>[\w ()/-]+?))?(?: code=(?P<code>0x[0-9a-f]+))?"
    r"(?: addr=(?P<address>0x[0-9a-f]+))?(?: pc=0x[0-9a-f]+)?\]"
)
_PLAIN: Final = re.compile(r"(?P<name>SIG[A-Z0-9]+): (?P<text>[\w ()/-]+)")
_WINDOWS: Final = re.compile(r"Exception (?P<name>0x[0-9a-f]+)(?: 0x[0-9a-f]+ (?P<address>0x[0-9a-f]+))?")
_DETAIL: Final = re.compile(r"PC=0x[0-9a-f]+(?: m=\d+)?(?: sigcode=(?P<code>\d+))?(?: addr=(?P<address>0x[0-9a-f]+))?")
#: Go up to 1.7 prints the number alone.
_BY_NUMBER: Final = {4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 11: "SIGSEGV"}
_EXCEPTIONS: Final = {
    "0xc0000005": "access violation",
    "0xc0000094": "integer divide by zero",
    "0xc000001d": "illegal instruction",
    "0xc00000fd": "stack overflow",
    "0x80000003": "breakpoint",
}
_CODES: Final = {
    ("SIGSEGV", 1): "no memory is mapped there",
    ("SIGSEGV", 2): "the memory may not be used like that",
    ("SIGSEGV", 128): "no valid address",
    ("SIGBUS", 1): "misaligned address",
    ("SIGBUS", 2): "no memory behind the address: a mapped file became shorter, or shared memory ran out",
    ("SIGBUS", 3): "hardware error",
    ("SIGFPE", 1): "integer divided by zero",
    ("SIGFPE", 2): "integer overflow",
    ("SIGILL", 1): "no such instruction",
    ("SIGILL", 2): "no such operand",
}
#: Codes of signals that a program sent: kill, sigqueue, tkill (raise and abort).
_SENT: Final = frozenset({0, -1, -6})
_TKILL: Final = -6


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal: its ``name``, the system's ``text`` for it, its code, and the address that it is about."""

    name: str
    text: str
    code: int | None = None
    address: int | None = None

    @property
    def was_sent(self) -> bool:
        """Whether a program sent it, this one or another: the processor did not raise it."""
        return self.code in _SENT and not self.name.startswith("0x")

    @property
    def title(self) -> str:
        """``SIGSEGV (segmentation violation)``."""
        return f"{self.name} ({self.text})" if self.text else self.name

    @property
    def sent(self) -> str:
        """How the process came to it, as the rest of a sentence."""
        if self.code == _TKILL:
            return " was raised by the process itself (abort or raise)"
        return " was sent to the process" if self.was_sent else " ended the process"

    @property
    def detail(self) -> str:
        """``SIGSEGV (segmentation violation), code 1 (no memory is mapped there), address 0x8``."""
        parts = [self.title]
        if self.code is not None:
            means = "sent by kill" if self.code == 0 else _CODES.get((self.name, self.code), "")
            parts.append(f"code {self.code}" + (f" ({means})" if means else ""))
        if self.address is not None and not self.was_sent:
            parts.append(f"address {self.address:#x}")
        return ", ".join(parts)


def read_signal(message: Sequence[str]) -> Signal | None:
    """The signal that a message names; None where there is none."""
    found: Signal | None = None
    for line in message:
        match = _BRACKET.match(line) or _PLAIN.match(line) or _WINDOWS.match(line)
        if match is not None and found is None:
            groups = match.groupdict()
            found = _signal(groups["name"], groups.get("text") or "", groups.get("code"), groups.get("address"))
        elif found is not None and (detail := _DETAIL.match(line)) is not None:
            return _signal(found.name, found.text, detail["code"], detail["address"])
    return found


def _signal(name: str, text: str, code: str | None, address: str | None) -> Signal:
    number = None if code is None else int(code, 0)
    if number is not None and number >= 1 << 63:
        number -= 1 << 64
    if name.startswith("0x") and len(name) > 4:
        name, text = f"Exception {name}", _EXCEPTIONS.get(name, "")
    elif not name.startswith("SIG"):
        value = int(name, 0)
        name = _BY_NUMBER.get(value, f"signal {value}")
    return Signal(name, text, number, None if address is None else int(address, 16))
