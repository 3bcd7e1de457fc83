"""What happens to many records at once.

A bulk write records one event for each recordset. Its cause names every record: the versions that it made carry the
same cause, and have ids of the series that the cause's id begins, and so have the records that it created; see
`expansion`.
"""

from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events

RECORDS_CREATED = "records.created"
RECORDS_UPDATED = "records.updated"
RECORDS_UPSERTED = "records.upserted"
RECORDS_DELETED = "records.deleted"


class BulkFacts(BaseModel):
    """How many records of a recordset one write touched, and how many of them in which way."""

    recordset_id: UUID
    count: int
    created: int
    updated: int


class DeletedFacts(BaseModel):
    """How many records of a recordset one write moved to the trash."""

    recordset_id: UUID
    count: int


register_events(
    [
        EventType(
            RECORDS_CREATED,
            entity="recordset",
            schema=BulkFacts,
            summary="Many records of a recordset were created at once.",
        ),
        EventType(
            RECORDS_UPDATED,
            entity="recordset",
            schema=BulkFacts,
            summary="Many records of a recordset were changed at once.",
        ),
        EventType(
            RECORDS_UPSERTED,
            entity="recordset",
            schema=BulkFacts,
            summary="Many rows changed the records of a recordset that they match, or became new ones.",
            phrase="created or changed {count:record} in {name}",
        ),
        EventType(
            RECORDS_DELETED,
            entity="recordset",
            schema=DeletedFacts,
            summary="Many records of a recordset were moved to the trash at once.",
            phrase="moved {count:record} of {name} to the trash",
        ),
    ]
)
