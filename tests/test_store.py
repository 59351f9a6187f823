"""A store of captures: the same answer as over the captures, only what is new is read, and no writer loses anything."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from test_fleet import crew, dump, put

from helpers import environment, run
from stackscan import api
from stackscan.errors import MissingExtraError, SourceError, StoreError, UsageError
from stackscan.fleet.model import Fleet
from stackscan.fleet.store.keeping import StoreOptions
from stackscan.fleet.store.store import Store, open_store
from stackscan.fleet.store.summary import summary
from stackscan.fleet.store.upkeep import compact, expire
from stackscan.redaction import Redaction
from stackscan.render import renderer

_PATTERN: Final = "{service}/{host}/{time:%Y%m%dT%H%M%S}.txt"
_KEY: Final = b"k" * 32
_NOW: Final = timedelta(0)
#: Captures of one host that are ten minutes apart, from 2026-04-22T10:00Z on.
_STEPS: Final = 4


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fleet with a leak, an odd host, a crowd, two equal captures, a cut one and one that is none."""
    folder = tmp_path_factory.mktemp("captures")
    for number in range(5):
        for step in range(_STEPS):
            leaked = (30 * step, "queue.audit", "chan receive")
            odd = (80 if number == 4 else 5, "store.flush", "IO wait")
            text = dump(*([leaked] if number < 2 else []), odd, salt=number * 100 + step, minutes=10 * step)
            put(folder, "shop", f"h{number}", step, text)
    crowded = dump(*((1200, f"pool.wait{n}", "IO wait") for n in range(3)))
    put(folder, "crowded", "c1", 0, crowded)
    (folder / "crowded" / "copy.txt").write_text(crowded)
    put(folder, "shop", "h1", 9, dump((9, "store.flush", "IO wait"), salt=7)[:-40])
    put(folder, "shop", "h2", 9, b"<html>502 Bad Gateway</html>")
    return folder


def answered(*sources: Path, store: Path | str | None = None, **options: Any) -> dict[str, Any]:
    """The answer as JSON has it."""
    kept = None
    if store is not None:
        kept = StoreOptions(str(store), options.pop("window", None), options.pop("reread", None))
    fleet: Fleet = api.fleet(map(str, sources), pattern=_PATTERN, store=kept, **options)
    out = io.StringIO()
    renderer("fleet", "json")(fleet, out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def counted(*sources: Path, store: Path, **options: Any) -> tuple[int, int]:
    """How many objects a run read, and how many the store knew."""
    told: list[str] = []
    answered(*sources, store=store, tell=told.append, **options)
    numbers = [int(word.replace(",", "")) for word in told[0].split() if word[0].isdigit()]
    return numbers[0], numbers[1]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_answer_is_that_over_all_captures(planted: Path, tmp_path: Path) -> None:
    """On the first run, on one with nothing new, from the store alone, and after its upkeep."""
    truth = answered(planted, threshold=1000)
    assert {"leak", "crowd"} <= {one["kind"] for one in truth["findings"]}
    assert truth["captures_equal"]
    assert truth["captures_incomplete"]
    assert truth["unreadable"]
    store = tmp_path / "store"
    assert truth == answered(planted, store=store, threshold=1000)
    assert truth == answered(planted, store=store, threshold=1000)
    assert truth == answered(store=store, threshold=1000)
    compact(open_store(str(store)), keep=_NOW)
    assert truth == answered(store=store, threshold=1000)
    assert answered(planted) == answered(store=store)


def test_a_pool_that_nobody_described_is_found_in_a_store(tmp_path: Path) -> None:
    """What recognises it on the host where all its workers are busy is kept."""
    for number, busy in enumerate((12, 2, 3)):
        put(tmp_path / "dumps", "shop", f"h{number}", 0, crew(12 - busy, busy, number * 100))
    direct = answered(tmp_path / "dumps")
    assert [["h0"]] == [[one["host"] for one in pool["near_saturation"]] for pool in direct["pools"]]
    assert direct["pools"] == answered(tmp_path / "dumps", store=tmp_path / "store")["pools"]


def test_captures_may_come_one_by_one(planted: Path, tmp_path: Path) -> None:
    """A store that grew over many runs, in any order, gives the same answer."""
    parts = sorted(path for path in planted.rglob("*.txt"))
    random.Random(1).shuffle(parts)  # noqa: S311
    for first in range(0, len(parts), 7):
        folder = tmp_path / "arriving"
        for path in parts[first : first + 7]:
            place = folder / path.relative_to(planted)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, place)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(tmp_path)
            answered(Path("arriving"), store=tmp_path / "store")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        assert answered(Path("arriving")) == answered(store=tmp_path / "store")


