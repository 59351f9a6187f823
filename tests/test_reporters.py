"""The outputs for people: what strangers wrote comes out as text, lines fit the terminal, and pipes get data whole.

Golden outputs of four dumps lie in ``tests/golden``, those of real bundles beside them in ``fixtures/kubo``. After a
change that is meant to show, write them with ``STACKSCAN_UPDATE_GOLDENS=1 .venv/bin/pytest -q -m generated``, then
read the difference.
"""

from __future__ import annotations

import io
import itertools
import json
import re
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from helpers import (
    ANSI,
    COLOUR,
    DUMP,
    FIXTURES,
    GOLDEN,
    environment,
    golden,
    goroutine,
    memory_report,
    rendered,
    report_of,
    run,
    run_on_terminal,
)
from stackscan.knowledge.configuration import shipped
from stackscan.pipeline import Options, scan
from stackscan.render import OUTPUTS, words
from stackscan.render.markdown import escapes
from stackscan.report import Report

_STALLED: Final = FIXTURES / "kubo" / "v0.40.1-stalled-tcp" / "goroutine.debug2-01.txt.gz"
_FIXED: Final = FIXTURES / "kubo" / "v0.41.0-fixed-quic" / "goroutine.debug2-01.txt.gz"
_HEALTHY: Final = FIXTURES / "go" / "go1.27" / "frames.txt"
_DAMAGED: Final = FIXTURES / "derived" / "sigquit.interleaved.txt"
_GOLDEN: Final = {"stalled": _STALLED, "fixed": _FIXED, "healthy": _HEALTHY, "damaged": _DAMAGED}
_OUTPUTS: Final = ("text", "json", "markdown", "openmetrics")
#: What may not reach a terminal or a page: controls (newline aside), line separators, marks that reorder text.
_RAW: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")


def hostile(name: str) -> str:
    """A dump with a name everywhere a stranger can put one: functions, creators, files, labels, states, the cause."""
    header = "goroutine 7 [select] {" + f'job: "{name}"' + "}:\n"
    frames = f"main.{name}(0x1)\n\t/src/{name}/{name}.go:12 +0x1d\n"
    frames += f"created by main.{name} in goroutine 1\n\t/src/{name}.go:3 +0x2d\n"
    return f"panic: {name}\n\n{header}{frames}\n{goroutine(8, ['main.main'], state=f'select {name}')}\n{name}\n"


# -- names are text --------------------------------------------------------------------------------------------------

_NAMES: Final = {
    "markup": "[red]boo[/red]",
    "link markup": "[link=https://example.com]x[/link]",
    "emoji code": ":boom:",
    "ANSI": "a\x1b[31mred\x1b[0m",
    "title": "a\x1b]0;owned\x07b",
    "8-bit CSI": "a\x9b31mb",
    "backspace": "abc\x08\x08\x08xyz",
    "carriage return": "abc\rxyz",
    "NUL": "a\0b",
    "DEL": "a\x7fb",
    "bidi override": "abc\u202edcba",
    "bidi isolate": "abc\u2066dcba\u2069",
    "line separator": "a\u2028b",
    "script": "</script><script>alert(1)</script>",
    "details": "</details></summary><h1>x",
    "HTML entity": "&lt;b&gt;",
    "backtick": "a`b`c",
    "fence": "```a```",
    "pipe": "a|b|c",
    "mention": "@user",
    "issue": "#123",
    "image": "![x](https://example.com/x.png)",
    "emphasis": "**a**_b_~~c~~",
    "wide": "日本語" * 20,
}


@pytest.mark.parametrize("output", ["text", "markdown"])
@pytest.mark.parametrize("name", _NAMES.values(), ids=_NAMES)
def test_no_name_reaches_the_reader_raw(name: str, output: str) -> None:
    """Whatever a program called its functions, files, labels or panics, no control of any kind comes through."""
    shown = rendered(memory_report(hostile(name)), output)
    assert None is _RAW.search(shown)
    assert "main." in shown


