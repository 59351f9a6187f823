"""What Python programs call, as docs/python.md shows it."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import pytest

import stackscan
from helpers import FIXTURES, ROOT, goroutine, report_of
from stackscan.errors import SourceError, StackscanError, UsageError
from stackscan.export.tables import TABLES
from stackscan.report import as_json

STALLED: Final = sorted((FIXTURES / "kubo" / "v0.40.1-stalled-tcp").glob("ipfs-profile-*.zip"))
SMALL: Final = FIXTURES / "go" / "go1.27" / "labels.txt"


def test_the_examples_of_the_documentation_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/python.md is a doctest."""
    monkeypatch.chdir(ROOT)
    failed, tried = doctest.testfile(str(ROOT / "docs" / "python.md"), module_relative=False)
    assert 0 == failed
    assert tried > 10


def test_importing_loads_nothing() -> None:
    """`import stackscan` costs no polars; the function is loaded by its first use, whatever was imported before."""
    program = (
        "import sys, stackscan; heavy = {'polars', 'numpy', 'lark'} & set(sys.modules); assert not heavy, heavy;"
        "import stackscan.pipeline, stackscan.api; assert callable(stackscan.scan) and callable(stackscan.read);"
        "stackscan.scan('fixtures/go/go1.25/states.txt');"
        "heavy = {'polars', 'numpy', 'jinja2'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


def test_scan_takes_one_source_or_several() -> None:
    """Paths or texts; the report is the one of the command line."""
    one, two = FIXTURES / "go/go1.27/pool.txt", FIXTURES / "go/go1.27/states.txt"
    assert stackscan.scan(one, top=2) == stackscan.scan(str(one), top=2)
    assert report_of(one, top=2).snapshots == stackscan.scan(one, top=2).snapshots
    assert [str(one), str(two)] == [snapshot.source for snapshot in stackscan.scan([one, str(two)]).snapshots]


def test_read_gives_every_snapshot_of_a_source() -> None:
    """Of a bundle those of all its members."""
    snapshots = stackscan.read(FIXTURES / "kubo/v0.40.1-mixed/ipfs-profile-01.zip")
    assert ["goroutine-text", "goroutine-pprof"] == [snapshot.format for snapshot in snapshots]


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        stackscan.nothing  # noqa: B018


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    """With a hint."""
    with pytest.raises(SourceError) as error:
        stackscan.read(tmp_path / "missing")
    assert "does not exist" in str(error.value)
    assert error.value.hint


def test_no_room_has_the_name_of_a_function() -> None:
    """Python's import would put it in the function's place."""
    rooms = {path.stem for path in (ROOT / "stackscan").iterdir()}
    assert set() == rooms & set(stackscan.__all__)


def test_scan_has_the_options_of_report(tmp_path: Path) -> None:
    """A selection, a breakdown, and a file with more rules; what is wrong is said."""
    whole = stackscan.scan(SMALL).snapshots[0]
    some = stackscan.scan(SMALL, where='waiting "chan receive"', by="module").snapshots[0]
    assert (None, None) == (whole.selection, whole.breakdown)
    assert some.selection is not None
    assert whole.goroutines == some.selection.goroutines > some.goroutines > 0
    assert some.breakdown is not None
    assert "module" == some.breakdown.key
    with pytest.raises(UsageError, match="label:KEY"):
        stackscan.scan(SMALL, by="colour")
    with pytest.raises(StackscanError):
        stackscan.scan(SMALL, where="waiting (")
    config = tmp_path / "stackscan.toml"
    config.write_text("[[rule]]\nname = 3\n")
    with pytest.raises(StackscanError, match=r"stackscan\.toml"):
        stackscan.scan(SMALL, config=config)


def test_tables_of_a_scan_are_those_of_an_export() -> None:
    """With all declared columns, also of no input; of several captures one below the other."""
    one, both = stackscan.scan(STALLED[0]).to_polars(), stackscan.scan(STALLED[:2]).to_polars()
    nothing = stackscan.scan([]).to_polars()
    for name, table in TABLES.items():
        assert table.schema == dict(one[name].schema) == dict(nothing[name].schema)
        assert one[name].equals(both[name].head(len(one[name])))
    assert 2 * one["snapshots"].height == both["snapshots"].height
    assert 0 == nothing["goroutines"].height


def test_a_check_is_the_one_of_the_command(tmp_path: Path) -> None:
    """Exit code, findings and their table; against a policy that ignores the finding, it passes."""
    outcome = stackscan.check(STALLED[0])
    assert 1 == outcome.exit_code
    (row,) = outcome.to_polars()["findings"].to_dicts()
    assert ("bitswap-close-stall", "error", True, 12) == (row["name"], row["severity"], row["fails"], row["count"])
    assert [True] == outcome.to_polars()["captures"]["fails"].to_list()
    policy = tmp_path / "policy.toml"
    policy.write_text('[[ignore]]\nfinding = "bitswap-close-stall"\nreason = "known"\n')
    passed = stackscan.check(STALLED[0], policy=policy)
    assert 0 == passed.exit_code
    assert ["ignored"] == passed.to_polars()["findings"]["status"].to_list()


def test_tables_without_rows_have_their_columns() -> None:
    """With the types of those that have some."""
    full = stackscan.check(STALLED[0]).to_polars()["findings"]
    empty = stackscan.check(SMALL).to_polars()["findings"]
    assert 0 == empty.height
    assert full.schema == empty.schema


def test_a_comparison_has_counts_by_capture() -> None:
    """A list with one number for each capture, in time order."""
    compared = stackscan.compare(STALLED)
    tables = compared.to_polars()
    assert "steady" == compared.verdict.kind
    assert [435, 435, 434] == tables["captures"]["goroutines"].to_list()
    assert [[12, 12, 12]] == tables["findings"]["counts"].to_list()
    assert {len(STALLED)} == set(tables["buckets"]["counts"].list.len())
    assert len(compared.buckets) == tables["buckets"].height


def test_a_forecast_is_the_one_of_pool_project() -> None:
    """The projection of the captures, with the pool as it is first; a given number is used."""
    found = stackscan.forecast(STALLED, pool="bitswap-task-workers")
    assert (12, 10.0, True) == (found.workers, found.close_deadline_seconds, found.synchronous.saturated)
    cases = found.to_polars()["what_ifs"]
    assert ["now", *(case.name for case in found.what_ifs)] == cases["name"].to_list()
    assert 4.0 == stackscan.forecast(STALLED, close_deadline_seconds=4).close_deadline_seconds
    with pytest.raises(StackscanError, match="no-such-pool"):
        stackscan.forecast(STALLED, pool="no-such-pool")


@pytest.mark.parametrize("function", [stackscan.check, stackscan.compare, stackscan.forecast])
def test_nothing_to_read_is_an_error(function: Any) -> None:
    """And no IndexError."""
    with pytest.raises(StackscanError) as error:
        function([])
    assert error.value.hint


def test_addresses_are_refused_where_the_network_is_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook's service says it once, in its environment; no secret is shown."""
    monkeypatch.setenv("STACKSCAN_NO_NETWORK", "1")
    for function in (stackscan.scan, stackscan.read, stackscan.check, stackscan.forecast):
        with pytest.raises(SourceError, match="forbids") as error:
            function("http://me:s3cret@127.0.0.1:1/debug/pprof/goroutine?debug=2")
        assert "s3cret" not in str(error.value)


class _Tags(HTMLParser):
    """The tags and attributes of a page, and which tags are open."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()


def _checked(html: str) -> str:
    """A fragment whose tags are closed, known and harmless."""
    tags = _Tags()
    tags.feed(html)
    assert [] == tags.open
    assert tags.seen <= {"div", "p", "strong", "code", "table", "thead", "tbody", "tr", "th", "td"}
    assert tags.attributes <= {"style", "scope"}
    return html


def test_a_notebook_shows_verdict_and_findings() -> None:
    """A fragment without scripts for each kind of result; the verdict comes first."""
    report = _checked(stackscan.scan(STALLED[0])._repr_html_())
    assert report.index("12 of 12 bitswap task workers are stuck") < report.index("bitswap-close-stall")
    assert "goroutines.pprof" not in report  # the same process, which the text shows better
    assert "1 capture fails" in _checked(stackscan.check(STALLED[0])._repr_html_())
    assert "steady: 435 → 435 → 434 goroutines" in _checked(stackscan.compare(STALLED)._repr_html_())
    forecast = _checked(stackscan.forecast(STALLED)._repr_html_())
    assert "saturated: all 12 workers blocked" in forecast
    assert "2 s close deadline" in forecast
    assert "no capture" in _checked(stackscan.scan([])._repr_html_())


def test_names_of_a_dump_are_escaped_in_a_notebook(tmp_path: Path) -> None:
    """Names come from strangers: no HTML, and no terminal's commands in a table either."""
    dump = tmp_path / "<img src=x onerror=alert(1)>\x1b[31m.txt"
    dump.write_text(goroutine(1, ["main.<script>alert(1)</script>"], state="select (no cases), 9 minutes"))
    results = [stackscan.scan(dump), stackscan.check(dump, fail_on="info"), stackscan.compare([dump, dump])]
    for one in results:
        html = _checked(one._repr_html_())
        assert "\x1b" not in html
        for table in one.to_polars().values():
            texts = [value for row in table.iter_rows() for value in row if isinstance(value, str)]
            assert not any("\x1b" in text for text in texts)
    assert "&lt;img src=x" in results[0]._repr_html_()


def test_long_reports_are_cut_in_a_notebook(tmp_path: Path) -> None:
    """Ten captures are shown, and the rest is counted."""
    paths = []
    for number in range(13):
        paths.append(tmp_path / f"{number}.txt")
        paths[-1].write_text(goroutine(1, ["main.f"]))
    html = _checked(stackscan.scan(paths)._repr_html_())
    assert "9.txt" in html
    assert "10.txt" not in html
    assert "and 3 more captures" in html


def test_a_result_is_the_data_of_its_room() -> None:
    """What takes a report takes the result of a scan."""
    assert as_json(report_of(SMALL)) == as_json(stackscan.scan(SMALL))


_RIGHT: Final = """
from datetime import timedelta
from pathlib import Path

import polars as pl

import stackscan
from stackscan.errors import StackscanError


def rules(path: Path) -> list[str]:
    found = stackscan.scan([path, "b.txt"], where="minutes >= 5", by="module", top=3)
    tables: dict[str, pl.DataFrame] = found.to_polars()
    assert tables
    return [finding.rule.name for snapshot in found.snapshots for finding in snapshot.findings]


def code(path: Path) -> int:
    return stackscan.check(path, fail_on="warning", baseline="known.json").exit_code


def kind(paths: list[Path]) -> str:
    return stackscan.compare(paths, interval=timedelta(minutes=5)).verdict.kind


def load(path: Path) -> float | None:
    try:
        return stackscan.forecast(path, silent_fraction=0.1).stall_load_erlangs
    except StackscanError as error:
        raise SystemExit(error.hint) from error
"""
_WRONG: Final = """
import stackscan

stackscan.scan(1)
stackscan.check("a", fail_on="bad")
stackscan.compare("a", interval=5)
stackscan.forecast("a", pool=b"p")
stackscan.read("a").goroutines
"""


def test_programs_are_type_checked(tmp_path: Path) -> None:
    """``mypy --strict`` accepts a right program as a user writes it, and finds each mistake of a wrong one."""
    api = pytest.importorskip("mypy.api", reason="mypy is not installed")
    (tmp_path / "right.py").write_text(_RIGHT)
    (tmp_path / "wrong.py").write_text(_WRONG)
    options = ["--strict", "--config-file=", f"--cache-dir={tmp_path / 'cache'}", "--no-error-summary"]
    out, err, _ = api.run([*options, str(tmp_path / "right.py"), str(tmp_path / "wrong.py")])
    assert "" == err
    assert [f"wrong.py:{line}" for line in range(4, 9)] == re.findall(r"(\w+\.py:\d+): error", out), out
