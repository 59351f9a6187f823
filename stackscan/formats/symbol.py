"""Function symbols taken apart, whose code a frame is (the standard library's, a module's, the program's), and which
frame of a stack to look at first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final, Literal

from stackscan.formats.grammars import Grammar
from stackscan.model.snapshot import Frame, Stack

Kind = Literal["std", "module", "main"]

_GRAMMAR: Final = Grammar("symbol", "symbol")
#: First elements of the standard library's import paths, Go 1.4 to 1.27 (vendor: the packages it vendors).
_STD: Final = frozenset(
    "archive bufio builtin bytes cmp compress container context crypto database debug embed encoding errors expvar "
    "flag fmt go hash html image index internal io iter log maps math mime net os path plugin reflect regexp runtime "
    "runtime_1pprof simd slices sort strconv strings structs sync syscall testing text time unicode unique unsafe "
    "vendor weak".split()
)
#: What a module cache's folder ends with, and vendored code's.
_ROOTS: Final = ("/pkg/mod/", "/vendor/")
#: A part of a name chain that no method bears: closures, wrappers, numbered parts.
_NO_METHOD: Final = re.compile(r"(?:(?:func|gowrap|deferwrap)?\d+|init|glob)(?:-range\d+)*\Z|func·\d+\Z|\Z")
#: Bytes of an import path that the linker escapes.
_PERCENT: Final = re.compile(r"(?:%[0-9a-f]{2})+")
_CLOSURE: Final = re.compile(r"\.func\d+")
#: Distinct stacks whose frame is kept for the next capture.
_STACKS: Final = 1 << 13
_RUNTIME: Final = ("runtime.", "internal/runtime/", "internal/poll.", "internal/sync.", "sync.runtime_")
_MOST_ELEMENTS: Final = 16  # of an import path that belong to its module's
#: One part of a name chain; empty between two dots (`glob..func1`).
_PART: Final = re.compile(r"((?:[^.\[]|\[[^\]]*\]?)*)(?:\.|\Z)")


@dataclass(frozen=True, slots=True)
class Symbol:
    """``net/http.(*conn).serve.func1``: import path ``net/http`` ("" for none: ``panic``, C functions), receiver
    ``*conn`` (None for functions), name ``serve.func1``."""

    package: str
    receiver: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Origin:
    """The owner of a frame's code; ``module`` and ``version`` where the path says them (``boxo@v0.38.0/…``)."""

    kind: Kind
    module: str | None = None
    version: str | None = None


def unescape_path(symbol: str) -> str:
    """``gopkg.in/yaml%2ev3.Decode`` → ``gopkg.in/yaml.v3.Decode`` (cmd/internal/objabi.PathToPrefix, reversed)."""
    if "%" not in symbol:
        return symbol
    return _PERCENT.sub(lambda m: bytes.fromhex(m.group().replace("%", "")).decode("utf-8", "replace"), symbol)


#: A function of a package, as most are: its parts need no look at how names may be made.
_SIMPLE: Final = re.compile(r'(?!type[:.])((?:[^\s/(\["{]+/)*[^\s./(\["{*]+)\.(\w+)')


@cache
def _symbol() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """The rules of the grammar, made of its terminals, in the order in which its lexer tries them. Once a terminal has
    matched it stays as it is: a package before a pointer receiver is no other package."""
    special, pointer_package, package, pointer, chain = (
        f"(?>{_GRAMMAR.terminal(name).pattern})"
        for name in ("SPECIAL", "POINTER_PACKAGE", "PACKAGE", "POINTER", "CHAIN")
    )
    rules = special, pointer_package, rf"({pointer_package})\.({pointer})\.({chain})", rf"(?:({package})\.)?({chain})"
    first, second, third, fourth = map(re.compile, rules)
    return first, second, third, fourth


@lru_cache(maxsize=1 << 18)
def read_symbol(text: str) -> Symbol:
    """The parts of a symbol. A text that is no symbol is a name without package."""
    if (simple := _SIMPLE.fullmatch(text)) is not None:
        return Symbol(simple[1], None, simple[2])
    special, pointer_package, method, other = _symbol()
    of_pointer = pointer_package.match(text) is not None
    found = None if special.fullmatch(text) else (method if of_pointer else other).fullmatch(text)
    if found is None:
        return Symbol("", None, text)
    package, name = found[1] or "", found[3 if of_pointer else 2]
    receiver = found[2].strip("()") if of_pointer else None
    path, slash, last = package.rpartition("/")
    last, dot, function = last.partition(".")
    if receiver is not None and dot and _CLOSURE.search(name):
        # A closure that was inlined into a function: ``main.New.(*T).start.func1``. The last element of an import path
        # has its dots escaped.
        return Symbol(f"{path}{slash}{last}", None, f"{function}.({receiver}).{name}")
    first, *others = _PART.findall(name)
    if package and receiver is None and others and not any(map(_NO_METHOD.match, (first, others[0]))):
        receiver, name = first, name.removeprefix(first + ".")
    return Symbol(package, receiver, name)


@lru_cache(maxsize=1 << 18)
def origin(frame: Frame) -> Origin:
    """The owner of a frame's code, by its import path and its file."""
    package = read_symbol(frame.function).package
    first = package.partition("/")[0]
    if is_std(package) or not package:
        return Origin("std")
    path, has_version, rest = frame.file.replace("\\", "/").partition("@v")
    if has_version and path:
        return Origin("module", _module(path, package), "v" + rest.partition("/")[0])
    return Origin("module", None, None) if "." in first else Origin("main")


def is_std(package: str) -> bool:
    """Whether an import path is the standard library's."""
    return package.partition("/")[0] in _STD


def _module(path: str, package: str) -> str:
    """The module in ``/modcache/github.com/!data!dog/x``, without the cache's folder and with capitals restored."""
    path = re.sub(r"!([a-z])", lambda match: match[1].upper(), path)
    parts = package.split("/")[:_MOST_ELEMENTS]
    for length in range(len(parts), 0, -1):
        module = "/".join(parts[:length])
        if path == module or path.endswith("/" + module):
            return module
    for root in _ROOTS:
        path = path.rpartition(root)[2]
    return path.lstrip("/")


@lru_cache(maxsize=_STACKS)
def deciding_frame(stack: Stack) -> int:
    """The frame to look at first where no rule decides: the innermost outside the standard library, else outside the
    runtime, else the innermost."""
    own = (index for index, frame in enumerate(stack.frames) if origin(frame).kind != "std")
    outside = (index for index, function in enumerate(stack.functions) if not function.startswith(_RUNTIME))
    return next(own, next(outside, 0))


def outside_runtime(frame: int, stack: Stack) -> int:
    """The frame that decided, unless it is the runtime's own (``runtime.gopark``): nobody can look there."""
    within = stack.frames and stack.functions[frame].startswith(("runtime.", "internal/runtime/"))
    return deciding_frame(stack) if within else frame
