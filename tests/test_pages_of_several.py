"""The pages of ``compare`` and ``check``: what they show without scripts, the JSON that they hold, hostile names."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import pytest

from helpers import ROOT, golden, goroutine, run

GROWTH: Final = Path("fixtures/growth")
KUBO: Final = Path("fixtures/kubo")
GOLDEN: Final = ROOT / "tests" / "golden"
#: What strangers write where a dump has names.
MARKUP: Final = "</script><img src=x onerror=alert(1)>"
SIGNS: Final = "\u202e\u2066\u2028\u200b\ufeff\x1b[31m"
POLICY: Final = """
[check]
max_goroutines = 500
[[check.ignore]]
finding = "max-goroutines"
reason = "a \\"big\\" node & <more>"
[[check.pool]]
pool = "bitswap-task-workers"
max_occupancy = 0.5
"""


class Shown(HTMLParser):
    """What a page shows without its scripts: a line for each block, cells between bars; and its elements."""

    _BLOCKS: Final = frozenset("p h1 h2 h3 h4 li tr dt summary title".split())
    _CELLS: Final = frozenset("td th dd".split())

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.scripts: dict[str, str] = {}
        self._hidden = 0
        self._script: str | None = None
        self._text = ""
        self.feed(text)
        before, _, _ = self._text.partition("Made by stackscan")  # the version is of no interest
        self.lines = [line for line in (" ".join(each.split()) for each in before.split("\n")) if line]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        if tag in ("script", "style"):
            self._hidden += 1
            self._script = dict(attrs).get("class")
        if tag in self._BLOCKS:
            self._text += "\n"
        if tag in self._CELLS:
            self._text += " | "

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._hidden -= 1
            self._script = None
        if tag in self._BLOCKS:
            self._text += "\n"

    def handle_data(self, data: str) -> None:
        if self._script is not None:
            self.scripts[self._script] = self.scripts.get(self._script, "") + data
        elif not self._hidden:
            self._text += " ".join(data.split("\n"))


def page(*arguments: Path | str, code: int = 0) -> Shown:
    """The page that a command writes."""
    done = run(*arguments, "--format", "html", cwd=ROOT)
    assert code == done.returncode, done.stderr
    return Shown(done.stdout)


def captures(pattern: str) -> list[Path]:
    """The files of a run, as a user of the repository names them."""
    return [path.relative_to(ROOT) for path in sorted((ROOT / "fixtures").glob(pattern))]


def embedded(found: Shown) -> Any:
    """The JSON report that a page holds."""
    return json.loads(found.scripts["report"])


# -- compare -----------------------------------------------------------------------------------------------------------


@pytest.mark.generated
@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("leak", "growth/leak/debug2-*"),
        ("sawtooth", "growth/sawtooth/debug2-*"),
        ("stalled", "kubo/v0.39.0-unbounded-tcp/stack-*"),
        ("profiles", "growth/leak/debug0-*"),
    ],
)
def test_the_page_of_a_comparison(name: str, files: str) -> None:
    """Its texts without scripts: the verdict first, leaks, captures, places, findings and pools over time."""
    golden(GOLDEN / f"compare-{name}.txt", "\n".join(page("compare", *captures(files)).lines) + "\n")


@pytest.mark.parametrize("files", ["growth/leak/debug2-*", "growth/steady/debug0-*"])
def test_the_page_of_a_comparison_holds_its_json(files: str) -> None:
    """The same values as ``--format json``."""
    told = run("compare", "--format", "json", *captures(files), cwd=ROOT)
    assert json.loads(told.stdout) == embedded(page("compare", *captures(files)))


def test_the_matrix_of_the_page_is_that_of_the_comparison() -> None:
    """Ids as differences, minutes for each capture, places of stacks whose functions are in the page once."""
    beside = json.loads(page("compare", *captures("kubo/v0.39.0-unbounded-tcp/stack-*")).scripts["beside"])
    matrix = beside["matrix"]
    course, ((at, differences, minutes), *_) = matrix["crowds"][0]
    assert "waiting" == matrix["courses"][course][0]
    assert 12 == len(differences)
    assert 4 == len(minutes)
    functions = [beside["frames"][n][0] for n in matrix["stacks"][at[0]][0]]
    assert any(name.endswith("(*lazyClientConn[...]).Close") for name in functions)
    assert len({json.dumps(frame) for frame in beside["frames"]}) == len(beside["frames"])


def test_places_that_look_alike_are_told_apart_by_their_creators(tmp_path: Path) -> None:
    """In the table, and in the chart, which shows the same function."""
    dumps = []
    for number in (3, 9):
        blocks = [
            goroutine(n, ["main.read"], state="select", creator=f"main.from{'AB'[n % 2]}") for n in range(1, 2 * number)
        ]
        dumps.append(tmp_path / f"{number}.txt")
        dumps[-1].write_text("\n".join([*blocks, goroutine(99, ["main.only"], creator="main.main")]))
    found = page("compare", *dumps)
    text = "\n".join(found.lines)
    assert "main.read x.go:10 select created by main.fromA" in text
    assert "main.read x.go:10 select created by main.fromB" in text
    assert "main.only x.go:10 select created by" not in text
    lines = json.loads(found.scripts["beside"])["lines"]
    assert {("main.read", "main.fromA"), ("main.read", "main.fromB")} <= {(at, by) for _, _, at, by in lines}


def test_the_page_says_why_goroutines_cannot_be_followed(tmp_path: Path) -> None:
    """Without ids, in two processes, and where one capture is empty of ids to compare."""
    counted = page("compare", *captures("growth/leak/debug1-*"))
    assert any("some captures have no goroutine ids" in line for line in counted.lines)
    assert json.loads(counted.scripts["beside"])["matrix"] is None
    one, two = tmp_path / "1.txt", tmp_path / "2.txt"
    one.write_text(goroutine(1, ["app.a"]))
    two.write_text(goroutine(2, ["app.a"]))
    broken = page("compare", one, two)
    assert any("different processes, so that the same id may be another goroutine" in line for line in broken.lines)
    assert any("between captures 1 and 2: no common goroutine id" in line for line in broken.lines)


def test_many_captures_get_two_columns_and_a_curve(tmp_path: Path) -> None:
    """The first and the last; the curve has them all."""
    files = []
    for number in range(9):
        files.append(tmp_path / f"{number}.txt")
        files[-1].write_text("\n".join(goroutine(n, ["app.a"]) for n in range(1, number + 3)))
    found = page("compare", *files)
    assert "| All goroutines | 2 | 10 | | +8 | grown" in found.lines


# -- check -------------------------------------------------------------------------------------------------------------


def checked(folder: Path, *more: Path | str) -> tuple[Path | str, ...]:
    """A check with a limit, an ignore and a pool; one input passes, one fails."""
    policy = folder / "policy.toml"
    policy.write_text(POLICY)
    healthy, stalled = KUBO / "v0.41.0-quiet/ipfs-profile-01.zip", KUBO / "v0.40.1-stalled-tcp/stack-02.txt.gz"
    return "check", "--policy", policy, healthy, stalled, *more


@pytest.mark.generated
def test_the_page_of_a_check(tmp_path: Path) -> None:
    """The answer first, then each input: how it did, what failed, why, and how to fix it."""
    lines = page(*checked(tmp_path, *captures("growth/leak/debug2-*")), code=1).lines
    shown = "\n".join(lines).replace(str(tmp_path), "FOLDER")
    golden(GOLDEN / "check.txt", shown + "\n")


def test_the_page_of_a_check_holds_its_json(tmp_path: Path) -> None:
    """The same values as ``--format json``."""
    told = run(*checked(tmp_path), "--format", "json", cwd=ROOT)
    assert json.loads(told.stdout) == embedded(page(*checked(tmp_path), code=1))


def test_a_page_of_a_check_goes_to_a_file(tmp_path: Path) -> None:
    """The short answer is still printed, and the exit code is the check's."""
    file = tmp_path / "check.html"
    done = run(*checked(tmp_path), "--format", "html", "--output", file, cwd=ROOT)
    assert 1 == done.returncode
    assert "1 of 2 captures fails" in done.stdout
    assert "<!doctype" not in done.stdout
    assert "1 of 2 captures fails" in Shown(file.read_text()).lines[0]


