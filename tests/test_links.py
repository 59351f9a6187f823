"""Links from frames to their source: the exact line of the exact version, and nowhere else."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import ANSI, FIXTURES, GOLDEN, ROOT, assert_refused, captures, environment, golden, run, run_on_terminal
from stackscan.errors import UsageError
from stackscan.formats.contents import read_source
from stackscan.golang.reader import Reader
from stackscan.golang.roots import Sources
from stackscan.model.snapshot import Frame
from stackscan.pipeline import examine, scan
from stackscan.redaction import Redaction
from stackscan.render.pieces import OffScreen, Screen
from stackscan.render.text import report
from stackscan.report.links import HOSTS, Links, links_of
from stackscan.report.links.editors import EDITORS, read_editor
from stackscan.report.links.releases import folder_release, release_tag

_CACHE: Final = "/root/go/pkg/mod"
_GITHUB: Final = "https://github.com"
_LINK: Final = re.compile(r"\x1b\]8;;([^\x1b]*)\x1b\\")


def _url(file: str, function: str = "example.com/p.F", line: int = 7, go_version: str | None = None) -> str | None:
    return Links((), go_version).url(Frame(function, file, line))


@pytest.mark.parametrize(
    ("file", "url"),
    [
        ("github.com/ipfs/boxo@v0.38.0/bitswap/server/server.go", "ipfs/boxo/blob/v0.38.0/bitswap/server/server.go"),
        (f"{_CACHE}/github.com/!burnt!sushi/toml@v1.2.1/lex.go", "BurntSushi/toml/blob/v1.2.1/lex.go"),
        (r"C:\Users\me\go\pkg\mod\github.com\rs\cors@v1.11.1\cors.go", "rs/cors/blob/v1.11.1/cors.go"),
        ("github.com/libp2p/go-yamux/v5@v5.0.1/stream.go", "libp2p/go-yamux/blob/v5.0.1/stream.go"),
        ("github.com/ipld/go-car/v2@v2.13.1/car.go", "ipld/go-car/blob/v2.13.1/v2/car.go"),
        ("github.com/hashicorp/vault/api@v1.9.2/client.go", "hashicorp/vault/blob/api/v1.9.2/api/client.go"),
        ("github.com/o/r/sub/v3@v3.1.0/x.go", "o/r/blob/sub/v3.1.0/sub/x.go"),
        ("github.com/docker/docker@v24.0.7+incompatible/client/x.go", "docker/docker/blob/v24.0.7/client/x.go"),
        (
            "github.com/syndtr/goleveldb@v1.0.1-0.20220721030215-126854af5e6d/leveldb/db.go",
            "syndtr/goleveldb/blob/126854af5e6d/leveldb/db.go",
        ),
        ("golang.org/x/net@v0.53.0/http2/server.go", "golang/net/blob/v0.53.0/http2/server.go"),
        ("golang.org/x/tools/gopls@v0.16.0/main.go", "golang/tools/blob/gopls/v0.16.0/gopls/main.go"),
        ("golang.org/x/exp@v0.0.0-20240719175910-8a7402abbf56/maps/x.go", "golang/exp/blob/8a7402abbf56/maps/x.go"),
        ("google.golang.org/grpc@v1.70.0/server.go", "grpc/grpc-go/blob/v1.70.0/server.go"),
        ("google.golang.org/protobuf@v1.36.0/proto/x.go", "protocolbuffers/protobuf-go/blob/v1.36.0/proto/x.go"),
        (
            "go.opentelemetry.io/contrib/bridges/otelslog@v0.13.0/handler.go",
            "open-telemetry/opentelemetry-go-contrib/blob/bridges/otelslog/v0.13.0/bridges/otelslog/handler.go",
        ),
        ("go.opentelemetry.io/otel@v1.38.0/trace.go", "open-telemetry/opentelemetry-go/blob/v1.38.0/trace.go"),
        ("go.uber.org/zap@v1.27.0/logger.go", "uber-go/zap/blob/v1.27.0/logger.go"),
        (
            "go.opencensus.io@v0.24.0/stats/view/worker.go",
            "census-instrumentation/opencensus-go/blob/v0.24.0/stats/view/worker.go",
        ),
        ("k8s.io/client-go@v0.35.0/tools/cache/x.go", "kubernetes/client-go/blob/v0.35.0/tools/cache/x.go"),
        ("k8s.io/klog/v2@v2.130.1/klog.go", "kubernetes/klog/blob/v2.130.1/klog.go"),
        (
            "sigs.k8s.io/kustomize/kustomize/v5@v5.4.2/x.go",
            "kubernetes-sigs/kustomize/blob/kustomize/v5.4.2/kustomize/x.go",
        ),
        ("sigs.k8s.io/controller-runtime@v0.20.0/x.go", "kubernetes-sigs/controller-runtime/blob/v0.20.0/x.go"),
        ("cloud.google.com/go@v0.118.0/x.go", "googleapis/google-cloud-go/blob/v0.118.0/x.go"),
        ("cloud.google.com/go/storage@v1.50.0/x.go", "googleapis/google-cloud-go/blob/storage/v1.50.0/storage/x.go"),
        ("cloud.google.com/go/pubsub/v2@v2.0.0/x.go", "googleapis/google-cloud-go/blob/pubsub/v2.0.0/pubsub/v2/x.go"),
        ("go.etcd.io/etcd/server/v3@v3.5.9/x.go", "etcd-io/etcd/blob/server/v3.5.9/server/x.go"),
        ("go.etcd.io/etcd/client/v3@v3.5.9/x.go", "etcd-io/etcd/blob/client/v3.5.9/client/v3/x.go"),
        ("gorm.io/gorm@v1.25.0/x.go", "go-gorm/gorm/blob/v1.25.0/x.go"),
        ("gorm.io/driver/mysql@v1.5.0/x.go", "go-gorm/mysql/blob/v1.5.0/x.go"),
        ("lukechampine.com/blake3@v1.4.1/x.go", "lukechampine/blake3/blob/v1.4.1/x.go"),
        ("gopkg.in/yaml.v3@v3.0.1/decode.go", "go-yaml/yaml/blob/v3.0.1/decode.go"),
        ("gopkg.in/natefinch/lumberjack.v2@v2.2.1/x.go", "natefinch/lumberjack/blob/v2.2.1/x.go"),
        ("github.com/o/r@v1.0.0/some dir/a#b%.go", "o/r/blob/v1.0.0/some%20dir/a%23b%25.go"),
        ("github.com/o/r@v1.0.0/asm_amd64.s", "o/r/blob/v1.0.0/asm_amd64.s"),
    ],
    ids=lambda text: text.partition("@")[0].rpartition("mod/")[2],
)
def test_a_module_on_github(file: str, url: str) -> None:
    """Tags of folders, commits of pseudo-versions, major versions, capitals, other names."""
    assert f"{_GITHUB}/{url}#L7" == _url(file)


@pytest.mark.parametrize(
    ("file", "url"),
    [
        ("gitlab.com/o/r@v1.0.0/x/y.go", "gitlab.com/o/r/-/blob/v1.0.0/x/y.go#L7"),
        ("gitlab.com/o/r/v2@v2.0.0/y.go", "gitlab.com/o/r/-/blob/v2.0.0/y.go#L7"),
        ("modernc.org/sqlite@v1.29.1/y.go", "gitlab.com/cznic/sqlite/-/blob/v1.29.1/y.go#L7"),
        ("bitbucket.org/o/r@v1.0.0/y.go", "bitbucket.org/o/r/src/v1.0.0/y.go#lines-7"),
        ("codeberg.org/o/r@v1.0.0/y.go", "codeberg.org/o/r/src/tag/v1.0.0/y.go#L7"),
        (
            "codeberg.org/o/r@v0.0.0-20240719175910-8a7402abbf56/y.go",
            "codeberg.org/o/r/src/commit/8a7402abbf56/y.go#L7",
        ),
        ("code.gitea.io/sdk/gitea@v0.15.0/y.go", "gitea.com/gitea/go-sdk/src/tag/gitea/v0.15.0/gitea/y.go#L7"),
        ("git.sr.ht/~me/r@v1.0.0/y.go", "git.sr.ht/~me/r/tree/v1.0.0/item/y.go#L7"),
        # Groups within groups: the path does not say where the repository ends.
        ("gitlab.com/group/team/r@v1.0.0/x/y.go", "pkg.go.dev/gitlab.com/group/team/r@v1.0.0/x"),
        ("rare.dev/m@v1.2.3/x/y.go", "pkg.go.dev/rare.dev/m@v1.2.3/x"),
        ("rare.dev/m@v1.2.3/y.go", "pkg.go.dev/rare.dev/m@v1.2.3"),
    ],
    ids=lambda text: text.partition("@")[0],
)
def test_a_module_elsewhere(file: str, url: str) -> None:
    """Other forges, and pkg.go.dev for what no path tells."""
    assert f"https://{url}" == _url(file)


@pytest.mark.parametrize(
    "file",
    [
        "",
        "<autogenerated>",
        "/src/app/main.go",
        "example.com/acme/app/main.go",
        "github.com/ipfs/kubo/core/builder.go",
        "_cgo_gotypes.go",
        "github.com/o/r@v1.0.0/../../../x.go",
        "github.com/o/r@v1.0.0/x\x1b]8;;evil\x07.go",
        "github.com/o/r@v1/x.go",
        "github.com/o/r@v1.0.0",
        "github.com/o@v1.0.0/x.go",
        "git.corp.internal/team/m@v1.0.0/x.go",
        "x3f0011aa22.redacted/m@v1.0.0/x.go",
        "localhost/m@v1.0.0/x.go",
        "plain/m@v1.0.0/x.go",
        "github.com/o/r@v1.0.0/" + "d/" * 60 + "ä" * 400 + ".go",
    ],
    ids=lambda text: text[:40],
)
def test_no_link(file: str) -> None:
    """Own code, files that are nowhere, paths that mean something else, names of private places, addresses that are
    too long."""
    if file == "github.com/o@v1.0.0/x.go":
        assert _url(file) == "https://pkg.go.dev/github.com/o@v1.0.0"
    else:
        assert _url(file) is None


def test_a_cache_under_another_name() -> None:
    """The function says where the module's path begins; for a program it is what names a known repository."""
    file = "/build/john.doe/cache/github.com/ipfs/kubo@v0.39.0/cmd/ipfs/main.go"
    assert f"{_GITHUB}/ipfs/kubo/blob/v0.39.0/cmd/ipfs/main.go#L7" == _url(file, "main.main")
    assert f"{_GITHUB}/ipfs/kubo/blob/v0.39.0/cmd/ipfs/main.go#L7" == _url(file, "github.com/ipfs/kubo/cmd/ipfs.F")
    assert _url("/build/john.doe/cache/rare.dev/m@v0.39.0/main.go", "main.main") is None


