"""Shapes of undoing in the API."""

from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from fostr.domains.records.history.schemas import ChangeAuthor, ChangeCause

State: TypeAlias = Literal["done", "undoing", "undone", "partly_undone"]


class RecordsChange(BaseModel):
    """Something that somebody did to records as one thing."""

    id: UUID
    type: str = Field(description="The type of its event.")
    recordset_id: UUID
    record_id: UUID | None = Field(description="The record, when it was one.")
    count: int = Field(description="How many records it touched.")
    made_by: ChangeAuthor | None
    made_at: datetime
    cause: ChangeCause | None
    state: State = Field(
        description="`partly_undone` when some fields were changed since, and left as they are; it can be undone again."
    )
    undone_at: datetime | None


class RecordsChangePage(BaseModel):
    """A part of what was done, the newest first."""

    items: list[RecordsChange]
    next_before: UUID | None = Field(description="Send it as `before` to go on; null at the end.")


class UndoRequest(BaseModel):
    """How to undo."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"dry_run": True}]})

    dry_run: bool = Field(default=False, description="Only say what would happen, of at most 10,000 records.")
    force: bool = Field(default=False, description="Also overwrite what somebody has changed since.")


class UndoConflict(BaseModel):
    """Fields of a record that stay as they are."""

    record_id: UUID
    fields: list[str] = Field(description="Keys of fields, and any of `status`, `tags` and `owner_id`.")
    reason: str


class UndoReport(BaseModel):
    """What an undo did, does, or would do."""

    change_id: UUID = Field(description="What is undone.")
    dry_run: bool
    state: State
    count: int = Field(description="Records that the change touched.")
    undone: int = Field(description="Records that were changed back, so far.")
    skipped: int = Field(description="Records that are as they were before already.")
    refused: int = Field(description="Records of which some fields stay as they are.")
    conflicts: list[UndoConflict] = Field(description="The first thousand of them, a reason each.")
    undo_id: UUID | None = Field(description="The change that the undo is itself: undo it to do everything again.")
    job_id: UUID | None = Field(description="The job that does it, when there are many records.")
