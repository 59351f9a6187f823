"""Source files are found below the folders that were chosen, and nothing else is read."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stackscan.cli.options.source import reader_of
from stackscan.errors import LimitError, SourceError
from stackscan.golang import archives, installed, roots, trees
from stackscan.golang.installed import Settings, fitting
from stackscan.golang.modules import read_description
from stackscan.golang.places import capitals_escaped, capitals_restored
from stackscan.golang.reader import Reader
from stackscan.golang.roots import Sources
from stackscan.model.snapshot import Frame

_LINKS: Final = pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")


def frame(file: str, function: str = "main.main") -> Frame:
    return Frame(function, file, 1)


def write(root: Path, *paths: str, **texts: str) -> Path:
    """Files below a folder, each with its own path as its content; returns the folder."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(texts.get(path, path))
    return root


def describe(folder: Path, text: str, name: str = "go.mod") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder


@pytest.fixture(autouse=True)
def _no_go_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Go as it is installed on this machine is out of sight."""
    monkeypatch.setattr(installed, "_USUAL", ())


def sources(cwd: Path, *named: Path, go_version: str | None = None, **environment: str) -> Sources:
    return Sources(named, environment=environment, cwd=cwd, go_version=go_version)


def key(found: Sources, file: str, function: str = "main.main") -> str | None:
    """What is found for a frame; its content is its path on disk, which ends as its key does."""
    source = found.find(frame(file, function))
    return None if source is None else source.key


# -- the current directory's module ------------------------------------------------------------------------------------


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """example.com/acme/app with two packages, a program and a vendor folder."""
    root = describe(tmp_path / "app", 'module "example.com/acme/app" // the program\n\ngo 1.26\n')
    describe(root / "vendor", "# example.com/dep v1.2.3\n## explicit\nexample.com/dep/pkg\n", "modules.txt")
    return write(
        root,
        "pkg/f.go", "pkg/g.go", "pkg/f_test.go", "cmd/app/main.go", "cmd/app/flags.go", "only.go",
        "vendor/example.com/dep/pkg/d.go", "sync/mutex.go",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("file", "function", "expected"),
    [
        ("example.com/acme/app/pkg/f.go", "example.com/acme/app/pkg.F", "pkg/f.go"),
        ("example.com/acme/app/cmd/app/main.go", "main.main", "cmd/app/main.go"),
        ("/build/pkg/f.go", "example.com/acme/app/pkg.(*T).Do.func1", "pkg/f.go"),
        ("C:/build/pkg/f.go", "example.com/acme/app/pkg.F", "pkg/f.go"),
        ("C:\\build\\pkg\\f.go", "example.com/acme/app/pkg.F", "pkg/f.go"),
        ("/build/pkg/f_test.go", "example.com/acme/app/pkg_test.TestF", "pkg/f_test.go"),
        ("/build/cmd/app/main.go", "main.main", "cmd/app/main.go"),
        ("/deep/down/app/main.go", "main.main", "cmd/app/main.go"),  # the only file of that name
        ("/build/app/only.go", "main.main", "only.go"),
        ("command-line-arguments/flags.go", "main.main", "cmd/app/flags.go"),
        ("cmd/app/main.go", "main.main", "cmd/app/main.go"),  # of Bazel
        ("example.com/acme/app@v1.0.0/pkg/f.go", "example.com/acme/app/pkg.F", "pkg/f.go"),
        ("/go/pkg/mod/example.com/acme/app@v1.0.0/pkg/f.go", "example.com/acme/app/pkg.F", "pkg/f.go"),
        ("/app/vendor/example.com/dep/pkg/d.go", "example.com/dep/pkg.D", "vendor/example.com/dep/pkg/d.go"),
        ("example.com/dep@v1.2.3/pkg/d.go", "example.com/dep/pkg.D", "vendor/example.com/dep/pkg/d.go"),
        ("example.com/dep@v1.2.4/pkg/d.go", "example.com/dep/pkg.D", None),  # another version
        ("/go/pkg/mod/example.com/dep@v1.2.3/pkg/d.go", "example.com/dep/pkg.D", "vendor/example.com/dep/pkg/d.go"),
        ("example.com/other/pkg/f.go", "example.com/other/pkg.F", None),
        ("/build/pkg/f.go", "example.com/other/pkg.F", None),
        ("example.com/other/cmd/app/main.go", "main.main", None),
        ("example.com/acme/apple/pkg/f.go", "example.com/acme/apple/pkg.F", None),
        ("/usr/local/go/src/sync/mutex.go", "sync.(*Mutex).Lock", None),  # not the module's own sync
        ("sync/mutex.go", "sync.(*Mutex).Lock", None),
        ("example.com/acme/app/pkg/missing.go", "example.com/acme/app/pkg.F", None),
    ],
)
def test_the_module_of_the_current_directory(module: Path, file: str, function: str, expected: str | None) -> None:
    """From any folder of it; -trimpath, builders' paths, programs, tests, vendored code; never another module's."""
    found = sources(module / "pkg").find(frame(file, function))
    assert expected == (found and found.key)
    if found is not None:
        assert found.key.encode() == found.content


def test_another_version_in_a_vendor_folder_is_said_once(module: Path) -> None:
    found = sources(module)
    for name in ("d.go", "d.go"):
        assert key(found, f"example.com/dep@v1.2.4/pkg/{name}", "example.com/dep/pkg.D") is None
    assert found.notes == (
        f"{module.resolve()}/vendor has example.com/dep v1.2.3, the dump's code is v1.2.4; it was not used",
    )


def test_a_name_that_occurs_twice_is_not_guessed(module: Path) -> None:
    """Two elements decide, wherever below the folder they are, unless others end like that, too."""
    write(module, "cmd/other/main.go", "x/same/main.go", "y/same/main.go")
    found = sources(module)
    for file in ("/elsewhere/main.go", "/b/same/main.go", "command-line-arguments/main.go", "main.go"):
        assert key(found, file) is None
    assert key(found, "/build/cmd/other/main.go") == "cmd/other/main.go"
    assert key(found, "/build/other/main.go") == "cmd/other/main.go"
    assert key(found, "other/main.go") == "cmd/other/main.go"
    assert key(found, "/b/y/same/main.go") == "y/same/main.go"


def test_a_workspace_and_replaced_folders(tmp_path: Path) -> None:
    """`use` and `replace` lead to folders inside the workspace, never out of it."""
    work = describe(tmp_path / "work", "go 1.26\n\nuse (\n\t./app\n\t./lib\n\t../out\n)\n", "go.work")
    describe(
        work / "app",
        "module example.com/app\nreplace (\n\texample.com/dep => ../forked\n\texample.com/secret => ../../out\n"
        "\texample.com/old v1.0.0 => ../older\n)\n",
    )
    describe(work / "lib", "module example.com/lib/v2\n")
    describe(write(tmp_path / "out", "f.go"), "module example.com/out\n")
    write(work, "app/f.go", "lib/x/f.go", "forked/d/f.go", "older/f.go")
    found = sources(work / "app")
    assert key(found, "example.com/app/f.go", "example.com/app.F") == "app/f.go"
    assert key(found, "/b/lib/x/f.go", "example.com/lib/v2/x.F") == "lib/x/f.go"
    assert key(found, "example.com/dep@v1.0.0/d/f.go", "example.com/dep/d.F") == "forked/d/f.go"
    assert key(found, "/b/forked/d/f.go", "example.com/dep/d.F") == "forked/d/f.go"
    assert key(found, "example.com/old@v1.0.0/f.go", "example.com/old.F") == "older/f.go"
    assert key(found, "example.com/old@v1.1.0/f.go", "example.com/old.F") is None
    assert key(found, "example.com/out/f.go", "example.com/out.F") is None
    assert key(found, "example.com/secret@v1.0.0/f.go", "example.com/secret.F") is None
    assert key(sources(work / "app", GOWORK="off"), "example.com/lib/v2/x/f.go", "example.com/lib/v2/x.F") is None


def test_what_go_mod_says() -> None:
    """Blocks, quotes, comments; what is not understood is passed over."""
    said = read_description(
        'module `example.com/m`\nrequire (\n\ta v1 // indirect\n)\nreplace a v1 => "./a b"\nreplace b => c v2\n'
        "replace\nreplace x\nreplace x =>\nreplace ( )\nmodule other\n)\nuse ./y\n"
    )
    assert said.module == "example.com/m"
    assert said.folders == ("./y",)
    assert said.local == {("a", "v1"): "./a b"}
    assert said.other == {("b", None): ("c", "v2")}


# -- the module cache --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "function", "expected"),
    [
        ("github.com/DataDog/x@v1.2.3/pkg/f.go", "github.com/DataDog/x/pkg.F", "github.com/DataDog/x@v1.2.3/pkg/f.go"),
        (
            "/root/go/pkg/mod/github.com/!data!dog/x@v1.2.3/pkg/f.go",
            "github.com/DataDog/x/pkg.F",
            "github.com/DataDog/x@v1.2.3/pkg/f.go",
        ),
        (
            "D:\\cache\\github.com\\!data!dog\\x@v1.2.3\\pkg\\f.go",
            "github.com/DataDog/x/pkg.F",
            "github.com/DataDog/x@v1.2.3/pkg/f.go",
        ),
        ("/modcache/example.com/m@v2.0.0-RC1/main.go", "main.main", "example.com/m@v2.0.0-RC1/main.go"),
        ("/modcache/example.com/m@v2.0.0-!r!c1/main.go", "main.main", "example.com/m@v2.0.0-RC1/main.go"),
        ("github.com/DataDog/x@v1.2.4/pkg/f.go", "github.com/DataDog/x/pkg.F", None),
        ("example.com/m@v2.0.0-RC1/../../secret.go", "main.main", None),
    ],
)
@pytest.mark.parametrize("setting", ["GOMODCACHE", "GOPATH", "HOME"])
def test_the_module_cache(tmp_path: Path, setting: str, file: str, function: str, expected: str | None) -> None:
    """Wherever it is, with capitals escaped; -trimpath and builders' paths."""
    below = {"GOMODCACHE": "", "GOPATH": "pkg/mod", "HOME": "go/pkg/mod"}[setting]
    write(tmp_path / below, "github.com/!data!dog/x@v1.2.3/pkg/f.go", "example.com/m@v2.0.0-!r!c1/main.go")
    (tmp_path / "empty").mkdir()
    found = Sources(environment={setting: str(tmp_path)}, cwd=tmp_path / "empty")
    assert expected == key(found, file, function)
    assert found.notes == ()