def test_only_what_is_new_is_read(planted: Path, tmp_path: Path) -> None:
    """A known file is not even opened: its content may be gone. One that changed is read again."""
    captures, store = tmp_path / "captures", tmp_path / "store"
    shutil.copytree(planted, captures)
    every = sum(path.is_file() for path in captures.rglob("*"))
    assert (every, 0) == counted(captures, store=store)
    truth = answered(store=store)
    for path in captures.rglob("*.txt"):
        was = path.stat()
        with path.open("r+b") as file:
            file.write(b"#" * was.st_size)
        os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    put(captures, "shop", "h9", 0, dump((5, "store.flush", "IO wait"), salt=900))
    assert (1, every) == counted(captures, store=store)
    assert truth["captures"] + 1 == answered(store=store)["captures"]
    put(captures, "shop", "h9", 0, dump((50, "store.flush", "IO wait"), salt=900))
    assert (1, every) == counted(captures, store=store)
    assert truth["captures"] + 1 == answered(store=store)["captures"]
    assert truth["goroutines"] + 51 == answered(store=store)["goroutines"]


def test_a_file_that_grew_counts_once(tmp_path: Path) -> None:
    """It was cut, or no capture yet, when it was first read. A new capture under the old name is another one."""
    captures, store = tmp_path / "captures", tmp_path / "store"
    whole = dump((40, "store.flush", "IO wait"))
    for half in b"<html>", whole[:-100].encode():
        path = put(captures, "shop", "h1", 0, half)
        put(captures, "shop", "h2", 0, dump((4, "store.flush", "IO wait")))
        answered(captures, store=store)
    path.write_text(whole)
    found = answered(captures, store=store)
    assert (2, 0, []) == (found["captures"], found["captures_incomplete"], found["unreadable"])
    assert answered(captures) == found
    before = summary(open_store(str(store)))
    assert before.superseded == compact(open_store(str(store)), keep=_NOW).rows > 0
    assert found == answered(store=store)
    assert 0 == summary(open_store(str(store))).superseded


def test_captures_of_other_times_under_one_name_all_count(tmp_path: Path) -> None:
    """A file that is written anew for each capture: its times are those that the captures say."""
    store, archive = tmp_path / "store", tmp_path / "latest.txt"
    for step in range(3):
        log = f"2026-04-22T10:0{step}:00Z SIGQUIT: quit\n\n{dump((4 + step, 'store.flush', 'IO wait'))}"
        archive.write_text(log)
        answered(archive, store=store)
    known = summary(open_store(str(store)))
    times = {row.origin.time for row in open_store(str(store)).rows()}
    assert len(times - {None}) == known.captures if times != {None} else known.captures == 1


def test_what_could_not_be_read_is_read_again_when_asked(planted: Path, tmp_path: Path) -> None:
    """Or when it changes, and not before."""
    store = tmp_path / "store"
    every, _ = counted(planted, store=store)
    assert (0, every) == counted(planted, store=store)
    assert (1, every - 1) == counted(planted, store=store, reread="unreadable")
    assert (every, 0) == counted(planted, store=store, reread="all")
    assert answered(planted) == answered(store=store)


def test_another_pattern_reads_all_again(tmp_path: Path) -> None:
    """A first run without a pattern leaves no captures of unknown hosts behind."""
    captures, store = tmp_path / "captures", tmp_path / "store"
    for host in "h1", "h2":
        put(captures, "shop", host, 0, dump((4, "store.flush", "IO wait"), salt=ord(host[1])))
    unnamed = api.fleet([str(captures)], store=StoreOptions(str(store)))
    assert 2 == unnamed.unknown_hosts
    assert answered(captures) == answered(captures, store=store)


