"""What happens when files are imported."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events


class ImportFacts(BaseModel):
    """What an event tells of an import that has ended, whole or in part.

    The new records are those whose `import_id` is the id of the event's cause, and the changed ones those with a
    version that carries the cause. `updated` counts rows, of which several may have changed the same record.
    """

    import_id: UUID
    job_id: UUID
    recordset_id: UUID | None
    filename: str
    outcome: Literal["completed", "cancelled", "failed"]
    imported: int
    updated: int
    skipped: int
    failed: int
    requested_by: UUID


class ImportEnd(ImportFacts):
    """What an event tells to whoever lets the person know."""

    error_code: str | None


register_events(
    [
        EventType(
            "record.imported",
            entity="recordset",
            schema=ImportFacts,
            summary="A file was imported; one event for all of its records.",
        ),
        EventType("import.completed", entity="import", schema=ImportEnd, summary="An import has come to its end."),
        EventType(
            "import.failed",
            entity="import",
            schema=ImportEnd,
            summary="An import broke off.",
            phrase="could not finish {thing}",
        ),
        EventType("import.cancelled", entity="import", schema=ImportEnd, summary="Somebody ended an import."),
    ]
)