@pytest.mark.parametrize(
    ("file", "known", "tag"),
    [
        ("/usr/local/go1.26.2/src/net/http/server.go", None, "go1.26.2"),
        (f"{_CACHE}/golang.org/toolchain@v0.0.1-go1.22.1.linux-amd64/src/net/http/server.go", None, "go1.22.1"),
        ("/opt/hostedtoolcache/go/1.22.5/x64/src/net/http/server.go", None, "go1.22.5"),
        ("/opt/homebrew/Cellar/go/1.22.5_1/libexec/src/net/http/server.go", None, "go1.22.5"),
        ("/nix/store/abc-go-1.22.5/share/go/src/net/http/server.go", None, "go1.22.5"),
        ("/home/me/sdk/go1.20/src/net/http/server.go", None, "go1.20"),
        ("/home/me/sdk/go1.27rc1/src/net/http/server.go", None, "go1.27rc1"),
        (r"C:\Program Files\go1.26.2\src\net\http\server.go", None, "go1.26.2"),
        ("net/http/server.go", "go1.26.8", "go1.26.8"),
        ("net/http/server.go", "go1.26.8 X:jsonv2", "go1.26.8"),
        ("net/http/server.go", "go1.20", "go1.20"),
        ("/usr/local/go/src/net/http/server.go", "go1.26.8", "go1.26.8"),
        ("/usr/local/go/src/net/http/server.go", None, None),
        ("/usr/lib/go-1.19/src/net/http/server.go", None, None),
        ("/opt/go1.22/src/net/http/server.go", None, None),
        ("/opt/go1.22.5-fips/src/net/http/server.go", None, None),
        ("net/http/server.go", "go1.26", None),
        ("net/http/server.go", "devel go1.27-abcdef", None),
        ("net/http/server.go", "go1.26.8-acme", None),
    ],
)
def test_the_standard_library(file: str, known: str | None, tag: str | None) -> None:
    """At the release that its folder names, else at the program's; a wrong line is worse than none."""
    wanted = None if tag is None else f"{_GITHUB}/golang/go/blob/{tag}/src/net/http/server.go#L7"
    assert wanted == _url(file, "net/http.(*conn).serve", go_version=known)


