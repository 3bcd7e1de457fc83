"""What happens to attachments."""

from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events


class AttachmentFacts(BaseModel):
    """What an event tells of an attachment."""

    record_id: UUID
    recordset_id: UUID
    field: str | None
    filename: str
    size: int
    content_type: str


register_events(
    [
        EventType(
            "attachment.created",
            entity="attachment",
            schema=AttachmentFacts,
            summary="A file was attached to a record.",
            phrase="attached {fact[filename]} to {name}",
        ),
        EventType(
            "attachment.deleted",
            entity="attachment",
            schema=AttachmentFacts,
            summary="A file of a record was deleted.",
            phrase="deleted {fact[filename]}, a file of {name}",
        ),
    ]
)
