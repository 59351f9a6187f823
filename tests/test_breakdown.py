"""``report --by``: goroutines, findings and pools by the values of a label, host, module or creator."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from rich.cells import cell_len

from helpers import ANSI, DUMP, FIXTURES, goroutine, run, run_on_terminal
from stackscan.knowledge.configuration import shipped
from stackscan.pipeline import Options, examine
from stackscan.redaction import Redaction
from stackscan.report import Report, as_json
from strict import misses

_LABELLED: Final = FIXTURES / "go" / "go1.27" / "bigserver_labels.txt.gz"
_LABELS: Final = FIXTURES / "go" / "go1.27" / "labels.txt"
_COUNTED: Final = FIXTURES / "go" / "go1.27" / "labels.debug1.txt"
_STALLED: Final = FIXTURES / "kubo" / "v0.40.1-stalled-tcp" / "goroutine.debug2-01.txt.gz"


def _by(path: Path, key: str, *, where: str | None = None, redaction: Redaction | None = None) -> dict[str, Any]:
    """What the JSON of a report says by a key."""
    snapshot, _ = _snapshot(path, key, where, redaction)
    found: dict[str, Any] = snapshot["by"]
    return found


def _snapshot(
    path: Path, key: str | None, where: str | None = None, redaction: Redaction | None = None
) -> tuple[dict[str, Any], Any]:
    captures, _ = examine(str(path), options=Options(shipped(), where, by=key), redaction=redaction)
    report = captures[0].report
    return as_json(Report((report,)))["snapshots"][0], report


def _goroutines(found: dict[str, Any]) -> dict[str | None, int]:
    return {one["value"]: one["goroutines"] for one in found["values"]}


def test_by_a_label_says_which_value_is_stuck() -> None:
    """The goroutines of tenant team-0 are stuck and hold the users of a pool; those without the label serve HTTP."""
    found = _by(_LABELLED, "label:tenant")
    expected = {
        "key": "label:tenant",
        "values": [
            {
                "value": "team-0",
                "goroutines": 43,
                "findings": [
                    {"rule": "rwmutex-recursive-read", "count": 2},
                    {"rule": "blocked-while-holding-lock", "count": 5},
                    {"rule": "sql-pool-waits", "count": 2},
                ],
                "pools": [{"pool": "sql-users", "workers": 3, "busy": 3}],
            },
            {
                "value": None,
                "goroutines": 48,
                "findings": [],
                "pools": [{"pool": "http-server-connections", "workers": 11, "busy": 9}],
            },
        ],
        "other": None,
    }
    assert expected == found


@pytest.mark.parametrize(("path", "key"), [(_LABELLED, "label:tenant"), (_STALLED, "module"), (_LABELS, "host")])
def test_json_is_as_its_schema_says(path: Path, key: str) -> None:
    """With values, with null for goroutines without one, and with a sum of others."""
    captures, _ = examine(str(path), options=Options(shipped(), by=key))
    report = captures[0].report
    assert report.breakdown is not None
    shares, rest = report.breakdown.first(1)
    few = replace(report, breakdown=replace(report.breakdown, shares=shares, rest=rest))
    for one in (report, few):
        assert [] == misses("report", as_json(Report((one,))))


@pytest.mark.parametrize("path", [_LABELS, _COUNTED, _COUNTED.with_name("labels.pb.gz")])
def test_labels_of_all_formats_are_counted_alike(path: Path) -> None:
    """Text, counts and protobuf of one program: two goroutines have the label user_id, with one value."""
    found = _goroutines(_by(path, "label:user_id"))
    assert 2 == found["42"]
    assert {"42", None} == set(found)


@pytest.mark.parametrize("path", [_LABELLED, _STALLED])
@pytest.mark.parametrize("key", ["module", "created_at", "host"])
def test_values_add_up_to_the_dump(path: Path, key: str) -> None:
    """No goroutine, finding's goroutine or worker is lost or counted twice."""
    snapshot, report = _snapshot(path, key)
    values = snapshot["by"]["values"]
    assert snapshot["goroutines"] == sum(one["goroutines"] for one in values)
    for finding in report.findings:
        found = sum(one["count"] for value in values for one in value["findings"] if one["rule"] == finding.rule.name)
        rows = set().union(*(one.rows for one in report.findings if one.rule.name == finding.rule.name))
        assert len(rows) == found
    for pool in snapshot["pools"]:
        shares = [one for value in values for one in value["pools"] if one["pool"] == pool["pool"]]
        assert pool["workers"] == sum(one["workers"] for one in shares)
        assert pool["occupancy"] == round(sum(one["busy"] for one in shares) / pool["workers"], 4)