@pytest.mark.parametrize("name", _NAMES.values(), ids=_NAMES)
def test_json_gives_names_back_whole(name: str) -> None:
    """A script reads exactly what the dump says; in the file itself, controls below a blank are escaped."""
    report = memory_report(hostile(name))
    shown = rendered(report, "json")
    assert None is re.search("[\x00-\x09\x0b-\x1f]", shown)
    functions = {
        frame["function"] for bucket in json.loads(shown)["snapshots"][0]["buckets"] for frame in bucket["frames"]
    }
    assert set(report.snapshots[0].buckets[0].bucket.stack.functions) <= functions


@pytest.mark.parametrize("name", ["8-bit CSI", "DEL", "bidi override", "bidi isolate", "line separator"])
def test_json_is_safe_to_look_at(name: str) -> None:
    """JSON printed to a terminal is as harmless as text: all controls and reordering marks are escaped."""
    assert None is _RAW.search(rendered(memory_report(hostile(_NAMES[name])), "json"))


@pytest.mark.parametrize("output", ["text", "markdown"])
def test_the_arabic_letter_mark_is_escaped(output: str) -> None:
    """All twelve marks of the bidirectional algorithm are escaped (Trojan Source lists this one too)."""
    assert "\u061c" not in rendered(memory_report(hostile("abc\u061cdcba")), output)


@given(st.text(max_size=30))
def test_plain_text_is_printable(text: str) -> None:
    """The escape keeps printable text as it is, and leaves nothing that acts on a terminal."""
    shown = words.plain(text)
    assert None is re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    if text.isprintable():
        assert text == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("[red]boo", "main.[red]boo"),
        ("[bold]x", "main.[bold]x"),
        (":boom:", "main.:boom:"),
        ("a\x1b[31mb", r"main.a\x1b[31mb"),
    ],
)
def test_text_shows_markup_as_it_stands(name: str, shown: str) -> None:
    """The terminal library's markup in a name is neither obeyed nor swallowed."""
    assert shown in rendered(memory_report(hostile(name)), "text")


def test_wait_reasons_in_brackets_are_shown() -> None:
    """``[select]`` looks like markup too, and stays."""
    assert "in main.main [chan receive]" in rendered(
        memory_report(goroutine(1, ["main.main"], state="chan receive")), "text"
    )


# -- markdown --------------------------------------------------------------------------------------------------------


def outside_code(shown: str) -> str:
    """Markdown without its fenced blocks and code spans."""
    shown = re.sub(r"(?ms)^(`{3,})\n.*?^\1$", "", shown)
    return re.sub(r"(?<!\\)(`+)(?!`).*?(?<!`)\1(?!`)", "", shown)


@pytest.mark.parametrize("name", _NAMES.values(), ids=_NAMES)
def test_markdown_outside_code_is_escaped(name: str) -> None:
    """Outside code, nothing a stranger wrote is markup, a link, HTML, a table cell or a mention."""
    prose = outside_code(rendered(memory_report(hostile(name)), "markdown"))
    tags = set(re.findall(r"<[^>]*>", prose))
    assert {"<details>", "<summary>", "</summary>", "</details>", "<!-- -->"} >= {
        tag for tag in tags if not tag.startswith("<https://")
    }
    assert None is re.search(r"(?<!\\)@user|(?<!\\)#123|(?<!\\)!\[|(?<!\\)\]\(|(?<!\\)`", prose)
    assert None is re.search(r"(?<![\\*])\*\*a|(?<!\\)_b|(?<!\\)~~c", prose)


@pytest.mark.parametrize("name", ["fence", "backtick", "details", "script"])
def test_markdown_fences_hold(name: str) -> None:
    """No name closes the block of code that it stands in."""
    shown = rendered(memory_report(hostile(_NAMES[name])), "markdown")
    (fence,) = set(re.findall(r"(?m)^(`{3,})$", shown))
    assert 2 == len(re.findall(rf"(?m)^{fence}$", shown))
    body = shown.split(f"\n{fence}\n")[1]
    assert f"main.{_NAMES[name]}" in body
    assert len(fence) > max((len(run) for run in re.findall("`+", body)), default=0)


