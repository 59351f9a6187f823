"""What ``check`` writes: JUnit and SARIF that the published schemas accept, annotations with GitHub's escapes, text."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from helpers import FIXTURES, environment, goroutine, run, run_on_terminal
from stackscan.api import check
from stackscan.checks import CheckResult
from stackscan.render import OUTPUTS, renderer
from stackscan.render.github.check import _command
from stackscan.render.junit.check import _text
from stackscan.render.sarif.check import _uri

SCHEMAS = Path(__file__).resolve().parent / "schemas"
KUBO = FIXTURES / "kubo"
STALLED = KUBO / "v0.40.1-stalled-tcp" / "stack-02.txt.gz"
BUNDLE = KUBO / "v0.41.0-fixed-tcp" / "ipfs-profile-01.zip"
POLICY = """
[check]
max_goroutines = 500
max_wait_minutes = 1
source_prefixes = ["/src/app/"]
[[check.limit]]
name = "hostile, 100%: x"
function = "app.**"
max_count = 1
[[check.pool]]
pool = "bitswap-task-workers"
max_occupancy = 0.5
max_wait_probability = 0.5
[[check.ignore]]
finding = "max-goroutines"
reason = "a \\"big\\" node & <more>"
[[check.ignore]]
finding = "growth"
reason = "gone"
expires = 2020-01-01
"""
#: Function and file names as strangers may choose them.
HOSTILE = [
    goroutine(
        n,
        ['app.\x1b[31mred{0}](x)<b>&"%0A::error::\u202eevil', "app.loop"],
        state="chan send, 9 minutes",
        file="/src/app/a,b:c%\x07 d.go",
    )
    for n in range(1, 9)
]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> CheckResult:
    """A stalled node, a bundle, a dump full of hostile names and a source that cannot be read, under a policy that
    finds, knows and ignores."""
    folder = tmp_path_factory.mktemp("check")
    (folder / "policy.toml").write_text(POLICY)
    (folder / "hostile.stacks").write_text("\n".join(HOSTILE))
    sources = [str(STALLED), str(BUNDLE), str(folder / "hostile.stacks"), str(folder / "none\x1b[31m.stacks")]
    _, known = check([str(STALLED)])
    path = folder / "known.json"
    from stackscan.checks import write_baseline

    with path.open("w") as out:
        write_baseline(known, out)
    result, _ = check(sources, policy=folder / "policy.toml", baseline=path)
    return result


def written(result: CheckResult, output: str) -> str:
    """What an output writes into a pipe."""
    out = io.StringIO()
    what, output = ("check_long", "text") if output == "long" else ("check", output)
    renderer(what, output)(result, out)
    return out.getvalue()


def test_the_outcome_has_everything_in_it(outcome: CheckResult) -> None:
    """What the other tests validate holds every kind and status of finding."""
    findings = [finding for capture in outcome.captures for finding in capture.findings]
    assert {finding.kind for finding in findings} == {"rule", "limit", "pool", "growth"}
    assert {finding.status for finding in findings} == {"found", "new", "known", "ignored"}
    assert outcome.exit_code == 2


# -- SARIF -------------------------------------------------------------------------------------------------------------


def sarif_schema() -> jsonschema.Draft4Validator:
    """The official schema (tests/schemas/README.md)."""
    return jsonschema.Draft4Validator(json.loads((SCHEMAS / "sarif-schema-2.1.0.json").read_text(encoding="utf-8")))


def test_sarif_is_valid(outcome: CheckResult) -> None:
    """The log validates against the schema of the OASIS standard, and so does that of a check that found nothing."""
    log = json.loads(written(outcome, "sarif"))
    assert list(sarif_schema().iter_errors(log)) == []
    quiet, _ = check([str(KUBO / "v0.41.0-quiet" / "stack-01.txt.gz")])
    log = json.loads(written(quiet, "sarif"))
    assert list(sarif_schema().iter_errors(log)) == []
    assert log["runs"][0]["results"] == []


def test_the_schema_refuses_what_is_no_sarif(outcome: CheckResult) -> None:
    """The validation can fail."""
    log = json.loads(written(outcome, "sarif"))
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert len(list(sarif_schema().iter_errors(log))) == 1


def test_sarif_tells_what_is_new_known_and_ignored(outcome: CheckResult) -> None:
    """Baseline states, suppressions with their reason, the failed invocation, and rules that results point at."""
    (sarif_run,) = json.loads(written(outcome, "sarif"))["runs"]
    results = sarif_run["results"]
    by_rule: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        assert sarif_run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        by_rule.setdefault(result["ruleId"], []).append(result)
    assert by_rule["bitswap-close-stall"][0]["baselineState"] == "unchanged"
    assert by_rule["growth"][0]["baselineState"] == "new"
    assert by_rule["max-goroutines"][0]["suppressions"] == [
        {"kind": "external", "justification": 'a "big" node & <more>'}
    ]
    (invocation,) = sarif_run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["exitCode"] == 2
    assert "does not exist" in invocation["toolExecutionNotifications"][0]["message"]["text"]


def test_every_sarif_result_has_a_file(outcome: CheckResult) -> None:
    """Code scanning refuses others: where no frame tells, the capture is the place."""
    (sarif_run,) = json.loads(written(outcome, "sarif"))["runs"]
    places = [result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in sarif_run["results"]]
    assert f"file://{STALLED}" in places
    assert all(places)


def test_sarif_messages_hold_no_placeholder_and_no_link(outcome: CheckResult) -> None:
    """{0} would be replaced and [a](b) become a link: braces are doubled, and the two brackets never meet."""
    (sarif_run,) = json.loads(written(outcome, "sarif"))["runs"]
    messages = [result["message"]["text"] for result in sarif_run["results"]]
    assert any("red{{0}}] (x)" in message for message in messages)
    assert not any("](" in message for message in messages)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_every_file_name_gives_a_uri(name: str) -> None:
    """Whatever a frame's file is called, its URI is ASCII, has no scheme but ``file``, and names the file again."""
    uri = _uri(name)
    assert uri.isascii()
    assert urlsplit(uri).scheme in ("", "file")
    if "\\" not in name and name.isprintable() and not name.startswith("/") and name[1:3] != ":/":
        assert unquote(uri) == name


