"""What SQL may ask, and what it may take: the tables and nothing else, with an end to time and memory."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import polars as pl
import pytest

from helpers import DUMP, assert_refused, run
from stackscan.errors import UsageError
from stackscan.export.sql.bounded import Bounds, Runner
from stackscan.export.sql.functions import FUNCTIONS
from stackscan.export.sql.query import as_csv, as_json, as_text, joined
from stackscan.export.sql.query import run as run_sql
from stackscan.export.sql.statement import Statement, understood

TABLES = {
    "goroutines": pl.LazyFrame({"a": [1, 2], "s": ["x", "y"], "l": [[1, 2], [3]]}),
    "pools": pl.LazyFrame({"a": [2, 3]}),
}


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that polars would read, in each format by its ending."""
    pl.DataFrame({"secret": ["told"]}).write_csv(tmp_path / "x.csv")
    pl.DataFrame({"secret": ["told"]}).write_parquet(tmp_path / "x.parquet")
    pl.DataFrame({"secret": ["told"]}).write_ipc(tmp_path / "x.ipc")
    pl.DataFrame({"secret": ["told"]}).write_ndjson(tmp_path / "x.ndjson")
    (tmp_path / "x.json").write_text('[{"secret": "told"}]')
    return tmp_path / "x"


# -- nothing but the tables ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('FILE.csv')",
        "SELECT * FROM READ_Parquet ('FILE.parquet')",
        "SELECT * FROM read_ipc('FILE.ipc')",
        "SELECT * FROM read_json('FILE.json')",
        "SELECT * FROM read_ndjson('FILE.ndjson')",
        "FROM read_csv('FILE.csv')",
        "FROM read_csv('FILE.csv') SELECT secret",
        "SELECT * FROM \"read_csv\"('FILE.csv')",
        "SELECT * FROM `read_csv`('FILE.csv')",
        "SELECT * FROM read_csv/* c */('FILE.csv')",
        "SELECT * FROM read_csv -- c\n('FILE.csv')",
        "SELECT * FROM (read_csv('FILE.csv'))",
        "SELECT * FROM TABLE(read_csv('FILE.csv'))",
        "SELECT * FROM goroutines, read_csv('FILE.csv')",
        "SELECT * FROM goroutines, LATERAL read_csv('FILE.csv')",
        "SELECT * FROM goroutines CROSS JOIN read_csv('FILE.csv') AS q",
        "SELECT * FROM (goroutines JOIN read_csv('FILE.csv') ON true)",
        "SELECT * FROM goroutines WHERE s IN (SELECT secret FROM read_csv('FILE.csv'))",
        "SELECT * FROM goroutines WHERE EXISTS (SELECT secret FROM read_csv('FILE.csv'))",
        "SELECT (SELECT secret FROM read_csv('FILE.csv')) AS x FROM goroutines",
        "WITH q AS (SELECT * FROM read_csv('FILE.csv')) SELECT * FROM q",
        "WITH goroutines AS (SELECT * FROM read_csv('FILE.csv')) SELECT * FROM goroutines",
        "WITH a AS (WITH b AS (SELECT * FROM read_csv('FILE.csv')) SELECT * FROM b) SELECT * FROM a",
        "SELECT s FROM goroutines UNION SELECT secret FROM read_csv('FILE.csv')",
        "SELECT s FROM goroutines EXCEPT SELECT secret FROM read_csv('FILE.csv')",
        "(SELECT s FROM goroutines) UNION ALL (SELECT secret FROM read_csv('FILE.csv'))",
        "SELECT * FROM goroutines JOIN (SELECT * FROM read_csv('FILE.csv')) q ON true",
        "SELECT * FROM read_file_of_a_later_polars('FILE.csv')",
        "SELECT * FROM scan_parquet('FILE.parquet')",
        "SELECT * FROM generate_series(1, 3)",
        "SELECT * FROM (other_function('FILE.csv'))",
        "SELECT 1 FROM goroutines WHERE EXISTS (SELECT 1 FROM other_function('FILE.csv'))",
        "SELECT * FROM 'FILE.parquet'",
        'SELECT * FROM "FILE.parquet"',
        "SELECT * FROM `FILE.parquet`",
        "WITH \"FILE.parquet\" AS (SELECT 1 AS x) SELECT * FROM 'FILE.parquet'",
        "SELECT * FROM main.goroutines",
        "SELECT * FROM nowhere",
        "SELECT * FROM \uff47oroutines",
        "TABLE goroutines",
        "SHOW TABLES",
        "EXPLAIN SELECT * FROM goroutines",
        "DESCRIBE goroutines",
        "/* c */ DROP TABLE goroutines",
        "-- c\nDROP TABLE goroutines",
        "; DROP TABLE goroutines",
        "SELECT 1; DROP TABLE goroutines",
        "SELECT 1 AS x; SELECT 2 AS x",
        "dRoP TABLE goroutines",
        "TRUNCATE goroutines",
        "CREATE TABLE x AS SELECT * FROM goroutines",
        "COPY goroutines TO 'FILE.out'",
        "SELECT * INTO x FROM goroutines",
        "SELECT * FROM goroutines FOR UPDATE",
        "WITH x AS (DELETE FROM goroutines RETURNING *) SELECT * FROM x",
        "ATTACH 'FILE.db' AS x",
        "CALL something()",
        "SET x = 1",
    ],
)
def test_sql_reaches_the_tables_and_nothing_else(secret: Path, sql: str) -> None:
    """No file, no address, no other statement, however it is spelt and wherever it stands."""
    with pytest.raises(UsageError, match="the query failed") as error:
        run_sql(sql.replace("FILE", str(secret)), TABLES)
    assert "goroutines" in error.value.hint


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1 AS x /* /* */ FROM read_csv('FILE.csv') /* */ */", {"x": [1]}),  # polars: comments end at the first
        (
            "SELECT '\\' AS x, ' FROM read_csv(''FILE.csv'') --' AS y",
            {"x": ["\\"], "y": [" FROM read_csv('FILE.csv') --"]},
        ),
        ("SELECT $$ ' $$ AS x, 'read_csv(' AS y", {"x": [" ' "], "y": ["read_csv("]}),
        ("SELECT 1 AS \"read_csv('FILE.csv')\"", {"read_csv('FILE.csv')": [1]}),
        ("SELECT {# x #} 1 AS x -- FROM read_csv('FILE.csv')", {"x": [1]}),
    ],
)
def test_texts_names_and_comments_end_where_they_were_read_to_end(secret: Path, sql: str, expected: object) -> None:
    """Two parsers that see another end would be a way around the first. What is run is what was read."""
    sql = sql.replace("FILE", str(secret))
    told = json.loads(json.dumps(expected).replace("FILE", str(secret)))
    assert told == run_sql(sql, TABLES).to_dict(as_series=False)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT getenv('HOME') AS x",
        "SELECT \"getenv\"('HOME') AS x",
        "SELECT GETENV /* c */ ('HOME') AS x FROM goroutines",
        "SELECT a FROM goroutines WHERE s = abs(getenv('HOME'))",
        "SELECT a FROM goroutines ORDER BY getenv('HOME')",
        "SELECT sum(a) OVER (ORDER BY getenv('HOME')) AS x FROM goroutines",
        "SELECT DISTINCT ON (a) getenv('HOME') AS x FROM goroutines AS getenv(a, s, l)",
        "SELECT TRIM(BOTH getenv('HOME') FROM s) AS x FROM goroutines AS getenv(a, s, l)",
        "WITH getenv(a) AS (SELECT 1 AS a) SELECT a, getenv('HOME') AS x FROM getenv",
        'SELECT "abs"(a) AS x FROM goroutines',
    ],
)
def test_only_functions_that_were_looked_at_are_called(sql: str) -> None:
    """Whatever functions a later polars brings. A name that lists its columns is none, in its place only."""
    with pytest.raises(UsageError, match="is not a function of queries"):
        understood(sql, TABLES)


