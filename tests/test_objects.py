"""Object storage as a source, read from a real S3 server: the same as files, and clear errors where it is not."""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import re
import socket
import sys
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from obstore.store import S3Store

from helpers import DUMP, FIXTURES, assert_refused, environment, json_of, run, run_on_terminal
from s3server import S3Server, s3
from stackscan import api
from stackscan.errors import LimitError, MissingExtraError, SourceError
from stackscan.sources import Source, limits, open_source
from stackscan.sources.objects.address import ObjectAddress
from stackscan.sources.objects.download import Download
from stackscan.sources.parts import groups, split

__all__ = ["s3"]

PATTERN = "{service}/{host}/{time:%Y%m%dT%H%M%S}.*"


def variant(number: int) -> bytes:
    """A dump that is unlike those of other numbers."""
    return DUMP.replace("main.go:10", f"main.go:{number + 20}").encode()


@pytest.fixture
def bucket(s3: S3Server, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> S3Store:
    """An empty bucket for each test, which this process can read."""
    _use(s3, monkeypatch)
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:50].strip("-")
    return s3.bucket(name)


def _use(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in server.environment.items():
        monkeypatch.setenv(variable, value)


def at(bucket: S3Store, key: str = "") -> str:
    """The address of a key."""
    return f"s3://{bucket.config['bucket']}/{key}"


def tree(folder: Path) -> dict[str, bytes]:
    """Files that are put both in a folder and a bucket: single captures, compressed, a zip, bundles, and junk."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for node in 1, 2:
            archive.writestr(f"debug/nodes/{node}/stacks.txt", variant(node))
    files = {
        "shop/h1/20260422T100000.txt": variant(3),
        "shop/h1/20260422T101000.txt.gz": gzip.compress(variant(4)),
        "shop/h2/20260422T100000.txt": variant(5),
        "shop-b/h2/20260422T100000.txt": variant(8),
        "ipfs/h3/version.json": b'{"Version": "0.41.0", "System": "amd64/linux", "Golang": "go1.26.1"}',
        "ipfs/h3/goroutines.stacks": gzip.decompress(
            (FIXTURES / "kubo/v0.41.0-boxo-v0.38.0-stalled-tcp/stack-02.txt.gz").read_bytes()
        ),
        "debug.zip": packed.getvalue(),
        "junk/empty.txt": b"",
        "junk/garbage.txt": b"this is no dump\n",
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return files


def filled(bucket: S3Store, files: dict[str, bytes]) -> None:
    """Put files into a bucket."""
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda item: bucket.put(*item), files.items()):
            pass


# -- the same as files -------------------------------------------------------------------------------------------------


def test_a_fleet_in_a_bucket_is_that_in_a_folder(bucket: S3Store, tmp_path: Path) -> None:
    filled(bucket, tree(tmp_path))
    local, stored = str(tmp_path), at(bucket)
    options = ("--format", "json", "--pattern", PATTERN, "--jobs", "2")
    of_files, of_objects = run("fleet", local, *options), run("fleet", stored, *options)
    assert (of_files.returncode, of_objects.returncode) == (0, 0), of_objects.stderr
    assert json.loads(of_files.stdout.replace(f"{local}/", stored)) == json.loads(of_objects.stdout)
    assert json.loads(of_objects.stdout)["captures"] == 7


@pytest.mark.parametrize("key", ["shop/h1/20260422T100000.txt", "shop/h1/20260422T101000.txt.gz", "debug.zip"])
def test_an_object_is_read_as_its_file(bucket: S3Store, tmp_path: Path, key: str) -> None:
    filled(bucket, tree(tmp_path))
    of_file, of_object = json_of(tmp_path / key), json_of(at(bucket, key))
    for report in of_file, of_object:
        for snapshot in report["snapshots"]:
            del snapshot["source"]
    assert of_file["snapshots"] == of_object["snapshots"]


@pytest.mark.parametrize("key", ["ipfs/h3", "ipfs/h3/"])
def test_a_prefix_is_read_as_a_folder(bucket: S3Store, tmp_path: Path, key: str) -> None:
    filled(bucket, tree(tmp_path))
    report = json_of(at(bucket, key))
    assert [one["member"] for one in report["snapshots"]] == ["goroutines.stacks"]
    assert report["bundle"]["version"] == "0.41.0"


def test_a_key_that_is_an_object_and_a_prefix_is_the_object(bucket: S3Store) -> None:
    bucket.put("a-b/one.txt", variant(1))
    bucket.put("a", variant(2))  # as a prefix it would also hold nothing: a-b is another part
    assert [member.name for member in open_source(at(bucket, "a"))] == [None]
    assert [part.below for part in split(at(bucket, "a"))] == [""]


@pytest.mark.parametrize("command", ["check", "compare", "export", "query", "convert", "show"])
def test_every_command_that_reads_dumps_reads_objects(bucket: S3Store, tmp_path: Path, command: str) -> None:
    bucket.put("one.txt", DUMP.encode())
    one = at(bucket, "one.txt")
    arguments = {
        "check": (one,),
        "compare": (one, one),
        "export": (one, "--output", tmp_path / "tables"),
        "query": ("SELECT count(*) AS n FROM goroutines", one),
        "convert": (one, "--format", "folded", "--output", tmp_path / "folded"),
        "show": ("7", one),
    }[command]
    done = run(command, *arguments)
    assert done.returncode == 0, done.stderr


# -- lists and parts ---------------------------------------------------------------------------------------------------


def test_a_list_has_many_pages(bucket: S3Store) -> None:
    keys = [f"many/{number:05}.txt" for number in range(1234)]
    filled(bucket, dict.fromkeys(keys, b"x") | {"many.txt": b"x", "manyfold/x.txt": b"x"})
    assert [part.below for part in split(at(bucket, "many/"))] == [key.removeprefix("many/") for key in keys]


def test_a_bundle_stays_together_and_each_other_object_is_a_part(bucket: S3Store, tmp_path: Path) -> None:
    filled(bucket, tree(tmp_path))
    parts = {part.below: part for part in split(at(bucket))}
    assert parts["ipfs/h3"].names == ("goroutines.stacks", "version.json")
    assert sorted(parts) == sorted(
        ["debug.zip", "ipfs/h3", "junk/empty.txt", "junk/garbage.txt"]
        + [f"shop/{name}" for name in ("h1/20260422T100000.txt", "h1/20260422T101000.txt.gz", "h2/20260422T100000.txt")]
        + ["shop-b/h2/20260422T100000.txt"]
    )


def test_a_folder_of_very_many_objects_is_no_bundle(bucket: S3Store) -> None:
    filled(bucket, {f"all/{number:04}.txt": b"x" for number in range(600)} | {"all/version.json": b"{}"})
    assert {part.names for part in split(at(bucket, "all"))} == {()}


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("prod/*/2026-04-*/*.gz", ["prod/a/2026-04-22/1.gz", "prod/b/2026-04-23/2.gz"]),
        ("prod/**/*.gz", ["prod/a/2026-04-22/1.gz", "prod/a/2026-05-22/1.gz", "prod/b/2026-04-23/2.gz"]),
        ("prod/a/**", ["prod/a/2026-04-22/1.gz", "prod/a/2026-05-22/1.gz"]),
        ("pro*/c.gz", ["production/c.gz"]),
        ("*/c.gz", ["production/c.gz"]),
    ],
)
def test_stars_match_keys(bucket: S3Store, pattern: str, found: list[str]) -> None:
    every = ["prod/a/2026-04-22/1.gz", "prod/a/2026-05-22/1.gz", "prod/b/2026-04-23/2.gz", "production/c.gz"]
    filled(bucket, dict.fromkeys(every, variant(1)))
    parts = [*split(at(bucket, pattern))]
    assert [str(part) for part in parts] == [at(bucket, key) for key in found]
    assert {part.below for part in parts} == {""}  # as if a shell had found them
    assert len([*open_source(at(bucket, pattern))]) == len(found)


def test_a_key_may_hold_what_is_a_pattern_or_a_signature_elsewhere(bucket: S3Store) -> None:
    keys = [
        "odd/a*b.txt",
        "odd/q?sig=x&X-Amz-Signature=y",
        "odd/per%20cent.txt",
        "odd/c#d",
        "odd/prog@v1.2.pb.gz",
        "odd/ü 日.txt",
    ]
    filled(bucket, {key: variant(number) for number, key in enumerate(keys)})
    read = [member for part in split(at(bucket, "odd/")) for group in groups(part) for member in group.members]
    assert sorted(member.data or b"" for member in read) == sorted(variant(number) for number in range(len(keys)))
    assert f"{at(bucket)}odd/prog@v1.2.pb.gz" in {member.source for member in read}


def test_a_name_cannot_write_to_the_terminal(bucket: S3Store, s3: S3Server) -> None:
    bucket.put("evil/\N{RIGHT-TO-LEFT OVERRIDE}txt.exe", b"no dump")
    bucket.put("evil/ok.txt", variant(1))
    folder = s3.folder / "data" / str(bucket.config["bucket"]) / "evil"
    (folder / "a\x1b[31mred.txt").write_bytes(variant(2))  # no client makes such a key, but a bucket may have it
    code, shown = run_on_terminal("fleet", at(bucket, "evil/"), columns=80, env=environment(TERM="dumb"))
    assert code == 0, shown
    assert "could not be read" in shown
    assert "\x1b[31mred" not in shown
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in shown


def test_a_key_that_the_library_does_not_read_is_named(bucket: S3Store, s3: S3Server) -> None:
    bucket.put("evil/one.txt", variant(1))
    (s3.folder / "data" / str(bucket.config["bucket"]) / "evil" / "two\nlines.txt").write_bytes(variant(2))
    for command in "report", "fleet":
        refused = run(command, at(bucket, "evil/"))
        assert_refused(refused, at(bucket, "evil/"), "control characters", "Give a prefix without such keys")
        assert "two\nlines" not in refused.stderr
        assert re.search(r"two\\+nlines", refused.stderr)
    assert run("report", at(bucket, "evil/one.txt")).returncode == 0


def test_an_empty_object_is_named_and_the_run_goes_on(bucket: S3Store) -> None:
    filled(bucket, {"x/empty.txt": b"", "x/one.txt": variant(1)})
    fleet = api.fleet([at(bucket, "x/")])
    assert [one.capture for one in fleet.unreadable] == [at(bucket, "x/empty.txt")]


# -- marks and metadata ------------------------------------------------------------------------------------------------


def test_the_mark_of_an_object_changes_with_its_content_only(bucket: S3Store, tmp_path: Path) -> None:
    filled(bucket, tree(tmp_path))
    before = {part.below: part.mark for part in split(at(bucket))}
    assert None not in before.values()
    assert before == {part.below: part.mark for part in split(at(bucket))}
    bucket.put("shop/h1/20260422T100000.txt", variant(6))
    bucket.put("ipfs/h3/version.json", b'{"Version": "0.42.0"}')
    after = {part.below: part.mark for part in split(at(bucket))}
    assert {each for each in before if before[each] != after[each]} == {"shop/h1/20260422T100000.txt", "ipfs/h3"}


def test_one_object_has_the_mark_that_its_list_says(bucket: S3Store) -> None:
    bucket.put("x/one.txt", variant(1))
    assert [part.mark for part in split(at(bucket, "x/one.txt"))] == [part.mark for part in split(at(bucket, "x/"))]


def test_an_object_replaced_after_it_was_listed_is_read_as_it_is_now(bucket: S3Store) -> None:
    bucket.put("x/one.txt", variant(1))
    (listed,) = split(at(bucket, "x/"))
    bucket.put("x/one.txt", variant(2))
    (group,) = groups(listed)
    assert group.members[0].data == variant(2)
    assert [part.mark for part in split(at(bucket, "x/"))] != [listed.mark]  # so that it is read again


def test_an_object_removed_after_it_was_listed_is_named(bucket: S3Store) -> None:
    bucket.put("x/one.txt", variant(1))
    (listed,) = split(at(bucket, "x/"))
    bucket.delete("x/one.txt")
    with pytest.raises(SourceError, match="is not there any more"):
        [*groups(listed)]


def fleet_origin(address: str, pattern: str | None = None) -> dict[str, Any]:
    """What the only capture's origin is."""
    fleet = api.fleet([address], pattern=pattern)
    return {
        "services": fleet.services,
        "versions": fleet.versions,
        "unknown_hosts": fleet.unknown_hosts,
        "time": fleet.first_captured and fleet.first_captured.isoformat(),
    }


def test_metadata_name_host_service_version_and_time(bucket: S3Store) -> None:
    told = {"host": "h7", "Service": "shop", "version": "v1.2.3", "time": "2026-04-22T10:00:00+02:00"}
    bucket.put("x.txt", DUMP.encode(), attributes=told)
    assert fleet_origin(at(bucket, "x.txt")) == {
        "services": ("shop",),
        "versions": ("v1.2.3",),
        "unknown_hosts": 0,
        "time": "2026-04-22T08:00:00+00:00",
    }


def test_without_metadata_nothing_is_known_not_even_the_time(bucket: S3Store) -> None:
    bucket.put("x.txt", DUMP.encode())
    assert fleet_origin(at(bucket, "x.txt")) == {"services": (), "versions": (), "unknown_hosts": 1, "time": None}


def test_path_and_labels_go_before_metadata_and_these_before_names(bucket: S3Store) -> None:
    told = {"host": "h7", "service": "shop", "version": "v1.2.3", "time": "2026-04-22T10:00:00Z"}
    labelled = DUMP.replace("[chan receive]", "[chan receive] {service.name: labelled}")
    name = "ipfs-profile-other-2026-04-23T10_11_12+00_00.txt"
    bucket.put(f"given/{name}", labelled.encode(), attributes=told)
    assert fleet_origin(at(bucket)) == {
        "services": ("labelled",),
        "versions": ("v1.2.3",),
        "unknown_hosts": 0,
        "time": "2026-04-22T10:00:00+00:00",
    }
    assert fleet_origin(at(bucket), "{service}/*")["services"] == ("given",)


# -- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wr0ng-Secret-key"}, ["secret key is wrong", "AWS_SECRET_ACCESS_KEY"]),
        ({"AWS_ACCESS_KEY_ID": "nobody"}, ["the server answers 404 XAdminUserNotFound", "credentials"]),
        ({"AWS_ALLOW_HTTP": None}, ["no TLS", "AWS_ALLOW_HTTP=true"]),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, ["http://127.0.0.1:1 refuses the connection", "AWS_ENDPOINT_URL"]),
        ({"AWS_ENDPOINT_URL": "http://no-host.invalid"}, ["no-host.invalid is an unknown host"]),
        ({"AWS_ENDPOINT_URL": "zonk"}, ["AWS_ENDPOINT_URL is not an address"]),
        ({"AWS_CA_BUNDLE": "/nowhere"}, ["AWS_CA_BUNDLE names a file that cannot be read"]),
        ({"AWS_SECRET_ACCESS_KEY": None}, ["no credentials were found", "AWS_ACCESS_KEY_ID"]),
        ({"AWS_SKIP_SIGNATURE": "zonk"}, ["a setting of the environment is wrong"]),
    ],
)
def test_what_is_wrong_with_the_environment_is_said(
    bucket: S3Store, change: dict[str, str | None], words: list[str]
) -> None:
    bucket.put("one.txt", DUMP.encode())
    for command in "report", "fleet":
        refused = run(command, at(bucket, "one.txt"), env=environment(**change))
        assert_refused(refused, at(bucket, "one.txt"), *words)
        assert "wr0ng" not in refused.stderr
        assert "panicked" not in refused.stderr


