"""``.ci/audit``: what it says of what pip-audit found, and of what pip-audit could not look up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from helpers import ROOT, environment

_SOUND = {"name": "lark", "version": "1.3.1", "vulns": []}
_BAD = {"name": "jinja2", "version": "3.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.1.4"]}]}
_UNKNOWN = {"name": "rich", "skip_reason": "Dependency not found on PyPI and could not be audited: rich (15.0.0)"}


def _audit(folder: Path, answers: dict[str, Any], *options: str) -> tuple[int, list[str]]:
    """How the command ends and what it says, where pip-audit answers this of each database (text: its last words)."""
    fake = folder / "python"
    fake.write_text(f"""#!{sys.executable}
import json, sys
answer = json.loads({json.dumps(json.dumps(answers))})[sys.argv[sys.argv.index("-s") + 1]]
print(answer, file=sys.stderr) if isinstance(answer, str) else print(json.dumps({{"dependencies": answer}}))
""")
    fake.chmod(0o755)
    done = subprocess.run(
        [sys.executable, ROOT / ".ci" / "audit", *options], env=environment(PYTHON=str(fake)), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert "" == done.stderr
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize("strict", [(), ("--strict",)])
@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({"pypi": [_SOUND]}, (0, ["audited: 1 packages, none with a known vulnerability (pypi)"])),
        ({"pypi": "no route", "osv": [_SOUND]}, (0, ["audited: 1 packages, none with a known vulnerability (osv)"])),
        (
            {"pypi": [_SOUND, _BAD, _UNKNOWN]},
            (1, ["jinja2 3.0: PYSEC-1 (fixed in 3.1.4)", "vulnerable: 1 of 2 packages (pypi)"]),
        ),
    ],
)
def test_an_audit_says_what_is_vulnerable(
    answers: dict[str, Any], says: tuple[int, list[str]], strict: tuple[str, ...], tmp_path: Path
) -> None:
    """Of the first database that knows all packages, or one that knows a vulnerability."""
    assert says == _audit(tmp_path, answers, *strict)


@pytest.mark.parametrize(("strict", "code"), [((), 0), (("--strict",), 2)])
def test_no_audit_is_not_taken_for_one(strict: tuple[str, ...], code: int, tmp_path: Path) -> None:
    """pip-audit says "No known vulnerabilities found" of packages that it could not look up."""
    ended, lines = _audit(tmp_path, {"pypi": [_SOUND, _UNKNOWN], "osv": "no route"}, *strict)
    assert (code, "NOT AUDITED: no database of known vulnerabilities could look up all packages.") == (ended, lines[0])
    assert ["  pypi: 1 of 2 packages could not be looked up", "  osv: no route"] == lines[1:3]


def test_ci_audits() -> None:
    """In each run, after the wheel."""
    assert "\n.ci/audit\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
