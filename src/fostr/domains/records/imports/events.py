"""What happens when files are imported."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events


class ImportFacts(BaseModel):
    """What an event tells of an import that has ended, whole or in part.

    The records are those whose `import_id` is the id of the event's cause.
    """

    import_id: UUID
    job_id: UUID
    recordset_id: UUID | None
    filename: str
    outcome: Literal["completed", "cancelled", "failed"]
    imported: int
    failed: int
    requested_by: UUID


register_events(
    [
        EventType(
            "record.imported",
            entity="recordset",
            schema=ImportFacts,
            summary="A file was imported; one event for all of its records.",
        ),
    ]
)