def test_settings_that_go_env_wrote(tmp_path: Path) -> None:
    cache = write(tmp_path / "cache", "example.com/m@v1.0.0/f.go")
    describe(tmp_path / ".config" / "go", f"GOMODCACHE={cache}\nnonsense\n", "env")
    assert key(sources(tmp_path, HOME=str(tmp_path)), "example.com/m@v1.0.0/f.go") == "example.com/m@v1.0.0/f.go"
    assert key(sources(tmp_path, HOME=str(tmp_path), GOENV="off"), "example.com/m@v1.0.0/f.go") is None


def test_the_cache_comes_before_a_checkout_and_behind_a_replacement(module: Path, tmp_path: Path) -> None:
    """A frame's version is in the cache; go.mod may put another module in its place."""
    cache = write(tmp_path / "c", "example.com/acme/app@v1.0.0/pkg/f.go", "example.com/fork@v9.0.0/d.go")
    with (module / "go.mod").open("a") as file:
        file.write("replace example.com/gone v1.0.0 => example.com/fork v9.0.0\n")
    found = sources(module, GOMODCACHE=str(cache))
    asked = frame("example.com/acme/app@v1.0.0/pkg/f.go", "example.com/acme/app/pkg.F")
    assert [each.key for each in found.candidates(asked)] == ["example.com/acme/app@v1.0.0/pkg/f.go", "pkg/f.go"]
    assert key(found, "example.com/gone@v1.0.0/d.go", "example.com/gone.D") == "example.com/fork@v9.0.0/d.go"


