"""What happens to records."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events


class RecordFacts(BaseModel):
    """What an event tells of a record; of a change, only what changed is in it."""

    recordset_id: UUID
    version: int
    title: str | None = None
    status: str | None = None
    field_values: dict[str, Any] | None = None
    tags: list[str] | None = None
    owner_id: UUID | None = None


register_events(
    [
        EventType("record.created", entity="record", schema=RecordFacts, summary="A record was created."),
        EventType("record.updated", entity="record", schema=RecordFacts, summary="A record was changed."),
        EventType("record.deleted", entity="record", schema=RecordFacts, summary="A record was moved to the trash."),
        EventType("record.restored", entity="record", schema=RecordFacts, summary="A record came out of the trash."),
    ]
)
