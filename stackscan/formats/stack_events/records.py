"""Events in records: objects of JSON or pairs of logfmt in which a stack is a list of frames, or a string."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from stackscan.formats import goroutine_text
from stackscan.formats.problems import EXCERPT
from stackscan.formats.stack_events import frames as lists
from stackscan.formats.stack_events import grammar
from stackscan.formats.stack_events.event import Event, Found, Frames, Said, apart, one_line
from stackscan.formats.stack_events.lines import Text, runs
from stackscan.formats.stack_events.messages import with_error
from stackscan.model.snapshot import Problem

_DEEPEST: Final = 24
#: Characters of a string whose stacks are kept for the next event: most events are equal.
_LONGEST: Final = 1 << 16
#: Fields by the last part of their path, those first that say most. A value is text.
_KIND: Final = ("exception.type", "error.type", "error.kind", "type", "errorclass", "class", "kind")
_ERROR: Final = (
    "exception.message", "error.message", "err.message", "error", "err", "value", "exception", "reason", "errormessage",
)  # fmt: skip
_MESSAGE: Final = ("msg", "message", "@message", "log_message", "event", "body")
_LEVEL: Final = ("level", "severity", "lvl", "@level", "severitytext")
#: A string that debug.Stack printed, or a tracer with it: one goroutine, and nothing above.
_PRINTED: Final = re.compile(r"\s*goroutine \d+ \[running\]:\n(?:runtime/debug\.Stack|go\.opentelemetry\.io/)")
_HEADER: Final = re.compile(r"(?m)^goroutine \d+ .*\[")
#: A state of the runtime: what has one, and no words, is a goroutine and no error.
_STATE: Final = re.compile(r"chan |select|sync\.|IO wait|semacquire|sleep|running|runnable|syscall|GC |waiting")
#: What a program says that died of a panic.
_DEATHS: Final = ("panic: ", "fatal error: ")


@dataclass(slots=True)
class _Record:
    """One record while it is walked: its texts by path, and its stacks."""

    texts: dict[str, str] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)
    stacks: list[Frames] = field(default_factory=list)
    missing: int = 0
    said_inside: str = ""
    goroutine: Event | None = None

    def text(self, *keys: str) -> str:
        """The first of some fields that is there, the ones nearest to the top first."""
        for key in keys:
            ends = [path for path in self.texts if path == key or path.endswith(f".{key}")]
            if ends:
                return self.texts[min(ends, key=len)]
        return ""


def events_in(value: Any, line: int) -> Found:
    """The events of a decoded value that stands in this line of the text."""
    found = Found(0, 0, [])
    _walk(value, line, found, {}, 0)
    return found


def _walk(value: Any, line: int, found: Found, around: dict[str, str], depth: int) -> None:
    """Collect the events of a record, or of each record of a list."""
    if isinstance(value, list) and depth < _DEEPEST:
        for entry in value:
            _walk(entry, line, found, around, depth + 1)
    elif isinstance(value, dict):
        record = _Record(texts=dict(around))
        inner: list[Any] = []
        chain = list(_chain(value))
        threads = list(_threads(value))
        apart_from = {key for key, there in (("exception", chain), ("threads", threads)) if there}
        _collect({key: v for key, v in value.items() if key not in apart_from}, "", record, inner, depth)
        if chain:
            _sentry(chain, value, record, found, line)
        else:
            _own(record, found, line)
        _add_threads(threads, value, record, found, line)
        shared = {key: text for key, text in record.texts.items() if key.rpartition(".")[2] in _LEVEL}
        for entry in inner:
            _walk(entry, line, found, shared, depth + 1)


def _collect(value: dict[str, Any], path: str, record: _Record, inner: list[Any], depth: int) -> None:
    """Take the fields of an object; lists of objects that are no stack are records of their own."""
    for key, entry in value.items():
        at = f"{path}.{key}".lower().lstrip(".")
        if isinstance(entry, str):
            _take_text(at, entry, record, inner)
        elif isinstance(entry, bool):
            record.flags[at.rpartition(".")[2]] = entry
        elif isinstance(entry, dict) and depth < _DEEPEST:
            _collect(entry, at, record, inner, depth + 1)
        elif isinstance(entry, list) and entry:
            stack = lists.frames_in(entry, key)
            if stack is not None:
                record.stacks.append(stack[0])
                record.missing += stack[1]
            elif (pairs := _attributes(entry)) is not None:
                _collect(pairs, path, record, inner, depth + 1)
            else:
                inner.append(entry)


def _take_text(path: str, text: str, record: _Record, inner: list[Any]) -> None:
    """A string: a stack, a record inside a record (docker's, a collector's), or words."""
    if ".go" in text and text.lstrip()[:1] in ("{", "[") and (nested := lists.loads(text)) is not None:
        stack = lists.frames_in(nested, path)
        if stack is None:
            inner.append(nested)
        else:
            record.stacks.append(stack[0])
            record.missing += stack[1]
        return
    printed = printed_stack(text)
    if printed is not None:
        record.stacks.append(printed.frames)
        record.goroutine, record.missing = printed, record.missing + printed.partial
        return
    stacks = stacks_in(text)
    record.stacks += [frames for frames, _, _ in stacks]
    record.missing += sum(partial for _, _, partial in stacks)
    if stacks:
        said = ": ".join(
            dict.fromkeys(words for _, words, _ in reversed(stacks) if words)
        )  # the outermost wrapping first
        record.said_inside = record.said_inside or said
        text = said or text[:EXCERPT] * (not path.endswith(("stack", "trace")))
    if text:
        record.texts.setdefault(path, one_line(text))


@grammar.remembered(256, _LONGEST)
def printed_stack(text: str) -> Event | None:
    """The goroutine of a string that debug.Stack printed; None for any other string."""
    if ".go:" not in text or not _PRINTED.match(text) or len(_HEADER.findall(text)) != 1:
        return None
    (snapshot, *_) = goroutine_text.read(text.encode("utf-8", "replace"))
    if len(snapshot.table) != 1:
        return None
    goroutine_id, stack_id, state = (snapshot.column(name)[0] for name in ("goroutine_id", "stack_id", "wait_reason"))
    stack = snapshot.stacks[stack_id]
    frames = tuple(grammar.frame(frame.function, frame.file, frame.line) for frame in stack.frames)
    partial = not snapshot.complete or bool(snapshot.problems)
    return Event(1, frames, None, stack.created_by, goroutine_id, state, partial)


@grammar.remembered(512, _LONGEST)
def stacks_in(text: str) -> list[tuple[Frames, str, bool]]:
    """The stacks in a string, each with what stands above it, and whether lines of it could not be read."""
    if ".go:" not in text or "\n" not in text:
        return []
    lines = Text(text.encode("utf-8", "replace"))
    found, above = [], 0
    for run in runs(lines, least=1):
        words = [lines.line(number) for number in range(max(above, run.first - 4), run.first)]
        found.append((run.frames, " ".join(words).strip(), run.partial))
        above = run.after
    if len(found) == 1 and len(found[0][0]) == 1 and len(lines) > 4:  # one pair in a long text
        return []
    return found


def _attributes(entries: list[Any]) -> dict[str, Any] | None:
    """OpenTelemetry's list of keys and values as an object; None for any other list."""
    found: dict[str, Any] = {}
    for entry in entries:
        pair = {str(key).lower(): value for key, value in entry.items()} if isinstance(entry, dict) else {}
        if "key" not in pair or "value" not in pair:
            return None
        value = pair["value"]
        if isinstance(value, dict):
            texts = (value.get(key) for key in ("stringValue", "Value", "string_value"))
            value = next((text for text in texts if text is not None), value)
        found[str(pair["key"])] = value
    return found


