"""A pytest plugin: a test fails when the process that it drove leaves goroutines stuck. docs/ci.md has an example.

pytest loads it by its entry point; nothing of stackscan is imported before a test asks for the fixture.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from stackscan.checks import CheckResult
    from stackscan.knowledge.rule import Severity

#: A dump: a path or URL, the dump itself (bytes, or text of several lines), or what gives one of these when called.
Dump = str | bytes | Path | Callable[[], str | bytes | Path]

_WATCHED = pytest.StashKey["GoroutineCheck"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The files that say what fails."""
    parser.addini("stackscan_policy", "policy of stackscan check, relative to the rootdir", default="")
    parser.addini("stackscan_baseline", "baseline of stackscan check, relative to the rootdir", default="")


@dataclass
class GoroutineCheck:
    """Judges goroutine dumps in a test, by the policy and baseline of pytest's settings.

    Call it with a dump to judge it now. :meth:`at_end` names one that is read when the test's body has ended: what the
    process still holds then was left behind.
    """

    folder: Path
    policy: Path | None = None
    baseline: Path | None = None
    later: list[tuple[Dump, dict[str, Any]]] = field(default_factory=list)

    def __call__(
        self,
        dump: Dump,
        *,
        policy: Path | str | None = None,
        baseline: Path | str | None = None,
        fail_on: Severity | None = None,
        timeout_seconds: float | None = None,
    ) -> CheckResult:
        """Fail the test when the dump does not pass, or cannot be judged; else what was found.

        ``timeout_seconds`` is how long a dump that is an address may take in all.
        """
        __tracebackhide__ = True
        from stackscan.api import check
        from stackscan.errors import StackscanError
        from stackscan.knowledge.configuration import find, load
        from stackscan.sources import Source

        try:
            result, _ = check(
                [Source(self._source(dump() if callable(dump) else dump), timeout_seconds=timeout_seconds)],
                configuration=load(find(Path.cwd())),
                policy=self.policy if policy is None else Path(policy),
                baseline=self.baseline if baseline is None else Path(baseline),
                fail_on=fail_on,
            )
        except StackscanError as error:
            pytest.fail(f"the goroutine dump cannot be checked: {error}\n{error.hint}", pytrace=False)
        if result.exit_code:
            pytest.fail(_short_answer(result), pytrace=False)
        return result

    def at_end(self, dump: Dump, **options: Any) -> None:
        """Judge a dump when the test's body has ended, if it has not failed by then. Options as of a call."""
        from stackscan.sources import Source

        self.later.append((Source(dump) if isinstance(dump, str) and "\n" not in dump else dump, options))

    def _source(self, dump: str | bytes | Path) -> str:
        """The dump as a source: a text is put into a file."""
        if isinstance(dump, Path):
            return str(dump)
        if isinstance(dump, str) and "\n" not in dump:
            return dump
        path = self.folder / "goroutines.stacks"
        path.write_bytes(dump if isinstance(dump, bytes) else dump.encode("utf-8", "surrogateescape"))
        return str(path)


def _short_answer(result: CheckResult) -> str:
    """The short answer: nobody reads a failure of ten thousand lines."""
    from stackscan.render.text.check import render

    out = io.StringIO()
    render(result, out)
    return out.getvalue()


@pytest.fixture
def goroutine_check(request: pytest.FixtureRequest, tmp_path: Path) -> GoroutineCheck:
    """Fails the test whose process leaves findings: call it with a dump, or name one with ``at_end``."""
    policy, baseline = (_named(request.config, name) for name in ("stackscan_policy", "stackscan_baseline"))
    check = GoroutineCheck(tmp_path, policy, baseline)
    request.node.stash[_WATCHED] = check
    return check


def _named(config: pytest.Config, name: str) -> Path | None:
    value = str(config.getini(name))
    return config.rootpath / value if value else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Judge the dumps of ``at_end`` as part of the test, so that it fails and is no error."""
    outcome = yield
    check = item.stash.get(_WATCHED, None)
    for dump, options in check.later if check is not None else ():
        check(dump, **options)  # type: ignore[misc]  # not None where there is something to go through
    return outcome
