"""The outputs that the commands of the pool model have."""

from __future__ import annotations

from enum import StrEnum


class Output(StrEnum):
    """The outputs of ``pool``."""

    text = "text"
    json = "json"
