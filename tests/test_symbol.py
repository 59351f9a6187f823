"""Function symbols taken apart, and whose code a frame is."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import FIXTURES, index
from stackscan import formats
from stackscan.formats.grammars import Grammar, tokens_of
from stackscan.formats.symbol import Origin, Symbol, origin, read_symbol
from stackscan.model.snapshot import Frame


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("main.main", Symbol("main", None, "main")),
        ("net/http.(*conn).serve", Symbol("net/http", "*conn", "serve")),
        ("net/http.(*conn).serve.func1", Symbol("net/http", "*conn", "serve.func1")),
        ("net/http.HandlerFunc.ServeHTTP", Symbol("net/http", "HandlerFunc", "ServeHTTP")),
        ("github.com/ipfs/boxo/bitswap/server.(*Server).taskWorker",
         Symbol("github.com/ipfs/boxo/bitswap/server", "*Server", "taskWorker")),
        ("github.com/x/y/v2.F", Symbol("github.com/x/y/v2", None, "F")),
        ("gopkg.in/yaml.v3.(*Decoder).Decode", Symbol("gopkg.in/yaml.v3", "*Decoder", "Decode")),
        ("gopkg.in/yaml.v3.Unmarshal", Symbol("gopkg.in/yaml.v3", None, "Unmarshal")),
        ("main.(*Pair[...]).Wait.func1", Symbol("main", "*Pair[...]", "Wait.func1")),
        ("main.Map[...].func1", Symbol("main", None, "Map[...].func1")),
        ("main.Map[go.shape.int,go.shape.string]", Symbol("main", None, "Map[go.shape.int,go.shape.string]")),
        ("main.Set[...].Add", Symbol("main", "Set[...]", "Add")),
        ("main.F[go.shape.struct { x/y.z }]", Symbol("main", None, "F[go.shape.struct { x/y.z }]")),
        ("main.main.func2.1", Symbol("main", None, "main.func2.1")),
        ("main.main.gowrap1", Symbol("main", None, "main.gowrap1")),
        ("main.main.deferwrap2", Symbol("main", None, "main.deferwrap2")),
        ("main.glob..func1", Symbol("main", None, "glob..func1")),
        ("main.init.0", Symbol("main", None, "init.0")),
        ("main.init.func1", Symbol("main", None, "init.func1")),
        ("main.(*T).Run-fm", Symbol("main", "*T", "Run-fm")),
        ("main.T.Run-fm", Symbol("main", "T", "Run-fm")),
        ("main.func·001", Symbol("main", None, "func·001")),
        ("net/http.func·011", Symbol("net/http", None, "func·011")),
        ("main.main..func1", Symbol("main", None, "main..func1")),
        ("panic", Symbol("", None, "panic")),
        ("crosscall2", Symbol("", None, "crosscall2")),
        ("type:.eq.main.T", Symbol("", None, "type:.eq.main.T")),
        ("type..eq.main.T", Symbol("", None, "type..eq.main.T")),
        ("go:struct { a.b }.F", Symbol("", None, "go:struct { a.b }.F")),
        ("github.com/nats-io/nats.go.(*Conn).Flush", Symbol("github.com/nats-io/nats.go", "*Conn", "Flush")),
        ("github.com/nats-io/nats.go.(*Queue[...]).pop",
         Symbol("github.com/nats-io/nats.go", "*Queue[...]", "pop")),
        ("", Symbol("", None, "")),
    ],
)  # fmt: skip
def test_a_symbol_is_package_receiver_and_name(text: str, expected: Symbol) -> None:
    """Import path, receiver and name come apart, over closures, wrappers, generics, and names of Go 1.4 and gccgo."""
    assert expected == read_symbol(text)


def _tokens(text: str) -> tuple[str, str, str]:
    """Package, pointer and the rest as the grammar's own tree has them; a text that it refuses is all rest."""
    tree = Grammar("symbol", "symbol").parse(text, "symbol")
    tokens = {"SPECIAL": text} if tree is None else tokens_of(tree)
    package = tokens.get("PACKAGE") or tokens.get("POINTER_PACKAGE", "")
    return package, tokens.get("POINTER", "").strip("()"), tokens.get("SPECIAL") or tokens.get("CHAIN", "")


@given(
    st.one_of(
        st.text(max_size=40),
        st.text(alphabet='abT/.()*[]-{" vfunc1', max_size=24),
        st.lists(
            st.sampled_from(
                (
                    "type:.eq.a",
                    "type..hash.b/c",
                    "a/b",
                    "main",
                    "gopkg.in/yaml",
                    ".v3",
                    ".",
                    "(*T",
                    "[...]",
                    ")",
                    "*T",
                    "func1",
                    "type:.eq.",
                    "go.struct {",
                )
            ),
            max_size=7,
        ).map("".join),
    )
)
def test_the_expressions_read_what_the_grammar_reads(text: str) -> None:
    """No token differs: the parts of a symbol make up what the tree's tokens do."""
    package, pointer, rest = _tokens(text)
    found = read_symbol(text)
    if found.package == package or not pointer:
        assert package == found.package
        assert rest == (f"{found.receiver}.{found.name}" if found.receiver and not pointer else found.name)
        assert not pointer or pointer == found.receiver
    else:  # a closure that was inlined into a function: part of what stands before the pointer is that function's name
        assert f"{package}.({pointer}).{rest}" == f"{found.package}.{found.name}"