def _own(record: _Record, found: Found, line: int) -> None:
    """The event of a record that holds stacks."""
    if not record.stacks:
        return
    message = record.text(*_MESSAGE)
    said = Said(
        message=with_error(message, record.text(*_ERROR) or record.said_inside),
        kind=_kind(record),
        crashed=message.startswith(_DEATHS) or record.flags.get("unhandled", False) or _is_unhandled(record.flags),
    )
    state = record.text("state")
    if not said.words and not said.crashed and _STATE.match(state):  # a list of goroutines that another tool wrote
        found.events += [
            Event(line, frames, None, state=state, partial=bool(record.missing)) for frames in record.stacks
        ]
        return
    _add(record, said, found, line)


def _kind(record: _Record) -> str:
    """The type of an error, which has a package; other fields are called so too."""
    kind = record.text(*_KIND)
    return kind if kind.startswith("*") or "." in kind else ""


def _is_unhandled(flags: dict[str, bool]) -> bool:
    return flags.get("handled") is False or flags.get("is_crash", False)


def _add(record: _Record, said: Said | None, found: Found, line: int) -> None:
    """One goroutine for the stacks of one error; those that show another one add one each."""
    for place, frames in enumerate(apart(record.stacks)):
        partial = bool(record.missing)
        event = Event(
            line, frames, said if place == 0 else None, state="running" if said is not None and said.crashed else None
        )
        if record.goroutine is not None and record.goroutine.frames == frames:
            event = replace(record.goroutine, line=line, said=event.said)
        found.events.append(replace(event, partial=partial))
    if record.missing:
        reason = f"{record.missing:,} {'entry' if record.missing == 1 else 'entries'} of a stack could not be read"
        found.problems.append(Problem(line, reason))


