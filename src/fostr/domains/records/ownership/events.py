"""What happens when ownership changes for many things at once."""

from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events

RECORDSETS_REASSIGNED = "recordsets.reassigned"
RECORDS_REASSIGNED = "records.reassigned"


class RecordsetsReassigned(BaseModel):
    """Which recordsets went from one member to another."""

    from_member_id: UUID
    to_member_id: UUID
    count: int
    recordset_ids: list[UUID]


class RecordsReassigned(BaseModel):
    """How many records of a recordset went from one member to another; their versions carry the event's cause."""

    recordset_id: UUID
    from_member_id: UUID
    to_member_id: UUID
    count: int


register_events(
    [
        EventType(
            RECORDSETS_REASSIGNED,
            entity="member",
            schema=RecordsetsReassigned,
            summary="All recordsets of a member went to another.",
            phrase="handed over {count:recordset} of {name} to {to}",
        ),
        EventType(
            RECORDS_REASSIGNED,
            entity="recordset",
            schema=RecordsReassigned,
            summary="All records that a member owned in a recordset went to another.",
            phrase="handed over {count:record} in {name} to {to}",
        ),
    ]
)