def test_functions_are_those_of_polars() -> None:
    """Each name on the list is known to the polars that is installed."""
    unknown = []
    for name in sorted(FUNCTIONS - {"cast", "try_cast", "position"}):  # these take no list of values
        said = []
        for given in ("a", "s", "l", "a, a", "s, s", ""):
            with pl.SQLContext(TABLES, eager=True) as context:
                try:
                    context.execute(f"SELECT {name}({given}) AS x FROM goroutines")
                except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
                    said.append(str(error))
                else:
                    break
        else:
            unknown += [name] * all("unsupported function" in each for each in said)
    assert [] == unknown


def test_a_function_that_is_misspelt_is_named() -> None:
    """With the one that is near."""
    with pytest.raises(UsageError, match=r"cuont\(…\) is not a function of queries\. Did you mean count\?"):
        understood("SELECT cuont(a) FROM goroutines", TABLES)


@pytest.mark.parametrize("sql", ["SELECT b'''x' AS q", "SELECT e'\\'' AS q", "SELECT 1 # 2", "SELECT $1"])
def test_other_kinds_of_texts_are_refused(sql: str) -> None:
    """Their ends depend on who reads them."""
    with pytest.raises(UsageError, match="the query failed"):
        run_sql(sql, TABLES)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM GOROUTINES",
        "SELECT * FROM `goroutines`",
        'SELECT g."a" FROM "goroutines" AS g',
        "FROM goroutines",
        "FROM goroutines SELECT a",
        "SELECT a, FROM goroutines",
        "VALUES (1, 2), (3, 4)",
        "SELECT * FROM (VALUES (1, 2)) AS v(x, y)",
        "SELECT UNNEST(l) AS u FROM goroutines",
        "(SELECT a FROM goroutines)",
        "SELECT 1 /* a */ AS x -- end",
        'SELECT \'it\'\'s\' AS x, "a" AS "b""c" FROM goroutines',
        "SELECT * EXCLUDE (a) FROM goroutines",
        "SELECT * EXCEPT (a) FROM goroutines",
        "SELECT * RENAME (a AS b) FROM goroutines",
        "SELECT * REPLACE (a + 1 AS a) FROM goroutines",
        "SELECT * ILIKE '%a%' FROM goroutines",
        "SELECT COLUMNS('^a') FROM goroutines",
        "SELECT l[1] AS f, a // 2 AS h, a::text || s AS k, a % 2 AS m FROM goroutines",
        "SELECT a FROM goroutines WHERE s ~ '^x' OR s !~* 'X' OR s ^@ 'q' OR s RLIKE '^z' OR s NOT ILIKE 'Y%'",
        "SELECT a <=> 1 AS k, a IS DISTINCT FROM 1 AS d, a BETWEEN 1 AND 2 AS b, a <> 1 AS n FROM goroutines",
        "SELECT g.a FROM goroutines g SEMI JOIN pools p ON g.a = p.a",
        "SELECT g.a FROM goroutines g LEFT ANTI JOIN pools p USING (a)",
        "SELECT g.a, p.a AS b FROM goroutines g FULL OUTER JOIN pools p ON g.a = p.a ORDER BY g.a NULLS LAST, b",
        "SELECT a FROM goroutines NATURAL JOIN pools",
        "SELECT * FROM (goroutines JOIN pools USING (a))",
        "SELECT a FROM goroutines INTERSECT SELECT a FROM pools",
        "SELECT a FROM goroutines UNION ALL BY NAME SELECT a FROM pools",
        "SELECT s, count(*) FILTER (WHERE a > 1) AS n FROM goroutines GROUP BY ALL ORDER BY s",
        "SELECT DISTINCT ON (s) * FROM goroutines ORDER BY s",
        "SELECT a, sum(a) OVER w AS r FROM goroutines WINDOW w AS (ORDER BY a)",
        "SELECT a, rank() OVER (PARTITION BY s ORDER BY a DESC) AS r FROM goroutines QUALIFY r = 1",
        "SELECT a FROM goroutines ORDER BY a DESC NULLS LAST LIMIT 1 OFFSET 1",
        "SELECT INTERVAL '1 day' AS i, DATE '2024-01-01' AS d, TIMESTAMP '2024-01-01 00:00:00' AS t",
        "SELECT TRY_CAST(s AS INT) AS y, EXTRACT(year FROM DATE '2024-01-01') AS z, a::DOUBLE / 0 AS q FROM goroutines",
        "SELECT CASE WHEN a = 1 THEN 'x' ELSE 'y' END AS k, COALESCE(s, 'z') AS q FROM goroutines",
        "SELECT array_agg(a ORDER BY a DESC) AS x, quantile_cont(a, 0.5) AS h, max(a) AS m FROM goroutines",
        "SELECT SUBSTRING(s, 1, 1) AS q, POSITION('x' IN s) AS p, left(s, 1) AS l FROM goroutines",
        "SELECT (SELECT max(a) FROM pools) AS m FROM goroutines WHERE a IN (SELECT a FROM pools)",
        "SELECT [1, 2] AS x, ARRAY[1, 2] AS y, 1e3 AS z, .5 AS w, -1 AS n",
        "WITH q AS (SELECT a FROM goroutines), r AS (SELECT a FROM q) SELECT * FROM r",
        "WITH v(x) AS (SELECT 1 AS a), w(y) AS (SELECT 2 AS a) SELECT * FROM v, w",
        "SELECT CAST(a AS DECIMAL(10, 2)) AS d, POSITION('x' IN s) AS p, TRIM(BOTH 'x' FROM s) AS t FROM goroutines",
        "SELECT s, count(*) AS n FROM goroutines WHERE (a > 0) AND (NOT (s IN ('q'))) GROUP BY (s)",
        "WITH goroutines AS (SELECT a FROM pools) SELECT * FROM goroutines ORDER BY a",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 AS n FROM r WHERE n < 5) SELECT * FROM r",
        "SELECT a FROM goroutines WHERE a IN (" + ", ".join(map(str, range(5_000))) + ")",
        "SELECT " + " + ".join(["1"] * 200) + " AS n",
        " UNION ALL ".join(["SELECT a FROM pools"] * 200),
        "SELECT " + "(" * 30 + "1" + ")" * 30 + " AS n",
    ],
)
def test_what_is_allowed_means_what_polars_makes_of_it(sql: str) -> None:
    """The text that runs and the text that was given have one answer."""
    statement = understood(sql, TABLES)
    with pl.SQLContext(TABLES, eager=True) as context:
        expected, actual = context.execute(sql), context.execute(statement.text)
    assert expected.columns == actual.columns
    ordered = "ORDER BY" in sql.upper()
    assert ordered or expected.height == actual.height
    assert (expected if ordered else expected.sort(pl.all())).equals(actual if ordered else actual.sort(pl.all()))


