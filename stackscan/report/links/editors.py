"""Addresses that open a file in an editor: templates, and what is put into them."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from stackscan.errors import UsageError

#: Editors by name, each as its documentation has it.
EDITORS: Final = {
    "cursor": "cursor://file{path}:{line}",
    "goland": "goland://open?file={path}&line={line}",
    "idea": "idea://open?file={path}&line={line}",
    "sublime": "subl://open?url=file://{path}&line={line}",
    "vscode": "vscode://file{path}:{line}",
    "zed": "zed://file{path}:{line}",
}
_LONGEST_TEMPLATE: Final = 500
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
#: What an address may consist of (RFC 3986), beside the two places.
_CHARACTERS: Final = re.compile(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&()*+,;=%-]|\{path\}|\{line\})*")
#: Schemes of addresses that run code.
_CODE: Final = frozenset({"javascript", "vbscript", "data", "blob"})
_DRIVE: Final = re.compile(r"[A-Za-z]:/")


def read_editor(text: str) -> str:
    """The template that a name or a text stands for. Raises UsageError for a text that is none."""
    if text in EDITORS:
        return EDITORS[text]
    reason = _wrong(text)
    if reason:
        raise UsageError(
            f"--editor {text[:80]!r}: {reason}",
            hint=f"Use {', '.join(EDITORS)}, or an address with {{path}} and {{line}}: vscode://file{{path}}:{{line}}",
        )
    return text


def _wrong(text: str) -> str:
    """Why a text is no template, "" for one that is."""
    scheme = _SCHEME.match(text)
    if "{path}" not in text:
        return "it has no {path}, and it is not the name of a known editor"
    if len(text) > _LONGEST_TEMPLATE:
        return f"it has more than {_LONGEST_TEMPLATE} characters"
    if scheme is None:
        return "it does not begin with a scheme, like vscode:"
    if scheme[1].lower() in _CODE:
        return f"addresses that begin with {scheme[1]}: run code"
    if not _CHARACTERS.fullmatch(text):
        return "it has characters that an address cannot have, or other places than {path} and {line}"
    return ""


def address(template: str, path: str, line: int) -> str:
    """The address that opens a file (an absolute path) at a line."""
    slashed = path.replace("\\", "/")
    rooted = f"/{slashed}" if _DRIVE.match(slashed) else slashed
    return template.replace("{path}", quote(rooted, safe="/:~@", errors="replace")).replace("{line}", str(line))