def test_module_is_that_of_the_deciding_frame() -> None:
    """The stuck workers are in go-multistream, where the rule matched, not in yamux, where they read."""
    first = _by(_STALLED, "module")["values"][0]
    assert "github.com/multiformats/go-multistream" == first["value"]
    assert [{"rule": "bitswap-close-stall", "count": 12}] == first["findings"]


def test_created_at_has_function_and_line() -> None:
    """A creator is a place in the code: two go statements of one function are two values."""
    found = _goroutines(_by(_LABELLED, "created_at"))
    assert 9 == found["net/http.(*Transport).dialConn transport.go:2123"]
    assert 9 == found["net/http.(*Transport).dialConn transport.go:2124"]


def test_where_counts_what_it_selects() -> None:
    """Findings and pools count the selected goroutines; their rows are those of the whole dump until then."""
    found = _by(_LABELLED, "label:tenant", where='not label "tenant"')
    pool = {"pool": "http-server-connections", "workers": 11, "busy": 9}
    assert [{"value": None, "goroutines": 48, "findings": [], "pools": [pool]}] == found["values"]
    (stuck,) = _by(_LABELLED, "label:tenant", where='stack "main.(*index).read"')["values"]
    assert ("team-0", 1) == (stuck["value"], stuck["goroutines"])
    assert [{"rule": "rwmutex-recursive-read", "count": 1}] == stuck["findings"]


def test_a_selection_of_nothing_has_no_table() -> None:
    """A head line without rows says nothing."""
    for output in ("text", "markdown"):
        nothing = ("report", "--by", "label:tenant", "--where", "minutes > 500", "-f", output, str(_LABELLED))
        done = run(*nothing)
        assert (0, False) == (done.returncode, "By label" in done.stdout)


def test_more_values_than_fit_are_added_up(tmp_path: Path) -> None:
    """Text lists ten values and counts the rest; JSON lists a thousand."""
    dump = tmp_path / "dump.txt"
    dump.write_text(
        "".join(
            goroutine(n, [f"main.work{n % 40}", "main.main"]).replace("]:", f"] {{request: {n // 2}}}:", 1) + "\n"
            for n in range(2, 2406)
        )
    )
    found = _by(dump, "label:request")
    assert 1_000 == len(found["values"])
    assert {"values": 202, "goroutines": 404, "findings": [], "pools": []} == found["other"]
    text = run("report", "--by", "label:request", str(dump)).stdout
    assert 10 == sum(line.split()[1:] == ["2"] for line in _section(text))
    assert ["1,192 other values", "2,384"] == [part.strip() for part in _section(text)[-1].rsplit(maxsplit=1)]


def _section(text: str) -> list[str]:
    """The lines of the table."""
    return text[text.index("By ") :].split("\n\n", maxsplit=1)[0].splitlines()


@pytest.mark.parametrize("columns", [80, 140])
def test_text_is_aligned_and_fits(columns: int) -> None:
    """On a terminal, also with names whose characters take two columns."""
    for path, key in ((_LABELLED, "created_at"), (_STALLED, "created_at"), (_LABELS, "label:utf8")):
        lines = _section(_plain(run_on_terminal("report", "--by", key, str(path), columns=columns)[1]))
        assert columns >= max(map(cell_len, lines))
        end = lines[1].index("goroutines") + len("goroutines")
        numbers = [line for line in lines[2:] if line[2] != " "]
        assert numbers
        for line in numbers:
            head = next(n for n in range(len(line) + 1) if cell_len(line[:n]) == end)
            assert line[head - 1].isdigit()
            assert line[head : head + 2].strip() == ""


def _plain(text: str) -> str:
    return ANSI.sub("", text).replace("\r\n", "\n")


def test_bytes_that_are_no_text_are_shown_as_go_prints_them() -> None:
    """A label of invalid UTF-8 is readable in text and valid in JSON."""
    assert {r"\xff\xfe": 3, None: 26} == _goroutines(_by(_LABELS, "label:bad"))
    assert r"\xff\xfe" in run("report", "--by", "label:bad", str(_LABELS)).stdout


def test_markdown_has_the_table() -> None:
    """The same values as in text, and nothing of a value becomes markup."""
    text = run("report", "--by", "label:tenant", "-f", "markdown", str(_LABELLED)).stdout
    findings = "2 rwmutex-recursive-read · 5 blocked-while-holding-lock · 2 sql-pool-waits"
    row = f"| `team-0` | 43 | {findings} · sql-users: 3 of 3 busy |"
    assert row in text.replace("\\", "")


