"""Every command on every page is run, and what the pages show is what the program prints.

With ``STACKSCAN_UPDATE_GOLDENS=1`` the outputs on the pages are written anew; read them before committing.

A page marks each fenced block that holds commands in one of these ways:

* a ``console`` block is run; its output, standard error included, must be the one that is shown;
* ``<!-- output varies: WHY -->`` on the line before: it is run, and what it prints is not compared;
* ``<!-- exit code 1 -->``: the last command ends with this code (all others, and all without a mark, with 0);
* ``<!-- not run: WHY -->``: it needs something that a test does not have.

Commands run in a folder that looks like a checkout, with ``goroutines.stacks`` and other dumps in it
(:func:`workplace`).
Addresses of services (``localhost:6060``, ``127.0.0.1:5001``) are answered by a server of the test.
"""

from __future__ import annotations

import gzip
import http.server
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from typer.main import get_command

from helpers import FIXTURES, ROOT, environment, golden
from stackscan.cli.app import app

DOCS: Final = ROOT / "docs"
PAGES: Final = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
STALLED: Final = FIXTURES / "kubo" / "v0.41.0-boxo-v0.38.0-stalled-tcp"
QUIET: Final = FIXTURES / "kubo" / "v0.41.0-quiet"
MIXED: Final = FIXTURES / "kubo" / "v0.41.0-boxo-v0.38.0-mixed"
#: What stands in the addresses on the pages.
SERVICES: Final = ("localhost:6060", "127.0.0.1:5001")
_BLOCK: Final = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]*) -->\n)?^```(?P<language>[^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
#: A line that a reader would type: after a prompt and settings, it begins with a program.
_COMMAND: Final = re.compile(
    r"^\s*(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\S*/)?"
    r"(?:stackscan|python3?|pip|pytest|go|curl|kill|cd|git|docker|kubectl|gh|sh|bash|streamlit|openssl|apt(?:-get)?|ipfs|jq)\s",
    re.MULTILINE,
)
#: Languages of blocks that show something else than commands.
_OTHER_LANGUAGES: Final = {"text", "go", "toml", "json", "python", "yaml", "sql", "mermaid", "diff"}
#: Blocks of the README that other tests hold to the truth: CI runs the one, the picture is made by the other.
_HELD_ELSEWHERE: Final = {"test", "run"}


@dataclass(frozen=True)
class Block:
    """A fenced block of a page and the comment right above it."""

    mark: str
    language: str
    body: str

    @property
    def runs(self) -> bool:
        """Whether its commands are run."""
        return self.language == "console" and not self.mark.startswith("not run")

    @property
    def varies(self) -> bool:
        """Whether its output is another one each time."""
        return "output varies" in self.mark

    @property
    def exit_code(self) -> int:
        """How its last command ends."""
        code = re.search(r"exit code (\d+)", self.mark)
        return int(code[1]) if code else 0

    @property
    def commands(self) -> list[str]:
        r"""What is typed at its prompts; a line that ends with \ goes on in the next one."""
        return re.findall(r"^\$ ((?:.*\\\n)*.*)$", self.body, re.MULTILINE)


def blocks(text: str) -> list[Block]:
    """All fenced blocks of a page."""
    return [Block(found["mark"] or "", found["language"], found["body"]) for found in _BLOCK.finditer(text)]


# -- where commands run ------------------------------------------------------------------------------------------------


def unpacked(path: Path) -> bytes:
    """A fixture's text."""
    return gzip.decompress(path.read_bytes())


def workplace(folder: Path) -> Path:
    """A folder with what the pages name: the checkout's folders, and dumps of the reader's own."""
    for name in ("fixtures", "examples", "benchmarks", "LICENSE"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "goroutines.stacks").write_bytes(unpacked(STALLED / "stack-02.txt.gz"))
    (folder / "before.stacks").write_bytes(unpacked(MIXED / "stack-01.txt.gz"))
    (folder / "after.stacks").write_bytes(unpacked(MIXED / "stack-02.txt.gz"))
    (folder / "ipfs-profile-1.zip").write_bytes((MIXED / "ipfs-profile-01.zip").read_bytes())
    (folder / "ipfs-profile-2.zip").write_bytes((MIXED / "ipfs-profile-02.zip").read_bytes())
    (folder / "dumps").mkdir()
    for number in (1, 2):
        (folder / "dumps" / f"{number}.stacks").write_bytes(unpacked(QUIET / f"stack-0{number}.txt.gz"))
    return folder


class _Service(http.server.BaseHTTPRequestHandler):
    """What ``net/http/pprof`` and kubo answer, of the stalled node."""

    def do_GET(self) -> None:  # the library's name
        """A profile, in full text, counted text or protobuf."""
        self.answer()

    def do_POST(self) -> None:  # the library's name
        """The RPC of kubo."""
        self.answer()

    def answer(self) -> None:
        """The fixture that the address names, if any."""
        path, _, query = self.path.partition("?")
        shown = {
            "/debug/stack": STALLED / "stack-02.txt.gz",
            "/api/v0/diag/profile": STALLED / "ipfs-profile-02.zip",
            "/debug/pprof/goroutine": STALLED
            / {"debug=2": "goroutine.debug2-02.txt.gz", "debug=1": "goroutine.debug1-02.txt.gz"}.get(
                query, "goroutine.debug0-02.pb.gz"
            ),
        }
        wanted = "POST" if path.startswith("/api/") else "GET"
        found = path in shown and self.command == wanted
        self.send_response(200 if found else 404)
        self.end_headers()
        if found:
            body = shown[path].read_bytes()
            self.wfile.write(gzip.decompress(body) if shown[path].name.endswith(".txt.gz") else body)

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def service() -> Iterator[int]:
    """The port of a live process. Like those on the pages it has four digits, so that lines break in the same place."""
    for port in range(6070 + os.getpid() % 3000, 9999):
        try:
            server = http.server.ThreadingHTTPServer(("127.0.0.1", port), _Service)
        except OSError:
            continue
        break
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield port
    server.shutdown()
    server.server_close()
    thread.join()


def ran(command: str, folder: Path, port: int) -> tuple[str, int]:
    """What a command prints, with the addresses of the page, and its exit code."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for address in SERVICES:
        command = command.replace(address, f"{address.partition(':')[0]}:{port}")
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env=environment(PATH=path, no_proxy="*"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    shown = done.stdout
    for address in SERVICES:
        shown = shown.replace(f"{address.partition(':')[0]}:{port}", address)
    return shown, done.returncode


# -- the tests ---------------------------------------------------------------------------------------------------------


@pytest.mark.generated
@pytest.mark.parametrize("page", [p for p in PAGES if any(b.runs for b in blocks(p.read_text()))], ids=lambda p: p.stem)
def test_a_page_shows_what_is_printed(page: Path, tmp_path: Path, service: int) -> None:
    """Every console block of every page is run, in order, and each command ends with the exit code that is stated."""
    folder = workplace(tmp_path)
    surprises: list[str] = []

    def renewed(found: re.Match[str]) -> str:
        block = Block(found["mark"] or "", found["language"], found["body"])
        if not block.runs:
            return found[0]
        shown = ""
        for command in block.commands:
            printed, code = ran(command, folder, service)
            shown += f"$ {command}\n{printed}"
            expected = block.exit_code if command == block.commands[-1] else 0
            if code != expected:
                surprises.append(f"$ {command}\n{printed}exit code {code}, not {expected}")
        return found[0] if block.varies else found[0].replace(block.body, shown)

    now = _BLOCK.sub(renewed, page.read_text(encoding="utf-8"))
    assert surprises == []
    golden(page, now)


def unaccounted(text: str) -> list[str]:
    """What is wrong with the blocks of a page: commands that nobody runs and that do not say why."""
    wrong = []
    for block in blocks(text):
        first = block.body.split("\n", 1)[0]
        if block.language == "" and block.mark in _HELD_ELSEWHERE:
            continue
        if block.language == "console":
            if not block.commands:
                wrong.append(f"a console block without a prompt: {first}")
            if not re.fullmatch(r"|not run: .{10,}|(?:exit code \d+)?(?:; )?(?:output varies: .{10,})?", block.mark):
                wrong.append(f"a mark that means nothing: {block.mark}")
        elif block.language not in _OTHER_LANGUAGES:
            wrong.append(f"a block of the language {block.language!r}: {first}")
        elif block.language not in ("python", "go") and _COMMAND.search(block.body):
            wrong.append(f"commands outside a console block: {first}")
    outside = _BLOCK.sub("", text)
    indented = [line for line in outside.splitlines() if re.match(r" {4}|\t", line) and _COMMAND.match(line)]
    wrong += [f"an indented command: {line}" for line in indented]
    wrong += [f"a fence that is not closed: {line}" for line in outside.splitlines() if line.startswith("```")]
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_is_run_or_says_why_not(page: Path) -> None:
    """No fenced block holds a command that is neither run nor marked with a reason."""
    assert unaccounted(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("```\nstackscan report x\n```\n", "a block of the language ''"),
        ("```text\n$ stackscan report x\n```\n", "commands outside a console block"),
        ("```text\nsee:\n.venv/bin/python fuzz.py text\n```\n", "commands outside a console block"),
        ("```toml\nGOOS=linux go run . close\n```\n", "commands outside a console block"),
        ("```sh\nls\n```\n", "a block of the language 'sh'"),
        ("<!-- not run: -->\n```console\n$ go run .\n```\n", "a mark that means nothing"),
        ("<!-- skip -->\n```console\n$ go run .\n```\n", "a mark that means nothing"),
        ("```console\nstackscan report x\n```\n", "a console block without a prompt"),
        ("then\n\n    stackscan report x\n", "an indented command"),
        ("```console\n$ stackscan report x\n", "a fence that is not closed"),
    ],
)
def test_a_command_that_nobody_runs_is_found(text: str, said: str) -> None:
    """The check sees each way in which a command may stand on a page without being run."""
    assert any(each.startswith(said) for each in unaccounted(text)), unaccounted(text)
    fine = "<!-- not run: needs a server -->\n```console\n$ go run .\n```\n\n```text\ngoroutine 7\n```\n"
    assert unaccounted(fine) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    """Each link and picture of a page is a file of the repository, and each heading that is linked to exists."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        name, _, heading = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (heading and heading not in headings(file)):
            broken.append(target)
    assert broken == []


def headings(page: Path) -> set[str]:
    """The headings of a page as GitHub links to them."""
    found = re.findall(r"^#+ (.*)$", _BLOCK.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_the_index_names_every_page() -> None:
    """docs/README.md is the table of contents."""
    linked = set(re.findall(r"\]\(([\w/-]+\.md)", (DOCS / "README.md").read_text(encoding="utf-8")))
    assert linked == {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")} - {"README.md"}


# -- generated pages ---------------------------------------------------------------------------------------------------


def generated(name: str) -> str:
    """What a script of docs/generate prints."""
    script = DOCS / "generate" / f"{name}.py"
    return subprocess.run(
        [sys.executable, str(script)], env=environment(), capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.generated
def test_the_picture_is_the_report_of_the_readmes_command() -> None:
    """What the README's first command prints is what its picture shows."""
    golden(DOCS / "pictures" / "report.svg", generated("picture"))