def test_escaping_is_its_own_inverse() -> None:
    assert capitals_escaped("github.com/DataDog/x") == "github.com/!data!dog/x"
    assert capitals_restored("github.com/!data!dog/x") == "github.com/DataDog/x"


# -- the standard library ----------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with three releases of Go."""
    cache = "go/pkg/mod/golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64"
    for folder, release in ((cache, "1.26.8"), ("sdk/go1.25.1", "1.25.1"), ("sdk/go1.26.1", "1.26.1")):
        write(tmp_path / folder, "src/runtime/proc.go", "src/sync/mutex.go", "src/vendor/golang.org/x/net/y/y.go")
        describe(tmp_path / folder, f"go{release}\ntime 2026\n", "VERSION")
        (tmp_path / folder / "src/sync/mutex.go").write_text(release)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "function", "go_version", "expected"),
    [
        ("sync/mutex.go", "sync.(*Mutex).Lock", None, b"1.26.1"),
        ("sync/mutex.go", "sync.(*Mutex).Lock", "go1.25.1", b"1.25.1"),
        ("sync/mutex.go", "sync.(*Mutex).Lock", "go1.26.8 X:nodwarf5", b"1.26.8"),
        ("sync/mutex.go", "sync.(*Mutex).Lock", "go1.25.9", b"1.25.1"),  # of the same minor release
        ("/usr/local/go/src/sync/mutex.go", "sync.(*Mutex).Lock", "go1.26.8", b"1.26.8"),
        ("C:/Program Files/Go/src/sync/mutex.go", "sync.(*Mutex).Lock", "go1.26.8", b"1.26.8"),
        ("/usr/lib/go-1.25/src/sync/mutex.go", "sync.(*Mutex).Lock", None, b"1.25.1"),
        (
            "/r/pkg/mod/golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64/src/sync/mutex.go",
            "sync.(*Mutex).Lock",
            None,
            b"1.26.8",
        ),
        ("/usr/local/go/src/runtime/proc.go", "sync.runtime_Semacquire", None, b"src/runtime/proc.go"),
        (
            "/usr/local/go/src/vendor/golang.org/x/net/y/y.go",
            "vendor/golang.org/x/net/y.Y",
            None,
            b"src/vendor/golang.org/x/net/y/y.go",
        ),
        ("/home/me/src/sync/mutex.go", "example.com/m/sync.Lock", None, None),
        ("../../../src/libgo/go/sync/mutex.go", "sync.Mutex.Lock", None, None),
        ("/build/gcc/src/libgo/go/sync/mutex.go", "sync.Mutex.Lock", None, None),
        ("sync/../../secret.go", "sync.(*Mutex).Lock", None, None),
    ],
)
def test_the_standard_library(
    home: Path, file: str, function: str, go_version: str | None, expected: bytes | None
) -> None:
    """Of the release that fits best: what the caller says, or what the path says."""
    found = sources(home, go_version=go_version, HOME=str(home)).find(frame(file, function))
    assert expected == (found and found.content)
    if found is not None:
        assert file.endswith(found.key)