def test_an_unknown_label_is_an_error_that_lists_the_known_ones() -> None:
    """A typing error shows what could have been meant."""
    done = run("report", "--by", "label:tennant", str(_LABELLED))
    assert (2, "") == (done.returncode, done.stdout)
    assert "--by label:tennant: no goroutine has this label; labels in the dump: request, tenant" in done.stderr


def test_of_several_inputs_one_with_the_label_is_enough(tmp_path: Path) -> None:
    """The others say that they have it not."""
    dump = tmp_path / "dump.txt"
    dump.write_text(DUMP)
    done = run("report", "--by", "label:tenant", str(dump), str(_LABELLED))
    assert 0 == done.returncode
    assert "no goroutine has this label; the dump has no labels" in done.stdout
    assert 2 == run("report", "--by", "label:tenant", str(dump)).returncode


@pytest.mark.parametrize("key", ["tenant", "label:", "", "Host"])
def test_what_is_no_key_is_an_error_that_lists_the_keys(key: str) -> None:
    """It says what may be counted by."""
    done = run("report", "--by", key, str(_LABELLED))
    assert 2 == done.returncode
    assert "goroutines are counted by label:KEY, host, module or created_at" in done.stderr


def test_labels_and_redaction_exclude_each_other() -> None:
    """Labels are private: a redacted report has none to count by."""
    for option in ("--redact", "--redact-keep=example.com"):
        done = run("report", "--by", "label:tenant", option, str(_LABELLED))
        assert 2 == done.returncode
        assert "--redact drops all labels" in done.stderr
    assert 0 == run("report", "--by", "module", "--redact", str(_LABELLED)).returncode


def test_redaction_hides_private_names_in_values() -> None:
    """Values are those of the redacted capture."""
    redaction = Redaction(b"a key of a test, long enough")
    for key in ("created_at", "module"):
        text = json.dumps(_by(_STALLED, key, redaction=redaction))
        assert "boxo" in text  # public
    text = json.dumps(_by(_LABELLED, "created_at", redaction=redaction))
    assert "main.spawn" not in text
    assert "startWeb" not in text


@pytest.mark.parametrize("where", [None, 'waiting "sync.Mutex.Lock"', 'stack "main.fanOut"'])
@pytest.mark.parametrize("path", [_LABELLED, _LABELS, _COUNTED])
def test_a_page_counts_each_label_as_by_does(path: Path, where: str | None) -> None:
    """Also of selected goroutines; and each value is that of as many goroutines."""
    captures, _ = examine(str(path), options=Options(shipped(), where, individually=True))
    found = captures[0].report.individuals
    assert found is not None
    for facet in found.facets:
        if facet.breakdown.key != "label:":  # a label without a name, which --by cannot ask for
            assert facet.breakdown == _snapshot(path, facet.breakdown.key, where)[1].breakdown
        counts = [0] * len(facet.breakdown.shares)
        for group, places in zip(found.groups, facet.places, strict=True):
            for place, count in zip(places, group.counts or (1,) * len(places), strict=True):
                assert place is not None
                counts[place] += count
        assert counts == [share.goroutines for share in facet.breakdown.shares]
    assert found.facets or where is not None


def test_a_redacted_page_has_no_labels_to_choose() -> None:
    """It has what private names have become."""
    captures, _ = examine(
        str(_LABELLED),
        options=Options(shipped(), by="module", individually=True),
        redaction=Redaction(b"a key of a test, long enough"),
    )
    found = captures[0].report.individuals
    assert found is not None
    assert ["module"] == [facet.breakdown.key for facet in found.facets]


def test_many_values_are_listed_up_to_a_limit(tmp_path: Path) -> None:
    """Of a label with a value for each request, the goroutines of the others have no place."""
    labelled = [goroutine(n, ["main.serve"]).replace("]:", f"] {{request: {n}}}:", 1) for n in range(1, 1206)]
    dump = tmp_path / "many.txt"
    dump.write_text("\n".join(labelled))
    captures, _ = examine(str(dump), options=Options(shipped(), individually=True))
    found = captures[0].report.individuals
    assert found is not None
    (facet,) = found.facets
    assert (1_000, 205) == (len(facet.breakdown.shares), facet.places[0].count(None))


def test_outputs_without_a_place_for_it_refuse() -> None:
    """Nothing that was asked for is left out silently."""
    assert 2 == run("report", "--by", "module", "-f", "openmetrics", str(_LABELLED)).returncode


def test_without_by_the_report_says_nothing_of_it() -> None:
    """JSON has null."""
    assert _snapshot(_LABELLED, None)[0]["by"] is None
