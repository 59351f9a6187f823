"""Errors, one class a kind of failure.

Each error says what failed and where (its message) and what to do (its ``hint``). The command line catches
:class:`StackscanError` in one place, prints both and leaves with :attr:`StackscanError.exit_code`.
Damage inside a dump is not an error: it is a :class:`stackscan.model.snapshot.Problem`, and reading goes on.
"""

from __future__ import annotations

from typing import ClassVar
from unicodedata import combining, east_asian_width


class StackscanError(Exception):
    """The job could not be done. The message shows no address with its secrets, whatever it is made from."""

    exit_code: ClassVar[int] = 2
    default_hint: ClassVar[str] = ""
    #: Lines to show between message and hint, with what is pointed at.
    excerpt: tuple[str, ...] = ()

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(_masked(message))
        self.hint = self.default_hint if hint is None else hint

    def __reduce__(self) -> tuple[object, ...]:
        """As pickle takes it, whatever its class is made from."""
        return _again, (type(self), self.args, vars(self))


def _again(kind: type[StackscanError], args: tuple[object, ...], state: dict[str, object]) -> StackscanError:
    """An error of another process."""
    error = kind.__new__(kind, *args)
    error.args = args
    vars(error).update(state)
    return error


class SourceError(StackscanError):
    """A source could not be opened or read: missing, a directory, no permission, a broken archive."""

    default_hint = "Give the path of a goroutine dump, or - to read one from standard input."


class LimitError(StackscanError):
    """A source is larger than stackscan will read."""

    default_hint = "This may be a decompression bomb or the wrong file; check where it came from."


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

    default_hint = "Compare the file with its neighbours in the catalogue; every key is described in docs/rules.md."


class ExpressionError(StackscanError):
    """An expression of the rule language is wrong: where it stands, what was expected there and what was found.

    ``line`` and ``column`` are 1-based places in the expression's own text; ``excerpt`` is the line and a caret under
    the place.
    """

    default_hint = "docs/rules.md describes the language; `stackscan rules NAME` shows expressions that work."

    def __init__(self, what: str, *, where: str, text: str, at: int) -> None:
        start = text.rfind("\n", 0, at) + 1
        self.line = text.count("\n", 0, at) + 1
        self.column = at - start + 1
        line = f"line {self.line}, " if "\n" in text.strip() else ""
        super().__init__(f"{where}: {line}column {self.column}: {what}")
        line_text = text[start:].partition("\n")[0]
        first = max(0, self.column - 1 - _BEFORE)
        lead = visible(("…" if first else "") + line_text[first : self.column - 1])
        rest = visible(line_text[self.column - 1 : self.column - 1 + _BEHIND])
        harmless = _masked(line_text) == line_text  # an address that got here by mistake is not repeated
        self.excerpt = (lead + rest, " " * _width(lead) + "^") if text.strip() and harmless else ()


def _masked(text: str) -> str:
    """A message without the secrets of addresses. Few runs have one to mask."""
    from stackscan.model.masking import masked_text

    return masked_text(text)


_BEFORE, _BEHIND = 60, 60  # characters of a long line around the place of the error


def visible(text: str) -> str:
    """Text as a terminal may show it: what is no letter is spelled out, so that a caret stands where it should."""
    text = text.replace("\t", " ")
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)


def _width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


class ConfigurationError(StackscanError):
    """stackscan.toml, or the file that --config names, is wrong: what, under which key."""

    default_hint = "docs/rules.md lists every key of stackscan.toml."


class UsageError(StackscanError):
    """A request is invalid: an option's value, a query, a choice among several dumps."""

    default_hint = "Every command lists its options with --help."


class PolicyError(StackscanError):
    """A check's policy is wrong: what, in which file, under which key."""

    default_hint = "docs/ci.md lists every key of a policy."


class BaselineError(StackscanError):
    """A baseline cannot be read, or is none."""

    default_hint = "Create one: stackscan check SOURCE... --write-baseline FILE"


class ModelError(StackscanError):
    """A number of the pool model is out of its range: which, and what it may be."""

    default_hint = "stackscan pool --help explains each number and its unit."


class ReproducerError(StackscanError):
    """A reproducer could not be set up or run: a number out of its limits, too few open files, threads or ports."""

    default_hint = "stackscan reproduce --help lists each limit; smaller numbers show the same."


class WorkerError(StackscanError):
    """A process that did a part of the work was killed, or could not be started.

    ``verb`` and ``detail`` say what its task did to it: "killed the process", "signal 9".
    """

    default_hint = "The machine may have too little memory: give it more, or fewer processes (--jobs 1)."

    def __init__(
        self, message: str, *, hint: str | None = None, verb: str = "killed the process", detail: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.verb, self.detail = verb, detail


class StoreError(StackscanError):
    """A store of captures cannot be opened, read or written, or may not be: what, and where."""

    default_hint = "docs/store.md says what a store is, and how object storage is named."


class ClusterError(StackscanError):
    """A Dask cluster cannot be reached, or went away."""

    default_hint = "Start one with `dask scheduler`, and workers with `dask worker ADDRESS --nthreads 1`."


class MissingExtraError(StackscanError):
    """A part of stackscan that few use needs a library that is not installed: which, and which extra brings it."""

    def __init__(self, what: str, *, library: str, extra: str, hint: str | None = None) -> None:
        super().__init__(
            f"{what} needs {library}, which is not installed",
            hint=hint or f"Install it beside stackscan: pip install {library} (docs/install.md: the extra {extra!r}).",
        )


class OutputError(StackscanError):
    """The report could not be written."""

    default_hint = "Check that the folder exists and that the disk has space; no partial file was left."
