"""Addresses in object storage: ``s3://BUCKET/KEY``, of one object, a prefix, or a pattern of keys.

Keys are taken as they are: nothing in them is percent-decoded. A ``*`` makes a pattern, with the meaning that it has in
``fleet --pattern``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from stackscan.errors import SourceError
from stackscan.sources.address import Source
from stackscan.sources.globs import is_glob, literal_folder

_ADDRESS: Final = re.compile(r"(?P<scheme>[a-z0-9]+)://(?P<bucket>[^/]*)/?(?P<key>.*)", re.IGNORECASE | re.DOTALL)
#: How to give credentials, by the first letters of a scheme.
_CREDENTIALS: Final = {
    "s3": "Credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or from the role of the machine. "
    'Those of a profile: eval "$(aws configure export-credentials --format env)"',
    "gs": "Credentials come from GOOGLE_APPLICATION_CREDENTIALS, or from the role of the machine.",
    "az": "Credentials come from AZURE_STORAGE_ACCOUNT_NAME, with AZURE_STORAGE_ACCOUNT_KEY or "
    "AZURE_STORAGE_SAS_TOKEN, or from the role of the machine.",
}
_CREDENTIALS["ab"] = _CREDENTIALS["az"]
_BUCKET: Final = re.compile(r"[a-z0-9$][a-z0-9._-]{0,221}", re.IGNORECASE | re.ASCII)
#: A shared access signature of Azure, behind a key.
_SIGNED: Final = re.compile(r"\?(?:.*&)?(?:sig|X-Amz-Signature|X-Goog-Signature)=", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class ObjectAddress:
    """A bucket and a key in it: of an object, or of a folder when it ends in ``/`` or is empty. ``source`` is the
    address as the user gave it; its text is masked."""

    source: Source
    scheme: str
    bucket: str
    key: str

    @classmethod
    def parse(cls, source: Source) -> ObjectAddress:
        """The address that a user gave. Raises SourceError for one with a login or a signature, or without a bucket."""
        address = cls.exact(source)
        if _SIGNED.search(address.key):
            raise SourceError(
                f"{source} is a signed address, which only the https address of the object can be",
                hint=f"Give its https address, or the key without what follows the ?. {address.credentials_hint}",
            )
        return address

    @classmethod
    def exact(cls, source: Source) -> ObjectAddress:
        """The address of an object that was listed, whose key may hold anything. Raises SourceError."""
        found = _ADDRESS.fullmatch(source.with_secrets())
        if found is None or "@" in found["bucket"] or ":" in found["bucket"]:
            raise SourceError(
                f"{source} names more than a bucket before the first /: object storage takes no login from an address",
                hint=f"Write SCHEME://BUCKET/KEY. {_CREDENTIALS[str(source)[:2].lower()]}",
            )
        if not _BUCKET.fullmatch(found["bucket"]):
            raise SourceError(f"{source} names no bucket", hint="Write s3://BUCKET/KEY, gs://… or az://….")
        return cls(source, found["scheme"].lower(), found["bucket"], found["key"])

    def __str__(self) -> str:
        return str(self.source)

    @property
    def credentials_hint(self) -> str:
        """How to give credentials."""
        return _CREDENTIALS[self.scheme[:2]]

    @property
    def settings(self) -> str:
        """How the variables that set up the store begin: ``AWS``."""
        return {"s3": "AWS", "gs": "GOOGLE"}.get(self.scheme, "AZURE")

    @property
    def timeout_seconds(self) -> float | None:
        """The time limit that the user gave."""
        return self.source.timeout_seconds

    @property
    def is_glob(self) -> bool:
        """Whether it is a pattern of keys."""
        return is_glob(self.key)

    @property
    def is_folder(self) -> bool:
        """Whether it cannot be one object: a bucket, a prefix, a pattern."""
        return not self.key or self.key.endswith("/") or self.is_glob

    @property
    def folder(self) -> str:
        """The prefix below which it has its objects, with a ``/`` at its end unless it is the bucket."""
        prefix = literal_folder(self.key) if self.is_glob else self.key.strip("/")
        return f"{prefix}/" if prefix else ""

    def of(self, key: str) -> ObjectAddress:
        """The address of another key in this bucket."""
        where = f"{self.scheme}://{self.bucket}/{key}"
        return ObjectAddress(Source(where, timeout_seconds=self.timeout_seconds), self.scheme, self.bucket, key)
