"""The page of a report as text: what it is made of, the JSON that it holds, and --open. Browsers: test_browser.py."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any, Final

import pytest
from hostile import VALUES

from helpers import FIXTURES, ROOT, assert_refused, environment, json_of, run
from stackscan.render.html import page

_ASSETS: Final = ROOT / "stackscan" / "render" / "html" / "assets"
_SCRIPTS: Final = sorted(_ASSETS.glob("*.js"))
_DEADLOCK: Final = FIXTURES / "go" / "go1.25" / "hang_read-again.txt"
_EMBEDDED: Final = re.compile(r'<script type="application/json" class="report">(.*?)</script>', re.DOTALL)
#: What turns text into elements or into program.
_FORBIDDEN: Final = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|setHTML|srcdoc"
    r"|\beval\b|new Function|\bimport\b|fetch\(|XMLHttpRequest|WebSocket|sendBeacon|(?:setTimeout|setInterval)\([\"'`]"
)


def _page(*arguments: Path | str) -> str:
    done = run("report", "--format", "html", *arguments)
    assert 0 == done.returncode, done.stderr
    return done.stdout


# -- scripts and style ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", _SCRIPTS, ids=lambda path: path.name)
def test_no_script_makes_elements_of_text_or_asks_a_network(script: Path) -> None:
    """Texts become text nodes, and all that a page needs is in it."""
    assert [] == _FORBIDDEN.findall(script.read_text(encoding="utf-8"))


def test_the_scripts_are_small() -> None:
    """All of them together."""
    assert 150_000 >= sum(script.stat().st_size for script in _SCRIPTS)


@pytest.mark.parametrize("kind", page._SCRIPTS)
def test_the_scripts_of_a_page_are_sound_together(kind: str, tmp_path: Path) -> None:
    """They share one scope: no name twice, nothing that node cannot read."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node")
    script = tmp_path / f"{kind}.js"
    script.write_text(page._script(kind), encoding="utf-8")
    done = subprocess.run([node, "--check", script], capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)


def test_every_script_is_part_of_a_page() -> None:
    """None is forgotten in the folder."""
    assert {script.stem for script in _SCRIPTS} == {name for names in page._SCRIPTS.values() for name in names}


def test_the_policy_allows_the_script_and_style_of_the_page_alone() -> None:
    """Both by their hashes; nothing is inline in the markup."""
    text = _page(_DEADLOCK)
    script = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    style = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    allowed = dict(part.split(" ", 1) for part in policy.replace("&#39;", "'").split("; "))
    assert [f"'{_hash(each)}'" for each in (*script, *style)] == [allowed["script-src"], allowed["style-src"]]
    assert "'none'" == allowed["default-src"]
    markup = re.sub(r"<(script|style)\b.*?</\1>", "", text, flags=re.DOTALL)
    assert [] == re.findall(r"<[a-z][^>]*\s(?:style|on[a-z]+)=", markup)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


# -- the JSON in the page -------------------------------------------------------------------------------------------


def _embedded(text: str) -> list[dict[str, Any]]:
    return [json.loads(found) for found in _EMBEDDED.findall(text)]


@pytest.mark.parametrize(
    "source",
    [
        _DEADLOCK,
        FIXTURES / "kubo" / "v0.40.1-stalled-tcp" / "ipfs-profile-03.zip",
        FIXTURES / "go" / "go1.19" / "labels.pb.gz",
    ],
    ids=lambda path: path.name,
)
def test_the_page_holds_the_json_report(source: Path) -> None:
    """Value by value what ``--format json`` prints."""
    printed = json.loads(run("report", "--format", "json", source).stdout)
    assert [json.dumps(printed)] == [json.dumps(found) for found in _embedded(_page(source))]


def test_each_input_has_its_part() -> None:
    """The snapshots of all parts, in order, are those of the whole report."""
    sources = (_DEADLOCK, FIXTURES / "go" / "go1.25" / "labels.txt")
    found = [snapshot for part in _embedded(_page(*sources)) for snapshot in part["snapshots"]]
    assert json_of(*sources)["snapshots"] == found


@pytest.mark.parametrize("label", VALUES.values(), ids=VALUES)
def test_no_label_ends_the_script_that_holds_it(label: str, tmp_path: Path) -> None:
    """Nor does it turn the page into something else."""
    dump = tmp_path / "dump.txt"
    value = json.dumps({"user": f"</script><!--<script>{label}"})
    dump.write_text(
        f"goroutine profile: total 1\n1 @ 0x401001\n# labels: {value}\n#\t0x401000\tmain.x+0x1\t/x.go:1\n\n"
    )
    printed = json.loads(run("report", "--format", "json", dump).stdout)
    text = _page(dump)
    assert [printed] == _embedded(text)
    assert text.count("<script") == text.count("</script") == 3
    assert "<!--" not in text


# -- sections -------------------------------------------------------------------------------------------------------