@given(st.text(alphabet="`|a <>@\n", min_size=1, max_size=12))
def test_a_code_span_holds_any_text(text: str) -> None:
    """The fence of a code span is longer than any run of backticks inside, and is one line."""
    span = escapes.code(text)
    fence = re.match("`+", span)
    assert fence is not None
    inner = span.strip("`")
    if "`" not in text:
        assert "`" == fence[0]
        assert "|" not in inner
    assert "\n" not in span


def test_markdown_tables_have_as_many_cells_everywhere() -> None:
    """The table of pools, and that of what would change, are tables: the same number of cells in every row."""
    lines = rendered(report_of(_STALLED), "markdown").splitlines()
    tables = [list(rows) for is_row, rows in itertools.groupby(lines, lambda line: line.startswith("|")) if is_row]
    assert [5, 5] == [len(rows) for rows in tables]
    assert [{5}, {4}] == [{row.count("|") for row in rows} for rows in tables]


def test_markdown_says_what_text_says() -> None:
    """Both carry every verdict, finding and pool."""
    report = scan([str(_STALLED)], options=Options(shipped(), explained=True))
    for output in ("text", "markdown"):
        shown = rendered(report, output).replace("\\", "").replace("`", "")
        for verdict in report.snapshots[0].verdicts:
            assert " ".join(verdict.text.split()) in " ".join(shown.split())
        for wanted in ("bitswap-close-stall", "bitswap-task-workers", "426 goroutines", "boxo/issues/1142"):
            assert wanted in shown


# -- a pipe ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", _GOLDEN.values(), ids=_GOLDEN)
def test_a_pipe_gets_no_colours_and_no_trailing_blanks(path: Path) -> None:
    """Text in a pipe is plain: it can be searched, compared and pasted."""
    shown = rendered(report_of(path), "text")
    assert "\x1b" not in shown
    assert [] == [line for line in shown.splitlines() if line != line.rstrip()]
    assert shown.endswith("\n")


def test_a_pipe_gets_lines_of_data_whole() -> None:
    """A name of any length is not cut in a pipe: grep finds its end."""
    name = "very" * 60 + "Long.End"
    shown = rendered(memory_report(goroutine(1, [f"main.{name}"])), "text")
    assert f"main.{name}  x.go:10" in shown


def test_forced_colours_do_not_cut_a_pipe(tmp_path: Path) -> None:
    """CI systems set FORCE_COLOR: that asks for colours in a log, not for names cut to a width nobody has."""
    name = "very" * 60 + "Long.End"
    path = tmp_path / "dump.txt"
    path.write_text(goroutine(1, [f"main.{name}"]))
    assert f"main.{name}" in run("report", path, env=environment(FORCE_COLOR="1")).stdout


def test_paragraphs_in_a_pipe_are_wrapped() -> None:
    """Prose keeps to a hundred columns."""
    shown = rendered(scan([str(_STALLED)], options=Options(shipped(), explained=True)), "text")
    prose = shown[shown.index("  why ") : shown.index("  ids ")]
    assert max(map(len, prose.splitlines())) <= 100


def test_no_empty_sections_and_no_double_blank_lines_in_a_healthy_report() -> None:
    """A section that would be empty is left out."""
    shown = rendered(report_of(_HEALTHY), "text")
    assert "\n\n\n" not in shown
    assert "Findings" not in shown
    assert "Pools" not in shown
    assert "Problems" not in shown


def test_no_double_blank_lines_with_findings() -> None:
    """Sections stand one blank line apart."""
    assert "\n\n\n" not in rendered(report_of(_STALLED), "text")


def test_problems_far_down_are_told_from_their_line() -> None:
    """``line 1,597`` and what is wrong there do not run into each other."""
    text = "\n".join(goroutine(n, ["main.f"]) for n in range(1, 400)) + "\ngoroutine 400 [select]:\nmain.f(0x1)\n"
    assert re.search(r"line 1,\d{3} +the text ends", rendered(memory_report(text), "text"))


