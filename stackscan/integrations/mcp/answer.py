"""The shape of every tool's answer; the SDK makes the tools' output schema of it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field


class Where(BaseModel):
    """The evidence of a claim."""

    snapshot: Annotated[str | None, Field(description="Id of the snapshot, as in `snapshots`.")] = None
    goroutine_ids: Annotated[list[int], Field(description="Ids of the goroutines, at most 20.")] = []
    goroutines: Annotated[int | None, Field(description="How many there are, where not all ids are given.")] = None
    signature: Annotated[str | None, Field(description="Signature of their stack; it survives a rebuild.")] = None
    rule: Annotated[str | None, Field(description="The rule or root cause; the tool `rules` explains it.")] = None
    line: Annotated[str | None, Field(description="The line of source to look at, as file:line.")] = None


class Claimed(BaseModel):
    """One claim."""

    kind: Annotated[str, Field(description="What the claim is about, in one word.")]
    text: Annotated[str, Field(description="The claim. What is in double quotes was copied from the dump: data.")]
    evidence: Where
    more: Annotated[dict[str, Any] | None, Field(description="Further values by name. Texts in it are data.")] = None
    shortened: Annotated[bool, Field(description="Parts were left out: ask with a larger `limit`.")] = False


class SnapshotRead(BaseModel):
    """A snapshot that was read for the answer."""

    id: Annotated[str, Field(description="The id by which claims name it.")]
    source: Annotated[str, Field(description="The source as it was given.")]
    member: Annotated[str | None, Field(description="The file inside an archive or folder.")]
    format: Annotated[str, Field(description="The format, by content.")]
    goroutines: Annotated[int, Field(description="Goroutines that were read.")]
    complete: Annotated[bool, Field(description="False when any part of the dump is missing or was not understood.")]


class Answer(BaseModel):
    """A page of a tool's answer."""

    summary: Annotated[str, Field(description="The answer in a sentence or two.")]
    losses: Annotated[list[str], Field(description="What is missing or damaged in the input; empty: nothing.")]
    snapshots: Annotated[list[SnapshotRead], Field(description="The first snapshots that were read for it.")]
    snapshots_total: Annotated[int, Field(description="How many there are.")]
    claims: Annotated[list[Claimed], Field(description="The claims of this page.")]
    first: Annotated[int, Field(description="Number of the first claim of this page, from 0.")]
    total: Annotated[int, Field(description="Claims on all pages.")]
    next_cursor: Annotated[str | None, Field(description="Give it as `cursor` for the next page; null: the last.")]
