"""What can go wrong, one class a kind of failure.

Each error says what failed and where (its message) and what to do (its ``hint``). The command line catches
:class:`StackscanError` in one place, prints both and leaves with :attr:`StackscanError.exit_code`.
Damage inside a dump is not an error: it is a :class:`stackscan.snapshot.Problem`, and reading goes on.
"""

from __future__ import annotations

from typing import ClassVar


class StackscanError(Exception):
    """The job could not be done."""

    exit_code: ClassVar[int] = 2
    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = self.default_hint if hint is None else hint


class SourceError(StackscanError):
    """A source could not be opened or read: missing, a directory, no permission, a broken archive."""

    default_hint = "Give the path of a goroutine dump, or - to read one from standard input."


class LimitError(StackscanError):
    """A source is larger than stackscan will read."""

    default_hint = "This looks like a decompression bomb or the wrong file; check where it came from."


class UnrecognisedFormatError(StackscanError):
    """The bytes were read, and are no goroutine dump that stackscan knows."""

    default_hint = (
        "Take a full goroutine dump: curl -o goroutines.stacks "
        "'http://HOST:PORT/debug/pprof/goroutine?debug=2', or send SIGQUIT and keep what the process prints."
    )


class UnsupportedFormatError(UnrecognisedFormatError):
    """The bytes are a known kind of profile or archive that this version does not read."""


class CatalogueError(StackscanError):
    """A rule or pool description (data file) is wrong: what, in which file, under which key."""

    default_hint = "Compare the file with its neighbours in the catalogue; every key is described in CONTRIBUTING.md."


class UsageError(StackscanError):
    """What was asked for does not make sense: an option's value, a query, a choice among several dumps."""

    default_hint = "Every command tells its options with --help."


class PolicyError(StackscanError):
    """A check's policy is wrong: what, in which file, under which key."""

    default_hint = "docs/ci.md lists every key of a policy."


class BaselineError(StackscanError):
    """A baseline cannot be read, or is none."""

    default_hint = "Write one with: stackscan check SOURCE... --write-baseline FILE"


class ModelError(StackscanError):
    """The pool model was asked with numbers that make no pool: which number, and what it may be."""

    default_hint = "stackscan pool --help tells what each number means and its unit."


class ReproducerError(StackscanError):
    """A reproducer could not be set up or run: a number out of its limits, too few open files, threads or ports."""

    default_hint = "stackscan reproduce --help tells each limit; smaller numbers show the same."


class OutputError(StackscanError):
    """The report could not be written."""

    default_hint = "Check that the folder exists and that there is room; nothing half-written was left behind."