def test_one_worker_is_not_workers() -> None:
    """One is singular."""
    functions = [
        "go-multistream.(*once).Do",
        "go-multistream.(*lazyClientConn).Close",
        "bitswap/server.(*Server).taskWorker",
    ]
    shown = rendered(memory_report(goroutine(5, functions)), "text")
    assert "bitswap-close-stall" in shown
    assert "1 workers" not in shown


def test_information_does_not_hide_a_pile_of_blocked_goroutines() -> None:
    """One healthy closer must not keep quiet about five hundred goroutines behind one mutex."""
    closer = goroutine(9, ["go-multistream.(*lazyClientConn).Close", "bsnet.closeStreamAsync.func1"])
    blocked = [
        goroutine(n, ["sync.(*Mutex).Lock", "main.(*Cache).Get"], state="sync.Mutex.Lock, 9 minutes")
        for n in range(10, 510)
    ]
    lines = [verdict.text for verdict in memory_report("\n".join((closer, *blocked))).snapshots[0].verdicts]
    assert any("500" in line and "main.(*Cache).Get" in line for line in lines)


# -- a terminal ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [80, 140])
@pytest.mark.parametrize("name", ["stalled", "damaged", "healthy"])
def test_no_line_is_wider_than_the_terminal(columns: int, name: str) -> None:
    """On a real terminal, no line wraps, and the verdict is what comes first."""
    code, shown = run_on_terminal("report", _GOLDEN[name], columns=columns)
    plain = ANSI.sub("", shown)
    lines = plain.splitlines()
    assert 0 == code
    assert "\x1b" not in plain
    assert columns >= max(map(cell_len, lines))
    assert lines[0][0] in "✗!i✓"
    assert report_of(_GOLDEN[name]).snapshots[0].verdicts[0].text.split()[0:4] == lines[0].split()[1:5]
    assert COLOUR.search(shown)


def test_lines_of_data_do_not_go_on_at_the_left_edge() -> None:
    """On a terminal a line that is too long is cut or indented: in the list of problems, all lines are."""
    _, shown = run_on_terminal("report", _DAMAGED, columns=80, env=environment(TERM="dumb"))
    problems = shown[shown.index("Problems") :].partition("\n\n")[0].splitlines()[1:]
    assert 6 < len(problems)
    assert [] == [line for line in problems if line and not line.startswith("  ")]


def test_a_deadlock_gets_no_green_tick() -> None:
    """What the runtime itself calls a deadlock is not followed by a line that says all is well."""
    (snapshot,) = report_of(FIXTURES / "go" / "go1.27" / "panic_deadlock.txt").snapshots
    assert "ok" not in {verdict.level for verdict in snapshot.verdicts}


def test_wide_letters_are_counted_as_wide(tmp_path: Path) -> None:
    """Names in scripts with letters of two columns fit too."""
    path = tmp_path / "dump.txt"
    path.write_text(hostile("日本語関数" * 12))
    _, shown = run_on_terminal("report", path, columns=80)
    assert 80 >= max(map(cell_len, ANSI.sub("", shown).splitlines()))


def test_no_color_is_honoured() -> None:
    """NO_COLOR takes every colour away, whatever its value."""
    code, shown = run_on_terminal("report", _STALLED, columns=100, env=environment(TERM="xterm-256color", NO_COLOR="1"))
    assert 0 == code
    assert "bitswap-close-stall" in shown
    assert None is COLOUR.search(shown)


def test_a_dumb_terminal_gets_no_sequences() -> None:
    """TERM=dumb (an editor's shell window) gets text alone."""
    code, shown = run_on_terminal("report", _STALLED, columns=100, env=environment(TERM="dumb"))
    assert 0 == code
    assert "\x1b" not in shown


