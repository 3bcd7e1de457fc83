"""What happens when records become one."""

from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events

RECORDS_MERGED = "records.merged"


class MergedFacts(BaseModel):
    """Which records became which.

    Attributes:
        count: how many records were written: the one that stays, those that went to the trash, and those of the
            recordset that linked to them.
    """

    recordset_id: UUID
    count: int
    created: int
    updated: int
    target_id: UUID
    source_ids: list[UUID]


register_events(
    [
        EventType(
            RECORDS_MERGED,
            entity="recordset",
            schema=MergedFacts,
            summary="Records of a recordset that stand for the same thing became one of them.",
            # Its count has those that linked to them in it.
            phrase="merged records in {name}",
        )
    ]
)