def test_goroot_and_the_go_of_the_path_come_first(home: Path) -> None:
    (home / "sdk/go1.25.1/bin").mkdir()
    go = home / "sdk/go1.25.1/bin/go"
    go.write_text("#!/bin/sh\nexit 3\n")  # never run
    go.chmod(0o755)
    settings = {"HOME": str(home), "PATH": str(go.parent)}
    assert Settings(settings).installations()[0].release == "1.25.1"
    assert Settings({**settings, "GOROOT": str(home / "sdk/go1.26.1")}).installations()[0].release == "1.26.1"
    assert len(Settings(settings).installations()) == 3
    assert [each.release for each in fitting(Settings(settings).installations(), "1.26.8")] == [
        "1.26.8", "1.26.1", "1.25.1",
    ]  # fmt: skip


# -- roots that the user names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layout", "description", "file", "function", "expected"),
    [
        ("pkg/f.go", "module example.com/m", "example.com/m/pkg/f.go", "example.com/m/pkg.F", "pkg/f.go"),
        ("pkg/f.go", "module example.com/m", "/b/pkg/f.go", "example.com/m/pkg.F", "pkg/f.go"),
        ("pkg/f.go", "module example.com/m", "/b/pkg/f.go", "example.com/dep/pkg.F", None),
        ("pkg/f.go", "module example.com/m", "/b/m@v1.0.0/pkg/f.go", "example.com/dep/m/pkg.F", None),
        ("pkg/f.go", "", "/b/pkg/f.go", "example.com/dep/pkg.F", "pkg/f.go"),
        ("pkg/f.go", "", "/b/other@v1.0.0/pkg/f.go", "example.com/other/pkg.F", None),
        ("pkg/f.go", "", "/b/named@v1.0.0/pkg/f.go", "example.com/named/pkg.F", "pkg/f.go"),
        ("f.go", "", "/b/named@v1.0.0/f.go", "example.com/named.F", "f.go"),
        ("goker/f.go", "", "/src/goker/f.go", "main.main", "goker/f.go"),
        ("f.go", "", "/src/goker/f.go", "main.main", "f.go"),
        ("example.com/!m@v1.0.0/f.go", "", "example.com/M@v1.0.0/f.go", "example.com/M.F", "example.com/M@v1.0.0/f.go"),
        ("example.com/M@v1.0.0/f.go", "", "example.com/M@v1.0.0/f.go", "example.com/M.F", "example.com/M@v1.0.0/f.go"),
        ("example.com/m/f.go", "", "example.com/m/f.go", "example.com/m.F", "example.com/m/f.go"),
        ("src/example.com/m/f.go", "", "/go/src/example.com/m/f.go", "example.com/m.F", "src/example.com/m/f.go"),
        ("vendor/example.com/d/f.go", "", "/vendor/example.com/d/f.go", "example.com/d.F", "vendor/example.com/d/f.go"),
        ("sync/mutex.go", "", "sync/mutex.go", "sync.(*Mutex).Lock", None),
    ],
)  # fmt: skip
def test_a_root_of_any_layout(
    tmp_path: Path, layout: str, description: str, file: str, function: str, expected: str | None
) -> None:
    """A module, a module cache, a GOPATH, a folder of vendored code, any folder."""
    root = write(tmp_path / "named", layout, "elsewhere/a.go", "elsewhere/b.go")
    if description:
        describe(root, description)
    assert expected == key(sources(tmp_path, root), file, function)