def test_a_table_that_is_misspelt_is_told() -> None:
    """With the name that is near."""
    with pytest.raises(UsageError, match=r"there is no table 'gorutines'\. Did you mean 'goroutines'\?"):
        understood("SELECT * FROM gorutines", TABLES)


# -- bounded ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "+".join(["1"] * 6_000) + " AS n",
        "SELECT " + "||".join(["'a'"] * 6_000) + " AS n",
        "SELECT 1 AS n WHERE " + " OR ".join(["1 = 1"] * 6_000),
        " UNION ALL ".join(["SELECT a FROM goroutines"] * 3_000),
        "SELECT " + "(" * 6_000 + "1" + ")" * 6_000,
        "SELECT " + "abs(" * 6_000 + "1" + ")" * 6_000,
        "SELECT " + "- " * 6_000 + "1",
        "SELECT " + "NOT " * 6_000 + "true",
        "SELECT " + "CASE WHEN true THEN " * 3_000 + "1" + " END" * 3_000,
        "SELECT * FROM " + "(SELECT * FROM " * 3_000 + "goroutines" + ") q" * 3_000,
        "FROM " * 6_000 + "goroutines",
        "SELECT 1" + "::int" * 6_000,
        "SELECT INTERVAL " + "INTERVAL " * 6_000 + "'1'",
        "SELECT '" + "x" * 2_000_000 + "'",
    ],
    ids=lambda sql: sql[:24],
)
def test_a_statement_without_end_is_an_error_in_words(sql: str) -> None:
    """Some of them took the process down."""
    with pytest.raises(UsageError, match="the query failed: it "):
        understood(sql, TABLES)