def test_a_window_is_of_the_time_of_captures(tmp_path: Path, planted: Path) -> None:
    """Those of unknown time count by when they were read."""
    store = tmp_path / "store"
    recent = tmp_path / "recent"
    answered(planted, store=store)
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    path = recent / "shop" / "new" / f"{hour_ago:%Y%m%dT%H%M%S}.txt"
    path.parent.mkdir(parents=True)
    path.write_text(dump((4, "store.flush", "IO wait"), salt=4000))
    answered(recent, store=store)
    day = answered(store=store, window=timedelta(days=1))
    assert 1 == day["captures"] - sum(1 for one in planted.rglob("copy.txt"))
    assert day["first_captured"] == day["last_captured"] == f"{hour_ago:%Y-%m-%dT%H:%M:%S}+00:00"
    assert answered(planted, recent) == answered(store=store, window=timedelta(days=36500))


def test_old_captures_are_deleted_and_not_read_again(planted: Path, tmp_path: Path) -> None:
    """What is left is as if the others had never been."""
    store, left = tmp_path / "store", tmp_path / "left"
    every, _ = counted(planted, store=store)
    half = datetime(2026, 4, 22, 10, 15, tzinfo=UTC)
    done = expire(open_store(str(store)), older_than=datetime.now(UTC) - half, keep=_NOW)
    shutil.copytree(planted, left)
    for path in [*left.rglob("20260422T100000.txt"), *left.rglob("20260422T101000.txt")]:
        path.unlink()
    assert 11 == done.captures == done.objects
    found, truth = answered(store=store), answered(left)
    assert {**truth, "unreadable": None, "findings": None, "odd_hosts": None} == {
        **found, "unreadable": None, "findings": None, "odd_hosts": None
    }  # fmt: skip
    assert (0, every) == counted(planted, store=store)
    assert 0 == expire(open_store(str(store)), older_than=datetime.now(UTC) - half, keep=_NOW).captures
    compact(open_store(str(store)), keep=_NOW)
    assert (0, every) == counted(planted, store=store)
    assert 11 == summary(open_store(str(store))).expired


def test_compaction_leaves_little(planted: Path, tmp_path: Path) -> None:
    """One file of each table, each place once, and no file that is not needed."""
    store = tmp_path / "store"
    for path in sorted(planted.rglob("*.txt"))[:8]:
        api.fleet([str(path)], store=StoreOptions(str(store)))
    opened = open_store(str(store))
    before = answered(store=store)
    rows = opened.places.open()
    assert len(rows.file_uris()) > 1
    done = compact(opened, keep=_NOW)
    assert done.files == 2 < done.files_before
    assert done.bytes < done.bytes_before
    assert 2 == sum(1 for path in store.rglob("*.parquet") if "_delta_log" not in path.parts)
    assert before == answered(store=store)
    assert summary(opened).places == len(opened.known_places())


