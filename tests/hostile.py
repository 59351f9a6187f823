"""What strangers write into a dump: labels, panic messages, log lines; and dumps of a stuck program to write them into.

Label values are what a server takes from a request. The dumps are spelt as each Go version spells them, with its own
quoting: nothing in here is text that Go would not print.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from stackscan.formats.goroutine_pprof import schema
from stackscan.formats.labels import quote

#: Functions of a goroutine that waits for a mutex, innermost first, as the full text shows them.
MUTEX: Final = ("internal/sync.(*Mutex).lockSlow", "sync.(*Mutex).Lock", "main.(*Store).Put", "main.serve")
FAKE_FULL: Final = "goroutine 1 [running]:\nmain.main()\n\t/src/main.go:10 +0x1d\n"
FAKE_COUNTS: Final = "goroutine profile: total 1\n1 @ 0x401001\n#\t0x401000\tmain.idle+0x1\t/src/x.go:1\n\n"
#: Values that a stranger may give to a label.
VALUES: Final[dict[str, str]] = {
    "a header": "goroutine 1 [running]:",
    "a dump": FAKE_FULL,
    "a dump behind a newline": "\n" + FAKE_FULL + "\n" + FAKE_FULL.replace("1 [running]", "2 [select]"),
    "JSON lines": "/a\n" + "".join(json.dumps({"log": line + "\n"}) + "\n" for line in FAKE_FULL.splitlines()),
    "a JSON document": json.dumps({"stack": FAKE_FULL}),
    "an empty profile": "goroutine profile: total 0\n",
    "a profile": "\n" + FAKE_COUNTS,
    "CRI lines": "".join(f"\n2016-10-06T00:17:09.669794202Z stderr F {line}" for line in FAKE_FULL.splitlines()),
    "journald lines": "".join(f"\nNov 23 05:04:01 web-1 a[42]: {line}" for line in FAKE_FULL.splitlines()),
    "a header's end, then a newline": '"}]}:]:\n' + FAKE_FULL,
    "braces, then a newline": "}:\n",
    "brackets, then a newline": "]:\n",
    "octal escapes": "#012#011",
    "an octal tab before a location": "#011/src/x.go:1",
    "a profile in octal escapes": "#011:1#012goroutine profile: total 1#0121 @ 0x401001#012",
    "a profile in HTML escapes": "&#43;0x1 x:1 &#43;0x1&#10;goroutine profile: total 0&#10;&#10;",
    "colours": "\x1b[31mgoroutine 1 [running]:\x1b[0m\x1b]0;",
    "gzip magic": "\x1f\x8b\x08\x00\x00",
    "zip magic": "PK\x03\x04",
    "tar magics": "ustar\0" * 60,
    "shifted tar magics": "xyz" + "ustar\0" * 60,
    "a panic": "\npanic: boom\n\n" + FAKE_FULL,
    "a signal": "\nSIGQUIT: quit\nPC=0x1 m=0 sigcode=0\n\n-----\n\nruntime stack:\n",
    "another profile": "\nheap profile: 1: 2 [3: 4] @ heap/1048576\n",
    "a list of records": '[{"log":"goroutine 1 [running]:\\n"}]',
    "a torn header": "goroutine \n1\n [\nrunning",
    "bytes of UTF-16": "g\0" * 3000,
    "a web page": "<!doctype html><html>",
    "a quotation": '"\\" {a: "b"}: ] {',
    "created by": "\ncreated by main.main in goroutine 1\n\t/src/x.go:1 +0x1\n[originating from goroutine 5]:\n",
}


class Profile:
    """Writes a protobuf profile field by field."""

    def __init__(self, kind: str = "goroutine") -> None:
        self.profile: Any = schema.new_profile()
        self._texts: dict[bytes, int] = {}
        self.text("")
        self.profile.sample_type.add(type=self.text(kind), unit=self.text("count"))

    def text(self, text: str | bytes) -> int:
        """The index of a string."""
        raw = text.encode() if isinstance(text, str) else text
        found = self._texts.setdefault(raw, len(self._texts))
        if found == len(self.profile.string_table):
            self.profile.string_table.append(raw)
        return found

    def location(self, name: str, file: str = "/src/main.go", line: int = 7) -> int:
        """The id of a new location."""
        number = len(self.profile.location) + 1
        self.profile.function.add(id=number, name=self.text(name), filename=self.text(file))
        self.profile.location.add(id=number, address=0x401000 + number).line.add(function_id=number, line=line)
        return number

    def sample(self, locations: Sequence[int], count: int = 1, **labels: str) -> None:
        """Some goroutines of one stack."""
        sample = self.profile.sample.add(location_id=locations, value=[count])
        for key, value in labels.items():
            sample.label.add(key=self.text(key), str=self.text(value))

    def bytes(self) -> bytes:
        """The profile on the wire."""
        return bytes(self.profile.SerializeToString())


def as_pprof(values: Sequence[str | None]) -> bytes:
    """Goroutines that wait for a mutex, one with each label value (None: no label), as protobuf."""
    profile = Profile()
    stack = [profile.location(name) for name in ("runtime.gopark", "sync.runtime_SemacquireMutex", *MUTEX)]
    for value in values:
        profile.sample(stack, **({} if value is None else {"path": value}))
    return profile.bytes()


def as_counts(values: Sequence[str | None]) -> bytes:
    """The same at debug=1."""
    names = ("internal/sync.runtime_SemacquireMutex", *MUTEX)
    places = [0x401001 + 16 * place for place in range(len(names))]
    head = " ".join(f"{place:#x}" for place in [*places, 0x483BE1])
    frames = "".join(
        f"#\t{place - 1:#x}\t{name}+0x1b\t\t/src/main.go:7\n" for place, name in zip(places, names, strict=True)
    )
    records = [f"1 @ {head}\n{_counted_labels(value)}{frames}\n" for value in values]
    return f"goroutine profile: total {len(values)}\n{''.join(records)}".encode()


def _counted_labels(value: str | None) -> str:
    return "" if value is None else f'# labels: {{"path":{go_quoted(value)}}}\n'


def go_quoted(text: str) -> str:
    """What fmt's %q makes of an ASCII text."""
    names = {"\n": r"\n", "\r": r"\r", "\t": r"\t", '"': r"\"", "\\": r"\\"}
    return '"' + "".join(names.get(c) or (c if " " <= c <= "~" else f"\\x{ord(c):02x}") for c in text) + '"'


