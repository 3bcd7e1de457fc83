"""Shapes of a record's history in the API."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from fostr.domains.records.records.schemas import FieldValues


class ChangeAuthor(BaseModel):
    """Who made a change."""

    id: UUID
    full_name: str
    avatar_url: str | None


class ChangeCause(BaseModel):
    """Why a change was made: a request of a person, an import, a run of an automation, an undo."""

    kind: str
    id: str | None = Field(description="The request, the import, the run; shared by all that one bulk write changed.")
    merged_into: UUID | None = Field(default=None, description="Of a merge: the record that stays.")
    merged_ids: list[UUID] = Field(default=[], description="Of a merge: the records that went to the trash.")


class RecordState(BaseModel):
    """One side of a change: only what changed is in it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"field_values": {"state": "TX"}}]})

    field_values: FieldValues = {}
    status: str = "active"
    tags: list[str] = []
    owner_id: UUID | None = None


class HistoryEntry(BaseModel):
    """A version of a record, and how it came to be."""

    id: UUID
    record_id: UUID
    version: int
    operation: Literal["create", "update", "delete", "restore"]
    changed_fields: list[str] = Field(description="Keys of fields, and any of `status`, `tags` and `owner_id`.")
    before: RecordState | None = Field(description="What changed, as it was; null for the creation.")
    after: RecordState | None = Field(description="What changed, as it became.")
    changed_by: ChangeAuthor | None = Field(description="Null when no member did it.")
    cause: ChangeCause | None
    acting_as: UUID | None = Field(
        description="The administrator of the installation who did it in the member's name, when somebody did."
    )
    changed_at: datetime


def state(values: dict[str, Any] | None) -> RecordState | None:
    """Return one side of a change as it was kept; what is not in it stays unset, and is not shown."""
    return None if values is None else RecordState.model_validate(values)