def test_a_root_with_modules_below_it(tmp_path: Path) -> None:
    """A repository of several modules needs no go.work."""
    root = describe(write(tmp_path / "mono", "a/f.go", "b/c/f.go").joinpath("a"), "module example.com/a\n").parent
    describe(root / "b", "module example.com/x/b\n")
    found = sources(tmp_path, root)
    assert key(found, "example.com/a/f.go", "example.com/a.F") == "a/f.go"
    assert key(found, "example.com/x/b/c/f.go", "example.com/x/b/c.F") == "b/c/f.go"


def test_a_root_that_is_goroot(home: Path) -> None:
    (root,) = (home / "sdk").glob("go1.25*")
    for named, prefix in ((root, "src/"), (root / "src", "")):
        found = sources(home, named, GOROOT=str(home / "sdk/go1.26.1"))
        assert key(found, "sync/mutex.go", "sync.(*Mutex).Lock") == f"{prefix}sync/mutex.go"


def test_roots_come_first_and_in_their_order(module: Path, tmp_path: Path) -> None:
    first, second = (describe(tmp_path / name, "module example.com/acme/app\n") for name in ("one", "two"))
    write(second, "pkg/f.go")
    (second / "pkg/f.go").write_text("second")
    asked = frame("example.com/acme/app/pkg/f.go", "example.com/acme/app/pkg.F")
    found = sources(module, first, second).find(asked)
    assert found is not None
    assert found.content == b"second"


def test_a_root_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nowhere does not exist") as error:
        sources(tmp_path, tmp_path / "nowhere")
    assert "--source-root" in error.value.hint
    assert error.value.exit_code == 2


