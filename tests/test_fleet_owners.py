"""Owners of packages: which line of the file counts, whose finding it is, and what is wrong with a file."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, Final

import pytest

from helpers import FIXTURES, run
from stackscan import api
from stackscan.errors import ConfigurationError, StackscanError
from stackscan.fleet.model import Fleet
from stackscan.fleet.owners import read_owners
from stackscan.redaction import Redaction
from stackscan.render import renderer

_KUBO: Final = FIXTURES / "kubo"
_MAP: Final = """\
# who owns what

*                                   @everyone
github.com/ipfs/boxo/...            @ipfs  mail@example.org # the library
github.com/ipfs/boxo/bitswap        @bitswap
github.com/ipfs/boxo/bitswap/**/old # nobody
github.com/acme/*/queue             @queues
example.com/*                       @flat
"""


def owners(folder: Path, text: str = _MAP) -> Path:
    path = folder / "OWNERS"
    path.write_text(text)
    return path


def kubo(path: Path | None, **options: Any) -> Fleet:
    return api.fleet([str(_KUBO / "v0.40.1-stalled-tcp" / "stack-02.txt.gz")], owners=path, **options)


def shown(fleet: Fleet, output: str) -> str:
    out = io.StringIO()
    renderer("fleet", output)(fleet, out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("package", "owner"),
    [
        ("github.com/ipfs/boxo", "@ipfs mail@example.org"),
        ("github.com/ipfs/boxo/files", "@ipfs mail@example.org"),
        ("github.com/ipfs/boxo2", "@everyone"),  # whole parts
        ("github.com/ipfs/boxo/bitswap", "@bitswap"),
        ("github.com/ipfs/boxo/bitswap/network/bsnet", "@bitswap"),  # a path owns what is below it
        ("github.com/ipfs/boxo/bitswap/old", ""),  # taken out
        ("github.com/ipfs/boxo/bitswap/a/b/old/c", ""),
        ("my/github.com/ipfs/boxo", "@everyone"),  # from the start
        ("github.com/acme/shop/queue", "@queues"),
        ("github.com/acme/shop/a/queue", "@everyone"),
        ("example.com/a", "@flat"),
        ("example.com/a/b", "@everyone"),  # a last part with * is no folder
        ("main", "@everyone"),
    ],
)
def test_the_last_line_that_matches_counts(tmp_path: Path, package: str, owner: str) -> None:
    """As in CODEOWNERS, on import paths."""
    assert tuple(owner.split()) == read_owners(owners(tmp_path)).of([package])


def test_a_line_with_many_stars_ends(tmp_path: Path) -> None:
    """The names of packages come from strangers, who may choose them to fit a public map."""
    found = read_owners(owners(tmp_path, "*a" * 40 + "*b @stars\n" + "*a/**/" * 20 + "b @parts\n"))
    assert () == found.of(["a" * 2_000]) == found.of(["a/" * 1_000 + "a"])
    assert ("@stars",) == found.of(["a" * 50 + "b"])
    assert ("@parts",) == found.of(["xa/" * 30 + "b"])


def test_a_finding_belongs_to_the_innermost_package_that_has_a_line(tmp_path: Path) -> None:
    """A worker waits in another library's Close: it is bitswap's, whose code called it."""
    fleet = kubo(owners(tmp_path, "github.com/ipfs/boxo/bitswap @bitswap\ngithub.com/ipfs/kubo @kubo"))
    stall = next(one for one in fleet.findings if one.rule == "bitswap-close-stall")
    assert "github.com/libp2p/go-yamux/v5" == stall.packages[0]
    assert ("@bitswap",) == stall.owners
    nearer = kubo(owners(tmp_path, "github.com/multiformats/... @streams\ngithub.com/ipfs/boxo/bitswap @bitswap"))
    assert ("@streams",) == next(one for one in nearer.findings if one.rule == "bitswap-close-stall").owners