def test_file_names_of_stacks_as_uris() -> None:
    """Absolute, of a module, of Windows, with letters that mean something in a URI."""
    assert _uri("/src/app/a b.go") == "file:///src/app/a%20b.go"
    assert _uri("github.com/ipfs/boxo@v0.37.0/x.go") == "github.com/ipfs/boxo@v0.37.0/x.go"
    assert _uri("C:/Go/src/x.go") == "file:///C:/Go/src/x.go"
    assert _uri("C:\\Go\\x.go") == "file:///C:/Go/x.go"
    assert _uri("a:b?c#d%.go") == "a%3Ab%3Fc%23d%25.go"


# -- JUnit -------------------------------------------------------------------------------------------------------------


def test_junit_is_valid(outcome: CheckResult) -> None:
    """The document validates against the schema of Jenkins' xUnit plugin; so does one of a check that found nothing."""
    schema = xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd")
    assert list(schema.iter_errors(written(outcome, "junit"))) == []
    quiet, _ = check([str(KUBO / "v0.41.0-quiet" / "stack-01.txt.gz")])
    assert list(schema.iter_errors(written(quiet, "junit"))) == []
    assert not schema.is_valid(written(quiet, "junit").replace("<testcase", "<case").replace("</testcase", "</case"))


def test_junit_has_a_case_for_all_that_was_looked_for(outcome: CheckResult) -> None:
    """What passes is there too, so that a history shows when it began to fail; counts add up."""
    root = ET.fromstring(written(outcome, "junit"))  # noqa: S314  # we wrote it
    stalled = next(suite for suite in root if suite.get("name") == str(STALLED))
    cases = {case.get("name"): [child.tag for child in case] for case in stalled}
    assert cases == {
        "bitswap-close-stall": ["skipped"],
        "bitswap-close-unbounded": [],
        "bitswap-detached-closers": [],
        "max-goroutines": [],
        "max-wait-minutes": [],
        "limit-hostile, 100%: x": [],
        "pool-bitswap-task-workers": ["failure", "failure"],
        "growth": [],
        "crash": [],
        "incomplete": [],
    } | {name: [] for name in cases if name in outcome.rules and name != "bitswap-close-stall"}
    assert root.get("failures") == str(len(root.findall(".//failure")))
    assert root.get("errors") == "1"
    assert root.get("tests") == str(len(root.findall(".//testcase")))