@pytest.mark.parametrize("content", [b"", b"package main\n", b"\x1f\x8b\x08", b"PK\x03\x04" + bytes(40)])
def test_a_root_that_is_no_archive_or_a_broken_one(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(SourceError, match=r"is neither a folder nor|is a damaged archive"):
        sources(tmp_path, tmp_path / "x")


# -- archives ----------------------------------------------------------------------------------------------------------


def archive(path: Path, members: Mapping[str, bytes], *, links: Mapping[str, str] | None = None) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in members.items():
                packed.writestr(name, content)
            for name, target in (links or {}).items():
                info = zipfile.ZipInfo(name)
                info.external_attr = 0o120777 << 16
                packed.writestr(info, target)
        return path
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    return path


_KINDS: Final = pytest.mark.parametrize("kind", ["t.zip", "t.tar.gz", "t.tar"])


@_KINDS
@pytest.mark.parametrize("around", ["repo-1.2.3/", "example.com/m@v1.2.3/", ""])
def test_an_archive_of_a_tag(tmp_path: Path, kind: str, around: str) -> None:
    """The folder around its files does not count, nothing is unpacked, another version is not used."""
    files = {"go.mod": b"module example.com/m\n", "pkg/f.go": b"f", "pkg/g.go": b"g", "pkg/g_test.go": b"t"}
    path = archive(tmp_path / kind, {around + name: content for name, content in files.items()})
    before = sorted(tmp_path.rglob("*"))
    found = sources(tmp_path, path)
    file = found.find(frame("example.com/m@v1.2.3/pkg/f.go", "example.com/m/pkg.F"))
    assert file is not None
    assert ("pkg/f.go", b"f") == (file.key, file.content)
    assert [each.key for each in found.siblings(file)] == ["pkg/g.go"]
    assert key(found, "/b/pkg/g.go", "example.com/m/pkg.F") == "pkg/g.go"
    assert (key(found, "example.com/m@v1.3.0/pkg/f.go", "example.com/m/pkg.F") is None) == bool(around)
    assert bool(found.notes) == bool(around)
    assert before == sorted(tmp_path.rglob("*"))


@_KINDS
def test_hostile_members_are_nowhere(tmp_path: Path, kind: str) -> None:
    """Links, ways out, other files."""
    members = {"r/a/ok.go": b"ok", "/etc/x.go": b"x", "../y.go": b"y", "r/a/../z.go": b"z", "r/a/secret.txt": b"s"}
    path = archive(tmp_path / kind, members, links={"r/a/link.go": "/etc/passwd"})
    found = sources(tmp_path, path)
    for name in ("/etc/x.go", "/b/y.go", "/b/z.go", "/r/a/link.go", "/r/a/secret.txt"):
        assert key(found, name) is None
    assert key(found, "/r/a/ok.go") == "a/ok.go"


@_KINDS
def test_a_file_of_an_archive_that_is_too_large(tmp_path: Path, kind: str) -> None:
    path = archive(tmp_path / kind, {"r/a/big.go": bytes(trees.MAX_FILE_BYTES + 1), "r/b.go": b""})
    found = sources(tmp_path, path)
    assert key(found, "/r/a/big.go") is None
    assert found.notes == (f"{path}/a/big.go is larger than 4 MiB; it was not read",)


@_KINDS
def test_a_damaged_archive(tmp_path: Path, kind: str) -> None:
    content = archive(tmp_path / kind, {f"r/{n}.go": os.urandom(3000) for n in range(30)}).read_bytes()
    (tmp_path / kind).write_bytes(content[: len(content) // 2])
    with pytest.raises(SourceError, match="is a damaged archive"):
        sources(tmp_path, tmp_path / kind)


def test_a_damaged_member_of_a_zip(tmp_path: Path) -> None:
    """The central directory is sound, the content is not."""
    path = archive(tmp_path / "t.zip", {"r/a.go": os.urandom(3000), "r/b.go": b"b"})
    content = bytearray(path.read_bytes())
    content[1000:1010] = bytes(10)
    path.write_bytes(content)
    found = sources(tmp_path, path)
    assert key(found, "/r/a.go") is None
    assert key(found, "/x/r/b.go") == "b.go"
    assert "cannot be read" in found.notes[0]


@_KINDS
def test_an_archive_beyond_the_bounds(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = archive(tmp_path / kind, {f"r/{n}.go": b"x" for n in range(30)})
    monkeypatch.setattr(archives, "MAX_MEMBERS", 29)
    with pytest.raises(LimitError, match="contains more than 29 members"):
        sources(tmp_path, path)
    monkeypatch.setattr(archives, "MAX_ARCHIVE_BYTES", 10)
    with pytest.raises(LimitError, match="is larger than"):
        sources(tmp_path, path)


def test_a_bomb(tmp_path: Path) -> None:
    """Zeros that unpack to a thousand times their size, in a file that is passed over."""
    path = archive(tmp_path / "t.tar.gz", {"r/a.go": b"a", "r/zeros": bytes(80 << 20)})
    with pytest.raises(LimitError, match="unpacks to more than 500 times its size"):
        sources(tmp_path, path)


def test_an_archive_without_source(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="contains no Go source"):
        sources(tmp_path, archive(tmp_path / "t.zip", {"r/README.md": b""}))


# -- siblings ----------------------------------------------------------------------------------------------------------


def test_the_other_files_of_a_package(module: Path) -> None:
    """Test files only beside a test file; hidden files never."""
    write(module, "pkg/_x.go", "pkg/.y.go", "pkg/z.txt", "pkg/inner/f.go")
    found = sources(module)
    file, test = (
        found.find(frame(f"example.com/acme/app/pkg/{name}", "example.com/acme/app/pkg.F"))
        for name in ("f.go", "f_test.go")
    )
    assert file is not None
    assert test is not None
    assert file.package_key == test.package_key
    assert ["pkg/g.go"] == [each.key for each in found.siblings(file)]
    assert ["pkg/f.go", "pkg/g.go"] == [each.key for each in found.siblings(test)]
    assert {file.package_key} == {each.package_key for each in found.siblings(test)}


def test_a_package_of_too_many_files(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roots, "MAX_PACKAGE_FILES", 1)
    found = sources(module)
    file = found.find(frame("example.com/acme/app/pkg/g.go", "example.com/acme/app/pkg.F"))
    assert file is not None
    assert ["pkg/f.go"] == [each.key for each in found.siblings(file)]
    assert found.notes == (f"{file.package_key} contains more than 1 Go files; the others were not read",)


# -- bounds, and what cannot be read -----------------------------------------------------------------------------------


def test_a_file_is_read_once(module: Path) -> None:
    found = sources(module)
    first, again = (
        found.find(frame("example.com/acme/app/pkg/f.go", f"example.com/acme/app/pkg.{name}")) for name in "FG"
    )
    assert first is not None
    assert first is again
    assert first is found.find(frame("/b/pkg/f.go", "example.com/acme/app/pkg.F"))


def test_a_file_that_is_too_large(module: Path) -> None:
    (module / "pkg/f.go").write_bytes(bytes(trees.MAX_FILE_BYTES + 1))
    (module / "pkg/g.go").write_bytes(bytes(trees.MAX_FILE_BYTES))
    found = sources(module)
    assert key(found, "example.com/acme/app/pkg/f.go", "example.com/acme/app/pkg.F") is None
    assert key(found, "example.com/acme/app/pkg/g.go", "example.com/acme/app/pkg.F") == "pkg/g.go"
    assert found.notes == (f"{module.resolve()}/pkg/f.go is larger than 4 MiB; it was not read",)


@pytest.mark.parametrize(("bound", "value"), [("MAX_FILES", 1), ("MAX_BYTES", 8)])
def test_a_run_reads_a_bounded_number(module: Path, monkeypatch: pytest.MonkeyPatch, bound: str, value: int) -> None:
    monkeypatch.setattr(roots, bound, value)
    found = sources(module)
    keys = [key(found, f"example.com/acme/app/pkg/{n}.go", "example.com/acme/app/pkg.F") for n in ("f", "g", "f")]
    assert keys == ["pkg/f.go", None, "pkg/f.go"]
    assert len(found.notes) == 1
    assert "the rest was not read" in found.notes[0]


@_LINKS
def test_links_that_leave_are_refused(module: Path, tmp_path: Path) -> None:
    """Of files and of folders; links inside are followed, and the root itself may be one."""
    write(tmp_path / "out", "secret.go", "pkg/f.go")
    write(module, "notes.txt")
    for name, target in (
        ("a.go", tmp_path / "out/secret.go"), ("b.go", module / "only.go"), ("c.go", module / "notes.txt"),
        ("d.go", module / "d.go"), ("e.go", module / "pkg"), ("folder", tmp_path / "out"), ("dev.go", "/dev/zero"),
    ):  # fmt: skip
        (module / name).symlink_to(target)
    (tmp_path / "linked").symlink_to(module)
    for found in (sources(module), sources(tmp_path, tmp_path / "linked")):
        for name in ("a", "c", "d", "e", "dev", "folder/secret"):
            assert key(found, f"example.com/acme/app/{name}.go", "example.com/acme/app.F") is None
        assert len(found.notes) == 6
        assert sum("is a symbolic link that leaves" in note for note in found.notes) == 3
        file = found.find(frame("example.com/acme/app/b.go", "example.com/acme/app.F"))
        assert file is not None
        assert file.content == b"only.go"
        assert [each.key for each in found.siblings(file)] == ["only.go"]


@_LINKS
def test_what_is_no_regular_file(module: Path) -> None:
    """A pipe that nobody writes to is not waited for."""
    os.mkfifo(module / "pipe.go")
    (module / "folder.go").mkdir()
    found = sources(module)
    for name in ("pipe", "folder"):
        assert key(found, f"example.com/acme/app/{name}.go", "example.com/acme/app.F") is None
    assert len(found.notes) == 2


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(module: Path) -> None:
    (module / "pkg/f.go").chmod(0)
    found = sources(module)
    assert key(found, "example.com/acme/app/pkg/f.go", "example.com/acme/app/pkg.F") is None
    assert found.notes == (f"{module.resolve()}/pkg/f.go cannot be read: Permission denied",)


def test_a_working_directory_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert Sources(environment={}).find(frame("main.go")) is None


# -- strangers' paths --------------------------------------------------------------------------------------------------

_opened: list[str] | None = None


def _listen(event: str, arguments: tuple[Any, ...]) -> None:
    if _opened is not None and event == "open" and isinstance(arguments[0], (str, bytes)):
        _opened.append(os.fsdecode(arguments[0]))


sys.addaudithook(_listen)


@contextmanager
def opened() -> Iterator[list[str]]:
    """The paths of the files that are opened meanwhile."""
    global _opened  # noqa: PLW0603  # a hook cannot be taken off
    _opened = []
    try:
        yield _opened
    finally:
        _opened = None


@pytest.fixture(scope="module")
def fortress(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sources, Path]:
    """Roots of every kind, and a secret beside them."""
    base = tmp_path_factory.mktemp("fortress").resolve()
    write(base, "secret.go", "etc/secret.go", "inside/cwd/a/f.go", "inside/root/a/f.go")
    inside = base / "inside"
    describe(inside / "cwd", "module example.com/m\nreplace example.com/d => ../..\n")
    write(inside / "cwd", "vendor/example.com/v/f.go")
    write(inside / "cache", "example.com/x@v1.0.0/a/f.go", "golang.org/toolchain@v0.0.1-go1.26.8/src/runtime/proc.go")
    write(inside / "go", "src/runtime/proc.go")
    (inside / "cwd/out").symlink_to(base / "etc")
    (inside / "root/f.go").symlink_to(base / "secret.go")
    environment = {"GOMODCACHE": str(inside / "cache"), "GOROOT": str(inside / "go")}
    return Sources([inside / "root"], environment=environment, cwd=inside / "cwd"), base


_ELEMENTS: Final = st.sampled_from(
    [
        *"|..|.|~|a|f.go|secret.go|etc|out|inside|cwd|root|src|pkg|mod|vendor|example.com|m|x@v1.0.0|x@v..|@v".split(
            "|"
        ),
        *"d@v1.0.0|golang.org|toolchain@v0.0.1-go1.26.8|runtime|C:|f.go\0|proc.go|<autogenerated>|??".split("|"),
        *"_cgo_gotypes.go|\ud800.go|%2e%2e|..\\..|!a!!".split("|"),
    ]
)
_PATHS: Final = st.one_of(
    st.builds(
        lambda start, elements, between: start + between.join(elements),
        st.sampled_from(
            ["", "/", "//", "C:/", "C:\\", "\\\\host\\share\\", "example.com/m/", "/b/", "example.com/x@v1.0.0/"]
        ),
        st.lists(_ELEMENTS, min_size=1, max_size=8),
        st.sampled_from(["/", "/", "\\"]),
    ),
    st.text(max_size=30).map(lambda text: text + ".go"),
    st.text(),
)
_FUNCTIONS: Final = st.sampled_from(
    [
        "main.main",
        "example.com/m/a.F",
        "example.com/x/a.F",
        "runtime.main",
        "example.com/v.F",
        "example.com/d.F",
        "",
        "?",
    ]
) | st.text(max_size=20)


@_LINKS
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(path="example.com/m/out/secret.go", function="example.com/m/out.F", absolute=False)
@example(path="example.com/m/../../secret.go", function="example.com/m.F", absolute=False)
@example(path="example.com/x@v1.0.0/../../../secret.go", function="example.com/x.F", absolute=False)
@example(path="example.com/d@v1.0.0/secret.go", function="example.com/d.F", absolute=False)
@example(path="/b/root/f.go", function="main.main", absolute=False)
@example(path="secret.go", function="main.main", absolute=True)
@given(path=_PATHS, function=_FUNCTIONS, absolute=st.booleans())
def test_no_path_reads_anything_outside(
    fortress: tuple[Sources, Path], path: str, function: str, absolute: bool
) -> None:
    """Whatever a dump names: no exception, and no file but the chosen folders' is opened."""
    found, base = fortress
    asked = frame(f"{base}/{path}" if absolute else path, function)
    with opened() as files:
        source = found.find(asked)
        others = () if source is None else found.siblings(source)
    for file in files:
        if file.startswith(str(base)):
            assert Path(file).resolve().is_relative_to(base / "inside"), file
        else:
            assert not file.endswith(".go"), file
    for each in filter(None, (source, *others)):
        assert each.key.endswith(".go")
        assert b"secret" not in each.content


@pytest.mark.parametrize(
    "file",
    [
        "", "?", "??", "<autogenerated>", "_cgo_gotypes.go", "_testmain.go", "/b/_cgo_export.go", "asm_amd64.s", "f.c",
        "/" * 5000 + "f.go", "a/" * 100 + "f.go", "x" * 300 + ".go", "/etc/passwd", "C:f.go", "//f.go/..",
        ".go/", "@v1/f.go",
    ],
)  # fmt: skip
def test_what_is_no_source(module: Path, file: str) -> None:
    found = sources(module, module)
    assert found.find(frame(file)) is None
    assert list(found.candidates(frame(file))) == []
    assert found.notes == ()


# -- this machine ------------------------------------------------------------------------------------------------------


def _go_env(name: str) -> Path:
    """A setting of the Go on this machine; skips without."""
    try:
        done = subprocess.run(["go", "env", name], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no Go here")
    return Path(done.stdout.strip())


def test_the_standard_library_of_this_machine(tmp_path: Path) -> None:
    """Without being told where it is."""
    goroot = _go_env("GOROOT")
    found = Sources(cwd=tmp_path).find(frame("/usr/local/go/src/sync/mutex.go", "sync.(*Mutex).Lock"))
    assert found is not None
    assert (goroot / "src/sync/mutex.go").read_bytes() == found.content


def test_the_module_cache_of_this_machine(tmp_path: Path) -> None:
    """Any file of it is found by both ways in which a frame may name it."""
    cache = _go_env("GOMODCACHE")
    files = [path for path in cache.glob("*/*/*@v*/*.go") if path.is_file()][:50]
    if not files:
        pytest.skip("no modules here")
    found = Sources(cwd=tmp_path)
    for path in files:
        name = capitals_restored(path.relative_to(cache).as_posix())
        package = name.partition("@")[0]
        for file in (name, f"/builder/go/pkg/mod/{path.relative_to(cache).as_posix()}"):
            source = found.find(frame(file, f"{package}.F"))
            assert source is not None
            assert (name, path.read_bytes()) == (source.key, source.content)


# -- options -----------------------------------------------------------------------------------------------------------


def test_the_options(tmp_path: Path) -> None:
    """Source is off with --no-source and when names are redacted."""
    assert reader_of([tmp_path], no_source=True, redacted=False) is None
    assert reader_of([tmp_path], no_source=False, redacted=True) is None
    assert isinstance(reader_of(None, no_source=False, redacted=False), Reader)
    with pytest.raises(SourceError, match="does not exist"):
        reader_of([tmp_path / "nowhere"], no_source=False, redacted=False)