def test_c_code_is_not_the_standard_library() -> None:
    """A function without a package may be anybody's."""
    assert _url("/home/me/src/secret/x.go", "my_c_function", go_version="go1.26.8") is None
    assert Links((), "go1.26.8").url(Frame("runtime.goexit", "runtime/asm_amd64.s", 1700)) == (
        f"{_GITHUB}/golang/go/blob/go1.26.8/src/runtime/asm_amd64.s#L1700"
    )


def test_releases() -> None:
    """Go 1.21 and later have three parts."""
    assert ["go1.21.0", "go1.20", "go1.19.13", "go1.26rc2", None, None, None] == [
        *map(release_tag, ["1.21.0", "1.20.0", "go1.19.13", "1.26rc2", "1.21", None, "1.2.3.4"])
    ]
    assert folder_release(("go1.26.2", "x.go")) is None  # no src


def test_vendored_code_has_the_version_that_others_name() -> None:
    """Where it is only one."""
    frame = Frame("github.com/rs/cors.F", "/src/app/vendor/github.com/rs/cors/sub/x.go", 7)
    links = Links([("github.com/rs/cors", "v1.11.1"), ("github.com/rs/xid", "v1.0.0")])
    assert f"{_GITHUB}/rs/cors/blob/v1.11.1/sub/x.go#L7" == links.url(frame)
    assert links.module(frame) == "github.com/rs/cors@v1.11.1"
    both = Links([("github.com/rs/cors", "v1.11.1"), ("github.com/rs/cors", "v1.11.0")])
    assert both.url(frame) is None