def test_hostile_names_do_not_reach_a_terminal(tmp_path: Path) -> None:
    """On a terminal, the only sequences are our own: colours, weight, and their end; where it takes long, also those of
    the line that shows progress."""
    path = tmp_path / "dump.txt"
    path.write_text(hostile("a\x1b]0;owned\x07\x1b[2Jb\x9b31m\u202ec"))
    _, shown = run_on_terminal("report", path, columns=120)
    assert r"\x1b]0;owned" in shown
    assert {"m", *"hlAK"} >= {sequence[-1] for sequence in ANSI.findall(shown)}
    assert None is re.search("[\x07\x08\x9b\u202e]|\x1b[^\\[]", shown)


def test_incomplete_is_never_cut_off(tmp_path: Path) -> None:
    """At 80 columns, the summary of a large cut dump still says INCOMPLETE."""
    many = [goroutine(100_000 + n, ["main.f"], state="sync.Mutex.Lock, 1471 minutes", line=n) for n in range(1500)]
    fake = "goroutine 1 [running]:\nmain.f(0x1)\n\t/x.go:1 +0x1\n"
    path = tmp_path / "dump.txt"
    path.write_text(
        "panic: x\n"
        + fake
        + "\n"
        + goroutine(7, ["main.main"], state="running")
        + "\n"
        + "\n".join(many)
        + "\ngoroutine 5 [sel"
    )
    _, shown = run_on_terminal("report", path, columns=80)
    assert "INCOMPLETE" in shown


# -- spelling --------------------------------------------------------------------------------------------------------


@given(st.text(alphabet="abc", max_size=60), st.integers(4, 40))
def test_fit_keeps_the_end(text: str, width: int) -> None:
    """A name that is too long loses its middle: its end tells it from others."""
    shown = words.fit(text, width)
    assert len(shown) <= width
    assert shown == text or (shown[-2:] == text[-2:] and "…" in shown)


@pytest.mark.parametrize(
    ("function", "shown"),
    [
        ("github.com/ipfs/boxo/bitswap/server.(*Server).taskWorker", "boxo/bitswap/server.(*Server).taskWorker"),
        ("golang.org/x/net/http2.(*Framer).ReadFrame", "net/http2.(*Framer).ReadFrame"),
        ("net/http.(*conn).serve", "net/http.(*conn).serve"),
        ("main.main", "main.main"),
        ("gopkg.in/yaml.v3.Unmarshal", "yaml.v3.Unmarshal"),
        ("panic", "panic"),
    ],
)
def test_symbols_are_shortened_by_their_host(function: str, shown: str) -> None:
    """People know the repository; the host and owner before it are left out."""
    assert shown == words.short_symbol(function)


@pytest.mark.parametrize(
    ("number", "noun", "shown"),
    [
        (0, "goroutines", "0 goroutines"),
        (1, "goroutines", "1 goroutine"),
        (14890, "goroutines", "14,890 goroutines"),
        (2, "workers", "2 workers"),
    ],
)
def test_counts_are_spelt(number: int, noun: str, shown: str) -> None:
    """One is singular, thousands are separated."""
    assert shown == words.count(number, noun)


@pytest.mark.parametrize(
    ("least", "most", "shown"), [(0, 0, ""), (3, 3, "3 min"), (0, 12, "0 to 12 min"), (1, 1471, "1 to 1,471 min")]
)
def test_waits_are_spelt(least: int, most: int, shown: str) -> None:
    """Waits are in minutes; less than one is not shown."""
    assert shown == words.wait(least, most)


# -- golden outputs --------------------------------------------------------------------------------------------------