@given(st.text())
def test_any_text_can_be_written_into_xml(text: str) -> None:
    """Controls and lone surrogates, which XML cannot hold, are shown as escapes or replaced."""
    element = ET.Element("x")
    element.text = _text(text)
    ET.fromstring(ET.tostring(element, encoding="unicode"))  # noqa: S314  # we wrote it


# -- GitHub ------------------------------------------------------------------------------------------------------------


def unescaped(text: str) -> str:
    """What the runner makes of it (actions/runner, ActionCommand.cs)."""
    for escape, meaning in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(escape, meaning)
    return text


def test_github_annotations_are_escaped() -> None:
    """%, CR and LF in the message; also colon and comma in a property."""
    assert _command("error", "100%\nof 3", title="a: b, c%") == "::error title=a%3A b%2C c%25::100%25%0Aof 3\n"


@given(st.text(), st.text())
def test_github_annotations_are_one_line_and_read_back(message: str, title: str) -> None:
    """No text can end its command or begin another one; the runner reads what was meant."""
    line = _command("warning", message, title=title)
    assert len(line.splitlines()) == 1
    found = re.fullmatch(r"::warning title=([^:,]*)::(.*)\n", line)
    assert found is not None
    assert unescaped(found[2]).split("\n") == [shown(part) for part in message.splitlines()] or not message
    assert unescaped(found[1]) == shown(title)


def shown(text: str) -> str:
    """The text as every output for people spells it."""
    from stackscan.render import words

    return words.plain(text)


def test_github_output_names_files_of_the_repository(outcome: CheckResult) -> None:
    """A frame under ``source_prefixes`` becomes file and line; every command is one of GitHub's; hostile names are no
    commands."""
    lines = written(outcome, "github").splitlines()
    assert all(re.match(r"::(error|warning|notice) [^\n]*::|stackscan: ", line) for line in lines)
    hostile = [line for line in lines if "file=" in line]
    assert all("file=a%2Cb%3Ac%25\\x07 d.go,line=10,title=" in line for line in hostile)
    assert len(hostile) == 3
    assert "\x1b" not in "".join(lines)
    assert sum(line.startswith("::error title=stackscan%3A not judged::") for line in lines) == 1


# -- text and JSON -----------------------------------------------------------------------------------------------------


def test_the_short_answer_is_short(tmp_path: Path) -> None:
    """Ten findings a capture are told, the rest is counted; --output holds the whole report, and all of them."""
    limits = "\n".join(
        f'[[check.limit]]\nname = "l{n:02}"\nfunction = "taskWorker"\nmax_count = 0\n' for n in range(30)
    )
    (tmp_path / "policy.toml").write_text(limits)
    out = tmp_path / "long.txt"
    done = run("check", "--policy", tmp_path / "policy.toml", "-o", out, STALLED)
    assert done.returncode == 1
    assert "and 21 more; --output FILE holds the whole report" in done.stdout
    assert len(done.stdout.splitlines()) < 60
    long = out.read_text()
    assert "limit-l29" in long
    assert "\nPools\n" in long
    assert "\nStacks" in long