def test_an_input_that_cannot_be_checked_is_marked(tmp_path: Path) -> None:
    """With the reason and what to do; the exit code says so too."""
    empty = tmp_path / "empty.txt"
    empty.write_text("")
    found = page("check", KUBO / "v0.41.0-quiet/ipfs-profile-01.zip", empty, code=2)
    assert any("1 input cannot be checked" in line for line in found.lines)
    assert any(line.endswith("empty.txt cannot be checked") for line in found.lines)


def test_a_failure_is_red_beside_what_cannot_be_checked(tmp_path: Path) -> None:
    """The exit code is that of what cannot be checked; the colour does not hide the failure."""
    empty = tmp_path / "empty.txt"
    empty.write_text("")
    stalled = KUBO / "v0.40.1-stalled-tcp/stack-02.txt.gz"
    done = run("check", stalled, empty, "--format", "html", cwd=ROOT)
    assert 2 == done.returncode
    assert 'class="verdict error first"' in done.stdout


def test_known_goroutines_are_set_aside(tmp_path: Path) -> None:
    """What the baseline has is not listed among what was found."""
    stalled = KUBO / "v0.40.1-stalled-tcp/stack-02.txt.gz"
    baseline = tmp_path / "baseline.json"
    assert 0 == run("check", "--write-baseline", baseline, stalled, cwd=ROOT).returncode
    found = page("check", "--baseline", baseline, stalled)
    assert any("Nothing was found besides what is known or ignored." in line for line in found.lines)
    assert any("(12 in the baseline)" in line for line in found.lines)


# -- names of strangers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["compare", "check"])
def test_what_strangers_write_stays_text(command: str, tmp_path: Path) -> None:
    """Functions, files, reasons and names of inputs make no element, and show no sign that hides or turns text."""
    folder = tmp_path / "<b>&'"
    folder.mkdir()
    dumps = []
    for number in range(3):
        blocks = [
            goroutine(n, [f"app.{MARKUP}{SIGNS}", "a" * 20_000], state="chan send, 9 minutes", file=f"/x/{MARKUP}.go")
            for n in range(1, 10 * number + 30)
        ]
        dumps.append(folder / f"{number}{MARKUP.replace('/', '')}.txt")
        dumps[-1].write_text("\n".join(blocks))
    done = run(command, "--format", "html", *dumps)
    assert done.returncode in (0, 1), done.stderr
    found = Shown(done.stdout)
    clean = Shown(run(command, "--format", "html", *captures("growth/leak/debug2-*")[:3], cwd=ROOT).stdout)
    assert clean.elements.count("script") == found.elements.count("script")
    assert not {"img", "b"} & set(found.elements)
    assert not set(SIGNS[:5] + "\x1b") & set("".join(found.lines))
    assert MARKUP in json.dumps(embedded(found), ensure_ascii=False)
