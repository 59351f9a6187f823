"""The action, the GitLab template and the pre-commit hook, each run here as its runner does it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from helpers import FIXTURES, ROOT, environment, run

KUBO = FIXTURES / "kubo"
SCHEMAS = Path(__file__).resolve().parent / "schemas"
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
#: Where programs are found, this interpreter's first.
PROGRAMS = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
_INPUT = re.compile(r"\$\{\{ inputs\.([a-z-]+) \}\}")


def dump_of(name: str) -> bytes:
    """A fixture's text."""
    return gzip.decompress((KUBO / name).read_bytes())


QUIET = dump_of("v0.41.0-quiet/stack-01.txt.gz")
STALLED = dump_of("v0.40.1-stalled-tcp/stack-02.txt.gz")


class Runner:
    """What GitHub's runner does with a step of a composite action: its environment, its files, its shell."""

    def __init__(self, folder: Path) -> None:
        self.work = folder / "work"
        self.temporary = folder / "runner"
        for each in (self.work / "dumps", self.temporary):
            each.mkdir(parents=True)
        self.files = {name: folder / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH")}
        for path in self.files.values():
            path.touch()
        (self.work / "dumps" / "quiet.stacks").write_bytes(QUIET)
        (self.work / "dumps" / "stalled.stacks").write_bytes(STALLED)

    def step(self, name: str, *, before: Path | None = None, **inputs: str) -> subprocess.CompletedProcess[str]:
        """Run the step of this name; inputs that are not given have their defaults (``fail_on`` is ``fail-on``).
        ``before``: a folder whose programs come first."""
        step = next(step for step in ACTION["runs"]["steps"] if step["name"] == name)
        given = {key: str(declared.get("default", "")) for key, declared in ACTION["inputs"].items()}
        given |= {key.replace("_", "-"): value for key, value in inputs.items()}
        assert given.keys() == ACTION["inputs"].keys()
        # The runner puts inputs into env; what looks like an expression in a value is not looked at again.
        variables = {key: _INPUT.sub(lambda found: given[found[1]], text) for key, text in step["env"].items()}
        script = self.temporary / "step.sh"
        script.write_text(step["run"], encoding="utf-8")
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.work,
            env=environment(
                PATH=PROGRAMS if before is None else f"{before}{os.pathsep}{PROGRAMS}",
                RUNNER_TEMP=str(self.temporary),
                **{name: str(path) for name, path in self.files.items()},
                **variables,
            ),
            capture_output=True,
            text=True,
            check=False,
        )

    def check(self, *, before: Path | None = None, **inputs: str) -> subprocess.CompletedProcess[str]:
        """Run the step that checks."""
        return self.step("Check goroutine dumps", before=before, **inputs)

    @property
    def outputs(self) -> dict[str, str]:
        """What the steps have put out."""
        lines = self.files["GITHUB_OUTPUT"].read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)

    @property
    def summary(self) -> str:
        """The summary of the job."""
        return self.files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")

    def sarif(self, name: str = "stackscan.sarif") -> dict[str, Any]:
        """The SARIF file, which must be valid."""
        log: dict[str, Any] = json.loads((self.work / name).read_text(encoding="utf-8"))
        schema = json.loads((SCHEMAS / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
        assert list(jsonschema.Draft4Validator(schema).iter_errors(log)) == []
        return log


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """A runner whose workspace holds two dumps."""
    return Runner(tmp_path)


# -- the action --------------------------------------------------------------------------------------------------------


def test_no_input_is_part_of_a_script() -> None:
    """Inputs are text from strangers; the runner would paste them into the script before a shell reads it."""
    scripts = [step for step in ACTION["runs"]["steps"] if "run" in step]
    assert len(scripts) == 2
    for step in scripts:
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"
        assert set(step["env"].values()) <= {f"${{{{ inputs.{name} }}}}" for name in ACTION["inputs"]}
    used = {name for step in scripts for value in step["env"].values() for name in _INPUT.findall(value)}
    assert used == ACTION["inputs"].keys() - {"upload-sarif", "category"}


def test_the_action_has_every_option_of_check() -> None:
    """An option of the command is an input, or is one of those that make no sense in a job."""
    options = set(re.findall(r"(?m)^  (?:-\w, )?--([a-z-]+)", run("check", "--help").stdout))
    assert {"policy", "also", "jobs"} < options
    assert options - ACTION["inputs"].keys() == {"format", "output", "also", "open", "editor", "help"}


def test_dumps_that_pass(runner: Runner) -> None:
    """Exit code 0, a summary, and a SARIF file without results."""
    done = runner.check(sources="dumps/quiet.stacks")
    assert (done.returncode, done.stderr) == (0, "")
    assert runner.outputs == {"exit-code": "0", "sarif": "stackscan.sarif"}
    assert runner.summary.startswith("**🟢 1 capture passes**")
    assert runner.sarif()["runs"][0]["results"] == []


def test_dumps_that_fail(runner: Runner) -> None:
    """Exit code 1; the finding is in the annotations, the summary, SARIF and JUnit; a pattern is expanded."""
    done = runner.check(sources="dumps/*.stacks\n", junit="goroutines.xml")
    assert done.returncode == 1
    assert done.stdout.startswith("::error title=stackscan%3A bitswap-close-stall::12 workers")
    assert runner.outputs == {"exit-code": "1", "sarif": "stackscan.sarif"}
    assert "**🔴 1 of 2 captures fails**" in runner.summary
    assert "`bitswap-close-stall` 12 workers" in runner.summary
    assert "**Fix:** Upgrade to kubo 0.41.0" in runner.summary
    (result,) = (r for r in runner.sarif()["runs"][0]["results"] if r["level"] == "error")
    assert result["ruleId"] == "bitswap-close-stall"
    assert "<failure" in (runner.work / "goroutines.xml").read_text(encoding="utf-8")


def test_dumps_that_cannot_be_checked(runner: Runner) -> None:
    """Exit code 2, said in the summary; a SARIF file of an earlier step does not pass for this one's."""
    assert runner.check(sources="dumps/quiet.stacks").returncode == 0
    for path in runner.files.values():
        path.write_text("")
    done = runner.check(sources="dumps/none-*.stacks")
    assert done.returncode == 2
    assert "nothing matches dumps/none-*.stacks" in done.stderr
    assert runner.outputs == {"exit-code": "2"}
    assert "could not check the dumps" in runner.summary
    assert not (runner.work / "stackscan.sarif").exists()


def test_inputs_reach_the_command(runner: Runner) -> None:
    """Each input changes what the command does."""
    known = runner.check(sources="dumps/stalled.stacks", write_baseline="known.json", annotations="false")
    assert known.returncode == 0
    assert "known: bitswap-close-stall" in known.stdout
    known = runner.check(sources="dumps/stalled.stacks", baseline="known.json", sarif="", summary="false")
    assert (known.returncode, known.stdout) == (0, "stackscan: 1 capture passes (1 known)\n")
    (runner.work / "policy.toml").write_text("[check]\nmax_goroutines = 10\n")
    assert runner.check(sources="dumps/quiet.stacks", policy="policy.toml").returncode == 1
    (runner.work / "own.toml").write_text("[check]\nmax_goroutines = 10\n")
    assert runner.check(sources="dumps/quiet.stacks", config="own.toml", fail_on="error").returncode == 1
    for name, wrong in {"fail_on": "loud", "jobs": "none", "timeout": "soon", "source_root": "nowhere"}.items():
        done = runner.check(sources="dumps/quiet.stacks", **{name: wrong})
        assert done.returncode == 2, name
        assert wrong in done.stderr, name


def test_no_network_is_a_switch(runner: Runner) -> None:
    """With it no address is asked."""
    done = runner.check(sources="http://127.0.0.1:1/", no_network="true")
    assert done.returncode == 2
    assert "--no-network" in done.stderr


def test_no_source_is_a_switch(runner: Runner) -> None:
    """With it the folder of the source is not looked at, and is allowed to be wrong."""
    assert runner.check(sources="dumps/quiet.stacks", source_root="nowhere", no_source="true").returncode == 0


#: Prints its arguments, one a line that begins with ``argument:`` (their own line ends as ``|``).
STUB = """#!/bin/sh
for one; do printf 'argument:%s\\n' "$(printf '%s' "$one" | tr '\\n' '|')"; done
"""
HOSTILE = [
    "$(touch pwned)",
    "`touch pwned`",
    "x; touch pwned",
    "x' && touch pwned '",
    'x" && touch pwned "',
    "${{ github.token }} $HOME",
    "--write-baseline=pwned",
    "-o pwned",
    "x\nexit-code=0\n::set-output name=x::y",
]
#: Inputs that hold a list, a line each.
_LISTS = frozenset({"sources", "source-root"})
_SWITCHES = frozenset({"no-source", "no-network", "annotations", "summary"})


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_inputs_are_text(runner: Runner, text: str) -> None:
    """Whatever an input holds, it reaches the command as one argument, or as one a line; nothing of it is run, and it
    makes no output."""
    stub = runner.temporary / "bin" / "stackscan"
    stub.parent.mkdir()
    stub.write_text(STUB)
    stub.chmod(0o755)
    names = ACTION["inputs"].keys() - {"upload-sarif", "category", "package", "python"}
    for name in sorted(names):
        done = runner.check(**{"sources": "dump", name.replace("-", "_"): text}, before=stub.parent)
        arguments = [line for line in done.stdout.splitlines() if line.startswith("argument:")]
        assert not (runner.work / "pwned").exists(), name
        assert runner.outputs.keys() <= {"exit-code"}, name
        if name == "sarif" and "\n" in text:
            assert (done.returncode, arguments) == (2, [])
            continue
        assert (done.returncode, done.stderr) == (0, ""), name
        options, _, sources = "\n".join(arguments).partition("argument:--\n")
        whole = text.splitlines() if name in _LISTS else [text.replace("\n", "|")]
        if name == "sources":
            assert sources.splitlines() == [f"argument:{line}" for line in whole]
            continue
        assert sources == "argument:dump", name
        given = [line for line in options.splitlines() if any(line.endswith(f"={one}") for one in whole)]
        assert len(given) == (0 if name in _SWITCHES else len(whole)), name


def test_a_hostile_input_and_the_program(runner: Runner) -> None:
    """The program refuses what is no value of an option, and shows nothing of it raw."""
    done = runner.check(sources="dumps/quiet.stacks", baseline="\x1b[31mred; touch pwned")
    assert done.returncode == 2
    assert "\x1b" not in done.stderr
    assert not (runner.work / "pwned").exists()


def small_wheel(folder: Path) -> Path:
    """A wheel of a program called stackscan that says that it is one: installed without network."""
    files = {
        "stackscan_stub.py": "def main():\n    print('the wheel')\n",
        "stackscan-0.0.1.dist-info/METADATA": "Metadata-Version: 2.1\nName: stackscan\nVersion: 0.0.1\n",
        "stackscan-0.0.1.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "stackscan-0.0.1.dist-info/entry_points.txt": "[console_scripts]\nstackscan = stackscan_stub:main\n",
    }
    digests = {
        name: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        for name, text in files.items()
    }
    record = "stackscan-0.0.1.dist-info/RECORD"
    files[record] = "".join(f"{name},sha256={digests[name]},\n" for name in digests) + f"{record},,\n"
    path = folder / "stackscan-0.0.1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def test_the_install_step_installs_what_it_is_given(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel goes into a separate environment, whose programs the next steps find; options of pip do not pass."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    wheel = small_wheel(runner.work)
    done = runner.step("Install stackscan", sources="", package=str(wheel), python=sys.executable)
    assert done.returncode == 0, done.stderr
    (folder,) = runner.files["GITHUB_PATH"].read_text().splitlines()
    said = subprocess.run([Path(folder) / "stackscan"], capture_output=True, text=True, check=True)
    assert said.stdout == "the wheel\n"
    for hostile in ("--log=pwned", "$(touch pwned)"):
        assert runner.step("Install stackscan", sources="", package=hostile, python=sys.executable).returncode != 0
    assert not (runner.work / "pwned").exists()


# -- GitLab ------------------------------------------------------------------------------------------------------------


def gitlab(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the template's script as GitLab's runner does, in the image's ``sh``."""
    (job,) = yaml.safe_load((ROOT / "examples" / "gitlab-ci.yml").read_text(encoding="utf-8")).values()
    return subprocess.run(
        ["sh", "-e", "-c", "\n".join(job["script"])],
        cwd=folder,
        env=environment(PATH=PROGRAMS, **{**job["variables"], **variables}),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_gitlab_template(runner: Runner) -> None:
    """It passes and fails as the command does, and leaves what its artifacts name; words of a variable are not run."""
    (job,) = yaml.safe_load((ROOT / "examples" / "gitlab-ci.yml").read_text(encoding="utf-8")).values()
    artifacts = {*job["artifacts"]["paths"], job["artifacts"]["reports"]["junit"]}
    assert gitlab(runner.work, STACKSCAN_SOURCES="dumps/quiet.stacks").returncode == 0
    done = gitlab(runner.work)
    assert done.returncode == 1
    assert "1 of 2 captures fails" in done.stdout
    assert {path.name for path in runner.work.iterdir()} == {"dumps", *artifacts}
    runner.sarif("goroutines.sarif")
    assert gitlab(runner.work, STACKSCAN_OPTIONS="--write-baseline known.json").returncode == 0
    done = gitlab(runner.work, STACKSCAN_OPTIONS="--baseline $(touch pwned)", STACKSCAN_SOURCES="$(touch pwned)")
    assert done.returncode == 2
    assert not (runner.work / "pwned").exists()


# -- pre-commit --------------------------------------------------------------------------------------------------------


def hook_in(repository: Path, *arguments: str) -> None:
    """Configure a repository with the hook as it is shipped, but found on the path and not installed."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    local = {**hook, "language": "system", "args": list(arguments)}
    del local["language_version"]
    config = {"repos": [{"repo": "local", "hooks": [local]}]}
    (repository / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


def pre_commit(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the tool with these arguments."""
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", *arguments],
        cwd=cwd,
        env=environment(PATH=PROGRAMS, PRE_COMMIT_HOME=str(cwd / ".cache"), PRE_COMMIT_COLOR="never"),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_pre_commit_hook(tmp_path: Path) -> None:
    """pre-commit takes the manifest, and runs the hook on dumps only: it passes and fails as the command does."""
    assert pre_commit("validate-manifest", str(ROOT / ".pre-commit-hooks.yaml"), cwd=tmp_path).returncode == 0
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "testdata").mkdir()
    (tmp_path / "testdata" / "after.stacks").write_bytes(QUIET)
    (tmp_path / "notes.txt").write_text("no dump")
    hook_in(tmp_path, "--fail-on", "error")
    subprocess.run(["git", "add", "testdata", "notes.txt"], cwd=tmp_path, check=True)
    done = pre_commit("run", "--all-files", cwd=tmp_path)
    assert (done.returncode, "Passed" in done.stdout) == (0, True), done.stdout
    (tmp_path / "testdata" / "after.stacks").write_bytes(STALLED)
    subprocess.run(["git", "add", "testdata"], cwd=tmp_path, check=True)
    done = pre_commit("run", "--all-files", cwd=tmp_path)
    assert done.returncode == 1
    assert "bitswap-close-stall" in done.stdout
    assert "notes.txt" not in done.stdout
    shutil.rmtree(tmp_path / ".git")


# -- go test -----------------------------------------------------------------------------------------------------------

GO_TESTS = {
    "passes": "func TestFirst(t *testing.T) { First(1) }",
    "leaks": "func TestFirst(t *testing.T) { First(3) }",
    "fails": 'func TestFirst(t *testing.T) { t.Fatal("wrong") }',
    "hangs": "func TestFirst(t *testing.T) { select {} }",
}
GO_CODE = """package service

// First returns the first answer; the others are sent for ever.
func First(n int) int {
	answers := make(chan int)
	for range n {
		go func() { answers <- 1 }()
	}
	return <-answers
}
"""


@pytest.mark.parametrize(
    ("case", "code", "says", "says_not"),
    [
        ("passes", 0, "1 capture passes", "✗"),
        ("leaks", 1, "✗ channel-never-served", "FAIL"),
        ("fails", 1, "FAIL: TestFirst", "stackscan"),
        ("hangs", 1, "✗ test-timeout", "channel-never-served"),
    ],
)
def test_the_script_for_go_test(tmp_path: Path, case: str, code: int, says: str, says_not: str) -> None:
    """Tests that pass, leak, fail and run into their time-out: the exit code, and what is said of it."""
    if shutil.which("go") is None:
        pytest.skip("there is no Go here")
    (tmp_path / "go.mod").write_text("module example.com/service\n\ngo 1.26\n")
    (tmp_path / "service.go").write_text(GO_CODE)
    (tmp_path / "service_test.go").write_text(f'package service\n\nimport "testing"\n\n{GO_TESTS[case]}\n')
    shutil.copy(ROOT / "examples" / "leaks_test.go", tmp_path)
    done = subprocess.run(
        ["sh", ROOT / "examples" / "go-test.sh", "-timeout", "2s", "./..."],
        cwd=tmp_path,
        env=environment(
            PATH=PROGRAMS, GOROOT=None, GOEXPERIMENT="goroutineleakprofile", GOTOOLCHAIN="local", GOWORK="off"
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    if "unknown GOEXPERIMENT" in said or "requires go >=" in said:
        pytest.skip("this Go is older than 1.26")
    assert done.returncode == code, said
    assert says in said
    assert says_not not in said