def test_whose_code_it_is() -> None:
    """What a page may write beside a frame."""
    links = Links()
    assert links.module(Frame("net/http.F", "net/http/x.go", 1)) == "std"
    assert links.module(Frame("main.main", "/src/app/main.go", 1)) == ""
    versioned = Frame("github.com/ipfs/boxo/x.F", "github.com/ipfs/boxo@v0.38.0/x/y.go", 1)
    assert links.module(versioned) == "github.com/ipfs/boxo@v0.38.0"


def test_every_file_of_the_kubo_captures() -> None:
    """Modules and the standard library all have a link; own code has none."""
    frames = set()
    for capture in captures():
        for found in read_source(str(capture.path)).captures:
            for stack in found.snapshot.stacks:
                frames.update(stack.frames if stack.created_by is None else (*stack.frames, stack.created_by))
    links = Links((), "go1.26.8")
    files = {frame.file: frame for frame in frames}
    assert len(files) > 250
    for file, frame in files.items():
        url, module = links.url(frame), links.module(frame)
        assert (url is None) == (module == ""), file
        if url is not None:
            path = unquote(urlsplit(url).path)
            assert path.endswith("/" + (file.rpartition("@")[2].partition("/")[2] or file)), file
            assert urlsplit(url).fragment == f"L{frame.line}"


# -- editors ---------------------------------------------------------------------------------------------------------


def test_editors_open_what_a_path_or_a_root_names(tmp_path: Path) -> None:
    """A file under a source root comes before the path of another machine."""
    frame, relative = Frame("main.main", "/src/a b/main.go", 3), Frame("main.main", "app/main.go", 3)
    links = Links(editor=EDITORS["vscode"])
    assert links.editor_url(frame) == "vscode://file/src/a%20b/main.go:3"
    assert links.editor_url(relative) is None
    assert links.editor_url(Frame("main.main", r"C:\src\main.go", 3)) == "vscode://file/C:/src/main.go:3"
    assert links.editor_url(Frame("main.main", "/src/../etc/x.go", 3)) is None
    assert links.editor_url(Frame("main.main", r"\\evil\share\x.go", 3)) is None  # Windows would log in there
    assert links.editor_url(Frame("main.main", "//evil/share/x.go", 3)) is None
    assert links.editor_url(Frame("net/http.F", "/usr/local/go/src/net/http/x.go", 3)) is None  # of which release?
    assert links.editor_url(Frame("net/http.F", "/sdk/go1.26.8/src/net/http/x.go", 3)) is not None
    found = Links(editor="e:{path}?{line}", find=lambda _: tmp_path / "main.go")
    assert found.editor_url(relative) == f"e:{tmp_path}/main.go?3"
    assert Links().editor_url(frame) is None