def test_a_leak_in_a_library_belongs_to_who_started_it(tmp_path: Path) -> None:
    """The stack is all of the library's; the creator is the program's."""
    block = (
        "goroutine {} [select]:\nnet/http.(*Transport).dial()\n\t/go/src/net/http/transport.go:9 +0x1\n"
        "github.com/lib/pool.run()\n\t/src/pool/run.go:4 +0x1\n"
        "created by example.com/shop/cart.Open in goroutine 1\n\t/src/cart.go:20 +0x3f\n"
    )
    (tmp_path / "a.txt").write_text("\n".join(block.format(number) for number in range(2, 60)))
    path = owners(tmp_path, "example.com/shop/... @shop")
    (crowd,) = api.fleet([str(tmp_path / "a.txt")], owners=path, threshold=50).findings
    assert (("github.com/lib/pool", "example.com/shop/cart"), ("@shop",)) == (crowd.packages, crowd.owners)


def test_the_outputs_name_owners_only_when_asked(tmp_path: Path) -> None:
    """Also where nobody owns a finding."""
    path = owners(tmp_path, "github.com/ipfs/boxo/bitswap/network @a|b")
    for output in ("text", "markdown"):
        assert "owner" not in shown(kubo(None), output)
    fleet = kubo(path)
    assert "owner: @a|b" in shown(fleet, "text")
    assert not {"@a|b", "@a"} & set(shown(fleet, "markdown").split())  # it would call them
    assert [["@a|b"]] == [
        one["owners"] for one in json.loads(shown(fleet, "json"))["findings"] if one["rule"] == "bitswap-close-stall"
    ]
    assert "owner: nobody" in shown(kubo(owners(tmp_path, "example.com @x")), "text")


def test_one_owners_findings(tmp_path: Path) -> None:
    """The others are counted, and do not fail the run."""
    path = owners(tmp_path, "example.com @else\ngithub.com/ipfs/boxo/bitswap @bitswap")
    every = kubo(path)
    mine, theirs = kubo(path, owner="bitswap"), kubo(path, owner="@else")
    assert (0, len(every.findings)) == (len(theirs.findings), theirs.others)
    assert ("@bitswap", len(every.findings)) == (mine.owner, len(mine.findings) + mine.others)
    assert (True, False) == (mine.fails("error"), theirs.fails("error"))
    assert f"findings of @else only; {theirs.others} finding" in shown(theirs, "text")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "OWNERS: it names no owner"),
        ("# only\n\n  # comments\n", "OWNERS: it names no owner"),
        ("example.com\n", "OWNERS: it names no owner"),
        ("a @x\n/example.com @x\n", "OWNERS:2: '/example.com' begins with /"),
        ("example.com team\n", "OWNERS:1: 'team' is no owner"),
        ("example.com/[a] @x\n", "OWNERS:1: 'example.com/[a]' is no pattern"),
        ("example.com//a @x\n", "OWNERS:1: 'example.com//a' is no pattern"),
        ("\n@x example.com\n", "OWNERS:2: '@x' is no pattern"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    """And what to write."""
    with pytest.raises(ConfigurationError) as caught:
        read_owners(owners(tmp_path, text))
    assert says in str(caught.value)
    assert caught.value.hint


def test_bytes_that_are_no_text_and_files_that_are_none(tmp_path: Path) -> None:
    """A message, and no trace."""
    (tmp_path / "raw").write_bytes(b"\xff\xfe\x00@")
    for name, says in (("raw", "not UTF-8"), ("missing", "No such file"), (".", "Is a directory")):
        with pytest.raises(ConfigurationError, match=says):
            read_owners(tmp_path / name)


def test_wrong_options_end_with_2(tmp_path: Path) -> None:
    """An owner that nobody named, an owner without a file; names that are hidden cannot be owned."""
    path = owners(tmp_path)
    dump = str(_KUBO / "v0.40.1-stalled-tcp" / "stack-02.txt.gz")
    done = run("fleet", "--owners", path, "--owner", "bitwap", dump)
    assert (2, True, True) == (done.returncode, "does not name 'bitwap'" in done.stderr, "@bitswap" in done.stderr)
    assert 2 == run("fleet", "--owner", "@bitswap", dump).returncode
    with pytest.raises(StackscanError, match="which --redact hides"):
        kubo(path, redaction=Redaction(b"0" * 32))
