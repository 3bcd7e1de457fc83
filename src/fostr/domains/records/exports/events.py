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
            "export.requested", entity="export", schema=ExportFacts, summary="Somebody asked for records as a file."
        ),
        EventType(
            "export.completed", entity="export", schema=ExportFacts, summary="The file with the records was written."
        ),
    ]
)
