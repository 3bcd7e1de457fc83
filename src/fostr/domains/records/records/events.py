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
        EventType(f"record.{happened}", entity="record", schema=RecordFacts, summary=summary, phrase=phrase)
        for happened, summary, phrase in (
            ("created", "A record was created.", "created {name}"),
            ("updated", "A record was changed.", "changed {name}"),
            ("deleted", "A record was moved to the trash.", "moved {name} to the trash"),
            ("restored", "A record came out of the trash.", "restored {name}"),
        )
    ]
)