def test_a_sum_of_six_thousand_terms_is_an_error(tmp_path: Path) -> None:
    """From the command line: it was a segmentation fault."""
    path = tmp_path / "dump.txt"
    path.write_text(DUMP, encoding="utf-8")
    assert_refused(run("query", "SELECT " + "+".join(["1"] * 6_000), path), "250 operators")


def test_a_query_that_takes_its_process_down_is_an_error() -> None:
    """Were there another that the bounds let through."""
    text = "SELECT " + "||".join(["'a'"] * 20_000) + " AS n"
    with Runner() as runner, pytest.raises(UsageError, match="the query ended polars' process"):
        runner.answer(Statement(text, ()), {})


def test_a_query_ends_when_its_time_is_over() -> None:
    """Whatever it is doing."""
    endless = "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 AS n FROM r) SELECT * FROM r"
    with pytest.raises(UsageError, match="took longer than 1 seconds") as error:
        run_sql(endless, TABLES, bounds=Bounds(seconds=1))
    assert "--max-seconds" in error.value.hint


def test_a_query_ends_when_its_memory_is_used_up() -> None:
    """Three tables crossed are more than any machine has."""
    large = {"goroutines": pl.LazyFrame({"a": range(3_000)})}
    crossed = "SELECT x.a, y.a AS b, z.a AS c FROM goroutines x, goroutines y, goroutines z"
    with pytest.raises(UsageError, match="more memory than its limit of 256 MiB") as error:
        run_sql(crossed, large, bounds=Bounds(mib=256))
    assert "--max-memory" in error.value.hint