@pytest.mark.parametrize("command", ["report", "fleet", "check"])
@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("nothing.txt", ["there is no such object, and none below it"]),
        ("nothing/", ["there is no such object"]),
        ("nothing*", ["no key matches it"]),
        ("a//b", ["an empty part"]),
        ("a/../b", ["a part . or .."]),
    ],
)
def test_a_key_that_is_not_there_is_said(bucket: S3Store, command: str, key: str, words: list[str]) -> None:
    assert_refused(run(command, at(bucket, key)), at(bucket, key), *words)


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize("command", ["report", "fleet"])
def test_a_bucket_that_is_not_there_is_said(command: str) -> None:
    for address in "s3://no-such-bucket/one.txt", "s3://no-such-bucket/", "s3://no-such-bucket/*":
        assert_refused(run(command, address), address, "there is no such bucket", "AWS_REGION")


def test_a_login_or_a_signature_in_an_address_is_refused_and_not_shown() -> None:
    for address in (
        "s3://AKIAUSER:s3cr3t-Pass@bucket/x",
        "s3://s3cr3t-Pass@bucket/x",
        "s3://bucket/x?X-Amz-Date=1&X-Amz-Signature=s3cr3t-Pass",
        "az://container/x?sv=2024&sig=s3cr3t-Pass",
    ):
        for command in "report", "fleet":
            refused = run(command, address)
            assert_refused(refused, "Credentials come from")
            assert "s3cr3t" not in refused.stdout + refused.stderr