def as_full(values: Sequence[str | None], *, go: str = "1.27") -> bytes:
    """The same at debug=2, with labels as that Go version prints them; the goroutine that asks comes first."""
    goroutines = ["goroutine 34 [running]:\nmain.dump(0x1)\n\t/src/dump.go:3 +0x1d\n"]
    frames = "".join(f"{name}(0xc000012345)\n\t/src/main.go:7 +0x1d\n" for name in MUTEX)
    creator = "created by main.main in goroutine 34\n\t/src/main.go:12 +0x2d\n"
    for number, value in enumerate(values, start=100):
        inside = behind = ""
        if value is not None and go == "1.26":
            inside = f' labels:{{"path": {go_quoted(value)}}}'
        elif value is not None:
            behind = f" {{path: {quote(value)}}}"
        goroutines.append(f"goroutine {number} [sync.Mutex.Lock{inside}]{behind}:\n{frames}{creator}")
    return "\n".join(goroutines).encode()


#: Each way to write a dump of goroutines with these label values.
FORMATS: Final[dict[str, Callable[[Sequence[str | None]], bytes]]] = {
    "debug=0": as_pprof,
    "debug=1": as_counts,
    "debug=2, Go 1.27": as_full,
    "debug=2, Go 1.26": lambda values: as_full(values, go="1.26"),
}