@pytest.mark.generated
@pytest.mark.parametrize("suffix", ["txt", "md"])
@pytest.mark.parametrize("name", _GOLDEN)
def test_outputs_are_as_they_were(name: str, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole text and Markdown of a stalled, a fixed, a healthy and a damaged dump; see the top of this file."""
    monkeypatch.chdir(FIXTURES)
    report = report_of(_GOLDEN[name].relative_to(FIXTURES))
    shown = rendered(report, {"txt": "text", "md": "markdown"}[suffix])
    golden(GOLDEN / f"{name}.{suffix}", shown)


def test_every_output_has_a_reporter() -> None:
    """The outputs of the contract are all there, and render an empty report without failing."""
    assert {"text", "json", "markdown", "openmetrics"} <= set(OUTPUTS["report"])
    for output in _OUTPUTS:
        assert isinstance(rendered(Report(()), output), str)
    assert io.StringIO().getvalue() == rendered(Report(()), "text")


def test_snapshots_of_a_file_are_told_apart() -> None:
    """Of several dumps in one file, each says which it is."""
    report = report_of(FIXTURES / "derived" / "pool.twice.txt")
    for output in ("text", "markdown"):
        shown = rendered(report, output)
        assert "snapshot 1 of 2" in shown
        assert "snapshot 2 of 2" in shown


def test_the_first_line_of_a_small_dump_is_its_verdict() -> None:
    """Before anything else: is it stuck?"""
    assert rendered(memory_report(DUMP), "text").startswith("✓ no known stuck pattern")
    assert rendered(memory_report(DUMP), "markdown").startswith("**🟢 no known stuck pattern")


# -- what a verdict may say ------------------------------------------------------------------------------------------


def _verdicts(text: str) -> list[tuple[str, str]]:
    """Level and text of the first snapshot's verdicts."""
    return [(verdict.level, verdict.text) for verdict in memory_report(text).snapshots[0].verdicts]


def test_a_recovered_handler_did_not_kill_the_process() -> None:
    """net/http logs a handler's panic and goes on: a warning, where a panic is an error."""
    dump = goroutine(7, ["main.handle"], state="running")
    (level, text), *_ = _verdicts(f"2026/01/02 03:04:05 http: panic serving 127.0.0.1:80: boom\n{dump}")
    assert (level, "the server went on" in text) == ("warning", True)
    (level, text), *_ = _verdicts(f"panic: boom\n\n{dump}")
    assert (level, text) == ("error", "goroutine 7 panicked in main.handle (x.go:10): boom")


def test_a_dump_that_lost_something_is_not_called_fine() -> None:
    """A green mark stands only where all goroutines were seen."""
    dump = goroutine(1, ["main.main"]) + "\n" + goroutine(8, ["main.two"], state="select, 3 minutes")
    fine = "no known stuck pattern; no two of 2 goroutines have the same stack; longest wait 3 min"
    assert [("ok", fine)] == _verdicts(dump)
    levels = [level for level, _ in _verdicts(dump + "\ngoroutine 9 [sel")]
    assert levels == ["warning", "info"]


@pytest.mark.parametrize(
    ("dump", "says"),
    [
        (goroutine(1, ["main.main"], state="select"), "the only goroutine is in main.main [select]"),
        ("goroutine 1 [running]:\n\tgoroutine running on other thread; stack unavailable\n", "has no frames [running]"),
        ("\n".join(goroutine(n, ["main.f"]) for n in (1, 2)), "2 of 2 goroutines in main.f [select]"),
        ("\n".join(f"goroutine {n} [select]:\n" for n in (1, 2)), "2 of 2 goroutines have no frames [select]"),
        (
            "\n".join(f"goroutine {n} [sync.Mutex.Lock, 9 minutes]:\n" for n in range(1, 40)),
            "for a lock, most in an unknown place: its holder does not let go",
        ),
    ],
)
def test_where_goroutines_are_is_said_in_a_sentence(dump: str, says: str) -> None:
    """Also of one, and of those that show no frames."""
    assert any(says in text for _, text in _verdicts(dump)), _verdicts(dump)


@pytest.mark.parametrize(("name", "counted"), [("pool.debug1.txt", True), ("pool.pb.gz", True), ("pool.txt", False)])
def test_a_counted_profile_is_said_to_hold_only_counts(name: str, counted: bool) -> None:
    """States, waits, ids and creators are missing from the format, not from the process."""
    shown = rendered(report_of(FIXTURES / "go" / "go1.27" / name), "text")
    assert ("counts, no states" in shown) is counted
