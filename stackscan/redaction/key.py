"""The secret behind the hashes: without it no one can try names until a hash fits."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

from stackscan.errors import UsageError

#: Characters that a key given by hand must have at least.
SHORTEST_KEY: Final = 16
_SALT: Final = b"stackscan redaction 1"  # not secret: it only keeps these keys apart from other uses of the same text
_DIGITS: Final = 10


def new_key() -> bytes:
    """A key that no one knows and that is forgotten with this run."""
    return secrets.token_bytes(32)


def read_key(text: str) -> bytes:
    """The key of a text of at least 16 characters, the same each time. Raises UsageError for a shorter one."""
    if len(text) < SHORTEST_KEY:
        raise UsageError(
            f"a redaction key of {len(text)} characters can be guessed; it needs {SHORTEST_KEY}",
            hint="Make one: openssl rand -hex 16. Without a key, a new one is used each time.",
        )
    return hashlib.scrypt(text.encode("utf-8", "surrogateescape"), salt=_SALT, n=1 << 14, r=8, p=1, dklen=32)


def hashed(key: bytes, text: str) -> str:
    """``x`` and ten hex digits of HMAC-SHA-256: the same for the same text and key, and not to be undone."""
    digest = hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
    return f"x{digest[:_DIGITS]}"