@pytest.mark.generated
def test_the_reference_is_fresh() -> None:
    """docs/reference.md holds the help of every command."""
    golden(DOCS / "reference.md", generated("reference"))


@pytest.mark.generated
def test_the_questions_are_answered_as_the_transcript_shows() -> None:
    """docs/mcp-transcript.md: five questions, each answered in at most 4,000 bytes."""
    page = generated("transcript")
    golden(DOCS / "mcp-transcript.md", page)
    sizes = [int(size.replace(",", "")) for size in re.findall(r", ([\d,]+) bytes:", page)]
    assert 5 == len(sizes)
    assert max(sizes) <= 4_000
    assert page.count("goroutines 326, 327") + page.count("goroutine 330;") >= 5


def test_the_reference_names_every_environment_variable() -> None:
    """Each variable of our own that the package reads is in the reference."""
    read = {
        name
        for module in (ROOT / "stackscan").rglob("*.py")
        for name in re.findall(r'"(STACKSCAN_[A-Z_]+)"', module.read_text(encoding="utf-8"))
    }
    text = (DOCS / "reference.md").read_text(encoding="utf-8")
    assert len(read) > 1
    assert [name for name in sorted(read) if f"`{name}`" not in text] == []


#: Where each command is explained by hand.
EXPLAINED: Final = {
    "report": "reading-a-report.md",
    "show": "reading-a-report.md",
    "check": "ci.md",
    "compare": "compare.md",
    "capture": "live.md",
    "watch": "live.md",
    "fleet": "fleet.md",
    "store info": "store.md",
    "store compact": "store.md",
    "store expire": "store.md",
    "rules": "rules.md",
    "export": "tables.md",
    "query": "tables.md",
    "convert": "convert.md",
    "pool project": "pool-model.md",
    "pool replay": "pool-model.md",
    "pool plan": "pool-model.md",
    "reproduce close": "reproducers.md",
    "reproduce pool": "reproducers.md",
    "mcp": "mcp.md",
    "schema": "compatibility.md",
}


def options() -> dict[str, set[str]]:
    """The long options of every command."""

    def below(name: str, command: Any) -> Iterator[tuple[str, set[str]]]:
        for child, each in command.commands.items():
            path = f"{name} {child}".strip()
            if getattr(each, "commands", None):
                yield from below(path, each)
            else:
                yield path, {o for p in each.params if p.param_type_name == "option" for o in p.opts if o[:2] == "--"}

    return dict(below("", get_command(app)))


def test_every_command_is_explained_on_a_page() -> None:
    """No command is only in the generated reference."""
    assert set(options()) == set(EXPLAINED)


@pytest.mark.parametrize("name", EXPLAINED)
def test_every_option_is_documented(name: str) -> None:
    """What a command takes is explained on its page."""
    text = (DOCS / EXPLAINED[name]).read_text(encoding="utf-8")
    assert f"stackscan {name}" in text
    assert [option for option in sorted(options()[name] - {"--help"}) if option not in text] == []