def fleet_process(store: Path | str, *sources: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "stackscan", "fleet", "--pattern", _PATTERN, "--store", store, "--jobs", "1"]
    return subprocess.Popen(
        [*map(str, command), *map(str, sources)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment()
    )


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Captures enough for several commits."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(30):
        for step in range(50):
            text = dump((3 + number % 5, f"store.flush{number}", "IO wait"), salt=number * 100 + step)
            put(folder, f"s{number % 6}", f"h{number}", step, text)
    return folder


def test_writers_at_once_lose_nothing(many: Path, tmp_path: Path) -> None:
    """Four of them make the store, and read parts that overlap, while it is compacted: nothing lost, nothing twice."""
    store = tmp_path / "store"
    services = sorted(many.iterdir())
    linked = [tmp_path / str(writer) for writer in range(4)]
    for writer, folder in enumerate(linked):
        folder.mkdir()
        for service in services[writer : writer + 3]:
            (folder / service.name).symlink_to(service)
    writers = [fleet_process(store, *services[at : at + 3]) for at in range(4)]
    while any(writer.poll() is None for writer in writers):
        time.sleep(0.2)
        if (store / "captures" / "_delta_log").exists():
            compact(open_store(str(store)), keep=timedelta(hours=1))
    assert [(0, b"")] * 4 == [(one.returncode, said(one)) for one in writers]
    opened = open_store(str(store))
    compact(opened, keep=_NOW)
    rows = [*opened.rows()]
    names = [row.where for row in rows]
    assert 1500 == len(names) == len(set(names))
    assert opened.captures.open().count() == 1500


def test_retention_and_compaction_beside_a_writer(many: Path, tmp_path: Path) -> None:
    """Two who delete old captures at once, one who compacts, and one who adds: all end well, what is young is whole,
    and what is old is gone and known."""
    store, services = tmp_path / "store", sorted(many.iterdir())
    old, young = services[:3], services[3:]
    first = fleet_process(store, *old)
    assert 0 == first.wait(), said(first)
    said(first)
    for path in (path for service in young for path in service.rglob("*.txt")):
        moved = path.with_name(path.name.replace("2026", "2036"))
        target = tmp_path / "young" / moved.relative_to(many)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    writer = fleet_process(store, *sorted((tmp_path / "young").iterdir()))
    age = datetime.now(UTC) - datetime(2030, 1, 1, tzinfo=UTC)

    def retain(_: int) -> None:
        expire(open_store(str(store)), older_than=age, keep=timedelta(hours=1))
        compact(open_store(str(store)), keep=timedelta(hours=1))

    with ThreadPoolExecutor(2) as pool:
        while writer.poll() is None:
            [*pool.map(retain, range(2))]
    assert (0, b"") == (writer.returncode, said(writer))
    rows = [*open_store(str(store)).rows()]
    assert 750 == len(rows) == len({row.where for row in rows})
    assert {2036} == {row.origin.time.year for row in rows if row.origin.time is not None}
    assert 750 == summary(open_store(str(store))).expired


def said(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stderr is not None
    with process.stderr:
        return b"".join(line for line in process.stderr if not line.startswith(b"objects: "))


def commits(store: Path) -> int:
    """How many commits the captures of a store have had."""
    return sum(1 for _ in (store / "captures" / "_delta_log").glob("0*.json"))


def test_a_killed_writer_leaves_a_whole_store(many: Path, tmp_path: Path) -> None:
    """After each kill the store can be read; what was committed stays; in the end it says what all captures say."""
    store = tmp_path / "store"
    chance, held = random.Random(3), 0  # noqa: S311
    for _ in range(4):
        before = commits(store)
        writer = fleet_process(store, many)
        while commits(store) == before and writer.poll() is None:
            time.sleep(0.01)
        time.sleep(chance.uniform(0.0, 0.5))
        writer.kill()
        said(writer)
        writer.wait()
        if commits(store):
            now = [row.where for row in open_store(str(store)).rows()]
            assert len(set(now)) == len(now) >= held
            held = len(now)
    assert held
    read, known = counted(many, store=store)
    assert (1500, held) == (read + known, known)
    assert answered(many) == answered(store=store)


@pytest.mark.parametrize("made", ["file", "other files", "other table", "later release"])
def test_what_is_no_store_is_refused_and_left_alone(made: str, planted: Path, tmp_path: Path) -> None:
    place = tmp_path / "store"
    if made == "file":
        place.write_text("notes")
    elif made == "other files":
        (place / "sub").mkdir(parents=True)
        (place / "notes.txt").write_text("notes")
    else:
        _other_table(place, {} if made == "other table" else {"stackscan.schemaVersion": "99"})
    before = files(tmp_path)
    with pytest.raises(StoreError, match={"later release": "a later release"}.get(made, "store|not made by")):
        answered(planted, store=place)
    with pytest.raises(StoreError):
        answered(store=place)
    assert before == files(tmp_path)


def _other_table(place: Path, settings: dict[str, str]) -> None:
    import polars as pl
    from deltalake import DeltaTable

    schema = pl.Schema({"a": pl.Int64()})
    DeltaTable.create(place / "captures", schema=schema, configuration=settings, raise_if_key_not_exists=False)


def test_a_store_that_is_not_there_is_said(tmp_path: Path) -> None:
    """And not made by asking."""
    with pytest.raises(StoreError, match="there is no store"):
        answered(store=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_web_address_is_no_store() -> None:
    """It says what is, and hides what is secret in the address."""
    for command in (["store", "info"], ["store", "compact"], ["fleet", "--store"]):
        done = run(*command, "http://me:s3cret@localhost:1/x?token=hidden")
        assert 2 == done.returncode
        assert "http://localhost:1/x?token=***: a web address cannot hold a store" in done.stderr
        assert "s3://BUCKET/PREFIX" in done.stderr


def test_an_empty_answer_says_why(planted: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    answered(planted / "shop", store=store)
    with pytest.raises(SourceError, match="no captures as young as --window says"):
        answered(store=store, window=timedelta(seconds=-1))


def test_lines_are_kept_for_other_thresholds(planted: Path, tmp_path: Path) -> None:
    """Any threshold from that of the store on; a smaller one would need the captures again."""
    store = tmp_path / "store"
    for threshold in 10_000, 1_100, 1_000:
        assert answered(planted, threshold=threshold) == answered(planted, store=store, threshold=threshold)
    with pytest.raises(UsageError, match="keeps lines of 1,000 goroutines"):
        answered(store=store, threshold=500)
    low = tmp_path / "low"
    assert answered(planted, threshold=50) == answered(planted, store=low, threshold=50)


def test_private_names_are_in_no_file_of_a_redacted_store(planted: Path, tmp_path: Path) -> None:
    """Redacted from the first capture on, with one key; a plain and a redacted run do not mix."""
    store, plain = tmp_path / "store", tmp_path / "plain"
    redaction = Redaction(_KEY)
    truth = answered(planted, redaction=redaction)
    assert truth == answered(planted, store=store, redaction=redaction)
    compact(open_store(str(store)), keep=_NOW)
    assert truth == answered(store=store, redaction=redaction)
    every = sum(path.is_file() for path in planted.rglob("*"))
    assert (0, every) == counted(planted, store=store, redaction=Redaction(_KEY))
    import polars as pl

    shown = "".join(
        str(pl.read_parquet(path).to_dicts()) for path in store.rglob("*.parquet") if "_delta_log" not in path.parts
    ) + "".join(path.read_text() for path in store.rglob("*.json"))
    assert [] == [name for name in ("store.flush", "queue.audit", "shop", "crowded", planted.name) if name in shown]
    answered(planted, store=plain)
    for place, other in (store, None), (store, Redaction(b"l" * 32)), (plain, redaction):
        before = files(place)
        with pytest.raises(StoreError, match="redacted"):
            answered(planted, store=place, redaction=other)
        assert before == files(place)
    with pytest.raises(StoreError, match="redacted"):
        answered(store=store, redaction=Redaction(_KEY, ("example.com",)))


def test_names_that_are_no_text_are_kept_as_escapes(tmp_path: Path) -> None:
    captures, store = tmp_path / "captures", tmp_path / "store"
    captures.mkdir()
    try:
        Path(os.fsdecode(bytes(captures) + b"/h\xff.txt")).write_text(dump((4, "store.flush", "IO wait")))
    except OSError:
        pytest.skip("names of files are UTF-8 here")
    assert (1, 0) == counted(captures, store=store)
    assert (0, 1) == counted(captures, store=store)
    [row] = open_store(str(store)).rows()
    assert row.where.endswith("h\\udcff.txt")


@pytest.mark.parametrize("redaction", [None, Redaction(_KEY)])
def test_names_that_differ_only_in_what_is_hidden_are_two(redaction: Redaction | None, tmp_path: Path) -> None:
    """Each is read, each counts, each is known; and the store says nothing of what is hidden in their names, not even
    in that of a link, which is not read."""
    captures, store = tmp_path / "captures", tmp_path / "store"
    captures.mkdir()
    secrets = ["s3cretOne", "s3cretTwo", "s3cretLink"]
    paths = [captures / f"dump.txt?token={secret}" for secret in secrets]
    for size, path in enumerate(paths[:2], 4):
        path.write_text(dump((size, "store.flush", "IO wait"), salt=size))
    paths[2].symlink_to(paths[0])
    assert (3, 0) == counted(captures, store=store, redaction=redaction)
    assert 2 == answered(store=store, redaction=redaction)["captures"]
    assert (0, 3) == counted(captures, store=store, redaction=redaction)
    rows = open_store(str(store)).rows_of_table().collect()
    assert 3 == rows["object"].n_unique()
    assert not [secret for secret in secrets if secret in rows.drop("digest").write_json()]


def test_what_has_no_mark_is_read_each_time(tmp_path: Path) -> None:
    """Standard input: equal content counts once, other content as another capture."""
    store = tmp_path / "store"
    for size in 4, 4, 5:
        text = dump((size, "store.flush", "IO wait"))
        done = run("fleet", "--store", store, "--format", "json", "-", stdin=text.encode())
        assert 0 == done.returncode, done.stderr
        assert "objects: 1 read, 0 known" in done.stderr
    assert 2 == answered(store=store)["captures"]


def test_duckdb_reads_a_store(planted: Path, tmp_path: Path) -> None:
    """Its files as Delta Lake lists them; places by their ids."""
    duckdb = pytest.importorskip("duckdb")
    store = tmp_path / "store"
    truth = answered(planted, store=store)
    opened = open_store(str(store))
    tables = {name: table.open().file_uris() for name, table in (("c", opened.captures), ("p", opened.places))}
    rows = duckdb.sql(
        f"""SELECT host, max(spot.goroutines)
        FROM (SELECT host, unnest(places) AS spot FROM read_parquet({tables["c"]!r})) AS found
        JOIN read_parquet({tables["p"]!r}) AS known ON spot.place_id = known.place_id
        WHERE function = 'queue.audit' GROUP BY host ORDER BY host"""
    ).fetchall()
    leak = next(one for one in truth["findings"] if one["place"] == "queue.audit")
    assert [(name, 90) for name in leak["hosts"]] == rows


def test_without_the_library_it_says_what_to_install(
    planted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "deltalake", None)
    with pytest.raises(MissingExtraError, match="not installed") as raised:
        answered(planted, store=tmp_path / "store")
    assert "pip install deltalake" in raised.value.hint


@pytest.fixture
def filled(planted: Path, tmp_path: Path) -> Store:
    answered(planted, store=tmp_path / "store")
    return open_store(str(tmp_path / "store"))


@pytest.mark.parametrize(
    ("url", "said", "hint"),
    [
        ("s3://nobody/x", "no credentials were found", "AWS_ACCESS_KEY_ID"),
        ("az://nobody/x", "no credentials were found", "AZURE_STORAGE_ACCOUNT_NAME"),
    ],
)
@pytest.mark.parametrize("command", [("store", "info"), ("fleet", "--store")], ids=" ".join)
def test_a_store_without_credentials_says_what_to_set(
    command: tuple[str, ...], url: str, said: str, hint: str, tmp_path: Path
) -> None:
    """In our words and two lines; what the library tried is not on stderr."""
    bare = {name: value for name, value in environment().items() if not name.startswith(("AWS_", "AZURE_", "GOOGLE_"))}
    bare |= {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path)}
    refused = run(*command, url, env=bare)
    assert (2, "") == (refused.returncode, refused.stdout)
    first, second = refused.stderr.splitlines()
    assert f"{url}/captures: {said}" in first
    assert hint in second


def test_the_commands_say_what_they_did(filled: Store, tmp_path: Path) -> None:
    """As text and as JSON."""
    url = filled.url
    known = json.loads(run("store", "info", url, "--format", "json").stdout)
    assert (23, 1, 5 + 1) == (known["captures"], known["unreadable"], known["hosts"])
    assert known["bytes_per_capture"] * known["captures"] == pytest.approx(known["bytes"])
    assert "23 captures of 6 known hosts" in run("store", "info", url).stdout
    assert "became 2 files" in run("store", "compact", url, "--keep-files", "0s").stdout
    assert "no capture is older" in run("store", "expire", url, "--older-than", "36500d").stdout
    assert "deleted 23 captures" in run("store", "expire", url, "--older-than", "0s").stdout
    assert 2 == run("store", "info", tmp_path).returncode
    assert 2 == run("store", "expire", url, "--older-than", "30").returncode


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fleet"], "there is no SOURCE"),
        (["fleet", "--window", "7d", "x"], "about a store"),
        (["fleet", "--store", "s", "--reread", "all"], "needs the SOURCEs"),
        (["fleet", "--store", "s", "--redact", "x"], "key that stays the same"),
        (["fleet", "--store", "", "x"], "--store needs a folder"),
    ],
)
def test_options_that_contradict_each_other(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert (2, True) == (done.returncode, said in done.stderr), done.stderr
    assert [] == [*tmp_path.iterdir()]