def test_other_stores_say_which_settings_they_need() -> None:
    bare = {name: value for name, value in environment().items() if not name.startswith(("AWS_", "AZURE_", "GOOGLE_"))}
    refused = run("report", "az://container/x", env=bare)
    assert_refused(refused, "no credentials were found", "AZURE_STORAGE_ACCOUNT_NAME")
    local = {"GOOGLE_BASE_URL": "http://127.0.0.1:1", "GOOGLE_SKIP_SIGNATURE": "true", "GOOGLE_ALLOW_HTTP": "true"}
    refused = run("report", "gs://bucket/x", env=bare | local)
    assert_refused(refused, "http://127.0.0.1:1 refuses the connection", "GOOGLE_BASE_URL")


def test_without_the_library_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(MissingExtraError, match="not installed") as refused:
        [*open_source("s3://bucket/never-asked.txt")]
    assert "pip install obstore" in refused.value.hint


def test_an_object_beyond_the_limit_is_not_read(bucket: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.put("one.txt", DUMP.encode())
    monkeypatch.setattr(limits, "MAX_DOWNLOAD_BYTES", 10)
    with pytest.raises(LimitError, match="more than"):
        [*open_source(at(bucket, "one.txt"))]


# -- servers that fail -------------------------------------------------------------------------------------------------


@pytest.fixture
def mortal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3: S3Server) -> Iterator[S3Server]:
    """A server that a test may kill."""
    server = dataclasses.replace(s3, folder=tmp_path, port=0, _process=None)
    server.start()
    _use(server, monkeypatch)
    yield server
    server.kill()