def test_files_of_just_the_version_are_found(tmp_path: Path) -> None:
    """Modules in the cache, the library of the same release, own code in a root; nothing that another version may be
    in, nothing in an archive, nothing outside."""
    for name in (
        "cache/github.com/!foo/r@v1.0.0/x.go",
        "home/sdk/go1.26.2/src/net/http/server.go",
        "home/sdk/go1.26.2/src/runtime/proc.go",
        "own/app/main.go",
        "own/go.mod",
        "outside/secret.go",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("module example.com/acme\n" if name.endswith(".mod") else "package p\n")
    (tmp_path / "home/sdk/go1.26.2/VERSION").write_text("go1.26.2\n")
    (tmp_path / "own/app/link.go").symlink_to(tmp_path / "outside/secret.go")
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as archive:
        archive.writestr("go.mod", "module example.com/acme\n")
        archive.writestr("app/main.go", "package p\n")
    settings = {"GOMODCACHE": str(tmp_path / "cache"), "HOME": str(tmp_path / "home"), "GOROOT": ""}

    def found(file: str, function: str, root: str = "own", cwd: str = "home") -> str | None:
        sources = Sources([tmp_path / root], environment=settings, cwd=tmp_path / cwd)
        path = Reader(sources).path(Frame(function, file, 1))
        return None if path is None else path.relative_to(tmp_path).as_posix()

    assert found("github.com/Foo/r@v1.0.0/x.go", "github.com/Foo/r.F") == "cache/github.com/!foo/r@v1.0.0/x.go"
    assert found("github.com/Foo/r@v1.0.1/x.go", "github.com/Foo/r.F") is None
    library = "net/http.(*conn).serve"
    assert found("/go1.26.2/src/net/http/server.go", library) == "home/sdk/go1.26.2/src/net/http/server.go"
    assert found("/go1.26.1/src/net/http/server.go", library) is None
    assert found("/usr/local/go/src/net/http/server.go", library) is None
    assert found("example.com/acme/app/main.go", "example.com/acme/app.F") == "own/app/main.go"
    assert found("example.com/acme/app/main.go", "example.com/acme/app.F", root="own.zip") is None
    assert found("example.com/acme/app/link.go", "example.com/acme/app.F") is None
    # A checkout of the module in the current folder may be of any version.
    assert found("example.com/acme@v1.0.0/app/main.go", "example.com/acme/app.F", root="outside", cwd="own") is None
    assert found("example.com/acme/app/main.go", "example.com/acme/app.F", root="outside", cwd="own") is not None


def test_what_a_click_opens() -> None:
    """The editor for own code and for what is here; the web for the rest."""
    own, module = Frame("main.main", "/src/main.go", 3), Frame("github.com/o/r.F", "github.com/o/r@v1.0.0/x.go", 3)
    here = {module: Path("/root/go/pkg/mod/github.com/o/r@v1.0.0/x.go")}
    web = f"{_GITHUB}/o/r/blob/v1.0.0/x.go#L3"
    assert [None, web] == [*map(Links().target, (own, module))]
    assert ["zed://file/src/main.go:3", web] == [*map(Links(editor=EDITORS["zed"]).target, (own, module))]
    at_hand = Links(editor=EDITORS["zed"], find=here.get)
    assert at_hand.target(module) == "zed://file/root/go/pkg/mod/github.com/o/r@v1.0.0/x.go:3"


@pytest.mark.parametrize(
    "text",
    [
        "vscode://file",
        "notepad",
        "javascript:{path}",
        "JavaScript:alert({line},{path})",
        "data:text/html,{path}",
        "{path}:{line}",
        "e://{path}:{column}",
        "e://{path} {line}",
        'e://{path}"onclick',
        "e://\x1b{path}",
        "e://{path}" + "x" * 500,
        "",
    ],
)
def test_a_text_that_is_no_template(text: str) -> None:
    """Told apart before any dump is read; none runs code or leaves its attribute."""
    with pytest.raises(UsageError):
        read_editor(text)


def test_templates_of_editors() -> None:
    """Those with a name, and any other."""
    for name, template in EDITORS.items():
        assert read_editor(name) == template == read_editor(template)
    assert read_editor("http://localhost:63342/api/file{path}:{line}")
    assert_refused(run("report", "--editor", "vscode://file", "x"), "--editor", "no {path}")
    assert_refused(run("show", "--editor", "notepad", "1", "x"), "not the name of a known editor")


# -- hostile input ---------------------------------------------------------------------------------------------------

_PIECE: Final = st.one_of(
    st.sampled_from(
        [
            "github.com", "gitlab.com", "golang.org", "gopkg.in", "git.sr.ht", "~me", "x", "..", ".", "", "go", "pkg",
            "mod", "src", "vendor", "yaml.v3", "v2", "r@v1.0.0", "r@v1.0.0-0.20220721030215-126854af5e6d", "a@b@v1.0.0",
            "toolchain@v0.0.1-go1.22.1.linux-amd64", "go1.26.8", "net", "http", "server.go", "C:", "a.go",
            "javascript:",
        ]
    ),
    st.text(max_size=12),
)  # fmt: skip
_FILE: Final = st.tuples(
    st.sampled_from(["", "/", "C:\\", "//", f"{_CACHE}/"]), st.lists(_PIECE, max_size=9), st.text(max_size=9)
).map(lambda made: f"{made[0]}{'/'.join(made[1])}/{made[2]}.go")
_FRAME: Final = st.builds(
    Frame,
    st.one_of(st.text(max_size=30), st.sampled_from(["net/http.F", "main.main", "github.com/x/r.F", "vendor/x.F"])),
    st.one_of(_FILE, st.text(max_size=60)),
    st.integers(-5, 1 << 64),
)
_MODULES: Final = st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=3)
_CLEAN: Final = re.compile(r"[!-~]+")