# -- threads of a crash report -----------------------------------------------------------------------------------------


def _threads(value: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Frames, int]]:
    """The threads that an event lists, each with its frames and how many entries are none."""
    threads = value.get("threads")
    threads = threads.get("values") if isinstance(threads, dict) else threads
    for thread in threads if isinstance(threads, list) else ():
        stack = thread.get("stacktrace", thread.get("stack")) if isinstance(thread, dict) else None
        frames = lists.frames_in(stack.get("frames"), "frames") if isinstance(stack, dict) else None
        if frames is not None:
            yield thread, *frames


def _add_threads(
    threads: list[tuple[dict[str, Any], Frames, int]],
    event: dict[str, Any],
    record: _Record,
    found: Found,
    line: int,
) -> None:
    """Threads beside the error; the one that crashed, or made the event, has its words where no error has a stack."""
    for thread, frames, missing in threads:
        own, said = _Record(stacks=[frames], missing=missing), None
        crashed = thread.get("crashed") is True
        if not record.stacks and (crashed or thread.get("current") is True):
            words = with_error(record.text(*_MESSAGE), record.text(*_ERROR))
            said = Said(words, _kind(record), "Sentry", crashed=crashed or event.get("level") == "fatal")
        _add(own, said, found, line)


# -- Sentry ------------------------------------------------------------------------------------------------------------


def _chain(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The errors of a Sentry event, the innermost first; nothing for any other object."""
    errors = value.get("exception")
    errors = errors.get("values") if isinstance(errors, dict) else errors
    if isinstance(errors, list) and all(isinstance(error, dict) for error in errors):
        stacks = [error.get("stacktrace") for error in errors]
        if any(isinstance(stack, dict) and "frames" in stack for stack in stacks):
            yield from errors


def _sentry(chain: list[dict[str, Any]], event: dict[str, Any], record: _Record, found: Found, line: int) -> None:
    """The event of a chain of errors: the words are the outermost error's, the place is the deepest stack's."""
    for error in chain:
        stack = error.get("stacktrace")
        frames = lists.frames_in(stack.get("frames"), "frames") if isinstance(stack, dict) else None
        if frames is not None:
            record.stacks.append(frames[0])
            record.missing += frames[1]
    last, first = chain[-1], chain[0]
    handled = [error.get("mechanism") for error in chain]
    unhandled = any(isinstance(how, dict) and how.get("handled") is False for how in handled)
    said = Said(
        message=one_line(str(last.get("value") or "")),
        kind=one_line(str(first.get("type") or "")),
        tool="Sentry",
        crashed=unhandled or event.get("level") == "fatal",
    )
    if record.stacks:
        _add(record, said, found, line)