def test_a_result_that_is_too_large_is_an_error() -> None:
    """It would be held twice on its way, and spelt out after that."""
    large = {"goroutines": pl.LazyFrame({"a": range(4_200)})}
    with pytest.raises(UsageError, match="its result is larger than 128 MiB"):
        run_sql("SELECT x.a FROM goroutines x, goroutines y", large, bounds=Bounds(mib=512))


def test_the_bounds_are_options(tmp_path: Path) -> None:
    """And what they may be is told."""
    path = tmp_path / "dump.txt"
    path.write_text(DUMP, encoding="utf-8")
    endless = "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 AS n FROM r) SELECT * FROM r"
    assert_refused(run("query", endless, path, "--max-seconds", "1"), "longer than 1 seconds")
    assert 2 == run("query", "SELECT 1", path, "--max-memory", "1").returncode
    assert 2 == run("query", "SELECT 1", path, "--max-seconds", "1" * 400).returncode
    assert_refused(run("query", "SELECT 1", path, "--max-seconds", "nan"), "seconds of a query must be")
    assert 0 == run("query", "SELECT 1", path, "--max-seconds", "60", "--max-memory", "500").returncode


def test_any_failure_of_polars_is_an_error_in_words(tmp_path: Path) -> None:
    """Also one of the system, below it."""
    with pytest.raises(UsageError, match=r"the query failed: .*gone\.parquet"):
        run_sql("SELECT * FROM pools", {"pools": pl.scan_parquet(tmp_path / "gone.parquet", schema={"a": pl.Int64})})


def test_an_answer_comes_back_as_polars_gave_it() -> None:
    """All types of our tables, through another process and back."""
    for name, table in joined([]).items():
        assert table.collect().equals(run_sql(f"SELECT * FROM {name}", joined([])))
        assert table.collect_schema() == run_sql(f"SELECT * FROM {name}", joined([])).schema


# -- written few rows at a time --------------------------------------------------------------------------------------


def test_many_rows_are_written_like_few() -> None:
    """They are spelt out ten thousand at a time."""
    table = pl.DataFrame({"n": range(25_000), "t": [f"row {n}" for n in range(25_000)]})
    out = io.StringIO()
    as_json(table, out)
    assert table.to_dicts() == json.loads(out.getvalue())
    assert out.getvalue().startswith('[\n {\n  "n": 0,\n  "t": "row 0"\n },\n {\n')
    out = io.StringIO()
    as_csv(table, out)
    rows = list(csv.reader(io.StringIO(out.getvalue())))
    assert [["n", "t"], *([str(n), f"row {n}"] for n in range(25_000))] == rows
    out = io.StringIO()
    as_text(table, out)
    lines = out.getvalue().split("\n")
    assert ("    n  t", "    0  row 0", "24999  row 24999") == (lines[0], lines[1], lines[25_000])


@pytest.mark.parametrize(("output", "expected"), [(as_json, "[]\n"), (as_csv, "n\n"), (as_text, "n\n")])
def test_no_rows_are_written(output: object, expected: str) -> None:
    """Names, or an empty list."""
    out = io.StringIO()
    output(pl.DataFrame({"n": []}), out)  # type: ignore[operator]
    assert expected == out.getvalue()
