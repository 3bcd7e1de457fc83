"""What happens when records are exported."""

from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events


class ExportFacts(BaseModel):
    """What an event tells of an export."""

    recordset_id: UUID
    format: str
    rows: int | None


register_events(
    [
        EventType(
            "export.requested",
            entity="export",
            schema=ExportFacts,
            summary="Somebody asked for records as a file.",
            phrase="began an export of records",
        ),
        EventType(
            "export.completed",
            entity="export",
            schema=ExportFacts,
            summary="The file with the records was written.",
            phrase="finished an export of {count:record}",
        ),
        EventType(
            "export.failed",
            entity="export",
            schema=ExportFacts,
            summary="The file with the records could not be written.",
            phrase="could not finish an export of records",
        ),
    ]
)
