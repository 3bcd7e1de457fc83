"""What happens to links and relationships."""

from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events

RECORDS_CASCADED: Final = "records.deleted_by_link"
RECORDS_UNLINKED: Final = "records.unlinked"


class LinkFacts(BaseModel):
    """How many records of a recordset changed because those that they named in a field were deleted."""

    recordset_id: UUID
    count: int
    field: str
    linked_recordset_id: UUID


class RelationshipFacts(BaseModel):
    """What an event tells of a relationship; it leads from the record to the related one."""

    record_id: UUID
    recordset_id: UUID
    related_record_id: UUID
    related_recordset_id: UUID
    type: str
    note: str
    metadata: dict[str, Any]


register_events(
    [
        EventType(
            RECORDS_CASCADED,
            entity="recordset",
            schema=LinkFacts,
            summary="Records were moved to the trash with those that they named in a field.",
            phrase="moved {count:record} of {name} to the trash along with records that they link to",
        ),
        EventType(
            RECORDS_UNLINKED,
            entity="recordset",
            schema=LinkFacts,
            summary="Records lost names of deleted records in a field.",
            phrase="took deleted records out of the links of {count:record} in {name}",
        ),
        EventType(
            "relationship.created",
            entity="relationship",
            schema=RelationshipFacts,
            summary="Two records were related.",
            phrase="related {name} to another record",
        ),
        EventType(
            "relationship.deleted",
            entity="relationship",
            schema=RelationshipFacts,
            summary="Two records are related no more.",
            phrase="removed a relationship of {name}",
        ),
    ]
)