@given(_FRAME, _MODULES, st.one_of(st.none(), st.text(max_size=20), st.just("go1.26.8")))
def test_any_frame_has_a_good_link_or_none(frame: Frame, modules: list[tuple[str, str]], version: str | None) -> None:
    """To a known host, over https, without a way out of the path, in characters that end no attribute and no escape."""
    url = Links(modules, version).url(frame)
    if url is None:
        return
    parts = urlsplit(url)
    assert parts.scheme == "https"
    assert parts.netloc in HOSTS
    assert not {"..", ".", ""} & set(unquote(parts.path).split("/")[1:])
    assert _CLEAN.fullmatch(url)
    assert not set(url) & set("\"'<>\\`{}")
    assert len(url) <= 2_000


@given(_FRAME, st.sampled_from(sorted(EDITORS.values())))
def test_any_frame_opens_the_editor_or_nothing(frame: Frame, template: str) -> None:
    """No frame changes the scheme, or leaves the place that the template gives it."""
    url = Links(editor=template).editor_url(frame)
    if url is not None:
        assert url.startswith(template.partition("{")[0])
        assert _CLEAN.fullmatch(url)
        assert not set(url) & set("\"'<>\\`{}")
        assert url.count("#") == 0
        assert url.count("&") == template.count("&")
        assert len(url) <= 2_000


# -- reports ---------------------------------------------------------------------------------------------------------

_BUNDLE: Final = FIXTURES / "kubo" / "v0.39.0-quiet" / "ipfs-profile-01.zip"
_DEADLOCK: Final = FIXTURES / "go" / "go1.27" / "locks_deadlock.txt"
_TERMINAL: Final = {"TERM": "xterm-256color"}


def test_a_bundle_says_which_release_of_go_it_was() -> None:
    """Its version.json does, also of a redacted one."""
    for redaction in (None, Redaction(b"k" * 32)):
        (found, *_), _ = examine(str(_BUNDLE), redaction=redaction)
        assert found.report.go_version == "go1.25.5"
        std = Frame("net/http.(*conn).serve", "net/http/server.go", 3)
        assert links_of(found.report).url(std) == f"{_GITHUB}/golang/go/blob/go1.25.5/src/net/http/server.go#L3"


def test_redacted_names_have_no_links() -> None:
    """What is public keeps its link."""
    (found, *_), _ = examine(str(_DEADLOCK), redaction=Redaction(b"k" * 32))
    links = links_of(found.report, EDITORS["vscode"])
    frames = [frame for bucket in found.report.buckets for frame in bucket.bucket.stack.frames]
    private = [frame for frame in frames if links.module(frame) == ""]
    assert private
    assert {None} == {links.url(frame) for frame in private} | {links.editor_url(frame) for frame in private}


def _terminal(*arguments: Path | str, **settings: str) -> str:
    code, shown = run_on_terminal(*arguments, columns=110, env=environment(**{**_TERMINAL, **settings}))
    assert code == 0, shown
    return shown


