"""What happens when something is undone."""

from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events

RECORDS_UNDONE = "records.undone"


class UndoneFacts(BaseModel):
    """How many records of a recordset were changed to undo something.

    Attributes:
        change_id: the event of what was undone.
    """

    recordset_id: UUID
    count: int
    created: int
    updated: int
    change_id: UUID


register_events(
    [
        EventType(
            RECORDS_UNDONE,
            entity="recordset",
            schema=UndoneFacts,
            summary="Something that somebody did to records of a recordset was undone.",
        )
    ]
)