def test_locks_name_the_line_of_their_holders() -> None:
    """As a location, as everywhere on the page."""
    text = _page(FIXTURES / "go" / "go1.27" / "locks_deadlock.txt")
    locks = text.partition('id="locks"')[2].partition("</section>")[0]
    assert "may be held by goroutine" in locks
    assert 'title="example.com/acme/fixtures/deadlock/main.go:28">main.go:28</span>' in locks
    assert "Frame(function" not in text


def test_members_of_a_bundle_are_listed_once(tmp_path: Path) -> None:
    """With its first capture; the others lead there. Else a bundle of a thousand dumps had a million rows."""
    bundle = tmp_path / "several.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        for number in range(3):
            archive.write(FIXTURES / "go" / "go1.27" / "hang_self-deadlock.txt", f"node-{number}.txt")
    text = _page(bundle)
    assert 1 == text.count("<td>node-1.txt</td>")
    assert 3 == text.count('href="#bundle"')


# -- --open ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def fake_browser(tmp_path: Path) -> Path:
    """A program that notes the address that it is asked to show."""
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\nprintf "%s" "$1" > "{tmp_path}/shown"\n', encoding="utf-8")
    program.chmod(0o755)
    return program


def test_open_shows_the_page_that_was_written(fake_browser: Path, tmp_path: Path) -> None:
    """With --output, the file of that name."""
    file = tmp_path / "a page.html"
    env = environment(BROWSER=str(fake_browser))
    done = run("report", "--format", "html", "--open", "--output", file, _DEADLOCK, env=env)
    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)
    assert file.as_uri() == (tmp_path / "shown").read_text(encoding="utf-8")
    assert "</html>" in file.read_text(encoding="utf-8")


def test_open_without_output_writes_a_private_file(fake_browser: Path, tmp_path: Path) -> None:
    """It is said where, and only this user may read it."""
    env = environment(BROWSER=str(fake_browser), TMPDIR=str(tmp_path))
    done = run("report", "--format", "html", "--open", _DEADLOCK, env=env)
    (file,) = tmp_path.glob("stackscan-*.html")
    assert (0, "", f"stackscan: the page is in {file}\n") == (done.returncode, done.stdout, done.stderr)
    assert file.as_uri() == (tmp_path / "shown").read_text(encoding="utf-8")
    assert 0o600 == file.stat().st_mode & 0o777
    assert "</html>" in file.read_text(encoding="utf-8")


def test_without_a_browser_open_says_where_the_page_is(tmp_path: Path) -> None:
    """The page is what was asked for, so that is a success."""
    env = environment(BROWSER=str(tmp_path / "none"), TMPDIR=str(tmp_path), PATH="/nowhere", DISPLAY=None)
    done = run("report", "--format", "html", "--open", _DEADLOCK, env=env)
    (file,) = tmp_path.glob("stackscan-*.html")
    assert 0 == done.returncode
    assert f"stackscan: no browser could be opened; the page is in {file}\n" == done.stderr
    assert "</html>" in file.read_text(encoding="utf-8")


def test_open_needs_a_page_in_a_file(fake_browser: Path, tmp_path: Path) -> None:
    """Text for a terminal and a page for a pipe are shown nowhere."""
    env = environment(BROWSER=str(fake_browser))
    assert_refused(run("report", "--open", _DEADLOCK, env=env), "--format html")
    assert_refused(run("report", "--format", "html", "--open", "--output", "-", _DEADLOCK, env=env), "--output")
    assert not (tmp_path / "shown").exists()


def test_a_page_that_fails_is_not_shown_and_leaves_nothing(fake_browser: Path, tmp_path: Path) -> None:
    """An input that is not there."""
    env = environment(BROWSER=str(fake_browser), TMPDIR=str(tmp_path))
    assert_refused(run("report", "--format", "html", "--open", tmp_path / "missing", env=env), "missing")
    assert [fake_browser] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("compare", _DEADLOCK, _DEADLOCK), 0),
        (("check", _DEADLOCK), 1),
        (("pool", "project", "--rate", "5", "--silent-fraction", "0.1"), 0),
        (("pool", "replay", "--replications", "20"), 0),
        (("pool", "plan", "--rate", "5", "--silent-fraction", "0.1"), 0),
    ],
    ids=lambda value: " ".join(map(str, value[:2])) if isinstance(value, tuple) else "",
)
def test_every_page_can_be_opened(command: tuple[Any, ...], code: int, fake_browser: Path, tmp_path: Path) -> None:
    """Whatever the exit code says of the dumps; and only pages can."""
    env = environment(BROWSER=str(fake_browser), TMPDIR=str(tmp_path))
    done = run(*command, "--format", "html", "--open", env=env)
    assert code == done.returncode, done.stderr
    (file,) = tmp_path.glob("stackscan-*.html")
    assert file.as_uri() == (tmp_path / "shown").read_text(encoding="utf-8")
    assert "</html>" in file.read_text(encoding="utf-8")
    assert_refused(run(*command, "--open", env=env), "--format html")
