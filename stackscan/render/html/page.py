"""The shell of every page: head, styles, scripts and their hashes; and the Jinja environment, which escapes all."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, TextIO

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from stackscan import __version__
from stackscan.render import lock_words, numbers, words

_HERE: Final = Path(__file__).parent
#: What every page has, and what those with tables of stacks have.
_SHELL: Final = ("dom", "address", "shell")
_STACKS: Final = (*_SHELL, "packed", "states", "frames", "table", "dialog")
#: The scripts of each kind of page, in the order in which each uses those before it.
_SCRIPTS: Final = {
    "report": (*_STACKS, "capture", "goroutine", "graph", "facets", "flame", "stacks", "whatif", "report"),
    "pool": (*_SHELL, "whatif"),
    "compare": (*_STACKS, "chart", "matrix", "compare"),
    "check": _SHELL,
    "fleet": (*_SHELL, "table", "fleet"),
}
#: The style sheets of each kind of page.
_STYLES: Final = {
    "report": ("page", "pools"),
    "pool": ("page", "pools"),
    "compare": ("page", "captures"),
    "check": ("page", "check"),
    "fleet": ("page", "fleet"),
}
#: Where the body of a page goes: no text holds it, for what is unprintable is escaped.
_BODY: Final = "\x02"


@cache
def environment() -> Environment:
    """The templates, with the words that other outputs use too. What is unprintable is shown as an escape, the rest
    escaped for HTML."""
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        optimized=False,  # templates are compiled at each start, which takes longer than they run
    )
    made.globals.update(words=words, numbers=numbers, lock_words=lock_words)
    made.filters["thousands"] = "{:,}".format
    return made


def _shown(value: Any) -> Any:
    """A value as a page shows it."""
    return words.shortened(words.plain(value)) if type(value) is str else value


def rendered(template: str, /, **values: object) -> str:
    """A template with these values."""
    return environment().get_template(f"{template}.html.j2").render(values)


def shell(kind: str, title: str, **values: object) -> tuple[str, str]:
    """What comes before and after the body of a page; ``kind`` (a key of _SCRIPTS) says what it shows, ``title`` names
    it."""
    style, script = _style(kind), _script(kind)
    whole = rendered(
        "page",
        kind=kind,
        title=title,
        version=__version__,
        policy=_policy(style, script),
        style=Markup(style),  # noqa: S704 - a file of ours
        script=Markup(script),  # noqa: S704 - files of ours
        body=Markup(_BODY),  # noqa: S704 - a character of ours
        **values,
    )
    before, _, after = whole.partition(_BODY)
    return before, after


def page(kind: str, template: str, out: TextIO, /, *, title: str, **values: object) -> None:
    """Write a whole page whose body is one template with these values."""
    before, after = shell(kind, title)
    out.write(before)
    out.write(rendered(template, **values))
    out.write(after)


def data(values: Mapping[str, object]) -> Markup:
    """JSON for a script element: nothing in it can end the element, or turns what is around it in an editor."""
    text = json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text = words.plain_json(text).replace("<", "\\u003c")  # which ends a script element, or begins one inside of it
    return Markup(text)  # noqa: S704 - escaped above


def _policy(style: str, script: str) -> str:
    """The Content-Security-Policy: the page's style and script, and nothing else."""
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _asset(name: str) -> str:
    return (_HERE / "assets" / name).read_text(encoding="utf-8")


@cache
def _style(kind: str) -> str:
    """All style sheets of a page as one."""
    return "\n".join(_asset(f"{name}.css") for name in _STYLES[kind])


@cache
def _script(kind: str) -> str:
    """All scripts of a page as one, whose names no other script sees."""
    parts = "\n".join(_asset(f"{name}.js") for name in _SCRIPTS[kind])
    return f'"use strict";\n(() => {{\n{parts}\n}})();\n'
