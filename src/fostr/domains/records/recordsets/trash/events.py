"""What happens when the trash is emptied."""

from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events


class PurgedFacts(BaseModel):
    """How many records of a recordset were deleted for good."""

    recordset_id: UUID
    count: int


register_events(
    [
        EventType(
            "records.purged",
            entity="recordset",
            schema=PurgedFacts,
            summary="Records that had been in the trash for too long were deleted for good.",
            phrase="deleted {count:record} of {name} for good",
        )
    ]
)