def test_json_holds_everything(outcome: CheckResult) -> None:
    """One object: exit code, sources with their errors, captures with their findings, ignores with their use."""
    values = json.loads(written(outcome, "json"))
    assert values["schema"] == "stackscan.check"
    assert values["exit_code"] == 2
    assert [source["error"] is None for source in values["sources"]] == [True, True, True, False]
    stall = next(f for f in values["sources"][0]["captures"][0]["findings"] if f["name"] == "bitswap-close-stall")
    assert (stall["status"], stall["fails"], stall["count"], stall["baseline"]) == ("known", False, 12, 12)
    growth = [f for capture in outcome.captures for f in capture.findings if f.name == "growth"]
    assert [ignore["used"] for ignore in values["ignores"]] == [1, len(growth)]
    assert values["ignores"][1]["expired"] is True
    assert values["sources"][0]["captures"][0]["notes"] == []


@pytest.mark.parametrize("output", [*OUTPUTS["check"], "long"])
def test_no_output_lets_a_strangers_name_act(outcome: CheckResult, output: str) -> None:
    """No escape sequence, no mark that reorders text reaches any output."""
    text = written(outcome, output)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\x07" not in text


@pytest.mark.parametrize("columns", [80, 140])
def test_the_text_fits_its_terminal(columns: int) -> None:
    """No line is wider than the terminal."""
    from helpers import ANSI

    code, shown_there = run_on_terminal("check", STALLED, columns=columns, env=environment(TERM="xterm-256color"))
    assert code == 1
    assert max(len(line) for line in ANSI.sub("", shown_there).splitlines()) <= columns


# -- Markdown ----------------------------------------------------------------------------------------------------------


def test_markdown_says_what_fails_and_how_to_fix_it(outcome: CheckResult) -> None:
    """The answer first, what cannot be checked, what is new; what is known or ignored is only counted."""
    shown = written(outcome, "markdown")
    assert shown.startswith("**🟡 3 of 3 captures fail; 1 input cannot be checked (1 known, 1 ignored)**")
    details, _, table = shown.partition("<details>")
    assert "does not exist" in details
    assert "`growth`" in details
    assert "`max-goroutines`" not in details  # ignored
    assert re.search(r"\| ✗ \| `[^`]*stack-02\.txt\.gz` \| 427 \| .*1 known", table)


def test_markdown_is_bounded() -> None:
    """A hundred failing captures fit into a summary, and those that are left out are counted."""
    result, _ = check([str(STALLED)] * 130)
    shown = written(result, "markdown")
    assert len(shown) < 1 << 16
    assert "and 110 more captures with findings" in shown
    assert "and 30 more captures" in shown


# -- several forms in one run ------------------------------------------------------------------------------------------


def test_also_writes_other_forms_of_the_same_run(tmp_path: Path) -> None:
    """Each file is what the format alone would write; standard output stays that of --format."""
    files = {form: tmp_path / f"check.{form}" for form in OUTPUTS["check"]}
    done = run("check", STALLED, "--format", "github", *(f"--also={form}={path}" for form, path in files.items()))
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == run("check", STALLED, "--format", "github").stdout
    for form in set(files) - {"text"}:
        assert files[form].read_text(encoding="utf-8") == run("check", STALLED, "--format", form).stdout
    assert "Idle" in files["text"].read_text(encoding="utf-8")  # the whole report


@pytest.mark.parametrize("wrong", ["sarif", "sarif=", "=x", "sarif=-", "pdf=x"])
def test_also_needs_a_format_and_a_file(tmp_path: Path, wrong: str) -> None:
    """Anything else is refused before a dump is read."""
    done = run("check", STALLED, "--also", wrong, cwd=tmp_path)
    assert done.returncode == 2
    assert "is not FORMAT=FILE" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_also_writes_all_files_or_none(tmp_path: Path) -> None:
    """One that cannot be written, and two of one name."""
    good, bad = tmp_path / "good", tmp_path / "no" / "bad"
    assert run("check", STALLED, "--also", f"json={good}", "--also", f"sarif={bad}").returncode == 2
    assert run("check", STALLED, "--also", f"json={good}", "--output", good).returncode == 2
    assert list(tmp_path.iterdir()) == []