def test_a_server_that_dies_in_the_middle_of_an_object_is_an_error(mortal: S3Server) -> None:
    mortal.bucket("large").put("core.txt", bytes(64 << 20))
    file = Download(ObjectAddress.parse(Source("s3://large/core.txt", timeout_seconds=20)))
    assert file.read(10) == bytes(10)
    mortal.kill()
    with pytest.raises(SourceError, match=r"core\.txt cannot be read"):
        file.read()


def test_a_server_that_dies_after_the_list_leaves_the_captures_unread(mortal: S3Server) -> None:
    filled(mortal.bucket("many"), {f"{number}.txt": variant(number) for number in range(3)})
    parts = [*split(Source("s3://many/", timeout_seconds=4))]
    read = [*groups(parts[0])]
    mortal.kill()
    assert len(read) == 1
    for part in parts[1:]:
        with pytest.raises(SourceError, match="refuses the connection"):
            [*groups(part)]


def test_a_short_outage_is_waited_for(mortal: S3Server) -> None:
    filled(mortal.bucket("many"), {f"{number}.txt": variant(number) for number in range(2)})
    parts = [*split(Source("s3://many/", timeout_seconds=60))]
    mortal.kill()
    with ThreadPoolExecutor(1) as pool:
        later = pool.submit(lambda: (time.sleep(1.5), mortal.start()))
        read = [group.members[0].data for part in parts for group in groups(part)]
        later.result()
    assert read == [variant(0), variant(1)]


def test_a_list_that_breaks_off_is_named_and_what_was_listed_is_read(mortal: S3Server) -> None:
    folder = mortal.folder / "data" / "long"
    folder.mkdir()
    for number in range(2100):  # as files: they have no ETag, and their time is their mark
        (folder / f"{number:04}.txt").write_bytes(DUMP.encode())
    parts = split(Source("s3://long/", timeout_seconds=4))
    first = next(parts)
    mortal.kill()
    left = [*parts]
    assert (first.below, first.broken) == ("0000.txt", "")
    assert first.mark is not None
    assert 500 < len(left) < 2100
    assert "the list broke off" in left[-1].broken
    assert "refuses the connection" in left[-1].broken


def test_a_server_that_never_answers_is_left(monkeypatch: pytest.MonkeyPatch, s3: S3Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        _use(s3, monkeypatch)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        refused = run("report", "--timeout", "1s", "s3://bucket/one.txt")
    assert_refused(refused, "in time", "--timeout")
