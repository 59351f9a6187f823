"""Patterns of paths: what they read, what they refuse, and where they say so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackscan.errors import UsageError
from stackscan.fleet.origin import node_of, of_path
from stackscan.fleet.pattern import Origin, read_pattern

_NAME = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=12)
_TIME = st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
#: A time that patterns read.
_AT = datetime(2026, 4, 22, 10, tzinfo=UTC)


@given(_NAME, _NAME, _NAME, _TIME)
def test_a_path_is_read_back(service: str, host: str, version: str, time: datetime) -> None:
    """What a path is made of is what the pattern says of it."""
    path = f"{service}/{host}/x-{version}/{time:%Y%m%dT%H%M%S}.pb.gz"
    pattern = read_pattern("{service}/{host}/x-{version}/{time:%Y%m%dT%H%M%S}.pb.gz")
    assert Origin(service, host, version, time) == pattern.read(path)
    assert pattern.read(f"{path}x") is None
    assert pattern.read(f"deeper/{path}") is None


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("{host}.txt", "web-1.txt", Origin(host="web-1")),
        ("**/{host}/*.gz", "a/b/web-1/x.pb.gz", Origin(host="web-1")),
        ("{host}/**", "web-1/a/b", Origin(host="web-1")),
        ("{time}/{host}", "2026-04-22T12_00_00+02_00/h", Origin(host="h", time=_AT)),
        ("{time:%s}-{host}", "1776852000-h", Origin(host="h", time=_AT)),
        ("{time:%Y/%m/%d/%H%M}/{host}", "2026/04/22/1000/h", Origin(host="h", time=_AT)),
        ("{time:%Y%m%dT%H%M%S%z}", "20260422T120000+0200", Origin(time=_AT)),
        ("{host}-{time:%Y%m%d}", "h-20261399", Origin(host="h")),
    ],
)  # fmt: skip
def test_what_patterns_read(pattern: str, path: str, expected: Origin) -> None:
    """Fields, stars, times with and without offset; a time that cannot be is unknown."""
    assert expected == read_pattern(pattern).read(path)


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("", "is empty"),
        ("*.gz", "names no field"),
        ("{hots}", "'hots' is no field; fields are service, host, version, time"),
        ("{host}/{host}", "character 8: the field 'host' is there twice"),
        ("{host", "a '{' without its partner"),
        ("{host}{service}", "nothing stands between two fields"),
        ("{host:%Y}", "only a time has a format"),
        ("{time:}", "the format of the time is empty"),
        ("{time:%Q}", "%Q is no directive"),
        ("{time:%H%M}", "its day would be guessed"),
        ("{time:%s%Y}", "stands alone"),
    ],
)
def test_a_wrong_pattern_says_what_and_where(pattern: str, says: str) -> None:
    """With a hint that shows a right one."""
    with pytest.raises(UsageError) as caught:
        read_pattern(pattern)
    assert says in str(caught.value)
    assert "{service}/{host}" in caught.value.hint


def test_paths_of_members_and_of_single_files() -> None:
    """The path in an archive, or of the archive; of a file that is the source itself, its last parts."""
    pattern = read_pattern("{host}/{service}.zip")
    assert Origin("a", "h") == of_path(pattern, "h/a.zip", "goroutines.stacks", "dumps/h/a.zip")
    assert Origin("a", "h") == of_path(pattern, "", None, "/srv/dumps/h/a.zip")
    assert Origin("a", "h") == of_path(pattern, "", "goroutines.stacks", "dumps/h/a.zip")
    assert Origin("b", "g") == of_path(pattern, "", "g/b.zip", "dumps/h/a.zip")
    assert of_path(pattern, "x", None, "x") is None
    assert of_path(None, "x", None, "x") is None


def test_a_node_is_named_only_in_its_folder() -> None:
    """As cockroach names it."""
    assert "n12" == node_of("debug/nodes/12/stacks.txt")
    assert node_of("debug/nodes/12/goroutines/x.txt") is None


def test_an_origin_is_completed_not_replaced() -> None:
    """What the first knows stays."""
    time = datetime(2026, 4, 22, tzinfo=UTC)
    assert Origin("a", "h", None, time) == Origin("a", None).completed(Origin("b", "h", None, time))
    assert timedelta(0) == time.utcoffset()


def test_many_stars_beside_fields_end() -> None:
    """A path that does not match is refused soon, and stars still take what they can before a field."""
    pattern = read_pattern("*a" * 40 + "-{service}/" + "*a" * 40 + "b")
    assert pattern.read("a" * 1_000 + "-x/" + "a" * 1_000) is None
    assert Origin("z") == pattern.read("a" * 40 + "-x-y-" + "a" * 40 + "-z/" + "a" * 40 + "b")