def test_frames_are_links_on_a_terminal() -> None:
    """The text is what it is without them, to the column; two runs write the same."""
    arguments = ("report", "--top", "3", str(_BUNDLE))
    shown = _terminal(*arguments)
    assert shown == _terminal(*arguments)
    urls = set(_LINK.findall(shown)) - {""}
    assert f"{_GITHUB}/ipfs/kubo/blob/v0.39.0/profile/profile.go#L160" in urls
    assert {"github.com"} == {urlsplit(url).netloc for url in urls}
    without = _terminal(*arguments, FORCE_HYPERLINK="0")
    assert "\x1b]8" not in without
    assert ANSI.sub("", without) == ANSI.sub("", shown)


@pytest.mark.generated
def test_a_report_with_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a terminal gets it; ␛ stands for Escape."""
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    out = OffScreen(Screen(is_terminal=True, columns=200, links=True))
    report.render(scan([str(_BUNDLE)]), out)
    golden(GOLDEN / "links.txt", out.getvalue().replace("\x1b", "␛").replace(f"{ROOT}/", ""))


@pytest.mark.parametrize(
    ("settings", "linked"),
    [
        ({"NO_COLOR": "1"}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": "linux"}, False),
        ({"TERM": "linux", "FORCE_HYPERLINK": "1"}, True),
    ],
)
def test_which_terminals_have_links(settings: dict[str, str], linked: bool) -> None:
    """Links are no colours; some terminals would print their addresses."""
    shown = _terminal("report", "--top", "1", str(_BUNDLE), **settings)
    assert ("\x1b]8;;https://" in shown) == linked


def test_a_pipe_has_no_links() -> None:
    """Also with colours and a wish for links."""
    for settings in ({}, {"FORCE_COLOR": "1", "FORCE_HYPERLINK": "1"}):
        done = run("report", "--editor", "vscode", _BUNDLE, env=environment(**settings))
        assert done.returncode == 0
        assert "\x1b]8" not in done.stdout
        assert "vscode:" not in done.stdout


@pytest.mark.parametrize("command", [("report", "--top", "3"), ("show", "19")], ids=lambda words: words[0])
def test_the_editor_opens_own_code(command: tuple[str, ...]) -> None:
    """At the file under the source root; the library of an unknown release has no link."""
    root = FIXTURES / "programs"
    shown = _terminal(*command, "--editor", "vscode", "--source-root", str(root), str(_DEADLOCK))
    urls = set(_LINK.findall(shown)) - {""}
    assert f"vscode://file{root}/deadlock/main.go:28" in urls
    assert all(url.startswith(f"vscode://file{root}/") for url in urls)


def test_several_processes_write_the_same_links(tmp_path: Path) -> None:
    """They do not see the terminal."""
    for name in "abc":
        (tmp_path / name).write_bytes(_DEADLOCK.read_bytes())
    root = str(FIXTURES / "programs")
    arguments = ("report", "--editor", "vscode", "--source-root", root, *sorted(map(str, tmp_path.iterdir())))
    one, two = (_LINK.findall(_terminal(*arguments, "--jobs", jobs)) for jobs in "12")
    assert one == two
    assert f"vscode://file{root}/deadlock/main.go:28" in one


def test_no_name_breaks_out_of_a_link(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names come from strangers: control characters are escaped in the text, and their paths are no links."""
    evil = "\x1b]8;;https://evil.example\x1b\\"
    dump = (
        f"goroutine 1 [chan receive]:\ngithub.com/o/r.F{evil}()\n\tgithub.com/o/r@v1.0.0/x{evil}.go:3 +0x1\n"
        "github.com/o/r.G()\n\tgithub.com/o/r@v1.0.0/y\x07z.go:3 +0x1\n"
        "github.com/o/r.H()\n\tgithub.com/o/r@v1.0.0/[link=x]y z.go:3 +0x1\n"
    )
    monkeypatch.setenv("TERM", "xterm-256color")
    out = OffScreen(Screen(is_terminal=True, columns=200, links=True))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(dump.encode())))
    report.render(scan(["-"]), out)
    shown = out.getvalue()
    assert "evil" in shown
    assert {f"{_GITHUB}/o/r/blob/v1.0.0/%5Blink%3Dx%5Dy%20z.go#L3", ""} == set(_LINK.findall(shown))
    assert not set("\x07\x1b") & set(ANSI.sub("", shown))