@given(st.one_of(st.text(max_size=80), st.text(alphabet="ab./()[]*{}·- \n\0", max_size=40)))
def test_any_text_is_some_symbol(text: str) -> None:
    """Reading a symbol never raises, gives plain strings, and loses no letter of the name."""
    symbol = read_symbol(text)
    assert type(symbol.package) is str
    assert type(symbol.name) is str
    assert symbol.receiver is None or type(symbol.receiver) is str
    assert text.endswith(symbol.name)
    assert text.startswith(symbol.package)


@given(st.text(max_size=60), st.text(max_size=80))
def test_any_frame_has_some_origin(function: str, file: str) -> None:
    """Whose code a frame is can be asked of any names."""
    assert origin(Frame(function, file, 1)).kind in ("std", "module", "main")


_BOXO = Origin("module", "github.com/ipfs/boxo", "v0.39.0")


@pytest.mark.parametrize(
    ("function", "file", "expected"),
    [
        ("net/http.(*conn).serve", "/usr/local/go/src/net/http/server.go", Origin("std")),
        ("net/http.(*conn).serve", "net/http/server.go", Origin("std")),
        ("net/http.(*conn).serve", "C:/Program Files/Go/src/net/http/server.go", Origin("std")),
        ("net/http.(*conn).serve",
         "/root/go/pkg/mod/golang.org/toolchain@v0.0.1-go1.25.5.linux-amd64/src/net/http/server.go", Origin("std")),
        ("vendor/golang.org/x/net/http2.F", "/usr/local/go/src/vendor/golang.org/x/net/http2/x.go", Origin("std")),
        ("panic", "/usr/local/go/src/runtime/panic.go", Origin("std")),
        ("crosscall2", "/usr/local/go/src/runtime/cgo/asm_amd64.s", Origin("std")),
        ("main.main", "/src/app/main.go", Origin("main")),
        ("acme/store.(*Cache).Get", "/src/acme/store/cache.go", Origin("main")),
        ("netx.F", "/src/netx/x.go", Origin("main")),
        ("github.com/ipfs/boxo/bitswap.F", "github.com/ipfs/boxo@v0.39.0/bitswap/x.go", _BOXO),
        ("github.com/ipfs/boxo/bitswap.F", "/root/go/pkg/mod/github.com/ipfs/boxo@v0.39.0/bitswap/x.go", _BOXO),
        ("github.com/ipfs/boxo/bitswap.F", "C:/Users/me/go/pkg/mod/github.com/ipfs/boxo@v0.39.0/bitswap/x.go", _BOXO),
        ("github.com/DataDog/x.F", "/go/pkg/mod/github.com/!data!dog/x@v1.2.3/x.go",
         Origin("module", "github.com/DataDog/x", "v1.2.3")),
        ("github.com/a/b/v2.F", "/go/pkg/mod/github.com/a/b/v2@v2.3.4-0.20240101000000-abcdefabcdef/x.go",
         Origin("module", "github.com/a/b/v2", "v2.3.4-0.20240101000000-abcdefabcdef")),
        ("github.com/a/b.F", "/go/pkg/mod/github.com/a/b@v1.2.3+incompatible/x.go",
         Origin("module", "github.com/a/b", "v1.2.3+incompatible")),
        ("golang.org/x/net/http2.F", "/src/app/vendor/golang.org/x/net/http2/x.go", Origin("module")),
        ("github.com/a/b.F", "/home/me/src/github.com/a/b/x.go", Origin("module")),
    ],
)  # fmt: skip
def test_a_frame_belongs_to_the_standard_library_a_module_or_the_program(
    function: str, file: str, expected: Origin
) -> None:
    """The import path tells whose code it is, the file which version, where the path says so."""
    assert expected == origin(Frame(function, file, 1))


def test_a_module_cache_may_lie_anywhere() -> None:
    """GOMODCACHE can point to any folder, and does in CI; it is not part of the module's name."""
    assert _BOXO == origin(
        Frame("github.com/ipfs/boxo/bitswap.F", "/modcache/github.com/ipfs/boxo@v0.39.0/bitswap/x.go", 1)
    )


def test_windows_paths_name_modules_too() -> None:
    """A path with backslashes tells the module and its version like one with slashes."""
    file = r"C:\Users\me\go\pkg\mod\github.com\ipfs\boxo@v0.39.0\bitswap\x.go"
    assert _BOXO == origin(Frame("github.com/ipfs/boxo/bitswap.F", file, 1))


@pytest.mark.parametrize(
    "name",
    [f"{go}/{program}.txt" for go in ("go1.19", "go1.27", "gccgo12") for program in ("deep", "frames", "states")],
)
def test_symbols_of_real_dumps_come_apart(name: str) -> None:
    """Every symbol that a Go runtime printed has a name, and its parts stand in it in order."""
    path = FIXTURES / "go" / name
    if name not in index("go"):
        path = path.with_suffix(".txt.gz")
    if not path.exists():
        pytest.skip(f"this version prints no {name}")
    data = path.read_bytes()
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    for snapshot in formats.read(data, where=name):
        for function in {function for stack in snapshot.stacks for function in stack.functions}:
            symbol = read_symbol(function)
            assert symbol.name
            assert function.startswith(symbol.package)
            assert function.endswith(symbol.name)
